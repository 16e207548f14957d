"""A commit on Redis as a plan: what is written before its script, the script, and what is written after it. Pure.

Before it come the lists that will name a new token or client, and a note that an event is under way; after it, what
only helps to find and to free. Whoever dies between the steps leaves a list that names what is not there, which readers
leave out, or an event that is still in its outbox, which the next reader of the history moves.
"""

from collections.abc import Sequence
from typing import Final, assert_never

from attrs import field, frozen

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
from scopegate.stores import _codec
from scopegate.stores._redis_rows import (
    Keys,
    Slot,
    Word,
    client_fields,
    credential_value,
    event_value,
    token_fields,
    written,
)
from scopegate.stores._told import tell

Leader = Guarded | DropCredential | Touch
Command = tuple[Word, ...]
_NO: Final = ("", "", "")


@frozen
class Call:
    """One call of the script of commits."""

    slot: Slot
    conditions: list[Command] = field(factory=list[Command])
    writes: list[Command] = field(factory=list[Command])

    def arguments(self, mark: str) -> tuple[Sequence[str], Sequence[Word]]:
        """Its keys and its words."""
        slot = self.slot
        keys = (slot.row, slot.credentials, slot.times, slot.outbox, slot.key(f"mark:{mark}"))
        words = [word for words in (*self.conditions, *self.writes) for word in (*words, *_NO)[:4]]
        return keys, (len(self.conditions), *words)

    def put(self, name: str, value: float | str | bytes | None) -> None:
        """Set a field, or unset it."""
        self.writes.append(("unset", name) if value is None else ("set", name, written(value)))


@frozen
class Plan:
    """A commit.

    Args:
        lead: the call that carries the guard.
        before: commands that come first.
        after: commands once it won.
        others: what follows at other tokens, once it won.
        parked: commands for a token whose credentials a sweep had put aside.
        note: what is kept among the outboxes until the events of the commit have been moved; None: it has none.
    """

    lead: Call
    before: list[Command]
    after: list[Command]
    others: list[Call]
    parked: list[Command]
    note: str | None


@frozen
class _Draft:
    """A plan in the making."""

    keys: Keys
    lead: Call
    mark: str
    before: list[Command] = field(factory=list[Command])
    after: list[Command] = field(factory=list[Command])
    others: dict[str, Call] = field(factory=dict[str, Call])

    def call(self, token_id: str) -> Call:
        """The call that writes at a token."""
        slot = self.keys.token(token_id)
        return self.lead if slot == self.lead.slot else self.others.setdefault(token_id, Call(slot))


def plan(
    keys: Keys, first: Leader, followers: Sequence[Follower], *, mark: str, before: str | None, channel: str
) -> Plan:
    """The plan of a commit.

    Args:
        keys: of the realm.
        first: the change that carries the guard.
        followers: what takes effect with it.
        mark: random; tells this commit from every other.
        before: the document that the first change replaces.
        channel: where to tell of it.
    """
    draft = _Draft(keys, Call(_slot(keys, first)), mark)
    _lead(draft, first, before)
    for number, change in enumerate(followers):
        _follow(draft, change, number)
    note = None
    if any(isinstance(change, AppendEvent) for change in followers):
        note = outbox_note(draft.lead.slot, mark)
        draft.before.append(("SADD", keys.shared("outboxes"), note))
    told = tell(keys.realm, (first, *followers))
    if told is not None:
        draft.lead.writes.append(("publish", channel, told))
    parked: list[Command] = []
    if isinstance(first, AdvanceToken):
        parked.append(("ZADD", keys.shared("kept"), "LT", 0, first.token_id))
    return Plan(draft.lead, draft.before, draft.after, list(draft.others.values()), parked, note)


def _slot(keys: Keys, first: Leader) -> Slot:
    match first:
        case CreateToken(token):
            return keys.token(token.id)
        case PutClient(client):
            return keys.client(client.id)
        case PutOnce() | TakeOnce():
            return keys.once(first.key)
        case _:
            return keys.token(first.token_id)


def _lead(draft: _Draft, change: Leader, before: str | None) -> None:
    match change:
        case CreateToken():
            _create(draft, change)
        case ReviseToken() | AdvanceToken() | RevokeToken() | DeleteToken():
            _change(draft, change, before)
        case PutClient():
            _put_client(draft, change, before)
        case PutOnce() | TakeOnce():
            _change_once(draft, change)
        case DropCredential():
            draft.lead.conditions.append(("credential", change.digest))
            draft.lead.writes.append(("drop", change.digest))
        case Touch():
            _touch(draft.lead, change)
        case _:
            assert_never(change)


def _change(
    draft: _Draft, change: ReviseToken | AdvanceToken | RevokeToken | DeleteToken, before: str | None
) -> None:
    lead = draft.lead
    match change:
        case ReviseToken():
            lead.conditions.append(("equal", "version", str(change.expected_version)))
            lead.put("settings", _codec.settings_document(change.settings, before))
            lead.writes.append(("more", "version"))
        case AdvanceToken():
            _advance(draft, change)
        case RevokeToken():
            lead.conditions.extend([("there",), ("unset", "revoked_at")])
            lead.put("revoked_at", change.at)
            lead.put("revoked_reason", change.reason)
        case DeleteToken():
            _delete(draft, change)
        case _:
            assert_never(change)


