"""The contract fails for stores that break it: each of these is broken in one way, and a named test must see it."""

import time
from contextlib import contextmanager, nullcontext
from math import inf

import pytest
from attrs import evolve
from hypothesis import Phase

from scopegate.core.changes import (
    AddCredential,
    AdvanceToken,
    AppendEvent,
    CreateToken,
    DeleteToken,
    DropCredential,
    PutClient,
    PutOnce,
    ReviseToken,
    RevokeToken,
    TakeOnce,
    Touch,
)
from scopegate.core.records import NEVER, Cutoffs, OnceRow, Page, TokenQuery
from scopegate.errors import ConflictError, StoreUnavailableError
from scopegate.stores import MemoryStore, _rooms
from scopegate.stores._packing import Row
from scopegate.stores._rooms import Room
from scopegate.testing._groups import GROUPS, group_of
from scopegate.testing._store_cases import furnish
from scopegate.testing._store_samples import digest_of
from scopegate.testing.stores import Capabilities, StoreContract

real_changed = _rooms._changed  # noqa: SLF001 - a mutant changes what is inside
real_add, real_drop, real_delete = Room._add, Room._drop, Room._delete  # noqa: SLF001 - likewise
real_create = Room._create  # noqa: SLF001 - likewise
real_touch = Room._touch  # noqa: SLF001 - likewise


class FollowersWithoutGuard(MemoryStore):
    """Writes the followers although the guard is false."""

    def commit(self, realm, changes, /):
        """Twice, in a way."""
        try:
            super().commit(realm, changes)
        except ConflictError:
            super().commit(realm, [Touch("absent", 0.0), *changes[1:]])
            raise


class SilentConflicts(MemoryStore):
    """Says nothing when the guard is false."""

    def commit(self, realm, changes, /):
        """Swallows."""
        try:
            super().commit(realm, changes)
        except ConflictError:
            return


class OneRealm(MemoryStore):
    """Keeps all realms in one."""

    def commit(self, realm, changes, /):
        """Anywhere."""
        super().commit("the only one" if realm else "", changes)

    def token(self, realm, token_id, digest=None, /):
        """From anywhere."""
        return super().token("the only one" if realm else "", token_id, digest)


class RealmOfAnyCase(MemoryStore):
    """Tells realms apart by their letters only."""

    def token(self, realm, token_id, digest=None, /):
        """Folds."""
        return super().token(realm.strip().lower(), token_id, digest)


class KeepsCredentials(MemoryStore):
    """Gives a deleted token's credentials to the next of that id."""

    def __init__(self):
        super().__init__()
        self.added = []

    def commit(self, realm, changes, /):
        """Remembers too much."""
        super().commit(realm, changes)
        self.added += [change for change in changes if isinstance(change, AddCredential)]
        if changes and isinstance(changes[0], CreateToken):
            super().commit(realm, [Touch("absent", 0.0), *self.added])


class OnceTooLong(MemoryStore):
    """Shows a once row at the very time it expires."""

    def once(self, realm, key, /, *, now):
        """One tick early."""
        return super().once(realm, key, now=now - 1e-3)


class OwnClock(MemoryStore):
    """Looks at the clock of the machine instead of at ``now``."""

    def once(self, realm, key, /, *, now):
        """Today."""
        return super().once(realm, key, now=max(now, time.time()))


class AnyDigest(MemoryStore):
    """Finds a credential by the end of its digest."""

    def __init__(self):
        super().__init__()
        self.ends = {}

    def commit(self, realm, changes, /):
        """Remembers which digest has which end."""
        super().commit(realm, changes)
        digests = [change.credential.digest for change in changes if isinstance(change, AddCredential)]
        self.ends |= {digest[1:]: digest for digest in digests}

    def token(self, realm, token_id, digest=None, /):
        """Compares too little."""
        return super().token(realm, token_id, digest and self.ends.get(digest[1:]))


class ForgetsTheClient(MemoryStore):
    """Reads a token without its client."""

    def token(self, realm, token_id, digest=None, /):
        """Lacks the join."""
        record = super().token(realm, token_id, digest)
        return record and record._replace(client=None)


class CursorsByNumber(MemoryStore):
    """Counts items instead of remembering where a page ended."""

    def tokens(self, realm, query, /, *, after, limit):
        """Shifts when something goes away."""
        start = int(after or 0)
        page = super().tokens(realm, query, after=None, limit=start + limit)
        return Page(page.items[start:], str(start + limit) if page.after else None)


