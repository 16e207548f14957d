"""A pytest plugin: no secret that is issued while the suite runs may be in its logs or in the files it leaves behind.

Secrets are recorded where they are made. After each test its log output is searched, of the loggers ``scopegate``,
``oauthlib`` and the root at DEBUG; at the end, every SQLite file and every ``*.log`` below pytest's temporary folder.
A leak fails the session, also under xdist.
"""

import logging
import sys
from functools import wraps
from pathlib import Path

import pytest
from tests.hygiene.search import Secrets

import scopegate.flows.sealing
import scopegate.web.site
from scopegate.core import credentials

LOGGERS = ("scopegate", "oauthlib")
SQLITE = b"SQLite format 3\0"
ENOUGH = 4 * 2**20
HEADING = "secrets in logs or files"

ISSUED = Secrets()
"""Every secret that was issued in this process so far."""


def remember(text):
    """Watch for a secret that another process issued."""
    ISSUED.add(text)


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
    watch_makers()
    guard = Guard(config)
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