def _follow(draft: _Draft, change: Follower, number: int) -> None:
    match change:
        case AddCredential(credential):
            keep = "" if credential.keep_until is None else repr(credential.keep_until)
            value = credential_value(credential)
            draft.call(credential.token_id).writes.append(("add", credential.digest, value, keep))
            if keep:
                draft.after.append(("ZADD", draft.keys.shared("kept"), "LT", keep, credential.token_id))
        case DropCredential(token_id, digest):
            draft.call(token_id).writes.append(("drop", digest))
        case AppendEvent(event):
            draft.lead.writes.append(("event", event_value(event, f"{draft.mark}{number}")))
        case Touch():
            _touch(draft.call(change.token_id), change)
        case _:
            assert_never(change)


def _create(draft: _Draft, change: CreateToken) -> None:
    token, keys = change.token, draft.keys
    draft.lead.conditions.append(("absent",))
    fields = token_fields(token) | {"client_key": keys.client(token.client_id).row}
    draft.lead.writes.extend([("set", name, value) for name, value in fields.items()])
    indexes = _indexes(keys, token.user, token.client_id)
    place = repr(-token.created_at)
    draft.before.extend([("ZADD", index, "NX", place, token.id) for index in indexes])
    draft.after.extend([("ZADD", index, place, token.id) for index in indexes])
    if not token.generation:
        # The earliest time counts, for this may be refused; a sweep looks at the token's own.
        draft.before.append(("ZADD", keys.shared("pending"), "LT", repr(token.created_at), token.id))
    unnoticed, not_idle = _noticed_anew(keys, token.client_id)
    draft.before.append(unnoticed)
    draft.after.append(not_idle)


def _indexes(keys: Keys, user: str, client_id: str) -> Sequence[str]:
    """The lists that name a token."""
    return keys.shared("tokens"), keys.tokens_of("user", user), keys.tokens_of("client", client_id)


def _noticed_anew(keys: Keys, client_id: str) -> tuple[Command, Command]:
    """A client that is put or given a token is not idle; a sweep looks at it again."""
    return ("ZADD", keys.shared("unnoticed"), 0, client_id), ("ZREM", keys.shared("idle"), client_id)


def unlisted(keys: Keys, token_id: str, user: str, client_id: str) -> list[Command]:
    """Takes a token that is gone off all lists."""
    found: list[Command] = [("ZREM", index, token_id) for index in _indexes(keys, user, client_id)]
    return [*found, *(("ZREM", keys.shared(name), token_id) for name in ("pending", "kept"))]


def _advance(draft: _Draft, change: AdvanceToken) -> None:
    lead = draft.lead
    lead.conditions.extend(
        [
            ("equal", "generation", str(change.expected_generation)),
            ("unset", "revoked_at"),
        ]
    )
    lead.writes.append(("more", "generation"))
    lead.put("advanced_at", change.at)
    lead.put("reply", change.reply)
    lead.put("lapses_at", change.lapses_at)
    lead.writes.append(("unpark",))
    if not change.expected_generation:
        draft.after.append(("ZREM", draft.keys.shared("pending"), change.token_id))


def _delete(draft: _Draft, change: DeleteToken) -> None:
    lead = draft.lead
    lead.conditions.append(("there",))
    if change.expected_generation is not None:
        lead.conditions.append(("equal", "generation", str(change.expected_generation)))
    lead.writes.append(("delete",))


def _put_client(draft: _Draft, change: PutClient, before: str | None) -> None:
    client, keys, lead = change.client, draft.keys, draft.lead
    expected = change.expected_version
    lead.conditions.append(("equal", "version", str(expected)) if expected else ("absent",))
    lead.put("owner", None)
    lead.writes.extend(
        [("set", name, written(value)) for name, value in client_fields(client, before).items()]
    )
    draft.before.append(("ZADD", keys.shared("clients"), 0, client.id))
    if client.owner is not None:
        draft.before.append(("ZADD", keys.clients_of(client.owner), 0, client.id))
    draft.after.extend(_noticed_anew(keys, client.id))


def _change_once(draft: _Draft, change: PutOnce | TakeOnce) -> None:
    lead, index = draft.lead, draft.keys.shared("once")
    if isinstance(change, TakeOnce):
        lead.conditions.append(("kept", repr(change.now)))
        lead.writes.append(("delete",))
        draft.after.append(("ZREM", index, change.key))
        return
    ends = repr(change.expires_at)
    lead.conditions.append(("free", repr(change.now)))
    lead.put("value", change.value)
    lead.put("expires_at", change.expires_at)
    draft.before.append(("ZADD", index, "NX", ends, change.key))
    draft.after.append(("ZADD", index, ends, change.key))


def _touch(call: Call, change: Touch) -> None:
    call.writes.append(("later", "last_used_at", repr(change.at)))
    if change.wrote:
        call.writes.append(("later", "last_wrote_at", repr(change.at)))


# Events on their way


def outbox_note(slot: Slot, mark: str) -> str:
    """Says that there may be an event in an outbox."""
    return f"{slot.tag} {mark}"


def noted(prefix: str, note: bytes) -> Slot:
    """The slot that a note is about."""
    return Slot(prefix, note.decode().rpartition(" ")[0])
