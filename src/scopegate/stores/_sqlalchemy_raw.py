"""The bearer look-up by the driver itself: one round trip, and nothing of what SQLAlchemy does around every statement.

The connections are taken out of the engine's pool for good, at most eight, and used for this alone: they are always in
autocommit, so nothing has to be set, begun or rolled back around a look-up. Those that nobody used for a minute are
closed instead of used, since whatever lies between may have dropped them without a word. While all of them are busy,
and whatever else goes wrong here, the caller reads in the ordinary way, which waits its turn and knows what to make of
an error.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from os import getpid
from time import monotonic
from typing import Any, Final, TypeAlias
from weakref import finalize

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from scopegate.stores._sql_plan import Plan

Row: TypeAlias = tuple[Any, ...] | None
AsyncLook: TypeAlias = Callable[[Any, str, Sequence[object]], Awaitable[Row]]

_PLACES: Final = {"psycopg": ("%s", "%s", "%s"), "asyncpg": ("$1", "$2", "$3")}
MAXIMUM: Final = 8
"""How many connections a store takes out of the pool, which then counts them no more."""
IDLE: Final = 60.0
"""Seconds after which one that nobody used is not trusted any more."""

Idle: TypeAlias = list[tuple[float, Any]]
"""Connections and when each was last used, the latest last."""


def raw_sql(plan: Plan) -> str | None:
    """What `Plan.token` is to the driver; None: it is not read in this way."""
    places = _PLACES.get(plan.driver)
    if plan.dialect != "postgresql" or places is None:
        return None
    sql = plan.token
    for name, place in zip(plan.places, places, strict=True):
        sql = sql.replace(f":{name}", place)
    return sql


class BusyError(Exception):
    """All connections are in use."""


class Readers:
    """Connections of psycopg for look-ups.

    Each is idle, lent, or not opened yet, which a permit stands for. Taking the last item of a list and appending one
    are atomic, so threads need no lock here. A child process forgets what its parent had, and opens its own.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._renew()

    def look(self, sql: str, values: Sequence[object]) -> Row:
        """The row that a statement finds.

        Raises:
            BusyError: all connections are in use.
            Exception: the driver's, or the pool's.
        """
        if self._pid != getpid():
            self._renew()
        try:
            used_at, driver = self._idle.pop()
        except IndexError:
            driver = self._another()
        else:
            if monotonic() - used_at > IDLE:
                self._idle.append((used_at, driver))
                self.close()  # the others were used even longer ago
                driver = self._another()
        try:
            row: Row = driver.execute(sql, values).fetchone()
        except BaseException:
            # If one is broken, the others are likely to be, too.
            self._idle.append((monotonic(), driver))
            self.close()
            raise
        self._idle.append((monotonic(), driver))
        return row

    def close(self) -> None:
        """Close what is idle."""
        _close_all(self._idle, self._permits, self._pid)

    def _renew(self) -> None:
        self._idle: Idle = []
        self._permits: list[None] = [None] * MAXIMUM
        self._pid = getpid()
        finalize(self, _close_all, self._idle, self._permits, self._pid)

    def _another(self) -> Any:  # noqa: ANN401 - the driver is the app's
        from psycopg.rows import tuple_row  # noqa: PLC0415 - likewise

        _take(self._permits)
        try:
            pooled = self._engine.raw_connection()
            driver: Any = pooled.driver_connection
            pooled.detach()
            driver.autocommit = True
            driver.row_factory = tuple_row
        except BaseException:
            self._permits.append(None)
            raise
        return driver


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
            _, driver = idle.pop()
            permits.append(None)
            with suppress(Exception):
                driver.close()


class AsyncReaders:
    """`Readers`, awaited, by psycopg or asyncpg. Like their engine, they belong to one event loop."""

    def __init__(self, engine: AsyncEngine, driver: str) -> None:
        self._engine = engine
        self._idle: Idle = []
        self._permits: list[None] = [None] * MAXIMUM
        self._look: AsyncLook = _by_asyncpg if driver == "asyncpg" else _by_psycopg
        self._is_psycopg = driver == "psycopg"
        finalize(self, _drop_all, self._idle, self._permits)

    async def look(self, sql: str, values: Sequence[object]) -> Row:
        """The row that a statement finds.

        Raises:
            BusyError: all connections are in use.
            Exception: the driver's, or the pool's.
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
            row = await self._look(driver, sql, values)
        except BaseException:
            # Whoever is cancelled here leaves a connection in the middle of an answer.
            self._idle.append((monotonic(), driver))
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

    async def _another(self) -> Any:  # noqa: ANN401 - the driver is the app's
        _take(self._permits)
        try:
            pooled = await self._engine.raw_connection()
            driver: Any = pooled.driver_connection
            pooled.detach()
            if self._is_psycopg:
                from psycopg.rows import tuple_row  # noqa: PLC0415 - likewise

                await driver.set_autocommit(True)
                driver.row_factory = tuple_row
        except BaseException:
            self._permits.append(None)
            raise
        return driver


def _drop_all(idle: Idle, permits: list[None]) -> None:
    """Close connections at once, without waiting for anything."""
    with suppress(IndexError):
        while True:
            _, driver = idle.pop()
            permits.append(None)
            with suppress(Exception):
                driver.terminate() if hasattr(driver, "terminate") else driver.pgconn.finish()


async def _by_psycopg(driver: Any, sql: str, values: Sequence[object]) -> Row:  # noqa: ANN401 - likewise
    cursor = await driver.execute(sql, values)
    row: Row = await cursor.fetchone()
    return row


async def _by_asyncpg(driver: Any, sql: str, values: Sequence[object]) -> Row:  # noqa: ANN401 - likewise
    row = await driver.fetchrow(sql, *values)
    return None if row is None else tuple(row)
