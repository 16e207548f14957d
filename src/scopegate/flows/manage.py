"""What users do with their tokens: look, rename, change the cap, switch off and on, delete."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from attrs import evolve, frozen

from scopegate.core.caps import RoleCap, validate_cap
from scopegate.core.changes import AppendEvent, DeleteToken, ReviseToken
from scopegate.core.clients import Client
from scopegate.core.events import Event, EventKind
from scopegate.core.history import cap_changes
from scopegate.core.lifecycle import Cause, permits
from scopegate.core.permissions import Place
from scopegate.core.records import TokenQuery, TokenRecord
from scopegate.core.standing import SANDBOX, Standing
from scopegate.core.tokens import (
    RevocationReason,
    Settings,
    Status,
    Token,
    status,
    validate_description,
    validate_name,
)
from scopegate.errors import InvalidValueError, NotFoundError, ReadOnlyError, StaleVersionError
from scopegate.flows.configuration import Configuration
from scopegate.flows.decision import Decision

WHY_NOT: Final[Mapping[Status, str]] = {
    Status.PENDING: "the token is pending: it can be renamed, limited or deleted, but not paused",
    Status.EXPIRED: "the token is expired: it can only be deleted",
    Status.REVOKED: "the token is disconnected: it can only be deleted",
}


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

    @property
    def default_role(self) -> str:
        """The default maximum role."""
        return self.token.settings.cap.default

    @property
    def overrides(self) -> int:
        """How many overrides of it there are."""
        return self.token.settings.cap.overrides

    @property
    def publisher(self) -> str:
        """The host of the client's home page, as the client says itself; empty where it names none."""
        return "" if self.client is None else urlsplit(self.client.homepage).hostname or ""

    @property
    def revoked_reason(self) -> str | None:
        """Why it is disconnected; None: it is not."""
        if self.status is not Status.REVOKED:
            return None
        return self.token.revoked_reason or RevocationReason.LAPSED.value

    @property
    def is_blocked(self) -> bool:
        """Whether nothing works with it whatever its status, because its client is disabled or was removed."""
        return self.client is None or self.client.disabled


def list_query(config: Configuration, user: str, *, client_id: str | None = None, now: float) -> TokenQuery:
    """The user's tokens; those that were never redeemed in time are gone."""
    return TokenQuery(user=user, client_id=client_id, pending_after=now - config.profile.pending_lifetime)


def view(config: Configuration, token: Token, client: Client | None, *, now: float) -> TokenView:
    """A token as it is now."""
    return TokenView(token, status(token, now=now, pending_lifetime=config.profile.pending_lifetime), client)


def found(config: Configuration, record: TokenRecord | None, *, now: float) -> TokenView:
    """The token of a record, whoever asks.

    Raises:
        NotFoundError: there is none, or it was never redeemed in time.
    """
    seen = None if record is None else view(config, record.token, record.client, now=now)
    if seen is None or seen.status is Status.GONE:
        raise NotFoundError("there is no such token")
    return seen


def detail(config: Configuration, record: TokenRecord | None, user: str, *, now: float) -> TokenView:
    """One token of the user.

    Raises:
        NotFoundError: there is none, or it is another user's.
    """
    return found(config, None if record is None or record.token.user != user else record, now=now)


def require(seen: TokenView, cause: Cause) -> None:
    """Refuse what the table of the lifecycle does not know.

    Raises:
        ReadOnlyError: the status does not allow it.
    """
    if not permits(seen.status, cause):
        raise ReadOnlyError(WHY_NOT[seen.status])


@frozen
class Edit:
    """What a user wants changed; None leaves a thing as it is. See the servers' ``edit``."""

    name: str | None = None
    description: str | None = None
    cap: RoleCap | None = None
    active: bool | None = None
    expected_version: int | None = None


def new_places(
    config: Configuration, record: TokenRecord | None, user: str, wanted: Edit
) -> tuple[Place, ...]:
    """The places for which an edit sets a limit anew: the directory is asked about them, for `edit`.

    Raises:
        InvalidValueError: a role in the cap is not one of the ladder's, or too much for its level.
    """
    if wanted.cap is None or record is None or record.token.user != user:
        return ()
    cap, old = validate_cap(config.catalogue.roles, wanted.cap), record.token.settings.cap
    places: list[Place] = [(id_, None) for id_ in cap.organizations if id_ not in old.organizations]
    if cap.sandbox is not None and old.sandbox is None:
        places.append((SANDBOX, None))
    for id_, own in cap.applications.items():
        known = old.applications.get(id_)
        if known is None or known.organization != own.organization:
            places.append((SANDBOX if own.organization is None else own.organization, id_))
    return tuple(places)