class EmptyLastPage(MemoryStore):
    """Gives a cursor after the last item."""

    def clients(self, realm, /, *, owner, after, limit):
        """One page too many."""
        page = super().clients(realm, owner=owner, after=after, limit=limit)
        return Page(page.items, page.items[-1].id if page.items else None)


class EventsByTime(MemoryStore):
    """Sorts the history by what its events say."""

    def events(self, realm, /, *, user, token_id, after, limit):
        """Trusts clocks."""
        page = super().events(realm, user=user, token_id=token_id, after=after, limit=limit)
        return Page(sorted(page.items, key=lambda event: -event.at), page.after)


class OtherUsersTokens(MemoryStore):
    """Lists the tokens of users whose name begins alike."""

    def tokens(self, realm, query, /, *, after, limit):
        """Uses LIKE, so to speak."""
        page = super().tokens(realm, evolve(query, user=None), after=after, limit=limit)
        return Page([token for token in page.items if token.user.startswith(query.user or "")], page.after)


class TextEndsAtNul(MemoryStore):
    """Cuts text where C would."""

    def token(self, realm, token_id, digest=None, /):
        """Loses the rest."""
        record = super().token(realm, token_id, digest)
        client = record and record.client
        return client and record._replace(client=evolve(client, name=client.name.partition("\0")[0]))


class RoundedTimes(MemoryStore):
    """Keeps milliseconds."""

    def once(self, realm, key, /, *, now):
        """Loses bits."""
        row = super().once(realm, key, now=now)
        return row and OnceRow(row.key, row.value, round(row.expires_at, 3))


class NoTurns(MemoryStore):
    """Lets everybody in at once."""

    def __init__(self):
        super().__init__()
        self._lock = nullcontext()


class RemembersReads(MemoryStore):
    """Reads each credential once."""

    def __init__(self):
        super().__init__()
        self._read = {}

    def token(self, realm, token_id, digest=None, /):
        """As it was then."""
        if digest is None:
            return super().token(realm, token_id)
        return self._read.setdefault((realm, token_id, digest), super().token(realm, token_id, digest))


class SweepsEverything(MemoryStore):
    """Ignores the limit of a sweep."""

    def sweep(self, realm, cutoffs, /, *, limit):
        """All at once."""
        return super().sweep(realm, cutoffs, limit=limit and 999)


class SweepsTooMuch(MemoryStore):
    """Sweeps redeemed tokens that have ended."""

    def sweep(self, realm, cutoffs, /, *, limit):
        """Tidies up what people want to see."""
        freed = super().sweep(realm, cutoffs, limit=limit)
        for token in super().tokens(realm, TokenQuery(), after=None, limit=99).items:
            if token.expires_at is not None and token.expires_at <= cutoffs.kept_before:
                super().commit(realm, [DeleteToken(token.id)])
                freed += 1
        return freed


class SweepsOldClients(MemoryStore):
    """Counts idleness from the registration on."""

    def sweep(self, realm, cutoffs, /, *, limit):
        """Forgets that it must have been noticed."""
        if realm in self._rooms:
            self._rooms[realm].idle = {
                known: -1.0
                for known in self._rooms[realm].clients
                if known not in self._rooms[realm].by_client
            }
        return super().sweep(realm, cutoffs, limit=limit)


class SweepsNoClients(MemoryStore):
    """Keeps every registration for ever."""

    def sweep(self, realm, cutoffs, /, *, limit):
        """Never notices."""
        return super().sweep(realm, evolve(cutoffs, idle_before=-1.0), limit=limit)


class SweepsEventsOfAllRealms(MemoryStore):
    """Old events go wherever they are."""

    def sweep(self, realm, cutoffs, /, *, limit):
        """In every room."""
        freed = super().sweep(realm, cutoffs, limit=limit)
        for other in set(self._rooms) - {realm}:
            super().sweep(other, Cutoffs(events_before=cutoffs.events_before), limit=limit)
        return freed


class KeepsOldEvents(MemoryStore):
    """Keeps the history for ever."""

    def sweep(self, realm, cutoffs, /, *, limit):
        """Knows no time for events."""
        return super().sweep(realm, evolve(cutoffs, events_before=NEVER), limit=limit)


