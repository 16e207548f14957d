"""What every store does when it is asked by many callers at once."""

from collections.abc import Callable
from functools import partial
from typing import ClassVar

import pytest
from attrs import evolve

from scopegate.core.changes import (
    AddCredential,
    AdvanceToken,
    AppendEvent,
    Change,
    CreateToken,
    DeleteToken,
    ReviseToken,
    RevokeToken,
    Touch,
)
from scopegate.core.records import Cutoffs, TokenQuery
from scopegate.core.tokens import Token
from scopegate.errors import ConflictError
from scopegate.protocols import Store
from scopegate.testing._groups import group
from scopegate.testing._store_cases import FOLLOWERS, TRUE, everything, furnish
from scopegate.testing._store_rules import equal, holds
from scopegate.testing._store_samples import (
    NOW,
    digest_of,
    every,
    make_credential,
    make_event,
    make_settings,
    make_token,
    race,
)

CALLERS = 6
ROUNDS = 5
PATIENCE = 100_000
GUARDED = sorted(set(TRUE) - {"Touch"})


class Callers:
    """Those who call a store at the same time."""

    def make_another(self, store: Store) -> Store:
        """Another store over the same data, for another caller; the store itself unless this is overridden."""
        return store


class Races(Callers):
    """Of those who race for one guard, one wins. The callers are threads; `make_another` may give each a store."""

    scopegate_group: ClassVar[str] = "O"

    def callers(self, store: Store, count: int = CALLERS) -> list[Store]:
        """A store for each caller."""
        return [self.make_another(store) for _ in range(count)]

    @pytest.mark.parametrize("case", GUARDED)
    def test_one_of_many_wins_a_guard(self, store: Store, case: str) -> None:
        """The followers of the winner are written, and those of nobody else."""
        stores = self.callers(store)
        for number in range(ROUNDS):
            realm = f"realm {number}"
            furnish(store, realm)
            batches: list[list[Change]] = [
                [
                    TRUE[case].change,
                    AppendEvent(make_event(str(place))),
                    AddCredential(make_credential(str(place), "other")),
                ]
                for place in range(CALLERS)
            ]
            results = race(
                [partial(each.commit, realm, batch) for each, batch in zip(stores, batches, strict=True)]
            )
            winners = [str(place) for place, error in enumerate(results) if error is None]
            equal(len(winners), 1, f"{case}: exactly one of {CALLERS} callers wins the guard")
            events = every(partial(store.events, realm, user=None, token_id=None))
            equal([event.detail["what"] for event in events][:-1], winners, "only the winner's event is kept")
            equal(self._written(store, realm), winners, "only the winner's credential is kept")

    @group("F")
    def test_a_code_is_redeemed_once_and_a_family_never_forks(self, store: Store) -> None:
        """Callers that read, decide and try again go through the generations one by one."""
        store.commit("realm", [CreateToken(make_token())])
        results = race(
            [partial(self._refresh, each, place) for place, each in enumerate(self.callers(store))]
        )
        holds(all(error is None for error in results), "a caller that tries again comes through at last")
        record = store.token("realm", "one")
        generation = CALLERS * ROUNDS
        equal(record and record.token.generation, generation, "no advance is lost or made twice")
        kept = [store.token("realm", "one", digest_of(f"g{number}")) for number in range(1, generation + 1)]
        holds(
            all(record is not None and record.credential is not None for record in kept),
            "each generation has the credential of its winner",
        )

    @group("F")
    def test_edits_and_refreshes_do_not_lose_each_other(self, store: Store) -> None:
        """Two counters, two groups of columns."""
        store.commit("realm", [CreateToken(make_token())])
        stores = self.callers(store, 4)
        race(
            [
                partial(self._refresh, stores[0], 0),
                partial(self._refresh, stores[1], 1),
                partial(self._revise, stores[2]),
                partial(self._revise, stores[3]),
            ]
        )
        record = store.token("realm", "one")
        token = None if record is None else record.token
        expected = (2 * ROUNDS, 1 + 2 * ROUNDS, f"name {2 * ROUNDS}")
        found = token and (token.generation, token.version, token.settings.name)
        equal(found, expected, "every edit and every refresh counts once")

    @group("F")
    def test_a_revoked_token_stays_revoked_whoever_races(self, store: Store) -> None:
        """Nothing advances it any more."""
        for number in range(ROUNDS):
            realm = f"realm {number}"
            store.commit(realm, [CreateToken(make_token())])
            stores = self.callers(store, 3)
            revoke: list[Change] = [RevokeToken("one", NOW, "over")]
            advances: list[list[Change]] = [
                [AdvanceToken("one", place, NOW), AddCredential(make_credential(str(place)))]
                for place in (0, 1)
            ]
            results = race(
                [
                    partial(stores[0].commit, realm, revoke),
                    partial(stores[1].commit, realm, advances[0]),
                    partial(stores[2].commit, realm, advances[1]),
                ]
            )
            record = store.token(realm, "one")
            equal(record and record.token.revoked_at, NOW, "the token is revoked")
            advanced = sum(error is None for error in results[1:])
            equal(record and record.token.generation, advanced, "a refused advance leaves the generation")
            equal(len(self._written(store, realm, "one")), advanced, "a refused advance leaves no credential")
            refresh: list[Change] = [AdvanceToken("one", advanced, NOW)]
            equal(len([error for error in race([partial(store.commit, realm, refresh)]) if error]), 1, "over")

    @group("D")
    def test_a_deleted_token_stays_deleted_whoever_races(self, store: Store) -> None:
        """Nothing of it is left for a token of the same id."""
        for number in range(ROUNDS):
            realm = f"realm {number}"
            store.commit(realm, [CreateToken(make_token())])
            stores = self.callers(store, 3)
            batches: list[list[Change]] = [
                [DeleteToken("one")],
                [AdvanceToken("one", 0, NOW), AddCredential(make_credential("0"))],
                [ReviseToken("one", 1, make_settings("Desk")), AddCredential(make_credential("1"))],
            ]
            race([partial(each.commit, realm, batch) for each, batch in zip(stores, batches, strict=True)])
            equal(store.token(realm, "one"), None, "the token is deleted")
            store.commit(realm, [CreateToken(make_token())])
            equal(self._written(store, realm, "one"), [], "no credential comes back")

    def test_a_reader_sees_a_commit_whole_or_not_at_all(self, store: Store) -> None:
        """A token of generation n comes with the credential of generation n."""
        store.commit("realm", [CreateToken(make_token())])
        reader, writer = self.callers(store, 2)
        race([partial(self._refresh, writer, 0, 10 * ROUNDS), partial(self._watch, reader, 10 * ROUNDS)])

    @group("R")
    @pytest.mark.parametrize("case", TRUE)
    def test_what_was_read_before_hides_no_change(self, store: Store, case: str) -> None:
        """A reader sees what another caller wrote at once, as one does who had not read before."""
        reader, writer = self.callers(store, 2)
        for realm in ("read before", "unread"):
            furnish(store, realm)
        for _ in range(2):
            everything(reader, "read before")
        for realm in ("read before", "unread"):
            writer.commit(realm, [TRUE[case].change, *FOLLOWERS])
        rule = f"{case}: a change is seen by the next read"
        equal(everything(reader, "read before"), everything(reader, "unread"), rule)

    @group("L")
    def test_a_list_can_be_read_while_it_changes(self, store: Store) -> None:
        """Pages neither break nor repeat a token."""
        for number in range(20):
            store.commit("realm", [CreateToken(make_token(f"t{number:02}", created_at=float(number)))])
        reader, writer = self.callers(store, 2)

        def write() -> None:
            for number in range(20, 60):
                writer.commit("realm", [CreateToken(make_token(f"t{number}", created_at=float(number)))])
                writer.commit("realm", [DeleteToken(f"t{number}")])

        def read() -> None:
            for _ in range(10):
                found = [token.id for token in every(partial(reader.tokens, "realm", TokenQuery()), 3)]
                steady = [token_id for token_id in found if token_id < "t20"]
                equal(len(set(found)), len(found), "no token is repeated")
                equal(steady, [f"t{number:02}" for number in reversed(range(20))], "no token is lost")

        race([write, read])

    @group("L")
    def test_a_history_can_be_read_while_it_grows_and_is_swept(self, store: Store) -> None:
        """Pages neither repeat nor lose an event that was there before, and stays."""
        for number in range(20):
            store.commit("realm", [Touch("absent", NOW), AppendEvent(make_event(f"{number:02}"))])
        reader, writer = self.callers(store, 2)

        def write() -> None:
            for _ in range(40):
                writer.commit(
                    "realm", [Touch("absent", NOW), AppendEvent(make_event("new", user="bob", at=1.0))]
                )
                writer.sweep("realm", Cutoffs(events_before=1.0), limit=9)

        def read() -> None:
            for _ in range(10):
                found = every(partial(reader.events, "realm", user=None, token_id=None), 3)
                steady = [event.detail["what"] for event in found if event.user == "ann"]
                expected = [f"{number:02}" for number in reversed(range(20))]
                equal(steady, expected, "no event that stays is repeated or lost")

        race([write, read])

    def _written(self, store: Store, realm: str, token_id: str = "other") -> list[str]:
        records = [
            (str(place), store.token(realm, token_id, digest_of(str(place)))) for place in range(CALLERS)
        ]
        return [place for place, record in records if record is not None and record.credential is not None]

    def _refresh(self, store: Store, caller: int, times: int = ROUNDS) -> None:
        """Advance the token ``times`` times, as a shell would: read, decide, commit, and again if it lost."""

        def decide(token: Token) -> list[Change]:
            following = token.generation + 1
            added = make_credential(f"g{following}", generation=following, scopes=(str(caller),))
            return [AdvanceToken("one", token.generation, NOW), AddCredential(added)]

        self._repeat(store, decide, times)

    def _revise(self, store: Store) -> None:
        def decide(token: Token) -> list[Change]:
            return [ReviseToken("one", token.version, evolve(token.settings, name=f"name {token.version}"))]

        self._repeat(store, decide, ROUNDS)

    def _repeat(self, store: Store, decide: Callable[[Token], list[Change]], times: int) -> None:
        done = 0
        for _ in range(PATIENCE):
            record = store.token("realm", "one")
            if record is None:
                raise AssertionError("the token is there")
            try:
                store.commit("realm", decide(record.token))
            except ConflictError:
                continue
            done += 1
            if done == times:
                return
        raise AssertionError("a caller that reads again and tries again comes through at last")

    def _watch(self, store: Store, last: int) -> None:
        expected = 1
        for _ in range(PATIENCE):
            record = store.token("realm", "one", digest_of(f"g{expected}"))
            if record is None:
                raise AssertionError("the token is there")
            equal(
                record.credential is not None,
                record.token.generation >= expected,
                "a reader sees a commit whole or not at all",
            )
            expected = max(expected, record.token.generation) + (record.token.generation >= expected)
            if expected > last:
                return
        raise AssertionError("a reader sees what was committed")
