"""Who may call the JSON API of a user's tokens, and from where: sessions, origins, access tokens."""

import pytest
from tests.support import Journey
from tests.web.driver import JSON
from tests.web.tokens import LIST, ORIGIN, OURS, bearer, delete, patch

from scopegate import (
    ConfigurationError,
    SignedIn,
    presets,
)

# Whose


def test_nobody_sees_or_changes_the_tokens_of_somebody_else(site, one):
    """404, exactly as for what is not there."""
    site.who = SignedIn("bob", "session of bob")
    rows = site.rows()
    assert site.get(LIST).json["totalCount"] == 0
    for path in (one, f"{LIST}/nothing"):
        replies = [
            site.get(path),
            patch(site, path, {"name": "x"}),
            patch(site, path, {}),
            delete(site, path),
        ]
        replies.append(delete(site, path, OURS, ("If-Match", '"1"')))
        assert {(reply.status, reply.body) for reply in replies} == {
            (404, b'{"type": "NotFound", "message": "there is no such token"}')
        }
    assert site.rows() == rows


@pytest.mark.parametrize("path", ["", "/", "/a/b", "/t1/", "/%00", "/\N{EURO SIGN}", "/" + "a" * 129])
def test_what_is_no_id_is_not_found(site, path):
    """404 in the form of this API for every path beneath the list; the list itself is there."""
    reply = site.get(LIST + path) if path != "/%00" else site.get(f"{LIST}/\x00")
    assert reply.status == (404 if path else 200)
    assert not path or reply.json["type"] == "NotFound"


def test_without_a_session_nothing_is_told(site, one):
    """401 as JSON, no redirect; the challenge of a read says what a token would need."""
    site.who = None
    rows = site.rows()
    for reply in (site.get(LIST), site.get(one)):
        assert (reply.status, reply.json["type"], reply.header("Location")) == (401, "Unauthorized", None)
        assert reply.header("WWW-Authenticate").startswith(
            'Bearer scope="only.User.read", resource_metadata="'
        )
    for reply in (patch(site, one, {"name": "x"}), patch(site, one, []), delete(site, one)):
        assert (reply.status, reply.json["type"]) == (401, "Unauthorized")
    assert site.rows() == rows


def test_a_host_without_a_session_of_its_own_is_served(site, one):
    """A user id is enough; no cookie of ours is set or needed."""
    site.who = "ann"
    assert site.get(LIST).json["count"] == 1
    assert patch(site, one, {"name": "x"}).status == 200
    assert site.cookies == {}


# From where


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("Sec-Fetch-Site", "cross-site"),),
        (("Sec-Fetch-Site", "same-site"),),
        (("Sec-Fetch-Site", "none"),),
        (("Sec-Fetch-Site", "cross-site"), ORIGIN),
        (("Sec-Fetch-Site", ""), ORIGIN),
        (("Origin", "https://evil.example"),),
        (("Origin", "null"),),
        (("Origin", "http://acme.example"),),
        (("Origin", "https://acme.example:8443"),),
    ],
)
def test_a_change_from_elsewhere_is_refused(site, one, headers):
    """403 for another origin, and where the browser tells nothing at all: stricter than a form."""
    rows = site.rows()
    for reply in (
        site.ask("PATCH", one, headers=(JSON, *headers), body=b'{"name": "x"}'),
        site.ask("DELETE", one, headers=headers),
    ):
        assert (reply.status, reply.json["type"]) == (403, "Forbidden")
    assert site.rows() == rows


@pytest.mark.parametrize("headers", [(OURS,), (ORIGIN,), (OURS, ("Origin", "https://elsewhere.example"))])
def test_a_change_from_a_page_of_ours_is_made(site, one, headers):
    """By the browser's word for it, or by the origin where an old browser has none."""
    assert patch(site, one, {"name": "x"}, *headers).json["name"] == "x"
    assert delete(site, one, *headers).status == 204


def test_no_page_of_another_origin_reads_what_goes_by_a_cookie(site, one):
    """No CORS header on it; a preflight lets in reads by a token, and nothing else."""
    elsewhere = ("Origin", "https://evil.example")
    replies = [site.get(path, elsewhere) for path in (LIST, one, f"{LIST}/nothing", f"{LIST}?page=x")]
    replies += [patch(site, one, {}, OURS, elsewhere), site.ask("PUT", one, headers=(elsewhere,))]
    site.who = None
    replies += [site.get(LIST, elsewhere)]
    for reply in replies:
        assert not [name for name, _ in reply.headers if name.startswith("access-control-")]
    for path, allow in ((LIST, "GET, HEAD, OPTIONS"), (one, "GET, HEAD, PATCH, DELETE, OPTIONS")):
        asked = (elsewhere, ("Access-Control-Request-Method", "PATCH"))
        reply = site.ask("OPTIONS", path, headers=asked)
        assert (reply.status, reply.body, reply.header("Allow")) == (204, b"", allow)
        assert reply.header("Access-Control-Allow-Methods") == "GET, HEAD"
        assert reply.header("Access-Control-Allow-Headers") == "Authorization"
        assert reply.header("Access-Control-Allow-Credentials") is None


@pytest.mark.parametrize(
    ("path", "method"),
    [(LIST, "POST"), (LIST, "PATCH"), (LIST, "DELETE"), (f"{LIST}/x", "PUT"), (f"{LIST}/x", "POST")],
)
def test_another_method_is_refused_and_told_which_is_allowed(site, path, method):
    """GEN-8: 405 with Allow; nobody creates a token here."""
    reply = site.ask(method, path, headers=(OURS,))
    expected = "GET, HEAD, OPTIONS" if path == LIST else "GET, HEAD, PATCH, DELETE, OPTIONS"
    assert (reply.status, reply.json["type"], reply.header("Allow")) == (405, "MethodNotAllowed", expected)


