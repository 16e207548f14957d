"""Decisions and their answers over HTTP, redirects and the hand-off page (CON, RSP and RED rows)."""

import pytest
from attrs import evolve
from tests.support import API, ISSUER, KEY, OTHER_KEY, REDIRECT_URI
from tests.web.browser import OURS, Walk, location_of, transaction_in
from tests.web.driver import FORM, Served

from scopegate import SignedIn
from scopegate.profiles import DAY, DEFAULT

POLICY = {"default-src", "style-src", "img-src", "base-uri", "frame-ancestors"}


# Decisions


@pytest.mark.parametrize("decision", ["", "yes", "APPROVE", "approve ", "preview"])
def test_only_the_word_approve_approves(walk, decision):
    """CON-1: anything else shows the page again, and no row is made."""
    walk.authorize()
    before = walk.served.rows()
    reply = walk.decide(decision)
    assert (reply.status, walk.served.rows()) == (200, before)
    assert transaction_in(reply) == walk.transaction


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("decision", "approve"),
        ("default", "admin"),
        ("transaction", "x"),
        ("organization:acme", "admin"),
        ("foo", "x"),
    ],
)
def test_a_repeated_field_approves_nothing(walk, name, value):
    """GEN-4, CON-1: a limit that is there twice must not get lost."""
    walk.authorize()
    before = walk.served.rows()
    pairs = [*walk.form(**{name: value}).items(), (name, value)]
    reply = walk.served.post("/oauth/consent", pairs, OURS)
    assert (reply.status, walk.served.rows()) == (400, before)
    assert "could not read" in reply.text


def test_a_life_that_is_on_offer_is_chosen_in_the_form(serve):
    """The page offers it, a preview keeps it, and what is not on it is marked and approves nothing."""
    walk = Walk(serve(profile=evolve(DEFAULT, lifetimes=[DAY])))
    walk.register()
    page = walk.authorize()
    assert '<option value="86400">1 day' in page.text
    assert '<option value="" selected>Until you remove it' in page.text
    shown = walk.decide("preview", lifetime="86400")
    assert '<option value="86400" selected>1 day' in shown.text
    assert "This access ends on" in shown.text
    wrong = walk.decide(lifetime="1e99")
    assert wrong.status == 400
    assert 'aria-describedby="lifetime-no" aria-invalid="true"' in wrong.text
    walk.decide(lifetime="86400")
    assert walk.token().json["expires_in"] == 3600


def test_what_was_asked_cannot_be_altered_in_the_form(walk):
    """AZ-15: scope, client and resource in the form are ignored."""
    walk.authorize(scope="only.User.read")
    walk.decide(scope="all.Organization.bounded", client_id="x", redirect_uri="https://evil.example/")
    assert walk.token().json["scope"] == "only.User.read"


@pytest.mark.parametrize("at", [0, 20, -1])
def test_a_transaction_that_was_tampered_with_is_none(walk, at):
    """AZ-15: one other character anywhere."""
    walk.authorize()
    sealed = list(walk.transaction)
    sealed[at] = "A" if sealed[at] != "A" else "Q"
    reply = walk.decide(transaction="".join(sealed))
    assert (reply.status, reply.header("Location")) == (400, None)


def test_a_page_is_valid_for_ten_minutes(walk):
    """CON-4: to the second."""
    walk.authorize()
    walk.served.world.clock.forward(600)
    assert walk.decide().status == 400
    walk.served.world.clock.back(1)
    assert walk.decide().status == 303


def test_a_double_click_gets_the_same_answer_and_another_choice_a_page(walk):
    """CON-4: one token, one code."""
    walk.authorize()
    first, second = walk.decide(), walk.decide()
    assert (first.status, first.header("Location")) == (second.status, second.header("Location"))
    assert walk.decide(default="viewer").status == 409
    assert walk.decide("deny").status == 409
    assert len(walk.served.tokens()) == 1


def test_a_page_sealed_by_the_key_before_still_works(serve):
    """OPS-2: a rotation of keys does not lose who is on the page."""
    site = serve()
    walk = Walk(site)
    walk.register()
    walk.authorize()
    after = serve(
        sealing_keys=[OTHER_KEY, KEY],
        store=site.world.given_store,
        clock=site.world.clock,
        people=site.world.people,
    )
    walk.served = after
    assert walk.decide().status == 303
    gone = serve(sealing_keys=[OTHER_KEY], store=site.world.given_store, clock=site.world.clock)
    walk.served = gone
    assert walk.decide().status == 400


# Answers