class SweepsYoungEvents(MemoryStore):
    """Takes a second more than it should."""

    def sweep(self, realm, cutoffs, /, *, limit):
        """Off by one."""
        return super().sweep(realm, evolve(cutoffs, events_before=cutoffs.events_before + 1), limit=limit)


class ForgetsEverybody(MemoryStore):
    """Forgets all users for one."""

    def sweep(self, realm, cutoffs, /, *, limit):
        """Takes no notice of who."""
        everything = cutoffs if cutoffs.forgotten is None else Cutoffs(events_before=inf)
        return super().sweep(realm, everything, limit=limit)


class ForgetsAtOnce(MemoryStore):
    """Forgets a user in one go, however long that takes."""

    def sweep(self, realm, cutoffs, /, *, limit):
        """Takes no notice of the limit."""
        return super().sweep(realm, cutoffs, limit=limit if cutoffs.forgotten is None else 999)


class NoticesAtNoTime(MemoryStore):
    """Notices idle clients in a sweep that has no time."""

    def sweep(self, realm, cutoffs, /, *, limit):
        """Never is a time like any other."""
        if realm in self._rooms:
            self._rooms[realm]._notice(cutoffs.kept_before)  # noqa: SLF001 - a mutant of what is inside
        return super().sweep(realm, cutoffs, limit=limit)


class UsesPlacesAgain(MemoryStore):
    """Numbers events on from the newest that is left."""

    def sweep(self, realm, cutoffs, /, *, limit):
        """Counts again."""
        freed = super().sweep(realm, cutoffs, limit=limit)
        if realm in self._rooms:
            self._rooms[realm].place = max(self._rooms[realm].events, default=-1) + 1
        return freed


class CursorsNeedTheirEvent(MemoryStore):
    """Looks for the event that a cursor stands at."""

    def events(self, realm, /, *, user, token_id, after, limit):
        """Lost with it."""
        if after is not None and int(after) not in self._rooms[realm].events:
            return Page(())
        return super().events(realm, user=user, token_id=token_id, after=after, limit=limit)


def changed(**mutations):
    """Break how one kind of change is judged and applied."""

    def broken(token, change):
        mutation = mutations.get(type(change).__name__)
        return real_changed(token, change) if mutation is None else mutation(token, change)

    return lambda monkeypatch: monkeypatch.setattr(_rooms, "_changed", broken)


def but(mutation):
    """Judge as one should, then spoil the result."""

    def spoiled(token, change):
        done = real_changed(token, change)
        return done and mutation(token, done)

    return spoiled


def method(owner, name, mutant):
    """Replace a method of what is inside the store."""
    return lambda monkeypatch: monkeypatch.setattr(owner, name, mutant)


def slow_decision(monkeypatch):
    """Leave a gap between judging and writing, as any real store has."""

    def slowly(token, change):
        after = real_changed(token, change)
        time.sleep(0.002)
        return after

    monkeypatch.setattr(_rooms, "_changed", slowly)


def slow_followers(monkeypatch):
    """Leave a gap before each follower."""
    follow = Room.follow

    def slowly(room, change):
        time.sleep(0.0002)
        follow(room, change)

    monkeypatch.setattr(Room, "follow", slowly)


def off_by_one(token, change):
    """Accept the generation before as well."""
    return real_changed(token, change) or real_changed(
        token, evolve(change, expected_generation=change.expected_generation + 1)
    )


def advance_revoked(token, change):
    """Advance although it is revoked."""
    advanced = real_changed(evolve(token, revoked_at=None), change)
    return advanced and evolve(advanced, revoked_at=token.revoked_at)


def overwrite_credential(room, credential):
    """Put a credential over one that is there."""
    real_drop(room, credential.token_id, credential.digest)
    real_add(room, credential)


def touch_back(room, change):
    """Take the touch that arrives last."""
    row = room.row(change.token_id)
    if row is not None:
        room._replace(row, evolve(row.token, last_used_at=change.at))


def touch_always_wrote(room, change):
    """Take reading for writing."""
    real_touch(room, evolve(change, wrote=True))


def wrote_back(room, change):
    """Take the write that arrives last."""
    real_touch(room, evolve(change, wrote=False))
    row = room.row(change.token_id)
    if row is not None and change.wrote:
        room._replace(row, evolve(row.token, last_wrote_at=change.at))


