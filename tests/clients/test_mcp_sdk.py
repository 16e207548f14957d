"""The client of the MCP Python SDK against an MCP server of ours, over real HTTP."""

from urllib.parse import parse_qsl, urlsplit

import httpx2
import pytest
from tests.clients.programs import Program

pytestmark = pytest.mark.slow
HOUR = 3601.0
WRITE = "all.Application.bounded"
DAYS = 86_400.0
READ = {"do": "call", "tool": "list_devices", "arguments": {"application_id": "rocket"}}
ADD = {"do": "call", "tool": "add_device", "arguments": {"application_id": "rocket", "name": "fin"}}
DEVICES = {"event": "result", "text": "nozzle", "is_error": False}


@pytest.fixture(params=["auto", "legacy"])
def client(request, start, host):
    """The client, once with the newest protocol and once with the handshake and sessions of the older ones."""
    return start(Program, "mcp_client.py", f"{host.address}/mcp", request.param)


@pytest.fixture
def modern(start, host):
    """The client with the newest protocol."""
    return start(Program, "mcp_client.py", f"{host.address}/mcp", "auto")


def connect(client, approve, **chosen) -> dict:
    """From nothing to a first result; gives what it learnt about its tokens."""
    client.say(**READ)
    assert client.hear()["event"] == "registered"
    asked = client.hear()
    assert asked["event"] == "open"
    approve(asked["url"], **chosen)
    tokens = client.hear()
    assert tokens["event"] == "tokens"
    assert client.hear() == DEVICES
    return tokens


def forward(host, client, seconds) -> None:
    """Let time pass for both."""
    host.control("forward", seconds=seconds)
    assert client.ask(do="forward", seconds=seconds) == {"event": "moved"}


def keeps_its_consent(host, client, approve):
    """The core promise: paused is refused, resumed works again, and nobody is asked a second time."""
    first = connect(client, approve, default="editor")
    assert first["scope"] == "all.Application.read"
    assert client.ask(**READ) == DEVICES

    forward(host, client, HOUR)
    refreshed = client.ask(**READ)
    assert refreshed["event"] == "tokens"
    assert refreshed["access"] != first["access"]
    assert refreshed["refresh"] != first["refresh"]
    assert client.hear() == DEVICES

    host.control("pause")
    refused = client.ask(**READ)
    assert refused["event"] == "failed"
    assert "the user has switched this token off" in refused["message"]

    forward(host, client, HOUR)
    while_paused = client.ask(**READ)
    assert while_paused["event"] == "tokens"
    assert client.hear()["event"] == "failed"

    forward(host, client, HOUR)
    host.control("resume")
    resumed = client.ask(**READ)
    assert resumed["event"] == "tokens"
    assert client.hear() == DEVICES
    assert [token["status"] for token in host.control("tokens")] == ["active"]


def test_a_paused_token_works_again_without_a_new_consent(host, client, approve):
    """Even when its access token expired in between, once before and once after it was resumed."""
    keeps_its_consent(host, client, approve)


@pytest.mark.browser
def test_a_token_approved_in_chromium_keeps_its_consent(host, modern, approve_in_chromium):
    """The same with a real browser at the pages."""
    keeps_its_consent(host, modern, approve_in_chromium)


def test_a_cap_is_a_tool_error_and_no_reason_to_ask_again(host, modern, approve):
    """The client learns the stable reason; it does not start an authorization that could not help."""
    connect(modern, approve, default="editor")
    host.control("recap", default="none")
    denied = modern.ask(**READ)
    assert denied["is_error"]
    assert '"reason": "role_too_low"' in denied["text"]
    host.control("recap", default="viewer")
    assert modern.ask(**READ) == DEVICES


def test_a_scope_shortage_asks_the_person_for_more(host, modern, approve):
    """Step-up: the challenge names what is missing, and the SDK asks for it together with what it had."""
    connect(modern, approve, default="editor")
    asked = modern.ask(**ADD)
    assert asked["event"] == "open"
    assert WRITE in asked["url"]
    assert "all.Application.read" in asked["url"]
    approve(asked["url"], default="editor")
    assert WRITE in modern.hear()["scope"].split()
    assert modern.hear() == {"event": "result", "text": "SDK client adds fin to rocket", "is_error": False}
    assert [sorted(token["scopes"]) for token in host.control("tokens")] == [
        ["all.Application.bounded", "all.Application.read"],
        ["all.Application.read"],
    ]


def test_a_deleted_token_asks_the_person_again(host, modern, approve):
    """Delete is for good; another consent makes another token, for the same registration."""
    connect(modern, approve)
    host.control("delete")
    asked = modern.ask(**READ)
    assert asked["event"] == "open"
    approve(asked["url"])
    assert modern.hear()["event"] == "tokens"
    assert modern.hear() == DEVICES


def test_delete_sweep_reconnect_while_the_registration_is_kept(host, modern, approve):
    """DCR-7: a client whose last token was deleted finds its registration for 90 days, however often one sweeps."""
    connect(modern, approve)
    host.control("delete")
    host.control("sweep")
    forward(host, modern, 89 * DAYS)
    host.control("sweep")
    asked = modern.ask(**READ)
    assert asked["event"] == "open"
    approve(asked["url"])
    assert modern.hear()["event"] == "tokens"
    assert modern.hear() == DEVICES


def test_delete_sweep_reconnect_after_the_registration_is_gone(host, modern, start, approve):
    """DCR-7: then it is told invalid_client, the person is told what to do, and connecting it anew works."""
    connect(modern, approve)
    host.control("delete")
    host.control("sweep")
    forward(host, modern, 91 * DAYS)
    host.control("sweep")
    modern.say(**READ)
    asked = modern.hear()
    assert asked["event"] == "open"
    client_id = dict(parse_qsl(urlsplit(asked["url"]).query))["client_id"]
    refreshing = {"grant_type": "refresh_token", "refresh_token": "sgr_x.y", "client_id": client_id}
    refused = httpx2.post(f"{host.address}/oauth/token", data=refreshing)
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    shown = httpx2.get(asked["url"])
    assert shown.status_code == 400
    assert "Go back to the app and connect it again." in shown.text
    connect(start(Program, "mcp_client.py", f"{host.address}/mcp", "auto"), approve)