def test_a_decision_is_answered_once_each_in_the_query(walk):
    """RSP-1, RSP-2, RSP-3, RSP-5, AZ-5: 303 with code, state and iss, and nothing else."""
    state = "+&%=\N{GREEK SMALL LETTER ALPHA} #" + "s" * 2000
    walk.authorize(state=state)
    reply = walk.decide()
    where, answer = location_of(reply)
    assert (reply.status, where) == (303, REDIRECT_URI)
    assert answer == {"code": walk.code, "state": state, "iss": ISSUER}
    assert (reply.header("Cache-Control"), reply.header("Referrer-Policy")) == ("no-store", "no-referrer")
    assert reply.body == b""


def test_a_no_is_answered_too_and_leaves_nothing(walk):
    """CON-13, RSP-2: access_denied, state, iss; no row."""
    walk.authorize()
    before = walk.served.rows()
    reply = walk.decide("deny")
    assert reply.status == 303
    assert location_of(reply)[1] == {
        "error": "access_denied",
        "error_description": "the user said no",
        "state": "state of the client",
        "iss": ISSUER,
    }
    assert walk.served.rows() == before


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": "code token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "a" * 42}, "invalid_request"),
        ({"scope": "no.such"}, "invalid_scope"),
        ({"resource": "https://other.example/"}, "invalid_target"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"prompt": "none"}, "consent_required"),
        ({"request": "x"}, "request_not_supported"),
        ({"request_uri": "https://evil.example/"}, "request_uri_not_supported"),
    ],
)
def test_what_else_is_wrong_is_told_to_the_client_after_a_get(walk, changes, error):
    """RSP-2, RSP-3, RSP-4, AZ-2 to AZ-13: 302 with error, state and iss, never with a code."""
    reply = walk.authorize(**changes)
    where, answer = location_of(reply)
    assert (reply.status, where, answer.pop("error")) == (302, REDIRECT_URI, error)
    assert answer.pop("error_description", "x")
    assert answer == {"state": "state of the client", "iss": ISSUER}
    assert (reply.header("Cache-Control"), reply.header("Referrer-Policy")) == ("no-store", "no-referrer")


def test_a_registered_query_is_kept(serve):
    """RED-5: the answer is added to it."""
    walk = Walk(serve(), redirect_uris=["https://client.example/cb?a=1&b="])
    walk.register()
    walk.authorize()
    location = walk.decide().header("Location")
    assert location.startswith("https://client.example/cb?a=1&b=&code=sgc_")


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_the_port_of_a_program_on_the_own_device_is_free(serve, host):
    """RED-2, RED-3: registered without a port, asked with one."""
    walk = Walk(serve(), redirect_uris=[f"http://{host}/callback"])
    walk.register()
    walk.authorize(redirect_uri=f"http://{host}:51004/callback")
    assert location_of(walk.decide())[0] == f"http://{host}:51004/callback"


# The hand-off page


@pytest.mark.parametrize("decision", ["approve", "deny"])
def test_an_application_that_a_browser_may_not_open_gets_a_page_with_a_link(serve, decision):
    """RSP-6, CON-7: 200, the link, no form, no-referrer, and the same protection as every page."""
    walk = Walk(serve(), redirect_uris=["cursor://anysphere.cursor-mcp/callback"])
    walk.register()
    walk.authorize()
    reply = walk.decide(decision)
    assert (reply.status, reply.header("Location")) == (200, None)
    word = "code=sgc_" if decision == "approve" else "error=access_denied"
    assert f'href="cursor://anysphere.cursor-mcp/callback?{word}' in reply.text
    assert "<form" not in reply.text
    assert reply.header("Referrer-Policy") == "no-referrer"
    assert reply.header("Cache-Control") == "no-store"
    assert reply.header("X-Frame-Options") == "DENY"


def test_an_error_goes_to_such_an_application_by_the_same_page(serve):
    """RSP-6: after a GET as well."""
    walk = Walk(serve(), redirect_uris=["com.example.app:/callback"])
    walk.register()
    reply = walk.authorize(scope="no.such")
    assert (reply.status, reply.header("Location")) == (200, None)
    assert 'href="com.example.app:/callback?error=invalid_scope' in reply.text


# Every page


