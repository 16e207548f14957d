"""What every store does with names that look alike: they are different names."""

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Final

import pytest

from scopegate.core.changes import AppendEvent, Change, CreateToken, PutClient, PutOnce, Touch
from scopegate.core.records import TokenQuery
from scopegate.protocols import Store
from scopegate.testing._groups import group
from scopegate.testing._store_rules import equal
from scopegate.testing._store_samples import NOW, every, make_client, make_event, make_token

ALIKE: Final = (
    "ann",
    "Ann",
    "ANN",
    "ann ",
    " ann",
    "an",
    "anna",
    "a%",
    "_nn",
    "ann*",
    "\u00e4nn",
    "a\u0308nn",
    "\u0430nn",
    "\uff41nn",
    "ann\u200b",
    "stra\u00dfe",
    "strasse",
    "1",
    "01",
    "1.0",
)
"""Names that differ by case, blanks, ends, wildcards, composition, script, width, and as numbers do."""

ABSENT: Final = ("aNN", "nn", "ann\t", "%", "*", "", "\u00c4nn", "STRASSE", "1e0")
"""Names that are none of these."""


def _named(store: Store, name: str) -> None:
    """Keep one of everything whose key, or owner, is a name."""
    commits: tuple[tuple[Change, ...], ...] = (
        (CreateToken(make_token(name, user=name, client_id=name)),),
        (PutClient(make_client(name, owner=name), 0),),
        (PutOnce(name, name.encode(), NOW + 1, NOW),),
        (Touch("absent", NOW), AppendEvent(make_event(name, user=name, token_id=name))),
    )
    for changes in commits:
        store.commit("realm", changes)


def _token(store: Store, name: str) -> list[str]:
    record = store.token("realm", name)
    return [] if record is None else [record.token.id]


def _client(store: Store, name: str) -> list[str]:
    client = store.client("realm", name)
    return [] if client is None else [client.id]


def _once(store: Store, name: str) -> list[str]:
    row = store.once("realm", name, now=NOW)
    return [] if row is None else [row.value.decode()]


def _tokens_of_user(store: Store, name: str) -> list[str]:
    return [token.id for token in every(partial(store.tokens, "realm", TokenQuery(user=name)))]


def _tokens_of_client(store: Store, name: str) -> list[str]:
    return [token.id for token in every(partial(store.tokens, "realm", TokenQuery(client_id=name)))]


def _clients_of(store: Store, name: str) -> list[str]:
    return [client.id for client in every(partial(store.clients, "realm", owner=name))]


def _events_of_user(store: Store, name: str) -> list[str]:
    return [event.user for event in every(partial(store.events, "realm", user=name, token_id=None))]


def _events_of_token(store: Store, name: str) -> list[str]:
    return [event.token_id for event in every(partial(store.events, "realm", user=None, token_id=name))]


Find = Callable[[Store, str], list[str]]
KEYS: Final[dict[str, Find]] = {"token": _token, "client": _client, "once row": _once}
LISTS: Final[dict[str, Find]] = {
    "tokens of a user": _tokens_of_user,
    "tokens of a client": _tokens_of_client,
    "clients of an owner": _clients_of,
    "events of a user": _events_of_user,
    "events of a token": _events_of_token,
}


class Names:
    """A name is what it is, to the last character."""

    scopegate_group: ClassVar[str] = "R"

    @pytest.mark.parametrize("kind", KEYS)
    def test_keys_that_look_alike_are_different_keys(self, store: Store, kind: str) -> None:
        """Each gives its own value, and none is found by another spelling."""
        self._tell_apart(store, KEYS[kind], kind)

    @group("L")
    @pytest.mark.parametrize("kind", LISTS)
    def test_a_list_of_one_owner_has_nothing_of_another(self, store: Store, kind: str) -> None:
        """However alike their names are."""
        self._tell_apart(store, LISTS[kind], kind)

    def _tell_apart(self, store: Store, find: Find, kind: str) -> None:
        for name in ALIKE:
            _named(store, name)
        for name in ALIKE:
            equal(find(store, name), [name], f"{kind} by {name!r}")
        for name in ABSENT:
            equal(find(store, name), [], f"{kind} by {name!r}, which is no name here")