def wrote_after_zero(room, change):
    """Take no time for the time zero."""
    real_touch(room, evolve(change, wrote=change.wrote and change.at > 0.0))


def put_client_anyway(room, change):
    """Take no notice of the version."""
    room.clients[change.client.id] = change.client
    return True


def put_once_anyway(room, change):
    """Put over what is kept."""
    if isinstance(change, TakeOnce):
        return room.once.pop(change.key, None) is not None
    room.once[change.key] = OnceRow(change.key, change.value, change.expires_at)
    return True


def create_anyway(room, token):
    """Put a token over one that is there."""
    return real_create(room, token) or room._replace(Row(token), token) is None


def delete_anyway(room, token_id, _expected_generation=None):
    """Take no notice of the generation."""
    return real_delete(room, token_id)


FALSE_GUARD = "test_a_false_guard_writes_nothing_at_all"
TRUE_GUARD = "test_a_true_guard_writes_the_change_and_its_followers"
WHOLE = MemoryStore

MUTANTS = {
    "followers without guard": (FollowersWithoutGuard, None, FALSE_GUARD, "PutOnce over one that is kept"),
    "silent conflicts": (SilentConflicts, None, FALSE_GUARD, "DeleteToken of no token"),
    "one realm": (OneRealm, None, "test_another_realm_is_empty", None),
    "realm of any case": (RealmOfAnyCase, None, "test_another_realm_is_empty", None),
    "keeps credentials": (KeepsCredentials, None, "test_a_deleted_token_takes_its_credentials_along", None),
    "once too long": (OnceTooLong, None, "test_a_once_row_lives_until_its_time_and_not_at_it", None),
    "own clock": (OwnClock, None, "test_a_once_row_comes_back_as_it_was_put", None),
    "any digest": (AnyDigest, None, "test_a_credential_comes_back_as_it_was_put", None),
    "forgets the client": (ForgetsTheClient, None, "test_a_client_comes_back_as_it_was_put", None),
    "cursors by number": (CursorsByNumber, None, "test_a_cursor_stays_valid_while_tokens_come_and_go", None),
    "empty last page": (EmptyLastPage, None, "test_the_last_full_page_has_no_cursor", None),
    "events by time": (
        EventsByTime,
        None,
        "test_events_are_listed_newest_first_in_the_order_they_were_appended",
        50,
    ),
    "other users' tokens": (
        OtherUsersTokens,
        None,
        "test_a_query_gives_the_tokens_it_names_and_no_others",
        None,
    ),
    "text ends at NUL": (TextEndsAtNul, None, "test_every_text_comes_back_as_it_was_put", "NUL within"),
    "rounded times": (RoundedTimes, None, "test_a_once_row_comes_back_as_it_was_put", None),
    "sweeps everything": (SweepsEverything, None, "test_a_sweep_frees_at_most_what_it_was_asked_to", 1),
    "sweeps too much": (
        SweepsTooMuch,
        None,
        "test_a_sweep_frees_nothing_that_ended_but_was_redeemed",
        None,
    ),
    "sweeps old clients": (SweepsOldClients, None, "test_a_registration_that_stays_idle_goes", None),
    "sweeps events of all realms": (SweepsEventsOfAllRealms, None, "test_old_events_go", None),
    "keeps old events": (KeepsOldEvents, None, "test_old_events_go_within_the_limit", None),
    "sweeps young events": (SweepsYoungEvents, None, "test_old_events_go", None),
    "forgets everybody": (ForgetsEverybody, None, "test_a_user_is_forgotten", None),
    "forgets at once": (ForgetsAtOnce, None, "test_a_user_is_forgotten", None),
    "uses places again": (
        UsesPlacesAgain,
        None,
        "test_a_cursor_outlives_a_sweep_of_what_it_has_shown",
        None,
    ),
    "cursors need their event": (
        CursorsNeedTheirEvent,
        None,
        "test_a_cursor_outlives_a_sweep_of_what_it_has_shown",
        None,
    ),
    "notices at no time": (NoticesAtNoTime, None, "test_a_sweep_without_a_time_notices_nothing", None),
    "sweeps no clients": (SweepsNoClients, None, "test_idle_registrations_go_within_the_limit", None),
    "check, then write": (NoTurns, slow_decision, "test_one_of_many_wins_a_guard", "AdvanceToken"),
    "remembers reads": (RemembersReads, None, "test_what_was_read_before_hides_no_change", "RevokeToken"),
    "torn writes": (NoTurns, slow_followers, "test_a_reader_sees_a_commit_whole_or_not_at_all", None),
    "version guard ignored": (
        WHOLE,
        changed(ReviseToken=lambda token, change: evolve(token, settings=change.settings)),
        FALSE_GUARD,
        "ReviseToken from an earlier version",
    ),
    "version not bumped": (
        WHOLE,
        changed(ReviseToken=but(lambda token, done: evolve(done, version=token.version))),
        TRUE_GUARD,
        "ReviseToken",
    ),
    "edits disturb refreshes": (
        WHOLE,
        changed(ReviseToken=but(lambda _, done: evolve(done, reply=None))),
        TRUE_GUARD,
        "ReviseToken",
    ),
    "refreshes disturb edits": (
        WHOLE,
        changed(AdvanceToken=but(lambda token, done: evolve(done, version=token.version + 1))),
        "test_settings_and_protocol_have_counters_of_their_own",
        None,
    ),
    "generation off by one": (
        WHOLE,
        changed(AdvanceToken=off_by_one),
        FALSE_GUARD,
        "AdvanceToken from an earlier generation",
    ),
    "revoked token advances": (
        WHOLE,
        changed(AdvanceToken=advance_revoked),
        FALSE_GUARD,
        "AdvanceToken of a revoked token",
    ),
    "old reply stays": (
        WHOLE,
        changed(AdvanceToken=but(lambda token, done: evolve(done, reply=done.reply or token.reply))),
        TRUE_GUARD,
        "AdvanceToken without a reply",
    ),
    "revoked twice": (
        WHOLE,
        changed(RevokeToken=lambda token, change: evolve(token, revoked_at=change.at)),
        FALSE_GUARD,
        "RevokeToken of a revoked token",
    ),
    "credential overwritten": (
        WHOLE,
        method(Room, "_add", overwrite_credential),
        "test_a_credential_is_never_overwritten",
        None,
    ),
    "every touch wrote": (
        WHOLE,
        method(Room, "_touch", touch_always_wrote),
        "test_only_a_touch_that_wrote_sets_the_last_change",
        None,
    ),
    "the last change goes back": (
        WHOLE,
        method(Room, "_touch", wrote_back),
        "test_only_a_touch_that_wrote_sets_the_last_change",
        None,
    ),
    "none is zero": (
        WHOLE,
        method(Room, "_touch", wrote_after_zero),
        "test_the_first_touch_counts_at_any_time",
        0.0,
    ),
    "an end is ignored": (
        WHOLE,
        changed(AdvanceToken=but(lambda token, done: evolve(done, lapses_at=token.lapses_at))),
        "test_each_advance_says_anew_when_the_credentials_lapse",
        None,
    ),
    "edits take the end away": (
        WHOLE,
        changed(ReviseToken=but(lambda _, done: evolve(done, lapses_at=None))),
        "test_settings_and_protocol_have_counters_of_their_own",
        None,
    ),
    "an end stays": (
        WHOLE,
        changed(
            AdvanceToken=but(lambda token, done: evolve(done, lapses_at=done.lapses_at or token.lapses_at))
        ),
        "test_each_advance_says_anew_when_the_credentials_lapse",
        None,
    ),
    "touch goes back": (WHOLE, method(Room, "_touch", touch_back), "test_a_touch_never_goes_back", None),
    "token created twice": (
        WHOLE,
        method(Room, "_create", create_anyway),
        FALSE_GUARD,
        "CreateToken of an id that is there",
    ),
    "deleted at any generation": (
        WHOLE,
        method(Room, "_delete", delete_anyway),
        FALSE_GUARD,
        "DeleteToken at generation 0 of one that was redeemed",
    ),
    "client guard ignored": (
        WHOLE,
        method(Room, "_put_client", put_client_anyway),
        FALSE_GUARD,
        "PutClient from a later version",
    ),
    "once guard ignored": (
        WHOLE,
        method(Room, "_change_once", put_once_anyway),
        FALSE_GUARD,
        "TakeOnce of what expired",
    ),
    "drop guard ignored": (
        WHOLE,
        method(Room, "_drop", lambda *_: True),
        FALSE_GUARD,
        "DropCredential of nothing",
    ),
}


