"""A commit as the steps of one transaction, for databases whose statements change one table each.

A guard is part of the write that it guards: the step must change exactly one row, or the transaction is rolled back.
"""

from collections.abc import Mapping, Sequence
from typing import Final, assert_never

from attrs import frozen

from scopegate.core.changes import (
    AddCredential,
    AdvanceToken,
    AppendEvent,
    CreateToken,
    DeleteToken,
    DropCredential,
    Follower,
    Guarded,
    PutClient,
    PutOnce,
    ReviseToken,
    RevokeToken,
    TakeOnce,
    Touch,
)
from scopegate.core.clients import Client, Origin
from scopegate.core.credentials import Credential
from scopegate.core.events import Event
from scopegate.stores import _codec
from scopegate.stores._sql_reads import (
    CREDENTIAL_COLUMNS,
    EVENT_COLUMNS,
    TOKEN_COLUMNS,
    credential_cells,
    token_cells,
    written_reason,
)
from scopegate.stores._sql_schema import Names

Leader = Guarded | DropCredential | Touch
"""What a commit may begin with."""

CELLS: Final = (*TOKEN_COLUMNS, "birth", "realm")


@frozen
class Step:
    """A statement of a transaction.

    Args:
        sql: with named places.
        values: what stands in them.
        guard: whether it must change one row; a key that is there already counts as none.
    """

    sql: str
    values: Mapping[str, object]
    guard: bool = False


def steps(
    names: Names, realm: str, first: Leader, followers: Sequence[Follower], *, birth: int, before: str | None
) -> list[Step]:
    """The steps of a commit.

    Args:
        names: of the tables.
        realm: where.
        first: the change that carries the guard.
        followers: what takes effect with it.
        birth: a random number for a token that is created.
        before: the document that a revision replaces.
    """
    led = _lead(names, realm, first, birth, before)
    return [*led, *(step for change in followers for step in _follow(names, realm, change))]


def _lead(names: Names, realm: str, change: Leader, birth: int, before: str | None) -> list[Step]:
    match change:
        case CreateToken():
            return _create(names, realm, change, birth)
        case ReviseToken() | RevokeToken() | AdvanceToken():
            return _change(names, realm, change, before)
        case DeleteToken():
            return _delete(names, realm, change)
        case PutClient():
            return [_put_client(names, realm, change, before)]
        case PutOnce() | TakeOnce():
            return _change_once(names, realm, change)
        case DropCredential():
            return [_drop(names, realm, change, guard=True)]
        case Touch():
            return [touch(names, realm, change)]
    assert_never(change)


def _follow(names: Names, realm: str, change: Follower) -> list[Step]:
    match change:
        case AddCredential(credential):
            return [_add(names, realm, credential)]
        case AppendEvent(event):
            return [append(names, realm, event)]
        case DropCredential():
            return [_drop(names, realm, change, guard=False)]
        case Touch():
            return [touch(names, realm, change)]
    assert_never(change)


def _create(names: Names, realm: str, change: CreateToken, birth: int) -> list[Step]:
    cells = token_cells(change.token) | {"birth": birth, "realm": realm}
    insert = f"INSERT INTO {names.tokens} ({', '.join(CELLS)}) VALUES ({places(CELLS)})"
    used = (
        f"UPDATE {names.clients} SET idle_since = NULL "
        f"WHERE realm = :realm AND id = :id AND idle_since IS NOT NULL"
    )
    return [
        Step(insert, cells, guard=True),
        Step(used, {"realm": realm, "id": change.token.client_id}),
    ]


def _change(
    names: Names, realm: str, change: ReviseToken | RevokeToken | AdvanceToken, before: str | None
) -> list[Step]:
    key: dict[str, object] = {"realm": realm, "id": change.token_id}
    match change:
        case ReviseToken():
            document = _codec.settings_document(change.settings, before)
            values = key | {"settings": document, "version": change.expected_version}
            return [Step(f"UPDATE {names.tokens} SET {REVISED} WHERE {IF_REVISED}", values, guard=True)]
        case RevokeToken():
            values = key | {"at": change.at, "reason": written_reason(change.reason)}
            return [Step(f"UPDATE {names.tokens} SET {REVOKED} WHERE {IF_REVOKED}", values, guard=True)]
        case AdvanceToken():
            advance = f"UPDATE {names.tokens} SET {ADVANCED} WHERE {IF_ADVANCED}"
            unpark = (
                f"UPDATE {names.credentials} SET parked = FALSE WHERE realm = :realm AND parked AND birth = "
                f"(SELECT birth FROM {names.tokens} WHERE realm = :realm AND id = :id)"
            )
            return [Step(advance, key | advanced(change), guard=True), Step(unpark, key)]
    assert_never(change)


_ONE: Final = "realm = :realm AND id = :id"
REVISED: Final = "settings = :settings, version = version + 1"
IF_REVISED: Final = f"{_ONE} AND version = :version"
REVOKED: Final = "revoked_at = :at, revoked_reason = :reason"
IF_REVOKED: Final = f"{_ONE} AND revoked_at IS NULL"
ADVANCED: Final = "generation = generation + 1, advanced_at = :at, reply = :reply, lapses_at = :lapses_at"
IF_ADVANCED: Final = f"{_ONE} AND generation = :generation AND revoked_at IS NULL"


def advanced(change: AdvanceToken) -> dict[str, object]:
    """What stands in the places of an advance."""
    return {
        "at": change.at,
        "reply": change.reply,
        "lapses_at": change.lapses_at,
        "generation": change.expected_generation,
    }


