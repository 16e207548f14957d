"""An MCP server behind a server of ours, called over ASGI with plain JSON-RPC."""

import json
from contextlib import asynccontextmanager

import httpx2
import pytest
from fastapi import FastAPI
from mcp.server.auth.middleware.auth_context import get_access_token
from mcp.server.auth.settings import AuthSettings
from mcp.server.mcpserver import Context, MCPServer
from tests.support.journey import Journey
from tests.support.world import API, MCP, World

from scopegate import ConfigurationError, RoleCap
from scopegate.adapters.mcp import MAXIMUM_BODY, Protection, current_access
from scopegate.errors import StoreUnavailableError

HEADERS = {"Accept": "application/json, text/event-stream"}


class Acme:
    """An MCP server with tools of every kind; ``ran`` says which were run, and ``seen`` what they saw."""

    def __init__(self, world) -> None:
        self.world = world
        self.ran = []
        self.seen = None
        self.mcp = MCPServer("Acme IoT")
        self.protection = Protection(
            self.mcp, world.bare, resource=MCP, json_response=True, stateless_http=True
        )
        tool = self.protection.tool

        @tool("Application.read", application="application_id")
        async def list_devices(application_id: str = "rocket") -> list[str]:
            """List devices."""
            self.ran.append(("list_devices", application_id))
            return ["nozzle"]

        @tool("Application.write", application="application_id")
        def rename_device(application_id: str, name: str) -> str:
            """Rename a device."""
            self.ran.append(("rename_device", application_id))
            self.seen = current_access()
            return name

        @tool("Application.sensitive", application="application_id", name="erase")
        async def erase_application(application_id: str) -> str:
            """Erase an application."""
            self.ran.append(("erase", application_id))
            return "erased"

        @tool("Organization.read", organization="organization")
        async def describe(organization: str) -> str:
            """Describe an organization."""
            self.ran.append(("describe", organization))
            return organization

        @tool()
        async def who_am_i(ctx: Context) -> str:
            """Say whose token it is."""
            self.seen = get_access_token(), dict(ctx.headers)
            return current_access().user

    @asynccontextmanager
    async def client(self, **headers):
        """An HTTP client of an app that the endpoint is installed in."""
        app = FastAPI()
        self.protection.install(app)
        async with app.router.lifespan_context(app):
            transport = httpx2.ASGITransport(app)
            async with httpx2.AsyncClient(
                transport=transport, base_url="https://mcp.acme.example", headers=HEADERS | headers
            ) as client:
                yield client


@pytest.fixture
def world():
    """An asynchronous world."""
    with World("async") as made:
        yield made


def at(world, resource):
    """A client that may read and write applications at a resource, capped to editor."""
    made = Journey(world)
    made.register()
    made.authorize(resource=resource)
    made.decide()
    made.redeem()
    return made


@pytest.fixture
def journey(world):
    """A client of the MCP endpoint."""
    return at(world, MCP)


@pytest.fixture
def elsewhere(world):
    """A client of the API."""
    return at(world, API)


@pytest.fixture
def acme(world):
    """The MCP server."""
    return Acme(world)


def bearer(journey):
    """The header of the client."""
    return {"Authorization": f"Bearer {journey.access_token}"}


def call(name, arguments, **more):
    """A JSON-RPC call of a tool."""
    message = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tools/call",
        "params": {"name": name, "arguments": arguments},
    }
    return json.dumps(message | more)


async def post(client, body, **headers):
    """Post to the endpoint."""
    return await client.post("/mcp", content=body, headers={"Content-Type": "application/json"} | headers)


def result(response):
    """The result of a tool."""
    assert response.status_code == 200, response.text
    return response.json()["result"]


def reason(response):
    """Why a request is refused, in the JSON-RPC error that SDKs show."""
    message = response.json()
    assert (message["jsonrpc"], message["id"]) == ("2.0", None)
    return message["error"]["data"]["reason"]


def denial(response):
    """What a tool error says."""
    found = result(response)
    assert found["isError"]
    return json.loads(found["content"][0]["text"])


async def test_an_allowed_tool_runs_and_knows_whose_token_it_is(acme, journey):
    """The tool runs in a thread, since it is a plain function, and still finds the access."""
    async with acme.client(**bearer(journey)) as client:
        response = await post(client, call("rename_device", {"application_id": "rocket", "name": "Fin"}))
    assert result(response)["structuredContent"] == {"result": "Fin"}
    assert acme.ran == [("rename_device", "rocket")]
    assert (acme.seen.user, acme.seen.client_id) == ("ann", journey.client_id)


