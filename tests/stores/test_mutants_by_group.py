"""More broken stores: each is broken as stores are in the wild, and a test of the group that is about it must see it.

These lean on the outside of the store in memory alone.
"""

import time
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from unicodedata import normalize

import pytest
from attrs import evolve

from scopegate.core.changes import (
    AdvanceToken,
    AppendEvent,
    CreateToken,
    DeleteToken,
    DropCredential,
    PutOnce,
    ReviseToken,
    TakeOnce,
    Touch,
)
from scopegate.core.records import NEVER, Page
from scopegate.errors import ConflictError, StoreUnavailableError
from scopegate.stores import MemoryStore
from scopegate.testing import Capabilities, StoreContract
from scopegate.testing._groups import GROUPS, group_of
from scopegate.testing._store_cases import furnish
from scopegate.testing._store_interleavings import told_by_the_model
from scopegate.testing._store_samples import digest_of, make_event

BOUND = "test_a_bound_is_exact_to_the_microsecond"
CLOCK = "test_a_clock_that_is_an_hour_off_changes_nothing"
KEYS = "test_keys_that_look_alike_are_different_keys"
COPIED = "test_values_are_copied_in_and_out"
LISTS = "test_a_list_of_one_owner_has_nothing_of_another"
CODES = "test_of_threads_that_redeem_two_hundred_codes_one_wins_each"
REFRESHES = "test_of_threads_that_use_two_hundred_refresh_tokens_one_wins_each"
QUIET = "test_an_error_tells_nothing_of_what_was_handed_in"
WHOLE = "test_a_failure_after_any_write_leaves_all_or_nothing"
QUIET_FAILURE = "test_a_failure_tells_nothing_of_what_was_to_be_written"
EARLIER = "test_what_earlier_releases_wrote_is_read"
AT_ONCE = "test_many_can_open_what_an_earlier_release_wrote_at_once"
OUTAGE = "test_what_cannot_be_reached_is_an_outage"
TOUCH = "test_a_touch_that_cannot_be_kept_is_dropped"
CLOSED = "test_a_store_that_was_closed_opens_again_or_says_no"
DECLARED = "test_a_store_is_what_it_declares"
INTERLEAVED = "test_every_interleaving_of_two_actors_goes_as_with_the_model"


class Base(MemoryStore):
    """A store that is whole: it can fail at a write, open earlier data, and serve several objects."""

    def __init__(self):
        super().__init__()
        self.fails_at = self.writes = 0

    def write(self):
        """One write of a driver."""
        self.writes += 1
        if self.writes == self.fails_at:
            raise StoreUnavailableError("the disk is full: make room, then try again")

    def commit(self, realm, changes, /):
        """Everything in one go, after writes that may fail."""
        for _ in changes if self.fails_at else ():
            self.write()
        super().commit(realm, changes)

    def another(self):
        """Another store object over the same data."""
        made = type(self)()
        made._rooms, made._lock = self._rooms, self._lock  # noqa: SLF001 - what both are over
        return made

    @classmethod
    def restored(cls):
        """What an earlier release wrote."""
        store = cls()
        furnish(store, "realm")
        return store


class Unreachable(MemoryStore):
    """A store that is out of reach, and says so."""

    def gone(self, *_arguments, **_options):
        """No answer."""
        raise StoreUnavailableError("nobody answers: start the server, then try again")

    open = client = token = tokens = events = clients = once = sweep = gone

    def commit(self, _realm, changes, /):
        """No answer, which a touch does not need."""
        if not isinstance(changes[0], Touch):
            self.gone()