def _delete(names: Names, realm: str, change: DeleteToken) -> list[Step]:
    values: dict[str, object] = {"realm": realm, "id": change.token_id}
    there = _ONE
    if change.expected_generation is not None:
        there += " AND generation = :generation"
        values["generation"] = change.expected_generation
    left = (
        f"INSERT INTO {names.leftovers} (realm, birth) SELECT realm, birth FROM {names.tokens} WHERE {there}"
    )
    gone = f"DELETE FROM {names.tokens} WHERE {there}"
    return [Step(left, values, guard=True), Step(gone, values, guard=True)]


def _put_client(names: Names, realm: str, change: PutClient, before: str | None) -> Step:
    values = client_cells(change.client, before) | {"realm": realm}
    if not change.expected_version:
        columns = ("realm", "id", "owner", "version", "document", "self_registered")
        insert = f"INSERT INTO {names.clients} ({', '.join(columns)}) VALUES ({places(columns)})"
        return Step(insert, values, guard=True)
    update = f"UPDATE {names.clients} SET {PUT} WHERE {_ONE} AND version = :expected"
    return Step(update, values | {"expected": change.expected_version}, guard=True)


PUT: Final = (
    "owner = :owner, version = :version, document = :document, self_registered = :self_registered, "
    "idle_since = NULL"
)


def client_cells(client: Client, before: str | None) -> dict[str, object]:
    """The cells of a client by their columns. ``before``: the document it replaces."""
    id_, owner, version, document = _codec.client_row(client, before)
    self_registered = client.origin is Origin.SELF_REGISTERED
    return {
        "id": id_,
        "owner": owner,
        "version": version,
        "document": document,
        "self_registered": self_registered,
    }


def _change_once(names: Names, realm: str, change: PutOnce | TakeOnce) -> list[Step]:
    key: dict[str, object] = {"realm": realm, "name": change.key}
    values = key | {"now": change.now}
    if isinstance(change, TakeOnce):
        take = f"DELETE FROM {names.once} WHERE realm = :realm AND name = :name AND expires_at > :now"
        return [Step(take, values, guard=True)]
    clear = f"DELETE FROM {names.once} WHERE realm = :realm AND name = :name AND expires_at <= :now"
    columns = ("realm", "name", "value", "expires_at")
    put = f"INSERT INTO {names.once} ({', '.join(columns)}) VALUES ({places(columns)})"
    return [
        Step(clear, values),
        Step(put, key | {"value": change.value, "expires_at": change.expires_at}, guard=True),
    ]


def _add(names: Names, realm: str, credential: Credential) -> Step:
    """Neither for a token that is not there, nor over a credential that is."""
    values = credential_cells(credential) | {"realm": realm, "id": credential.token_id}
    insert = (
        f"INSERT INTO {names.credentials} (realm, birth, {', '.join(CREDENTIAL_COLUMNS)}) "
        f"SELECT t.realm, t.birth, {places(CREDENTIAL_COLUMNS)} FROM {names.tokens} t "
        f"WHERE t.realm = :realm AND t.id = :id AND NOT EXISTS (SELECT 1 FROM {names.credentials} k "
        f"WHERE k.realm = t.realm AND k.birth = t.birth AND k.digest = :digest)"
    )
    return Step(insert, values)


def _drop(names: Names, realm: str, change: DropCredential, *, guard: bool) -> Step:
    delete = (
        f"DELETE FROM {names.credentials} WHERE realm = :realm AND digest = :digest AND birth = "
        f"(SELECT birth FROM {names.tokens} WHERE realm = :realm AND id = :id)"
    )
    return Step(delete, {"realm": realm, "id": change.token_id, "digest": change.digest}, guard)


def append(names: Names, realm: str, event: Event) -> Step:
    """The step that adds to the history."""
    columns = EVENT_COLUMNS[1:]
    cells = dict(zip(columns, _codec.event_row(event), strict=True)) | {"realm": realm}
    insert = f"INSERT INTO {names.events} (realm, {', '.join(columns)}) VALUES (:realm, {places(columns)})"
    return Step(insert, cells)


def touch(names: Names, realm: str, change: Touch) -> Step:
    """The step that sets the times of the last use, where they are later."""
    times = {"last_used_at": ":at"} | ({"last_wrote_at": ":at"} if change.wrote else {})
    update = f"UPDATE {names.tokens} SET {touched(times)} WHERE {_ONE} AND {later(times)}"
    return Step(update, {"realm": realm, "id": change.token_id, "at": change.at})


def unlocked(names: Names) -> str:
    """Finds a token that nobody else is writing just now, and locks it."""
    return f"SELECT id FROM {names.tokens} WHERE {_ONE} FOR UPDATE SKIP LOCKED"


def touched(times: Mapping[str, str]) -> str:
    """What a touch sets: each column to its place, if that is later."""
    return ", ".join(
        f"{column} = CASE WHEN {column} >= {place} THEN {column} ELSE {place} END"
        for column, place in times.items()
    )


def later(times: Mapping[str, str]) -> str:
    """Whether a touch changes anything."""
    terms = (f"{column} IS NULL OR {column} < {place}" for column, place in times.items())
    return f"({' OR '.join(terms)})"


def places(columns: Sequence[str]) -> str:
    """Places for a row, each named after its column."""
    return ", ".join(f":{column}" for column in columns)
