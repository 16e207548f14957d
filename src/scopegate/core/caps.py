"""The limit that a user puts on a token: a default maximum role and overrides."""

from collections.abc import Mapping
from enum import StrEnum

from attrs import field, frozen

from scopegate.core.roles import NONE, RoleLadder
from scopegate.core.standing import Organization, Owner, Standing
from scopegate.errors import InvalidValueError

MAXIMUM_OVERRIDES = 2500


class CapSource(StrEnum):
    """Which level of a cap decided."""

    APPLICATION = "application"
    ORGANIZATION = "organization"
    SANDBOX = "sandbox"
    DEFAULT = "default"


@frozen
class ApplicationCap:
    """The override of one application.

    Args:
        role: its maximum role.
        organization: where the application stood when this was written (None: the sandbox). An override whose
            application has moved is void.
    """

    role: str
    organization: str | None = None


def _organizations(given: Mapping[str, str]) -> dict[str, str]:
    return dict(given)


def _applications(given: Mapping[str, ApplicationCap]) -> dict[str, ApplicationCap]:
    return dict(given)


@frozen
class RoleCap:
    """Default maximum role, organization overrides, application overrides.

    Args:
        default: the maximum role wherever nothing more specific is set.
        organizations: maximum role by organization id.
        sandbox: maximum role in the user's own sandbox; None: the default.
        applications: overrides by application id; each stands by itself.
    """

    default: str = NONE
    organizations: Mapping[str, str] = field(factory=dict[str, str], converter=_organizations)
    sandbox: str | None = None
    applications: Mapping[str, ApplicationCap] = field(
        factory=dict[str, ApplicationCap], converter=_applications
    )

    @property
    def overrides(self) -> int:
        """How many overrides there are."""
        return len(self.organizations) + len(self.applications) + (self.sandbox is not None)


def owner_cap(cap: RoleCap, owner: Owner) -> tuple[str, CapSource]:
    """The maximum role in an organization or the sandbox, and the level that set it."""
    if isinstance(owner, Organization):
        role = cap.organizations.get(owner.id)
        return (cap.default, CapSource.DEFAULT) if role is None else (role, CapSource.ORGANIZATION)
    return (cap.default, CapSource.DEFAULT) if cap.sandbox is None else (cap.sandbox, CapSource.SANDBOX)


def application_cap(cap: RoleCap, owner: Owner, application: str) -> tuple[str, CapSource]:
    """The maximum role on an application: its own override if it still lives where it was written, else the owner's."""
    own = cap.applications.get(application)
    if own is not None and own.organization == (owner.id if isinstance(owner, Organization) else None):
        return own.role, CapSource.APPLICATION
    return owner_cap(cap, owner)


def maximum_rank(
    ladder: RoleLadder, cap: RoleCap, standing: Standing, *, application: str | None, lower_only: bool
) -> int:
    """The rank that the cap allows at a place (law 1). With ``lower_only`` no override exceeds the level above it."""
    owner = standing.owner
    if owner is None:
        return 0
    if application is None:
        rank = ladder.rank(owner_cap(cap, owner)[0])
    else:
        rank = ladder.rank(application_cap(cap, owner, application)[0])
        if lower_only:
            rank = min(rank, ladder.rank(owner_cap(cap, owner)[0]))
    return min(rank, ladder.rank(cap.default)) if lower_only else rank


def effective_rank(
    ladder: RoleLadder,
    cap: RoleCap,
    standing: Standing,
    *,
    application: str | None = None,
    lower_only: bool = False,
) -> int:
    """The rank a token has at a place: the lower of the user's live role there and the most specific cap (law 1)."""
    live = standing.role
    if application is not None and standing.application_role is not None:
        live = standing.application_role
    return min(
        ladder.rank(live), maximum_rank(ladder, cap, standing, application=application, lower_only=lower_only)
    )


def validate_cap(ladder: RoleLadder, cap: RoleCap) -> RoleCap:
    """The cap itself, if every role in it is one of the ladder's.

    Raises:
        InvalidValueError: names the entry with the unknown role, or says that there are too many overrides.
    """
    entries = [("default", cap.default), ("sandbox", cap.sandbox or cap.default)]
    entries += [(f"organizations[{id_}]", role) for id_, role in cap.organizations.items()]
    entries += [(f"applications[{id_}]", own.role) for id_, own in cap.applications.items()]
    for name, role in entries:
        if role not in ladder:
            known = ", ".join(known.name for known in ladder.roles)
            raise InvalidValueError(name, f"{role!r} is not a role here; choose one of: {known}")
    if cap.overrides > MAXIMUM_OVERRIDES:
        raise InvalidValueError(
            "overrides", f"{cap.overrides} are too many; at most {MAXIMUM_OVERRIDES} are kept"
        )
    return cap
