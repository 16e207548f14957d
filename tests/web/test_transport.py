"""Transport: methods, sizes, types, CORS, parameters (GEN rows)."""

import string
from urllib.parse import urlencode

import pytest
from tests.support import REDIRECT_URI
from tests.web.browser import OURS, location_of
from tests.web.driver import FORM, Sent

from scopegate import ConfigurationError
from scopegate.flows.outcomes import Done, ErrorPage, SignInFirst
from scopegate.web.messages import Request
from scopegate.web.operations import render_json, render_page

PAGES = ("/oauth/authorize", "/oauth/consent")
PROGRAMS = ("/oauth/token", "/oauth/revoke", "/oauth/register")
DOCUMENTS = ("/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource/api")
CLEAN = set(string.printable[:95]) - set('"\\')


def is_explained(reply):
    """Whether a refusal says why: a page of ours, or an error and its description in the charset of GEN-6."""
    if reply.header("Content-Type") == "text/html; charset=utf-8":
        return "<h1" in reply.text
    error, description = reply.json["error"], reply.json["error_description"]
    return bool(error and description) and set(error + description) <= CLEAN


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("/oauth/authorize", "POST", "GET, HEAD"),
        ("/oauth/authorize", "DELETE", "GET, HEAD"),
        ("/oauth/consent", "GET", "POST"),
        ("/oauth/consent", "HEAD", "POST"),
        *(
            (path, method, "POST, OPTIONS")
            for path in PROGRAMS
            for method in ("GET", "HEAD", "PUT", "DELETE")
        ),
    ],
)
def test_another_method_is_refused_and_told_which_is_allowed(site, path, method, allowed):
    """GEN-8: 405 with Allow."""
    reply = site.ask(method, path)
    assert (reply.status, reply.header("Allow")) == (405, allowed)
    assert method == "HEAD" or is_explained(reply)


@pytest.mark.parametrize("path", [*PROGRAMS, *DOCUMENTS])
def test_programs_of_any_origin_are_let_in(site, path):
    """GEN-9: preflight and answer; any origin, no credentials, the headers that clients send."""
    origin = ("Origin", "https://inspector.example")
    asked = (
        origin,
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "mcp-protocol-version"),
    )
    reply = site.ask("OPTIONS", path, headers=asked)
    assert (reply.status, reply.body, reply.header("Content-Length")) == (204, b"", None)
    allowed = {name.strip().lower() for name in reply.header("Access-Control-Allow-Headers").split(",")}
    assert allowed >= {"authorization", "content-type", "mcp-protocol-version", "dpop"}
    assert "POST" in reply.header("Access-Control-Allow-Methods")
    for each in (reply, site.post(path, {}, origin), site.ask("PUT", path, headers=(origin,))):
        assert each.header("Access-Control-Allow-Origin") == "*"
        assert each.header("Access-Control-Allow-Credentials") is None


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("method", ["OPTIONS", "GET", "POST"])
def test_pages_answer_no_foreign_program(site, path, method):
    """GEN-10: no CORS header on authorization and consent, whatever the answer is."""
    origin = ("Origin", "https://inspector.example")
    long_query = path + "?" + "x" * 20_000
    for reply in (site.ask(method, path, headers=(origin,)), site.ask(method, long_query, headers=(origin,))):
        assert not [name for name, _ in reply.headers if name.startswith("access-control-")]
        assert is_explained(reply)


def test_a_preflight_of_a_page_is_a_wrong_method(site):
    """GEN-10: OPTIONS is no method of a page."""
    assert site.ask("OPTIONS", "/oauth/authorize").status == 405


@pytest.mark.parametrize("path", [*PROGRAMS, "/oauth/consent", *DOCUMENTS])
def test_a_body_that_is_too_long_is_refused(site, path):
    """GEN-8: 413, before anything is parsed."""
    reply = site.ask("POST", path, headers=(FORM,), body=b"a" * (2**20 + 1))
    assert reply.status == 413
    assert is_explained(reply)


def test_a_body_of_exactly_the_allowed_length_is_read(site):
    """GEN-8: the limit itself is still allowed."""
    reply = site.ask("POST", "/oauth/token", headers=(FORM,), body=b"a=" + b"a" * 65_534)
    assert (reply.status, reply.json["error"]) == (401, "invalid_client")
    assert site.ask("POST", "/oauth/token", headers=(FORM,), body=b"a=" + b"a" * 65_535).status == 413


@pytest.mark.parametrize("path", [*PAGES, *PROGRAMS, *DOCUMENTS])
def test_a_query_that_is_too_long_is_refused(site, path):
    """GEN-8: 414."""
    reply = site.get(f"{path}?{'x' * 20_000}")
    assert reply.status == 414
    assert is_explained(reply)


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data", None])
def test_only_forms_are_read(walk, path, content_type):
    """GEN-8, TOK-1: another content type is invalid_request, whatever the body says."""
    headers = (("Content-Type", content_type),) if content_type else ()
    body = urlencode({"client_id": walk.client_id, "token": "x", "grant_type": "refresh_token"}).encode()
    reply = walk.served.ask("POST", path, headers=headers, body=body)
    assert (reply.status, reply.json["error"]) == (400, "invalid_request")
    assert "application/x-www-form-urlencoded" in reply.json["error_description"]


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-URLencoded"]
)
def test_the_content_type_may_carry_a_charset_and_any_case(walk, content_type):
    """TOK-1: what form libraries send."""
    body = f"client_id={walk.client_id}&token=x".encode()
    reply = walk.served.ask("POST", "/oauth/revoke", headers=(("Content-Type", content_type),), body=body)
    assert (reply.status, reply.body) == (200, b"{}")


