"""The bearer check over a cache: what it remembers, asked again, beside the store in memory."""

from time import monotonic, sleep
from typing import Final

from redis import Redis
from sqlalchemy import create_engine

from benchmarks import scopegate_rows, servers
from benchmarks.rows import Row
from benchmarks.store_servers import UNTIL_THE_END, postgresql
from scopegate.protocols import Store
from scopegate.stores.cached import CachedStore
from scopegate.stores.redis import RedisStore
from scopegate.stores.sqlalchemy import SQLAlchemyStore

PATIENCE: Final = 10.0


def in_memory(stored: int) -> Row[str]:
    """Return the bearer check over the store in memory."""
    return scopegate_rows.bearer(stored, "memory")


def over_postgresql(stored: int) -> Row[str]:
    """Return it over a cache that hears PostgreSQL's notices."""
    server = postgresql()
    server.execute("CREATE DATABASE cached")
    return over(
        "cache over PostgreSQL",
        SQLAlchemyStore(create_engine(server.url("psycopg", "cached")), notify=True),
        stored,
    )


def over_redis(stored: int) -> Row[str]:
    """Return it over a cache that hears what Redis publishes."""
    server = UNTIL_THE_END.enter_context(servers.redis())
    return over("cache over Redis", RedisStore(Redis(unix_socket_path=server.socket)), stored)


def over(name: str, store: Store, stored: int) -> Row[str]:
    """Return it over a cache of a store."""
    cached = CachedStore(store)
    cached.open()
    UNTIL_THE_END.callback(cached.close)
    deadline = monotonic() + PATIENCE
    while not cached.is_listening and monotonic() < deadline:
        sleep(0.01)
    return scopegate_rows.bearer(stored, name, cached)
