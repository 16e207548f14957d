"""What scopegate protects, called in the same way: a route of each kind of host, and a tool of an MCP server."""

import json
from contextlib import ExitStack, asynccontextmanager

import httpx2
from anyio.from_thread import start_blocking_portal
from mcp.server.mcpserver import MCPServer
from starlette.applications import Starlette
from tests.adapters.hosts import KINDS, Host
from tests.support import MCP, Journey, World

from scopegate.adapters.mcp import Protection

DONE = "done"
HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
VERSION = "2025-06-18"


class Route:
    """A route that changes an application, and a client that may."""

    def __init__(self, kind, **options) -> None:
        self.host = Host(kind, **options)
        self.world = self.host.world
        self.journey = Journey(self.world).connect()

    def call(self):
        """Call it once; done, or the reason why not."""
        reply = self.host.api("PUT", "/applications/rocket", self.journey.access_token)
        return DONE if reply.status == 200 else reply.json["reason"]

    def close(self):
        """Close the host."""
        self.host.close()


class Tool:
    """A tool that changes an application, behind a protected endpoint, and a client that may."""

    def __init__(self, kind, **options) -> None:
        self.world = World("async", **options)
        self.journey = Journey(self.world)
        self.journey.register()
        self.journey.authorize(resource=MCP)
        self.journey.decide()
        self.journey.redeem()
        mcp = MCPServer("Acme IoT")
        self.stateless = kind == "mcp without sessions"
        self.protection = Protection(
            mcp, self.world.bare, resource=MCP, json_response=True, stateless_http=self.stateless
        )
        self.protection.tool("Application.write", application="application")(rename)
        self._open = ExitStack()
        self.portal = self._open.enter_context(start_blocking_portal())
        self._client = self._open.enter_context(self.portal.wrap_async_context_manager(self.client()))
        self.start()

    @asynccontextmanager
    async def client(self):
        """An HTTP client of an app that the endpoint is installed in."""
        self.app = Starlette()
        self.protection.install(self.app)
        async with self.app.router.lifespan_context(self.app):
            transport = httpx2.ASGITransport(self.app)
            headers = HEADERS | {"Authorization": f"Bearer {self.journey.access_token}"}
            async with httpx2.AsyncClient(
                transport=transport, base_url="https://mcp.acme.example", headers=headers
            ) as client:
                yield client

    def post(self, method, params, **headers):
        """A JSON-RPC request, or a notification where there are no parameters."""
        message = {"jsonrpc": "2.0", "method": method} | ({"id": 1, "params": params} if params else {})

        async def posting():
            return await self._client.post("/mcp", content=json.dumps(message), headers=headers)

        return self.portal.call(posting)

    def start(self):
        """Start a session, where there are any; ``session`` is the headers that belong to it."""
        self.session = {}
        if self.stateless:
            return
        about = {"protocolVersion": VERSION, "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
        response = self.post("initialize", about)
        self.session = {
            "Mcp-Session-Id": response.headers["mcp-session-id"],
            "MCP-Protocol-Version": VERSION,
        }
        assert self.post("notifications/initialized", None, **self.session).status_code == 202

    def call(self):
        """Call it once; done, or the reason why not."""
        arguments = {"application": "rocket", "name": "Fin"}
        response = self.post("tools/call", {"name": "rename", "arguments": arguments}, **self.session)
        found = response.json()
        if "error" in found:
            return found["error"]["data"]["reason"]
        text = found["result"]["content"][0]["text"]
        return json.loads(text)["reason"] if found["result"]["isError"] else text

    def close(self):
        """Close the endpoint and the world."""
        self._open.close()
        self.world.close()


def rename(application: str, name: str) -> str:
    """Rename an application."""
    del application, name
    return DONE


CALLERS = dict.fromkeys(KINDS, Route) | dict.fromkeys(("mcp without sessions", "mcp with a session"), Tool)
