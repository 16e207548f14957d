"""Races that are sure to happen: everybody has read before anybody writes; and who is left alive after them."""

import asyncio
from threading import Lock, Thread, get_ident

from attrs import evolve, frozen
from tests.support.clock import Clock
from tests.support.entropy import RecordedEntropy
from tests.support.journey import client_request
from tests.support.world import World

from scopegate import Refusal
from scopegate.core.changes import AddCredential, AdvanceToken, Touch
from scopegate.core.credentials import encode
from scopegate.errors import ConflictError
from scopegate.flows.outcomes import TokenReply
from scopegate.stores import MemoryStore, SQLiteStore


class AdvancesAnyway:
    """A broken store: it advances a token whatever its generation."""

    def commit(self, realm, changes, /):
        """As if there were no guard."""
        try:
            super().commit(realm, changes)
        except ConflictError:
            if not isinstance(changes[0], AdvanceToken):
                raise
            generation = super().token(realm, changes[0].token_id).token.generation
            self.commit(realm, [evolve(changes[0], expected_generation=generation), *changes[1:]])


class KeepsWhatLosersMade:
    """A broken store: it writes the credentials of a commit whose guard is false."""

    def commit(self, realm, changes, /):
        """A batch that is not one."""
        try:
            super().commit(realm, changes)
        except ConflictError:
            made = [change for change in changes if isinstance(change, AddCredential)]
            super().commit(realm, [Touch("nobody's", 0.0), *made])
            raise


FAULTS = {"advances anyway": AdvancesAnyway, "keeps what losers made": KeepsWhatLosersMade}


def make_store(kind, path, fault=None):
    """A store in memory or in a file, whole or broken."""
    base = MemoryStore if kind == "memory" else SQLiteStore
    made = type(f"Broken{base.__name__}", (FAULTS[fault], base), {}) if fault else base
    return made() if kind == "memory" else made(path, timeout=60)


class RacingStore:
    """Forwards to a store, and counts conflicts. After `meet`, everybody's next read of a token ends at the meeting.

    Attributes:
        conflicts: how many commits found their guard false.
    """

    def __init__(self, store) -> None:
        self._store = store
        self._lock = Lock()
        self.conflicts = 0
        self._wait, self._met = None, set()

    def __getattr__(self, name):
        return getattr(self._store, name)

    def asynchronous(self):
        """The twin, for tasks."""
        return AsyncRacingStore(self, self._store.asynchronous())

    def meet(self, wait):
        """Let everybody wait there once, after reading; None: nobody."""
        self._wait, self._met = wait, set()

    def meeting(self, who):
        """Where this one waits now, if anywhere."""
        with self._lock:
            if self._wait is None or who in self._met:
                return None
            self._met.add(who)
            return self._wait

    def lost(self):
        """Count a conflict."""
        with self._lock:
            self.conflicts += 1

    def token(self, realm, token_id, digest=None, /):
        """See `Store.token`."""
        found = self._store.token(realm, token_id, digest)
        wait = self.meeting(get_ident())
        if wait is not None:
            wait()
        return found

    def commit(self, realm, changes, /):
        """See `Store.commit`."""
        try:
            self._store.commit(realm, changes)
        except ConflictError:
            self.lost()
            raise


class AsyncRacingStore:
    """`RacingStore`, awaited."""

    def __init__(self, racing, store) -> None:
        self._racing, self._store = racing, store

    def __getattr__(self, name):
        return getattr(self._store, name)

    async def token(self, realm, token_id, digest=None, /):
        """See `Store.token`."""
        found = await self._store.token(realm, token_id, digest)
        wait = self._racing.meeting(asyncio.current_task())
        if wait is not None:
            await wait()
        return found

    async def commit(self, realm, changes, /):
        """See `Store.commit`."""
        try:
            await self._store.commit(realm, changes)
        except ConflictError:
            self._racing.lost()
            raise


class Rehearsal:
    """Forwards to a store, but writes nothing: ``tried`` is what would have been written."""

    def __init__(self, store) -> None:
        self._store = store
        self.tried = []

    def __getattr__(self, name):
        return getattr(self._store, name)

    def commit(self, _realm, changes, /):
        """Only remember."""
        self.tried += changes


def in_threads(count, step):
    """What that many threads get; each is told its number. An exception counts as what it is."""
    found = [None] * count

    def run(number):
        try:
            found[number] = step(number)
        except Exception as error:  # noqa: BLE001 - the test says which are allowed
            found[number] = error

    threads = [Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


@frozen
class Alive:
    """How many of all secrets that were ever made still authenticate, each tried in the same state.

    Attributes:
        access: those that open the resource.
        rotating: those that would rotate to a successor.
        repeated: those that get the answer of a moment ago once more.
        redeeming: those that would redeem as a code.
    """

    access: int
    rotating: int
    repeated: int
    redeeming: int


def alive(journey, more=(), *, ahead=0.0):
    """Try everything that this world drew, and ``more`` that others drew, as every kind of secret, so much later."""
    world, token_id = journey.world, journey.token_id
    secrets = {encode(drawn) for drawn in [*world.entropy.secrets, *more]}
    secrets |= {secret.partition(".")[2] for secret in (journey.code, journey.access_token) if secret}
    rehearsal = Rehearsal(world.store)
    quiet = World(
        store=rehearsal,
        clock=Clock(world.clock.now + ahead),
        entropy=RecordedEntropy("rehearsal"),
        people=world.people,
    )

    def asking(name, prefix, **others):
        """How many would advance the token, and how many are answered all the same."""
        advancing = answered = 0
        for secret in secrets:
            rehearsal.tried.clear()
            request = {name: f"{prefix}_{token_id}.{secret}", "client_id": journey.client_id} | others
            outcome = quiet.server.token(client_request(request))
            advances = any(isinstance(change, AdvanceToken) for change in rehearsal.tried)
            advancing += advances
            answered += isinstance(outcome, TokenReply) and not advances
            assert isinstance(outcome, TokenReply) or outcome.code == "invalid_grant"
        return advancing, answered

    opening = [
        secret
        for secret in secrets
        if not isinstance(quiet.server.access(f"Bearer sga_{token_id}.{secret}"), Refusal)
    ]
    redeeming, strange = asking(
        "code", "sgc", grant_type="authorization_code", code_verifier=journey.verifier
    )
    assert not strange
    return Alive(len(opening), *asking("refresh_token", "sgr", grant_type="refresh_token"), redeeming)