class Contract(StoreContract):
    """The contract as it is held to stores in memory, with what the tests of all groups need."""

    capabilities = Capabilities(durable=True, cross_process=False)
    crowd = 20
    histories = 300
    phases = (Phase.generate,)  # that one goes astray is enough; nobody reads the shortest

    def dump(self, store):
        """What a store remembers."""
        rooms = store._rooms.values()  # noqa: SLF001 - a dump looks inside
        return b"".join(b"".join(room.tokens.values()) for room in rooms) + repr(vars(store)).encode()

    def reopen(self, store):
        """A store that is told to outlive its process is the same one."""
        return store.reopened() if hasattr(store, "reopened") else store

    @contextmanager
    def failing(self, store, step):
        """A store in memory fails where its mutant is told to."""
        store.fail_at(step)
        yield
        store.fail_at(0)

    def earlier(self):
        """What an earlier release wrote."""
        return {"0": self.restored}

    def restored(self):
        """As it should be, or as the mutant reads it."""
        store = self.kind()
        furnish(store, "realm")
        return store.upgraded() if hasattr(store, "upgraded") else store


def judge(kind, name, case):
    """Run one test of the contract over a store of this kind."""
    contract = Contract()
    contract.kind = kind
    arguments = () if case is None else (case,)
    getattr(contract, name)(kind(), *arguments)


