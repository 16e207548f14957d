"""The contract of stores, as a test suite that the author of a store inherits.

    class TestMyStore(StoreContract):
        capabilities = Capabilities(durable=True, cross_process=True)
        declined = {"M": "its first schema"}

        @pytest.fixture
        def store(self, tmp_path):
            self.path = tmp_path / "data"
            store = MyStore(self.path)
            yield store
            store.close()

        def dump(self, store):
            return self.path.read_bytes()

        def reopen(self, store):
            store.close()
            return MyStore(self.path)

        def recipe(self, store):
            return partial(MyStore, self.path)

An asynchronous store inherits `AsyncStoreContract` and gives the fixture ``async_store``; a store that can be out of
reach inherits `OutageContract` besides.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import methodcaller
from threading import Thread
from typing import ClassVar, Final, TypeVar

import pytest

from scopegate.core.changes import Change, CreateToken, Touch
from scopegate.core.clients import Client
from scopegate.core.events import Event
from scopegate.core.records import Cutoffs, OnceRow, Page, TokenQuery, TokenRecord
from scopegate.core.tokens import Token
from scopegate.errors import ConfigurationError, StoreUnavailableError
from scopegate.protocols import AsyncStore, Capabilities, Store
from scopegate.testing._groups import GROUPS, group_of
from scopegate.testing._store_bounds import Deletion, Errors, Realms
from scopegate.testing._store_cases import everything, furnish
from scopegate.testing._store_crowds import Crowds
from scopegate.testing._store_earlier import Migrations
from scopegate.testing._store_failures import Failures
from scopegate.testing._store_interleavings import Interleavings
from scopegate.testing._store_lists import Lists, Secrecy, Sweeps
from scopegate.testing._store_model import Comparison
from scopegate.testing._store_races import Races
from scopegate.testing._store_rules import Guards, RoundTrips, Times, equal
from scopegate.testing._store_samples import NOW, digest_of, make_token

__all__ = [
    "AsyncStoreContract",
    "AwaitedStore",
    "Capabilities",
    "OutageContract",
    "StoreContract",
    "awaited",
]

T = TypeVar("T")

CALLS: Final[dict[str, Callable[[Store], object]]] = {
    "open": methodcaller("open"),
    "client": methodcaller("client", "realm", "app"),
    "token": methodcaller("token", "realm", "one", digest_of("first")),
    "tokens": methodcaller("tokens", "realm", TokenQuery(), after=None, limit=1),
    "events": methodcaller("events", "realm", user=None, token_id=None, after=None, limit=1),
    "clients": methodcaller("clients", "realm", owner=None, after=None, limit=1),
    "once": methodcaller("once", "realm", "key", now=NOW),
    "commit": methodcaller("commit", "realm", [CreateToken(make_token())]),
    "sweep": methodcaller("sweep", "realm", Cutoffs(), limit=1),
}
"""Every call that needs the data."""


class StoreContract(
    RoundTrips,
    Guards,
    Times,
    Realms,
    Deletion,
    Errors,
    Lists,
    Sweeps,
    Secrecy,
    Races,
    Crowds,
    Interleavings,
    Comparison,
    Failures,
    Migrations,
):
    """What every store does. Give the fixture ``store``: an empty store for each test.

    Declare `capabilities`; tests for what a store does not claim to do are not collected. What it claims and cannot
    show is declined, with a reason, by the letter of a group or the name of a test; the report counts it as declined.
    """

    scopegate_group: ClassVar[str] = "C"
    capabilities: ClassVar[Capabilities] = Capabilities(durable=False, cross_process=False)
    declined: ClassVar[Mapping[str, str]] = {}

    def __init_subclass__(cls, **options: object) -> None:
        """Leave out the tests of what is not claimed.

        Raises:
            ConfigurationError: what is declined is neither a group nor a test.
        """
        super().__init_subclass__(**options)
        claimed = cls.capabilities
        absent: tuple[str, ...] = () if claimed.durable else _OF_DURABLE
        absent += () if claimed.cross_process else _OF_PROCESSES
        for name, test in _OPTIONAL.items():
            if name in absent:
                setattr(cls, name, None)
            elif getattr(cls, name) is None:
                setattr(cls, name, test)
        unknown = [each for each in cls.declined if each not in GROUPS and not hasattr(cls, each)]
        if unknown:
            raise ConfigurationError(
                f"{cls.__name__}.declined names {', '.join(unknown)}: write the letter of a group or the name of a test"
            )

    @pytest.fixture(autouse=True)
    def _declined(self, request: pytest.FixtureRequest) -> None:
        """Skip what the author declined, and say why."""
        test = request.function
        letter = group_of(test, type(self))
        reason = self.declined.get(test.__name__) or self.declined.get(letter or "")
        if reason is not None:
            pytest.skip(f"declined: {reason}")

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        """An empty store. Override this."""
        raise NotImplementedError(
            f"{type(self).__name__}: override the fixture store() to give an empty store"
        )

    def make_another(self, store: Store) -> Store:
        """Another store over the same data, for another caller; the store itself unless this is overridden."""
        return store

    def reopen(self, store: Store) -> Store:
        """Close a store and open its data again, as another process would. Override this if it is durable."""
        raise NotImplementedError(f"{type(self).__name__}: override reopen() for {type(store).__name__}")

    def test_a_store_is_what_it_declares(self, store: Store) -> None:
        """The class of the tests and the store say the same."""
        equal(
            store.capabilities, self.capabilities, "a store declares the capabilities that it is tested for"
        )

    def test_opening_and_closing_again_does_nothing(self, store: Store) -> None:
        """Twice is once."""
        store.open()
        store.open()
        furnish(store, "realm")
        store.close()
        store.close()

    def test_a_store_that_was_closed_opens_again_or_says_no(self, store: Store) -> None:
        """It never answers from what is not there any more."""
        furnish(store, "realm")
        before = everything(store, "realm")
        store.close()
        try:
            after = everything(store, "realm")
        except StoreUnavailableError:
            return
        equal(after, before, "a store that opens again shows what is there")

    def test_what_was_committed_is_there_after_reopening(self, store: Store) -> None:
        """All of it, and the history keeps its order."""
        furnish(store, "realm")
        before = everything(store, "realm")
        again = self.reopen(store)
        try:
            equal(everything(again, "realm"), before, "what was committed outlives the store object")
        finally:
            again.close()


_OF_DURABLE: Final = ("test_what_was_committed_is_there_after_reopening",)
_OF_PROCESSES: Final = (
    "test_of_processes_that_redeem_two_hundred_codes_one_wins_each",
    "test_of_processes_that_use_two_hundred_refresh_tokens_one_wins_each",
)
_OPTIONAL: Final = {name: getattr(StoreContract, name) for name in (*_OF_DURABLE, *_OF_PROCESSES)}


class OutageContract:
    """What a store does while it cannot be reached. Give the fixture ``unreachable``."""

    scopegate_group: ClassVar[str] = "E"

    @pytest.fixture
    def unreachable(self) -> Store:
        """A store that cannot reach its data. Override this."""
        raise NotImplementedError(f"{type(self).__name__}: override the fixture unreachable()")

    @pytest.mark.parametrize("call", CALLS)
    def test_what_cannot_be_reached_is_an_outage(self, unreachable: Store, call: str) -> None:
        """Never a conflict, an empty answer, or an error of a driver."""
        try:
            CALLS[call](unreachable)
        except StoreUnavailableError:
            return
        raise AssertionError(f"{call}() on a store out of reach must raise StoreUnavailableError")

    def test_a_touch_that_cannot_be_kept_is_dropped(self, unreachable: Store) -> None:
        """It never fails."""
        unreachable.commit("realm", [Touch("one", NOW)])


class AsyncStoreContract(StoreContract):
    """`StoreContract` for an asynchronous store. Give the fixture ``async_store``.

    The store runs on one event loop in a thread of its own; callers that race are tasks on that loop.
    """

    @pytest.fixture
    def async_store(self) -> AsyncStore:
        """An empty asynchronous store. Override this."""
        raise NotImplementedError(f"{type(self).__name__}: override the fixture async_store()")

    @pytest.fixture
    def store(self, async_store: AsyncStore) -> Iterator[Store]:
        """The asynchronous store, seen by synchronous callers."""
        with awaited(async_store) as store:
            yield store


class AwaitedStore:
    """An asynchronous store, seen by synchronous callers in other threads than its event loop's."""

    def __init__(self, store: AsyncStore, loop: asyncio.AbstractEventLoop) -> None:
        self.asynchronous = store
        self._loop = loop

    @property
    def capabilities(self) -> Capabilities:
        """See `Store.capabilities`."""
        return self.asynchronous.capabilities

    def open(self) -> None:
        """See `Store.open`."""
        self._run(self.asynchronous.open())

    def close(self) -> None:
        """See `Store.close`."""
        self._run(self.asynchronous.close())

    def client(self, realm: str, client_id: str, /) -> Client | None:
        """See `Store.client`."""
        return self._run(self.asynchronous.client(realm, client_id))

    def token(self, realm: str, token_id: str, digest: bytes | None = None, /) -> TokenRecord | None:
        """See `Store.token`."""
        return self._run(self.asynchronous.token(realm, token_id, digest))

    def tokens(self, realm: str, query: TokenQuery, /, *, after: str | None, limit: int) -> Page[Token]:
        """See `Store.tokens`."""
        return self._run(self.asynchronous.tokens(realm, query, after=after, limit=limit))

    def events(
        self, realm: str, /, *, user: str | None, token_id: str | None, after: str | None, limit: int
    ) -> Page[Event]:
        """See `Store.events`."""
        return self._run(
            self.asynchronous.events(realm, user=user, token_id=token_id, after=after, limit=limit)
        )

    def clients(self, realm: str, /, *, owner: str | None, after: str | None, limit: int) -> Page[Client]:
        """See `Store.clients`."""
        return self._run(self.asynchronous.clients(realm, owner=owner, after=after, limit=limit))

    def once(self, realm: str, key: str, /, *, now: float) -> OnceRow | None:
        """See `Store.once`."""
        return self._run(self.asynchronous.once(realm, key, now=now))

    def commit(self, realm: str, changes: Sequence[Change], /) -> None:
        """See `Store.commit`."""
        self._run(self.asynchronous.commit(realm, changes))

    def sweep(self, realm: str, cutoffs: Cutoffs, /, *, limit: int) -> int:
        """See `Store.sweep`."""
        return self._run(self.asynchronous.sweep(realm, cutoffs, limit=limit))

    def _run(self, coroutine: Coroutine[object, object, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


@contextmanager
def awaited(store: AsyncStore) -> Generator[AwaitedStore]:
    """Run an event loop in a thread, and show an asynchronous store to synchronous callers. It is closed at the end."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever)
    thread.start()
    shown = AwaitedStore(store, loop)
    try:
        yield shown
    finally:
        shown.close()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
