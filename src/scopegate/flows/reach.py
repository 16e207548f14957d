"""What a token may do and where, for its user and the host: explain, reach, preview, and filters for lists.

All of it shows the judgement of one evaluator, of a token that is held: by a request, or on a page.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias, assert_never

from attrs import evolve, field, frozen

from scopegate.core.caps import validate_cap, validate_role
from scopegate.core.permissions import Barrier, Explanation, Layer, Place, Subject
from scopegate.core.roles import NONE
from scopegate.core.scopes import Target
from scopegate.core.standing import (
    NOWHERE,
    Account,
    Application,
    Ceiling,
    Membership,
    Organization,
    Sandbox,
    Standing,
)
from scopegate.core.tokens import Status
from scopegate.core.whatif import MemberRole, NewCeiling, Pause, Recap, Resume, WhatIf
from scopegate.errors import InvalidValueError
from scopegate.flows.access import Access
from scopegate.flows.configuration import Configuration
from scopegate.flows.manage import TokenView

Held: TypeAlias = Access | TokenView
"""A token in somebody's hands: of a request that it came with, or of a page that shows it."""


@frozen
class Spot:
    """A place, and the standing of a token's user there.

    Args:
        organization: the organization or the sandbox; None for what belongs to the user alone.
        application: the application in it; None for the organization itself.
        label: what a person calls the place.
        standing: the user's standing there, now; None where there are no roles.
    """

    organization: str | Sandbox | None = None
    application: str | None = None
    label: str = ""
    standing: Standing | None = None


ALONE = Spot()
"""What belongs to the user and to no organization."""

SWITCHED_OFF: Final = Barrier(Layer.STATUS, Status.INACTIVE.value)
"""What a pause puts in the way, and a resumption takes away."""


def in_organization(membership: Membership) -> Spot:
    """The organization, or the sandbox, of a membership."""
    return Spot(membership.organization, None, membership.label, membership.standing())


def in_application(membership: Membership, application: Application) -> Spot:
    """An application in the organization of a membership."""
    standing = membership.standing(application)
    return Spot(membership.organization, application.id, application.label, standing)


@frozen
class Reached:
    """A place that a token reaches, and what it may do there.

    Args:
        organization: the organization or the sandbox; None for what belongs to the user alone.
        application: the application in it; None for the organization itself.
        label: what a person calls the place.
        role: the effective role; empty where roles do not apply.
        actions: the names of the actions that are open.
    """

    organization: str | Sandbox | None
    application: str | None
    label: str
    role: str
    actions: tuple[str, ...] = field(repr=False)


@frozen
class Compared:
    """What a change would do at one place.

    Args:
        before: what is open now.
        after: what would be open.
        gained: the actions that it would add.
        lost: the actions that it would take.
        unchanged: the actions that stay open.
        dormant: the actions that scope, cap and ceiling would grant, and the user's own role does not reach: they wake
            up if that rises.
    """

    before: Reached
    after: Reached
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    unchanged: tuple[str, ...]
    dormant: tuple[str, ...]


def membership(organization: str | Sandbox, standing: Standing) -> Membership:
    """The membership that a standing in an organization is."""
    label = "" if isinstance(organization, Sandbox) else organization
    return Membership(organization, label, standing.role if standing.owner else NONE, {}, standing.ceiling)


def is_of_request(held: Held) -> bool:
    """Whether a token is held by a request, whose earlier layers were judged when it came."""
    return isinstance(held, Access)


def recalled(held: Held, place: Place) -> Standing | None:
    """What the directory said about a place earlier in a request; a page remembers nothing."""
    return held.recalled(place) if isinstance(held, Access) else None


def remember(held: Held, place: Place, standing: Standing) -> None:
    """Keep what the directory said, for a request and never longer."""
    if isinstance(held, Access):
        held.remember(place, standing)


def subject(held: Held, account: Account | None) -> Subject:
    """What is judged. A request has passed the layers before the scope; of a page each is looked at.

    Args:
        held: the token.
        account: the account of its user, for a token on a page.
    """
    if isinstance(held, Access):
        return Subject(held.token, held.narrowed)
    barriers: list[Barrier] = []
    if held.client is None or held.client.disabled:
        barriers.append(Barrier(Layer.CREDENTIAL, "client_disabled"))
    if account is None or not account.enabled:
        barriers.append(Barrier(Layer.CREDENTIAL, "account_disabled"))
    if held.status is not Status.ACTIVE:
        barriers.append(Barrier(Layer.STATUS, held.status.value))
    return Subject(held.token, (), tuple(barriers))


def explain(
    config: Configuration, judged: Subject, action: str, standing: Standing | None, application: str | None
) -> Explanation:
    """The judgement of an action with its reasons."""
    return config.evaluator.explain(judged, action, standing, application)


def check(
    config: Configuration, judged: Subject, action: str, standing: Standing | None, application: str | None
) -> bool:
    """Whether an action is allowed: what `explain` says, without the reasons."""
    allowed = config.evaluator.allows(judged.token, action, standing, application, judged.scopes)
    return allowed and not judged.barriers


