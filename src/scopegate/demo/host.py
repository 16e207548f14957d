"""Acme IoT, a host: sign-in, an API, an MCP server, and scopegate. Run it: ``python -m scopegate.demo.host``."""

import argparse
import socket
from base64 import urlsafe_b64encode
from contextlib import suppress
from pathlib import Path
from secrets import token_bytes
from typing import Annotated

import uvicorn
from attrs import evolve
from fastapi import FastAPI
from mcp.server.mcpserver import MCPServer
from pydantic import BaseModel

from scopegate import AsyncAuthorizationServer, Resource, presets, profiles
from scopegate.adapters.fastapi import Access, install, requires
from scopegate.adapters.mcp import Protection, current_access
from scopegate.demo.acme import PORT, ROLES, Acme
from scopegate.demo.sign_in import SignIn
from scopegate.demo.your_pages import YourPages
from scopegate.stores import SQLiteStore
from scopegate.web.pages import Links, Pages


def build(origin: str, data: str) -> FastAPI:
    """The whole host.

    Args:
        origin: its address, without a final slash.
        data: the file in which scopegate keeps its tokens.
    """
    acme = Acme()
    app = FastAPI(title="Acme IoT")
    server = AsyncAuthorizationServer(
        issuer=origin,
        product="Acme IoT",
        directory=acme.memberships,
        resources=[
            Resource(f"{origin}/api", scopes=["all.Application.read"], name="Acme API"),
            Resource(f"{origin}/mcp", scopes=["all.Application.read"], name="Acme MCP server"),
        ],
        store=SQLiteStore(data),
        # A real host keeps its key; here it may change with each start, since it only protects open consent pages.
        sealing_keys=[urlsafe_b64encode(token_bytes(32)).decode()],
        catalogue=presets.simple(roles=ROLES),
        profile=evolve(profiles.DEFAULT, lifetimes=[profiles.DAY, 30 * profiles.DAY, profiles.YEAR]),
    )
    sign_in = SignIn()
    pages = Pages("Acme IoT", links=Links(tokens="/connected", switch_account="/login"))
    install(app, server, current_user=sign_in.current_user, login_url="/login", pages=pages)
    sign_in.install(app)
    YourPages(server, acme, sign_in).install(app)
    add_api(app, server, acme)
    add_tools(app, server, acme)
    return app


class NewDevice(BaseModel):
    """The body of a request that adds a device."""

    name: str


def add_api(app: FastAPI, server: AsyncAuthorizationServer, acme: Acme) -> None:
    """The API: each route says what it does, and where."""

    @app.get("/api/me")
    async def me(access: Annotated[Access, requires("User.read")]) -> dict[str, str]:
        return {"user": access.user}

    @app.get("/api/applications")
    async def applications(access: Annotated[Access, requires()]) -> dict[str, str]:
        """Those that this token may see, out of all that its user sees."""
        known = {
            application.id: f"{application.label} ({place.label})"
            for place in await acme.memberships(access.user)
            for application in place.applications.values()
        }
        seen = {id_: await server.explain(access, "Application.read", application=id_) for id_ in known}
        return {id_: label for id_, label in known.items() if seen[id_].allowed}

    @app.get("/api/applications/{application}/devices")
    async def devices(
        application: str, access: Annotated[Access, requires("Application.read", application="application")]
    ) -> list[str]:
        del access
        return acme.devices[application]

    @app.post("/api/applications/{application}/devices", status_code=201)
    async def add_device(
        application: str,
        device: NewDevice,
        access: Annotated[Access, requires("Application.write", application="application")],
    ) -> list[str]:
        del access
        acme.devices[application].append(device.name)
        return acme.devices[application]


def add_tools(app: FastAPI, server: AsyncAuthorizationServer, acme: Acme) -> None:
    """The MCP server: each tool says what it does, and which of its parameters say where."""
    mcp = MCPServer("Acme IoT", log_level="WARNING")
    protection = Protection(mcp, server, resource=f"{server.configuration.issuer}/mcp")

    @protection.tool("Application.read", application="application_id")
    async def list_devices(application_id: str) -> list[str]:
        """List the devices of an application."""
        return acme.devices[application_id]

    @protection.tool("Application.write", application="application_id")
    async def rename_device(application_id: str, device: str, name: str) -> str:
        """Rename a device of an application."""
        devices = acme.devices[application_id]
        if device not in devices:
            return f"There is no {device} here."
        devices[devices.index(device)] = name
        return f"{device} is called {name} now, says {current_access().client_name}."

    @protection.tool("User.read")
    async def who_am_i() -> str:
        """Say whose account this is."""
        return current_access().user

    protection.install(app)


def listen(preferred: int) -> socket.socket:
    """A socket on the loopback interface: at the preferred port, or at a free one if that is taken."""
    try:
        return socket.create_server(("127.0.0.1", preferred))
    except OSError:
        return socket.create_server(("127.0.0.1", 0))


def main() -> None:
    """Serve Acme IoT and print its address."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", default="scopegate-demo.db", type=Path, help="where tokens are kept")
    parser.add_argument("--port", default=PORT, type=int, help="preferred; another one if it is taken")
    arguments = parser.parse_args()
    listening = listen(arguments.port)
    origin = f"http://127.0.0.1:{listening.getsockname()[1]}"
    app = build(origin, str(arguments.data))
    print(origin, flush=True)
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    with suppress(KeyboardInterrupt):
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
