"""Stores: in memory and in an SQLite file. They know no rule of OAuth."""

from scopegate.stores._colours import as_async_store, as_store
from scopegate.stores.memory import AsyncMemoryStore, MemoryStore

__all__ = ["AsyncMemoryStore", "MemoryStore", "as_async_store", "as_store"]
