"""Token and revocation endpoints over HTTP (TOK, CA and REV rows)."""

from base64 import b64encode
from urllib.parse import quote_plus

import pytest
from tests.web.browser import Walk
from tests.web.driver import FORM, JSON


def basic(client_id, secret):
    """The header of client_secret_basic."""
    return (
        "Authorization",
        "Basic " + b64encode(f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()).decode(),
    )


@pytest.fixture
def secretive(site):
    """A client that authenticates by Basic, with a code."""
    walk = Walk(site, token_endpoint_auth_method="client_secret_basic")
    walk.register()
    walk.approve()
    return walk


def test_a_token_response_is_json_that_nobody_keeps(walk):
    """TOK-1, TOK-2, TOK-3: 200, exactly these members, types and headers."""
    walk.approve()
    reply = walk.token()
    content = reply.json
    assert reply.status == 200
    assert sorted(content) == ["access_token", "expires_in", "refresh_token", "scope", "token_type"]
    assert content["token_type"] == "Bearer"
    assert content["expires_in"] == 3600
    assert content["scope"] == "all.Application.bounded"
    assert reply.header("Cache-Control") == "no-store"
    assert reply.header("Pragma") == "no-cache"
    assert reply.header("X-Content-Type-Options") == "nosniff"
    assert reply.header("WWW-Authenticate") is None


def test_a_json_body_is_no_form(walk):
    """TOK-1: invalid_request, and the code is still good."""
    walk.approve()
    content = {"grant_type": "authorization_code", "client_id": walk.client_id, "code": walk.code}
    reply = walk.served.post_json("/oauth/token", content)
    assert (reply.status, reply.json["error"]) == (400, "invalid_request")
    assert walk.token().status == 200


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"code": None}, "invalid_request"),
        ({"code": "garbage"}, "invalid_grant"),
        ({"code": "sgc_x.y"}, "invalid_grant"),
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": "x"}, "invalid_grant"),
        ({"redirect_uri": "https://client.example/other"}, "invalid_grant"),
        ({"resource": "https://other.example/"}, "invalid_target"),
    ],
)
def test_what_is_wrong_with_an_exchange_is_said(walk, changes, error):
    """TOK-1, TOK-5, TOK-8, CODE-4, CODE-6: 400 and the code; the authorization code survives one mistake."""
    walk.approve()
    reply = walk.token(**changes)
    assert (reply.status, reply.json["error"]) == (400, error)
    assert reply.json["error_description"]
    assert reply.header("WWW-Authenticate") is None
    assert walk.token().status == 200


def test_every_error_member_is_text(walk):
    """TOK-1: error and error_description, nothing else."""
    assert sorted(walk.token(code="x").json) == ["error", "error_description"]


@pytest.mark.parametrize("scheme", ["Basic", "basic", "BASIC"])
def test_basic_is_accepted_in_any_case_and_needs_no_client_id(secretive, scheme):
    """CA-2: form-decoded halves, and nothing of it in the body."""
    name, value = basic(secretive.client_id, secretive.client_secret)
    header = (name, value.replace("Basic", scheme))
    assert secretive.token(header, client_id=None, client_secret=None).status == 200


@pytest.mark.parametrize(
    "authorization",
    [
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic " + b64encode(b"no colon").decode(),
        "Basic " + b64encode(b":secret").decode(),
        "Basic " + b64encode(b"\xff:\xff").decode(),
        "Basic " + b64encode(b"unknown:secret").decode(),
        "Bearer sga_x.y",
        "Digest username=x",
        "",
        "\xe9\xff",
    ],
)
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
def test_a_failed_header_is_challenged_by_its_own_method(site, path, authorization):
    """CA-5: invalid_client, 401, Basic challenge."""
    parameters = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x"}
    reply = site.post(path, parameters, ("Authorization", authorization))
    assert (reply.status, reply.json["error"]) == (401, "invalid_client")
    assert reply.header("WWW-Authenticate") == 'Basic realm="default"'


