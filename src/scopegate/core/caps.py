"""The limit that a user puts on a token: a default maximum role and overrides."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, TypeAlias

from attrs import field, frozen

from scopegate.core.mappings import FrozenMapping, frozen_mapping
from scopegate.core.roles import NONE, RoleLadder
from scopegate.core.standing import Owner
from scopegate.errors import InvalidValueError

MAXIMUM_OVERRIDES: Final = 2500


class LimitSource(StrEnum):
    """What limits the role of a token at a place: the user's own role, a level of the cap, or the organization."""

    LIVE_ROLE = "live_role"
    APPLICATION_CAP = "application_cap"
    ORGANIZATION_CAP = "organization_cap"
    SANDBOX_CAP = "sandbox_cap"
    NEW_ORGANIZATION = "new_organization"
    DEFAULT_CAP = "default_cap"
    CEILING = "ceiling"
    CUT = "cut"


RankedCap: TypeAlias = tuple[int, dict[str | None, int], dict[str | None, tuple[str | None, int]]]
"""Ranks: of owners without an entry, of owners by id (None: the sandbox), of applications by id with their owner."""


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


_NO_ORGANIZATIONS: Final[Mapping[str, str]] = FrozenMapping()
_NO_APPLICATIONS: Final[Mapping[str, ApplicationCap]] = FrozenMapping()


def _organizations(given: Mapping[str, str]) -> Mapping[str, str]:
    return frozen_mapping(given)


def _applications(given: Mapping[str, ApplicationCap]) -> Mapping[str, ApplicationCap]:
    return frozen_mapping(given)


def _known(given: Iterable[str] | None) -> frozenset[str] | None:
    return None if given is None else frozenset(given)


@frozen
class RoleCap:
    """Default maximum role, organization overrides, application overrides.

    Args:
        default: the maximum role wherever nothing more specific is set.
        organizations: maximum role by organization id.
        sandbox: maximum role in the user's own sandbox; None: the default.
        applications: overrides by application id; each stands by itself.
        known: the organizations that the default speaks for; one outside it, with no entry of its own, is closed.
            None: it speaks for all, those that the user joins later included.
    """

    default: str = NONE
    organizations: Mapping[str, str] = field(default=_NO_ORGANIZATIONS, converter=_organizations)
    sandbox: str | None = None
    applications: Mapping[str, ApplicationCap] = field(default=_NO_APPLICATIONS, converter=_applications)
    known: frozenset[str] | None = field(default=None, converter=_known)

    @property
    def overrides(self) -> int:
        """How many overrides there are."""
        return len(self.organizations) + len(self.applications) + (self.sandbox is not None)


def cap_levels(cap: RoleCap, owner: Owner, application: str | None) -> list[tuple[LimitSource, str]]:
    """The levels of a cap that speak about a place, the most specific first, each with its maximum role.

    Args:
        cap: the cap.
        owner: who owns the place now.
        application: the application; None: the place is the organization or sandbox itself.
    """
    found: list[tuple[LimitSource, str]] = []
    if application is not None:
        own = cap.applications.get(application)
        if own is not None and own.organization == owner.id:
            found.append((LimitSource.APPLICATION_CAP, own.role))
    if owner.id is None:
        if cap.sandbox is not None:
            found.append((LimitSource.SANDBOX_CAP, cap.sandbox))
    elif (role := cap.organizations.get(owner.id)) is not None:
        found.append((LimitSource.ORGANIZATION_CAP, role))
    elif cap.known is not None and owner.id not in cap.known:
        found.append((LimitSource.NEW_ORGANIZATION, NONE))
    return [*found, (LimitSource.DEFAULT_CAP, cap.default)]


def ranked(cap: RoleCap, cuts: frozenset[str], ranks: Mapping[str, int], *, lower_only: bool) -> RankedCap:
    """A cap made ready for deciding: names become ranks, and all that does not depend on the place is settled.

    Args:
        cap: the cap.
        cuts: the organizations that took themselves out; nothing that the cap says opens them.
        ranks: of the ladder; a name that it lacks is ``none``.
        lower_only: whether an override counts at most as the level above it.
    """
    default = ranks.get(cap.default, 0)

    def below(role: str, above: int) -> int:
        rank = ranks.get(role, 0)
        return min(rank, above) if lower_only else rank

    elsewhere = default if cap.known is None else 0
    owners: dict[str | None, int] = dict.fromkeys(cap.known or (), default)
    owners[None] = default if cap.sandbox is None else below(cap.sandbox, default)
    owners.update({id_: below(role, default) for id_, role in cap.organizations.items()})
    owners.update(dict.fromkeys(cuts, 0))
    applications: dict[str | None, tuple[str | None, int]] = {
        id_: (own.organization, below(own.role, owners.get(own.organization, elsewhere)))
        for id_, own in cap.applications.items()
        if own.organization not in cuts
    }
    return elsewhere, owners, applications


def validate_role(ladder: RoleLadder, entry: str, role: str) -> str:
    """The role itself, if it is one of the ladder's.

    Raises:
        InvalidValueError: it is not; the error names the entry.
    """
    if role not in ladder:
        known = ", ".join(known.name for known in ladder.roles)
        raise InvalidValueError(entry, f"{role!r} is not a role here; choose one of: {known}")
    return role


def validate_cap(ladder: RoleLadder, cap: RoleCap) -> RoleCap:
    """The cap itself, if every role in it is one of the ladder's, and none is too much for its level.

    Raises:
        InvalidValueError: names the entry with the wrong role, or says that there are too many overrides.
    """
    entries = [("default", cap.default), ("sandbox", cap.sandbox or cap.default)]
    entries += [(f"organizations[{id_}]", role) for id_, role in cap.organizations.items()]
    entries += [(f"applications[{id_}]", own.role) for id_, own in cap.applications.items()]
    for name, role in entries:
        validate_role(ladder, name, role)
    for id_, own in cap.applications.items():
        if ladder.rank(own.role) > ladder.most_on_application:
            most = ladder.roles[ladder.most_on_application].name
            raise InvalidValueError(
                f"applications[{id_}]", f"{own.role!r} is given to organizations only; at most {most!r} here"
            )
    if cap.overrides > MAXIMUM_OVERRIDES:
        raise InvalidValueError(
            "overrides", f"{cap.overrides} are too many; at most {MAXIMUM_OVERRIDES} are kept"
        )
    return cap