async def test_a_request_without_a_token_learns_where_to_get_one(acme):
    """RS-4, RS-8: the challenge names the metadata and the least scopes, and no error."""
    async with acme.client() as client:
        response = await post(client, call("list_devices", {}))
    assert response.status_code == 401
    challenge = response.headers["www-authenticate"]
    assert (
        'resource_metadata="https://mcp.acme.example/.well-known/oauth-protected-resource/mcp"' in challenge
    )
    assert 'scope="only.Organization.read only.User.read"' in challenge
    assert "error" not in challenge
    assert response.headers["cache-control"] == "no-store"
    assert "WWW-Authenticate" in response.headers["access-control-expose-headers"]
    assert response.headers["access-control-allow-origin"] == "*"


async def test_an_endpoint_at_an_origin_of_its_own_serves_its_metadata(acme):
    """RFC 9728: where the challenge points to, there is a document; nobody else could serve it there."""
    async with acme.client() as client:
        response = await client.get("/.well-known/oauth-protected-resource/mcp")
    assert response.json()["resource"] == MCP
    assert response.json()["authorization_servers"] == ["https://acme.example"]
    assert response.headers["access-control-allow-origin"] == "*"


async def test_a_forged_token_is_refused_as_invalid(acme, journey):
    """RS-5."""
    async with acme.client(Authorization=f"Bearer {journey.access_token[:-1]}?") as client:
        response = await post(client, call("list_devices", {}))
    assert response.status_code == 401
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


async def test_a_token_for_another_resource_is_refused(acme, elsewhere):
    """RS-11: the API's token is worth nothing at the MCP endpoint."""
    async with acme.client(**bearer(elsewhere)) as client:
        response = await post(client, call("list_devices", {}))
    assert response.status_code == 401
    assert reason(response) == "wrong_audience"


async def test_two_authorization_headers_are_a_bad_request(acme, journey):
    """RS-3."""
    async with acme.client() as client:
        twice = [("Authorization", bearer(journey)["Authorization"]), ("Authorization", "Bearer other")]
        response = await client.post("/mcp", content=call("list_devices", {}), headers=twice)
    assert response.status_code == 400
    assert reason(response) == "two_credentials"
    assert not acme.ran


async def test_a_paused_token_is_forbidden_without_a_reason_to_authorize_again(acme, journey):
    """A 401 or insufficient_scope would make the SDK throw its credentials away."""
    await acme.world.bare.pause("ann", journey.token_id)
    async with acme.client(**bearer(journey)) as client:
        response = await post(client, call("list_devices", {}))
    assert response.status_code == 403
    assert reason(response) == "paused"
    assert response.json()["error"]["message"] == "the user has switched this token off"
    assert "www-authenticate" not in response.headers
    assert not acme.ran


async def test_a_preflight_needs_no_token(acme):
    """RS-12."""
    async with acme.client() as client:
        response = await client.options("/mcp", headers={"Origin": "https://inspector.example"})
    assert response.status_code == 204
    assert response.headers["access-control-allow-origin"] == "*"
    allowed = response.headers["access-control-allow-headers"].split(", ")
    assert {"Authorization", "MCP-Protocol-Version", "Mcp-Method", "Mcp-Name"} <= set(allowed)


async def test_answers_of_the_sdk_may_be_read_by_a_page_of_any_origin(acme, journey):
    """A browser-based client reads results, not only challenges."""
    async with acme.client(**bearer(journey)) as client:
        response = await post(client, call("list_devices", {}))
    assert response.headers["access-control-allow-origin"] == "*"
    assert "Mcp-Session-Id" in response.headers["access-control-expose-headers"]


