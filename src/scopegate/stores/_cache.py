"""What a cache holds, and for how long it may be shown. Threads may share it."""

from collections.abc import Callable, Sequence
from itertools import islice
from threading import Lock
from typing import Final, TypeAlias

from attrs import define, evolve

from scopegate.core.changes import Change, Touch
from scopegate.core.records import TokenRecord
from scopegate.errors import ConfigurationError
from scopegate.protocols import Heard
from scopegate.stores._told import concerned

Key: TypeAlias = tuple[str, str, bytes]
"""Realm, token id, digest."""
Owner: TypeAlias = tuple[str, str]
"""Realm, and the id of a token or a client."""

_LOST: Final = float("-inf")


@define(eq=False)
class Ticket:
    """Of somebody who reads from the store just now; spoiled if a change is heard meanwhile."""

    key: Key
    spoiled: bool = False


class Cache:
    """Records by the credential they were asked with.

    Looking one up takes no lock: it is one look-up in a dictionary and one look at the time. A record is shown only
    until `good_until`, which every proof that the feed is alive moves on, and a lost feed ends at once.

    Args:
        size: how many records at least are kept; at most twice as many are.
        stale_for: seconds for which a proof of life lasts.
        clock: gives seconds; it must not go back.
    """

    def __init__(self, size: int, stale_for: float, clock: Callable[[], float]) -> None:
        self._size = size
        self._stale_for = stale_for
        self._clock = clock
        self._lock = Lock()
        self.records: dict[Key, TokenRecord] = {}
        self.good_until = _LOST
        self._tokens: dict[Owner, set[Key]] = {}
        self._clients: dict[Owner, set[Owner]] = {}
        self._tickets: dict[Owner, list[Ticket]] = {}

    def hear(self, item: Heard) -> None:
        """Take in what the feed told."""
        if item is None:
            if self.good_until == _LOST:
                # Listening has just begun: nobody knows what changed before.
                self.drop_all()
            self.good_until = self._clock() + self._stale_for
        elif item.token_id is not None:
            self.drop(item.realm, {item.token_id}, set())
        elif item.client_id is not None:
            self.drop(item.realm, set(), {item.client_id})
        else:
            self.drop_all()

    def lose(self) -> None:
        """The feed was lost: show nothing any more."""
        self.good_until = _LOST
        self.drop_all()

    def begin(self, realm: str, token_id: str, digest: bytes) -> Ticket | None:
        """Somebody reads from the store; None: what is read now cannot be kept."""
        if self._clock() >= self.good_until:
            return None
        ticket = Ticket((realm, token_id, digest))
        with self._lock:
            self._tickets.setdefault((realm, token_id), []).append(ticket)
        return ticket

    def end(self, ticket: Ticket, record: TokenRecord | None) -> None:
        """Keep what was read, unless something changed meanwhile, or there is no such credential."""
        realm, token_id, _ = ticket.key
        with self._lock:
            waiting = self._tickets[realm, token_id]
            waiting.remove(ticket)
            if not waiting:
                del self._tickets[realm, token_id]
            if not ticket.spoiled and record is not None and record.credential is not None:
                self._keep(ticket.key, record)

    def drop_changed(self, realm: str, changes: Sequence[Change]) -> None:
        """Forget what a commit of this process changed, or may have."""
        tokens, clients = concerned(changes)
        if tokens or clients:
            self.drop(realm, tokens, clients)

    def touch(self, realm: str, touches: Sequence[Touch]) -> None:
        """Show the times of use that this process noted, so that it does not note them again at once."""
        with self._lock:
            for touch in touches:
                for key in self._tokens.get((realm, touch.token_id), ()):
                    self.records[key] = _touched(self.records[key], touch)

    def drop(self, realm: str, tokens: set[str], clients: set[str]) -> None:
        """Forget tokens, and all tokens of clients; spoil what is being read of them."""
        with self._lock:
            owners = {(realm, token_id) for token_id in tokens}
            for client_id in clients:
                owners |= self._clients.get((realm, client_id), set())
            if clients:
                # Whose tokens are being read just now is not known yet.
                self._spoil(*self._tickets)
            for owner in owners:
                self._spoil(owner)
                for key in [*self._tokens.get(owner, ())]:
                    self._forget(key)

    def drop_all(self) -> None:
        """Forget everything."""
        with self._lock:
            self._spoil(*self._tickets)
            # Not another dictionary: somebody may be about to look something up in this one.
            self.records.clear()
            self._tokens.clear()
            self._clients.clear()

    def _spoil(self, *owners: Owner) -> None:
        for owner in owners:
            for ticket in self._tickets.get(owner, ()):
                ticket.spoiled = True

    def _keep(self, key: Key, record: TokenRecord) -> None:
        if len(self.records) >= 2 * self._size:
            for old in [*islice(self.records, self._size)]:
                self._forget(old)
        realm, token_id, _ = key
        self.records[key] = record
        self._tokens.setdefault((realm, token_id), set()).add(key)
        self._clients.setdefault((realm, record.token.client_id), set()).add((realm, token_id))

    def _forget(self, key: Key) -> None:
        realm, token_id, _ = key
        record = self.records.pop(key)
        keys = self._tokens[realm, token_id]
        keys.discard(key)
        if not keys:
            del self._tokens[realm, token_id]
            owners = self._clients.get((realm, record.token.client_id), set())
            owners.discard((realm, token_id))
            if not owners:
                self._clients.pop((realm, record.token.client_id), None)


def _touched(record: TokenRecord, touch: Touch) -> TokenRecord:
    token = record.token
    used = touch.at if token.last_used_at is None else max(token.last_used_at, touch.at)
    wrote = token.last_wrote_at
    if touch.wrote:
        wrote = touch.at if wrote is None else max(wrote, touch.at)
    return record._replace(token=evolve(token, last_used_at=used, last_wrote_at=wrote))


def pause(attempt: int) -> float:
    """Seconds to wait before listening anew."""
    return float(min(0.05 * 2 ** min(attempt, 10), 5.0))


def no_feed(store: object) -> ConfigurationError:
    """The error for a store that does not tell of its changes."""
    return ConfigurationError(
        f"{type(store).__name__} does not tell of its changes, so a cache over it could not know what was revoked: "
        f"take SQLAlchemyStore(..., notify=True) or RedisStore, or leave the cache out"
    )


def refuse_times(size: int, beat: float, stale_for: float) -> None:
    """See that the numbers make sense.

    Raises:
        ConfigurationError: they do not.
    """
    if size < 1 or beat <= 0 or stale_for <= beat:
        raise ConfigurationError(
            f"size={size!r}, beat={beat!r}, stale_for={stale_for!r}: keep at least one record, and let a proof of "
            f"life, which comes every beat, last longer than a beat"
        )