class Stepwise(MemoryStore):
    """Writes a commit change by change, and can be told where to fail; whole, for it goes back then."""

    def __init__(self):
        super().__init__()
        self.place = self.count = 0

    def fail_at(self, step):
        """Where."""
        self.place, self.count = step, 0

    def step(self):
        """One write."""
        self.count += 1
        if self.count == self.place:
            raise StoreUnavailableError("injected")

    def commit(self, realm, changes, /):
        """All or nothing."""
        for _ in changes:
            self.step()
        super().commit(realm, changes)


class HalfCommits(Stepwise):
    """Does not go back."""

    def commit(self, realm, changes, /):
        """One by one."""
        first, *followers = changes
        self.step()
        MemoryStore.commit(self, realm, [first])
        for change in followers:
            self.step()
            MemoryStore.commit(self, realm, [Touch("absent", 0.0), change])


class LosesTheLast(MemoryStore):
    """Forgets its last commit when it is opened again: it was not on the disk."""

    def reopened(self):
        """Without the last event."""
        room = self._rooms["realm"]
        room.events.popitem()
        return self


class ForgetsOnUpgrade(MemoryStore):
    """Drops consumed credentials when it brings data up to date."""

    def upgraded(self):
        """A migration that thinks they are dead."""
        self.commit("realm", [DropCredential("one", digest_of("first"))])
        return self


class KeepsSecrets(MemoryStore):
    """Notes what it was handed, for debugging."""

    def __init__(self):
        super().__init__()
        self.noted = []

    def commit(self, realm, changes, /):
        """In full."""
        super().commit(realm, changes)
        self.noted += [
            f"secret-of-{c.credential.kind.name}-{'x' * 20}" for c in changes if isinstance(c, AddCredential)
        ]


class AnswersAfterClosing(MemoryStore):
    """Says that there is nothing, once it is closed."""

    def close(self):
        """For good."""
        self._rooms = {}


class SwallowsMalformed(MemoryStore):
    """Takes what it can of a malformed commit."""

    def commit(self, realm, changes, /):
        """The first change alone."""
        try:
            super().commit(realm, changes)
        except TypeError:
            super().commit(realm, [Touch("absent", 0.0)])


class RestartsGrace(MemoryStore):
    """Moves the end of a once row each time that somebody asks for its key."""

    def commit(self, realm, changes, /):
        """A use restarts it."""
        try:
            super().commit(realm, changes)
        except ConflictError:
            if isinstance(changes[0], PutOnce):
                room = self._rooms[realm]
                row = room.once[changes[0].key]
                room.once[row.key] = OnceRow(row.key, row.value, changes[0].expires_at)
            raise


class DeletesThenInserts(NoTurns):
    """Rotates by deleting the old row and inserting a new one, with a gap between them."""

    def commit(self, realm, changes, /):
        """Whoever comes in the gap finds no token."""
        first = changes[0]
        if isinstance(first, AdvanceToken):
            room = self._rooms.get(realm)
            row = None if room is None else room.tokens.pop(first.token_id, None)
            if row is None:
                raise ConflictError("gone")
            room.live.pop(first.token_id, None)
            time.sleep(1e-4)
            room.tokens[first.token_id] = row
        super().commit(realm, changes)


