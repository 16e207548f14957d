"""Levels, actions, and the scopes that cover them."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from attrs import field, frozen

from scopegate.errors import ConfigurationError


class AccessClass(StrEnum):
    """What kind of thing an action does."""

    READ = "read"
    WRITE = "write"
    SENSITIVE = "sensitive"


SUFFIXES: Final[Mapping[str, frozenset[AccessClass]]] = {
    "": frozenset(AccessClass),
    "bounded": frozenset({AccessClass.READ, AccessClass.WRITE}),
    "read": frozenset({AccessClass.READ}),
}
ACTION_NAME: Final = re.compile(r"(?!(?:all|only)\.)[A-Za-z][A-Za-z0-9_-]*\.[A-Za-z][A-Za-z0-9_-]*")

Target: TypeAlias = Literal["user", "organization", "application", "unreachable"]
Reach: TypeAlias = Literal["all", "only"]


@frozen
class Level:
    """A level of the host's tree of things.

    Args:
        name: as it stands in scope names, such as ``Application``.
        parent: the level above; None for the root.
        target: where roles apply: ``user`` actions have no role layer, ``organization`` and ``application`` ones are
            judged there, and nobody's token has a role on an ``unreachable`` level.
        nouns: what a person calls it, in the plural.
        includes: what is inside, in words, for the consent page.
    """

    name: str
    parent: str | None = None
    target: Target = "application"
    nouns: str = ""
    includes: str = ""

    @property
    def words(self) -> str:
        """The plural noun, made from the name where the host gave none."""
        return self.nouns or f"{self.name.lower()}s"


def _access(given: str) -> AccessClass:
    try:
        return AccessClass(given)
    except ValueError:
        known = ", ".join(AccessClass)
        raise ConfigurationError(f"access class {given!r} is not one of: {known}") from None


@frozen
class Action:
    """One thing the host's API does, such as ``device.patch``.

    Args:
        name: its stable name: resource, a dot, and what is done to it.
        level: the level it works on.
        access: read, write or sensitive; declared, never derived from an HTTP method.
        least_role: the least role that may do it; None: the least role of its class.
        closed: no token may do it, whatever its scopes.
        description: what it does, in words, for the consent page.
    """

    name: str
    level: str
    access: AccessClass = field(converter=_access)
    least_role: str | None = None
    closed: bool = False
    description: str = ""

    @property
    def resource(self) -> str:
        """What it is done to: the part of the name before the dot."""
        return self.name.partition(".")[0]


@frozen
class LevelScope:
    """A scope by level: ``<all|only>.<Level>``, then nothing, ``.bounded`` or ``.read``.

    Args:
        name: the scope as written.
        level: the level it is named after.
        reach: ``all`` covers every level beneath, ``only`` just its own.
        levels: the levels it covers.
        classes: the classes of access it covers.
    """

    name: str
    level: str
    reach: Reach
    levels: frozenset[str]
    classes: frozenset[AccessClass]

    def covers(self, action: Action) -> bool:
        """Whether the scope names the action's level and class; a closed action stays closed all the same."""
        return action.level in self.levels and action.access in self.classes


@frozen
class ActionScope:
    """A fine-grained scope: ``<resource>.<action>``, or ``<resource>.*`` for every action of a resource.

    Args:
        name: the scope as written.
        actions: the actions it covers, as the catalogue has them today.
    """

    name: str
    actions: tuple[Action, ...]

    @property
    def classes(self) -> frozenset[AccessClass]:
        """The classes of access among its actions."""
        return frozenset(action.access for action in self.actions)

    def covers(self, action: Action) -> bool:
        """Whether the action is one of them; a closed action stays closed all the same."""
        return action in self.actions


Scope: TypeAlias = LevelScope | ActionScope
