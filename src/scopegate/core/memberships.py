"""Standing worked out from a plain list of memberships, for hosts that have nothing finer."""

from collections.abc import Iterable, Sequence

from scopegate.core.standing import NOWHERE, Application, Membership, Sandbox, Standing


def standing_among(
    memberships: Iterable[Membership], *, organization: str | Sandbox | None, application: str | None
) -> Standing:
    """The standing that a list of memberships gives at a place."""
    for membership in memberships:
        if organization is not None and membership.organization != organization:
            continue
        if application is None:
            return membership.standing()
        found = membership.applications.get(application)
        if found is not None:
            return membership.standing(found)
    return NOWHERE


def applications_among(
    memberships: Iterable[Membership], organization: str | Sandbox
) -> Sequence[Application]:
    """The applications that a list of memberships shows in one organization."""
    for membership in memberships:
        if membership.organization == organization:
            return tuple(membership.applications.values())
    return ()


def matching(memberships: Iterable[Membership], search: str) -> tuple[Membership, ...]:
    """The memberships whose label or id contains the words searched for, whatever their case."""
    wanted = search.casefold()
    return tuple(known for known in memberships if wanted in f"{known.label} {known.organization}".casefold())
