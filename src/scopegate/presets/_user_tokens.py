"""Five roles, four levels and seven scopes: tokens that reach a user's organizations, applications and sandbox."""

from collections.abc import Sequence
from typing import Final

from scopegate.core.catalogue import Catalogue
from scopegate.core.roles import Role, RoleLadder
from scopegate.core.scopes import AccessClass, Action, Level
from scopegate.presets._simple import SCOPES

ROLES: Final = (
    Role("view", "Viewer", "Can see applications, devices and data, and change nothing."),
    Role("collaborate", "Collaborator", "Can also change applications and what is inside them."),
    Role("edit", "Editor", "Can also create, import and delete applications."),
    Role("admin", "Administrator", "Can also manage the organization, its members and its deletion."),
)
LEVELS: Final = (
    Level("User", None, "user", "profile", "name, e-mail address and usage"),
    Level("Organization", "User", "organization", "organizations"),
    Level("Instance", "User", "unreachable", "instances"),
    Level(
        "Application",
        "Organization",
        "application",
        "applications",
        "devices, data, dashboards and workflows",
    ),
)
LEAST_ROLES: Final = {
    AccessClass.READ: "view",
    AccessClass.WRITE: "collaborate",
    AccessClass.SENSITIVE: "admin",
}


def user_tokens(*, actions: Sequence[Action] = (), scopes: Sequence[str] = SCOPES) -> Catalogue:
    """The catalogue with viewer, collaborator, editor and administrator, and seven scopes for OAuth clients.

    Args:
        actions: single actions; where their class is too weak they name their least role.
        scopes: the scopes that clients may ask for.

    Raises:
        ConfigurationError: an action or scope makes no sense; the message names it.
    """
    return Catalogue(RoleLadder.of(ROLES), LEVELS, LEAST_ROLES, tuple(scopes), tuple(actions))
