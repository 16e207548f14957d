"""Stores: in memory and in an SQLite file. They know no rule of OAuth."""

from typing import TYPE_CHECKING

from scopegate.stores._colours import AsyncGivenStore, GivenStore, as_async_store, as_store
from scopegate.stores.memory import AsyncMemoryStore, MemoryStore

if TYPE_CHECKING:
    from scopegate.stores.sqlite import SQLiteStore

__all__ = [
    "AsyncGivenStore",
    "AsyncMemoryStore",
    "GivenStore",
    "MemoryStore",
    "SQLiteStore",
    "as_async_store",
    "as_store",
]


def __getattr__(name: str) -> object:
    """Import sqlite3 only for those who use it."""
    if name == "SQLiteStore":
        from scopegate.stores.sqlite import SQLiteStore  # noqa: PLC0415 - loaded when it is used

        return SQLiteStore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