def test_a_failed_secret_in_the_body_is_invalid_client_too(site):
    """CA-4, CA-5: wrong secret, no secret, unknown client; all look the same."""
    walk = Walk(site, token_endpoint_auth_method="client_secret_post")
    walk.register()
    walk.approve()
    for changes in (
        {"client_secret": "x"},
        {"client_secret": None},
        {"client_id": "unknown"},
        {"client_id": None},
    ):
        reply = walk.token(**changes)
        assert (reply.status, reply.json["error"]) == (401, "invalid_client")
    assert walk.token().status == 200


def test_two_ways_at_once_are_refused(secretive):
    """CA-3: Basic and a secret in the body; Basic and another client_id."""
    header = basic(secretive.client_id, secretive.client_secret)
    for changes in ({}, {"client_secret": None, "client_id": "other"}):
        reply = secretive.token(header, **changes)
        assert (reply.status, reply.json["error"]) == (400, "invalid_request")
    assert secretive.token(header, client_secret=None).status == 200


def test_two_authorization_headers_are_refused(secretive):
    """CA-3: even the same one twice; nothing is merged."""
    header = basic(secretive.client_id, secretive.client_secret)
    reply = secretive.token(header, header, client_secret=None)
    assert reply.status in {400, 401}
    assert reply.json["error"] in {"invalid_request", "invalid_client"}
    assert secretive.token(header, client_secret=None).status == 200


def test_a_lost_refresh_response_is_told_again(connected):
    """REF-8: the same body byte for byte, within the window."""
    old = connected.reply["refresh_token"]
    first = connected.refresh()
    assert connected.refresh(refresh_token=old) == first
    connected.served.world.clock.forward(31)
    late = connected.refresh(refresh_token=old)
    assert (late.status, late.json["error"]) == (400, "invalid_grant")


def test_a_refresh_may_narrow_and_not_widen(connected):
    """REF-4, TOK-3: the scope is always told."""
    reply = connected.refresh(scope="all.Application.read")
    assert (reply.status, reply.json["error"]) == (400, "invalid_scope")
    assert connected.refresh().json["scope"] == "all.Application.bounded"


@pytest.mark.parametrize("which", ["access_token", "refresh_token", "garbage"])
def test_revocation_says_nothing_but_done(connected, which):
    """REV-1: 200 for anything; the body is an empty object that nobody keeps."""
    sent = {"token": connected.reply.get(which, "garbage"), "client_id": connected.client_id}
    reply = connected.served.post("/oauth/revoke", sent)
    assert (reply.status, reply.body) == (200, b"{}")
    assert reply.header("Cache-Control") == "no-store"


@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", ""])
def test_a_wrong_hint_does_not_hide_a_token(connected, hint):
    """REV-4: found all the same."""
    sent = {
        "token": connected.reply["refresh_token"],
        "client_id": connected.client_id,
        "token_type_hint": hint,
    }
    connected.served.post("/oauth/revoke", sent)
    assert connected.refresh().json["error"] == "invalid_grant"


def test_revocation_needs_a_token_and_a_client(connected):
    """REV-1: 400 without a token, 401 for a bad client."""
    without = connected.served.post("/oauth/revoke", {"client_id": connected.client_id})
    assert (without.status, without.json["error"]) == (400, "invalid_request")
    foreign = connected.served.post("/oauth/revoke", {"client_id": "x", "token": "x"})
    assert (foreign.status, foreign.json["error"]) == (401, "invalid_client")


def test_a_foreign_clients_token_stays(connected):
    """REV-2: 200, and it is still alive."""
    other = Walk(connected.served)
    other.register()
    sent = {"client_id": other.client_id, "token": connected.reply["refresh_token"]}
    assert connected.served.post("/oauth/revoke", sent).status == 200
    assert connected.refresh().status == 200


@pytest.mark.parametrize("headers", [(FORM,), (JSON,), ()])
def test_an_empty_request_is_explained(site, headers):
    """TOK-1: nothing at all."""
    reply = site.ask("POST", "/oauth/token", headers=headers)
    assert reply.json["error"] in {"invalid_request", "invalid_client"}
    assert reply.json["error_description"]
