"""What the store in memory keeps under one realm, and how a commit changes it."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar, assert_never, cast

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
from scopegate.core.clients import Client, Origin
from scopegate.core.credentials import Credential
from scopegate.core.events import Event
from scopegate.core.records import NEVER, Cutoffs, OnceRow, TokenQuery, TokenRecord
from scopegate.core.tokens import Token

_Value = TypeVar("_Value")


class Row:
    """A token and the digests of its credentials: those of its last generations, and the older ones."""

    __slots__ = ("older", "recent", "token")

    def __init__(self, token: Token) -> None:
        self.token = token
        self.recent: list[bytes] = []
        self.older: dict[bytes, None] = {}


class Room:
    """What is kept under one realm. Its methods run under the store's lock.

    Records of recent credentials are made when something is written, so that reading one is a look-up. Each
    holds a token, a client and a credential of one moment.
    """

    __slots__ = (
        "by_client",
        "by_token",
        "by_user",
        "clients",
        "events",
        "idle",
        "older",
        "once",
        "place",
        "records",
        "tokens",
        "users",
    )

    def __init__(self) -> None:
        self.tokens: dict[str, Row] = {}
        self.records: dict[bytes, TokenRecord] = {}
        self.older: dict[bytes, Credential] = {}
        self.users: dict[str, dict[str, None]] = {}
        self.by_client: dict[str, dict[str, None]] = {}
        self.clients: dict[str, Client] = {}
        self.idle: dict[str, float] = {}
        self.once: dict[str, OnceRow] = {}
        self.events: dict[int, Event] = {}
        self.place = 0
        self.by_user: dict[str, dict[int, None]] = {}
        self.by_token: dict[str, dict[int, None]] = {}

    def read(self, token_id: str, digest: bytes | None) -> TokenRecord | None:
        """The record of a token with its credential of this digest, recent or not."""
        row = self.tokens.get(token_id)
        if row is None:
            return None
        if digest is not None and digest in row.recent:
            return self.records[digest]
        credential = self.older[digest] if digest is not None and digest in row.older else None
        return TokenRecord.of(row.token, self.clients.get(row.token.client_id), credential)

    def candidates(self, query: TokenQuery) -> list[Token]:
        """Every token that a query may be about."""
        if query.user is None:
            return [row.token for row in self.tokens.values()]
        return [self.tokens[token_id].token for token_id in self.users.get(query.user, ())]

    def history(
        self, user: str | None, token_id: str | None, *, before: int | None, limit: int
    ) -> list[tuple[int, Event]]:
        """Events with their places, newest first."""
        places: Mapping[int, object] = self.events
        if token_id is not None:
            places = self.by_token.get(token_id, {})
        elif user is not None:
            places = self.by_user.get(user, {})
        found: list[tuple[int, Event]] = []
        for place in reversed([*places]):
            if len(found) == limit:
                break
            event = self.events[place]
            if (before is None or place < before) and (user is None or event.user == user):
                found.append((place, event))
        return found

    # Writing

    def lead(self, change: Guarded | DropCredential | Touch) -> bool:
        """Apply the first change, or say that its guard is false."""
        match change:
            case AdvanceToken() | ReviseToken() | RevokeToken():
                return self._change(change)
            case CreateToken():
                return self._create(change.token)
            case DeleteToken():
                return self._delete(change.token_id, change.expected_generation)
            case PutClient():
                return self._put_client(change)
            case PutOnce() | TakeOnce():
                return self._change_once(change)
            case DropCredential():
                return self._drop(change.token_id, change.digest)
            case Touch():
                self._touch(change)
                return True
        assert_never(change)

    def follow(self, change: Follower) -> None:
        """Apply a follower."""
        match change:
            case AddCredential():
                self._add(change.credential)
            case AppendEvent():
                self._append(change.event)
            case DropCredential():
                self._drop(change.token_id, change.digest)
            case Touch():
                self._touch(change)
            case _:
                assert_never(change)

    def _create(self, token: Token) -> bool:
        if token.id in self.tokens:
            return False
        # The caller may go on writing to its own mapping.
        self.tokens[token.id] = Row(evolve(token, unknown=dict(token.unknown)) if token.unknown else token)
        self.users.setdefault(token.user, {})[token.id] = None
        self.by_client.setdefault(token.client_id, {})[token.id] = None
        self.idle.pop(token.client_id, None)
        return True

    def _change(self, change: ReviseToken | AdvanceToken | RevokeToken) -> bool:
        row = self.tokens.get(change.token_id)
        if row is None:
            return False
        token = _changed(row.token, change)
        if token is None:
            return False
        self._replace(row, token)
        return True

    def _replace(self, row: Row, token: Token) -> None:
        """Show a new state of a token: in every record by one assignment each."""
        row.token = token
        client = self.clients.get(token.client_id)
        kept: list[bytes] = []
        for digest in row.recent:
            credential = cast("Credential", self.records[digest].credential)
            if credential.generation >= token.generation - 1:
                self.records[digest] = TokenRecord.of(token, client, credential)
                kept.append(digest)
            else:
                self.older[digest] = credential
                row.older[digest] = None
                del self.records[digest]
        row.recent = kept

    def _add(self, credential: Credential) -> None:
        digest, row = credential.digest, self.tokens.get(credential.token_id)
        if row is None or digest in self.records or digest in self.older:
            return
        token = row.token
        if credential.generation < token.generation - 1:
            row.older[digest] = None
            self.older[digest] = credential
            return
        row.recent.append(digest)
        client = self.clients.get(token.client_id)
        self.records[digest] = TokenRecord.of(token, client, credential)

    def _drop(self, token_id: str, digest: bytes) -> bool:
        row = self.tokens.get(token_id)
        if row is None:
            return False
        if digest in row.recent:
            row.recent.remove(digest)
            del self.records[digest]
            return True
        if digest in row.older:
            del row.older[digest]
            del self.older[digest]
            return True
        return False

    def _touch(self, change: Touch) -> None:
        row = self.tokens.get(change.token_id)
        if row is None:
            return
        token = row.token
        used = _later(token.last_used_at, change.at)
        wrote = _later(token.last_wrote_at, change.at) if change.wrote else token.last_wrote_at
        if (used, wrote) != (token.last_used_at, token.last_wrote_at):
            self._replace(row, evolve(token, last_used_at=used, last_wrote_at=wrote))

    def _delete(self, token_id: str, expected_generation: int | None = None) -> bool:
        row = self.tokens.get(token_id)
        if row is None or expected_generation not in {None, row.token.generation}:
            return False
        del self.tokens[token_id]
        for digest in row.recent:
            del self.records[digest]
        for digest in row.older:
            del self.older[digest]
        _leave(self.users, row.token.user, token_id)
        _leave(self.by_client, row.token.client_id, token_id)
        return True

    def _append(self, event: Event) -> None:
        place = self.place
        self.place += 1
        self.events[place] = evolve(event, detail=dict(event.detail))
        self.by_user.setdefault(event.user, {})[place] = None
        self.by_token.setdefault(event.token_id, {})[place] = None

    def _put_client(self, change: PutClient) -> bool:
        client = change.client
        current = self.clients.get(client.id)
        if (0 if current is None else current.version) != change.expected_version:
            return False
        self.clients[client.id] = client
        self.idle.pop(client.id, None)
        for token_id in self.by_client.get(client.id, ()):
            row = self.tokens[token_id]
            self._replace(row, row.token)
        return True

    def _change_once(self, change: PutOnce | TakeOnce) -> bool:
        row = self.once.get(change.key)
        there = row is not None and change.now < row.expires_at
        if isinstance(change, TakeOnce):
            if there:
                del self.once[change.key]
            return there
        if not there:
            self.once[change.key] = OnceRow(change.key, change.value, change.expires_at)
        return not there

    # Sweeping

    def sweep(self, cutoffs: Cutoffs, limit: int) -> int:
        """Free rows: of tokens never redeemed, the credentials first; what need not be remembered; idle clients."""
        kept_before = cutoffs.kept_before
        if kept_before > NEVER:
            self._notice(kept_before)
        pending = [
            token_id
            for token_id, row in self.tokens.items()
            if row.token.generation == 0 and row.token.created_at <= cutoffs.pending_before
        ]
        freed = self._forget(
            (
                (id_, digest)
                for id_ in pending
                for digest in (*self.tokens[id_].recent, *self.tokens[id_].older)
            ),
            limit,
        )
        bare = (id_ for id_ in pending if not self.tokens[id_].recent and not self.tokens[id_].older)
        freed += sum(self._delete(token_id) for token_id in _first(bare, limit - freed))
        freed += self._forget(self._forgettable(kept_before), limit - freed)
        dead = _first((key for key, row in self.once.items() if row.expires_at <= kept_before), limit - freed)
        for key in dead:
            del self.once[key]
        freed += len(dead)
        gone = _first(
            (id_ for id_, since in self.idle.items() if since <= cutoffs.idle_before), limit - freed
        )
        for client_id in gone:
            del self.clients[client_id], self.idle[client_id]
        freed += len(gone)
        old = _first(self._forgotten(cutoffs), limit - freed)
        for place in old:
            self._drop_event(place)
        return freed + len(old)

    def _notice(self, at: float) -> None:
        for client in self.clients.values():
            if client.origin is Origin.SELF_REGISTERED and client.id not in self.by_client:
                self.idle.setdefault(client.id, at)

    def _forgotten(self, cutoffs: Cutoffs) -> Iterator[int]:
        """The places of the events that may go. A user's are found by their index; old ones by looking at all."""
        if cutoffs.forgotten is not None:
            yield from self.by_user.get(cutoffs.forgotten, ())
        for place, event in self.events.items():
            if event.at <= cutoffs.events_before and event.user != cutoffs.forgotten:
                yield place

    def _drop_event(self, place: int) -> None:
        event = self.events.pop(place)
        _leave(self.by_user, event.user, place)
        _leave(self.by_token, event.token_id, place)

    def _forget(self, credentials: Iterable[tuple[str, bytes]], limit: int) -> int:
        return sum(self._drop(token_id, digest) for token_id, digest in _first(credentials, limit))

    def _forgettable(self, kept_before: float) -> Iterator[tuple[str, bytes]]:
        for token_id, row in self.tokens.items():
            for digest in (*row.recent, *row.older):
                credential = self.older.get(digest) or cast("Credential", self.records[digest].credential)
                consumed = credential.generation < row.token.generation
                if consumed and credential.keep_until is not None and credential.keep_until <= kept_before:
                    yield token_id, digest


def _leave(index: dict[str, dict[_Value, None]], key: str, member: _Value) -> None:
    del index[key][member]
    if not index[key]:
        del index[key]


def _later(known: float | None, at: float) -> float:
    return at if known is None else max(known, at)


def _changed(token: Token, change: ReviseToken | AdvanceToken | RevokeToken) -> Token | None:
    """The token after a change; None when the guard is false."""
    match change:
        case AdvanceToken():
            if token.revoked_at is not None or token.generation != change.expected_generation:
                return None
            return token.advanced(change.at, change.reply, change.lapses_at)
        case ReviseToken():
            if token.version != change.expected_version:
                return None
            return evolve(token, settings=change.settings, version=token.version + 1)
        case RevokeToken():
            if token.revoked_at is not None:
                return None
            return evolve(token, revoked_at=change.at, revoked_reason=change.reason)
    assert_never(change)


def _first(found: Iterable[_Value], limit: int) -> list[_Value]:
    """At most ``limit`` of them, taken before anything changes."""
    return [item for _, item in zip(range(max(limit, 0)), found, strict=False)]
