"""What every adapter does, over all four: mount at the root, use the host's session, protect, see changes at once."""

import json

import pytest
from tests.adapters.hosts import FRAMEWORKS, KINDS, ROUTES, Host
from tests.support import API, MCP
from tests.web.browser import Walk, location_of
from tests.web.driver import JSON

from scopegate import RoleCap
from scopegate.errors import DirectoryUnavailableError
from scopegate.stores import SQLiteStore

METADATA = '"https://acme.example/.well-known/oauth-protected-resource/api"'
SCOPE = "all.Organization.bounded only.User.read"


@pytest.fixture(params=KINDS)
def kind(request):
    """Every adapter, one after the other."""
    return request.param


@pytest.fixture
def make_host():
    """Makes hosts and closes them."""
    hosts = []

    def make(kind, **options):
        hosts.append(Host(kind, **options))
        return hosts[-1]

    yield make
    for host in hosts:
        host.close()


@pytest.fixture
def host(make_host, kind):
    """A host at which ann is signed in."""
    found = make_host(kind)
    found.sign_in("ann")
    return found


def connected(host, *, scope=SCOPE, **choices):
    """A client that walked all the way through this host."""
    walk = Walk(host)
    assert walk.register().status == 201
    assert walk.authorize(scope=scope).status == 200
    assert walk.decide(**choices).status == 303
    assert walk.token().status == 200
    return walk


@pytest.fixture
def walk(host):
    """A client with a token that may do much."""
    return connected(host)


def token_id(walk):
    """The id of the walk's token."""
    return walk.reply["access_token"].partition("_")[2].partition(".")[0]


def call(walk, path, method="GET"):
    """The status of a call with the walk's token."""
    return walk.served.api(method, path, walk.reply["access_token"]).status


# Mounted


@pytest.mark.parametrize(
    "path", ["/.well-known/oauth-authorization-server", "/.well-known/oauth-protected-resource/api"]
)
def test_discovery_stands_at_the_root_before_a_catch_all(host, path):
    """META-1, PRM-1: the host's own catch-all does not hide it."""
    assert host.get(path).json
    assert host.get("/anything").text == "host page"


def test_openid_discovery_is_404_in_spite_of_a_catch_all(host):
    """META-12: not 200 with the host's page."""
    assert host.get("/.well-known/openid-configuration").status == 404


def test_wrong_methods_do_not_fall_through_to_the_host(host):
    """GEN-8: 405, although the host would answer anything."""
    assert host.get("/oauth/token").status == 405
    assert host.ask("DELETE", "/.well-known/oauth-authorization-server").status == 405


def test_the_tokens_of_who_is_signed_in_are_served_before_a_catch_all(host):
    """The list, one token, its change and its end; the host's own paths beside it stay the host's."""
    walk = connected(host)
    path = f"/me/oauth-tokens/{token_id(walk)}"
    assert host.get("/me/oauth-tokens").json["count"] == 1
    ours = (JSON, ("Sec-Fetch-Site", "same-origin"))
    reply = host.ask("PATCH", path, headers=ours, body=b'{"defaultRole": "none"}')
    assert (reply.status, reply.json["defaultRole"]) == (200, "none")
    assert call(walk, "/organizations/acme") == 403
    assert host.api("GET", path, walk.reply["access_token"]).status == 200
    assert host.ask("PATCH", path, headers=ours[:1], body=b"{}").status == 403
    assert host.ask("PUT", path).status == 405
    assert host.get(f"{path}/more").json["type"] == "NotFound"
    assert host.ask("DELETE", path, headers=ours).status == 204
    assert (host.get(path).status, call(walk, "/me")) == (404, 401)
    assert host.get("/me/oauth-tokens-of-ours").text == "host page"


def test_nobody_signed_in_goes_through_the_hosts_login_and_back(make_host, kind):
    """AZ-11: the address to come back to is the request itself."""
    host = make_host(kind)
    walk = Walk(host)
    walk.register()
    reply = walk.authorize()
    where, parameters = location_of(reply)
    assert (reply.status, where) == (302, "/login")
    host.sign_in("ann")
    assert host.get(parameters["next"]).status == 200


