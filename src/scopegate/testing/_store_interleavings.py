"""Every interleaving of two actors: each reads, decides and commits, in every order that there is."""

from collections.abc import Callable, Generator, Iterator
from functools import cache, partial
from itertools import combinations_with_replacement
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
    Touch,
)
from scopegate.core.records import Cutoffs, TokenRecord
from scopegate.errors import ConflictError
from scopegate.protocols import Store
from scopegate.stores import MemoryStore
from scopegate.testing._store_races import Callers
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
Told: TypeAlias = tuple[dict[str, str], dict[str, object]]
"""How both deeds went, and what is left."""
Decide: TypeAlias = Callable[[TokenRecord, str], list[Change]]

SCENE: Final[tuple[tuple[Change, ...], ...]] = (
    (PutClient(make_client(), 0),),
    (
        CreateToken(make_token(generation=1)),
        *(AddCredential(make_credential(name)) for name in ("first", "second")),
    ),
    (CreateToken(make_token("other", user="bob")), AddCredential(make_credential("of another", "other"))),
    (PutOnce("kept", b"value", NOW + 1, NOW), AppendEvent(make_event("kept"))),
)
"""The commits that come before: a token that was redeemed, one that was not, a client, and a once row."""

DIGESTS: Final = tuple(map(digest_of, ("first", "second", "of another", "by a", "by b")))
KEYS: Final = ("kept", "new")


def _deed(
    decide: Decide, store: Store, realm: str, name: str, *, token_id: str = "one", tries: int = 1
) -> Deed:
    """Read a token, decide, and commit, as a shell would do; and again after a conflict, if there are more tries."""
    for attempt in range(tries):
        if attempt:
            yield
        record = store.token(realm, token_id, digest_of("first"))
        yield
        if record is None:
            return "gone"
        try:
            store.commit(realm, decide(record, name))
        except ConflictError:
            continue
        return f"done at {record.token.generation}, {record.token.version} by try {attempt}"
    return "conflict"


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


def _redeem(record: TokenRecord, name: str) -> list[Change]:
    made = make_credential(f"by {name}", "other")
    return [
        AdvanceToken("other", record.token.generation, NOW),
        DropCredential("other", digest_of("of another")),
        AddCredential(made),
    ]


def _touch(_: TokenRecord, name: str) -> list[Change]:
    return [Touch("one", NOW + ord(name), wrote=True)]


def _look(store: Store, realm: str, _: str) -> Deed:
    """Look twice, with a pause between, and say what there was to see."""
    seen: list[str] = []
    for last in (False, True):
        seen += [str(store.token(realm, "one", digest)) for digest in DIGESTS]
        if not last:
            yield
    return ", ".join(seen)


def _sweep(store: Store, realm: str, _: str) -> Deed:
    """Free what is never redeemed, twice."""
    first = store.sweep(realm, Cutoffs(pending_before=NOW), limit=1)
    yield
    return f"freed {first} and {store.sweep(realm, Cutoffs(pending_before=NOW), limit=9)}"


DEEDS: Final[dict[str, Callable[[Store, str, str], Deed]]] = {
    "redeem": partial(_deed, _redeem, token_id="other"),
    "refresh": partial(_deed, _refresh),
    "refresh until done": partial(_deed, _refresh, tries=2),
    "revise": partial(_deed, _revise),
    "revise until done": partial(_deed, _revise, tries=2),
    "revoke": partial(_deed, _revoke),
    "delete": partial(_deed, _delete),
    "drop": partial(_deed, _drop),
    "touch": partial(_deed, _touch),
    "create": partial(_deed, _create),
    "put client": partial(_deed, _put_client),
    "put once": partial(_deed, _put_once),
    "take once": partial(_deed, _take_once),
    "sweep": _sweep,
    "look": _look,
}
PAIRS: Final = tuple(combinations_with_replacement(DEEDS, 2))


class Interleavings(Callers):
    """Whatever the order, both actors see what they would with the model."""

    scopegate_group: ClassVar[str] = "X"

    @pytest.mark.parametrize("pair", PAIRS, ids=" and ".join)
    def test_every_interleaving_of_two_actors_goes_as_with_the_model(
        self, store: Store, pair: tuple[str, str]
    ) -> None:
        """Outcomes, and all that is there at the end, to either of them."""
        other = self.make_another(store)
        for order, expected in told_by_the_model(pair):
            realm = fresh_realm()
            actors = _actors(pair, (store, other), realm)
            outcomes = _play(actors, order)
            rule = f"{pair[0]} (a) and {pair[1]} (b) in the order {order}"
            for each in (store, other):
                equal((outcomes, _left(each, realm)), expected, rule)


@cache
def told_by_the_model(pair: tuple[str, str]) -> tuple[tuple[str, Told], ...]:
    """Every order in which the calls of two deeds can follow each other, with how it goes.

    An order is a letter for each call. How many calls a deed makes may depend on the order, so they are found by
    playing on the model.
    """
    return tuple(_orders(pair, ""))


def _orders(pair: tuple[str, str], begun: str) -> Iterator[tuple[str, Told]]:
    model = MemoryStore()
    actors = _actors(pair, (model, model), "realm")
    outcomes = _play(actors, begun)
    running = [name for name in actors if name not in outcomes]
    if not running:
        yield begun, (outcomes, _left(model, "realm"))
    for name in running:
        yield from _orders(pair, begun + name)


def _actors(pair: tuple[str, str], stores: tuple[Store, Store], realm: str) -> dict[str, Deed]:
    """Two actors, each with its own store object, where there is one of everything."""
    for changes in SCENE:
        stores[0].commit(realm, changes)
    return {
        name: DEEDS[deed](store, realm, name) for name, deed, store in zip("ab", pair, stores, strict=True)
    }


def _play(actors: dict[str, Deed], order: str) -> dict[str, str]:
    """Make the calls in that order, and give how the deeds went that came to their end."""
    outcomes: dict[str, str] = {}
    for name in order:
        try:
            next(actors[name])
        except StopIteration as end:
            outcomes[name] = str(end.value)
    return outcomes


def _left(store: Store, realm: str) -> dict[str, object]:
    return snapshot(store, realm, digests=DIGESTS, keys=KEYS)
