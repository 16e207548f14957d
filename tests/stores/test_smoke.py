"""Each store on a server, once: it keeps one of everything, one of many wins, and what was revoked stays so."""

from contextlib import ExitStack, closing, contextmanager
from functools import partial

import pytest
import redis
import redis.asyncio
from sqlalchemy import NullPool, create_engine
from sqlalchemy.ext.asyncio import create_async_engine

from scopegate.core.changes import AdvanceToken, RevokeToken
from scopegate.stores import AsyncRedisStore, AsyncSQLAlchemyStore, MemoryStore, RedisStore, SQLAlchemyStore
from scopegate.testing._store_cases import everything, furnish
from scopegate.testing._store_rules import equal, refused
from scopegate.testing._store_samples import NOW, race
from scopegate.testing.stores import awaited


def sql(url, prefix):
    """A store over a database."""
    engine = create_engine(url, poolclass=NullPool)
    return closing(SQLAlchemyStore(engine, prefix=prefix))


@contextmanager
def sql_awaited(url, prefix):
    """The asynchronous store over a database."""
    engine = create_async_engine(url)
    with awaited(AsyncSQLAlchemyStore(engine, prefix=prefix)) as store:
        yield store
        store._run(engine.dispose())  # noqa: SLF001 - on the loop that it is bound to


@contextmanager
def redis_awaited(server, prefix):
    """The asynchronous store on Redis."""
    client = redis.asyncio.Redis(unix_socket_path=server.socket)
    with awaited(AsyncRedisStore(client, prefix=prefix)) as store:
        yield store
        store._run(client.aclose())  # noqa: SLF001 - likewise


@contextmanager
def on_redis(server, prefix):
    """The store on Redis."""
    with closing(redis.Redis(unix_socket_path=server.socket)) as client:
        yield RedisStore(client, prefix=prefix)


STORES = {
    "psycopg": ("postgresql", lambda server: sql(server.url("psycopg"), "smoke1_")),
    "psycopg, awaited": ("postgresql", lambda server: sql_awaited(server.url("psycopg"), "smoke2_")),
    "asyncpg": ("postgresql", lambda server: sql_awaited(server.url("asyncpg"), "smoke3_")),
    "PyMySQL": ("mariadb", lambda server: sql(server.url("pymysql", "scopegate"), "smoke4_")),
    "asyncmy": ("mariadb", lambda server: sql_awaited(server.url("asyncmy", "scopegate"), "smoke5_")),
    "SQLite": ("tmp_path", lambda folder: sql(f"sqlite:///{folder}/app.db", "smoke6_")),
    "aiosqlite": ("tmp_path", lambda folder: sql_awaited(f"sqlite+aiosqlite:///{folder}/app.db", "smoke7_")),
    "Redis": ("redis", lambda server: on_redis(server, "smoke8")),
    "Redis, awaited": ("redis", lambda server: redis_awaited(server, "smoke9")),
}


@pytest.mark.parametrize("name", STORES)
def test_a_store_on_a_server_keeps_its_word(request, name):
    """The whole contract is for `make test-stores`."""
    fixture, opened = STORES[name]
    model = MemoryStore()
    furnish(model, "realm")
    with ExitStack() as stack:
        store = stack.enter_context(opened(request.getfixturevalue(fixture)))
        furnish(store, "realm")
        equal(everything(store, "realm"), everything(model, "realm"), f"{name} keeps one of everything")
        results = race([partial(store.commit, "realm", [AdvanceToken("one", 2, NOW)]) for _ in range(4)])
        equal(sum(error is None for error in results), 1, f"{name}: one of four wins")
        store.commit("realm", [RevokeToken("one", NOW, "over")])
        refused(store, "realm", AdvanceToken("one", 3, NOW))