class ForgetsTheFamily(MemoryStore):
    """Forgets what was consumed as soon as the token goes on."""

    def commit(self, realm, changes, /):
        """Only the current generation is kept."""
        super().commit(realm, changes)
        if changes and isinstance(changes[0], AdvanceToken):
            room = self._rooms[realm]
            room.past.pop(changes[0].token_id, None)


class Aliases(MemoryStore):
    """Gives out the very values that it was handed."""

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


class ForgetsWriting(MemoryStore):
    """Notes of a touch that a token was used, and never that it wrote."""

    def commit(self, realm, changes, /):
        """Wherever it stands."""
        touches = [evolve(each, wrote=False) if isinstance(each, Touch) else each for each in changes]
        super().commit(realm, touches)


class LastEditWinsOnce(MemoryStore):
    """Lets an edit through whose version is one behind, if a refresh came between."""

    def commit(self, realm, changes, /):
        """Only some interleavings show it."""
        try:
            super().commit(realm, changes)
        except ConflictError:
            record = super().token(realm, "one")
            first = changes[0]
            if not (
                isinstance(first, ReviseToken)
                and record is not None
                and first.expected_version == record.token.version - 1
            ):
                raise
            super().commit(realm, [evolve(first, expected_version=record.token.version), *changes[1:]])


MUTANTS |= {
    "half commits": (
        HalfCommits,
        None,
        "test_a_failure_after_any_write_leaves_all_or_nothing",
        "RevokeToken",
    ),
    "lost on reopen": (LosesTheLast, None, "test_what_was_committed_is_there_after_reopening", None),
    "forgets on upgrade": (ForgetsOnUpgrade, None, "test_what_earlier_releases_wrote_is_read", None),
    "keeps secrets": (KeepsSecrets, None, "test_a_dump_has_digests_and_no_secret", None),
    "empty after closing": (
        AnswersAfterClosing,
        None,
        "test_a_store_that_was_closed_opens_again_or_says_no",
        None,
    ),
    "swallows malformed commits": (
        SwallowsMalformed,
        None,
        "test_a_commit_has_one_guarded_change_and_it_is_the_first",
        "two guards",
    ),
    "grace restarted on each use": (
        RestartsGrace,
        None,
        FALSE_GUARD,
        "PutOnce over one that is kept",
    ),
    "delete, then insert": (
        DeletesThenInserts,
        None,
        "test_a_code_is_redeemed_once_and_a_family_never_forks",
        None,
    ),
    "family forgotten": (
        ForgetsTheFamily,
        None,
        "test_a_credential_is_remembered_however_many_generations_ago",
        None,
    ),
    "aliased values": (Aliases, None, "test_values_are_copied_in_and_out", None),
    "a history goes astray": (ForgetsWriting, None, "test_random_histories_go_as_with_the_model", None),
    "an edit slips through": (
        LastEditWinsOnce,
        None,
        "test_every_interleaving_of_two_actors_goes_as_with_the_model",
        ("revise", "revise"),
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_contract_kills_a_broken_store(monkeypatch, mutant):
    """By the test that is named for it; the store as it was passes that test."""
    broken, mutate, name, case = MUTANTS[mutant]
    judge(Stepwise, name, case)
    if mutate is not None:
        mutate(monkeypatch)
    with pytest.raises((AssertionError, ConflictError, pytest.fail.Exception)):
        judge(broken, name, case)


def test_there_are_enough_and_no_group_is_without():
    """Every group kills at least one."""
    assert len(MUTANTS) >= 25
    groups = {group_of(getattr(Contract, name), Contract) for _, _, name, _ in MUTANTS.values()}
    assert groups == set(GROUPS)


def test_every_guard_has_a_mutant():
    """No guarded change is left without one."""
    cases = " ".join(str(case) for *_, case in MUTANTS.values())
    kinds = (
        CreateToken,
        ReviseToken,
        AdvanceToken,
        RevokeToken,
        DeleteToken,
        PutClient,
        TakeOnce,
        DropCredential,
    )
    assert [kind.__name__ for kind in kinds if kind.__name__ not in cases] == []
    assert "PutOnce" in cases
