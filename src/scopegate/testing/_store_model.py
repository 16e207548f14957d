"""Random histories: the store tells the same story as the one in memory, whatever happens, in any order."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar, Final, cast

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from scopegate.core.changes import (
    AddCredential,
    AdvanceToken,
    AppendEvent,
    Change,
    CreateToken,
    DeleteToken,
    DropCredential,
    Follower,
    PutClient,
    PutOnce,
    ReviseToken,
    RevokeToken,
    TakeOnce,
    Touch,
)
from scopegate.core.clients import Origin
from scopegate.core.records import NEVER, Cutoffs, TokenQuery
from scopegate.errors import ConflictError
from scopegate.protocols import Store
from scopegate.stores import MemoryStore
from scopegate.testing._store_rules import equal
from scopegate.testing._store_samples import (
    digest_of,
    every,
    fresh_realm,
    make_client,
    make_credential,
    make_event,
    make_settings,
    make_token,
    snapshot,
)

REALMS: Final = st.sampled_from(["north", "south"])
IDS: Final = st.sampled_from(["a", "b", "c"])
USERS: Final = st.sampled_from(["ann", "bob"])
CLIENTS: Final = st.sampled_from(["app", "bot"])
SMALL: Final = st.integers(0, 3)
KEYS: Final = ("k", "l")
TIMES: Final = st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.25, 4.0])
NEVER_OR_TIMES: Final = st.just(NEVER) | TIMES
LIMITS: Final = st.integers(1, 3)
DIGESTS: Final = tuple(digest_of(f"{token_id}{number}") for token_id in "abc" for number in range(3))


def _added(token_id: str, number: int, generation: int, keep_until: float | None) -> AddCredential:
    name = f"{token_id}{number}"
    return AddCredential(make_credential(name, token_id, generation=generation, keep_until=keep_until))


def _appended(user: str, token_id: str, what: str, at: float) -> AppendEvent:
    return AppendEvent(make_event(what, user=user, token_id=token_id, at=at))


FOLLOWERS: Final = st.lists(
    st.one_of(
        st.builds(_added, IDS, st.integers(0, 2), SMALL, st.none() | TIMES),
        st.builds(DropCredential, IDS, st.sampled_from(DIGESTS)),
        st.builds(_appended, USERS, IDS, st.text(max_size=3), TIMES),
        st.builds(Touch, IDS, TIMES, st.booleans()),
    ),
    max_size=3,
)


class Stores(RuleBasedStateMachine):
    """The store in memory is the model."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.model = MemoryStore()
        self.store = store
        # The same store serves all examples, each in realms of its own.
        self.realms = {"north": fresh_realm(), "south": fresh_realm()}
        self.latest = "north"

    def teardown(self) -> None:
        """Look everywhere once."""
        for name in self.realms:
            self.latest = name
            self.both_hold_the_same()

    def commit(self, realm: str, change: Change, followers: Sequence[Change]) -> None:
        """Both write, or neither does."""
        self.latest = realm
        results: list[str] = []
        for store in (self.model, self.store):
            try:
                store.commit(self.realms[realm], [change, *followers])
            except ConflictError:
                results.append("conflict")
            else:
                results.append("")
        equal(results[1], results[0], f"{type(change).__name__} goes as with the model")

    def same(self, read: Callable[[Store], object]) -> None:
        """Both give the same answer."""
        equal(read(self.store), read(self.model), "the store tells what the model tells")

    @rule(realm=REALMS, token_id=IDS, user=USERS, client_id=CLIENTS, created_at=TIMES, followers=FOLLOWERS)
    def create(
        self,
        realm: str,
        token_id: str,
        user: str,
        client_id: str,
        created_at: float,
        followers: list[Follower],
    ) -> None:
        """A new token, or one that is there."""
        token = make_token(token_id, user=user, client_id=client_id, created_at=created_at)
        self.commit(realm, CreateToken(token), followers)

    @rule(
        realm=REALMS, token_id=IDS, version=st.integers(1, 4), name=st.text(max_size=5), followers=FOLLOWERS
    )
    def revise(self, realm: str, token_id: str, version: int, name: str, followers: list[Follower]) -> None:
        """New settings, often stale."""
        self.commit(realm, ReviseToken(token_id, version, make_settings(name)), followers)

    @rule(
        realm=REALMS,
        token_id=IDS,
        generation=SMALL,
        at=TIMES,
        reply=st.none() | st.binary(),
        lapses_at=st.none() | TIMES,
        followers=FOLLOWERS,
    )
    def advance(
        self,
        realm: str,
        token_id: str,
        generation: int,
        at: float,
        reply: bytes | None,
        lapses_at: float | None,
        followers: list[Follower],
    ) -> None:
        """The next generation, often of the wrong one."""
        self.commit(realm, AdvanceToken(token_id, generation, at, reply, lapses_at), followers)

    @rule(realm=REALMS, token_id=IDS, at=TIMES, followers=FOLLOWERS)
    def revoke(self, realm: str, token_id: str, at: float, followers: list[Follower]) -> None:
        """The end, once."""
        self.commit(realm, RevokeToken(token_id, at, "over"), followers)

    @rule(realm=REALMS, token_id=IDS, generation=st.none() | SMALL, followers=FOLLOWERS)
    def delete(self, realm: str, token_id: str, generation: int | None, followers: list[Follower]) -> None:
        """Nothing left, unless it went on meanwhile."""
        self.commit(realm, DeleteToken(token_id, generation), followers)

    @rule(realm=REALMS, token_id=IDS, digest=st.sampled_from(DIGESTS), followers=FOLLOWERS)
    def drop(self, realm: str, token_id: str, digest: bytes, followers: list[Follower]) -> None:
        """One credential less."""
        self.commit(realm, DropCredential(token_id, digest), followers)

    @rule(
        realm=REALMS,
        client_id=CLIENTS,
        expected=SMALL,
        owner=st.none() | USERS,
        origin=st.sampled_from(Origin),
        followers=FOLLOWERS,
    )
    def put_client(
        self,
        realm: str,
        client_id: str,
        expected: int,
        owner: str | None,
        origin: Origin,
        followers: list[Follower],
    ) -> None:
        """A client, new or newer."""
        client = make_client(client_id, owner=owner, origin=origin, version=expected + 1)
        self.commit(realm, PutClient(client, expected), followers)

    @rule(realm=REALMS, key=st.sampled_from(KEYS), value=st.binary(max_size=3), expires_at=TIMES, now=TIMES)
    def put_once(self, realm: str, key: str, value: bytes, expires_at: float, now: float) -> None:
        """A value for a while."""
        self.commit(realm, PutOnce(key, value, expires_at, now), ())

    @rule(realm=REALMS, key=st.sampled_from(KEYS), now=TIMES, followers=FOLLOWERS)
    def take_once(self, realm: str, key: str, now: float, followers: list[Follower]) -> None:
        """Only one has it."""
        self.commit(realm, TakeOnce(key, now), followers)

    @rule(realm=REALMS, token_id=IDS, at=TIMES, wrote=st.booleans(), followers=FOLLOWERS)
    def touch(self, realm: str, token_id: str, at: float, *, wrote: bool, followers: list[Follower]) -> None:
        """Alone or first."""
        self.commit(realm, Touch(token_id, at, wrote), followers)

    @rule(
        realm=REALMS,
        cutoffs=st.builds(
            Cutoffs,
            pending_before=NEVER_OR_TIMES,
            kept_before=NEVER_OR_TIMES,
            idle_before=NEVER_OR_TIMES,
            events_before=NEVER_OR_TIMES,
            forgotten=st.none() | USERS,
        ),
    )
    def sweep(self, realm: str, cutoffs: Cutoffs) -> None:
        """All that is dead; which rows a small sweep takes first is the store's own business."""
        self.latest = realm
        self.same(lambda store: store.sweep(self.realms[realm], cutoffs, limit=1000))

    @rule(
        realm=REALMS,
        query=st.builds(
            TokenQuery,
            user=st.none() | USERS,
            client_id=st.none() | CLIENTS,
            pending=st.none() | st.booleans(),
            pending_after=st.none() | TIMES,
        ),
        limit=LIMITS,
    )
    def list_tokens(self, realm: str, query: TokenQuery, limit: int) -> None:
        """Page by page."""
        self.same(lambda store: every(partial(store.tokens, self.realms[realm], query), limit))

    @rule(realm=REALMS, user=st.none() | USERS, token_id=st.none() | IDS, limit=LIMITS)
    def list_events(self, realm: str, user: str | None, token_id: str | None, limit: int) -> None:
        """Page by page."""
        self.same(
            lambda store: every(
                partial(store.events, self.realms[realm], user=user, token_id=token_id), limit
            )
        )

    @rule(realm=REALMS, owner=st.none() | USERS, limit=LIMITS)
    def list_clients(self, realm: str, owner: str | None, limit: int) -> None:
        """Page by page."""
        self.same(lambda store: every(partial(store.clients, self.realms[realm], owner=owner), limit))

    @invariant()
    def both_hold_the_same(self) -> None:
        """All that there is where something happened last."""
        realm = self.realms[self.latest]
        for now in (1.5, 3.0):
            self.same(partial(snapshot, realm=realm, digests=DIGESTS, keys=KEYS, now=now))


class Comparison:
    """A random history shrinks to a short one that an author can read."""

    scopegate_group: ClassVar[str] = "X"

    histories: ClassVar[int] = 20
    """How many histories are tried; raise it for a quick store."""
    phases: ClassVar[Sequence[Phase]] = tuple(Phase)
    """What Hypothesis does with them: by default, a history that goes astray is made as short as it can be."""

    def test_random_histories_go_as_with_the_model(self, store: Store) -> None:
        """Commits, sweeps and lists, with times that jump, in two realms."""
        run_state_machine_as_test(
            cast("type[RuleBasedStateMachine]", partial(Stores, store)),
            settings=settings(
                deadline=None,
                max_examples=self.histories,
                stateful_step_count=20,
                phases=self.phases,
                suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
            ),
        )