def test_unknown_parameters_change_nothing(walk):
    """GEN-3: at every step of the flow."""
    assert walk.authorize(foo="1").status == 200
    assert walk.decide(foo="1").status == 303
    assert walk.token(foo="1").status == 200
    assert walk.refresh(foo="1").status == 200


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_repeating_what_says_where_to_answer_gets_a_page(walk, name):
    """GEN-4, RED-6: two client ids or redirection URIs, even equal ones, are never answered by a redirect."""
    value = {"client_id": walk.client_id, "redirect_uri": REDIRECT_URI}[name]
    reply = walk.authorize(**{name: [value, value]})
    assert (reply.status, reply.header("Location")) == (400, None)
    assert "says the same thing twice" in reply.text


@pytest.mark.parametrize(
    "name", ["state", "scope", "code_challenge", "code_challenge_method", "response_type"]
)
def test_repeating_anything_else_is_told_to_the_client(walk, name):
    """GEN-4: invalid_request by redirect."""
    where, answer = location_of(walk.authorize(**{name: ["code", "code"]}))
    assert (where, answer["error"], answer["iss"]) == (
        REDIRECT_URI,
        "invalid_request",
        "https://acme.example",
    )


@pytest.mark.parametrize("name", ["grant_type", "code", "code_verifier", "client_id", "redirect_uri"])
def test_repeating_a_parameter_of_a_token_request_is_refused(walk, name):
    """GEN-4: invalid_request, and the code is not burned."""
    walk.approve()
    right = {"grant_type": "authorization_code", "client_id": walk.client_id, "code": walk.code}
    body = urlencode([*right.items(), (name, "x"), (name, "x")]).encode()
    reply = walk.served.ask("POST", "/oauth/token", headers=(FORM,), body=body)
    assert (reply.status, reply.json["error"]) == (400, "invalid_request")
    assert name in reply.json["error_description"]
    assert walk.token().status == 200


def test_an_empty_value_is_an_absent_one(walk):
    """GEN-4: an empty challenge is none, an empty resource or state is nothing."""
    assert location_of(walk.authorize(code_challenge=""))[1]["error"] == "invalid_request"
    walk.authorize(resource="", state="")
    assert "state" not in location_of(walk.decide())[1]


@pytest.mark.parametrize("secret", ["client_secret", "client_id"])
def test_nothing_of_a_query_counts_at_the_token_endpoint(walk, secret):
    """GEN-7: a secret, or the whole request, in the address is not taken."""
    walk.register(token_endpoint_auth_method="client_secret_post")
    walk.approve()
    moved = {"client_secret": walk.client_secret, "client_id": walk.client_id}[secret]
    body = {"grant_type": "authorization_code", "client_id": walk.client_id, "code": walk.code}
    body |= {"client_secret": walk.client_secret}
    del body[secret]
    reply = walk.served.post(f"/oauth/token?{secret}={moved}", body)
    assert (reply.status, reply.json["error"]) == (401, "invalid_client")


def test_a_query_beside_a_good_body_is_ignored(walk):
    """GEN-3, GEN-7: it neither helps nor hurts."""
    walk.approve()
    walk.prefix = "/oauth"
    body = {
        "grant_type": "authorization_code",
        "client_id": walk.client_id,
        "code": "x",
        "code_verifier": "x",
    }
    reply = walk.served.post("/oauth/token?api-version=1&code=y", body)
    assert reply.json["error"] == "invalid_grant"


HOSTILE = ['a"b', "a\\b", "a\r\nSet-Cookie: x=y", "\N{PILE OF POO}", "\x00\x7f", "a\tb"]


@pytest.mark.parametrize("text", HOSTILE)
def test_errors_are_clean_ascii_whatever_was_sent(walk, text):
    """GEN-6: in redirects and in JSON; nothing of what was sent comes back."""
    answer = location_of(walk.authorize(scope=text))[1]
    assert set(answer["error"] + answer["error_description"]) <= CLEAN
    replies = [
        walk.token(code=text),
        walk.token(grant_type=text),
        walk.token(scope=text, grant_type="refresh_token", refresh_token="x"),
        walk.token(**{text: ""}, client_id=text),
        walk.served.post_json("/oauth/register", {"redirect_uris": [text]}),
        walk.served.post_json("/oauth/register", walk.metadata | {"token_endpoint_auth_method": text}),
        walk.served.post("/oauth/revoke", {"client_id": text, "token": text}),
    ]
    body = urlencode([("client_id", "x"), (text, "1"), (text, "2")]).encode()
    replies.append(walk.served.ask("POST", "/oauth/token", headers=(FORM,), body=body))
    for reply in replies:
        assert reply.status in {400, 401}
        assert is_explained(reply)
        assert "Set-Cookie" not in reply.text


