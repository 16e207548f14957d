"""What the store in memory keeps under one realm, and how a commit changes it."""

from collections.abc import Iterable, Iterator, Sequence
from heapq import heapify, heappop
from itertools import islice
from typing import Final, TypeVar, assert_never, cast

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
from scopegate.stores._indexes import Index, enter, leave, members
from scopegate.stores._packing import (
    Row,
    packed,
    packed_credential,
    packed_event,
    unpacked,
    unpacked_credential,
    unpacked_event,
)

_Value = TypeVar("_Value")

LIVE: Final = 1024
"""How many tokens at least are kept ready to be read; at most twice as many are."""


class Room:
    """What is kept under one realm. Its methods run under the store's lock.

    Tokens and events lie there as bytes, which take little room and cost a garbage collector nothing. The tokens that
    were written, or taken out of their bytes, last are kept ready besides, with a record for each of their recent
    credentials; each record holds a token, a client and a credential of one moment. What a commit does to tokens that
    stay is shown when it is done, each record by one assignment; so one that breaks in the middle changes none of them.
    """

    __slots__ = (
        "by_client",
        "by_token",
        "by_user",
        "changed",
        "clients",
        "created",
        "events",
        "idle",
        "kept",
        "live",
        "once",
        "past",
        "pending",
        "place",
        "records",
        "tokens",
        "users",
    )

    def __init__(self) -> None:
        self.tokens: dict[str, bytes] = {}
        self.created: dict[str, float] = {}
        self.pending: dict[str, None] = {}
        self.kept: dict[str, float] = {}
        self.past: dict[str, dict[bytes, bytes]] = {}
        self.live: dict[str, Row] = {}
        self.records: dict[bytes, TokenRecord] = {}
        self.changed: dict[str, Row] = {}
        self.users: Index[str] = {}
        self.by_client: Index[str] = {}
        self.clients: dict[str, Client] = {}
        self.idle: dict[str, float] = {}
        self.once: dict[str, OnceRow] = {}
        self.events: dict[int, bytes] = {}
        self.place = 0
        self.by_user: Index[int] = {}
        self.by_token: Index[int] = {}

    def read(self, token_id: str, digest: bytes | None) -> TokenRecord | None:
        """The record of a token with its credential of this digest, recent or not."""
        row = self.row(token_id)
        if row is None:
            return None
        if digest is not None and digest in row.recent:
            return self.records[digest]
        older = None if digest is None else self.past.get(token_id, {}).get(digest)
        credential = None if older is None else unpacked_credential(token_id, older)
        return TokenRecord.of(row.token, self.clients.get(row.token.client_id), credential)

    def row(self, token_id: str) -> Row | None:
        """A token, made ready."""
        row = self.changed.get(token_id) or self.live.get(token_id)
        if row is not None:
            return row
        data = self.tokens.get(token_id)
        if data is None:
            return None
        row = unpacked(data)
        self._show(row)
        return row

    def found(self, query: TokenQuery, start: tuple[float, str] | None) -> Iterator[Token]:
        """The tokens that a query may be about, after a place, newest first."""
        ids: Iterable[str] = self.tokens
        if query.user is not None:
            ids = members(self.users, query.user)
        elif query.client_id is not None:
            ids = members(self.by_client, query.client_id)
        created = self.created
        places = [(-created[token_id], token_id) for token_id in ids]
        if start is not None:
            places = [place for place in places if place > start]
        heapify(places)
        while places:
            _, token_id = heappop(places)
            row = self.live.get(token_id) or unpacked(self.tokens[token_id])
            yield row.token

    def history(
        self, user: str | None, token_id: str | None, *, before: int | None, limit: int
    ) -> list[tuple[int, Event]]:
        """Events with their places, newest first."""
        places: Sequence[int]
        if token_id is not None:
            places = members(self.by_token, token_id)
        elif user is not None:
            places = members(self.by_user, user)
        else:
            places = [*self.events]
        found: list[tuple[int, Event]] = []
        for place in reversed(places):
            if len(found) == limit:
                break
            if before is None or place < before:
                event = unpacked_event(self.events[place])
                if user is None or event.user == user:
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

    def done(self) -> None:
        """Keep what a commit changed, and show it."""
        for token_id, row in self.changed.items():
            self._put_aside(row)
            data = packed(row)
            if token_id not in self.tokens:
                self._enter(row.token)
            self.tokens[token_id] = data
            if row.token.generation:
                self.pending.pop(token_id, None)
            else:
                self.pending[token_id] = None
            self._show(row)
        self.changed.clear()

    def _enter(self, token: Token) -> None:
        self.created[token.id] = token.created_at
        enter(self.users, token.user, token.id)
        enter(self.by_client, token.client_id, token.id)
        self.idle.pop(token.client_id, None)

    def _put_aside(self, row: Row) -> None:
        """Keep credentials that are two generations behind apart, as bytes of their own."""
        token = row.token
        behind = [each for each in row.recent.values() if each.generation < token.generation - 1]
        for credential in behind:
            del row.recent[credential.digest]
            self.past.setdefault(token.id, {})[credential.digest] = packed_credential(credential)

    def _show(self, row: Row) -> None:
        """Make a token ready to be read: each record by one assignment."""
        token = row.token
        if len(self.live) >= 2 * LIVE:
            self._retire()
        before = self.live.pop(token.id, row)
        for digest in before.recent.keys() - row.recent.keys():
            self.records.pop(digest, None)
        self.live[token.id] = row
        client = self.clients.get(token.client_id)
        for digest, credential in row.recent.items():
            self.records[digest] = TokenRecord.of(token, client, credential)

    def _retire(self) -> None:
        """Keep the older half of what is ready as bytes alone."""
        for token_id in [*islice(self.live, LIVE)]:
            for digest in self.live.pop(token_id).recent:
                self.records.pop(digest, None)

    def _create(self, token: Token) -> bool:
        if token.id in self.tokens:
            return False
        self._replace(Row(token), token)
        return True

    def _change(self, change: ReviseToken | AdvanceToken | RevokeToken) -> bool:
        row = self.row(change.token_id)
        if row is None:
            return False
        token = _changed(row.token, change)
        if token is None:
            return False
        self._replace(row, token)
        return True

    def _replace(self, row: Row, token: Token) -> None:
        """Put a new state of a token, as another row: what is shown stays as it is until the commit is done."""
        new = self.changed[token.id] = Row(token)
        new.recent.update(row.recent)

    def _add(self, credential: Credential) -> None:
        token_id, digest = credential.token_id, credential.digest
        row = self.row(token_id)
        if row is None or digest in row.recent or digest in self.past.get(token_id, ()):
            return
        if credential.keep_until is not None:
            known = self.kept.get(token_id)
            self.kept[token_id] = (
                credential.keep_until if known is None else min(known, credential.keep_until)
            )
        self._replace(row, row.token)
        self.changed[token_id].recent[digest] = credential

    def _drop(self, token_id: str, digest: bytes) -> bool:
        row = self.row(token_id)
        if row is None:
            return False
        if digest in row.recent:
            self._replace(row, row.token)
            del self.changed[token_id].recent[digest]
            return True
        past = self.past.get(token_id, {})
        if past.pop(digest, None) is None:
            return False
        if not past:
            del self.past[token_id]
        return True

    def _touch(self, change: Touch) -> None:
        row = self.row(change.token_id)
        if row is None:
            return
        token = row.token
        used = _later(token.last_used_at, change.at)
        wrote = _later(token.last_wrote_at, change.at) if change.wrote else token.last_wrote_at
        if (used, wrote) != (token.last_used_at, token.last_wrote_at):
            self._replace(row, evolve(token, last_used_at=used, last_wrote_at=wrote))

    def _delete(self, token_id: str, expected_generation: int | None = None) -> bool:
        row = self.row(token_id)
        if row is None or expected_generation not in {None, row.token.generation}:
            return False
        for digest in self.live.pop(token_id, row).recent:
            self.records.pop(digest, None)
        self.changed.pop(token_id, None)
        del self.tokens[token_id], self.created[token_id]
        self.pending.pop(token_id, None)
        self.kept.pop(token_id, None)
        self.past.pop(token_id, None)
        leave(self.users, row.token.user, token_id)
        leave(self.by_client, row.token.client_id, token_id)
        return True

    def _append(self, event: Event) -> None:
        place = self.place
        self.place += 1
        self.events[place] = packed_event(event)
        enter(self.by_user, event.user, place)
        enter(self.by_token, event.token_id, place)

    def _put_client(self, change: PutClient) -> bool:
        client = change.client
        current = self.clients.get(client.id)
        if (0 if current is None else current.version) != change.expected_version:
            return False
        self.clients[client.id] = client
        self.idle.pop(client.id, None)
        for token_id in members(self.by_client, client.id):
            row = self.live.get(token_id)
            if row is not None:
                self.changed.setdefault(token_id, row)
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
        pending = [id_ for id_ in self.pending if self.created[id_] <= cutoffs.pending_before]
        freed = self._forget(((id_, digest) for id_ in pending for digest in self._digests(id_)), limit)
        bare = (id_ for id_ in pending if not any(self._digests(id_)))
        freed += sum(self._delete(token_id) for token_id in _first(bare, limit - freed))
        freed += self._forget_consumed(kept_before, limit - freed)
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
        self.done()
        return freed + len(old)

    def _notice(self, at: float) -> None:
        for client in self.clients.values():
            if client.origin is Origin.SELF_REGISTERED and client.id not in self.by_client:
                self.idle.setdefault(client.id, at)

    def _forgotten(self, cutoffs: Cutoffs) -> Iterator[int]:
        """The places of the events that may go. A user's are found by their index; old ones by looking at all."""
        if cutoffs.forgotten is not None:
            yield from members(self.by_user, cutoffs.forgotten)
        if cutoffs.events_before > NEVER:
            for place, data in self.events.items():
                event = unpacked_event(data)
                if event.at <= cutoffs.events_before and event.user != cutoffs.forgotten:
                    yield place

    def _drop_event(self, place: int) -> None:
        event = unpacked_event(self.events.pop(place))
        leave(self.by_user, event.user, place)
        leave(self.by_token, event.token_id, place)

    def _digests(self, token_id: str) -> Iterator[bytes]:
        row = self.row(token_id)
        if row is not None:
            yield from row.recent
            yield from self.past.get(token_id, ())

    def _forget(self, credentials: Iterable[tuple[str, bytes]], limit: int) -> int:
        return sum(self._drop(token_id, digest) for token_id, digest in _first(credentials, limit))

    def _forget_consumed(self, kept_before: float, limit: int) -> int:
        """Free consumed credentials that need not be kept, and note when each token comes next."""
        freed = 0
        for token_id in [id_ for id_, until in self.kept.items() if until <= kept_before]:
            if freed >= limit:
                break
            row, later = self.row(token_id), list[float]()
            for credential in [] if row is None else self._credentials(row):
                consumed = credential.generation < cast("Row", row).token.generation
                until = credential.keep_until
                if until is None:
                    continue
                if consumed and until <= kept_before and freed < limit:
                    freed += self._drop(token_id, credential.digest)
                else:
                    later.append(until)
            if later:
                self.kept[token_id] = min(later)
            else:
                del self.kept[token_id]
        return freed

    def _credentials(self, row: Row) -> list[Credential]:
        """All credentials of a token."""
        token_id = row.token.id
        past = (unpacked_credential(token_id, data) for data in self.past.get(token_id, {}).values())
        return [*row.recent.values(), *past]


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
