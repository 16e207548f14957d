"""What every store does with time: only the ``now`` that is passed in counts, to the microsecond."""

import time
from collections.abc import Callable
from functools import partial
from typing import ClassVar, Final, NamedTuple

import pytest
from hypothesis import given

from scopegate.core.changes import (
    AddCredential,
    AdvanceToken,
    AppendEvent,
    Change,
    CreateToken,
    PutClient,
    PutOnce,
    TakeOnce,
    Touch,
)
from scopegate.core.records import Cutoffs, OnceRow, TokenQuery, TokenRecord
from scopegate.errors import ConflictError
from scopegate.protocols import Store
from scopegate.testing import _store_samples as samples
from scopegate.testing._store_rules import equal, examples, refused
from scopegate.testing._store_samples import (
    NOW,
    digest_of,
    every,
    fresh_realm,
    make_client,
    make_credential,
    make_event,
    make_token,
)

TICK: Final = 1e-6
HOUR: Final = 3600.0
AROUND: Final = (NOW - TICK, NOW, NOW + TICK)


def _commits(store: Store, realm: str, change: Change) -> bool:
    """Whether the guard of a change is true."""
    try:
        store.commit(realm, [change])
    except ConflictError:
        return False
    return True


def _kept(store: Store, realm: str, moment: float) -> bool:
    return store.once(realm, "key", now=moment) is not None


def _taken(store: Store, realm: str, moment: float) -> bool:
    return _commits(store, realm, TakeOnce("key", moment))


def _refused(store: Store, realm: str, moment: float) -> bool:
    return not _commits(store, realm, PutOnce("key", b"", NOW + HOUR, moment))


def _listed(store: Store, realm: str, moment: float) -> bool:
    return bool(every(partial(store.tokens, realm, TokenQuery(pending_after=moment))))


def _pending_stays(store: Store, realm: str, moment: float) -> bool:
    return store.sweep(realm, Cutoffs(pending_before=moment), limit=9) == 0


def _kept_stays(store: Store, realm: str, moment: float) -> bool:
    return store.sweep(realm, Cutoffs(kept_before=moment), limit=9) == 0


def _event_stays(store: Store, realm: str, moment: float) -> bool:
    return store.sweep(realm, Cutoffs(events_before=moment), limit=9) == 0


def _idle_stays(store: Store, realm: str, moment: float) -> bool:
    store.sweep(realm, Cutoffs(kept_before=NOW), limit=9)
    return store.sweep(realm, Cutoffs(idle_before=moment), limit=9) == 0


class Bound(NamedTuple):
    """A time that decides: what has it, and whether that counts as alive at a moment."""

    commits: tuple[tuple[Change, ...], ...]
    alive: Callable[[Store, str, float], bool]


_ONCE: Final[tuple[tuple[Change, ...], ...]] = ((PutOnce("key", b"value", NOW, NOW - HOUR),),)
_PENDING: Final[tuple[tuple[Change, ...], ...]] = ((CreateToken(make_token(created_at=NOW)),),)

BOUNDS: Final[dict[str, Bound]] = {
    "a once row is read": Bound(_ONCE, _kept),
    "a once row is taken": Bound(_ONCE, _taken),
    "a once row keeps its key": Bound(_ONCE, _refused),
    "a pending token is listed": Bound(_PENDING, _listed),
    "a pending token is swept": Bound(_PENDING, _pending_stays),
    "a once row is swept": Bound(_ONCE, _kept_stays),
    "a consumed credential is swept": Bound(
        (
            (CreateToken(make_token()),),
            (
                AdvanceToken("one", 0, NOW),
                AddCredential(make_credential("code", generation=0, keep_until=NOW)),
            ),
        ),
        _kept_stays,
    ),
    "an event is swept": Bound(((Touch("absent", NOW), AppendEvent(make_event(at=NOW))),), _event_stays),
    "an idle client is swept": Bound(((PutClient(make_client(), 0),),), _idle_stays),
}
"""Each is alive before its time, and not at it."""


