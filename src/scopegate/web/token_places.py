"""The cap of a token as JSON: a default role, and ``orgRoles`` with one entry for each place."""

from collections.abc import Mapping
from typing import Final

from attrs import evolve, field, frozen

from scopegate.core.caps import ApplicationCap, RoleCap
from scopegate.core.roles import RoleLadder
from scopegate.errors import InvalidValueError
from scopegate.web.json_reading import items, members, text

SANDBOX_ID: Final = "sandbox"
PREFIX: Final = "organization:"
"""May stand before the id of any organization, and must before one that would read like something else."""
MAXIMUM_ID: Final = 255


def place_id(organization: str | None) -> str:
    """How a place is written: the sandbox (None) by its name, an organization by its id, so that no two are alike."""
    if organization is None:
        return SANDBOX_ID
    taken = organization == SANDBOX_ID or organization.startswith(PREFIX)
    return PREFIX + organization if taken else organization


def organization_of(written: str) -> str | None:
    """The organization that is meant; None: the sandbox. The other way round of `place_id`."""
    return None if written == SANDBOX_ID else written.removeprefix(PREFIX)


def current_cap(cap: RoleCap, roles: RoleLadder) -> RoleCap:
    """The cap with its roles as they are called now; one that the ladder no longer has counts as ``none``."""
    return evolve(
        cap,
        default=roles[cap.default].name,
        organizations={id_: roles[role].name for id_, role in cap.organizations.items()},
        sandbox=None if cap.sandbox is None else roles[cap.sandbox].name,
        applications={id_: evolve(own, role=roles[own.role].name) for id_, own in cap.applications.items()},
    )


def org_roles(cap: RoleCap) -> list[dict[str, object]]:
    """The overrides of a cap: the sandbox first, then the organizations by their ids."""
    own: dict[str | None, list[dict[str, object]]] = {}
    for id_, application in sorted(cap.applications.items()):
        own.setdefault(application.organization, []).append({"resourceId": id_, "role": application.role})
    roles: dict[str | None, str | None] = {None: cap.sandbox} | dict(cap.organizations)
    places = sorted(roles.keys() | own.keys(), key=lambda place: (place is not None, place or ""))
    entries: list[dict[str, object]] = []
    for place in places:
        role = roles.get(place)
        if role is not None or place in own:
            named: dict[str, object] = {} if role is None else {"role": role}
            entries.append({"orgId": place_id(place), **named, "applicationRoles": own.get(place, [])})
    return entries


@frozen
class Places:
    """The overrides that somebody wants, and where in the JSON each of them stands.

    Args:
        organizations, sandbox, applications: as in `RoleCap`.
        paths: by the name that `RoleCap` gives to an entry, the path of that entry and its role.
    """

    organizations: Mapping[str, str]
    sandbox: str | None
    applications: Mapping[str, ApplicationCap]
    paths: Mapping[str, tuple[str, str]] = field(repr=False)

    def path(self, entry: str, roles: RoleLadder) -> str:
        """The path of an entry, or of its role where that is what is wrong with it."""
        path, role = self.paths.get(entry, ("orgRoles", roles.roles[0].name))
        most = roles.most_on_application if entry.startswith("applications[") else len(roles.roles)
        return path if role in roles and roles.rank(role) <= most else f"{path}.role"


def read_places(given: object) -> Places:
    """The overrides in a list of ``orgRoles``.

    Raises:
        InvalidValueError: names the path of what is wrong, unknown or there twice.
    """
    reading = _Reading()
    for number, entry in enumerate(items(given, "orgRoles")):
        reading.entry(entry, f"orgRoles[{number}]")
    owners = dict(reading.owners)
    sandbox = owners.pop(None, None)
    organizations = {id_: role for id_, role in owners.items() if id_ is not None and role is not None}
    return Places(organizations, sandbox, reading.applications, reading.paths)


class _Reading:
    """Collects the entries, and refuses what was there before."""

    def __init__(self) -> None:
        self.owners: dict[str | None, str | None] = {}
        self.applications: dict[str, ApplicationCap] = {}
        self.paths: dict[str, tuple[str, str]] = {}

    def entry(self, given: object, path: str) -> None:
        found = members(given, path, ("orgId", "role", "applicationRoles"), required=("orgId",))
        place = organization_of(text(found["orgId"], f"{path}.orgId", most=MAXIMUM_ID))
        if place in self.owners:
            raise InvalidValueError(f"{path}.orgId", "this place is there already: write one entry for it")
        role = text(found["role"], f"{path}.role", most=MAXIMUM_ID) if "role" in found else None
        self.owners[place] = role
        if role is not None:
            self.paths["sandbox" if place is None else f"organizations[{place}]"] = path, role
        own = items(found.get("applicationRoles", []), f"{path}.applicationRoles")
        if role is None and not own:
            raise InvalidValueError(path, "write a role, at least one of applicationRoles, or no entry")
        for number, each in enumerate(own):
            self.application(each, f"{path}.applicationRoles[{number}]", place)

    def application(self, given: object, path: str, place: str | None) -> None:
        names = ("resourceId", "role")
        found = members(given, path, names, required=names)
        id_ = text(found["resourceId"], f"{path}.resourceId", most=MAXIMUM_ID)
        role = text(found["role"], f"{path}.role", most=MAXIMUM_ID)
        if id_ in self.applications:
            raise InvalidValueError(
                f"{path}.resourceId", "this application is there already: write one entry for it"
            )
        self.applications[id_] = ApplicationCap(role, place)
        self.paths[f"applications[{id_}]"] = path, role
