"""What the suites of stores keep until the process ends: a folder, a database server, Django's settings."""

import atexit
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from benchmarks import servers
from benchmarks.peers import django_peer

UNTIL_THE_END: Final = ExitStack()
atexit.register(UNTIL_THE_END.close)


@cache
def folder() -> Path:
    """Return a folder that goes with the process."""
    return Path(UNTIL_THE_END.enter_context(TemporaryDirectory(prefix="scopegate-bench-")))


@cache
def postgresql() -> Any:  # noqa: ANN401 - the tests' own
    """Return a PostgreSQL server that writes through to the disk, and goes with the process."""
    server = UNTIL_THE_END.enter_context(servers.postgresql())
    for database in ("hand", "django", "threaded", "awaited"):
        server.execute(f"CREATE DATABASE {database}")
    return server


@cache
def set_up_django() -> None:
    """Configure Django for the databases that are here; that can be done once in a process."""
    databases: dict[str, dict[str, Any]] = {}
    for synchronous in ("FULL", "NORMAL"):
        databases[f"sqlite-{synchronous}"] = sqlite(f"django-{synchronous}")
        databases[f"tuned-{synchronous}"] = sqlite(f"tuned-{synchronous}") | {
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous}",
            },
        }
    with suppress(servers.NotInstalledError):
        databases["postgresql"] = {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "django",
            "USER": "scopegate",
            "HOST": str(postgresql().folder),
            "CONN_MAX_AGE": None,
        }
    django_peer.set_up(databases)


def sqlite(name: str) -> dict[str, Any]:
    """Return what Django has to be told of a SQLite file."""
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder() / f"{name}.db")}
