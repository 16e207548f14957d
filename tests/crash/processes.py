"""Starts, kills and restarts the host process, and talks HTTP to it."""

import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from tests.support import KEY
from tests.web.driver import Reply, Served

ROOT = Path(__file__).parents[2]
PATIENCE = 30.0


class DiedError(Exception):
    """The process died before it had answered."""


class Visitor(Served):
    """A browser, or a client, of a host in another process."""

    def __init__(self, port) -> None:
        self.port = port
        self.cookies = {}

    def send(self, sent):
        """Send a request.

        Raises:
            DiedError: there was no whole answer.
        """
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)) as connection:
            address = sent.path + (f"?{sent.query.decode()}" if sent.query else "")
            try:
                connection.request(sent.method, address, b"".join(sent.pieces), dict(sent.headers))
                response = connection.getresponse()
                if response.length is None and not response.chunked:
                    raise DiedError  # in the middle of the headers
                headers = tuple((name.lower(), value) for name, value in response.getheaders())
                return Reply(response.status, headers, response.read())
            except (HTTPException, ConnectionError) as error:
                raise DiedError from error

    def me(self, secret):
        """The status of a call of the protected resource."""
        return self.ask("GET", "/me", headers=(("Authorization", f"Bearer {secret}"),)).status


class Process(Visitor):
    """The host, as a process that can be killed; the listening socket, the file and the key outlive it.

    Connections that come while no process runs wait for the next one, as behind any supervisor.
    """

    def __init__(self, folder, colour="async", store=None) -> None:
        self.folder = folder
        self.colour = colour
        self.store = store or str(folder / "store.db")
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=256)
        super().__init__(self.socket.getsockname()[1])
        self.running = None
        self.start()

    def start(self, *, ahead=0.0):
        """Start the process; ``ahead`` sets its clock forward by so many seconds."""
        settings = {
            "COLOUR": self.colour,
            "FD": str(self.socket.fileno()),
            "ISSUER": f"http://127.0.0.1:{self.port}",
            "KEY": KEY,
            "STORE": self.store,
            "DIE": str(self.folder / "die"),
            "AHEAD": str(ahead),
        }
        with (self.folder / "host.log").open("ab") as log:
            self.running = subprocess.Popen(
                [sys.executable, str(Path(__file__).with_name("host.py"))],
                cwd=ROOT,
                env=os.environ | settings,
                stderr=log,
                stdout=log,
                pass_fds=[self.socket.fileno()],
            )

    def kill(self):
        """Kill -9, and wait until it is gone."""
        self.running.kill()
        self.running.wait(PATIENCE)

    def restart(self, **options):
        """Kill it and start it again on the same file, with the same key."""
        self.kill()
        self.start(**options)

    def die_at(self, point):
        """Let it kill itself when it comes to this point."""
        (self.folder / "die").write_text(point, "utf-8")

    def died(self):
        """Wait until it has killed itself; whether it did."""
        return self.running.wait(PATIENCE) == -9 and not (self.folder / "die").exists()

    def count(self, table):
        """How many rows a table of the file has."""
        with closing(sqlite3.connect(self.folder / "store.db")) as connection:
            return connection.execute(f"SELECT count(*) FROM scopegate_{table}").fetchone()[0]  # noqa: S608 - a name of ours

    def close(self):
        """End it for good."""
        self.kill()
        self.socket.close()
