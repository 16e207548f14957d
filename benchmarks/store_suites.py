"""Suites of stores on disks and servers. They tell what passes, for most of the work is done elsewhere."""

import sqlite3
from time import perf_counter_ns
from typing import Any, Final, Literal

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from benchmarks import cached_rows, lookup_rows, scopegate_rows, workload
from benchmarks.crowded import FEW, MANY, crowded
from benchmarks.hand_rows import TABLES, Execute, hand_row
from benchmarks.peers import django_peer
from benchmarks.rows import Row, Suite, Target, Verdict
from benchmarks.store_servers import folder, postgresql, set_up_django
from scopegate.stores.sqlalchemy import AsyncSQLAlchemyStore, SQLAlchemyStore
from scopegate.stores.sqlite import SQLiteStore

ISSUED: Final = Verdict(200, workload.TOKEN_FIELDS)
HOT: Final = 100
WARM: Final = 2_500
COLD: Final = 5_000
RULER: Final = "one transaction by hand"
THREADED: Final = "scopegate, WSGI"
AWAITED: Final = "scopegate, ASGI"
TOOLKIT: Final = "django-oauth-toolkit"
TUNED: Final = "django-oauth-toolkit, write-ahead log"


def sqlite_exchange(synchronous: Literal["FULL", "NORMAL"]) -> Suite:
    """Return the code exchange over SQLite files; ``FULL``: each commit waits until it is on the disk."""
    connection = sqlite3.connect(folder() / f"hand-{synchronous}.db", isolation_level=None)
    settings = ("PRAGMA journal_mode = WAL", f"PRAGMA synchronous = {synchronous}")
    for statement in (*settings, *TABLES):
        connection.execute(statement.format(bytes="BLOB", real="REAL", serial="INTEGER PRIMARY KEY"))
    set_up_django()
    threaded, awaited = (
        SQLiteStore(folder() / f"{name}-{synchronous}.db", synchronous=synchronous)
        for name in ("threaded", "awaited")
    )
    return exchange(
        "sqlite" if synchronous == "FULL" else "sqlite-normal",
        f"SQLite file, synchronous={synchronous}",
        hand_row(connection.execute, "BEGIN IMMEDIATE"),
        scopegate_rows.threaded_exchange(THREADED, threaded),
        scopegate_rows.exchange(AWAITED, awaited),
        django_peer.exchange(TOOLKIT, f"sqlite-{synchronous}"),
        django_peer.exchange(TUNED, f"tuned-{synchronous}"),
        targets=[
            Target(THREADED, RULER, at_most=2.5),
            Target(AWAITED, RULER, at_most=2.5),
            Target(TOOLKIT, THREADED, at_least=25),
            Target(TOOLKIT, AWAITED, at_least=25),
            Target(TUNED, THREADED),
            Target(TUNED, AWAITED),
        ],
    )


def postgresql_exchange() -> Suite:
    """Return the code exchange over databases of one PostgreSQL server, which writes through."""
    server = postgresql()
    connection = psycopg.connect(f"host={server.folder} user=scopegate dbname=hand", autocommit=True)
    for statement in TABLES:
        connection.execute(
            statement.format(bytes="BYTEA", real="DOUBLE PRECISION", serial="BIGSERIAL PRIMARY KEY")
        )
    set_up_django()
    awaited = server.url("psycopg", "awaited")
    rows = [
        hand_row(by_psycopg(connection), "BEGIN"),
        scopegate_rows.threaded_exchange(
            THREADED, SQLAlchemyStore(create_engine(server.url("psycopg", "threaded")))
        ),
        scopegate_rows.exchange(
            AWAITED,
            SQLAlchemyStore(create_engine(awaited)),
            AsyncSQLAlchemyStore(create_async_engine(server.url("asyncpg", "awaited"))),
        ),
        django_peer.exchange(TOOLKIT, "postgresql"),
    ]
    for row in rows:  # as a database in use has them, with what it knows of its tables
        row.prepare(2000)
    for database in ("hand", "django", "threaded", "awaited"):
        server.execute("ANALYZE", database)
    return exchange(
        "postgresql",
        "PostgreSQL",
        *rows,
        targets=[
            Target(THREADED, RULER),
            Target(AWAITED, RULER),
            Target(TOOLKIT, THREADED, at_least=10),
            Target(TOOLKIT, AWAITED, at_least=10),
        ],
    )


def by_psycopg(connection: psycopg.Connection[Any]) -> Execute:
    """Return what runs statements with the places of the standard library's SQLite."""
    translated: dict[str, bytes] = {}

    def execute(statement: str, values: tuple[object, ...] = ()) -> object:
        known = translated.get(statement)
        if known is None:
            known = translated[statement] = statement.replace("?", "%s").encode()
        return connection.execute(known, values or None)

    return execute


def exchange(name: str, where: str, *rows: Row[Any], targets: list[Target]) -> Suite:
    """Return a code exchange over some database."""
    return Suite(
        name=f"exchange-{name}",
        title=f"Code + PKCE S256 -> access and refresh token, public client; {where}, time that passes",
        rows=rows,
        expected=ISSUED,
        targets=targets,
        size=500,
        once=True,
        clock=perf_counter_ns,
    )


def lookup(used: int) -> Suite:
    """Return the look-up of a bearer in PostgreSQL, among twenty thousand credentials and among two million.

    Args:
        used: how many bearers come again and again, in each database. What the rows of 8,192 decode to is remembered.
    """
    few, many = crowded("few", FEW), crowded("many", MANY)
    return Suite(
        name=f"lookup-postgresql-{used}",
        title=f"Token id and digest -> token, client and credential; PostgreSQL, {used} bearers, time that passes",
        rows=[
            lookup_rows.select("bare select, 20 thousand", few, used),
            lookup_rows.store("store, 20 thousand", few, used),
            lookup_rows.select("bare select, 2 million", many, used),
            lookup_rows.store("store, 2 million", many, used),
        ],
        expected=Verdict(200, (workload.CLIENT_ID,)),
        targets=[
            Target("store, 2 million", "store, 20 thousand", at_most=1.2),
            Target("store, 20 thousand", "bare select, 20 thousand", at_most=1.25),
            Target("store, 2 million", "bare select, 2 million", at_most=1.25),
        ],
        size=max(used, WARM),
        clock=perf_counter_ns,
    )


def cached() -> Suite:
    """Return the bearer check over caches; CPU time, for what is remembered is asked of no server."""
    return Suite(
        name="verify-cached",
        title="Bearer check: Authorization header -> user, scope granted; 100 tokens, each remembered",
        rows=[cached_rows.in_memory(HOT), cached_rows.over_postgresql(HOT), cached_rows.over_redis(HOT)],
        expected=Verdict(200, (workload.USER,)),
        targets=[
            Target("cache over PostgreSQL", "memory", at_most=3.0),
            Target("cache over Redis", "memory", at_most=3.0),
        ],
        size=10_000,
    )