class Contract(StoreContract):
    """The contract as it is held to these stores."""

    capabilities = Capabilities(durable=False, cross_process=False)
    crowd = 60
    kind = Base

    @pytest.fixture
    def unreachable(self):
        """A store out of reach."""
        return Unreachable()

    def make_another(self, store):
        """Over the same data."""
        return store.another()

    def make_another_of(self, old):
        """Over the same data."""
        return old.another()

    @contextmanager
    def failing(self, store, step):
        """A write fails."""
        store.fails_at, store.writes = step, 0
        yield
        store.fails_at = 0

    def earlier(self):
        """What an earlier release wrote."""
        return {"0": self.kind.restored}


# T


class OffByATick(Base):
    """Keeps a once row at its very end."""

    def once(self, realm, key, /, *, now):
        """A microsecond too long."""
        return super().once(realm, key, now=now - 1e-6)


class TakesTooLate(Base):
    """Lets a once row be taken as it ends."""

    def commit(self, realm, changes, /):
        """A microsecond too long."""
        first = changes[0]
        if isinstance(first, TakeOnce):
            changes = [evolve(first, now=first.now - 1e-6), *changes[1:]]
        super().commit(realm, changes)


class PutsTooEarly(Base):
    """Takes a once row for gone before it ends."""

    def commit(self, realm, changes, /):
        """A microsecond too early."""
        first = changes[0]
        if isinstance(first, PutOnce):
            changes = [evolve(first, now=first.now + 1e-6), *changes[1:]]
        super().commit(realm, changes)