@pytest.mark.parametrize("kind", ["asgi", *FRAMEWORKS])
def test_the_current_user_may_be_awaited(make_host, kind):
    """The host's function may be plain or a coroutine function."""
    host = make_host(kind, awaited=True)
    host.sign_in("bob")
    walk = connected(host)
    assert host.api("GET", "/me", walk.reply["access_token"]).json["user"] == "bob"


def test_another_sign_in_invalidates_an_open_page(host):
    """CON-2, CON-3: another session of the same user, and another user."""
    walk = Walk(host)
    walk.register()
    walk.authorize()
    for user, session in (("ann", "2"), ("bob", "1")):
        host.sign_in(user, session)
        assert walk.decide().status == 403
    host.sign_in("ann", "1")
    assert walk.decide().status == 303


# Protected


def test_a_route_gets_who_and_what_is_calling(walk):
    """RS-14: user, client and token."""
    reply = walk.served.api("GET", "/me", walk.reply["access_token"])
    assert reply.json == {"user": "ann", "client": "Example", "token": token_id(walk)}


@pytest.mark.parametrize(
    ("method", "path"), [(method, path) for method, path, *_ in ROUTES if path != "/tools"]
)
def test_every_route_is_closed_without_a_token(host, method, path):
    """RS-4, RS-8: 401 with the least scopes and where to read on, and no error."""
    reply = host.api(method, path)
    assert reply.status == 401
    assert (
        reply.header("WWW-Authenticate")
        == f'Bearer scope="all.Application.read", resource_metadata={METADATA}'
    )
    assert reply.json == {"reason": "no_credentials"}
    assert reply.header("Cache-Control") == "no-store"


@pytest.mark.parametrize(
    "sent", ["Bearer", "Bearer ", "Bearer x", "Bearer sga_x.y", "bearer sgr_x.y", "Bearer \xe9"]
)
def test_a_bad_token_is_invalid(host, sent):
    """RS-5, RS-10: 401 invalid_token, scope and metadata before the description."""
    reply = host.api("GET", "/me", None, ("Authorization", sent))
    assert reply.status == 401
    if reply.json["reason"] == "invalid_token":
        expected = f'Bearer resource_metadata={METADATA}, error="invalid_token", error_description="'
        assert reply.header("WWW-Authenticate").startswith(expected)
    else:
        assert (sent, reply.json["reason"]) == ("Bearer", "no_credentials")


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER ", "Bearer   "])
def test_the_scheme_may_be_written_in_any_case(walk, scheme):
    """RS-1: one or more spaces, any case."""
    header = ("Authorization", scheme + walk.reply["access_token"])
    assert walk.served.api("GET", "/me", None, header).status == 200


def test_a_token_in_the_query_counts_for_nothing(walk):
    """RS-2: 401 without an error."""
    reply = walk.served.get(f"/me?access_token={walk.reply['access_token']}")
    assert (reply.status, reply.json) == (401, {"reason": "no_credentials"})


def test_two_authorization_headers_are_refused(walk):
    """RS-3: 400 where the framework tells them apart; never accepted."""
    header = ("Authorization", f"Bearer {walk.reply['access_token']}")
    reply = walk.served.api("GET", "/me", None, header, header)
    if walk.served.kind in FRAMEWORKS:
        assert (reply.status, reply.json["error"]) == (400, "invalid_request")
        assert 'error="invalid_request"' in reply.header("WWW-Authenticate")
    else:
        assert reply.status == 401


def test_a_scope_shortage_names_the_scope_that_would_do(host):
    """RS-6, RS-8: 403 insufficient_scope with the least scope, in one challenge."""
    walk = connected(host, scope="only.User.read")
    for path, scope in (
        ("/applications/rocket", "all.Application.read"),
        ("/organizations/acme", "only.Organization.read"),
    ):
        reply = walk.served.api("GET", path, walk.reply["access_token"])
        assert (reply.status, reply.json["error"]) == (403, "insufficient_scope")
        header = reply.header("WWW-Authenticate")
        assert header.startswith(
            f'Bearer scope="{scope}", resource_metadata={METADATA}, error="insufficient_scope"'
        )
    assert call(walk, "/profile") == 200


