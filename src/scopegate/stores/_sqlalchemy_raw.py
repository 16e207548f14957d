"""The bearer look-up by the driver itself: one round trip, without what SQLAlchemy does around every statement.

The connection is one of the engine's pool, lent for the call. Whatever goes wrong here, the caller reads again in the
ordinary way, which knows what to make of it.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeAlias

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine
from sqlalchemy.util import greenlet_spawn

from scopegate.stores._sql_plan import Plan

Row: TypeAlias = Sequence[Any] | None
Look: TypeAlias = Callable[[Engine, str, Sequence[object]], Row]
AsyncLook: TypeAlias = Callable[[AsyncEngine, str, Sequence[object]], Awaitable[Row]]

_PLACES: Final = {"psycopg": ("%s", "%s", "%s"), "asyncpg": ("$1", "$2", "$3")}


def raw_sql(plan: Plan) -> str | None:
    """What `Plan.token` is to the driver; None: it is not read in this way."""
    places = _PLACES.get(plan.driver)
    if plan.dialect != "postgresql" or places is None:
        return None
    sql = plan.token
    for name, place in zip(plan.places, places, strict=True):
        sql = sql.replace(f":{name}", place)
    return sql


def look(engine: Engine, sql: str, values: Sequence[object]) -> Row:
    """The row that psycopg finds."""
    from psycopg.rows import tuple_row  # noqa: PLC0415 - the driver is the app's

    pooled = engine.raw_connection()
    try:
        driver: Any = pooled.driver_connection
        transactional = not driver.autocommit
        if transactional:
            driver.autocommit = True
        row: Row = driver.cursor(row_factory=tuple_row).execute(sql, values).fetchone()
        if transactional:
            driver.autocommit = False
    except BaseException:
        pooled.invalidate()
        raise
    pooled.close()
    return row


async def look_by_psycopg(engine: AsyncEngine, sql: str, values: Sequence[object]) -> Row:
    """The row that psycopg finds, awaited."""
    from psycopg.rows import tuple_row  # noqa: PLC0415 - the driver is the app's

    pooled = await engine.raw_connection()
    try:
        driver: Any = pooled.driver_connection
        transactional = not driver.autocommit
        if transactional:
            await driver.set_autocommit(True)
        cursor = await driver.cursor(row_factory=tuple_row).execute(sql, values)
        row: Row = await cursor.fetchone()
        if transactional:
            await driver.set_autocommit(False)
    except BaseException:
        await greenlet_spawn(pooled.invalidate)
        raise
    await greenlet_spawn(pooled.close)
    return row


async def look_by_asyncpg(engine: AsyncEngine, sql: str, values: Sequence[object]) -> Row:
    """The row that asyncpg finds; it begins no transaction by itself."""
    pooled = await engine.raw_connection()
    try:
        driver: Any = pooled.driver_connection
        row: Row = await driver.fetchrow(sql, *values)
    except BaseException:
        await greenlet_spawn(pooled.invalidate)
        raise
    await greenlet_spawn(pooled.close)
    return None if row is None else tuple(row)


ASYNC_LOOKS: Final[dict[str, AsyncLook]] = {"psycopg": look_by_psycopg, "asyncpg": look_by_asyncpg}
