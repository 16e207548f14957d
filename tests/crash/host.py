"""A host in a process of its own, which kills itself where the file of commands says; started by the tests.

Environment: ``COLOUR`` of the server, ``FD`` the listening socket, ``ISSUER``, ``KEY``, ``STORE`` the SQLite file, or
the address of a database (``postgresql+...``, ``redis:`` and a socket), ``DIE`` the file of commands, ``AHEAD`` seconds
by which the clock is ahead. It logs everything, so that tests can look for secrets there.
"""

import logging
import os
import signal
import socket
import sys
import time
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import redis.asyncio
import uvicorn
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from scopegate import (
    SANDBOX,
    AsyncAuthorizationServer,
    AuthorizationServer,
    Membership,
    Refusal,
    Resource,
)
from scopegate.errors import StoreUnavailableError
from scopegate.stores import SQLiteStore, _sqlite_changes
from scopegate.stores.redis import AsyncRedisStore, RedisStore
from scopegate.stores.sqlalchemy import AsyncSQLAlchemyStore, SQLAlchemyStore
from scopegate.web.asgi import ASGIApplication
from scopegate.web.wsgi import WSGIApplication

PLACES = [Membership("acme", "Acme", "admin", {"rocket": "Rocket"}), Membership(SANDBOX, "Sandbox", "admin")]
FOLLOW = _sqlite_changes.follow


def die_at(point):
    """Die here, if this is the point that a test named; nothing gets a chance to clean up."""
    commands = Path(os.environ["DIE"])
    if commands.exists() and commands.read_text("utf-8") == point:
        commands.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


class DyingStore(SQLiteStore):
    """Dies before, inside or after a commit, which is named by its guarded change."""

    def commit(self, realm, changes, /):
        """See `Store.commit`."""
        name = type(changes[0]).__name__
        _sqlite_changes.follow = lambda *args: (die_at(f"inside {name}"), FOLLOW(*args))
        die_at(f"before {name}")
        super().commit(realm, changes)
        die_at(f"after {name}")


def store_at(where, colour):
    """The store of an address; one in a file dies where it is told to."""
    if where.startswith("postgresql"):
        if colour == "async":
            return AsyncSQLAlchemyStore(create_async_engine(where))
        return SQLAlchemyStore(create_engine(where))
    if where.startswith("redis:"):
        address = where.partition(":")[2]
        if colour == "async":
            return AsyncRedisStore(redis.asyncio.Redis(unix_socket_path=address), durable=True)
        return RedisStore(redis.Redis(unix_socket_path=address), durable=True)
    return DyingStore(where)


def memberships(user):
    """Everybody is admin of acme, but has to have a name."""
    return PLACES if user else []


async def awaited_memberships(user):
    """The same, awaited."""
    return memberships(user)


def protected(server, ours):
    """The host: our endpoints, and one protected resource at ``/me``."""

    async def app(scope, receive, send):
        if scope["type"] != "http" or scope["path"] != "/me":
            await ours(scope, receive, send)
            return
        authorization = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        try:
            outcome = await server.access(authorization, "Application.read", application="rocket")
            status = server.challenge(outcome).status if isinstance(outcome, Refusal) else 200
        except StoreUnavailableError:
            status = 503
        await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    return app


def protected_wsgi(server, ours):
    """The same host behind WSGI."""

    def app(environ, start_response):
        if environ["PATH_INFO"] != "/me":
            return ours(environ, start_response)
        sent = environ.get("HTTP_AUTHORIZATION")
        try:
            outcome = server.access(sent, "Application.read", application="rocket")
            status = server.challenge(outcome).status if isinstance(outcome, Refusal) else 200
        except StoreUnavailableError:
            status = 503
        start_response(f"{status} X", [("Content-Length", "0")])
        return [b""]

    return app


class Threads(ThreadingMixIn, WSGIServer):
    """A thread for each connection."""

    daemon_threads = True


def serve_asgi(listening, arguments):
    """The asynchronous server, until killed."""
    server = AsyncAuthorizationServer(directory=awaited_memberships, **arguments)
    ours = ASGIApplication(server, current_user=lambda _: "ann", login_url="/login")
    config = uvicorn.Config(
        protected(server, ours), lifespan="on", log_config=None, access_log=False, ws="none"
    )
    uvicorn.Server(config).run(sockets=[listening])


def serve_wsgi(listening, arguments):
    """The synchronous server, until killed."""
    server = AuthorizationServer(directory=memberships, **arguments)
    server.open()
    ours = WSGIApplication(server, current_user=lambda _: "ann", login_url="/login")
    http = Threads(listening.getsockname(), WSGIRequestHandler, bind_and_activate=False)
    http.socket.close()
    http.socket = listening
    http.server_name, http.server_port = listening.getsockname()
    http.setup_environ()
    http.set_app(protected_wsgi(server, ours))
    http.serve_forever()


def main():
    """Serve until killed."""
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    ahead = float(os.environ["AHEAD"])
    issuer = os.environ["ISSUER"]
    arguments = {
        "issuer": issuer,
        "product": "Acme IoT",
        "resources": [Resource(f"{issuer}/me", scopes=["all.Application.read"])],
        "store": store_at(os.environ["STORE"], os.environ["COLOUR"]),
        "sealing_keys": [os.environ["KEY"]],
        "clock": lambda: time.time() + ahead,
    }
    listening = socket.socket(fileno=int(os.environ["FD"]))
    (serve_asgi if os.environ["COLOUR"] == "async" else serve_wsgi)(listening, arguments)


if __name__ == "__main__":
    main()