class Times:
    """Only the ``now`` that is passed in counts."""

    scopegate_group: ClassVar[str] = "T"

    @examples
    @given(expires_at=samples.times, now=samples.times)
    def test_a_once_row_lives_until_its_time_and_not_at_it(
        self, store: Store, expires_at: float, now: float
    ) -> None:
        """The machine's own clock does not matter."""
        realm = fresh_realm()
        store.commit(realm, [PutOnce("key", b"value", expires_at, expires_at - 1)])
        for moment in (now, expires_at):
            found = store.once(realm, "key", now=moment)
            expected = OnceRow("key", b"value", expires_at) if moment < expires_at else None
            equal(found, expected, "a once row is there before its time and not at it")

    def test_a_once_row_can_be_taken_once_and_put_again(self, store: Store) -> None:
        """Taking it away makes room."""
        store.commit("realm", [PutOnce("key", b"first", NOW + 1, NOW)])
        store.commit("realm", [TakeOnce("key", NOW)])
        refused(store, "realm", TakeOnce("key", NOW))
        store.commit("realm", [PutOnce("key", b"second", NOW + 2, NOW)])
        equal(store.once("realm", "key", now=NOW), OnceRow("key", b"second", NOW + 2), "a key is free again")

    def test_a_time_long_past_hides_no_row(self, store: Store) -> None:
        """Tokens and credentials stay readable: what expired is for the flows to judge."""
        old = make_credential("first", expires_at=1.0, keep_until=1.0)
        token = make_token(created_at=0.0, expires_at=1.0)
        store.commit("realm", [CreateToken(token), AddCredential(old)])
        equal(
            store.token("realm", "one", old.digest),
            TokenRecord.of(token, None, old),
            "expired rows are still read",
        )

    @pytest.mark.parametrize("name", BOUNDS)
    def test_a_bound_is_exact_to_the_microsecond(self, store: Store, name: str) -> None:
        """A microsecond before, at it, and a microsecond after."""
        commits, alive = BOUNDS[name]
        found: list[bool] = []
        for moment in AROUND:
            realm = fresh_realm()
            for changes in commits:
                store.commit(realm, changes)
            found.append(alive(store, realm, moment))
        equal(found, [True, False, False], f"{name}: alive before its time, and neither at it nor after it")

    @pytest.mark.parametrize("hours", [-1, 0, 1])
    def test_a_clock_that_is_an_hour_off_changes_nothing(self, store: Store, hours: int) -> None:
        """The machine's clock in this process; all times are near what it shows, so that a look at it would tell."""
        now, real = time.time(), (time.time, time.time_ns)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(time, "time", lambda: real[0]() + hours * HOUR)
            patched.setattr(time, "time_ns", lambda: real[1]() + int(hours * HOUR * 1e9))
            found = _story(store, "realm", now)
        equal(found, _story_of(now), f"a clock that is {hours} hours off changes nothing")


def _story(store: Store, realm: str, now: float) -> list[object]:
    """What a store tells of rows that end, or began, half an hour from now."""
    before, after = now - HOUR / 2, now + HOUR / 2
    store.commit(realm, [PutOnce("past", b"", before, before - HOUR)])
    store.commit(realm, [PutOnce("future", b"", after, now)])
    code = make_credential("code", generation=0, expires_at=before, keep_until=after)
    store.commit(realm, [CreateToken(make_token(created_at=before, expires_at=before)), AddCredential(code)])
    store.commit(realm, [AdvanceToken("one", 0, after, None, before), AppendEvent(make_event(at=after))])
    store.commit(realm, [CreateToken(make_token("two", created_at=after))])
    store.commit(realm, [Touch("one", after, wrote=True)])
    record = store.token(realm, "one", digest_of("code"))
    return [
        [store.once(realm, key, now=now) is not None for key in ("past", "future")],
        [store.once(realm, key, now=before - 1) is not None for key in ("past", "future")],
        record and (record.credential == code, record.token.advanced_at, record.token.last_wrote_at),
        [token.id for token in every(partial(store.tokens, realm, TokenQuery(pending_after=now)))],
        [event.at for event in every(partial(store.events, realm, user=None, token_id=None))],
        store.sweep(realm, Cutoffs(pending_before=now, kept_before=now, events_before=now), limit=9),
        store.once(realm, "future", now=now) is not None,
    ]


def _story_of(now: float) -> list[object]:
    """What it has to tell."""
    after = now + HOUR / 2
    return [
        [False, True],
        [True, True],
        (True, after, after),
        ["two", "one"],
        [after],
        1,
        True,
    ]
