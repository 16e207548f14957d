"""A commit as one statement of PostgreSQL: the guard and what follows it, each a part of one ``WITH``.

All parts see one snapshot, none sees what another wrote, and no row may be written by two of them. So the changes are
made ready first: touches of a token join the change that leads it, and adding and dropping a credential become the one
thing that they come to. PostgreSQL judges the guard on the newest state of its row, whoever writes it at the same time,
and the other parts do nothing unless it held.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final, assert_never

from attrs import define, evolve, field, frozen

from scopegate.core.changes import (
    AddCredential,
    AdvanceToken,
    AppendEvent,
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
from scopegate.core.credentials import Credential
from scopegate.core.events import Event
from scopegate.core.tokens import Token
from scopegate.stores import _codec
from scopegate.stores._sql_reads import (
    CREDENTIAL_COLUMNS,
    EVENT_COLUMNS,
    Statement,
    credential_cells,
    token_cells,
    written_reason,
)
from scopegate.stores._sql_schema import Names
from scopegate.stores._sql_steps import (
    ADVANCED,
    CELLS,
    IF_ADVANCED,
    IF_REVISED,
    IF_REVOKED,
    PUT,
    REVISED,
    REVOKED,
    Leader,
    advanced,
    client_cells,
    later,
    touched,
)

_TYPES: Final = {
    "digest": "bytea",
    "kind": "text",
    "generation": "bigint",
    "created_at": "double precision",
    "expires_at": "double precision",
    "keep_until": "double precision",
    "document": "text",
    "happened_at": "double precision",
    "user_id": "text",
    "token_id": "text",
    "client_id": "text",
    "detail": "text",
}
"""What a value that is selected has to be called, for nothing else tells its type."""
_WON: Final = "EXISTS (SELECT 1 FROM lead)"


@define
class _Parts:
    """The statement while it is put together."""

    names: Names
    realm: str
    parts: list[str] = field(factory=list[str])
    values: dict[str, object] = field(factory=dict[str, object])

    def __attrs_post_init__(self) -> None:
        self.values["realm"] = self.realm

    def place(self, value: object, cast: str | None = None) -> str:
        """A place for a value."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f":{name}" if cast is None else f"CAST(:{name} AS {cast})"

    def chosen(self, columns: tuple[str, ...], cells: Sequence[object]) -> str:
        """Places for the cells of a row, to be selected."""
        names, sql = _chosen(columns, len(self.values))
        self.values.update(zip(names, cells, strict=True))
        return sql

    def add(self, sql: str) -> None:
        """One more part, which no other refers to."""
        self.parts.append(f"part{len(self.parts)} AS ({sql})")


@lru_cache(maxsize=256)
def _chosen(columns: tuple[str, ...], number: int) -> tuple[tuple[str, ...], str]:
    """Names of places for a row, and what selects them: the same for all commits of one form."""
    names = tuple(f"p{place}" for place in range(number, number + len(columns)))
    casts = (
        f"CAST(:{name} AS {_TYPES[column]}) AS {column}" for name, column in zip(names, columns, strict=True)
    )
    return names, ", ".join(casts)