def test_every_page_is_protected(walk):
    """CON-5 to CON-8, CON-18: framing, policy without form-action, referrer, and no opener policy."""
    pages = [
        walk.authorize(),
        walk.authorize(client_id="x"),
        walk.decide("preview"),
        walk.decide(default="x"),
    ]
    pages += [walk.decide("approve", ("Origin", "null")), walk.served.get("/oauth/consent")]
    assert [page.status for page in pages] == [200, 400, 200, 400, 403, 405]
    for page in pages:
        assert page.header("Content-Type") == "text/html; charset=utf-8"
        policy = {
            part.split()[0]: part.split()[1:] for part in page.header("Content-Security-Policy").split(";")
        }
        assert set(policy) == POLICY
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == ["'none'"]
        assert page.header("X-Frame-Options") == "DENY"
        assert page.header("Referrer-Policy") == "same-origin"
        assert page.header("X-Content-Type-Options") == "nosniff"
        assert page.header("Cross-Origin-Opener-Policy") is None
        assert "<script" not in page.text


def test_the_form_goes_to_the_configured_address(serve):
    """GEN-2: whatever Host says."""
    walk = Walk(serve(issuer=f"{ISSUER}/t1"), prefix="/t1/oauth")
    walk.register()
    page = walk.authorize(("Host", "evil.example"), ("X-Forwarded-Host", "evil.example"))
    assert f'action="{ISSUER}/t1/oauth/consent"' in page.text
    assert "evil.example" not in page.text


def test_the_page_says_who_asks_for_what_and_where_it_leads(walk):
    """CON-9, CON-10: client, that it is unverified, redirect host, resource, account, roles."""
    page = walk.authorize(resource=API).text
    for word in ("Example", "client.example", "Ann", "Acme", "editor"):
        assert word in page
    assert "verified" in page.lower() or "not checked" in page.lower()


def test_a_role_that_is_none_shows_the_page_again_with_the_problem(walk):
    """CON-1: 400, the problem, and no row."""
    walk.authorize()
    before = walk.served.rows()
    for changes in (
        {"default": "emperor"},
        {"default": ""},
        {"organization:acme": "emperor"},
        {"sandbox": "x"},
    ):
        reply = walk.decide(**changes)
        assert (reply.status, walk.served.rows()) == (400, before)
        assert transaction_in(reply) == walk.transaction


def test_hostile_names_are_inert(serve):
    """CON-17, CLI-4: markup, direction marks and control characters of a client."""
    walk = Walk(serve(), client_name='<script>alert(1)</script>"\u202e\x00x')
    walk.register()
    page = walk.authorize(state="<script>").text
    assert "<script" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;" in page


def test_looking_makes_no_row(site, walk):
    """AZ-14: link previews, signed-out visits, HEAD and forms that approve nothing."""
    before = site.rows()
    for who in (None, "ann", SignedIn("ann", "x")):
        site.who = who
        for _ in range(3):
            walk.authorize()
            site.ask("HEAD", f"/oauth/authorize?{walk.query()}")
    assert site.rows() == before


def test_the_oldest_of_more_than_ten_waiting_approvals_goes(walk):
    """AZ-14: at most ten per user."""
    limit = DEFAULT.pending_limit
    codes = []
    for _ in range(limit + 1):
        walk.approve()
        walk.served.world.clock.forward(1)
        codes.append(walk.code)
    assert len(walk.served.tokens()) == limit
    assert walk.token(code=codes[0]).json["error"] == "invalid_grant"
    assert walk.token(code=codes[-1]).status == 200


def test_the_current_user_may_be_awaited():
    """The host's function may be a coroutine function, where the host is asynchronous."""

    async def current_user(_scope):
        return SignedIn("ann", "awaited")

    site = Served("asgi", site={"current_user": current_user})
    walk = Walk(site)
    walk.register()
    assert walk.approve().status == 303
    site.close()


def test_pages_bear_the_product_unless_the_host_draws_its_own(serve):
    """CON-9: by default the server's product name is on every page."""
    assert "Globex Cloud" in serve(product="Globex Cloud", site={"pages": None}).get("/oauth/authorize").text


def test_the_prompt_that_clients_add_is_harmless(walk):
    """AZ-12: prompt=consent and login_hint."""
    assert walk.authorize(prompt="consent", login_hint="ann@acme.example").status == 200


def test_a_form_that_is_no_form_approves_nothing(walk):
    """GEN-8: JSON and other types."""
    walk.authorize()
    for content_type in ("application/json", "text/plain", "multipart/form-data; boundary=x"):
        body = b'{"decision":"approve"}'
        reply = walk.served.ask(
            "POST", "/oauth/consent", headers=(("Content-Type", content_type), OURS), body=body
        )
        assert reply.status == 400
    reply = walk.served.ask("POST", "/oauth/consent", headers=(FORM, OURS), body=b"decision=%ff")
    assert (reply.status, reply.header("Location")) == (400, None)
