"""What a Redis store says to the server, and what it makes of the answers: one generator for each call of a store.

A talk yields what it asks and is sent the answer, so both colours of the store hold the same talks, each in its way.
"""

from collections.abc import Generator, Sequence
from typing import Any, Final, NamedTuple, TypeVar, cast

from attrs import frozen

from scopegate.core.changes import Change, CreateToken, DeleteToken, PutClient, ReviseToken
from scopegate.core.clients import Client
from scopegate.core.events import Event
from scopegate.core.records import OnceRow, Page, TokenQuery, TokenRecord
from scopegate.core.tokens import Token
from scopegate.stores import _redis_commit, _redis_rows
from scopegate.stores._batch import conflict, parts
from scopegate.stores._cursors import of_token, page, sequence_position, token_position
from scopegate.stores._redis_commit import Call, Command, Leader
from scopegate.stores._redis_rows import Keys, Told, Word
from scopegate.stores._redis_scripts import APPEND, COMMIT, HISTORY, READ, Script

T = TypeVar("T")

BATCH: Final = 64
"""How many rows of a list are asked for at once."""


class Run(NamedTuple):
    """Asks for a script."""

    script: Script
    keys: Sequence[str]
    words: Sequence[Word]


class Together(NamedTuple):
    """Asks for many things of one kind in one go; the answer is a list."""

    commands: Sequence[Command]


Ask = Command | Run | Together
Talk = Generator[Ask, Any, T]


@frozen
class Place:
    """Where a store talks.

    Args:
        prefix: of keys.
        realm: where.
        joined: whether a script may read a client beside its token, which are in two slots.
    """

    prefix: str
    realm: str
    joined: bool

    @property
    def keys(self) -> Keys:
        """The keys of the realm."""
        return Keys(self.prefix, self.realm)

    @property
    def channel(self) -> str:
        """Where changes are told."""
        return f"{self.prefix}:changes"


# Reading


def client(place: Place, client_id: str) -> Talk[Client | None]:
    """See `Store.client`."""
    fields = yield from _fields(place.keys.client(client_id).row)
    return _redis_rows.client(fields) if fields else None


def token(place: Place, token_id: str, digest: bytes | None) -> Talk[TokenRecord | None]:
    """See `Store.token`."""
    slot = place.keys.token(token_id)
    found = yield Run(READ, (slot.row, slot.credentials), (digest or b"", int(place.joined)))
    if not found:
        return None
    fields, kept, client_fields = found
    read = _redis_rows.token(_redis_rows.mapping(fields))
    if place.joined:
        known = _redis_rows.client(_redis_rows.mapping(client_fields)) if client_fields else None
    else:
        known = yield from client(place, read.client_id)
    return _redis_rows.record(read, known, digest, kept)


def tokens(place: Place, query: TokenQuery, after: str | None, limit: int) -> Talk[Page[Token]]:
    """See `Store.tokens`. What a list names and is not there is left out."""
    start = None if after is None else token_position(after)
    index, found, offset = _index(place.keys, query), list[Token](), 0
    least = "-inf" if start is None else repr(-start[0])
    while len(found) <= limit:
        ids = yield ("ZRANGEBYSCORE", index, least, "+inf", "LIMIT", offset, BATCH)
        rows = yield Together([("HGETALL", place.keys.token(each.decode()).row) for each in ids])
        read = [_redis_rows.token(fields) for fields in map(_named, rows) if fields]
        found += [each for each in read if _wanted(each, query, start)]
        offset += BATCH
        if len(ids) < BATCH:
            break
    return page(found[: limit + 1], limit, of_token)


def _index(keys: Keys, query: TokenQuery) -> str:
    if query.user is not None:
        return keys.tokens_of("user", query.user)
    return keys.shared("tokens") if query.client_id is None else keys.tokens_of("client", query.client_id)


def _wanted(token: Token, query: TokenQuery, start: tuple[float, str] | None) -> bool:
    pending = token.generation == 0
    return (
        query.user in {None, token.user}
        and query.client_id in {None, token.client_id}
        and query.pending in {None, pending}
        and not (pending and query.pending_after is not None and token.created_at <= query.pending_after)
        and (start is None or (-token.created_at, token.id) > (-start[0], start[1]))
    )


def clients(place: Place, owner: str | None, after: str | None, limit: int) -> Talk[Page[Client]]:
    """See `Store.clients`."""
    keys, found = place.keys, list[Client]()
    index = keys.shared("clients") if owner is None else keys.clients_of(owner)
    start = b"-" if after is None else b"(" + after.encode()
    while len(found) <= limit:
        ids = yield ("ZRANGEBYLEX", index, start, "+", "LIMIT", 0, BATCH)
        rows = yield Together([("HGETALL", keys.client(each.decode()).row) for each in ids])
        read = [_redis_rows.client(fields) for fields in map(_named, rows) if fields]
        found += [each for each in read if owner in {None, each.owner}]
        if len(ids) < BATCH:
            break
        start = b"(" + ids[-1]
    return page(found[: limit + 1], limit, lambda each: each.id)


def once(place: Place, key: str, now: float) -> Talk[OnceRow | None]:
    """See `Store.once`."""
    fields = yield from _fields(place.keys.once(key).row)
    return _redis_rows.once_row(key, fields, now)


def _fields(row: str) -> Talk[dict[str, bytes]]:
    """A row in one piece."""
    return _named((yield ("HGETALL", row)))


def _named(answer: Any) -> dict[str, bytes]:  # noqa: ANN401 - a client may have made a dictionary of it, or not
    if isinstance(answer, dict):
        return {name.decode(): value for name, value in cast("dict[bytes, bytes]", answer).items()}
    return _redis_rows.mapping(answer)