def statement(
    names: Names,
    realm: str,
    changes: tuple[Leader, Sequence[Follower]],
    *,
    birth: int,
    before: str | None = None,
    told: tuple[str, str] | None = None,
) -> Statement:
    """The statement of a commit: it finds one row if the guard held, and none, having done nothing, if not.

    Args:
        names: of the tables.
        realm: where.
        changes: the one that carries the guard, and what takes effect with it.
        birth: a random number for a token that is created.
        before: the document that a revision replaces.
        told: a channel and what to tell there; None: nothing.
    """
    first, followers = changes
    parts = _Parts(names, realm)
    led, uses, fates = _led_token(first), _uses(first, followers), _fates(first, followers)
    lead = _lead(parts, first, uses.pop(led, None), fates, birth=birth, before=before)
    parts.parts.append(f"lead AS ({lead})")
    if isinstance(first, CreateToken):
        parts.add(_used(parts, first.token.client_id))
    if isinstance(first, AdvanceToken):
        parts.add(_unpark(parts, [fate.digest for fate in fates if fate.token_id == led]))
    if isinstance(first, DeleteToken):
        parts.add(f"INSERT INTO {names.leftovers} (realm, birth) SELECT realm, birth FROM lead")
    for use in uses.values():
        parts.add(_touch(parts, use))
    settled = isinstance(first, DropCredential) and (first.token_id, first.digest)
    for fate in fates:
        if (fate.token_id, fate.digest) != settled:
            parts.add(_settle(parts, fate, led))
    events = [change.event for change in followers if isinstance(change, AppendEvent)]
    if events:
        parts.add(_append(parts, events))
    return Statement(f"WITH {', '.join(parts.parts)} {_end(parts, told)}", parts.values)


def _end(parts: _Parts, told: tuple[str, str] | None) -> str:
    if told is None:
        return "SELECT 1 FROM lead"
    channel, payload = (parts.place(each, "text") for each in told)
    return f"SELECT pg_notify({channel}, {payload}) FROM lead"


# What the changes come to


@frozen
class _Fate:
    """What becomes of a credential: it is dropped, added unless it is there, or, with both, replaced."""

    token_id: str
    digest: bytes
    dropped: bool
    added: Credential | None


def _led_token(first: Leader) -> str | None:
    """The token whose row the first change writes."""
    match first:
        case CreateToken(token):
            return token.id
        case ReviseToken() | AdvanceToken() | RevokeToken() | DeleteToken():
            return first.token_id
        case PutClient() | PutOnce() | TakeOnce() | DropCredential() | Touch():
            return None
    assert_never(first)


@frozen
class _Use:
    """When a token was last used, and last changed through, by all touches of one commit."""

    token_id: str
    used: float
    wrote: float | None


def _uses(first: Leader, followers: Sequence[Follower]) -> dict[str | None, _Use]:
    """One for each token that is touched and not deleted."""
    found: dict[str | None, _Use] = {}
    for change in (first, *followers):
        if isinstance(change, Touch):
            known = found.get(change.token_id, _Use(change.token_id, change.at, None))
            wrote = known.wrote
            if change.wrote:
                wrote = change.at if wrote is None else max(wrote, change.at)
            found[change.token_id] = _Use(change.token_id, max(known.used, change.at), wrote)
    if isinstance(first, DeleteToken):
        found.pop(first.token_id, None)
    return found


def _fates(first: Leader, followers: Sequence[Follower]) -> list[_Fate]:
    """One for each credential that is added or dropped, unless its token is deleted."""
    found: dict[tuple[str, bytes], _Fate] = {}
    for change in (first, *followers):
        match change:
            case AddCredential(credential):
                key = credential.token_id, credential.digest
                known = found.get(key)
                if known is None or known.added is None:
                    found[key] = _Fate(*key, dropped=known is not None, added=credential)
            case DropCredential(token_id, digest):
                found[token_id, digest] = _Fate(token_id, digest, dropped=True, added=None)
            case _:
                pass
    gone = first.token_id if isinstance(first, DeleteToken) else None
    return [fate for fate in found.values() if fate.token_id != gone]


# The change that leads


def _lead(
    parts: _Parts, first: Leader, use: _Use | None, fates: Sequence[_Fate], *, birth: int, before: str | None
) -> str:
    match first:
        case CreateToken(token):
            return _create(parts, token, use, birth)
        case ReviseToken() | AdvanceToken() | RevokeToken():
            return _change(parts, first, use, before)
        case DeleteToken():
            return _delete(parts, first)
        case PutClient():
            return _put_client(parts, first, before)
        case PutOnce() | TakeOnce():
            return _change_once(parts, first)
        case DropCredential():
            fate = next(
                fate for fate in fates if (fate.token_id, fate.digest) == (first.token_id, first.digest)
            )
            return _drop(parts, fate, "TRUE") if fate.added is None else _replace(parts, fate, fate.added)
        case Touch():
            return "SELECT 1"
    assert_never(first)


