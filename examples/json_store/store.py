"""A store in one JSON file: small enough to read in one sitting, and as strict as any other.

It is what the documentation of stores describes and nothing more. Every call reads the whole file under a lock, and
every commit replaces the whole file, so it is for small hosts and for learning. It passes the contract that
`scopegate.testing.stores` holds every store to.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum
from fcntl import LOCK_EX, LOCK_UN, flock
from os import fsync
from pathlib import Path
from typing import Any

import attrs

from scopegate.core.caps import ApplicationCap, RoleCap
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
from scopegate.core.clients import AuthMethod, Client, ClientSecret, Origin
from scopegate.core.credentials import Credential, CredentialKind
from scopegate.core.events import Event, EventKind
from scopegate.core.records import NEVER, Cutoffs, OnceRow, Page, TokenQuery, TokenRecord
from scopegate.core.tokens import Settings, Token
from scopegate.errors import ConflictError, InvalidValueError, StoreUnavailableError
from scopegate.protocols import Capabilities

VALUES = (ApplicationCap, Client, ClientSecret, Credential, Event, OnceRow, RoleCap, Settings, Token)
ENUMS = (AuthMethod, CredentialKind, EventKind, Origin)
KINDS = {kind.__name__: kind for kind in (*VALUES, *ENUMS)}
FOLLOWERS = (AddCredential, AppendEvent, DropCredential, Touch)
LEADERS = (
    *(AdvanceToken, CreateToken, DeleteToken, PutClient, PutOnce, ReviseToken, RevokeToken, TakeOnce),
    *(DropCredential, Touch),
)

# --- Values as JSON ---------------------------------------------------------------------------------------------------


def written(value: Any) -> Any:
    """A value as JSON: what JSON has no word for is a list whose first item says what it is."""
    match value:
        case Enum():
            return [type(value).__name__, value.value]
        case bytes():
            return ["bytes", value.hex()]
        case tuple():
            return ["tuple", *map(written, value)]
        case frozenset():
            return ["set", *map(written, sorted(value))]
        case list():
            return ["list", *map(written, value)]
        case dict():
            return ["dict", *([key, written(each)] for key, each in value.items())]
        case _ if isinstance(value, VALUES):
            names = [field.name for field in attrs.fields(type(value)) if field.init]
            return [type(value).__name__, {name: written(getattr(value, name)) for name in names}]
        case _:
            return value


def read(value: Any) -> Any:
    """What `written` was given."""
    if not isinstance(value, list):
        return value
    kind, *rest = value
    match kind:
        case "bytes":
            return bytes.fromhex(rest[0])
        case "tuple":
            return tuple(map(read, rest))
        case "set":
            return frozenset(map(read, rest))
        case "list":
            return list(map(read, rest))
        case "dict":
            return {key: read(each) for key, each in rest}
    made = KINDS[kind]
    if made in ENUMS:
        return made(rest[0])
    return made(**{name: read(each) for name, each in rest[0].items()})


# --- What is kept under one realm -------------------------------------------------------------------------------------


class Realm:
    """The tables of one realm, in memory for the length of one call."""

    def __init__(self, tables: dict[str, Any] | None = None) -> None:
        tables = tables or {}
        self.tokens: dict[str, Token] = read(tables.get("tokens", ["dict"]))
        self.credentials: dict[str, Credential] = read(tables.get("credentials", ["dict"]))
        self.clients: dict[str, Client] = read(tables.get("clients", ["dict"]))
        self.idle: dict[str, float] = read(tables.get("idle", ["dict"]))
        self.once: dict[str, OnceRow] = read(tables.get("once", ["dict"]))
        self.events: dict[str, Event] = read(tables.get("events", ["dict"]))
        self.place: int = tables.get("place", 0)

    def tables(self) -> dict[str, Any]:
        """All of it as JSON."""
        return {name: written(table) for name, table in vars(self).items()}

    def lead(self, change: Change) -> bool:
        """Apply the first change; False: its guard is false."""
        match change:
            case ReviseToken() | AdvanceToken() | RevokeToken():
                return self._change(change)
            case CreateToken(token):
                if token.id in self.tokens:
                    return False
                self.tokens[token.id] = token
                self.idle.pop(token.client_id, None)
            case DeleteToken():
                return self._delete(change)
            case PutClient():
                return self._put_client(change)
            case PutOnce() | TakeOnce():
                return self._change_once(change)
            case DropCredential(token_id, digest):
                return self.credentials.pop(_name(token_id, digest), None) is not None
            case _:
                self.follow(change)
        return True

    def _change(self, change: ReviseToken | AdvanceToken | RevokeToken) -> bool:
        token = self.tokens.get(change.token_id)
        if token is None:
            return False
        match change:
            case ReviseToken(_, version, settings):
                true, new = (
                    token.version == version,
                    attrs.evolve(token, settings=settings, version=version + 1),
                )
            case AdvanceToken(_, generation, at, reply, lapses_at):
                true = token.generation == generation and token.revoked_at is None
                new = token.advanced(at, reply, lapses_at)
            case RevokeToken(_, at, reason):
                true = token.revoked_at is None
                new = attrs.evolve(token, revoked_at=at, revoked_reason=reason)
        if true:
            self.tokens[token.id] = new
        return true

    def _delete(self, change: DeleteToken) -> bool:
        token = self.tokens.get(change.token_id)
        if token is None or change.expected_generation not in {None, token.generation}:
            return False
        del self.tokens[token.id]
        self.credentials = {
            name: kept for name, kept in self.credentials.items() if kept.token_id != token.id
        }
        return True

    def _put_client(self, change: PutClient) -> bool:
        known = self.clients.get(change.client.id)
        if (0 if known is None else known.version) != change.expected_version:
            return False
        self.clients[change.client.id] = change.client
        self.idle.pop(change.client.id, None)
        return True

    def _change_once(self, change: PutOnce | TakeOnce) -> bool:
        there = change.key in self.once and change.now < self.once[change.key].expires_at
        if isinstance(change, PutOnce):
            if not there:
                self.once[change.key] = OnceRow(change.key, change.value, change.expires_at)
            return not there
        if there:
            del self.once[change.key]
        return there

    def follow(self, change: Change) -> None:
        """Apply a follower."""
        match change:
            case AddCredential(credential) if credential.token_id in self.tokens:
                self.credentials.setdefault(_name(credential.token_id, credential.digest), credential)
            case DropCredential(token_id, digest):
                self.credentials.pop(_name(token_id, digest), None)
            case AppendEvent(event):
                self.events[str(self.place)] = event
                self.place += 1
            case Touch(token_id, at, wrote) if token_id in self.tokens:
                token = self.tokens[token_id]
                used = max(at, token.last_used_at or at)
                last_wrote = max(at, token.last_wrote_at or at) if wrote else token.last_wrote_at
                self.tokens[token_id] = attrs.evolve(token, last_used_at=used, last_wrote_at=last_wrote)

    def sweep(self, cutoffs: Cutoffs, limit: int) -> int:
        """Free at most ``limit`` rows."""
        used = {token.client_id for token in self.tokens.values()}
        if cutoffs.kept_before > NEVER:
            for client in self.clients.values():
                if client.origin is Origin.SELF_REGISTERED and client.id not in used:
                    self.idle.setdefault(client.id, cutoffs.kept_before)
        left = limit
        for table, is_dead in (
            (self.credentials, lambda name: self._is_dead(self.credentials[name], cutoffs)),
            (self.tokens, lambda name: self._was_missed(self.tokens[name], cutoffs) and self._is_bare(name)),
            (self.once, lambda key: self.once[key].expires_at <= cutoffs.kept_before),
            (self.clients, lambda id_: self.idle.get(id_, float("inf")) <= cutoffs.idle_before),
            (self.events, lambda place: self._is_old(self.events[place], cutoffs)),
        ):
            for name in [name for name in table if is_dead(name)][: max(left, 0)]:
                del table[name]
                left -= 1
        self.idle = {id_: since for id_, since in self.idle.items() if id_ in self.clients}
        return limit - left

    def _was_missed(self, token: Token, cutoffs: Cutoffs) -> bool:
        return token.generation == 0 and token.created_at <= cutoffs.pending_before

    def _is_bare(self, token_id: str) -> bool:
        return all(kept.token_id != token_id for kept in self.credentials.values())

    def _is_dead(self, kept: Credential, cutoffs: Cutoffs) -> bool:
        token = self.tokens[kept.token_id]
        consumed = kept.generation < token.generation
        forgotten = kept.keep_until is not None and kept.keep_until <= cutoffs.kept_before
        return self._was_missed(token, cutoffs) or (consumed and forgotten)

    def _is_old(self, event: Event, cutoffs: Cutoffs) -> bool:
        return event.at <= cutoffs.events_before or event.user == cutoffs.forgotten


def _name(token_id: str, digest: bytes) -> str:
    return f"{digest.hex()} {token_id}"


# --- The store --------------------------------------------------------------------------------------------------------


class JSONStore:
    """Keeps everything in one JSON file, which threads and processes of one machine may share.

    Args:
        path: the file; beside it lies one of the same name with ``.lock``.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def capabilities(self) -> Capabilities:
        """Every commit is on disk; any process on this machine may use the file."""
        return Capabilities(durable=True, cross_process=True)

    def open(self) -> None:
        """See whether the file can be reached; there is no schema to bring up to date."""
        with self._locked():
            pass

    def close(self) -> None:
        """Nothing to do: no call leaves anything open."""

    @contextmanager
    def _locked(self) -> Iterator[dict[str, Any]]:
        """The whole document, while nobody else has it."""
        try:
            with self._path.with_suffix(".lock").open("a") as lock:
                flock(lock, LOCK_EX)
                try:
                    document = json.loads(self._path.read_text("ascii")) if self._path.exists() else {}
                    yield document
                finally:
                    flock(lock, LOCK_UN)
        except (OSError, ValueError) as error:
            if isinstance(error, InvalidValueError):
                raise
            raise StoreUnavailableError(f"{self._path} cannot be read or written: {error}") from error

    def _write(self, document: dict[str, Any]) -> None:
        """Replace the file at once: after a crash there is the old one or the new one."""
        fresh = self._path.with_suffix(".new")
        with fresh.open("w", encoding="ascii") as file:
            json.dump(document, file)
            file.flush()
            fsync(file.fileno())
        fresh.replace(self._path)

    def _realm(self, realm: str) -> Realm:
        with self._locked() as document:
            return Realm(document.get(realm))

    def client(self, realm: str, client_id: str, /) -> Client | None:
        """The client of that id."""
        return self._realm(realm).clients.get(client_id)

    def token(self, realm: str, token_id: str, digest: bytes | None = None, /) -> TokenRecord | None:
        """The token, its client, and its credential of that digest, of one moment."""
        found = self._realm(realm)
        token = found.tokens.get(token_id)
        if token is None:
            return None
        credential = None if digest is None else found.credentials.get(_name(token_id, digest))
        return TokenRecord.of(token, found.clients.get(token.client_id), credential)

    def tokens(self, realm: str, query: TokenQuery, /, *, after: str | None, limit: int) -> Page[Token]:
        """Tokens, newest first, ties by id."""
        wanted = [token for token in self._realm(realm).tokens.values() if _is_wanted(token, query)]
        wanted.sort(key=lambda token: (-token.created_at, token.id))
        return _page(wanted, lambda token: [-token.created_at, token.id], after, limit)

    def events(
        self, realm: str, /, *, user: str | None, token_id: str | None, after: str | None, limit: int
    ) -> Page[Event]:
        """Events, the latest append first."""
        wanted = [
            (place, event)
            for place, event in self._realm(realm).events.items()
            if (user is None or event.user == user) and (token_id is None or event.token_id == token_id)
        ]
        wanted.sort(key=lambda pair: -int(pair[0]))
        found = _page(wanted, lambda pair: [-int(pair[0]), ""], after, limit)
        return Page(tuple(event for _, event in found.items), found.after)

    def clients(self, realm: str, /, *, owner: str | None, after: str | None, limit: int) -> Page[Client]:
        """Clients by id."""
        every = self._realm(realm).clients.values()
        wanted = sorted(
            (client for client in every if owner is None or client.owner == owner),
            key=lambda client: client.id,
        )
        return _page(wanted, lambda client: [0, client.id], after, limit)

    def once(self, realm: str, key: str, /, *, now: float) -> OnceRow | None:
        """The row under a key, unless it has expired."""
        row = self._realm(realm).once.get(key)
        return None if row is None or now >= row.expires_at else row

    def commit(self, realm: str, changes: Sequence[Change], /) -> None:
        """Apply all changes, or none: the guard is judged and everything is written under one lock.

        What only touches is dropped where the file is out of reach: it never fails anybody.
        """
        if not changes:
            return
        try:
            self._commit(realm, changes)
        except StoreUnavailableError:
            if not all(isinstance(change, Touch) for change in changes):
                raise

    def _commit(self, realm: str, changes: Sequence[Change]) -> None:
        first, *followers = changes
        if not isinstance(first, LEADERS) or not all(isinstance(each, FOLLOWERS) for each in followers):
            raise TypeError("a commit has one change with a guard, the first, and then its followers")
        with self._locked() as document:
            kept = Realm(document.get(realm))
            if not kept.lead(first):
                raise ConflictError(
                    f"the guard of {type(first).__name__} is false: read again, then decide again"
                )
            for change in followers:
                kept.follow(change)
            document[realm] = kept.tables()
            self._write(document)

    def sweep(self, realm: str, cutoffs: Cutoffs, /, *, limit: int) -> int:
        """Free at most ``limit`` rows."""
        with self._locked() as document:
            kept = Realm(document.get(realm))
            freed = kept.sweep(cutoffs, limit)
            document[realm] = kept.tables()
            self._write(document)
        return freed


def _is_wanted(token: Token, query: TokenQuery) -> bool:
    pending = token.generation == 0
    return (
        query.user in {None, token.user}
        and query.client_id in {None, token.client_id}
        and query.pending in {None, pending}
        and not (pending and query.pending_after is not None and token.created_at <= query.pending_after)
    )


def _page(found: Sequence[Any], key: Callable[[Any], list[Any]], after: str | None, limit: int) -> Page[Any]:
    """The page behind a cursor, which is the key of the last item that was shown."""
    if after is not None:
        try:
            number, name = json.loads(after)
            start = [number + 0, name + ""]
        except (ValueError, TypeError):
            raise InvalidValueError(
                "after", "this is no cursor of this list: begin again without one"
            ) from None
        found = [item for item in found if key(item) > start]
    items = tuple(found[:limit])
    return Page(items, json.dumps(key(items[-1])) if items and len(found) > limit else None)