def test_whatever_concerns_credentials_is_kept_nowhere(walk):
    """GEN-5: no-store on every reply with tokens, codes, credentials or consent, errors too."""
    replies = [walk.register(), walk.authorize(), walk.authorize(client_id="x"), walk.authorize(scope="x")]
    replies += [walk.decide(), walk.decide("deny"), walk.token(), walk.token(), walk.refresh()]
    replies += [walk.served.post("/oauth/revoke", {"client_id": walk.client_id, "token": "x"})]
    replies += [walk.served.post_json("/oauth/register", {}), walk.served.get("/oauth/token")]
    walk.served.who = None
    replies += [walk.authorize(), walk.served.post("/oauth/consent", walk.form(), OURS)]
    assert {reply.header("Cache-Control") for reply in replies} == {"no-store"}
    assert {reply.status for reply in replies} >= {200, 201, 302, 303, 400, 403, 405, 409}


def test_json_says_that_it_is_json_and_nothing_else(walk):
    """Section 5.2: type, nosniff and Pragma on what programs get."""
    walk.approve()
    replies = [walk.token(), walk.token(), walk.register(), walk.served.post_json("/oauth/register", [])]
    for reply in replies:
        assert reply.header("Content-Type") == "application/json"
        assert reply.header("X-Content-Type-Options") == "nosniff"
        assert reply.header("Pragma") == "no-cache"


def test_an_unknown_path_is_not_found_in_words(site):
    """GEN-8: what the generic application does not serve."""
    reply = site.get("/oauth/nothing")
    assert (reply.status, reply.json["error"]) == (404, "not_found")
    assert is_explained(reply)


@pytest.mark.parametrize("path", PROGRAMS)
def test_a_body_that_breaks_off_does_nothing(walk, path):
    """GEN-8: half a request is no request, however well its half reads."""
    walk.approve()
    before = walk.served.rows()
    body = urlencode({"grant_type": "authorization_code", "client_id": walk.client_id, "code": walk.code})
    sent = Sent("POST", path, b"", (FORM,), (body.encode(), b"&code_verifier="), cut=True)
    reply = walk.served.send(sent)
    assert reply is None or (reply.status == 400 and is_explained(reply))
    assert walk.served.rows() == before


def test_a_consent_form_that_breaks_off_approves_nothing(walk):
    """CON-1: the limits may have been in the half that is missing."""
    walk.authorize()
    before = walk.served.rows()
    sent = Sent("POST", "/oauth/consent", b"", (FORM,), urlencode(walk.form()).encode(), cut=True)
    reply = walk.served.send(sent)
    assert reply is None or (reply.status == 400 and is_explained(reply))
    assert walk.served.rows() == before


def test_a_body_may_come_in_pieces(walk):
    """GEN-8: one byte at a time is the same request."""
    body = f"client_id={walk.client_id}&token=x".encode()
    pieces = tuple(body[at : at + 1] for at in range(len(body)))
    assert walk.served.send(Sent("POST", "/oauth/revoke", b"", (FORM,), pieces)).status == 200


def test_a_body_that_is_too_long_is_not_read_to_its_end(site):
    """GEN-8: 413 as soon as it is clear, whatever would still come."""
    pieces = (b"a=" + b"a" * 65_535, b"b" * 65_535, b"c")
    assert site.send(Sent("POST", "/oauth/token", b"", (FORM,), pieces)).status == 413


@pytest.mark.parametrize("query", [b"state=%ff", b"state=\xff", b"&".join([b"a=b"] * 5001)])
def test_a_query_that_is_no_text_gets_a_page(walk, query):
    """GEN-4, RED-6: bad UTF-8 and too many parameters; nothing is redirected."""
    reply = walk.served.send(Sent("GET", "/oauth/authorize", walk.query().encode() + b"&" + query))
    assert (reply.status, reply.header("Location")) == (400 if len(query) < 16_000 else 414, None)
    assert "could not read" in reply.text


def test_too_many_parameters_are_refused(site):
    """GEN-4: more than anybody needs."""
    reply = site.ask("POST", "/oauth/token", headers=(FORM,), body=b"&".join([b"a=b"] * 5001))
    assert (reply.status, reply.json["error_description"]) == (400, "too many parameters")


def test_a_login_page_must_be_named(serve):
    """AZ-11: without one nobody could ever sign in; at start-up."""
    with pytest.raises(ConfigurationError, match="login_url is empty"):
        serve(login_url="")


@pytest.mark.parametrize(
    ("render", "outcome"),
    [(render_page, Done()), (render_json, SignInFirst()), (render_json, ErrorPage("bad_request"))],
)
def test_an_answer_of_the_other_kind_is_a_mistake_of_ours(site, render, outcome):
    """RED-6: a page is never sent to a program as JSON, nor JSON to a person."""
    with pytest.raises(TypeError, match="page"):
        render(site.app.site.surface, Request("GET", "/"), outcome)