def test_a_cap_is_no_matter_of_scopes(host):
    """RS-9: 403 without insufficient_scope and without a challenge: no new token could cure it."""
    walk = connected(host, default="viewer")
    reply = host.api("PUT", "/applications/rocket", walk.reply["access_token"])
    assert (reply.status, reply.header("WWW-Authenticate")) == (403, None)
    assert reply.json["error"] == "access_denied"
    assert reply.json["reason"] == "role_too_low"
    assert call(walk, "/applications/rocket") == 200


def test_levels_are_judged_where_the_path_says(host):
    """RS-6, RS-9, law 1: organization and application of the path; what is no place of the user's is just denied."""
    walk = connected(host, default="editor", **{"organization:acme": "viewer"})
    expected = {
        ("GET", "/organizations/acme"): 200,
        ("GET", "/organizations/globex"): 200,
        ("GET", "/organizations/nowhere"): 403,
        ("GET", "/applications/rocket"): 200,
        ("PUT", "/applications/rocket"): 403,
        ("PUT", "/applications/toy"): 200,
        ("PUT", "/applications/lamp"): 403,
        ("GET", "/applications/nothing"): 403,
        ("GET", "/profile"): 200,
    }
    assert {each: call(walk, each[1], each[0]) for each in expected} == expected


def test_a_place_that_is_not_the_users_looks_like_none(host):
    """No oracle: another's application and one that does not exist get the same answer."""
    host.sign_in("bob")
    walk = connected(host)
    replies = [
        host.api("GET", f"/applications/{name}", walk.reply["access_token"]) for name in ("lamp", "nothing")
    ]
    assert replies[0] == replies[1]
    assert replies[0].status == 403


def test_what_no_scope_covers_is_denied_without_asking_for_one(host):
    """RS-9: no token can do it, so no challenge sends the client off for another."""
    walk = connected(host, default="admin")
    reply = host.api("DELETE", "/applications/rocket", walk.reply["access_token"])
    assert (reply.status, reply.header("WWW-Authenticate")) == (403, None)


def test_a_token_for_another_resource_is_not_for_this_one(host):
    """RS-11, TOK-7: audience."""
    walk = connected(host, scope="only.User.read")
    reply = host.api("GET", "/tools", walk.reply["access_token"])
    assert (reply.status, reply.json["reason"]) == (401, "wrong_audience")
    walk.authorize(scope="only.User.read", resource=[API, MCP])
    walk.decide()
    walk.token(resource=MCP)
    assert (call(walk, "/tools"), call(walk, "/profile")) == (200, 401)


def test_each_resource_challenges_for_itself(host):
    """RS-4, RS-8: the scopes and the metadata of the resource that was called."""
    header = host.api("GET", "/tools").header("WWW-Authenticate")
    assert 'scope="only.Organization.read only.User.read"' in header
    assert 'resource_metadata="https://mcp.acme.example/.well-known/oauth-protected-resource/mcp"' in header


@pytest.mark.parametrize("path", ["/me", "/applications/rocket"])
def test_trouble_of_the_directory_is_503(walk, path):
    """Law 7: never a refusal."""
    walk.served.world.people.trouble = DirectoryUnavailableError("down")
    reply = walk.served.api("GET", path, walk.reply["access_token"])
    assert (reply.status, reply.header("Retry-After"), reply.header("Cache-Control")) == (
        503,
        "1",
        "no-store",
    )
    assert json.loads(reply.body)["error"] == "temporarily_unavailable"


# Changes between two requests, with one token and one server


