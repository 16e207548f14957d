"""A commit as one statement of PostgreSQL: the guard and what follows it, each a part of one ``WITH``.

All parts see one snapshot, none sees what another wrote, and no row may be written by two of them. So the changes are
made ready first: touches of a token join the change that leads it, and adding and dropping a credential become the one
thing that they come to. PostgreSQL judges the guard on the newest state of its row, whoever writes it at the same time,
and the other parts do nothing unless it held.

What follows is spelled out once for all commits of one form: its places are named after what stands in them, with the
number of the credential, event or use that it is.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final, NamedTuple, assert_never

from attrs import evolve, frozen

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
from scopegate.core.tokens import Token
from scopegate.stores import _codec
from scopegate.stores._sql_reads import (
    CREDENTIAL_COLUMNS,
    EVENT_COLUMNS,
    Statement,
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
    places,
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
_EVENT: Final = EVENT_COLUMNS[1:]
_WON: Final = "EXISTS (SELECT 1 FROM lead)"

Values = dict[str, object]


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
    values: Values = {"realm": realm}
    led, uses, fates = _led_token(first), _uses(first, followers), _fates(first, followers)
    lead = _lead(names, first, values, uses.pop(led, None), fates, birth=birth, before=before)
    for number, use in enumerate(uses.values()):
        values[f"touched_{number}"] = use.token_id
        _set_times(values, use, f"_{number}")
    forms = [_set_fate(values, fate, led, number) for number, fate in enumerate(fates.values())]
    events = [change.event for change in followers if isinstance(change, AppendEvent)]
    for number, event in enumerate(events):
        values.update(zip(_numbered(_EVENT, number, "e"), _codec.event_row(event), strict=True))
    if told is not None:
        values["channel"], values["told"] = told
    beside = _BESIDE.get(type(first))
    wrote = tuple([use.wrote is not None for use in uses.values()])
    tail = _tail(names, beside, wrote, tuple(forms), len(events), told is not None)
    return Statement(f"WITH lead AS ({lead}){tail}", values)


# What the changes come to


class _Form(NamedTuple):
    """Of a credential: whether it is one of the token that leads, is dropped, and is added.

    It is dropped, added unless it is there, or, with both, replaced.
    """

    of_lead: bool
    dropped: bool
    added: bool


_GRANTED: Final = _Form(of_lead=True, dropped=False, added=True)


class _Fate(NamedTuple):
    """What becomes of a credential."""

    token_id: str
    digest: bytes
    dropped: bool
    added: Credential | None


Fates = dict[tuple[str, bytes], _Fate]


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


def _fates(first: Leader, followers: Sequence[Follower]) -> Fates:
    """One for each credential that is added or dropped, unless its token is deleted."""
    found: Fates = {}
    for change in (first, *followers):
        if isinstance(change, AddCredential):
            added = change.credential
            key = added.token_id, added.digest
            known = found.get(key)
            if known is None or known.added is None:
                found[key] = _Fate(*key, dropped=known is not None, added=added)
        elif isinstance(change, DropCredential):
            key = change.token_id, change.digest
            found[key] = _Fate(*key, dropped=True, added=None)
    if isinstance(first, DeleteToken):
        return {key: fate for key, fate in found.items() if fate.token_id != first.token_id}
    return found


# What stands in the places


@lru_cache(maxsize=256)
def _numbered(columns: tuple[str, ...], number: int, mark: str = "") -> tuple[str, ...]:
    """The names of the places for a row."""
    return tuple(f"{column}_{mark}{number}" for column in columns)


def _set_times(values: Values, use: _Use, number: str = "") -> None:
    values[f"used{number}"] = use.used
    if use.wrote is not None:
        values[f"wrote{number}"] = use.wrote


def _set_fate(values: Values, fate: _Fate, led: str | None, number: int) -> _Form:
    """Set what stands in the places of a credential, and say which places those are: by its form."""
    token_id, digest, dropped, added = fate
    of_lead = token_id == led
    if added is None:
        values[f"digest_{number}"] = digest
    else:
        cells = _codec.credential_row(added)[1:]
        values.update(zip(_numbered(CREDENTIAL_COLUMNS, number), cells, strict=True))
    if added is None or not of_lead:
        values[f"token_{number}"] = token_id
    return _Form(of_lead, dropped, added is not None)


# The change that leads


def _lead(
    names: Names,
    first: Leader,
    values: Values,
    use: _Use | None,
    fates: Fates,
    *,
    birth: int,
    before: str | None,
) -> str:
    """Spell it, set its values, and take what it settles out of the fates."""
    match first:
        case CreateToken(token):
            return _create(names, token, values, use, birth)
        case ReviseToken() | AdvanceToken() | RevokeToken():
            return _change(names, first, values, use, before)
        case DeleteToken():
            return _delete(names, first, values)
        case PutClient():
            return _put_client(names, first, values, before)
        case PutOnce() | TakeOnce():
            return _change_once(names, first, values)
        case DropCredential():
            return _settle_first(names, fates.pop((first.token_id, first.digest)), values)
        case Touch():
            return "SELECT 1"
    assert_never(first)


def _create(names: Names, token: Token, values: Values, use: _Use | None, birth: int) -> str:
    if use is not None:
        token = evolve(
            token,
            last_used_at=_latest(token.last_used_at, use.used),
            last_wrote_at=_latest(token.last_wrote_at, use.wrote),
        )
    values |= token_cells(token) | {"birth": birth}
    return (
        f"INSERT INTO {names.tokens} ({', '.join(CELLS)}) VALUES ({places(CELLS)}) "
        f"ON CONFLICT (realm, id) DO NOTHING RETURNING birth"
    )


def _latest(*times: float | None) -> float | None:
    return max((time for time in times if time is not None), default=None)


def _change(
    names: Names,
    change: ReviseToken | AdvanceToken | RevokeToken,
    values: Values,
    use: _Use | None,
    before: str | None,
) -> str:
    values["id"] = change.token_id
    match change:
        case ReviseToken(_, version, settings):
            sets, condition = REVISED, IF_REVISED
            values |= {"settings": _codec.settings_document(settings, before), "version": version}
        case AdvanceToken():
            sets, condition = ADVANCED, IF_ADVANCED
            values |= advanced(change)
        case RevokeToken(_, at, reason):
            sets, condition = REVOKED, IF_REVOKED
            values |= {"at": at, "reason": written_reason(reason)}
        case _:
            assert_never(change)
    if use is not None:
        _set_times(values, use)
        sets += f", {touched(_times(wrote=use.wrote is not None))}"
    return f"UPDATE {names.tokens} SET {sets} WHERE {condition} RETURNING birth"


def _delete(names: Names, change: DeleteToken, values: Values) -> str:
    values["id"] = change.token_id
    condition = "realm = :realm AND id = :id"
    if change.expected_generation is not None:
        values["generation"] = change.expected_generation
        condition += " AND generation = :generation"
    return f"DELETE FROM {names.tokens} WHERE {condition} RETURNING realm, birth"


def _put_client(names: Names, change: PutClient, values: Values, before: str | None) -> str:
    values |= client_cells(change.client, before)
    if not change.expected_version:
        columns = ("realm", "id", "owner", "version", "document", "self_registered")
        return (
            f"INSERT INTO {names.clients} ({', '.join(columns)}) VALUES ({places(columns)}) "
            f"ON CONFLICT (realm, id) DO NOTHING RETURNING 1"
        )
    values["expected"] = change.expected_version
    return (
        f"UPDATE {names.clients} SET {PUT} "
        f"WHERE realm = :realm AND id = :id AND version = :expected RETURNING 1"
    )


def _change_once(names: Names, change: PutOnce | TakeOnce, values: Values) -> str:
    table = names.once
    values |= {"key": change.key, "now": change.now}
    if isinstance(change, TakeOnce):
        return f"DELETE FROM {table} WHERE realm = :realm AND name = :key AND expires_at > :now RETURNING 1"
    values |= {"value": change.value, "expires_at": change.expires_at}
    return (
        f"INSERT INTO {table} AS o (realm, name, value, expires_at) "
        f"VALUES (:realm, :key, :value, :expires_at) "
        f"ON CONFLICT (realm, name) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at "
        f"WHERE o.expires_at <= :now RETURNING 1"
    )


def _settle_first(names: Names, fate: _Fate, values: Values) -> str:
    """Dropping a credential leads; it may be added again."""
    values |= {"digest": fate.digest, "token": fate.token_id}
    if fate.added is None:
        return f"DELETE FROM {names.credentials} WHERE {_owned(names)} RETURNING 1"
    values.update(zip(CREDENTIAL_COLUMNS, _codec.credential_row(fate.added)[1:], strict=True))
    sets = ", ".join(f"{column} = :{column}" for column in CREDENTIAL_COLUMNS)
    return f"UPDATE {names.credentials} SET {sets}, parked = FALSE WHERE {_owned(names)} RETURNING 1"


# What follows


@lru_cache(maxsize=512)
def _tail(
    names: Names,
    beside: "_Beside | None",
    uses: tuple[bool, ...],
    fates: tuple[_Form, ...],
    events: int,
    told: bool,  # noqa: FBT001 - arguments by position are remembered faster
) -> str:
    """All but the lead.

    Args:
        names: of the tables.
        beside: what else the change that leads comes to.
        uses: for each token that is touched, whether it was changed through.
        fates: of the credentials.
        events: how many there are.
        told: whether the commit tells of itself.
    """
    parts = [] if beside is None else [beside(names, fates)]
    parts += [_touch(names, number, wrote=wrote) for number, wrote in enumerate(uses)]
    granted = [number for number, form in enumerate(fates) if form == _GRANTED]
    if granted:
        parts.append(_grant(names, granted))
    parts += [_settle(names, form, number) for number, form in enumerate(fates) if form != _GRANTED]
    if events:
        parts.append(_append(names, events))
    spelled = "".join(f", part{number} AS ({part})" for number, part in enumerate(parts, 1))
    end = "pg_notify(CAST(:channel AS text), CAST(:told AS text))" if told else "1"
    return f"{spelled} SELECT {end} FROM lead"


def _used(names: Names, _: object) -> str:
    """A client that is given a token is not idle."""
    return (
        f"UPDATE {names.clients} SET idle_since = NULL WHERE realm = :realm "
        f"AND id = :client_id AND idle_since IS NOT NULL AND {_WON}"
    )


def _unpark(names: Names, fates: Sequence[_Form]) -> str:
    """Credentials that a sweep had put aside may be consumed now; those that this commit writes are left to it."""
    others = "".join(
        f" AND k.digest <> :digest_{number}" for number, form in enumerate(fates) if form.of_lead
    )
    return (
        f"UPDATE {names.credentials} AS k SET parked = FALSE "
        f"WHERE k.realm = :realm AND k.birth = (SELECT birth FROM lead) AND k.parked{others}"
    )


def _leave(names: Names, _: object) -> str:
    """The credentials of a token that is deleted are left to the sweep."""
    return f"INSERT INTO {names.leftovers} (realm, birth) SELECT realm, birth FROM lead"


_Beside = Callable[[Names, Sequence[_Form]], str]
_BESIDE: Final[Mapping[type[Leader], _Beside]] = {
    CreateToken: _used,
    AdvanceToken: _unpark,
    DeleteToken: _leave,
}
"""What else a change of a token comes to."""


def _times(number: str = "", *, wrote: bool) -> dict[str, str]:
    """The places of the times of a use by their columns."""
    times = {"last_used_at": f":used{number}"}
    return times | {"last_wrote_at": f":wrote{number}"} if wrote else times


def _touch(names: Names, number: int, *, wrote: bool) -> str:
    """It never waits: if somebody else is writing the row, the touch is lost."""
    times = _times(f"_{number}", wrote=wrote)
    return (
        f"UPDATE {names.tokens} SET {touched(times)} WHERE realm = :realm AND id = ("
        f"SELECT id FROM {names.tokens} WHERE realm = :realm AND id = :touched_{number} "
        f"AND {later(times)} AND {_WON} FOR UPDATE SKIP LOCKED)"
    )


def _grant(names: Names, numbers: Iterable[int]) -> str:
    """New credentials of the token that leads, all in one part."""
    columns = ", ".join(CREDENTIAL_COLUMNS)
    rows = ", ".join(f"({_cast(CREDENTIAL_COLUMNS, number)})" for number in numbers)
    return (
        f"{_into(names)} SELECT CAST(:realm AS text), birth, {columns} "
        f"FROM lead, (VALUES {rows}) AS granted ({columns}) ON CONFLICT DO NOTHING"
    )


def _settle(names: Names, form: _Form, number: int) -> str:
    """What becomes of a credential that is dropped, or replaced, or another token's."""
    if not form.added:
        return f"DELETE FROM {names.credentials} WHERE {_owned(names, f'_{number}')} AND {_WON}"
    source = f"{names.tokens} WHERE realm = :realm AND id = :token_{number} AND {_WON}"
    conflict = "DO NOTHING"
    if form.dropped:
        sets = ", ".join(f"{column} = excluded.{column}" for column in (*CREDENTIAL_COLUMNS, "parked"))
        conflict = f"(realm, birth, digest) DO UPDATE SET {sets}"
    return (
        f"{_into(names)} SELECT CAST(:realm AS text), birth, {_cast(CREDENTIAL_COLUMNS, number)} "
        f"FROM {'lead' if form.of_lead else source} ON CONFLICT {conflict}"
    )


def _into(names: Names) -> str:
    return f"INSERT INTO {names.credentials} (realm, birth, {', '.join(CREDENTIAL_COLUMNS)})"


def _owned(names: Names, number: str = "") -> str:
    """Whether a credential is that one; its birth is looked up, for its token may have been another of the same id."""
    return (
        f"realm = :realm AND digest = :digest{number} AND birth = (SELECT birth "
        f"FROM {names.tokens} WHERE realm = :realm AND id = :token{number})"
    )


def _append(names: Names, events: int) -> str:
    """All events in one part, for only so they are numbered in their order."""
    columns = ", ".join(_EVENT)
    rows = ", ".join(f"({number}, {_cast(_EVENT, number, 'e')})" for number in range(events))
    return (
        f"INSERT INTO {names.events} (realm, {columns}) SELECT :realm, {columns} "
        f"FROM (VALUES {rows}) AS e (place, {columns}) WHERE {_WON} ORDER BY place"
    )


def _cast(columns: tuple[str, ...], number: int, mark: str = "") -> str:
    """Places for a row, each with its type."""
    named = zip(columns, _numbered(columns, number, mark), strict=True)
    return ", ".join(f"CAST(:{name} AS {_TYPES[column]})" for column, name in named)
