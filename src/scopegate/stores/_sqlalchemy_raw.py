"""The bearer look-up by the driver itself: one round trip, and nothing of what SQLAlchemy does around every statement.

The connections are taken out of the engine's pool for good, a few of them, and used for this alone: they are always in
autocommit, so nothing has to be set, begun or rolled back around a look-up. Whatever goes wrong here, the caller reads
again in the ordinary way, which knows what to make of it.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from os import getpid
from typing import Any, Final, TypeAlias
from weakref import finalize

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from scopegate.stores._sql_plan import Plan

Row: TypeAlias = tuple[Any, ...] | None
AsyncLook: TypeAlias = Callable[[Any, str, Sequence[object]], Awaitable[Row]]

_PLACES: Final = {"psycopg": ("%s", "%s", "%s"), "asyncpg": ("$1", "$2", "$3")}
_MAXIMUM_IDLE: Final = 8


def raw_sql(plan: Plan) -> str | None:
    """What `Plan.token` is to the driver; None: it is not read in this way."""
    places = _PLACES.get(plan.driver)
    if plan.dialect != "postgresql" or places is None:
        return None
    sql = plan.token
    for name, place in zip(plan.places, places, strict=True):
        sql = sql.replace(f":{name}", place)
    return sql


class Readers:
    """Connections of psycopg for look-ups; as many as there were look-ups at once, and at most eight when idle.

    Taking the last item of a list and appending one are atomic, so threads need no lock here. A child process
    forgets what its parent had, and opens its own.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._renew()

    def look(self, sql: str, values: Sequence[object]) -> Row:
        """The row that a statement finds.

        Raises:
            Exception: the driver's, or the pool's.
        """
        if self._pid != getpid():
            self._renew()
        try:
            driver = self._idle.pop()
        except IndexError:
            driver = self._another()
        try:
            row: Row = driver.execute(sql, values).fetchone()
        except BaseException:
            driver.close()
            self.close()
            raise
        if len(self._idle) < _MAXIMUM_IDLE:
            self._idle.append(driver)
        else:
            driver.close()
        return row

    def close(self) -> None:
        """Close what is idle."""
        _close_all(self._idle, self._pid)

    def _renew(self) -> None:
        self._idle: list[Any] = []
        self._pid = getpid()
        finalize(self, _close_all, self._idle, self._pid)

    def _another(self) -> Any:  # noqa: ANN401 - the driver is the app's
        from psycopg.rows import tuple_row  # noqa: PLC0415 - likewise

        pooled = self._engine.raw_connection()
        driver: Any = pooled.driver_connection
        pooled.detach()
        driver.autocommit = True
        driver.row_factory = tuple_row
        return driver


def _close_all(idle: list[Any], pid: int) -> None:
    """Close connections, unless they are those of another process: closing would tell the server."""
    with suppress(IndexError):
        while pid == getpid():
            driver = idle.pop()
            with suppress(Exception):
                driver.close()


class AsyncReaders:
    """`Readers`, awaited, by psycopg or asyncpg. Like their engine, they belong to one event loop."""

    def __init__(self, engine: AsyncEngine, driver: str) -> None:
        self._engine = engine
        self._idle: list[Any] = []
        self._look: AsyncLook = _by_asyncpg if driver == "asyncpg" else _by_psycopg
        self._is_psycopg = driver == "psycopg"
        finalize(self, _drop_all, self._idle)

    async def look(self, sql: str, values: Sequence[object]) -> Row:
        """The row that a statement finds.

        Raises:
            Exception: the driver's, or the pool's.
        """
        try:
            driver = self._idle.pop()
        except IndexError:
            driver = await self._another()
        try:
            row = await self._look(driver, sql, values)
        except BaseException:
            # Whoever is cancelled here leaves a connection in the middle of an answer.
            self._idle.append(driver)
            _drop_all(self._idle)
            raise
        self._idle.append(driver)
        return row

    async def close(self) -> None:
        """Close what is idle."""
        with suppress(IndexError):
            while True:
                driver = self._idle.pop()
                with suppress(Exception):
                    await driver.close()

    async def _another(self) -> Any:  # noqa: ANN401 - the driver is the app's
        pooled = await self._engine.raw_connection()
        driver: Any = pooled.driver_connection
        pooled.detach()
        if self._is_psycopg:
            from psycopg.rows import tuple_row  # noqa: PLC0415 - likewise

            await driver.set_autocommit(True)
            driver.row_factory = tuple_row
        return driver


def _drop_all(idle: list[Any]) -> None:
    """Close connections at once, without waiting for anything."""
    with suppress(IndexError):
        while True:
            driver = idle.pop()
            with suppress(Exception):
                driver.terminate() if hasattr(driver, "terminate") else driver.pgconn.finish()


async def _by_psycopg(driver: Any, sql: str, values: Sequence[object]) -> Row:  # noqa: ANN401 - likewise
    cursor = await driver.execute(sql, values)
    row: Row = await cursor.fetchone()
    return row


async def _by_asyncpg(driver: Any, sql: str, values: Sequence[object]) -> Row:  # noqa: ANN401 - likewise
    row = await driver.fetchrow(sql, *values)
    return None if row is None else tuple(row)
