"""The public test kit: what a host or the author of a store needs to test with. Needs the extra ``testing``.

The contracts of stores and directories are there when they are asked for, since they need pytest and hypothesis.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

from scopegate.protocols import Capabilities
from scopegate.testing.hosts import AsyncMemoryDirectory, Clock, MemoryDirectory, access

if TYPE_CHECKING:
    from scopegate.testing.directories import AsyncDirectoryContract, DirectoryContract
    from scopegate.testing.stores import AsyncStoreContract, OutageContract, StoreContract

__all__ = [
    "AsyncDirectoryContract",
    "AsyncMemoryDirectory",
    "AsyncStoreContract",
    "Capabilities",
    "Clock",
    "DirectoryContract",
    "MemoryDirectory",
    "OutageContract",
    "StoreContract",
    "access",
]

_HOMES: Final = {
    "AsyncDirectoryContract": "directories",
    "AsyncStoreContract": "stores",
    "DirectoryContract": "directories",
    "OutageContract": "stores",
    "StoreContract": "stores",
}


def __getattr__(name: str) -> object:
    """Import a contract only for those who use it."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{home}"), name)
