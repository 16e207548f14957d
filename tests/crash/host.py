"""A host in a process of its own, which kills itself where the file of commands says; started by the tests.

Environment: ``FD`` the listening socket, ``ISSUER``, ``KEY``, ``STORE`` the SQLite file, ``DIE`` the file of commands,
``AHEAD`` seconds by which the clock is ahead. It logs everything, so that tests can look for secrets there.
"""

import logging
import os
import signal
import socket
import sys
import time
from pathlib import Path

import uvicorn

from scopegate import SANDBOX, AsyncAuthorizationServer, Membership, Refusal, Resource
from scopegate.stores import sqlite
from scopegate.web.asgi import ASGIApplication

PLACES = [Membership("acme", "Acme", "admin", {"rocket": "Rocket"}), Membership(SANDBOX, "Sandbox", "admin")]
FOLLOW = sqlite.follow


def die_at(point):
    """Die here, if this is the point that a test named; nothing gets a chance to clean up."""
    commands = Path(os.environ["DIE"])
    if commands.exists() and commands.read_text("utf-8") == point:
        commands.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


class DyingStore(sqlite.SQLiteStore):
    """Dies before, inside or after a commit, which is named by its guarded change."""

    def commit(self, realm, changes, /):
        """See `Store.commit`."""
        name = type(changes[0]).__name__
        sqlite.follow = lambda *args: (die_at(f"inside {name}"), FOLLOW(*args))
        die_at(f"before {name}")
        super().commit(realm, changes)
        die_at(f"after {name}")


async def memberships(user):
    """Everybody is admin of acme, but has to have a name."""
    return PLACES if user else []


def protected(server, ours):
    """The host: our endpoints, and one protected resource at ``/me``."""

    async def app(scope, receive, send):
        if scope["type"] != "http" or scope["path"] != "/me":
            await ours(scope, receive, send)
            return
        authorization = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        outcome = await server.access(authorization, "Application.read", application="rocket")
        status = server.challenge(outcome).status if isinstance(outcome, Refusal) else 200
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    return app


def main():
    """Serve until killed."""
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    ahead = float(os.environ["AHEAD"])
    issuer = os.environ["ISSUER"]
    server = AsyncAuthorizationServer(
        issuer=issuer,
        product="Acme IoT",
        directory=memberships,
        resources=[Resource(f"{issuer}/me", scopes=["all.Application.read"])],
        store=DyingStore(os.environ["STORE"]),
        sealing_keys=[os.environ["KEY"]],
        clock=lambda: time.time() + ahead,
    )
    ours = ASGIApplication(server, current_user=lambda _: "ann", login_url="/login")
    config = uvicorn.Config(
        protected(server, ours), lifespan="on", log_config=None, access_log=False, ws="none"
    )
    uvicorn.Server(config).run(sockets=[socket.socket(fileno=int(os.environ["FD"]))])


if __name__ == "__main__":
    main()