def test_lowering_the_live_role_bites_on_the_next_request(walk):
    """OPS-5, law 1: and raising it again helps at once."""
    people = walk.served.world.people
    assert call(walk, "/applications/rocket", "PUT") == 200
    people.role("ann", "acme", "viewer")
    assert call(walk, "/applications/rocket", "PUT") == 403
    people.leave("ann", "acme")
    assert [call(walk, "/applications/rocket"), call(walk, "/organizations/acme")] == [403, 403]
    assert call(walk, "/organizations/globex") == 200


def test_moving_an_application_bites_on_the_next_request(walk):
    """Law 1: its role comes from the owner that the directory states now."""
    assert call(walk, "/applications/rocket", "PUT") == 200
    walk.served.world.people.move("rocket", "globex")
    assert call(walk, "/applications/rocket", "PUT") == 403
    assert call(walk, "/applications/rocket") == 200


def test_lowering_the_cap_bites_on_the_next_request(walk):
    """OPS-4: default and override."""
    server = walk.served.world.server
    assert call(walk, "/applications/rocket", "PUT") == 200
    server.recap("ann", token_id(walk), RoleCap("viewer"))
    assert call(walk, "/applications/rocket", "PUT") == 403
    server.recap("ann", token_id(walk), RoleCap("editor", {"acme": "none"}))
    assert call(walk, "/applications/rocket") == 403
    server.recap("ann", token_id(walk), RoleCap("editor"))
    assert call(walk, "/applications/rocket", "PUT") == 200


def test_pausing_bites_on_the_next_request_and_resuming_helps(walk):
    """403 without insufficient_scope while paused, so that clients keep what they have."""
    server = walk.served.world.server
    server.pause("ann", token_id(walk))
    reply = walk.served.api("GET", "/me", walk.reply["access_token"])
    assert (reply.status, reply.header("WWW-Authenticate"), reply.json["reason"]) == (403, None, "paused")
    assert "insufficient_scope" not in reply.text
    assert walk.refresh().status == 200
    assert call(walk, "/me") == 403
    server.resume("ann", token_id(walk))
    assert call(walk, "/me") == 200


def test_deleting_bites_on_the_next_request(walk):
    """OPS-4, REV-5: 401, and there is nothing to refresh."""
    assert call(walk, "/me") == 200
    walk.served.world.server.delete("ann", token_id(walk))
    assert call(walk, "/me") == 401
    assert walk.refresh().json["error"] == "invalid_grant"


def test_revocation_by_the_client_bites_on_the_next_request(walk):
    """REV-3, REV-5: its access tokens too."""
    walk.served.post("/oauth/revoke", {"client_id": walk.client_id, "token": walk.reply["refresh_token"]})
    assert call(walk, "/me") == 401


def test_disabling_the_account_bites_on_the_next_request(walk):
    """CODE-9, REF-6: the account of the host."""
    walk.served.world.people.disabled.add("ann")
    assert call(walk, "/me") == 401
    walk.served.world.people.disabled.clear()
    assert call(walk, "/me") == 200


def test_time_bites_on_the_next_request(walk):
    """RS-5: one hour, to the second."""
    walk.served.world.clock.forward(3599)
    assert call(walk, "/me") == 200
    walk.served.world.clock.forward(1)
    assert call(walk, "/me") == 401


def test_the_same_over_an_sqlite_file(make_host, kind, tmp_path):
    """OPS-4, OPS-5: every change above, with the store that hosts begin with."""
    host = make_host(kind, store=SQLiteStore(tmp_path / "store.db"))
    host.sign_in("ann")
    walk = connected(host)
    server = host.world.server
    assert call(walk, "/applications/rocket", "PUT") == 200
    host.world.people.role("ann", "acme", "viewer")
    assert call(walk, "/applications/rocket", "PUT") == 403
    host.world.people.role("ann", "acme", "admin")
    server.recap("ann", token_id(walk), RoleCap("viewer"))
    assert call(walk, "/applications/rocket", "PUT") == 403
    server.pause("ann", token_id(walk))
    assert call(walk, "/applications/rocket") == 403
    server.delete("ann", token_id(walk))
    assert call(walk, "/applications/rocket") == 401
