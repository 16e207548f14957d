"""A host in a process of its own: sign-in, API, MCP server, and an entrance for the tests that moves its clock."""

import logging
import socket
import sys
import time
from base64 import urlsafe_b64encode
from secrets import token_bytes, token_urlsafe
from typing import Annotated
from urllib.parse import parse_qsl

import uvicorn
from fastapi import FastAPI, Request
from mcp.server.mcpserver import MCPServer
from starlette.responses import HTMLResponse, RedirectResponse
from talking import tell

from scopegate import AsyncAuthorizationServer, Membership, Resource, RoleCap, SignedIn
from scopegate.adapters.fastapi import Access, install, requires
from scopegate.adapters.mcp import Protection, current_access
from scopegate.stores import SQLiteStore

ANN = "ann@acme.example"
LOGIN = """<!doctype html><html lang="en"><title>Sign in</title><form method="post" action="/login">
<input type="hidden" name="next" value="{next}"><button>Sign in as Ann</button></form>"""


class Clock:
    """The time, and as much more as the tests say."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        """POSIX seconds."""
        return time.time() + self.ahead


class Host:
    """The host."""

    def __init__(self, origin: str, store: str) -> None:
        self.clock = Clock()
        self.app = FastAPI()
        self.sessions = {}
        self.devices = {"rocket": ["nozzle"], "lamp": ["bulb"]}
        self.server = AsyncAuthorizationServer(
            issuer=origin,
            product="Acme IoT",
            directory=self.memberships,
            resources=[
                Resource(f"{origin}/api", scopes=["all.Application.read"]),
                Resource(f"{origin}/mcp", scopes=["all.Application.read"]),
            ],
            store=SQLiteStore(store).asynchronous(),
            sealing_keys=[urlsafe_b64encode(token_bytes(32)).decode()],
            clock=self.clock,
        )
        install(self.app, self.server, current_user=self.current_user, login_url="/login")
        self.add_sign_in()
        self.add_api()
        self.add_tools(origin)
        self.app.post("/control")(self.control)

    async def memberships(self, user):
        """Ann is admin of one organization and viewer of another."""
        del user
        return [
            Membership("acme", "Acme", "admin", {"rocket": "Rocket"}),
            Membership("globex", "Globex", "viewer", {"lamp": "Lamp"}),
        ]

    def current_user(self, request):
        """Who is signed in, by cookie."""
        cookie = request.cookies.get("session", "")
        return SignedIn(ANN, self.sessions[cookie]) if cookie in self.sessions else None

    def add_sign_in(self):
        """One button."""

        @self.app.get("/login")
        async def page(request: Request):
            return HTMLResponse(LOGIN.format(next=request.query_params["next"].replace("&", "&amp;")))

        @self.app.post("/login")
        async def sign_in(request: Request):
            cookie = token_urlsafe()
            self.sessions[cookie] = token_urlsafe()
            fields = dict(parse_qsl((await request.body()).decode()))
            response = RedirectResponse(fields["next"], 303)
            response.set_cookie("session", cookie, httponly=True, samesite="lax")
            return response

    def add_api(self):
        """Two routes."""

        @self.app.get("/api/applications/{application}/devices")
        async def devices(
            application: str,
            access: Annotated[Access, requires("Application.read", application="application")],
        ):
            return {"user": access.user, "devices": self.devices[application]}

        @self.app.delete("/api/applications/{application}/devices")
        async def clear(
            application: str,
            access: Annotated[Access, requires("Application.write", application="application")],
        ):
            del access
            return {"cleared": application}

    def add_tools(self, origin):
        """Two tools."""
        mcp = MCPServer("Acme IoT", log_level="WARNING")
        protection = Protection(mcp, self.server, resource=f"{origin}/mcp")

        @protection.tool("Application.read", application="application_id")
        async def list_devices(application_id: str) -> list[str]:
            """List devices."""
            return self.devices[application_id]

        @protection.tool("Application.write", application="application_id")
        async def add_device(application_id: str, name: str) -> str:
            """Add a device."""
            return f"{current_access().client_name} adds {name} to {application_id}"

        protection.install(self.app)

    async def control(self, request: Request):  # noqa: C901 - one arm for each order
        """What the tests do to the host; the newest token is meant."""
        order = await request.json()
        views = (await self.server.tokens(ANN)).items
        token = views[0].token.id if views else ""
        match order["do"]:
            case "forward":
                self.clock.ahead += order["seconds"]
            case "pause":
                await self.server.pause(ANN, token)
            case "resume":
                await self.server.resume(ANN, token)
            case "recap":
                await self.server.recap(ANN, token, RoleCap(order["default"]))
            case "delete":
                await self.server.delete(ANN, token)
            case "sweep":
                while await self.server.sweep():
                    pass
            case "tokens":
                pass
        return [
            {"status": view.status.value, "generation": view.token.generation, "scopes": view.token.scopes}
            for view in (await self.server.tokens(ANN)).items
        ]


def main() -> None:
    """Serve, and print the address; log everything, so that the tests can look for secrets there."""
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    listening = socket.create_server(("127.0.0.1", 0))
    origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
    host = Host(origin, sys.argv[1])
    tell(ready=origin)
    config = uvicorn.Config(host.app, log_level="warning", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
