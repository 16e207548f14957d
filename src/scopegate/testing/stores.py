"""The contract of stores, as a test suite that the author of a store inherits.

    class TestMyStore(StoreContract):
        capabilities = Capabilities(durable=True, cross_process=True)
        declined = {"M": "its first schema"}

        @pytest.fixture
        def store(self, tmp_path):
            self.path = tmp_path / "data"
            with closing(MyStore(self.path)) as store:
                yield store

        def reopen(self, store):
            store.close()
            return MyStore(self.path)

        def recipe(self, store):
            return partial(MyStore, self.path)

        def dump(self, store):
            return self.path.read_bytes()

The fixture and the two declarations are enough to begin with. Each hook that is missing fails the tests that need it,
and the failure says which hook to write, or which letter to decline. An asynchronous store inherits
`AsyncStoreContract` and gives the fixture ``async_store`` in place of ``store``.

- `make_another`: a second store object over the same data, for callers that race.
- `reopen`: the same data after a restart; for stores that are durable.
- `recipe`: what opens the same data in another process; for stores that several processes may use.
- `dump`: all that was written, as raw as it can be had.
- `unreachable`, or `async_unreachable`: a fixture, a store that cannot reach its data.
- `failing`: lets the driver fail at its n-th write.
- `earlier`: what opens the dump of each earlier schema, with `known_to` and `make_another_of` beside it.
- ``crowd`` and ``histories``: how much is tried, for stores that are slow or quick.
"""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Final

import pytest

from scopegate.errors import ConfigurationError, StoreUnavailableError
from scopegate.protocols import AsyncStore, Capabilities, Store
from scopegate.testing._awaited import AwaitedStore, awaited
from scopegate.testing._groups import GROUPS, group_of
from scopegate.testing._store_bounds import Deletion, Errors, Realms
from scopegate.testing._store_cases import everything, furnish
from scopegate.testing._store_crowds import Crowds
from scopegate.testing._store_earlier import Migrations
from scopegate.testing._store_failures import Failures
from scopegate.testing._store_hygiene import Secrecy
from scopegate.testing._store_interleavings import Interleavings
from scopegate.testing._store_lists import Lists, Sweeps
from scopegate.testing._store_model import Comparison
from scopegate.testing._store_names import Names
from scopegate.testing._store_outages import OutageContract
from scopegate.testing._store_races import Races
from scopegate.testing._store_rules import Guards, RoundTrips, equal
from scopegate.testing._store_times import Times

__all__ = [
    "AsyncStoreContract",
    "AwaitedStore",
    "Capabilities",
    "OutageContract",
    "StoreContract",
    "awaited",
]


class StoreContract(
    RoundTrips,
    Names,
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
    OutageContract,
):
    """What every store does. Give the fixture ``store``: an empty store for each test.

    Declare `capabilities`; tests for what a store does not claim to do are not collected, and the report names them.
    What it claims and cannot show is declined, with a reason, by the letter of a group or the name of a test; the
    report counts it as declined.
    """

    scopegate_group: ClassVar[str] = "C"
    capabilities: ClassVar[Capabilities] = Capabilities(durable=False, cross_process=False)
    declined: ClassVar[Mapping[str, str]] = {}
    not_asked: ClassVar[Mapping[str, str]] = {}
    """The tests that are not collected, and why; worked out from the class."""

    def __init_subclass__(cls, **options: object) -> None:
        """Leave out the tests of what is not claimed.

        Raises:
            ConfigurationError: what is declined is neither a group nor a test, or has no reason.
        """
        super().__init_subclass__(**options)
        cls.not_asked = _not_asked(cls)
        for name, test in _OPTIONAL.items():
            if name in cls.not_asked:
                setattr(cls, name, None)
            elif getattr(cls, name) is None:
                setattr(cls, name, test)
        unknown = [each for each in cls.declined if each not in GROUPS and not hasattr(cls, each)]
        if unknown:
            raise ConfigurationError(
                f"{cls.__name__}.declined names {', '.join(unknown)}: write the letter of a group or the name of a test"
            )
        silent = [each for each, reason in cls.declined.items() if not reason.strip()]
        if silent:
            raise ConfigurationError(
                f"{cls.__name__}.declined gives no reason for {', '.join(silent)}: say why, the report shows it"
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
_OF_OUTAGES: Final = (
    "test_what_cannot_be_reached_is_an_outage",
    "test_a_touch_that_cannot_be_kept_is_dropped",
)
_OPTIONAL: Final = {
    name: getattr(StoreContract, name) for name in (*_OF_DURABLE, *_OF_PROCESSES, *_OF_OUTAGES)
}


def _not_asked(contract: type[StoreContract]) -> dict[str, str]:
    """The tests that a contract does not ask for, and why."""
    why: dict[str, str] = {}
    if not contract.capabilities.durable:
        why |= dict.fromkeys(_OF_DURABLE, "it does not claim to be durable")
    if not contract.capabilities.cross_process:
        why |= dict.fromkeys(_OF_PROCESSES, "it does not claim to serve several processes")
    given = [each for each in contract.__mro__ if {"unreachable", "async_unreachable"} & set(vars(each))]
    if all(each.__module__ in {__name__, OutageContract.__module__} for each in given):
        why |= dict.fromkeys(_OF_OUTAGES, "there is no fixture unreachable")
    return why


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

    @pytest.fixture
    def async_unreachable(self) -> AsyncStore:
        """An asynchronous store that cannot reach its data. Override this."""
        raise NotImplementedError(f"{type(self).__name__}: override the fixture async_unreachable()")

    @pytest.fixture
    def unreachable(self, async_unreachable: AsyncStore) -> Iterator[Store]:
        """It, seen by synchronous callers."""
        with awaited(async_unreachable) as store:
            yield store