@pytest.mark.parametrize("application", ["rocket", "nowhere"])
async def test_a_scope_shortage_is_an_http_403_before_the_tool_is_called(acme, journey, application):
    """RS-6: one challenge with all that it takes, whatever exists at the place."""
    async with acme.client(**bearer(journey)) as client:
        response = await post(client, call("describe", {"organization": application}))
    assert response.status_code == 403
    challenge = response.headers["www-authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert 'scope="only.Organization.read"' in challenge
    assert not acme.ran


async def test_a_cap_is_a_tool_error_with_a_stable_reason(acme, world, journey):
    """RS-9: no new token could cure it, so it is no challenge."""
    await world.bare.recap("ann", journey.token_id, RoleCap("viewer"))
    async with acme.client(**bearer(journey)) as client:
        response = await post(client, call("rename_device", {"application_id": "rocket", "name": "Fin"}))
        assert denial(response)["reason"] == "role_too_low"
        assert not acme.ran
        await world.bare.recap("ann", journey.token_id, RoleCap("editor"))
        again = await post(client, call("rename_device", {"application_id": "rocket", "name": "Fin"}))
    assert not result(again)["isError"]
    assert acme.ran == [("rename_device", "rocket")]


async def test_a_membership_is_judged_now(acme, world, journey):
    """The live role is the directory's, at each call; somewhere else is like nowhere."""
    async with acme.client(**bearer(journey)) as client:
        assert not result(await post(client, call("list_devices", {"application_id": "lamp"})))["isError"]
        world.people.leave("ann", "globex")
        left = denial(await post(client, call("list_devices", {"application_id": "lamp"})))
        nowhere = denial(await post(client, call("list_devices", {"application_id": "no such thing"})))
    assert left == nowhere
    assert left["reason"] == "role_too_low"


async def test_a_tool_is_judged_by_the_arguments_that_it_runs_with(acme, world, journey):
    """An argument left out has the tool's default, and that is where the call happens."""
    async with acme.client(**bearer(journey)) as client:
        result(await post(client, call("list_devices", {})))
        world.people.leave("ann", "acme")
        assert denial(await post(client, call("list_devices", {})))["reason"] == "role_too_low"
    assert acme.ran == [("list_devices", "rocket")]


async def test_a_tool_never_sees_the_access_token(acme, journey):
    """RS-11, RS-13: neither the SDK's access token nor the headers hold it."""
    async with acme.client(**bearer(journey)) as client:
        response = await post(client, call("who_am_i", {}))
    assert result(response)["structuredContent"] == {"result": "ann"}
    token, headers = acme.seen
    assert (token.token, token.subject, token.client_id) == ("", "ann", journey.client_id)
    assert token.claims == {"iss": "https://acme.example"}
    assert "authorization" not in headers
    assert journey.access_token not in repr((token, headers))


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "null", '{"method": "tools/call", "params": []}', "[" * 100_000, b"\xff\xfe{"]
)
async def test_what_is_not_a_call_is_left_to_the_sdk(acme, journey, body):
    """Malformed bodies arrive there untouched, and it answers them in its own way."""
    async with acme.client(**bearer(journey)) as client:
        response = await post(client, body)
    assert 400 <= response.status_code < 500
    assert response.json()["error"]["code"] in {-32700, -32600, -32602}
    assert not acme.ran


async def test_a_body_too_long_to_look_into_is_still_judged(acme, journey):
    """The tool's own guard does not depend on what was read beforehand."""
    async with acme.client(**bearer(journey)) as client:
        body = call("describe", {"organization": "acme"}, padding="x" * MAXIMUM_BODY)
        assert denial(await post(client, body))["reason"] == "insufficient_scope"
    assert not acme.ran


async def test_a_body_in_many_pieces_arrives_whole(acme, journey):
    """What was read to look into it is handed on."""
    body = call("rename_device", {"application_id": "rocket", "name": "Fin"}).encode()

    async def pieces():
        for position in range(0, len(body), 7):
            yield body[position : position + 7]

    async with acme.client(**bearer(journey)) as client:
        response = await post(client, pieces())
    assert result(response)["structuredContent"] == {"result": "Fin"}


async def test_trouble_in_the_directory_is_never_a_401(acme, world, journey):
    """Law 7: a client that gets a 401 forgets its credentials."""
    world.people.trouble = OSError("down")
    async with acme.client(**bearer(journey)) as client:
        response = await post(client, call("list_devices", {}))
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) >= 1
    assert reason(response) == "temporarily_unavailable"


async def test_trouble_in_the_store_is_never_a_401(acme, world, journey, monkeypatch):
    """Law 7."""

    async def down(*_):
        raise StoreUnavailableError("down")

    monkeypatch.setattr(world.bare, "_store", type("Down", (), {"token": staticmethod(down)})())
    async with acme.client(**bearer(journey)) as client:
        response = await post(client, call("list_devices", {}))
    assert response.status_code == 503


async def test_trouble_at_a_place_is_a_tool_error_that_says_to_try_again(acme, world, journey):
    """The directory knew the account, and then not the place: that is no denial."""

    def down(*_, **__):
        raise OSError("down")

    world.people.standing = down
    async with acme.client(**bearer(journey)) as client:
        response = await post(client, call("list_devices", {}))
    assert denial(response)["reason"] == "temporarily_unavailable"
    assert not acme.ran


