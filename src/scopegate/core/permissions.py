"""The evaluator: may this token do this action here, and if not, which layer says so (laws 1 and 2)."""

from enum import StrEnum
from typing import TypeAlias

from attrs import frozen

from scopegate.core.caps import CapSource, RoleCap, application_cap, effective_rank, owner_cap
from scopegate.core.roles import NONE, RoleLadder
from scopegate.core.scopes import Catalogue, Rule
from scopegate.core.standing import NOWHERE, Owner, Sandbox, Standing
from scopegate.errors import InvalidValueError

Place: TypeAlias = tuple[str | Sandbox | None, str | None]
"""Where an action happens: organization or sandbox, and application."""


class Layer(StrEnum):
    """The layers of a decision, in the order in which they are judged."""

    CREDENTIAL = "credential"
    AUDIENCE = "audience"
    STATUS = "status"
    SCOPE = "scope"
    ROLE = "role"


@frozen
class Explanation:
    """A decision and its reasons, for the user and the host. What a client may know is less.

    Args:
        rule: the action that was asked about.
        denied_by: the first layer that says no; None: allowed.
        reason: a stable code.
        live_role: the user's own role at the place, now; empty where roles do not apply.
        cap_role: the maximum that the token's cap sets there.
        cap_source: the level of the cap that set it.
        effective_role: the lower of the two: what the token has.
        least_role: what the action needs.
    """

    rule: Rule
    denied_by: Layer | None
    reason: str
    live_role: str = ""
    cap_role: str = ""
    cap_source: CapSource | None = None
    effective_role: str = ""
    least_role: str = ""

    @property
    def allowed(self) -> bool:
        """Whether the action may be done."""
        return self.denied_by is None


def place_of(rule: Rule, *, organization: str | Sandbox | None, application: str | None) -> Place:
    """Where an action is judged: the organization and application that the directory is asked about.

    Raises:
        InvalidValueError: the action needs an application or an organization, and none was given.
    """
    if rule.target == "application":
        if application is None:
            raise InvalidValueError("application", f"{rule.action.name} is judged at an application: name it")
        return organization, application
    if rule.target == "organization":
        if organization is None:
            raise InvalidValueError(
                "organization", f"{rule.action.name} is judged at an organization: name it"
            )
        return organization, None
    return None, None


def denying_layer(
    catalogue: Catalogue,
    rule: Rule,
    cap: RoleCap,
    scopes: tuple[str, ...],
    standing: Standing | None,
    *,
    application: str | None,
    lower_only: bool,
) -> Layer | None:
    """The first layer that says no, out of scope and role; None: allowed. Everything else here is a view of this."""
    if not catalogue.mask(scopes) & rule.mask:
        return Layer.SCOPE
    if rule.target == "user":
        return None
    if rule.target == "unreachable" or standing is None or not rule.rank:
        return Layer.ROLE
    rank = effective_rank(catalogue.roles, cap, standing, application=application, lower_only=lower_only)
    return None if rank >= rule.rank else Layer.ROLE


def explain(
    catalogue: Catalogue,
    rule: Rule,
    cap: RoleCap,
    scopes: tuple[str, ...],
    standing: Standing | None,
    *,
    place: Place,
    lower_only: bool,
) -> Explanation:
    """The decision with its reasons.

    Args:
        catalogue: the catalogue.
        rule: the action.
        cap: the token's cap.
        scopes: the scopes of the access token.
        standing: the user's standing at the place, now; None for user-level actions.
        place: from `place_of`.
        lower_only: whether overrides may only lower.
    """
    application = place[1]
    denied_by = denying_layer(
        catalogue, rule, cap, scopes, standing, application=application, lower_only=lower_only
    )
    if rule.target == "user":
        return Explanation(rule, denied_by, "allowed" if denied_by is None else "insufficient_scope")
    at = standing or NOWHERE
    live = at.role if application is None or at.application_role is None else at.application_role
    cap_role, source = _cap_role(catalogue.roles, cap, at.owner, application, lower_only=lower_only)
    rank = effective_rank(catalogue.roles, cap, at, application=application, lower_only=lower_only)
    return Explanation(
        rule,
        denied_by,
        _reason(catalogue, rule, denied_by, live),
        live,
        cap_role,
        source,
        catalogue.roles.roles[rank].name,
        catalogue.roles.roles[rule.rank].name,
    )


def _cap_role(
    ladder: RoleLadder, cap: RoleCap, owner: Owner | None, application: str | None, *, lower_only: bool
) -> tuple[str, CapSource | None]:
    """The maximum role and the level that set it; of equal levels under ``lower_only``, the most specific."""
    if owner is None:
        return NONE, None
    above = owner_cap(cap, owner)
    found = above if application is None else application_cap(cap, owner, application)
    if not lower_only:
        return found
    return min(found, above, (cap.default, CapSource.DEFAULT), key=lambda level: ladder.rank(level[0]))


def _reason(catalogue: Catalogue, rule: Rule, denied_by: Layer | None, live: str) -> str:
    if denied_by is None:
        return "allowed"
    if denied_by is Layer.SCOPE:
        return "insufficient_scope"
    return "cap_too_low" if catalogue.roles.rank(live) >= rule.rank > 0 else "role_too_low"
