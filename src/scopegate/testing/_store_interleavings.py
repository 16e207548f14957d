"""Every interleaving of two actors: each reads, decides and commits, in every order that there is."""

from collections.abc import Callable, Generator, Iterator
from functools import partial
from itertools import combinations, combinations_with_replacement
from typing import ClassVar, Final, TypeAlias

import pytest
from attrs import evolve

from scopegate.core.changes import (
    AddCredential,
    AdvanceToken,
    AppendEvent,
    Change,
    CreateToken,
    DeleteToken,
    DropCredential,
    PutClient,
    PutOnce,
    ReviseToken,
    RevokeToken,
    TakeOnce,
)
from scopegate.core.records import Cutoffs, TokenRecord
from scopegate.errors import ConflictError
from scopegate.protocols import Store
from scopegate.stores import MemoryStore
from scopegate.testing._store_cases import furnish
from scopegate.testing._store_rules import equal
from scopegate.testing._store_samples import (
    NOW,
    digest_of,
    fresh_realm,
    make_client,
    make_credential,
    make_event,
    make_token,
    snapshot,
)

Deed: TypeAlias = Generator[None, None, str]
"""What an actor does; it stops after each call of the store, and returns how it went."""
Decide: TypeAlias = Callable[[TokenRecord, str], list[Change]]

DIGESTS: Final = tuple(map(digest_of, ("first", "second", "by a", "by b")))


def _deed(decide: Decide, store: Store, realm: str, name: str) -> Deed:
    """Read the token, decide, and commit, as a shell would do once."""
    record = store.token(realm, "one", digest_of("first"))
    yield
    if record is None:
        return "gone"
    try:
        store.commit(realm, decide(record, name))
    except ConflictError:
        return "conflict"
    return f"done at {record.token.generation}, {record.token.version}"


def _refresh(record: TokenRecord, name: str) -> list[Change]:
    generation = record.token.generation
    made = make_credential(f"by {name}", generation=generation + 1)
    return [AdvanceToken("one", generation, NOW), AddCredential(made), AppendEvent(make_event(name))]


def _revise(record: TokenRecord, name: str) -> list[Change]:
    settings = evolve(record.token.settings, name=name)
    return [ReviseToken("one", record.token.version, settings), AppendEvent(make_event(name))]


def _revoke(_: TokenRecord, name: str) -> list[Change]:
    return [RevokeToken("one", NOW, name), DropCredential("one", digest_of("second"))]


def _delete(record: TokenRecord, name: str) -> list[Change]:
    return [DeleteToken("one", record.token.generation), AppendEvent(make_event(name))]


def _drop(_: TokenRecord, name: str) -> list[Change]:
    return [DropCredential("one", digest_of("first")), AppendEvent(make_event(name))]


def _create(_: TokenRecord, name: str) -> list[Change]:
    return [CreateToken(make_token("new", user=name)), AddCredential(make_credential(f"by {name}", "new"))]


def _put_client(record: TokenRecord, name: str) -> list[Change]:
    version = 0 if record.client is None else record.client.version
    return [PutClient(make_client(name=name, version=version + 1), version)]


def _put_once(_: TokenRecord, name: str) -> list[Change]:
    return [PutOnce("new", name.encode(), NOW + 1, NOW)]


def _take_once(_: TokenRecord, name: str) -> list[Change]:
    return [TakeOnce("kept", NOW), AppendEvent(make_event(name))]


def _sweep(store: Store, realm: str, _: str) -> Deed:
    """Free what is never redeemed, twice."""
    first = store.sweep(realm, Cutoffs(pending_before=NOW), limit=1)
    yield
    return f"freed {first} and {store.sweep(realm, Cutoffs(pending_before=NOW), limit=9)}"


DEEDS: Final[dict[str, Callable[[Store, str, str], Deed]]] = {
    "refresh": partial(_deed, _refresh),
    "revise": partial(_deed, _revise),
    "revoke": partial(_deed, _revoke),
    "delete": partial(_deed, _delete),
    "drop": partial(_deed, _drop),
    "create": partial(_deed, _create),
    "put client": partial(_deed, _put_client),
    "put once": partial(_deed, _put_once),
    "take once": partial(_deed, _take_once),
    "sweep": _sweep,
}
PAIRS: Final = tuple(combinations_with_replacement(DEEDS, 2))
CALLS: Final = 2


def schedules() -> Iterator[str]:
    """Every order in which a's calls and b's can follow each other."""
    for places in combinations(range(2 * CALLS), CALLS):
        yield "".join("a" if place in places else "b" for place in range(2 * CALLS))


class Interleavings:
    """Whatever the order, both actors see what they would with the model."""

    scopegate_group: ClassVar[str] = "X"

    def make_another(self, store: Store) -> Store:
        """See `Races.make_another`."""
        return store

    @pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
    def test_every_interleaving_of_two_actors_goes_as_with_the_model(
        self, store: Store, pair: tuple[str, str]
    ) -> None:
        """Outcomes, and all that is there at the end."""
        other = self.make_another(store)
        for schedule in schedules():
            realm, model = fresh_realm(), MemoryStore()
            found = _played(store, other, realm, pair, schedule)
            expected = _played(model, model, realm, pair, schedule)
            equal(found, expected, f"{pair[0]} (a) and {pair[1]} (b) in the order {schedule}")


def _played(
    store: Store, other: Store, realm: str, pair: tuple[str, str], schedule: str
) -> tuple[dict[str, str], dict[str, object]]:
    """Play two deeds in that order, and give how they went and what is left."""
    furnish(store, realm)
    actors = {
        "a": DEEDS[pair[0]](store, realm, "a"),
        "b": DEEDS[pair[1]](other, realm, "b"),
    }
    outcomes: dict[str, str] = {}
    for name in schedule:
        try:
            next(actors[name])
        except StopIteration as end:
            outcomes[name] = end.value
    return outcomes, snapshot(store, realm, digests=DIGESTS, keys=("kept", "new"))
