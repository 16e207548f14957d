"""A server gets a store of its own colour, or says what to write instead."""

import pytest

from scopegate.stores import AsyncMemoryStore, MemoryStore, SQLiteStore, as_async_store, as_store

METHODS = ("open", "close", "client", "token", "tokens", "events", "clients", "once", "commit", "sweep")


async def awaitable():
    """A method of an asynchronous store."""


# Stores of somebody else: a synchronous one without a twin, and one that forgot an ``async``.
Foreign = type("Foreign", (), dict.fromkeys(METHODS, print))
Mixed = type("Mixed", (Foreign,), {"commit": staticmethod(awaitable)})


@pytest.mark.parametrize("store", [MemoryStore(), SQLiteStore("never opened.db"), Foreign()])
def test_a_synchronous_server_takes_a_synchronous_store(store):
    """Itself."""
    assert as_store(store) is store


def test_an_asynchronous_server_takes_an_asynchronous_store_or_the_twin():
    """The twin is over the same data."""
    twin = AsyncMemoryStore(MemoryStore())
    assert as_async_store(twin) is twin
    store = SQLiteStore("never opened.db")
    assert as_async_store(store) is store.asynchronous()
    assert isinstance(as_async_store(MemoryStore()), AsyncMemoryStore)


def test_an_asynchronous_store_is_refused_by_a_synchronous_server():
    """The message says what to pass."""
    with pytest.raises(TypeError, match=r"pass the store itself.*AsyncAuthorizationServer"):
        as_store(MemoryStore().asynchronous())


def test_a_store_without_a_twin_is_refused_by_an_asynchronous_server():
    """The message names the method that is missing."""
    with pytest.raises(TypeError, match=r"Foreign is a synchronous store.*asynchronous\(\)"):
        as_async_store(Foreign())


@pytest.mark.parametrize("choose", [as_store, as_async_store])
@pytest.mark.parametrize(
    ("store", "message"),
    [
        (MemoryStore, r"MemoryStore is a class: pass .*MemoryStore\(\.\.\.\)"),
        ("scopegate.db", "str is no store, it lacks"),
        (None, "NoneType is no store"),
        (Mixed(), "Mixed is of two colours: make open.* coroutines"),
    ],
)
def test_what_is_no_store_is_refused(choose, store, message):
    """By both servers, at once."""
    with pytest.raises(TypeError, match=message):
        choose(store)


def test_there_is_no_other_name():
    """A name that is not there is an error as everywhere."""
    import scopegate.stores  # noqa: PLC0415

    with pytest.raises(AttributeError, match="Absent"):
        scopegate.stores.Absent  # noqa: B018