def edit(
    config: Configuration,
    record: TokenRecord | None,
    user: str,
    wanted: Edit,
    standings: Sequence[tuple[Place, Standing]] = (),
    *,
    now: float,
) -> Decision[TokenView]:
    """Rename, describe, recap, pause or resume. What is so already is not written again.

    Args:
        config: the server's configuration.
        record: the token.
        user: who asks.
        wanted: what is to be changed.
        standings: the user's standing at each of the `new_places`.
        now: POSIX seconds.

    Raises:
        NotFoundError: there is no such token, or it is another user's.
        ReadOnlyError: the token has ended, or it is pending and cannot be paused.
        StaleVersionError: somebody changed it first.
        InvalidValueError: names the value that is not acceptable.
    """
    seen = detail(config, record, user, now=now)
    for cause in _causes(wanted):
        require(seen, cause)
    old = seen.token.settings
    if wanted.expected_version not in {None, seen.version}:
        raise StaleVersionError(seen.version, _differences(old, wanted))
    _refuse_unknown(standings)
    new = evolve(
        switched(old, old.active if wanted.active is None else wanted.active, now),
        name=old.name if wanted.name is None else validate_name(wanted.name),
        description=old.description
        if wanted.description is None
        else validate_description(wanted.description),
        cap=old.cap if wanted.cap is None else _new_cap(config, old.cap, wanted.cap),
    )
    return revised(config, seen, new, _told(config, old, new), now=now)


def _causes(wanted: Edit) -> Iterator[Cause]:
    if wanted.active is not None:
        yield Cause.RESUMED if wanted.active else Cause.PAUSED
    yield Cause.EDITED


def _differences(old: Settings, wanted: Edit) -> dict[str, tuple[object, object]]:
    """What somebody wanted otherwise than it stands now, so that a page can show both."""
    pairs: dict[str, tuple[object, object]] = {
        "name": (old.name, wanted.name),
        "description": (old.description, wanted.description),
        "cap": (old.cap, wanted.cap),
        "active": (old.active, wanted.active),
    }
    return {name: pair for name, pair in pairs.items() if pair[1] is not None and pair[0] != pair[1]}


def _refuse_unknown(standings: Sequence[tuple[Place, Standing]]) -> None:
    """A limit for a place that is not the user's would protect nothing, and look as if it did."""
    for (organization, application), standing in standings:
        if standing.owner is not None:
            continue
        if application is not None:
            problem = "the user has no such application there: leave it out, or name where it is now"
            raise InvalidValueError(f"applications[{application}]", problem)
        if organization == SANDBOX:
            raise InvalidValueError("sandbox", "the user has no sandbox: leave it out")
        raise InvalidValueError(
            f"organizations[{organization}]", "the user is in no such organization: leave it out"
        )


def revised(
    config: Configuration,
    seen: TokenView,
    new: Settings,
    told: Sequence[tuple[EventKind, dict[str, str]]],
    *,
    now: float,
) -> Decision[TokenView]:
    """The decision that gives a token new settings and tells of it; nothing is written where nothing differs."""
    token = seen.token
    if new == token.settings:
        return Decision(seen)
    new = evolve(new, updated_at=now)
    outcome = view(config, evolve(token, settings=new, version=token.version + 1), seen.client, now=now)
    events = (AppendEvent(event_of(kind, token, now, detail)) for kind, detail in told)
    return Decision(outcome, (ReviseToken(token.id, token.version, new), *events))


def _new_cap(config: Configuration, old: RoleCap, new: RoleCap) -> RoleCap:
    """The new cap. Where new organizations are to stay closed, it speaks for those that the old one spoke for."""
    closed = config.profile.new_organizations == "none" and new.known is None
    return validate_cap(config.catalogue.roles, evolve(new, known=old.known) if closed else new)


def switched(old: Settings, active: bool, now: float) -> Settings:  # noqa: FBT001 - the one thing it sets
    """The settings, switched on or off; a pause stops the token's own clock."""
    if active == old.active:
        return old
    if not active:
        return evolve(old, active=False, paused_at=now)
    pause = max(0.0, now - (now if old.paused_at is None else old.paused_at))
    return evolve(old, active=True, paused_at=None, paused_for=old.paused_for + pause)


def _told(config: Configuration, old: Settings, new: Settings) -> list[tuple[EventKind, dict[str, str]]]:
    """The events of an edit."""
    events: list[tuple[EventKind, dict[str, str]]] = []
    if new.active != old.active:
        events.append((EventKind.RESUMED if new.active else EventKind.PAUSED, {}))
    changed: dict[str, str] = {}
    if new.name != old.name:
        changed["name"] = f"{old.name} -> {new.name}"
    if new.description != old.description:
        changed["description"] = "changed"
    if changed:
        events.append((EventKind.CHANGED, changed))
    if new.cap != old.cap:
        changes = cap_changes(old.cap, new.cap, config.catalogue.roles)
        events.append((EventKind.RECAPPED, {"changes": "; ".join(changes)}))
    return events


def event_of(kind: EventKind, token: Token, now: float, detail: Mapping[str, str]) -> Event:
    """An event about a token."""
    return Event(kind, now, token.user, token.id, token.client_id, detail)


def delete(
    config: Configuration, record: TokenRecord | None, user: str, *, now: float
) -> Decision[TokenView]:
    """Delete, whatever the status: access, refresh and unredeemed codes end with it.

    Raises:
        NotFoundError: there is no such token, or it is another user's.
    """
    return deleted(detail(config, record, user, now=now), now=now)


def deleted(seen: TokenView, *, now: float) -> Decision[TokenView]:
    """The decision that deletes a token and tells of it."""
    event = AppendEvent(event_of(EventKind.DELETED, seen.token, now, {}))
    return Decision(seen, (DeleteToken(seen.token.id), event))
