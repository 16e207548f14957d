"""A pytest plugin: no secret that is issued while the suite runs may be in its logs or in the files it leaves behind.

Secrets are recorded where they are made: at the entropy of every server and where they are derived, in this process and
in those that it starts. After each test its log output is searched, of the loggers ``scopegate``, ``oauthlib`` and the
root at DEBUG; at the end, every SQLite file and every ``*.log`` below pytest's temporary folder. A leak fails the
session, also under xdist, and so does a secret in a token response that was not recorded.
"""

import logging
import os
import re
import sys
from functools import wraps
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pytest
from tests.hygiene.search import Secrets

import scopegate.flows.sealing
import scopegate.web.site
from scopegate import server, server_async
from scopegate.core import credentials
from scopegate.flows import exchange

LOGGERS = ("scopegate", "oauthlib")
SQLITE = b"SQLite format 3\0"
ENOUGH = 4 * 2**20
HEADING = "secrets in logs or files"
CHILDREN = Path(__file__).with_name("children")
ON_THE_WIRE = re.compile(rb"sg[ar]_\w+\.([\w-]+)")

ISSUED = Secrets()
"""Every secret that was issued so far, in this process and in those that it started."""
MISSED = []
"""Tests in which a token response told a secret that was not recorded."""


def recorded(make):
    """The function, each of whose results is remembered."""

    @wraps(make)
    def making(*args, **kwargs):
        secret = make(*args, **kwargs)
        ISSUED.add(secret)
        return secret

    return making


def watch_makers():
    """Record what makes secrets: `new_secret`, wherever it was imported to, and the derivation of codes."""
    original, making = credentials.new_secret, recorded(credentials.new_secret)
    for name, module in list(sys.modules.items()):
        if name.startswith("scopegate") and getattr(module, "new_secret", None) is original:
            module.new_secret = making
    sealer = scopegate.flows.sealing.Sealer
    sealer.derive = staticmethod(recorded(sealer.derive))
    for kind in (server.AuthorizationServer, server_async.AsyncAuthorizationServer):
        kind.__init__ = with_recorded_entropy(kind.__init__)


def with_recorded_entropy(build):
    """The constructor of a server, whose entropy is recorded wherever it gives as much as a secret has."""

    @wraps(build)
    def building(self, *args, **options):
        entropy = options.get("entropy", os.urandom)

        def drawing(count):
            drawn = entropy(count)
            if count == credentials.SECRET_BYTES:
                ISSUED.add(credentials.encode(drawn))
            return drawn

        build(self, *args, **options | {"entropy": drawing})

    return building


def watch_replies(listener):
    """Look whether what a token response tells was recorded; the recording might break without a sound."""
    decide = exchange.decide

    @wraps(decide)
    def deciding(*args, **kwargs):
        decision = decide(*args, **kwargs)
        told = ON_THE_WIRE.findall(getattr(decision.outcome, "body", b""))
        if any(secret.decode() not in ISSUED for secret in told):
            TOLD.learn()
            MISSED.extend(listener.test for secret in told if secret.decode() not in ISSUED)
        return decision

    exchange.decide = deciding


class Told:
    """What the Python processes that this one starts tell of the secrets that they issue: a file that grows."""

    def __init__(self) -> None:
        self._file = None
        self._read = 0

    def begin(self):
        """Let them tell, from now on."""
        self._file = Path(mkdtemp(prefix="scopegate-issued-")) / "issued"
        os.environ["SCOPEGATE_ISSUED"] = str(self._file)
        inherited = os.environ.get("PYTHONPATH")
        os.environ["PYTHONPATH"] = f"{CHILDREN}{os.pathsep}{inherited}" if inherited else str(CHILDREN)

    def learn(self):
        """Take over what is new."""
        if self._file is None or not self._file.exists():
            return
        with self._file.open("rb") as stream:
            stream.seek(self._read)
            new, end, _ = stream.read().rpartition(b"\n")
        self._read += len(new + end)
        for line in new.split():
            ISSUED.add(line.decode("ascii"))

    def end(self):
        """Clean up."""
        if self._file is not None:
            del os.environ["SCOPEGATE_ISSUED"]
            rmtree(self._file.parent)


TOLD = Told()


class Listener(logging.Handler):
    """Keeps what our loggers say until it is searched."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.setFormatter(logging.Formatter("%(name)s %(levelname)s %(message)s"))
        self.heard = bytearray()
        self.test = "(before the first test)"
        self.leaks = []

    def emit(self, record):
        """Keep a record, with whatever was attached to it."""
        if record.name != "root" and record.name.partition(".")[0] not in LOGGERS:
            return
        line = f"{self.format(record)} {record.args!r} {vars(record)!r}\n"
        self.heard += line.encode("utf-8", "backslashreplace")
        if len(self.heard) > ENOUGH:
            self.search()

    def search(self):
        """Search what was heard since the last time."""
        TOLD.learn()
        self.leaks += [f"{self.test}: log output, {how}" for how in ISSUED.found_in(bytes(self.heard))]
        self.heard.clear()


def files_with_secrets(folder):
    """The SQLite files and logs below a folder that hold a secret, and how."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and (path.suffix == ".log" or _belongs_to_sqlite(path)):
            for how in ISSUED.found_in(path.read_bytes()):
                yield f"{path.relative_to(folder)}: file, {how}"


def _belongs_to_sqlite(path):
    database = Path(str(path).removesuffix("-wal").removesuffix("-shm").removesuffix("-journal"))
    if not database.is_file():
        return database != path
    with database.open("rb") as stream:
        return stream.read(len(SQLITE)) == SQLITE


class Guard:
    """The hooks."""

    def __init__(self, config) -> None:
        self.config = config
        self.listener = Listener()
        self.leaks = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self, nodeid):
        """What is heard from now on belongs to this test."""
        self.listener.search()
        self.listener.test = nodeid

    def pytest_runtest_logfinish(self):
        """Search what the test logged."""
        self.listener.search()

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        """Take over what a worker found."""
        self.leaks += getattr(node, "workeroutput", {}).get("leaks", [])

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session):
        """Search the files; fail the session, or tell the one who started this worker."""
        self.listener.search()
        folder = self.config._tmp_path_factory._basetemp  # noqa: SLF001 - None where no test asked for one
        self.leaks += self.listener.leaks
        self.leaks += [f"{test}: a secret was told that was not recorded" for test in dict.fromkeys(MISSED)]
        self.leaks += [] if folder is None else files_with_secrets(folder)
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput["leaks"] = self.leaks
        elif self.leaks and session.exitstatus in {pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED}:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        """Say where."""
        if self.leaks:
            terminalreporter.section(HEADING, sep="!", red=True)
            for leak in self.leaks:
                terminalreporter.write_line(f"LEAK {leak}", red=True)


def pytest_configure(config):
    """Begin to watch and to listen."""
    guard = Guard(config)
    watch_makers()
    watch_replies(guard.listener)
    if not getattr(config.option, "numprocesses", None):  # else the workers do it
        TOLD.begin()
    config.pluginmanager.register(guard, "hygiene guard")
    root = logging.getLogger()
    root.addHandler(guard.listener)
    for logger in (root, *map(logging.getLogger, LOGGERS)):
        logger.setLevel(logging.DEBUG)


def pytest_unconfigure(config):
    """Stop listening."""
    guard = config.pluginmanager.unregister(name="hygiene guard")
    if guard is not None:
        logging.getLogger().removeHandler(guard.listener)
        TOLD.end()
