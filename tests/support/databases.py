"""Real database servers, each with its data in a folder of its own and on a socket of its own, stopped after the tests.

One that is not installed is skipped, loudly; where CI=true no skip is allowed.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

PATIENCE = 60


def found(name, *places):
    """The path of a program, or a skip that says what is missing."""
    for place in (*places, None):
        path = shutil.which(name, path=place)
        if path:
            return path
    pytest.skip(f"{name} is not installed: apt install postgresql redis-server mariadb-server mariadb-client")
    return None


def _owner():
    """Servers refuse to run as root, so root runs them as somebody who owns nothing else."""
    return {} if os.getuid() else {"user": _somebody(), "group": _somebody(), "extra_groups": []}


def _somebody():
    for name in ("postgres", "redis", "mysql", "daemon"):
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_name
    raise AssertionError("there is no user to run a server as")


def _children(pid):
    """The processes that this one started and that are there."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # After the name, which may hold anything, come the state and the parent.
            number, _, rest = stat.read_text().partition(" (")
            if rest.rpartition(") ")[2].split()[1] == str(pid):
                found.append(int(number))
    return found


class Server:
    """A server process that can be stopped, killed and started again over the same data."""

    def __init__(self, folder):
        self.folder = folder
        self._process = None

    def command(self):
        """What starts it in the foreground."""
        raise NotImplementedError

    def ready(self):
        """Whether it answers."""
        raise NotImplementedError

    def start(self):
        """Start it and wait until it answers."""
        log = (self.folder / "log").open("ab")
        self._process = subprocess.Popen(
            self.command(),
            **_owner(),
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            cwd=self.folder,
            start_new_session=True,
        )
        log.close()
        deadline = time.monotonic() + PATIENCE
        while not self.ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"no server: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.02)

    def kill(self):
        """As kill -9 does, the server and all processes that it started."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGSTOP)
        for pid in [*_children(self._process.pid), self._process.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._process.wait(PATIENCE)
        self._process = None

    def stop(self):
        """As an operator does."""
        if self._process is not None:
            self._process.send_signal(self.GENTLE)
            self._process.wait(PATIENCE)
            self._process = None

    GENTLE = signal.SIGTERM


class PostgreSQL(Server):
    """PostgreSQL on a socket in its folder; ``durable=False`` writes nothing through to the disk."""

    GENTLE = signal.SIGINT

    def __init__(self, folder, *, durable=False):
        super().__init__(folder)
        self._durable = durable
        places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
        self._bin = Path(found("postgres", *map(str, places))).parent
        subprocess.run(
            [
                self._bin / "initdb",
                "-D",
                folder / "data",
                "-U",
                "scopegate",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C.UTF-8",
                "--no-sync",
            ],
            **_owner(),
            check=True,
            capture_output=True,
            cwd=folder,
        )

    def command(self):
        """No port, one socket."""
        speed = [] if self._durable else ["-c", "fsync=off", "-c", "synchronous_commit=off"]
        return [
            *(self._bin / "postgres", "-D", self.folder / "data", "-k", self.folder),
            *("-c", "listen_addresses=", "-c", "max_connections=300", *speed),
        ]

    def ready(self):
        """Whether it takes connections."""
        done = subprocess.run(
            [self._bin / "pg_isready", "-q", "-h", self.folder, "-U", "scopegate", "-d", "postgres"],
            check=False,
        )
        return done.returncode == 0

    def url(self, driver, database="postgres"):
        """The address for SQLAlchemy, with ``psycopg`` or ``asyncpg``."""
        return f"postgresql+{driver}://scopegate@/{database}?host={self.folder}"

    def execute(self, statement, database="postgres"):
        """What psql says."""
        done = subprocess.run(
            [
                self._bin / "psql",
                "-X",
                "-q",
                "-A",
                "-t",
                "-h",
                self.folder,
                "-U",
                "scopegate",
                "-d",
                database,
                "-v",
                "ON_ERROR_STOP=1",
                "-c",
                statement,
            ],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def dump(self, database="postgres", *options):
        """What pg_dump says."""
        done = subprocess.run(
            [self._bin / "pg_dump", "-h", self.folder, "-U", "scopegate", *options, database],
            check=True,
            capture_output=True,
        )
        return done.stdout


class Redis(Server):
    """Redis on a socket in its folder.

    ``durable=True``: an append-only file, written through at each command. ``port``: also there, on loopback, as a
    cluster of one node that serves all slots.
    """

    def __init__(self, folder, *, durable=False, port=0):
        super().__init__(folder)
        self._durable, self.port = durable, port
        self._program = found("redis-server")

    @property
    def socket(self):
        """The path of its socket."""
        return str(self.folder / "redis.sock")

    def command(self):
        """No configuration file."""
        speed = ["--appendonly", "yes", "--appendfsync", "always"] if self._durable else ["--save", ""]
        cluster = ["--cluster-enabled", "yes", "--bind", "127.0.0.1"] if self.port else []
        return [
            *(
                self._program,
                "--port",
                str(self.port),
                "--unixsocket",
                self.socket,
                "--unixsocketperm",
                "777",
            ),
            *("--dir", str(self.folder), "--maxmemory-policy", "noeviction", *speed, *cluster),
        ]

    def ready(self):
        """Whether it answers PING; while it loads its data it does not."""
        return self.says("PING").startswith(b"+PONG")

    def says(self, command):
        """The beginning of the answer to a command; nothing if there is none."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1)
                connection.connect(self.socket)
                connection.sendall(f"{command}\r\n".encode())
                return connection.recv(4096)
        except OSError:
            return b""