def reached(config: Configuration, judged: Subject, spot: Spot) -> Reached:
    """What is open at a place."""
    role, actions = config.evaluator.opened(judged, spot.standing, spot.application)
    return Reached(spot.organization, spot.application, spot.label, role, actions)


def listed(config: Configuration, judged: Subject, action: str, target: Target) -> bool:
    """Whether a list of the places where an action is allowed can have any entry; if not, nobody need be asked.

    Raises:
        ConfigurationError: the catalogue has no such action.
        InvalidValueError: the action is not judged at places of this kind.
    """
    rule = config.catalogue.rule(action)
    if rule.target != target:
        raise InvalidValueError(
            "action", f"{action} is not judged at an {target}, so there is nothing to list"
        )
    mask = config.catalogue.mask(judged.scopes or judged.token.scopes)
    return bool(mask & rule.mask) and not judged.barriers


def includes(found: Reached, action: str, config: Configuration) -> bool:
    """Whether an action, by whatever name the catalogue knows it, is open at a place."""
    return config.catalogue.rule(action).action.name in found.actions


class Comparison:
    """What a change would do, place by place.

    Args:
        config: the server's configuration.
        judged: the token as it is.
        change: the change; None: nothing.

    Raises:
        InvalidValueError: a role in the change is not one of the ladder's.
    """

    def __init__(self, config: Configuration, judged: Subject, change: WhatIf | None) -> None:
        _validate(config, change)
        self._config = config
        self._before = judged
        self._after = _changed(judged, change)
        self._change = change
        self._awaited = change if isinstance(change, MemberRole) and change.application is None else None

    def at(self, spot: Spot) -> Compared:
        """What it would do at a place."""
        if self._awaited is not None and spot.organization == self._awaited.organization:
            self._awaited = None
        after = evolve(spot, standing=_moved(spot, self._change))
        now, then = reached(self._config, self._before, spot), reached(self._config, self._after, after)
        open_now, open_then = frozenset(now.actions), frozenset(then.actions)
        return Compared(
            before=now,
            after=then,
            gained=tuple(name for name in then.actions if name not in open_now),
            lost=tuple(name for name in now.actions if name not in open_then),
            unchanged=tuple(name for name in then.actions if name in open_now),
            dormant=self._dormant(after, open_then),
        )

    def _dormant(self, spot: Spot, awake: frozenset[str]) -> tuple[str, ...]:
        if spot.standing is None or spot.standing.owner is None:
            return ()
        top = self._config.catalogue.roles.top.name
        risen = evolve(spot, standing=evolve(spot.standing, role=top, application_role=None))
        return tuple(name for name in reached(self._config, self._after, risen).actions if name not in awake)

    def elsewhere(self) -> Iterator[Compared]:
        """What it would do where the user is not yet: a membership that it would begin."""
        if self._awaited is not None:
            organization = self._awaited.organization
            label = "" if isinstance(organization, Sandbox) else organization
            yield self.at(Spot(organization, None, label, NOWHERE))


def _validate(config: Configuration, change: WhatIf | None) -> None:
    """Refuse roles that there are not, as the change itself would."""
    ladder = config.catalogue.roles
    match change:
        case Recap(cap):
            validate_cap(ladder, cap)
        case MemberRole(role=str(role)):
            validate_role(ladder, "role", role)
        case NewCeiling(ceiling=Ceiling(role, clients)):
            for entry, each in {
                "ceiling": role or NONE,
                **{f"clients[{id_}]": clients[id_] for id_ in clients},
            }.items():
                validate_role(ladder, entry, each)
        case _:
            pass


def _changed(judged: Subject, change: WhatIf | None) -> Subject:
    """The token after a change of its own."""
    barriers = tuple(known for known in judged.barriers if known != SWITCHED_OFF)
    match change:
        case Recap(cap):
            settings = evolve(judged.token.settings, cap=cap)
            return evolve(judged, token=evolve(judged.token, settings=settings))
        case Pause():
            return evolve(judged, barriers=(*barriers, SWITCHED_OFF))
        case Resume():
            return evolve(judged, barriers=barriers)
        case MemberRole() | NewCeiling() | None:
            return judged
        case _:
            assert_never(change)


def _moved(spot: Spot, change: WhatIf | None) -> Standing | None:
    """The standing at a place after a change of the host's."""
    standing = spot.standing
    if standing is None:
        return None
    match change:
        case MemberRole(organization) | NewCeiling(organization) if spot.organization != organization:
            return standing
        case MemberRole(application=str(application), role=role):
            return evolve(standing, application_role=role) if spot.application == application else standing
        case MemberRole(role=None):
            return NOWHERE
        case MemberRole(organization, str(role)):
            return evolve(standing, owner=standing.owner or _owner(organization), role=role)
        case NewCeiling(_, ceiling):
            return evolve(standing, ceiling=ceiling)
        case _:
            return standing


def _owner(organization: str | Sandbox) -> Organization | Sandbox:
    return organization if isinstance(organization, Sandbox) else Organization(organization)
