"""Statements that are a transaction each, by the driver itself: bearer look-ups, and commits.

SQLAlchemy does more around such a statement than PostgreSQL does with it. The connections are taken out of the engine's
pool for good, at most eight, and are always in autocommit, so nothing has to be set, begun or rolled back. The one that
was used last is used next: a flow commits where it looked up just before, so a connection that broke is met by the
look-up, which may be repeated. Those that nobody used for a minute are closed instead of used, since whatever lies
between may have dropped them without a word.

Where somebody listens to what the engine executes or to what its pool lends, or has it logged, the engine has to do it.
While all connections are busy, the caller goes that way, too, and waits for its turn there.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from logging import INFO, getLogger
from os import getpid
from time import monotonic
from typing import Any, Final, TypeAlias
from weakref import finalize

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from scopegate.stores._sql_plan import Plan

Driver: TypeAlias = Any
"""A connection of the app's driver, or a cursor of one."""
Row: TypeAlias = tuple[Any, ...] | None
Idle: TypeAlias = list[tuple[float, Driver]]
"""Connections and when each was last used, the latest last."""

MAXIMUM: Final = 8
"""How many connections a store takes out of the pool, which then counts them no more."""
IDLE: Final = 60.0
"""Seconds after which one that nobody used is not trusted any more."""
_HEARD: Final = (
    *("before_execute", "after_execute", "before_cursor_execute", "after_cursor_execute"),
    *("engine_connect", "begin", "commit", "rollback"),
)
_HEARD_BELOW: Final = ("do_execute", "handle_error")
_HARMLESS: Final = frozenset({"22", "23", "40", "54"})
"""Classes of SQLSTATE: data, integrity, rollback, limits."""
_PLACE: Final = re.compile(r":(\w+)")
_log: Final = getLogger("sqlalchemy.engine.Engine")


class BusyError(Exception):
    """All connections are in use."""


def is_heard(engine: Engine) -> bool:
    """Whether the app listens to the statements of its engine or to who takes its connections, or has them logged."""
    above, below = engine.dispatch, engine.dialect.dispatch
    return (
        any(getattr(above, name) for name in _HEARD)
        or any(getattr(below, name) for name in _HEARD_BELOW)
        or bool(engine.pool.dispatch.checkout)
        or bool(engine.echo)
        or _log.isEnabledFor(INFO)
    )


def is_doubtful(error: BaseException) -> bool:
    """Whether a connection may be of no use after an error.

    Who was interrupted leaves it in the middle of an answer. And of what the server says, only what is about values, or
    about others who were in the way, is not about the server: after a failover it may be one that writes no more.
    """
    state = getattr(error, "sqlstate", None)
    return not isinstance(error, Exception) or (isinstance(state, str) and state[:2] not in _HARMLESS)


@lru_cache(maxsize=512)
def named(sql: str) -> str:
    """SQL with its places as psycopg names them."""
    return _PLACE.sub(r"%(\1)s", sql)


@lru_cache(maxsize=512)
def numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """SQL with its places as asyncpg numbers them, and the names of what stands in them."""
    names = tuple(dict.fromkeys(_PLACE.findall(sql)))
    numbers = {name: f"${number}" for number, name in enumerate(names, 1)}
    return _PLACE.sub(lambda place: numbers[place[1]], sql), names


class Lines:
    """Connections of psycopg, each with the cursor that it is used by.

    Each is idle, lent, or not opened yet, which a permit stands for. Taking the last item of a list and appending one
    are atomic, so threads need no lock here. A child process forgets what its parent had, and opens its own.
    """

    def __init__(self, engine: Engine, plan: Plan) -> None:
        self._engine = engine
        self._can = plan.in_one_statement and plan.driver == "psycopg"
        self._renew()

    @property
    def may(self) -> bool:
        """Whether statements may go this way."""
        return self._can and not is_heard(self._engine)

    def row(self, sql: str, values: Mapping[str, object]) -> Row:
        """The row that a statement finds.

        Raises:
            BusyError: all connections are in use; nothing was done.
            Exception: the driver's, or the pool's. If the connection was lost, it is not known what was done.
        """
        if self._pid != getpid():
            self._renew()
        try:
            used_at, cursor = self._idle.pop()
        except IndexError:
            cursor = self._another()
        else:
            if monotonic() - used_at > IDLE:
                self._idle.append((used_at, cursor))
                self.close()  # the others were used even longer ago
                cursor = self._another()
        try:
            row: Row = cursor.execute(named(sql), values).fetchone()
        except BaseException as error:
            self._idle.append((monotonic(), cursor))
            if cursor.connection.closed or is_doubtful(error):
                self.close()  # if one is of no use, the others are likely to be of none, too
            raise
        self._idle.append((monotonic(), cursor))
        return row

    def close(self) -> None:
        """Close what is idle."""
        _close_all(self._idle, self._permits, self._pid)

    def _renew(self) -> None:
        self._idle: Idle = []
        self._permits: list[None] = [None] * MAXIMUM
        self._pid = getpid()
        finalize(self, _close_all, self._idle, self._permits, self._pid)

    def _another(self) -> Driver:
        from psycopg.rows import tuple_row  # noqa: PLC0415 - the driver is the app's

        _take(self._permits)
        try:
            pooled = self._engine.raw_connection()
            driver: Driver = pooled.driver_connection
            pooled.detach()
            driver.autocommit = True
            return driver.cursor(row_factory=tuple_row)
        except BaseException:
            self._permits.append(None)
            raise


