"""Dumps one of everything as this release's SQL stores write it, for tests/stores/schemas: once for each new schema.

A dump that was committed is never made anew: it says what a release wrote. Needs the database servers installed.
"""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import create_engine

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))

from tests.support.databases import MariaDB, PostgreSQL, running  # noqa: E402

from scopegate.stores._sqlite_schema import STEPS  # noqa: E402
from scopegate.stores.sqlalchemy import VERSION, SQLAlchemyStore  # noqa: E402
from scopegate.stores.sqlite import SQLiteStore  # noqa: E402
from scopegate.testing._store_cases import furnish  # noqa: E402

FOLDER = Path(__file__).parent / "schemas"


def keep(dialect: str, dump: str, version: int = VERSION) -> None:
    """Write a dump, unless there is one."""
    path = FOLDER / f"{dialect}-{version}.sql"
    if path.exists():
        print(f"{path.name} is there and stays as it is")
        return
    path.write_text(dump)
    print(f"{path.name} is written")


def furnished(url: str) -> None:
    """Put one of everything into a database."""
    engine = create_engine(url)
    furnish(SQLAlchemyStore(engine), "realm")
    engine.dispose()


def lines_of(path: str) -> str:
    """What `sqlite3` needs to make a file anew."""
    with closing(sqlite3.connect(path)) as connection:
        return "\n".join(connection.iterdump()) + "\n"


def main() -> None:
    """One dump for each dialect that has a server here."""
    with running(PostgreSQL) as server:
        furnished(server.url("psycopg"))
        lines = server.dump("postgres", "--inserts", "--no-owner").decode().splitlines(keepends=True)
        # Meta-commands and settings of a newer pg_dump would bind the dump to newer servers.
        keep(
            "postgresql",
            "".join(
                line for line in lines if not line.startswith(("\\", "SET ", "SELECT pg_catalog.set_config"))
            ),
        )
    with running(MariaDB) as server:
        server.execute("CREATE DATABASE kept CHARACTER SET utf8mb4")
        furnished(server.url("pymysql", "kept"))
        lines = server.dump("kept").decode().splitlines(keepends=True)
        keep("mariadb", "".join(line for line in lines if not line.startswith("/*M!999999")))
    with TemporaryDirectory() as folder:
        furnished(f"sqlite:///{folder}/tables.db")
        keep("sqlite", lines_of(f"{folder}/tables.db"))
        with closing(SQLiteStore(f"{folder}/file.db")) as store:
            furnish(store, "realm")
        keep("sqlite-file", lines_of(f"{folder}/file.db"), len(STEPS))


if __name__ == "__main__":
    main()
