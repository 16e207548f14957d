"""PostgreSQL's notices as a change feed: one connection of the engine's, kept for as long as somebody listens."""

from asyncio import Queue, timeout
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from time import monotonic
from typing import Any, Final

from sqlalchemy import Engine
from sqlalchemy.ext.asyncio import AsyncEngine

from scopegate.errors import StoreUnavailableError
from scopegate.protocols import Changed, Heard
from scopegate.stores._sql_errors import cause, spoken
from scopegate.stores._sql_plan import Plan
from scopegate.stores._told import heard

_PROOF = "SELECT 1"


def changes(engine: Engine, plan: Plan, beat: float) -> Generator[Heard, None, None]:
    """See `FollowedStore.changes`; by psycopg."""
    with _lost(), _lent(engine) as driver:
        driver.execute(f"LISTEN {plan.channel}")
        yield None
        proof = monotonic()
        while True:
            for notice in driver.notifies(timeout=max(proof + beat - monotonic(), 0.001), stop_after=1):
                yield from heard(notice.payload)
            if monotonic() - proof >= beat:
                # What was told before the answer is there with it.
                driver.execute(_PROOF)
                for notice in driver.notifies(timeout=0):
                    yield from heard(notice.payload)
                proof = monotonic()
                yield None


async def changes_by_psycopg(engine: AsyncEngine, plan: Plan, beat: float) -> AsyncGenerator[Heard, None]:
    """See `FollowedStore.changes`; by psycopg."""
    with _lost():
        async with _lent_async(engine) as driver:
            await driver.set_autocommit(True)
            await driver.execute(f"LISTEN {plan.channel}")
            yield None
            proof = monotonic()
            while True:
                async for notice in driver.notifies(
                    timeout=max(proof + beat - monotonic(), 0.001), stop_after=1
                ):
                    for change in heard(notice.payload):
                        yield change
                if monotonic() - proof >= beat:
                    await driver.execute(_PROOF)
                    async for notice in driver.notifies(timeout=0):
                        for change in heard(notice.payload):
                            yield change
                    proof = monotonic()
                    yield None


async def changes_by_asyncpg(engine: AsyncEngine, plan: Plan, beat: float) -> AsyncGenerator[Heard, None]:
    """See `FollowedStore.changes`; by asyncpg."""
    told: Queue[str | None] = Queue()
    with _lost():
        async with _lent_async(engine) as driver:
            driver.add_termination_listener(partial(_end, told))
            await driver.add_listener(plan.channel, partial(_put, told))
            yield None
            proof = monotonic()
            while True:
                payload: str | None = ""
                with suppress(TimeoutError):
                    async with timeout(max(proof + beat - monotonic(), 0.001)):
                        payload = await told.get()
                for change in _heard(payload):
                    yield change
                if monotonic() - proof >= beat:
                    await driver.fetchval(_PROOF, timeout=max(beat, 1.0))
                    while not told.empty():
                        for change in _heard(told.get_nowait()):
                            yield change
                    proof = monotonic()
                    yield None


def _heard(payload: str | None) -> Sequence[Changed]:
    """What asyncpg put into the queue: a notice, or None at the end."""
    if payload is None:
        raise StoreUnavailableError("PostgreSQL ended the connection of the feed: listen again")
    return heard(payload) if payload else ()


def _put(told: Queue[str | None], _driver: object, _pid: int, _channel: str, payload: str) -> None:
    told.put_nowait(payload)


def _end(told: Queue[str | None], _driver: object) -> None:
    told.put_nowait(None)


@contextmanager
def _lost() -> Generator[None]:
    """Whatever a driver says when its connection is lost."""
    try:
        yield
    except (StoreUnavailableError, GeneratorExit):
        raise
    except Exception as error:  # noqa: BLE001 - each driver has its own
        raise spoken(error) from cause(error)


@contextmanager
def _lent(engine: Engine) -> Generator[Any]:
    """A connection of its own, taken out of the pool for good: nobody else could use what has listened."""
    pooled = engine.raw_connection()
    driver: Any = pooled.driver_connection
    pooled.detach()
    try:
        driver.autocommit = True
        yield driver
    finally:
        driver.close()


@asynccontextmanager
async def _lent_async(engine: AsyncEngine) -> AsyncGenerator[Any]:
    pooled = await engine.raw_connection()
    driver: Any = pooled.driver_connection
    pooled.detach()
    try:
        yield driver
    finally:
        with suppress(Exception):
            await driver.close()


FEEDS: Final = {"psycopg": changes_by_psycopg, "asyncpg": changes_by_asyncpg}