def _take(permits: list[None]) -> None:
    """Take one of the permits to open a connection.

    Raises:
        BusyError: there is none left.
    """
    try:
        permits.pop()
    except IndexError:
        raise BusyError from None


def _close_all(idle: Idle, permits: list[None], pid: int) -> None:
    """Close connections, unless they are those of another process: closing would tell the server."""
    with suppress(IndexError):
        while pid == getpid():
            _, cursor = idle.pop()
            permits.append(None)
            with suppress(Exception):
                cursor.connection.close()


class AsyncLines:
    """`Lines`, awaited, by psycopg or asyncpg. Like their engine, they belong to one event loop."""

    def __init__(self, engine: AsyncEngine, plan: Plan) -> None:
        self._engine = engine
        self._idle: Idle = []
        self._permits: list[None] = [None] * MAXIMUM
        self._can = plan.in_one_statement and plan.driver in _ASKING
        self._ask = _ASKING.get(plan.driver, _by_psycopg)
        self._is_psycopg = plan.driver == "psycopg"
        finalize(self, _drop_all, self._idle, self._permits)

    @property
    def may(self) -> bool:
        """Whether statements may go this way."""
        return self._can and not is_heard(self._engine.sync_engine)

    async def row(self, sql: str, values: Mapping[str, object]) -> Row:
        """The row that a statement finds.

        Raises:
            BusyError: all connections are in use; nothing was done.
            Exception: the driver's, or the pool's. If the connection was lost, it is not known what was done.
        """
        try:
            used_at, driver = self._idle.pop()
        except IndexError:
            driver = await self._another()
        else:
            if monotonic() - used_at > IDLE:
                self._idle.append((used_at, driver))
                _drop_all(self._idle, self._permits)
                driver = await self._another()
        try:
            row = await self._ask(driver, sql, values)
        except BaseException as error:
            self._idle.append((monotonic(), driver))
            if _is_closed(driver) or is_doubtful(error):
                _drop_all(self._idle, self._permits)
            raise
        self._idle.append((monotonic(), driver))
        return row

    async def close(self) -> None:
        """Close what is idle."""
        with suppress(IndexError):
            while True:
                _, driver = self._idle.pop()
                self._permits.append(None)
                with suppress(Exception):
                    await driver.close()

    async def _another(self) -> Driver:
        _take(self._permits)
        try:
            pooled = await self._engine.raw_connection()
            driver: Driver = pooled.driver_connection
            pooled.detach()
            if self._is_psycopg:
                from psycopg.rows import tuple_row  # noqa: PLC0415 - likewise

                try:
                    await driver.set_autocommit(True)
                except BaseException:
                    driver.pgconn.finish()  # it is in no pool any more
                    raise
                driver.row_factory = tuple_row
        except BaseException:
            self._permits.append(None)
            raise
        return driver


def _is_closed(driver: Driver) -> bool:
    return bool(driver.is_closed() if hasattr(driver, "is_closed") else driver.closed)


def _drop_all(idle: Idle, permits: list[None]) -> None:
    """Close connections at once, without waiting for anything."""
    with suppress(IndexError):
        while True:
            _, driver = idle.pop()
            permits.append(None)
            with suppress(Exception):
                driver.terminate() if hasattr(driver, "terminate") else driver.pgconn.finish()


async def _by_psycopg(driver: Driver, sql: str, values: Mapping[str, object]) -> Row:
    cursor = await driver.execute(named(sql), values)
    row: Row = await cursor.fetchone()
    return row


async def _by_asyncpg(driver: Driver, sql: str, values: Mapping[str, object]) -> Row:
    spelled, names = numbered(sql)
    row = await driver.fetchrow(spelled, *[values[name] for name in names])
    return None if row is None else tuple(row)


_ASKING: Final[dict[str, Callable[[Driver, str, Mapping[str, object]], Awaitable[Row]]]] = {
    "psycopg": _by_psycopg,
    "asyncpg": _by_asyncpg,
}