async def test_the_directory_is_asked_once_about_a_place(acme, world, journey):
    """At most one standing per decision."""
    world.people.asked.clear()
    async with acme.client(**bearer(journey)) as client:
        await post(client, call("list_devices", {}))
    assert world.people.asked.count("standing") == 1


async def test_a_scope_shortage_does_not_ask_the_directory_about_a_place(acme, world, journey):
    """Scope is judged before role, and needs no place."""
    world.people.asked.clear()
    async with acme.client(**bearer(journey)) as client:
        await post(client, call("describe", {"organization": "acme"}))
    assert world.people.asked == ["account"]


async def test_a_renamed_tool_keeps_its_need(acme, journey):
    """Needs go by the name that clients call."""
    async with acme.client(**bearer(journey)) as client:
        response = await post(client, call("erase", {"application_id": "rocket"}))
    # The preset offers no scope that covers sensitive actions: no challenge could name one.
    assert response.status_code == 403
    assert not acme.ran


async def test_a_tool_that_declares_nothing_stops_the_start(acme):
    """Fail closed: whoever adds a tool past the protection learns it before anybody calls it."""

    @acme.mcp.tool()
    def forgotten() -> str:
        """Nobody guards it."""
        return "secret"

    with pytest.raises(ConfigurationError, match="forgotten"):
        async with acme.client():
            pass


@pytest.mark.parametrize("padding", ["", "x" * MAXIMUM_BODY], ids=["short", "too long to look into"])
async def test_a_tool_that_declares_nothing_and_comes_late_is_unknown(acme, journey, padding):
    """Fail closed: after the start as well, and however the call is written."""
    async with acme.client(**bearer(journey)) as client:

        @acme.mcp.tool()
        def late() -> str:
            """Nobody guards it."""
            acme.ran.append("late")
            return "secret"

        @acme.protection.tool("Application.read", application="application_id")
        def later(application_id: str) -> str:
            """Somebody does."""
            return application_id

        found = (await post(client, call("late", {}, padding=padding))).json()
        assert found["error"] == {"code": -32602, "message": "Unknown tool: late"}
        assert (await post(client, call("nothing", {}))).json()["error"]["message"] == "Unknown tool: nothing"
        response = await post(client, call("later", {"application_id": "rocket"}, padding=padding))
        assert result(response)["structuredContent"] == {"result": "rocket"}
    assert not acme.ran


async def test_the_endpoint_starts_and_stops_as_an_application_of_its_own(acme):
    """Other ASGI servers than Starlette's apps speak the lifespan protocol to it."""
    sent = []
    events = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive():
        return next(events)

    async def send(message):
        sent.append(message["type"])

    await acme.protection({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_there_is_no_access_outside_a_request():
    """Nothing falls back to anybody."""
    with pytest.raises(ConfigurationError, match="current_access"):
        current_access()


async def test_a_tool_called_past_the_endpoint_does_not_run(acme):
    """Over stdio, say, there is nobody whose role could be judged."""
    with pytest.raises(Exception, match="list_devices"):
        await acme.mcp.call_tool("list_devices", {})
    assert not acme.ran


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((("Application.fly",), {}), "Application.fly"),
        ((("Application.read",), {}), "judged at an application"),
        ((("Application.read",), {"application": "app"}), "no parameter 'app'"),
        ((("Organization.read",), {"application": "place"}), "judged at an organization"),
    ],
)
def test_a_need_that_makes_no_sense_is_told_at_once(acme, arguments, problem):
    """When the tool is written, not when it is called."""
    given, named = arguments

    def place_something(place: str) -> str:
        return place

    with pytest.raises(ConfigurationError, match=problem):
        acme.protection.tool(*given, **named)(place_something)


def test_two_tools_of_one_name_are_refused(acme):
    """The second would take over the first one's need."""
    with pytest.raises(ConfigurationError, match="list_devices"):
        acme.protection.tool(name="list_devices")(lambda: "other")


def test_an_mcp_server_with_an_auth_of_its_own_is_refused(world):
    """The SDK's own check turns every no into a 401."""

    class Verifier:
        async def verify_token(self, token):
            del token

    settings = AuthSettings(
        issuer_url="https://acme.example", resource_server_url=MCP, validate_token_resource=True
    )
    mcp = MCPServer("Acme IoT", auth=settings, token_verifier=Verifier())
    with pytest.raises(ConfigurationError, match="token_verifier"):
        Protection(mcp, world.bare, resource=MCP)