def _create(parts: _Parts, token: Token, use: _Use | None, birth: int) -> str:
    if use is not None:
        token = evolve(
            token,
            last_used_at=_latest(token.last_used_at, use.used),
            last_wrote_at=_latest(token.last_wrote_at, use.wrote),
        )
    cells = token_cells(token) | {"birth": birth, "realm": parts.realm}
    places = ", ".join(parts.place(cells[column]) for column in CELLS)
    return (
        f"INSERT INTO {parts.names.tokens} ({', '.join(CELLS)}) VALUES ({places}) "
        f"ON CONFLICT (realm, id) DO NOTHING RETURNING birth"
    )


def _latest(*times: float | None) -> float | None:
    return max((time for time in times if time is not None), default=None)


def _change(
    parts: _Parts, change: ReviseToken | AdvanceToken | RevokeToken, use: _Use | None, before: str | None
) -> str:
    match change:
        case ReviseToken(_, version, settings):
            sets, condition = REVISED, IF_REVISED
            values = {"settings": _codec.settings_document(settings, before), "version": version}
        case AdvanceToken():
            sets, condition, values = ADVANCED, IF_ADVANCED, advanced(change)
        case RevokeToken(_, at, reason):
            sets, condition = REVOKED, IF_REVOKED
            values = {"at": at, "reason": written_reason(reason)}
        case _:
            assert_never(change)
    parts.values |= values | {"id": change.token_id}
    if use is not None:
        sets += f", {touched(_times(parts, use))}"
    return f"UPDATE {parts.names.tokens} SET {sets} WHERE {condition} RETURNING birth"


def _delete(parts: _Parts, change: DeleteToken) -> str:
    condition = f"realm = :realm AND id = {parts.place(change.token_id)}"
    if change.expected_generation is not None:
        condition += f" AND generation = {parts.place(change.expected_generation)}"
    return f"DELETE FROM {parts.names.tokens} WHERE {condition} RETURNING realm, birth"


def _put_client(parts: _Parts, change: PutClient, before: str | None) -> str:
    parts.values |= client_cells(change.client, before)
    if not change.expected_version:
        columns = ("realm", "id", "owner", "version", "document", "self_registered")
        places = ", ".join(f":{column}" for column in columns)
        return (
            f"INSERT INTO {parts.names.clients} ({', '.join(columns)}) VALUES ({places}) "
            f"ON CONFLICT (realm, id) DO NOTHING RETURNING 1"
        )
    expected = parts.place(change.expected_version)
    return (
        f"UPDATE {parts.names.clients} SET {PUT} "
        f"WHERE realm = :realm AND id = :id AND version = {expected} RETURNING 1"
    )


def _change_once(parts: _Parts, change: PutOnce | TakeOnce) -> str:
    table = parts.names.once
    key, now = parts.place(change.key), parts.place(change.now)
    if isinstance(change, TakeOnce):
        return f"DELETE FROM {table} WHERE realm = :realm AND name = {key} AND expires_at > {now} RETURNING 1"
    return (
        f"INSERT INTO {table} AS o (realm, name, value, expires_at) "
        f"VALUES (:realm, {key}, {parts.place(change.value)}, {parts.place(change.expires_at)}) "
        f"ON CONFLICT (realm, name) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at "
        f"WHERE o.expires_at <= {now} RETURNING 1"
    )


# What follows


def _used(parts: _Parts, client_id: str) -> str:
    """A client that is given a token is not idle."""
    return (
        f"UPDATE {parts.names.clients} SET idle_since = NULL WHERE realm = :realm "
        f"AND id = {parts.place(client_id)} AND idle_since IS NOT NULL AND {_WON}"
    )