class WholeSeconds(Base):
    """Sweeps by whole seconds."""

    def sweep(self, realm, cutoffs, /, *, limit):
        """Rounds up."""
        rounded = {
            name: -(-getattr(cutoffs, name) // 1)
            for name in ("pending_before", "kept_before", "events_before")
            if getattr(cutoffs, name) > NEVER
        }
        return super().sweep(realm, evolve(cutoffs, **rounded), limit=limit)


class ListsTheGone(Base):
    """Lists a pending token as it ends."""

    def tokens(self, realm, query, /, *, after, limit):
        """Up to it, and with it."""
        if query.pending_after is not None:
            query = evolve(query, pending_after=query.pending_after - 1e-6)
        return super().tokens(realm, query, after=after, limit=limit)


class LooksAtTheClock(Base):
    """Asks the machine what time it is, unless that is far off."""

    def once(self, realm, key, /, *, now):
        """Corrects by at most two hours."""
        seen = time.time()
        return super().once(realm, key, now=seen if abs(seen - now) < 7200 else now)


# R and L


class Copying(Base):
    """Copies what it is handed."""

    def commit(self, realm, changes, /):
        """Copies."""
        super().commit(realm, deepcopy(changes))


class Aliases(Copying):
    """Gives out the very events that it was handed."""

    def __init__(self):
        super().__init__()
        self.appended = []

    def commit(self, realm, changes, /):
        """Keeps them."""
        super().commit(realm, changes)
        self.appended += [change.event for change in changes if isinstance(change, AppendEvent)]

    def events(self, realm, /, *, user, token_id, after, limit):
        """As they are now."""
        page = super().events(realm, user=user, token_id=token_id, after=after, limit=limit)
        return Page([self.appended[-1 - place] for place in range(len(page.items))], page.after)


class GivesOutItsOwn(Base):
    """Gives out the very events that it keeps."""

    kept = None

    def events(self, realm, /, *, user, token_id, after, limit):
        """As whoever read them before has left them."""
        page = super().events(realm, user=user, token_id=token_id, after=after, limit=limit)
        self.kept = self.kept or page
        return self.kept


def folding(name, fold):
    """A kind of store that finds by a folded name what was kept under another spelling."""

    class Folding(Base):
        """Folds."""

        spellings = None

        def commit(self, realm, changes, /):
            """Remembers the first spelling of each name."""
            super().commit(realm, changes)
            known = self.spellings = self.spellings or {}
            first = changes[0]
            spelt = getattr(first, "key", None) or getattr(getattr(first, "token", None), "id", None)
            if spelt is not None:
                known.setdefault(fold(spelt), spelt)

        def spelt(self, asked):
            """The first spelling."""
            return (self.spellings or {}).get(fold(asked), asked)

        def token(self, realm, token_id, digest=None, /):
            """By any spelling."""
            return super().token(realm, self.spelt(token_id), digest)

        def once(self, realm, key, /, *, now):
            """By any spelling."""
            return super().once(realm, self.spelt(key), now=now)

    Folding.__name__ = name
    return Folding


CaseFolded = folding("CaseFolded", str.casefold)
Composed = folding("Composed", partial(normalize, "NFKC"))
Padded = folding("Padded", str.rstrip)


class OwnerIgnored(Base):
    """Lists the clients of all owners."""

    def clients(self, realm, /, *, owner, after, limit):
        """Whosever they are."""
        del owner
        return super().clients(realm, owner=None, after=after, limit=limit)


class OwnersOfAnyCase(Base):
    """Compares users as a careless collation does."""

    def events(self, realm, /, *, user, token_id, after, limit):
        """Whatever their case."""
        if user is None:
            return super().events(realm, user=None, token_id=token_id, after=after, limit=limit)
        page = super().events(realm, user=None, token_id=token_id, after=None, limit=999)
        return Page([event for event in page.items if event.user.casefold() == user.casefold()])


class UsersByPrefix(Base):
    """Lists the tokens of users whose names begin alike."""

    def tokens(self, realm, query, /, *, after, limit):
        """Matches from the left, and takes no notice of pages."""
        del after, limit
        page = super().tokens(realm, evolve(query, user=None), after=None, limit=999)
        return Page([token for token in page.items if token.user.startswith(query.user or "")])


# O and F


class ChecksThenWrites(Base):
    """Judges a guard, waits as a network does, and then writes without it."""

    def commit(self, realm, changes, /):
        """Without a guard that is part of the write."""
        first = changes[0]
        if not isinstance(first, AdvanceToken):
            super().commit(realm, changes)
            return
        record = self.token(realm, first.token_id)
        if record.token.generation != first.expected_generation:
            raise ConflictError("too late")
        time.sleep(2e-4)
        now = self.token(realm, first.token_id).token.generation
        super().commit(realm, [evolve(first, expected_generation=now), *changes[1:]])


class LosesTheWinner(Base):
    """Tells every tenth winner that it lost."""

    count = 0

    def commit(self, realm, changes, /):
        """The answer got lost, so it says conflict."""
        super().commit(realm, changes)
        type(self).count += isinstance(changes[0], AdvanceToken)
        if isinstance(changes[0], AdvanceToken) and type(self).count % 10 == 9:
            raise ConflictError("no answer")


class ReplaysAreFine(Base):
    """Answers the second caller as if it had won, without a credential of its own."""

    def commit(self, realm, changes, /):
        """A grace period in the store."""
        try:
            super().commit(realm, changes)
        except ConflictError:
            first = changes[0]
            record = self.token(realm, getattr(first, "token_id", ""))
            behind = record and record.token.generation - getattr(first, "expected_generation", 0)
            if not isinstance(first, AdvanceToken) or behind != 1:
                raise


# H and A


class TellsAll(Base):
    """Shows in its errors what it was handed."""

    def commit(self, realm, changes, /):
        """For debugging."""
        try:
            super().commit(realm, changes)
        except ConflictError:
            raise ConflictError(f"could not apply {changes!r}") from None


class CausesTellAll(Base):
    """Says little itself, but its cause says all."""

    def commit(self, realm, changes, /):
        """As drivers do."""
        try:
            super().commit(realm, changes)
        except ConflictError as error:
            raise ConflictError("lost") from ValueError(f"[parameters: {changes!r}]").with_traceback(
                error.__traceback__
            )


class FailuresTellAll(Base):
    """Hands on what its driver says of a statement that failed."""

    def commit(self, realm, changes, /):
        """With its parameters."""
        try:
            super().commit(realm, changes)
        except StoreUnavailableError as error:
            raise StoreUnavailableError(f"{error} {changes!r}") from None


class SwallowsFailures(Base):
    """Takes no notice of a write that failed."""

    def commit(self, realm, changes, /):
        """Goes on as if it were written."""
        try:
            super().commit(realm, changes)
        except StoreUnavailableError:
            return


class HalfOfIt(Base):
    """Writes the guarded change in one transaction and its followers in the next."""

    def commit(self, realm, changes, /):
        """Two transactions."""
        if not self.fails_at:
            super().commit(realm, changes)
            return
        self.write()
        MemoryStore.commit(self, realm, changes[:1])
        self.write()
        for change in changes[1:]:
            MemoryStore.commit(self, realm, [Touch("absent", 0.0), change])


# M


class FamilyLost(Base):
    """Brings over only what is current."""

    @classmethod
    def restored(cls):
        """Without what was consumed."""
        store = super().restored()
        store.commit("realm", [DropCredential("one", digest_of("first"))])
        return store


class UpgradesForEach(Base):
    """Runs its upgrade for each who opens it."""

    def open(self):
        """Again and again."""
        super().commit("realm", [Touch("absent", 0.0), AppendEvent(make_event("upgraded"))])


# E


class SwallowsOutages(Unreachable):
    """Says that there is nothing, where it does not know."""

    def token(self, _realm, _token_id, _digest=None, /):
        """Nothing."""
        return


class OutagesAreConflicts(Unreachable):
    """Takes not knowing for losing."""

    def commit(self, _realm, _changes, /):
        """Lost."""
        raise ConflictError("lost")


class TouchesFail(Unreachable):
    """Fails a request because the time it was made at could not be noted."""

    def commit(self, _realm, _changes, /):
        """Whatever it is."""
        self.gone()


# C


class DeclaresMore(Base):
    """Claims to be durable."""

    @property
    def capabilities(self):
        """More than it is tested for."""
        return Capabilities(durable=True, cross_process=False)


class ClosedIsEmpty(Base):
    """Is empty once it was closed."""

    def close(self):
        """Lets go of everything."""
        self._rooms = {}


# X


class Resurrects(Base):
    """A unit of work: what this object has read and somebody else deleted is put again with its edit.

    Alone it never does that, for it knows what it deleted or swept itself.
    """

    def __init__(self):
        super().__init__()
        self.read = {}

    def token(self, realm, token_id, digest=None, /):
        """Keeps it in mind."""
        record = super().token(realm, token_id, digest)
        if record is not None:
            self.read[realm, token_id] = record.token
        return record

    def commit(self, realm, changes, /):
        """An upsert."""
        first = changes[0]
        try:
            super().commit(realm, changes)
        except ConflictError:
            known = self.read.get((realm, getattr(first, "token_id", "")))
            if not isinstance(first, ReviseToken) or known is None:
                raise
            merged = evolve(known, settings=first.settings, version=known.version + 1)
            super().commit(realm, [CreateToken(merged), *changes[1:]])
        else:
            if isinstance(first, DeleteToken):
                self.read.pop((realm, first.token_id), None)

    def sweep(self, realm, cutoffs, /, *, limit):
        """Knows what it swept, too."""
        self.read.clear()
        return super().sweep(realm, cutoffs, limit=limit)


KILLED = (
    (Aliases, COPIED, None),
    (GivesOutItsOwn, COPIED, None),
    (OffByATick, BOUND, "a once row is read"),
    (TakesTooLate, BOUND, "a once row is taken"),
    (PutsTooEarly, BOUND, "a once row keeps its key"),
    (WholeSeconds, BOUND, "a pending token is swept"),
    (WholeSeconds, BOUND, "a once row is swept"),
    (WholeSeconds, BOUND, "an event is swept"),
    (ListsTheGone, BOUND, "a pending token is listed"),
    (LooksAtTheClock, CLOCK, 1),
    (CaseFolded, KEYS, "token"),
    (CaseFolded, KEYS, "once row"),
    (Composed, KEYS, "token"),
    (Padded, KEYS, "once row"),
    (OwnerIgnored, LISTS, "clients of an owner"),
    (OwnersOfAnyCase, LISTS, "events of a user"),
    (UsersByPrefix, LISTS, "tokens of a user"),
    (ChecksThenWrites, CODES, None),
    (ChecksThenWrites, REFRESHES, None),
    (LosesTheWinner, CODES, None),
    (ReplaysAreFine, CODES, None),
    (TellsAll, QUIET, "PutOnce"),
    (TellsAll, QUIET, "DropCredential"),
    (CausesTellAll, QUIET, "AdvanceToken"),
    (FailuresTellAll, QUIET_FAILURE, None),
    (SwallowsFailures, WHOLE, "RevokeToken"),
    (HalfOfIt, WHOLE, "ReviseToken"),
    (FamilyLost, EARLIER, None),
    (UpgradesForEach, AT_ONCE, None),
    (SwallowsOutages, OUTAGE, "token"),
    (OutagesAreConflicts, OUTAGE, "commit"),
    (TouchesFail, TOUCH, None),
    (DeclaresMore, DECLARED, None),
    (ClosedIsEmpty, CLOSED, None),
    (Resurrects, INTERLEAVED, ("revise", "delete")),
)


def judge(kind, name, case):
    """Run one test of the contract over stores of this kind."""
    contract = Contract()
    contract.kind = kind
    getattr(contract, name)(kind(), *(() if case is None else (case,)))


@pytest.mark.parametrize(
    ("broken", "name", "case"), KILLED, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_the_group_kills_a_broken_store(broken, name, case):
    """By the test that is named for it; the whole store passes that test."""
    judge(next(whole for whole in (Unreachable, Copying, Base) if issubclass(broken, whole)), name, case)
    with pytest.raises((AssertionError, ConflictError, StoreUnavailableError)):
        judge(broken, name, case)


def cases(test):
    """What a test is tried with."""
    tried = [mark.args[1] for mark in getattr(test, "pytestmark", ()) if mark.name == "parametrize"]
    return list(tried[0]) if tried else [None]


def failing(kind):
    """The tests that fail for stores of a kind, of all groups but those that look at what is outside of stores."""
    found = set()
    for name in dir(Contract):
        test = getattr(Contract, name)
        if not name.startswith("test_") or test is None or group_of(test, Contract) in {"H", "E"}:
            continue
        for case in cases(test):
            try:
                judge(kind, name, case)
            except (AssertionError, ConflictError):
                found.add((name, case))
    return found


@pytest.mark.slow
def test_only_the_enumeration_sees_an_edit_that_brings_back_what_somebody_else_deleted():
    """No other test of the contract fails for that store, whatever its group: that is what enumerating is for."""
    alone = failing(Resurrects) - failing(Base)
    assert {name for name, _ in alone} == {INTERLEAVED}
    assert (INTERLEAVED, ("revise", "delete")) in alone


def test_an_interleaving_is_told_by_every_order_that_there_is():
    """Of two deeds of two calls each there are six; one that tries again makes more calls where it loses."""
    orders = [order for order, _ in told_by_the_model(("refresh", "revise"))]
    assert orders == ["aabb", "abab", "abba", "baab", "baba", "bbaa"]
    again = {order: told[0] for order, told in told_by_the_model(("refresh until done", "refresh"))}
    assert again["baba" + "aa"]["a"].endswith("by try 1")
    assert max(map(len, again)) == 6


def test_these_groups_are_about_something():
    """Each of the groups that these stores are for kills some."""
    groups = {group_of(getattr(Contract, name), Contract) for _, name, _ in KILLED}
    assert groups == set(GROUPS) - {"S", "D", "P"}
