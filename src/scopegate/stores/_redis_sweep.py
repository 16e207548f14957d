"""How a Redis store frees space, as talks: list by list, in the order of their times, a bounded number at once."""

from collections.abc import Sequence
from typing import Final

from scopegate.core.records import NEVER, Cutoffs
from scopegate.stores import _redis_commit, _redis_rows
from scopegate.stores._redis_rows import Keys
from scopegate.stores._redis_scripts import FORGET, SWEEP_ROW, SWEEP_TOKEN, TELL
from scopegate.stores._redis_talks import Place, Run, Talk, Together, deliver, history_keys, say
from scopegate.stores._told import tell_all

WINDOW: Final = 1000
"""How many entries of a list a sweep looks at."""


def sweep(place: Place, cutoffs: Cutoffs, limit: int) -> Talk[int]:
    """See `Store.sweep`. Some rows may be freed when it fails."""
    keys, freed = place.keys, 0
    if cutoffs.kept_before > NEVER:
        yield from _notice(keys, cutoffs.kept_before)
    if cutoffs.pending_before > NEVER:
        freed += yield from _pending(keys, cutoffs.pending_before, limit)
        freed += yield from _bare(keys, cutoffs.pending_before, limit - freed)
    if cutoffs.kept_before > NEVER:
        freed += yield from _consumed(keys, cutoffs.kept_before, limit - freed)
        freed += yield from _expired(keys, cutoffs.kept_before, limit - freed)
    if cutoffs.idle_before > NEVER:
        freed += yield from _idle(keys, cutoffs.idle_before, limit - freed)
    freed += yield from _history(place, cutoffs, limit - freed)
    if freed:
        yield Run(TELL, (keys.shared("events"),), (place.channel, tell_all(keys.realm)))
    return freed


def _until(keys: Keys, index: str, time: float) -> Talk[Sequence[bytes]]:
    """What a list names up to a time, the oldest first."""
    found: Sequence[bytes] = yield (
        *("ZRANGEBYSCORE", keys.shared(index), "-inf", repr(time), "LIMIT", 0, WINDOW),
    )
    return found


def _pending(keys: Keys, time: float, limit: int) -> Talk[int]:
    """The credentials of tokens that were never redeemed; what was, leaves the list, and what is early is put right."""
    freed = 0
    for name in (yield from _until(keys, "pending", time)):
        if freed >= limit:
            break
        slot = keys.token(name.decode())
        row = (slot.row, slot.credentials, slot.times)
        went, created = yield Run(SWEEP_TOKEN, row, ("pending", repr(time), limit - freed))
        if went < 0:
            pending = keys.shared("pending")
            yield ("ZADD", pending, created, name) if created else ("ZREM", pending, name)
        freed += max(went, 0)
    return freed


def _bare(keys: Keys, time: float, limit: int) -> Talk[int]:
    """Tokens that were never redeemed and have no credential left."""
    freed = 0
    for name in (yield from _until(keys, "pending", time)):
        if freed >= limit:
            break
        slot = keys.token(name.decode())
        user, client_id = yield ("HMGET", slot.row, "user", "client_id")
        row = (slot.row, slot.credentials, slot.times)
        went, _ = yield Run(SWEEP_TOKEN, row, ("bare", repr(time), 1))
        if went:
            freed += 1
            lists = _redis_commit.unlisted(keys, name.decode(), user.decode(), client_id.decode())
            yield from say(lists)
    return freed


def _consumed(keys: Keys, time: float, limit: int) -> Talk[int]:
    """Consumed credentials; a token comes again when the next of its credentials may go."""
    freed = 0
    for name in (yield from _until(keys, "kept", time)):
        if freed >= limit:
            break
        slot = keys.token(name.decode())
        row = (slot.row, slot.credentials, slot.times)
        went, following = yield Run(SWEEP_TOKEN, row, ("consumed", repr(time), limit - freed))
        freed += went
        if following:
            yield ("ZADD", keys.shared("kept"), following, name)
        else:
            yield ("ZREM", keys.shared("kept"), name)
    return freed


def _expired(keys: Keys, time: float, limit: int) -> Talk[int]:
    """Once rows."""
    freed = 0
    for name in (yield from _until(keys, "once", time)):
        if freed >= limit:
            break
        went, ends = yield Run(SWEEP_ROW, (keys.once(name.decode()).row,), (repr(time),))
        freed += went
        if ends:
            yield ("ZADD", keys.shared("once"), ends, name)
        else:
            yield ("ZREM", keys.shared("once"), name)
    return freed


def _notice(keys: Keys, time: float) -> Talk[None]:
    """Mark the clients that registered themselves and that no token refers to."""
    start: bytes = b"-"
    while True:
        names = yield ("ZRANGEBYLEX", keys.shared("unnoticed"), start, "+", "LIMIT", 0, WINDOW)
        if not names:
            return
        counts = yield Together([("ZCARD", keys.tokens_of("client", name.decode())) for name in names])
        origins = yield Together(
            [("HGET", keys.client(name.decode()).row, "self_registered") for name in names]
        )
        for name, count, origin in zip(names, counts, origins, strict=True):
            if origin == b"1" and not count:
                yield ("ZADD", keys.shared("idle"), "NX", repr(time), name)
            if origin != b"1" or not count:
                yield ("ZREM", keys.shared("unnoticed"), name)
        start = b"(" + names[-1]


def _idle(keys: Keys, time: float, limit: int) -> Talk[int]:
    """Clients that were noticed to be idle long enough ago, and still are."""
    freed = 0
    for name in (yield from _until(keys, "idle", time)):
        if freed >= limit:
            break
        client_id = name.decode()
        row = keys.client(client_id).row
        count = yield ("ZCARD", keys.tokens_of("client", client_id))
        owner, origin = yield ("HMGET", row, "owner", "self_registered")
        yield ("ZREM", keys.shared("idle"), name)
        if count or origin != b"1":
            continue
        freed += yield ("DEL", row)
        yield ("ZREM", keys.shared("clients"), name)
        if owner is not None:
            yield ("ZREM", keys.clients_of(owner.decode()), name)
    return freed


def _history(place: Place, cutoffs: Cutoffs, limit: int) -> Talk[int]:
    """The events of a user, and old ones."""
    keys, freed = place.keys, 0
    if cutoffs.forgotten is not None or cutoffs.events_before > NEVER:
        yield from deliver(place)
    if cutoffs.forgotten is not None:
        names = yield ("ZRANGE", keys.shared("of-user", of=cutoffs.forgotten), 0, max(limit, 1) - 1)
        freed += yield from _forget(keys, names, limit)
    if cutoffs.events_before > NEVER:
        names = yield from _until(keys, "by-time", cutoffs.events_before)
        freed += yield from _forget(keys, names, limit - freed)
    return freed


def _forget(keys: Keys, names: Sequence[bytes], limit: int) -> Talk[int]:
    """Events."""
    freed = 0
    for name in names[: max(limit, 0)]:
        value = yield ("HGET", keys.shared("events"), name)
        if value is not None:
            freed += yield Run(FORGET, history_keys(keys, _redis_rows.told(value)), (name,))
    return freed