# Committing


def commit(place: Place, changes: Sequence[Change], mark: str) -> Talk[None]:
    """See `Store.commit`.

    Args:
        place: where.
        changes: what.
        mark: random; tells this commit from every other.
    """
    first, followers = parts(changes)
    keys = place.keys
    before = yield from _before(keys, first)
    gone: Sequence[Command] = ()
    if isinstance(first, DeleteToken):
        gone = yield from _lists_of(keys, first)
    plan = _redis_commit.plan(keys, first, followers, mark=mark, before=before, channel=place.channel)
    yield from say(plan.before)
    result = yield from _call(plan.lead, mark)
    if not result:
        if plan.note is not None:
            yield ("SREM", keys.shared("outboxes"), plan.note)
        if isinstance(first, CreateToken):
            yield from _correct_lists(keys, first.token)
        raise conflict(first)
    for call in plan.others:
        yield from _call(call, mark)
    yield from say((*plan.after, *gone, *(plan.parked if result > 1 else ())))
    if plan.note is not None:
        yield from _move(place, plan.note.encode())


def say(commands: Sequence[Command]) -> Talk[None]:
    """Ask for one thing after the other, whatever the answers."""
    for command in commands:  # noqa: UP028 - a list cannot be sent answers
        yield command


def _before(keys: Keys, first: Leader) -> Talk[str | None]:
    """The document that a change replaces; its guard is the version that was read with it."""
    match first:
        case ReviseToken(token_id, expected, _):
            slot, name = keys.token(token_id), "settings"
        case PutClient(client, expected) if expected:
            slot, name = keys.client(client.id), "document"
        case _:
            return None
    version, document = yield ("HMGET", slot.row, "version", name)
    if version is None or int(version) != expected:
        raise conflict(first)
    return str(document.decode())


def _lists_of(keys: Keys, first: DeleteToken) -> Talk[Sequence[Command]]:
    """Takes a token off the lists that name it."""
    user, client_id = yield ("HMGET", keys.token(first.token_id).row, "user", "client_id")
    if user is None:
        raise conflict(first)
    return _redis_commit.unlisted(keys, first.token_id, user.decode(), client_id.decode())


def _correct_lists(keys: Keys, refused: Token) -> Talk[None]:
    """Take the token of an id off the lists where another one of that id was put before it was refused."""
    found = yield ("HMGET", keys.token(refused.id).row, "user", "client_id")
    for kind, name, own in zip(("user", "client"), (refused.user, refused.client_id), found, strict=True):
        if own != name.encode():
            yield ("ZREM", keys.tokens_of(kind, name), refused.id)


def _call(call: Call, mark: str) -> Talk[int]:
    names, words = call.arguments(mark)
    return int((yield Run(COMMIT, names, words)))


# The history


def events(
    place: Place, whose: tuple[str | None, str | None], after: str | None, limit: int
) -> Talk[Page[Event]]:
    """See `Store.events`. Events that are still on their way are moved to the history first.

    Args:
        place: where.
        whose: of a user, and of a token, or of all.
        after: a cursor.
        limit: how many.
    """
    user, token_id = whose
    below = "+inf" if after is None else f"({sequence_position(after)}"
    keys, found = place.keys, list[tuple[str, Told]]()
    index = _history(keys, user, token_id)
    yield from deliver(place)
    while len(found) <= limit:
        some = yield Run(HISTORY, (keys.shared("events"), index), (below, BATCH))
        read = [(number.decode(), _redis_rows.told(value)) for number, value in some if value]
        found += [each for each in read if user is None or each[1].user == user]
        if len(some) < BATCH:
            break
        below = f"({some[-1][0].decode()}"
    numbered = page(found[: limit + 1], limit, lambda pair: str(int(float(pair[0]))))
    told = (each.event for _, each in numbered.items)
    return Page(tuple(event for event in told if event is not None), numbered.after)


def _history(keys: Keys, user: str | None, token_id: str | None) -> str:
    if token_id is not None:
        return keys.shared("of-token", of=token_id)
    return keys.shared("history") if user is None else keys.shared("of-user", of=user)


def history_keys(keys: Keys, told: Told) -> Sequence[str]:
    """The keys of an event, in the order of the scripts that append and forget it, but for the number."""
    return (
        keys.shared("events"),
        keys.shared("history"),
        keys.shared("by-time"),
        keys.shared("of-user", of=told.user),
        keys.shared("of-token", of=told.token_id),
    )


def deliver(place: Place) -> Talk[None]:
    """Move what is on its way, for whoever wrote it may have died."""
    for note in (yield ("SMEMBERS", place.keys.shared("outboxes"))):
        yield from _move(place, note)


def _move(place: Place, note: bytes) -> Talk[None]:
    """Move the events of one outbox to the history; whoever does it again does nothing.

    The note stays until an event of its commit was seen, for the commit may still be under way.
    """
    keys, seen = place.keys, False
    mark = note.decode().rpartition(" ")[2]
    outbox = _redis_commit.noted(place.prefix, note).outbox
    for value in (yield ("LRANGE", outbox, 0, -1)):
        told = _redis_rows.told(value)
        events, *others = history_keys(keys, told)
        yield Run(APPEND, (events, keys.shared("number"), *others), (told.name, value, repr(told.at)))
        yield ("LREM", outbox, 1, value)
        seen = seen or told.name.startswith(mark)
    if seen:
        yield ("SREM", keys.shared("outboxes"), note)
