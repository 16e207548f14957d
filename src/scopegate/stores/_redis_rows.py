"""Where the Redis stores keep what, and how rows become bytes. Pure.

All that belongs to a token is in one slot of a cluster, and so is a client, a once row, and the history of a realm.
Lists are sorted sets that only name what they list: whoever reads one leaves out what is not there.
"""

from collections.abc import Mapping, Sequence
from json import dumps, loads
from typing import Any, Final, TypeAlias
from urllib.parse import quote

from attrs import frozen

from scopegate.core.clients import Client, Origin
from scopegate.core.credentials import Credential
from scopegate.core.events import Event
from scopegate.core.records import OnceRow, TokenRecord
from scopegate.core.tokens import Token
from scopegate.errors import StoreUnavailableError
from scopegate.stores import _codec

Word: TypeAlias = str | bytes | float
Pairs: TypeAlias = Sequence[bytes]

_TOKEN: Final = (
    *("id", "user", "client_id", "created_at", "document", "settings", "version", "generation"),
    *("advanced_at", "reply", "revoked_at", "revoked_reason", "last_used_at", "last_wrote_at", "lapses_at"),
)
_TIMES: Final = frozenset(
    {"created_at", "advanced_at", "revoked_at", "last_used_at", "last_wrote_at", "lapses_at", "expires_at"}
)
_COUNTS: Final = frozenset({"version", "generation"})
_BINARY: Final = frozenset({"reply", "value"})
_CLIENT: Final = ("id", "owner", "version", "document")


@frozen
class Keys:
    """The names of keys in one realm.

    Args:
        prefix: what each begins with.
        realm: where.
    """

    prefix: str
    realm: str

    def token(self, token_id: str) -> "Slot":
        """The slot of a token."""
        return self._slot("t", token_id)

    def client(self, client_id: str) -> "Slot":
        """The slot of a client."""
        return self._slot("c", client_id)

    def once(self, key: str) -> "Slot":
        """The slot of a once row."""
        return self._slot("o", key)

    def shared(self, name: str, *, of: str | None = None) -> str:
        """A key in the slot of the realm, or one of many of that name."""
        more = "" if of is None else f":{_quoted(of)}"
        return f"{self.prefix}:{{={_quoted(self.realm)}}}:{name}{more}"

    def tokens_of(self, kind: str, name: str) -> str:
        """The index of the tokens of a user or a client, each in a slot of its own."""
        return f"{self.prefix}:{{={_quoted(self.realm)}/{kind}/{_quoted(name)}}}:tokens"

    def clients_of(self, owner: str) -> str:
        """The index of the clients of an owner."""
        return f"{self.prefix}:{{={_quoted(self.realm)}/user/{_quoted(owner)}}}:clients"

    def _slot(self, kind: str, name: str) -> "Slot":
        return Slot(self.prefix, f"={_quoted(self.realm)}/{kind}/{_quoted(name)}")


@frozen
class Slot:
    """The keys of one thing: its tag keeps them together."""

    prefix: str
    tag: str

    def key(self, name: str) -> str:
        """One of its keys."""
        return f"{self.prefix}:{{{self.tag}}}:{name}"

    @property
    def row(self) -> str:
        """Its fields."""
        return self.key("row")

    @property
    def credentials(self) -> str:
        """Its credentials by digest."""
        return self.key("credentials")

    @property
    def times(self) -> str:
        """The digests of its credentials, by the time until which they are kept."""
        return self.key("times")

    @property
    def outbox(self) -> str:
        """Events that are not in the history yet."""
        return self.key("outbox")


def _quoted(text: str) -> str:
    """Without braces and slashes, whatever the text."""
    return quote(text, safe="")


def token_fields(token: Token) -> dict[str, Word]:
    """The fields of a token that have a value."""
    return _fields(_TOKEN, _codec.token_row(token))


def client_fields(client: Client, before: str | None) -> dict[str, Word]:
    """The fields of a client that have a value. ``before``: the document it replaces."""
    fields = _fields(_CLIENT, _codec.client_row(client, before))
    return fields | {"self_registered": int(client.origin is Origin.SELF_REGISTERED)}


def _fields(names: Sequence[str], cells: Sequence[Any]) -> dict[str, Word]:
    pairs = zip(names, cells, strict=True)
    return {name: written(cell) for name, cell in pairs if cell is not None}


def written(cell: float | str | bytes) -> str | bytes:
    """A cell as Redis keeps it: a number to the last bit."""
    return cell if isinstance(cell, str | bytes) else repr(cell)


def mapping(pairs: Pairs) -> dict[str, bytes]:
    """What ``HGETALL`` gave a script."""
    return {name.decode(): value for name, value in zip(pairs[::2], pairs[1::2], strict=True)}


def token(fields: Mapping[str, bytes]) -> Token:
    """The token of its fields.

    Raises:
        StoreUnavailableError: the row is damaged.
    """
    return _codec.listed_token(_cells(_TOKEN, fields))


def client(fields: Mapping[str, bytes]) -> Client:
    """The client of its fields.

    Raises:
        StoreUnavailableError: the row is damaged.
    """
    return _codec.client(_cells(_CLIENT, fields))


def _cells(names: Sequence[str], fields: Mapping[str, bytes]) -> tuple[Any, ...]:
    try:
        return tuple(_cell(name, fields.get(name)) for name in names)
    except ValueError:
        raise StoreUnavailableError(
            "a stored row cannot be read: it is damaged, or somebody else writes under this prefix"
        ) from None


def _cell(name: str, value: bytes | None) -> float | str | bytes | None:
    if value is None or name in _BINARY:
        return value
    if name in _COUNTS:
        return int(value)
    return float(value) if name in _TIMES else value.decode()


def credential_value(credential: Credential) -> bytes:
    """A credential without its token and digest; its generation stands first, for scripts to compare."""
    _, _, *cells = _codec.credential_row(credential)
    return f"{credential.generation} {dumps(cells)}".encode()


def credential(token_id: str, digest: bytes, value: bytes) -> Credential:
    """The credential of such a value.

    Raises:
        StoreUnavailableError: the value is damaged.
    """
    _, _, cells = value.partition(b" ")
    return _codec.credential((token_id, digest, *loads(cells)))


def record(token: Token, client: Client | None, digest: bytes | None, kept: bytes | None) -> TokenRecord:
    """The record of what a read gave."""
    found = None if digest is None or kept is None else credential(token.id, digest, kept)
    return TokenRecord.of(token, client, found)


def once_row(key: str, fields: Mapping[str, bytes], now: float) -> OnceRow | None:
    """A once row, unless it has expired."""
    if not fields:
        return None
    ends = float(fields["expires_at"])
    return None if now >= ends else OnceRow(key, fields["value"], ends)


def event_value(event: Event, name: str) -> bytes:
    """An event with the name that tells it from every other."""
    return dumps([name, *_codec.event_row(event)]).encode()


@frozen
class Told:
    """An event as it was written.

    Args:
        name: tells it from every other.
        at: POSIX seconds.
        user: whose.
        token_id: of which token.
        cells: all of it.
    """

    name: str
    at: float
    user: str
    token_id: str
    cells: Sequence[Any]

    @property
    def event(self) -> Event | None:
        """The event; None if only a newer release knows its kind."""
        return _codec.event(self.cells)


def told(value: bytes) -> Told:
    """What `event_value` wrote."""
    name, *cells = loads(value)
    _, at, user, token_id, *_ = cells
    return Told(name, at, user, token_id, cells)
