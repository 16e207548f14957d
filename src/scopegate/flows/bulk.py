"""What a host or a user does to many tokens, one small commit for each, and what an organization does to one.

Every deed may be done again: what is done already is not written twice, so a loop that was interrupted is simply
started again.
"""

from typing import Final, TypeAlias, assert_never

from attrs import evolve, frozen

from scopegate.core.changes import AppendEvent, Change, PutClient, RevokeToken
from scopegate.core.clients import Client
from scopegate.core.events import Event, EventKind
from scopegate.core.lifecycle import Cause, permits
from scopegate.core.records import TokenQuery, TokenRecord
from scopegate.core.tokens import RevocationReason, Status
from scopegate.errors import InvalidValueError
from scopegate.flows.configuration import Configuration
from scopegate.flows.decision import Decision
from scopegate.flows.manage import TokenView, deleted, event_of, found, require, revised, switched, view

MAXIMUM_REASON: Final = 255


@frozen
class Revoke:
    """Disconnect, for good; the user sees the reason."""

    reason: str = RevocationReason.HOST.value


@frozen
class Switch:
    """Pause, or resume."""

    active: bool
    reason: str = ""


@frozen
class Delete:
    """Delete, as the user could."""


@frozen
class Cut:
    """Take an organization out of the reach of a token, or let the token in again."""

    organization: str
    out: bool = True


Deed: TypeAlias = Revoke | Switch | Delete | Cut


@frozen(kw_only=True)
class Selection:
    """Which tokens: those of a user, of a client, that reach an organization, or all of these together.

    Raises:
        InvalidValueError: it names none of them.
    """

    user: str | None = None
    client_id: str | None = None
    organization: str | None = None

    def __attrs_post_init__(self) -> None:
        if self.user is None and self.client_id is None and self.organization is None:
            raise InvalidValueError(
                "user", "name a user, a client or an organization: nothing means everything"
            )

    @property
    def query(self) -> TokenQuery:
        """The tokens of the user and the client."""
        return TokenQuery(user=self.user, client_id=self.client_id)

    def includes(self, seen: TokenView) -> bool:
        """Whether a token that reaches the organization is meant."""
        return self.user in {None, seen.user} and self.client_id in {None, seen.token.client_id}


@frozen
class Batch:
    """What a loop did.

    Args:
        changed: how many tokens it changed.
        finished: False: there may be more; call again.
    """

    changed: int
    finished: bool


def is_full(changed: int, limit: int | None) -> bool:
    """Whether a loop has changed as many tokens as it may."""
    return limit is not None and changed >= limit


def act(config: Configuration, record: TokenRecord | None, deed: Deed, *, now: float) -> Decision[None]:
    """Do a deed to one token of many. Where the status does not allow it, or it is so already, nothing is written."""
    if record is None:
        return Decision(None)
    seen = view(config, record.token, None, now=now)  # of many, nobody looks at what came of one
    if seen.status is Status.GONE or not permits(seen.status, _cause(deed)):
        return Decision(None)
    return Decision(None, _done(config, seen, deed, now=now).changes)


def cut(config: Configuration, record: TokenRecord | None, deed: Cut, *, now: float) -> Decision[TokenView]:
    """Take an organization out of the reach of one token, or let it in again. The token's user cannot undo it.

    Raises:
        NotFoundError: there is no such token.
        ReadOnlyError: the token has ended.
    """
    seen = found(config, record, now=now)
    require(seen, Cause.CUT)
    return _done(config, seen, deed, now=now)


def revoke(
    config: Configuration, record: TokenRecord | None, deed: Revoke, *, now: float
) -> Decision[TokenView]:
    """Disconnect one token, for the host. One that is disconnected already stays as it is.

    Raises:
        NotFoundError: there is no such token.
    """
    seen = found(config, record, now=now)
    return _done(config, seen, deed, now=now) if permits(seen.status, Cause.REVOKED) else Decision(seen)


def _cause(deed: Deed) -> Cause:
    match deed:
        case Revoke():
            return Cause.REVOKED
        case Switch(active):
            return Cause.RESUMED if active else Cause.PAUSED
        case Delete():
            return Cause.DELETED
        case Cut():
            return Cause.CUT
    assert_never(deed)


def _done(config: Configuration, seen: TokenView, deed: Deed, *, now: float) -> Decision[TokenView]:
    """The decision of a deed that the status allows."""
    token = seen.token
    match deed:
        case Revoke(reason):
            validate_reason(reason)
            event = event_of(EventKind.REVOKED, token, now, {"reason": reason})
            outcome = view(config, evolve(token, revoked_at=now, revoked_reason=reason), seen.client, now=now)
            return Decision(outcome, (RevokeToken(token.id, now, reason), AppendEvent(event)))
        case Switch(active, reason):
            kind = EventKind.RESUMED if active else EventKind.PAUSED
            new = switched(token.settings, active, now)
            return revised(config, seen, new, [(kind, _because(reason))], now=now)
        case Delete():
            return deleted(seen, now=now)
        case Cut(organization, out):
            kind, cuts = (EventKind.CUT if out else EventKind.ADMITTED), token.settings.cuts
            cuts = cuts | {organization} if out else cuts - {organization}
            new = evolve(token.settings, cuts=cuts)
            return revised(config, seen, new, [(kind, {"organization": organization})], now=now)
    assert_never(deed)


def validate_reason(reason: str) -> str:
    """The reason itself.

    Raises:
        InvalidValueError: it is empty or longer than 255 characters.
    """
    if not 0 < len(reason) <= MAXIMUM_REASON:
        raise InvalidValueError("reason", f"write 1 to {MAXIMUM_REASON} characters")
    return reason


def _because(reason: str) -> dict[str, str]:
    return {"reason": validate_reason(reason)} if reason else {}


def disowned(client: Client, *, now: float) -> Decision[None]:
    """A client whose owner is forgotten: it has none any more, and nobody may use it."""
    left = evolve(client, owner=None, disabled=True, version=client.version + 1)
    told = Event(
        EventKind.CLIENT_DISABLED, now, client_id=client.id, detail={"reason": "its owner is forgotten"}
    )
    changes: tuple[Change, ...] = (PutClient(left, client.version), AppendEvent(told))
    return Decision(None, changes)