def test_head_is_get_without_a_body(site, one):
    """GEN-8: the same status, headers and length."""
    for path in (LIST, one, f"{LIST}/nothing"):
        get, head = site.get(path), site.ask("HEAD", path)
        assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")


# By an access token


def test_a_token_reads_the_list_and_each_token_of_its_user(site, one, journey):
    """If its scope covers that; pages of any origin may read the answer, and no session is asked for."""
    site.who = None
    for path in (LIST, one):
        reply = site.get(path, bearer(journey))
        assert reply.status == 200
        assert reply.header("Access-Control-Allow-Origin") == "*"
        assert "ETag" in reply.header("Access-Control-Expose-Headers")
        assert reply.header("Access-Control-Allow-Credentials") is None
        assert reply.header("Cache-Control") == "no-store"
    reply = site.get(f"{LIST}/nothing", bearer(journey))
    assert (reply.status, reply.header("Access-Control-Allow-Origin")) == (404, "*")


def test_a_token_without_the_scope_is_told_which_one_it_needs(site):
    """The server's own challenge: 403 insufficient_scope, and the same in the words of this API."""
    journey = Journey(site.world, scope="all.Application.bounded").connect()
    for path in (LIST, f"{LIST}/{journey.token_id}"):
        reply = site.get(path, bearer(journey))
        assert (reply.status, reply.json["type"]) == (403, "Forbidden")
        assert (reply.json["error"], reply.json["reason"]) == ("insufficient_scope", "insufficient_scope")
        assert reply.header("WWW-Authenticate").startswith('Bearer scope="only.User.read", ')
        assert reply.header("Access-Control-Allow-Origin") == "*"


def test_a_token_that_is_not_good_is_refused_although_its_user_is_signed_in(site, one, journey):
    """Two credentials: the token counts, so that a program never gets more than its token gives."""
    for secret in ("nonsense", "", journey.access_token[:-1]):
        reply = site.get(LIST, ("Authorization", f"Bearer {secret}"))
        assert (reply.status, reply.json["type"], reply.json["error"]) == (
            401,
            "Unauthorized",
            "invalid_token",
        )
    site.world.server.pause("ann", journey.token_id)
    reply = site.get(one, ("Authorization", f"bearer {journey.access_token}"))
    assert (reply.status, reply.json["reason"]) == (403, "paused")


def test_a_token_beside_the_session_of_somebody_else_reads_its_own(site, journey):
    """The session is not even asked for."""
    site.who = SignedIn("bob", "session of bob")
    assert site.get(LIST, bearer(journey)).json["count"] == 1
    assert site.get(LIST).json["count"] == 0


@pytest.mark.parametrize(
    "written", ["Bearer {}", "bearer {}", "BEARER  {}", "Bearer", "Basic YTpi, Bearer {}", " Bearer {}"]
)
def test_a_token_neither_changes_nor_deletes_whoever_is_signed_in(site, one, journey, written):
    """403 in plain words, also for a token that is not good."""
    rows = site.rows()
    header = ("Authorization", written.format(journey.access_token))
    for reply in (patch(site, one, {"name": "x"}, OURS, header), delete(site, one, OURS, header)):
        assert (reply.status, reply.json["type"]) == (403, "Forbidden")
        assert "access token" in reply.json["message"]
    assert site.rows() == rows


def test_two_authorization_headers_are_refused(site, one, journey):
    """Which of them counts is nobody's guess."""
    both = (("Authorization", "Basic YTpi"), bearer(journey))
    for reply in (
        site.get(LIST, *both),
        site.get(one, *both),
        patch(site, one, {}, OURS, *both),
        delete(site, one, OURS, *both),
    ):
        assert reply.status in {400, 401, 403}
    assert site.get(one).status == 200


def test_another_scheme_is_the_hosts_own_matter(site):
    """Where a proxy asks for Basic, the session still counts."""
    assert site.get(LIST, ("Authorization", "Basic YTpi")).status == 200


def test_the_action_that_reading_is_may_be_named(serve):
    """By the host; or by the catalogue, where it has actions for it."""
    site = serve(site={"account_action": "User.sensitive"})
    journey = Journey(site.world).connect()
    reply = site.get(LIST, bearer(journey))
    assert (reply.status, reply.json["reason"]) == (403, "closed_to_tokens")
    site = serve(catalogue=presets.user_tokens())
    journey = Journey(site.world).connect(default="view")
    assert site.get(LIST, bearer(journey)).status == 200
    closed = presets.user_tokens(access={"userOauthTokens.get": "sensitive"})
    site = serve(catalogue=closed)
    journey = Journey(site.world).connect(default="view")
    assert site.get(LIST, bearer(journey)).status == 403
    assert site.get(f"{LIST}/{journey.token_id}", bearer(journey)).status == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"account_action": "Nothing.read"},
        {"account_action": "Application.read"},
        {"account_prefix": "me"},
        {"account_prefix": "/me/"},
    ],
)
def test_what_could_only_fail_later_fails_at_the_start(serve, wrong):
    """An action that is not there or has a place, a prefix that is no path."""
    with pytest.raises(ConfigurationError, match=f"{next(iter(wrong.values()))!r}"):
        serve(site=wrong)
