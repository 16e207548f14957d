"""What the store in memory keeps under one realm, and how a commit changes it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias, TypeVar, assert_never

from attrs import evolve

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
from scopegate.core.clients import Client
from scopegate.core.credentials import Credential
from scopegate.core.events import Event
from scopegate.core.records import OnceRow, TokenQuery
from scopegate.core.tokens import Token

Credentials: TypeAlias = dict[bytes, Credential]
Row: TypeAlias = tuple[Token, Credentials]
_Value = TypeVar("_Value")

_NO_CREDENTIALS: Final[Credentials] = {}
"""Shared by all tokens without credentials; no dictionary of credentials is changed once it can be read."""


class Room:
    """What is kept under one realm. Its methods run under the store's lock."""

    __slots__ = ("by_token", "by_user", "clients", "events", "once", "tokens", "users")

    def __init__(self) -> None:
        self.tokens: dict[str, Row] = {}
        self.users: dict[str, dict[str, None]] = {}
        self.clients: dict[str, Client] = {}
        self.once: dict[str, OnceRow] = {}
        self.events: list[Event] = []
        self.by_user: dict[str, list[int]] = {}
        self.by_token: dict[str, list[int]] = {}

    def candidates(self, query: TokenQuery) -> list[Token]:
        """Every token that a query may be about."""
        if query.user is None:
            return [token for token, _ in self.tokens.values()]
        return [self.tokens[token_id][0] for token_id in self.users.get(query.user, ())]

    def history(
        self, user: str | None, token_id: str | None, *, before: int | None, limit: int
    ) -> list[tuple[int, Event]]:
        """Events with their places, newest first."""
        places: Sequence[int] = range(len(self.events))
        if token_id is not None:
            places = self.by_token.get(token_id, [])
        elif user is not None:
            places = self.by_user.get(user, [])
        found: list[tuple[int, Event]] = []
        for place in reversed(places):
            if len(found) == limit:
                break
            event = self.events[place]
            if (before is None or place < before) and (user is None or event.user == user):
                found.append((place, event))
        return found

    def sweep(self, pending_before: float, kept_before: float, limit: int) -> int:
        """Free rows: of tokens never redeemed, the credentials first; then what need not be remembered."""
        writing = Writing(self)
        pending = {
            token_id: credentials
            for token_id, (token, credentials) in self.tokens.items()
            if token.generation == 0 and token.created_at <= pending_before
        }
        freed = writing.forget(((id_, digest) for id_ in pending for digest in pending[id_]), limit)
        bare = _first((token_id for token_id in pending if not writing.credentials(token_id)), limit - freed)
        freed += sum(writing.delete(token_id) for token_id in bare)
        freed += writing.forget(self._forgettable(kept_before, frozenset(pending)), limit - freed)
        writing.publish()
        dead = _first((key for key, row in self.once.items() if row.expires_at <= kept_before), limit - freed)
        for key in dead:
            del self.once[key]
        return freed + len(dead)

    def append(self, event: Event) -> None:
        """Add to the history."""
        place = len(self.events)
        self.events.append(event)
        self.by_user.setdefault(event.user, []).append(place)
        self.by_token.setdefault(event.token_id, []).append(place)

    def put_client(self, change: PutClient) -> bool:
        """Put a client, or say that the guard is false."""
        current = self.clients.get(change.client.id)
        if (0 if current is None else current.version) != change.expected_version:
            return False
        self.clients[change.client.id] = change.client
        return True

    def change_once(self, change: PutOnce | TakeOnce) -> bool:
        """Put or take a value, or say that the guard is false."""
        row = self.once.get(change.key)
        there = row is not None and change.now < row.expires_at
        if isinstance(change, TakeOnce):
            if there:
                del self.once[change.key]
            return there
        if not there:
            self.once[change.key] = OnceRow(change.key, change.value, change.expires_at)
        return not there

    def _forgettable(self, kept_before: float, but: frozenset[str]) -> Iterator[tuple[str, bytes]]:
        for token_id, (_, credentials) in self.tokens.items():
            if token_id not in but:
                for digest, credential in credentials.items():
                    if credential.keep_until is not None and credential.keep_until <= kept_before:
                        yield token_id, digest


