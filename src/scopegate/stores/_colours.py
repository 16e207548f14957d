"""Gives a server the store in its own colour, or says what to write instead."""

from inspect import iscoroutinefunction
from typing import Final, TypeAlias, cast

from scopegate.protocols import AsyncStore, Store, TwoColouredStore

GivenStore: TypeAlias = Store
"""What a synchronous server takes."""

AsyncGivenStore: TypeAlias = AsyncStore | TwoColouredStore
"""What an asynchronous server takes: a store of its colour, or one that has a twin of it."""

_METHODS: Final = (
    "open",
    "close",
    "client",
    "token",
    "tokens",
    "events",
    "clients",
    "once",
    "commit",
    "sweep",
)


def as_store(store: object) -> Store:
    """The store for a synchronous server: itself.

    Raises:
        TypeError: it is asynchronous, a class, or no store at all.
    """
    if _is_asynchronous(store):
        raise TypeError(
            f"{_name(store)} is an asynchronous store and AuthorizationServer is synchronous: pass the store "
            f"itself, not its asynchronous() twin, or use AsyncAuthorizationServer"
        )
    return cast("Store", store)


def as_async_store(store: object) -> AsyncStore:
    """The store for an asynchronous server: itself, or its asynchronous twin.

    Raises:
        TypeError: it has no asynchronous twin, is a class, or no store at all.
    """
    if _is_asynchronous(store):
        return cast("AsyncStore", store)
    if isinstance(store, TwoColouredStore):
        return store.asynchronous()
    raise TypeError(
        f"{_name(store)} is a synchronous store without an asynchronous() twin, and AsyncAuthorizationServer "
        f"would stand still while it waits: give it a method asynchronous() that returns the twin, "
        f"pass an asynchronous store, or use AuthorizationServer"
    )


def _is_asynchronous(store: object) -> bool:
    """Whether every method is a coroutine function; a mixture is an error."""
    if isinstance(store, type):
        raise TypeError(f"{store.__name__} is a class: pass a store, such as {store.__name__}(...)")
    missing = [name for name in _METHODS if not callable(getattr(store, name, None))]
    if missing:
        raise TypeError(
            f"{_name(store)} is no store, it lacks {', '.join(missing)}: see scopegate.protocols.Store"
        )
    awaited = [name for name in _METHODS if iscoroutinefunction(getattr(store, name))]
    if awaited and len(awaited) < len(_METHODS):
        plain = [name for name in _METHODS if name not in awaited]
        raise TypeError(
            f"{_name(store)} is of two colours: make {', '.join(plain)} coroutines, or all the others not"
        )
    return bool(awaited)


def _name(store: object) -> str:
    return type(store).__name__
