"""What every store does while it cannot be reached."""

from collections.abc import Callable
from operator import methodcaller
from typing import ClassVar, Final

import pytest

from scopegate.core.changes import CreateToken, Touch
from scopegate.core.records import Cutoffs, TokenQuery
from scopegate.errors import StoreUnavailableError
from scopegate.protocols import Store
from scopegate.testing._store_samples import NOW, digest_of, make_token

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