class Writing:
    """One commit or sweep under way: its rows of tokens are shown to readers all at once, by `publish`."""

    __slots__ = ("_room", "_rows")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._rows: dict[str, Row | None] = {}

    def lead(self, change: Guarded | DropCredential | Touch) -> bool:
        """Apply the first change, or say that its guard is false."""
        match change:
            case CreateToken(token):
                return self._create(token)
            case DeleteToken(token_id):
                return self.delete(token_id)
            case PutClient():
                return self._room.put_client(change)
            case PutOnce() | TakeOnce():
                return self._room.change_once(change)
            case DropCredential() | Touch():
                return self.follow(change)
            case ReviseToken() | AdvanceToken() | RevokeToken():
                return self._change(change)
        assert_never(change)

    def follow(self, change: Follower) -> bool:
        """Apply a follower. False: there was no credential to drop."""
        match change:
            case AddCredential(credential):
                self._add(credential)
            case DropCredential(token_id, digest):
                return self._drop(token_id, digest)
            case AppendEvent(event):
                self._room.append(event)
            case Touch(token_id, at):
                self._touch(token_id, at)
            case _:
                assert_never(change)
        return True

    def publish(self) -> None:
        """Show the changed tokens, each by one assignment."""
        tokens, users = self._room.tokens, self._room.users
        for token_id, row in self._rows.items():
            if row is not None:
                users.setdefault(row[0].user, {})[token_id] = None
                tokens[token_id] = row
                continue
            user = tokens.pop(token_id)[0].user
            del users[user][token_id]
            if not users[user]:
                del users[user]

    def credentials(self, token_id: str) -> Credentials:
        """Those that a token has left."""
        row = self._row(token_id)
        return _NO_CREDENTIALS if row is None else row[1]

    def forget(self, credentials: Iterable[tuple[str, bytes]], limit: int) -> int:
        """Drop at most ``limit`` credentials and say how many."""
        return sum(self._drop(token_id, digest) for token_id, digest in _first(credentials, limit))

    def delete(self, token_id: str) -> bool:
        """Remove a token and its credentials, if it is there."""
        if self._row(token_id) is None:
            return False
        self._rows[token_id] = None
        return True

    def _row(self, token_id: str) -> Row | None:
        if token_id in self._rows:
            return self._rows[token_id]
        return self._room.tokens.get(token_id)

    def _create(self, token: Token) -> bool:
        if self._row(token.id) is not None:
            return False
        self._rows[token.id] = token, _NO_CREDENTIALS
        return True

    def _change(self, change: ReviseToken | AdvanceToken | RevokeToken) -> bool:
        row = self._row(change.token_id)
        changed = None if row is None else _changed(row[0], change)
        if row is None or changed is None:
            return False
        self._rows[change.token_id] = changed, row[1]
        return True

    def _add(self, credential: Credential) -> None:
        row = self._row(credential.token_id)
        if row is not None and credential.digest not in row[1]:
            self._rows[credential.token_id] = row[0], {**row[1], credential.digest: credential}

    def _drop(self, token_id: str, digest: bytes) -> bool:
        row = self._row(token_id)
        if row is None or digest not in row[1]:
            return False
        self._rows[token_id] = row[0], {key: value for key, value in row[1].items() if key != digest}
        return True

    def _touch(self, token_id: str, at: float) -> None:
        row = self._row(token_id)
        if row is not None and (row[0].last_used_at is None or row[0].last_used_at < at):
            self._rows[token_id] = evolve(row[0], last_used_at=at), row[1]


def _changed(token: Token, change: ReviseToken | AdvanceToken | RevokeToken) -> Token | None:
    """The token after a change; None when the guard is false."""
    match change:
        case ReviseToken(_, expected_version, settings):
            if token.version != expected_version:
                return None
            return evolve(token, settings=settings, version=token.version + 1)
        case AdvanceToken(_, expected_generation, at, reply):
            if token.revoked_at is not None or token.generation != expected_generation:
                return None
            return evolve(token, generation=token.generation + 1, advanced_at=at, reply=reply)
        case RevokeToken(_, at, reason):
            if token.revoked_at is not None:
                return None
            return evolve(token, revoked_at=at, revoked_reason=reason)
    assert_never(change)


def _first(found: Iterable[_Value], limit: int) -> list[_Value]:
    """At most ``limit`` of them, taken before anything changes."""
    return [item for _, item in zip(range(max(limit, 0)), found, strict=False)]
