"""Both stores tell the same story, whatever happens to them, in any order."""

import shutil
import tempfile
from functools import partial
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

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
from scopegate.core.clients import Origin
from scopegate.core.records import NEVER, Cutoffs, TokenQuery
from scopegate.errors import ConflictError
from scopegate.stores import MemoryStore, SQLiteStore
from scopegate.testing._store_samples import (
    digest_of,
    every,
    make_client,
    make_credential,
    make_event,
    make_settings,
    make_token,
    snapshot,
)

REALMS = st.sampled_from(["north", "south"])
IDS = st.sampled_from(["a", "b", "c"])
USERS = st.sampled_from(["ann", "bob"])
CLIENTS = st.sampled_from(["app", "bot"])
SMALL = st.integers(0, 3)
KEYS = ("k", "l")
TIMES = st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.25, 4.0])
NEVER_OR_TIMES = st.just(NEVER) | TIMES
LIMITS = st.integers(1, 3)
DIGESTS = tuple(digest_of(f"{token_id}{number}") for token_id in "abc" for number in range(3))

FOLLOWERS = st.lists(
    st.one_of(
        st.builds(
            lambda token_id, number, generation, keep_until: AddCredential(
                make_credential(f"{token_id}{number}", token_id, generation=generation, keep_until=keep_until)
            ),
            IDS,
            st.integers(0, 2),
            SMALL,
            st.none() | TIMES,
        ),
        st.builds(DropCredential, IDS, st.sampled_from(DIGESTS)),
        st.builds(
            lambda user, token_id, what, at: AppendEvent(
                make_event(what, user=user, token_id=token_id, at=at)
            ),
            USERS,
            IDS,
            st.text(max_size=3),
            TIMES,
        ),
        st.builds(Touch, IDS, TIMES, st.booleans()),
    ),
    max_size=3,
)


class Stores(RuleBasedStateMachine):
    """The store in memory is the model of the one in a file."""

    def __init__(self):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.model = MemoryStore()
        self.realm = "north"
        self.store = SQLiteStore(self.folder / "scopegate.db", synchronous="NORMAL")

    def teardown(self):
        """Look everywhere once, and leave nothing behind."""
        for realm in ("north", "south"):
            self.same(partial(snapshot, realm=realm, digests=DIGESTS, keys=KEYS, now=3.0))
        self.store.close()
        shutil.rmtree(self.folder)

    def commit(self, realm, change, followers):
        """Both write, or neither does."""
        self.realm = realm
        results = []
        for store in (self.model, self.store):
            try:
                store.commit(realm, [change, *followers])
            except ConflictError as error:
                results.append(str(error))
            else:
                results.append("")
        assert results[0] == results[1]

    def same(self, read):
        """Both give the same answer."""
        assert read(self.model) == read(self.store)

    @rule(realm=REALMS, token_id=IDS, user=USERS, client_id=CLIENTS, created_at=TIMES, followers=FOLLOWERS)
    def create(self, realm, token_id, user, client_id, created_at, followers):
        """A new token, or one that is there."""
        token = make_token(token_id, user=user, client_id=client_id, created_at=created_at)
        self.commit(realm, CreateToken(token), followers)

    @rule(
        realm=REALMS, token_id=IDS, version=st.integers(1, 4), name=st.text(max_size=5), followers=FOLLOWERS
    )
    def revise(self, realm, token_id, version, name, followers):
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
    def advance(self, realm, token_id, generation, at, reply, lapses_at, followers):
        """The next generation, often of the wrong one."""
        self.commit(realm, AdvanceToken(token_id, generation, at, reply, lapses_at), followers)

    @rule(realm=REALMS, token_id=IDS, at=TIMES, followers=FOLLOWERS)
    def revoke(self, realm, token_id, at, followers):
        """The end, once."""
        self.commit(realm, RevokeToken(token_id, at, "over"), followers)

    @rule(realm=REALMS, token_id=IDS, generation=st.none() | SMALL, followers=FOLLOWERS)
    def delete(self, realm, token_id, generation, followers):
        """Nothing left, unless it went on meanwhile."""
        self.commit(realm, DeleteToken(token_id, generation), followers)

    @rule(realm=REALMS, token_id=IDS, digest=st.sampled_from(DIGESTS), followers=FOLLOWERS)
    def drop(self, realm, token_id, digest, followers):
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
    def put_client(self, realm, client_id, expected, owner, origin, followers):
        """A client, new or newer."""
        client = make_client(client_id, owner=owner, origin=origin, version=expected + 1)
        self.commit(realm, PutClient(client, expected), followers)

    @rule(realm=REALMS, key=st.sampled_from(KEYS), value=st.binary(max_size=3), expires_at=TIMES, now=TIMES)
    def put_once(self, realm, key, value, expires_at, now):
        """A value for a while."""
        self.commit(realm, PutOnce(key, value, expires_at, now), ())

    @rule(realm=REALMS, key=st.sampled_from(KEYS), now=TIMES, followers=FOLLOWERS)
    def take_once(self, realm, key, now, followers):
        """Only one has it."""
        self.commit(realm, TakeOnce(key, now), followers)

    @rule(realm=REALMS, token_id=IDS, at=TIMES, wrote=st.booleans(), followers=FOLLOWERS)
    def touch(self, realm, token_id, at, wrote, followers):
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
    def sweep(self, realm, cutoffs):
        """All that is dead; which rows a small sweep takes first is the store's own business."""
        self.realm = realm
        self.same(lambda store: store.sweep(realm, cutoffs, limit=1000))

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
    def list_tokens(self, realm, query, limit):
        """Page by page."""
        self.same(lambda store: every(partial(store.tokens, realm, query), limit))

    @rule(realm=REALMS, user=st.none() | USERS, token_id=st.none() | IDS, limit=LIMITS)
    def list_events(self, realm, user, token_id, limit):
        """Page by page."""
        self.same(lambda store: every(partial(store.events, realm, user=user, token_id=token_id), limit))

    @rule(realm=REALMS, owner=st.none() | USERS, limit=LIMITS)
    def list_clients(self, realm, owner, limit):
        """Page by page."""
        self.same(lambda store: every(partial(store.clients, realm, owner=owner), limit))

    @rule()
    def reopen(self):
        """A new process finds the same."""
        self.store.close()
        self.store = SQLiteStore(self.folder / "scopegate.db", synchronous="NORMAL")

    @invariant()
    def both_hold_the_same(self):
        """All that there is where something happened last."""
        self.same(partial(snapshot, realm=self.realm, digests=DIGESTS, keys=KEYS, now=1.5))


TestStores = Stores.TestCase
TestStores.settings = settings(
    deadline=None, stateful_step_count=30, suppress_health_check=[HealthCheck.too_slow]
)
