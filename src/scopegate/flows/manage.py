"""What users do with their tokens: list, look, rename, change the cap, switch off and on, delete."""

from attrs import evolve, frozen

from scopegate.core.caps import RoleCap, validate_cap
from scopegate.core.changes import AppendEvent, DeleteToken, ReviseToken
from scopegate.core.clients import Client
from scopegate.core.events import Event, EventKind
from scopegate.core.records import TokenQuery, TokenRecord
from scopegate.core.tokens import Settings, Status, Token, status, validate_description, validate_name
from scopegate.errors import NotFoundError, ReadOnlyError, StaleVersionError
from scopegate.flows.configuration import Configuration
from scopegate.flows.decision import Decision


@frozen
class TokenView:
    """A token as its user sees it.

    Args:
        token: the token.
        status: what it is now.
        client: its client; None if that was removed.
    """

    token: Token
    status: Status
    client: Client | None = None

    @property
    def user(self) -> str:
        """Whose token it is."""
        return self.token.user

    @property
    def version(self) -> int:
        """Hand it back with a change to be told if somebody else changed the token first."""
        return self.token.edition


def list_query(config: Configuration, user: str, *, now: float) -> TokenQuery:
    """The user's tokens; those that were never redeemed in time are gone."""
    return TokenQuery(user=user, pending_after=pending_before(config, now=now))


def view(config: Configuration, token: Token, client: Client | None, *, now: float) -> TokenView:
    """A token as it is now."""
    return TokenView(token, status(token, now=now, pending_lifetime=config.profile.pending_lifetime), client)


def detail(config: Configuration, record: TokenRecord | None, user: str, *, now: float) -> TokenView:
    """One token of the user.

    Raises:
        NotFoundError: there is none, or it is another user's.
    """
    if record is None or record.token.user != user:
        raise NotFoundError("there is no such token")
    found = view(config, record.token, record.client, now=now)
    if found.status is Status.GONE:
        raise NotFoundError("there is no such token")
    return found


def _editable(
    config: Configuration, record: TokenRecord | None, user: str, expected_version: int | None, now: float
) -> TokenView:
    found = detail(config, record, user, now=now)
    if found.status in {Status.EXPIRED, Status.REVOKED}:
        raise ReadOnlyError(f"the token is {found.status.value}: it can only be deleted")
    if expected_version is not None and expected_version != found.version:
        raise StaleVersionError(found.version)
    return found


@frozen
class Edit:
    """What a user wants changed; None leaves a thing as it is. See the servers' ``edit``."""

    name: str | None = None
    description: str | None = None
    cap: RoleCap | None = None
    active: bool | None = None
    expected_version: int | None = None


def edit(
    config: Configuration, record: TokenRecord | None, user: str, wanted: Edit, *, now: float
) -> Decision[TokenView]:
    """Rename, describe, recap, pause or resume. What is so already is not written again.

    Raises:
        NotFoundError: there is no such token, or it is another user's.
        ReadOnlyError: the token has ended, or it is pending and cannot be paused.
        StaleVersionError: somebody changed it first.
        InvalidValueError: names the value that is not acceptable.
    """
    found = _editable(config, record, user, wanted.expected_version, now)
    token, old = found.token, found.token.settings
    if wanted.active is not None and found.status is Status.PENDING:
        raise ReadOnlyError("the token is pending: it can be renamed, limited or deleted, but not paused")
    new = evolve(
        _switched(old, old.active if wanted.active is None else wanted.active, now),
        name=old.name if wanted.name is None else validate_name(wanted.name),
        description=old.description
        if wanted.description is None
        else validate_description(wanted.description),
        cap=old.cap if wanted.cap is None else _new_cap(config, old.cap, wanted.cap),
    )
    if new == old:
        return Decision(found)
    revised = evolve(token, settings=new, version=token.version + 1)
    outcome = view(config, revised, found.client, now=now)
    return Decision(outcome, (ReviseToken(token.id, token.version, new), *_told(token, old, new, now)))


def _new_cap(config: Configuration, old: RoleCap, new: RoleCap) -> RoleCap:
    """The new cap. Where new organizations are to stay closed, it speaks for those that the old one spoke for."""
    closed = config.profile.new_organizations == "none" and new.known is None
    return validate_cap(config.catalogue.roles, evolve(new, known=old.known) if closed else new)


def _switched(old: Settings, active: bool, now: float) -> Settings:  # noqa: FBT001 - the one thing it sets
    if active == old.active:
        return old
    if not active:
        return evolve(old, active=False, paused_at=now)
    pause = max(0.0, now - (now if old.paused_at is None else old.paused_at))
    return evolve(old, active=True, paused_at=None, paused_for=old.paused_for + pause)


def _told(token: Token, old: Settings, new: Settings, now: float) -> list[AppendEvent]:
    """The events of an edit."""
    events: list[tuple[EventKind, dict[str, str]]] = []
    if new.active != old.active:
        events.append((EventKind.RESUMED if new.active else EventKind.PAUSED, {}))
    changed: dict[str, str] = {}
    if new.name != old.name:
        changed["name"] = f"{old.name} -> {new.name}"
    if new.description != old.description:
        changed["description"] = "changed"
    if new.cap != old.cap:
        changed["default"] = f"{old.cap.default} -> {new.cap.default}"
        changed["overrides"] = f"{old.cap.overrides} -> {new.cap.overrides}"
    if changed:
        events.append((EventKind.CHANGED, changed))
    return [
        AppendEvent(
            Event(
                kind=kind,
                at=now,
                user=token.user,
                token_id=token.id,
                client_id=token.client_id,
                detail=detail,
            )
        )
        for kind, detail in events
    ]


def pending_before(config: Configuration, *, now: float) -> float:
    """Tokens created at or before this time (POSIX seconds) and never redeemed are gone."""
    return now - config.profile.pending_lifetime


def delete(
    config: Configuration, record: TokenRecord | None, user: str, *, now: float
) -> Decision[TokenView]:
    """Delete, whatever the status: access, refresh and unredeemed codes end with it.

    Raises:
        NotFoundError: there is no such token, or it is another user's.
    """
    found = detail(config, record, user, now=now)
    token = found.token
    event = Event(kind=EventKind.DELETED, at=now, user=user, token_id=token.id, client_id=token.client_id)
    return Decision(found, (DeleteToken(token.id), AppendEvent(event)))