class MariaDB(Server):
    """MariaDB on a socket in its folder; ``durable=False`` writes to the disk once a second."""

    def __init__(self, folder, *, durable=False):
        super().__init__(folder)
        self._durable = durable
        self._program = found("mariadbd", "/usr/sbin")
        done = subprocess.run(
            [
                found("mariadb-install-db"),
                "--no-defaults",
                f"--datadir={folder / 'data'}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
            ],
            **_owner(),
            check=False,
            capture_output=True,
            cwd=folder,
        )
        assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()

    @property
    def socket(self):
        """The path of its socket."""
        return str(self.folder / "m.sock")

    def command(self):
        """No port, one socket."""
        return [
            *(self._program, "--no-defaults", f"--datadir={self.folder / 'data'}", f"--socket={self.socket}"),
            *(
                "--skip-networking",
                f"--innodb-flush-log-at-trx-commit={int(self._durable)}",
                "--max-connections=300",
            ),
            f"--pid-file={self.folder / 'm.pid'}",
        ]

    def ready(self):
        """Whether it takes connections."""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(1)
                connection.connect(self.socket)
                return bool(connection.recv(1))
        except OSError:
            return False

    def url(self, driver, database="mysql"):
        """The address for SQLAlchemy, with ``pymysql`` or ``asyncmy``."""
        return f"mariadb+{driver}://root@/{database}?unix_socket={self.socket}"

    def execute(self, statement, database="mysql"):
        """What the client program says."""
        done = subprocess.run(
            [
                found("mariadb"),
                "--no-defaults",
                "-u",
                "root",
                "-S",
                self.socket,
                "-N",
                "-e",
                statement,
                database,
            ],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    def dump(self, database):
        """What mariadb-dump says."""
        done = subprocess.run(
            [
                found("mariadb-dump"),
                "--no-defaults",
                "-u",
                "root",
                "--hex-blob",
                "--skip-comments",
                "-S",
                self.socket,
                database,
            ],
            check=True,
            capture_output=True,
        )
        return done.stdout


@contextmanager
def running(kind, **options):
    """A server of that class, started; at the end it is gone with its data."""
    # A path of a socket may have hardly more than a hundred characters, so the folder lies where paths are short.
    folder = Path(tempfile.mkdtemp(prefix="sg-", dir="/tmp"))
    try:
        if not os.getuid():
            shutil.chown(folder, _somebody())
        folder.chmod(0o755)
        server = kind(folder, **options)
        try:
            server.start()
            yield server
        finally:
            server.kill()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
