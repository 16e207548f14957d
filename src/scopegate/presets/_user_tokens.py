"""Five roles, four levels and seven scopes: tokens that reach a user's organizations, applications and sandbox."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from scopegate.core.catalogue import Catalogue
from scopegate.core.roles import Role, RoleLadder
from scopegate.core.scopes import AccessClass, Action, Level
from scopegate.errors import ConfigurationError
from scopegate.presets._simple import SCOPES
from scopegate.presets._user_tokens_actions import CLOSED, RESOURCES, STRICTER

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


JUDGED: Final = frozenset(level.name for level in LEVELS if level.target in {"organization", "application"})
NO_CHANGES: Final[Mapping[str, str]] = MappingProxyType({})


def user_tokens(
    *,
    access: Mapping[str, AccessClass | str] = NO_CHANGES,
    least_roles: Mapping[str, str] = NO_CHANGES,
    actions: Sequence[Action] = (),
    scopes: Sequence[str] = SCOPES,
) -> Catalogue:
    """The catalogue with viewer, collaborator, editor and administrator, and seven scopes for OAuth clients.

    It names 366 actions, such as ``device.patch`` and ``org.delete``. Reading takes a viewer, writing a collaborator,
    what is sensitive an administrator, and a few actions take more than their class does. None of the seven opens what
    is sensitive, and no scope at all what would mint, widen or remove tokens of the user.

    Args:
        access: the class of single actions, where it is to be another; ``{"org.delete": "sensitive"}`` puts one out of
            reach. An action whose class changes keeps its least role or gets a stronger one, never a weaker.
        least_roles: the least role of single actions, or of a class: ``{"devices.delete": "edit", "write": "edit"}``.
            What is said of an action is final; what is said of a class leaves actions that need more as they are.
        actions: more actions, of the host's own.
        scopes: the scopes that clients may ask for.

    Raises:
        ConfigurationError: an entry is unknown or makes no sense; the message names it.
    """
    ladder = RoleLadder.of(ROLES, application_limit="collaborate")
    known = {action.name: action for action in named_actions()}
    classes = _classes(access, known)
    for name in least_roles:
        _check_least_role(name, least_roles[name], known, ladder)
    by_class = {each: least_roles.get(each, LEAST_ROLES[each]) for each in AccessClass}
    settled: list[Action] = []
    for action in known.values():
        now = classes.get(action.name, action.access)
        least = None
        if action.level in JUDGED:
            own = STRICTER.get(action.name, by_class[now])
            least = max(by_class[now], by_class[action.access], own, key=ladder.rank)
        least = least_roles.get(action.name, least)
        settled.append(Action(action.name, action.level, now, least, action.closed))
    return Catalogue(ladder, LEVELS, by_class, tuple(scopes), (*settled, *actions))


def named_actions() -> Iterator[Action]:
    """The preset's own actions, with the class that the product declares and no least role yet."""
    for level, resources in RESOURCES.items():
        for resource, names in resources.items():
            for access, words in zip(AccessClass, names, strict=True):
                for word in words.split():
                    name = f"{resource}.{word}"
                    yield Action(name, level, access, closed=name in CLOSED)


def _classes(access: Mapping[str, AccessClass | str], known: Mapping[str, Action]) -> dict[str, AccessClass]:
    for name, given in access.items():
        if name not in known:
            raise ConfigurationError(f"access: user_tokens has no action {name!r}")
        if given not in set(AccessClass):
            raise ConfigurationError(f"access of {name!r}: {given!r} is not read, write or sensitive")
    return {name: AccessClass(given) for name, given in access.items()}


def _check_least_role(name: str, role: str, known: Mapping[str, Action], ladder: RoleLadder) -> None:
    if name not in known and name not in set(AccessClass):
        raise ConfigurationError(
            f"least_roles: {name!r} is neither an action of user_tokens nor read, write or sensitive"
        )
    if name in known and known[name].level not in JUDGED:
        raise ConfigurationError(
            f"least_roles: {name!r} is of level {known[name].level}, where no role counts"
        )
    if not ladder.rank(role):
        raise ConfigurationError(
            f"least_roles: {name!r} needs {role!r}, which is not one of the roles above 'none'"
        )
