"""What SQL stores read: statements, and rows to values. Pure."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from json import dumps, loads
from typing import Any, Final

from attrs import frozen

from scopegate.core.clients import Client
from scopegate.core.credentials import Credential, CredentialKind
from scopegate.core.events import Event
from scopegate.core.records import OnceRow, Page, TokenQuery, TokenRecord
from scopegate.core.tokens import Token
from scopegate.stores import _codec
from scopegate.stores._cursors import of_token, page, sequence_position, token_position
from scopegate.stores._sql_schema import Names

TOKEN_COLUMNS: Final = (
    *("id", "user_id", "client_id", "created_at", "document", "settings", "version", "generation"),
    *("advanced_at", "reply", "revoked_at", "revoked_reason", "last_used_at", "last_wrote_at", "lapses_at"),
)
CREDENTIAL_COLUMNS: Final = (
    *("digest", "kind", "generation", "created_at", "expires_at", "keep_until", "document"),
)
CLIENT_COLUMNS: Final = ("id", "owner", "version", "document")
EVENT_COLUMNS: Final = ("sequence", "kind", "happened_at", "user_id", "token_id", "client_id", "detail")
_REASON_AT: Final = TOKEN_COLUMNS.index("revoked_reason")
_CLIENT_AT: Final = len(TOKEN_COLUMNS)
_CREDENTIAL_AT: Final = _CLIENT_AT + len(CLIENT_COLUMNS)
_KIND_AT: Final = _CREDENTIAL_AT + CREDENTIAL_COLUMNS.index("kind")


@frozen
class Statement:
    """SQL with named places, and what stands in them."""

    sql: str
    values: Mapping[str, object]


def token_cells(token: Token) -> dict[str, object]:
    """The cells of a token by their columns."""
    cells: dict[str, object] = dict(zip(TOKEN_COLUMNS, _codec.token_row(token), strict=True))
    return cells | {"revoked_reason": written_reason(token.revoked_reason)}


def credential_cells(credential: Credential) -> dict[str, object]:
    """The cells of a credential by their columns."""
    return dict(zip(CREDENTIAL_COLUMNS, _codec.credential_row(credential)[1:], strict=True))


def written_reason(reason: str | None) -> str | None:
    """A reason may be any text, and not every database keeps any text; but they all keep JSON in ASCII."""
    return None if reason is None else dumps(reason)


def token_statement(names: Names) -> str:
    """Reads a token, its client, and its credential of a digest; its places are digest, realm and id, in this order."""
    columns = ", ".join(
        f"{alias}.{column}"
        for alias, columns in (("t", TOKEN_COLUMNS), ("c", CLIENT_COLUMNS), ("k", CREDENTIAL_COLUMNS))
        for column in columns
    )
    return (
        f"SELECT {columns} FROM {names.tokens} t "
        f"LEFT JOIN {names.clients} c ON c.realm = t.realm AND c.id = t.client_id "
        f"LEFT JOIN {names.credentials} k ON k.realm = t.realm AND k.birth = t.birth AND k.digest = :digest "
        f"WHERE t.realm = :realm AND t.id = :id"
    )


def record(row: tuple[Any, ...]) -> TokenRecord:
    """The record of a row that `token_statement` found.

    An access token comes again and again, and the same row gives the same record; other credentials come once.

    Raises:
        StoreUnavailableError: the row is damaged.
    """
    return _remembered(row) if row[_KIND_AT] == CredentialKind.ACCESS.value else _record(row)


def _record(row: tuple[Any, ...]) -> TokenRecord:
    token, client, credential = row[:_CLIENT_AT], row[_CLIENT_AT:_CREDENTIAL_AT], row[_CREDENTIAL_AT:]
    return TokenRecord.of(
        _codec.token(_cells(token)),
        None if client[0] is None else _codec.client(client),
        None if credential[0] is None else _codec.credential((token[0], *credential)),
    )


_remembered: Final = lru_cache(maxsize=8192)(_record)


def _cells(row: Sequence[Any]) -> Sequence[Any]:
    """The cells of a token, its reason as it was before `written_reason`."""
    reason = row[_REASON_AT]
    return row if reason is None else (*row[:_REASON_AT], loads(reason), *row[_REASON_AT + 1 :])


def client(names: Names, realm: str, client_id: str) -> Statement:
    """Reads a client."""
    sql = f"SELECT {', '.join(CLIENT_COLUMNS)} FROM {names.clients} WHERE realm = :realm AND id = :id"
    return Statement(sql, {"realm": realm, "id": client_id})


def once(names: Names, realm: str, key: str, now: float) -> Statement:
    """Reads a once row that has not expired."""
    sql = (
        f"SELECT name, value, expires_at FROM {names.once} "
        f"WHERE realm = :realm AND name = :name AND expires_at > :now"
    )
    return Statement(sql, {"realm": realm, "name": key, "now": now})


def settings_before(names: Names, realm: str, token_id: str) -> Statement:
    """Reads what a revision of a token replaces: its version and its settings."""
    sql = f"SELECT version, settings FROM {names.tokens} WHERE realm = :realm AND id = :id"
    return Statement(sql, {"realm": realm, "id": token_id})


def client_before(names: Names, realm: str, client_id: str) -> Statement:
    """Reads what a client replaces: its version and its document."""
    sql = f"SELECT version, document FROM {names.clients} WHERE realm = :realm AND id = :id"
    return Statement(sql, {"realm": realm, "id": client_id})


def tokens(names: Names, realm: str, query: TokenQuery, after: str | None, limit: int) -> Statement:
    """Lists tokens, newest first.

    Raises:
        InvalidValueError: no store gave this cursor.
    """
    values: dict[str, object] = {"realm": realm, "limit": limit + 1}
    terms = ["realm = :realm"]
    if query.user is not None:
        terms.append("user_id = :user_id")
        values["user_id"] = query.user
    if query.client_id is not None:
        terms.append("client_id = :client_id")
        values["client_id"] = query.client_id
    if query.pending is not None:
        terms.append("generation = 0" if query.pending else "generation > 0")
    if query.pending_after is not None:
        terms.append("(generation > 0 OR created_at > :pending_after)")
        values["pending_after"] = query.pending_after
    if after is not None:
        terms.append("created_at <= :at AND (created_at < :at OR id > :id)")
        values["at"], values["id"] = token_position(after)
    return _listed(names.tokens, TOKEN_COLUMNS, terms, "created_at DESC, id", values)


def tokens_page(rows: Sequence[Sequence[Any]], limit: int) -> Page[Token]:
    """The page of what `tokens` found."""
    return page([_codec.listed_token(_cells(row)) for row in rows], limit, of_token)


def clients(names: Names, realm: str, owner: str | None, after: str | None, limit: int) -> Statement:
    """Lists clients in the order of their ids."""
    values: dict[str, object] = {"realm": realm, "limit": limit + 1}
    terms = ["realm = :realm"]
    if owner is not None:
        terms.append("owner = :owner")
        values["owner"] = owner
    if after is not None:
        terms.append("id > :after")
        values["after"] = after
    return _listed(names.clients, CLIENT_COLUMNS, terms, "id", values)


def clients_page(rows: Sequence[Sequence[Any]], limit: int) -> Page[Client]:
    """The page of what `clients` found."""
    return page([_codec.client(row) for row in rows], limit, lambda client: client.id)


@frozen
class Selection:
    """Whose events: of a user, of a token, of both or of all."""

    user: str | None
    token_id: str | None


def events(names: Names, realm: str, selection: Selection, after: str | None, limit: int) -> Statement:
    """Lists events, newest first.

    Raises:
        InvalidValueError: no store gave this cursor.
    """
    values: dict[str, object] = {"realm": realm, "limit": limit + 1}
    terms = ["realm = :realm"]
    if selection.user is not None:
        terms.append("user_id = :user_id")
        values["user_id"] = selection.user
    if selection.token_id is not None:
        terms.append("token_id = :token_id")
        values["token_id"] = selection.token_id
    if after is not None:
        terms.append("sequence < :before")
        values["before"] = sequence_position(after)
    return _listed(names.events, EVENT_COLUMNS, terms, "sequence DESC", values)


def events_page(rows: Sequence[Sequence[Any]], limit: int) -> Page[Event]:
    """The page of what `events` found, without the kinds that only a newer release knows."""
    numbered = page(rows, limit, lambda row: str(row[0]))
    read = (_codec.event(row[1:]) for row in numbered.items)
    return Page(tuple(event for event in read if event is not None), numbered.after)


def once_row(row: Sequence[Any]) -> OnceRow:
    """The value of a row that `once` found."""
    return OnceRow(*row)


def _listed(
    table: str, columns: Sequence[str], terms: Sequence[str], order: str, values: Mapping[str, object]
) -> Statement:
    sql = (
        f"SELECT {', '.join(columns)} FROM {table} WHERE {' AND '.join(terms)} ORDER BY {order} LIMIT :limit"
    )
    return Statement(sql, values)