def _unpark(parts: _Parts, digests: Sequence[bytes]) -> str:
    """Credentials that a sweep had put aside may be consumed now; those that this commit writes are left to it."""
    others = "".join(f" AND k.digest <> {parts.place(digest)}" for digest in digests)
    return (
        f"UPDATE {parts.names.credentials} AS k SET parked = FALSE FROM lead "
        f"WHERE k.realm = :realm AND k.parked AND k.birth = lead.birth{others}"
    )


def _times(parts: _Parts, use: _Use) -> dict[str, str]:
    """The places of the times of a use by their columns."""
    times = {"last_used_at": parts.place(use.used)}
    return times if use.wrote is None else times | {"last_wrote_at": parts.place(use.wrote)}


def _touch(parts: _Parts, use: _Use) -> str:
    """It never waits: if somebody else is writing the row, the touch is lost."""
    times = _times(parts, use)
    return (
        f"UPDATE {parts.names.tokens} SET {touched(times)} WHERE realm = :realm AND id = ("
        f"SELECT id FROM {parts.names.tokens} WHERE realm = :realm AND id = {parts.place(use.token_id)} "
        f"AND {later(times)} AND {_WON} FOR UPDATE SKIP LOCKED)"
    )


def _settle(parts: _Parts, fate: _Fate, led: str | None) -> str:
    """What becomes of a credential of the token that leads, or of another."""
    if fate.added is None:
        return _drop(parts, fate, _WON)
    chosen = parts.chosen(CREDENTIAL_COLUMNS, _codec.credential_row(fate.added)[1:])
    source = f"SELECT CAST(:realm AS text), birth, {chosen} FROM lead"
    if fate.token_id != led:
        source = (
            f"SELECT realm, birth, {chosen} FROM {parts.names.tokens} "
            f"WHERE realm = :realm AND id = {parts.place(fate.token_id)} AND {_WON}"
        )
    conflict = "DO NOTHING"
    if fate.dropped:
        sets = ", ".join(f"{column} = excluded.{column}" for column in (*CREDENTIAL_COLUMNS, "parked"))
        conflict = f"(realm, birth, digest) DO UPDATE SET {sets}"
    return (
        f"INSERT INTO {parts.names.credentials} (realm, birth, {', '.join(CREDENTIAL_COLUMNS)}) {source} "
        f"ON CONFLICT {conflict}"
    )


def _drop(parts: _Parts, fate: _Fate, condition: str) -> str:
    return f"DELETE FROM {parts.names.credentials} WHERE {_owned(parts, fate)} AND {condition} RETURNING 1"


def _replace(parts: _Parts, fate: _Fate, added: Credential) -> str:
    """Dropping a credential leads, and it is added again."""
    cells = credential_cells(added)
    sets = ", ".join(f"{column} = {parts.place(cells[column])}" for column in CREDENTIAL_COLUMNS)
    return (
        f"UPDATE {parts.names.credentials} SET {sets}, parked = FALSE WHERE {_owned(parts, fate)} RETURNING 1"
    )


def _owned(parts: _Parts, fate: _Fate) -> str:
    """Whether a credential is that one; its birth is looked up, for its token may have been another of the same id."""
    return (
        f"realm = :realm AND digest = {parts.place(fate.digest)} AND birth = (SELECT birth "
        f"FROM {parts.names.tokens} WHERE realm = :realm AND id = {parts.place(fate.token_id)})"
    )


def _append(parts: _Parts, events: Sequence[Event]) -> str:
    """All events in one part, for only so they are numbered in their order."""
    columns = EVENT_COLUMNS[1:]
    chosen = " UNION ALL ".join(
        f"SELECT {number}, {parts.chosen(columns, _codec.event_row(event))}"
        for number, event in enumerate(events)
    )
    return (
        f"INSERT INTO {parts.names.events} (realm, {', '.join(columns)}) "
        f"SELECT :realm, {', '.join(columns)} FROM ({chosen}) AS e (place, {', '.join(columns)}) "
        f"WHERE {_WON} ORDER BY place"
    )
