"""Stores: in memory, in an SQLite file, and in databases. They know no rule of OAuth."""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from scopegate.stores._colours import AsyncGivenStore, GivenStore, as_async_store, as_store
from scopegate.stores.memory import AsyncMemoryStore, MemoryStore

if TYPE_CHECKING:
    from scopegate.stores.cached import AsyncCachedStore, CachedStore
    from scopegate.stores.redis import AsyncRedisStore, RedisStore
    from scopegate.stores.sqlalchemy import AsyncSQLAlchemyStore, SQLAlchemyStore
    from scopegate.stores.sqlite import SQLiteStore

__all__ = [
    "AsyncCachedStore",
    "AsyncGivenStore",
    "AsyncMemoryStore",
    "AsyncRedisStore",
    "AsyncSQLAlchemyStore",
    "CachedStore",
    "GivenStore",
    "MemoryStore",
    "RedisStore",
    "SQLAlchemyStore",
    "SQLiteStore",
    "as_async_store",
    "as_store",
]


_HOMES: Final = {
    "AsyncCachedStore": "cached",
    "AsyncRedisStore": "redis",
    "AsyncSQLAlchemyStore": "sqlalchemy",
    "CachedStore": "cached",
    "RedisStore": "redis",
    "SQLAlchemyStore": "sqlalchemy",
    "SQLiteStore": "sqlite",
}


def __getattr__(name: str) -> object:
    """Import a database's module only for those who use it."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
