"""What somebody wants changed of a token, read from JSON."""

from typing import Final

from attrs import evolve, field, frozen

from scopegate.core.caps import RoleCap
from scopegate.core.roles import RoleLadder
from scopegate.core.tokens import validate_description, validate_name
from scopegate.web.json_reading import choice, members, text
from scopegate.web.token_places import MAXIMUM_ID, Places, current_cap, read_places

EDITABLE: Final = ("name", "description", "defaultRole", "orgRoles", "status")
SWITCH: Final = ("active", "inactive")
_NAMED: Final = {"default": "defaultRole", "overrides": "orgRoles", "active": "status"}
_PLACES: Final = ("organizations[", "applications[", "sandbox")


@frozen
class Changes:
    """What is to be changed; None leaves a thing as it is.

    Args:
        name, description: the new ones.
        default: the new default role.
        places: all overrides, new.
        active: whether it is to be switched on.
    """

    name: str | None = None
    description: str | None = None
    default: str | None = None
    places: Places | None = field(default=None, repr=False)
    active: bool | None = None

    @property
    def are_none(self) -> bool:
        """Whether nothing is to be changed."""
        return self == Changes()

    def cap(self, old: RoleCap, roles: RoleLadder) -> RoleCap | None:
        """The whole new cap; None: it is to stay as it is."""
        if self.default is None and self.places is None:
            return None
        new = current_cap(old, roles)
        if self.default is not None:
            new = evolve(new, default=self.default)
        if self.places is not None:
            new = evolve(
                new,
                organizations=self.places.organizations,
                sandbox=self.places.sandbox,
                applications=self.places.applications,
            )
        return new

    def path(self, name: str, roles: RoleLadder) -> str:
        """Where in the JSON stands what the server calls by that name."""
        if not name.startswith(_PLACES):
            return _NAMED.get(name, name)
        return "orgRoles" if self.places is None else self.places.path(name, roles)


def read_changes(document: object) -> Changes:
    """The changes in a document.

    Raises:
        InvalidValueError: names the path of what is wrong.
    """
    given = members(document, "", EDITABLE)
    return Changes(
        name=validate_name(text(given["name"], "name")) if "name" in given else None,
        description=validate_description(text(given["description"], "description"))
        if "description" in given
        else None,
        default=text(given["defaultRole"], "defaultRole", most=MAXIMUM_ID)
        if "defaultRole" in given
        else None,
        places=read_places(given["orgRoles"]) if "orgRoles" in given else None,
        active=choice(given["status"], "status", SWITCH) == SWITCH[0] if "status" in given else None,
    )
