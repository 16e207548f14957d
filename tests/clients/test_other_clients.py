"""Clients that people use in Python, against an API of ours, over real HTTP."""

import pytest
from tests.clients.programs import Program
from tests.hygiene.plugin import ISSUED, TOLD

pytestmark = pytest.mark.slow
ROCKET = {"do": "get", "path": "/api/applications/rocket/devices"}
ANSWER = {
    "event": "answer",
    "status": 200,
    "body": {"user": "ann@acme.example", "devices": ["nozzle"]},
}


def connect(start, host, approve, script, method) -> Program:
    """Start a client and bring it to its token."""
    client = start(Program, script, host.address, method)
    asked = client.hear()
    assert asked["event"] == "open"
    approve(asked["url"])
    assert client.hear() == {"event": "connected", "scope": "all.Application.read"}
    return client


@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post"])
def test_authlib_connects_calls_refreshes_and_gives_its_token_back(start, host, approve, method):
    """RFC 6749, 7636, 7591, 7009, and RFC 8414 for the addresses."""
    client = connect(start, host, approve, "authlib_client.py", method)
    assert client.ask(**ROCKET) == ANSWER
    assert client.ask(do="refresh") == {"event": "refreshed", "changed": True}
    assert client.ask(**ROCKET) == ANSWER
    assert client.ask(do="revoke") == {"event": "revoked", "status": 200}
    assert client.ask(**ROCKET)["status"] == 401
    assert [token["status"] for token in host.control("tokens")] == ["revoked"]


def test_the_guard_knows_what_a_host_of_these_tests_issues(start, host, approve, tmp_path):
    """Law 5: a code and a pair of tokens at least; it looks for them in what the host logs and keeps."""
    before = len(ISSUED)
    connect(start, host, approve, "authlib_client.py", "none")
    TOLD.learn()
    assert len(ISSUED) >= before + 3
    assert "oauthlib" in (tmp_path / "host.py.log").read_text("utf-8")


# When this client refreshes by itself, it sends its secret in the body, however it was registered.
@pytest.mark.parametrize("method", ["none", "client_secret_post"])
def test_requests_oauthlib_connects_calls_and_refreshes_by_itself(start, host, approve, method):
    """Its token expires on its own clock too; the next call refreshes first."""
    client = connect(start, host, approve, "requests_client.py", method)
    assert client.ask(**ROCKET) == ANSWER
    host.control("forward", seconds=3601.0)
    assert client.ask(do="forward", seconds=3601.0) == {"event": "moved"}
    assert client.ask(**ROCKET)["event"] == "refreshed"
    assert client.hear() == ANSWER
    host.control("pause")
    paused = client.ask(**ROCKET)
    assert (paused["status"], paused["body"]["reason"]) == (403, "paused")
    host.control("resume")
    assert client.ask(**ROCKET) == ANSWER


@pytest.mark.browser
def test_chromium_walks_from_sign_in_to_the_client_on_a_loopback_port(start, host, approve_in_chromium):
    """No rule of ours about where forms may lead stops the redirect after the consent form."""
    client = connect(start, host, approve_in_chromium, "authlib_client.py", "none")
    assert client.ask(**ROCKET) == ANSWER
