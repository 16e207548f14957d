"""A catalogue for a host with organizations and applications."""

from collections.abc import Sequence
from typing import Final

from scopegate.core.catalogue import Catalogue, usual_least_roles
from scopegate.core.roles import Role, RoleLadder
from scopegate.core.scopes import Action, Level

LEVELS: Final = (
    Level("User", None, "user", "profile", "name and e-mail address"),
    Level("Organization", "User", "organization", "organizations"),
    Level("Application", "Organization", "application", "applications"),
)
SCOPES: Final = (
    "only.User.read",
    "all.Application.read",
    "all.Application.bounded",
    "only.Organization.read",
    "only.Organization.bounded",
    "all.Organization.read",
    "all.Organization.bounded",
)


def simple(
    roles: Sequence[str | Role] = ("viewer", "editor", "admin"),
    *,
    actions: Sequence[Action] = (),
    scopes: Sequence[str] = SCOPES,
    application_limit: str | None = None,
) -> Catalogue:
    """Users above organizations above applications, and the host's own roles.

    The weakest role may read, the second write, the strongest do what is sensitive.

    Args:
        roles: from the weakest to the strongest, without ``none``.
        actions: single actions that need another role than their class does.
        scopes: the scopes that clients may ask for.
        application_limit: the strongest role that a cap may set for a single application; None: any.

    Raises:
        ConfigurationError: a role, action or scope makes no sense; the message names it.
    """
    ladder = RoleLadder.of(roles, application_limit=application_limit)
    return Catalogue(ladder, LEVELS, usual_least_roles(ladder), tuple(scopes), tuple(actions))
