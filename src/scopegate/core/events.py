"""What happened: append-only values without secrets, written in the commit of the change they tell of."""

from collections.abc import Mapping
from enum import StrEnum

from attrs import field, frozen


class EventKind(StrEnum):
    """The kinds of event."""

    AUTHORIZED = "token.authorized"
    ACTIVATED = "token.activated"
    REFRESHED = "token.refreshed"
    REUSE_DETECTED = "token.reuse_detected"
    CHANGED = "token.changed"
    RECAPPED = "token.recapped"
    CUT = "token.cut"
    ADMITTED = "token.admitted"
    PAUSED = "token.paused"
    RESUMED = "token.resumed"
    REVOKED = "token.revoked"
    DELETED = "token.deleted"
    CLIENT_REGISTERED = "client.registered"
    CLIENT_SECRET_ROTATED = "client.secret_rotated"
    CLIENT_DISABLED = "client.disabled"
    CLIENT_ENABLED = "client.enabled"


@frozen
class Event:
    """One event.

    Args:
        kind: what happened.
        at: POSIX seconds.
        user: whose history it belongs to; empty for events of clients.
        token_id: the token; it may be deleted since.
        client_id: the client.
        detail: more, in words and names; never a secret.
    """

    kind: EventKind
    at: float
    user: str = ""
    token_id: str = ""
    client_id: str = ""
    detail: Mapping[str, str] = field(factory=dict[str, str])
