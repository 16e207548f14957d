"""Scopes: ``<reach>.<Level>[.<access>]``, the actions they cover, and the catalogue that holds both."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final, Literal, NoReturn

from attrs import field, frozen

from scopegate.core.roles import RoleLadder
from scopegate.errors import ConfigurationError

MASK_MEMORY: Final = 4096


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

Target = Literal["user", "organization", "application", "unreachable"]


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


@frozen
class Action:
    """One thing the host's API does, such as ``device.patch``.

    Args:
        name: its stable name.
        level: the level it works on.
        access: read, write or sensitive; declared, never derived from an HTTP method.
        least_role: the least role that may do it; None: the least role of its class.
        closed: no token may do it, whatever its scopes.
    """

    name: str
    level: str
    access: AccessClass
    least_role: str | None = None
    closed: bool = False


@frozen
class Scope:
    """A parsed scope.

    Args:
        name: the scope as written.
        levels: the levels it covers.
        classes: the classes of access it covers.
        level: the level it is named after.
        reach: ``all`` covers every level beneath, ``only`` just its own.
    """

    name: str
    levels: frozenset[str]
    classes: frozenset[AccessClass]
    level: str
    reach: Literal["all", "only"]

    def covers(self, action: Action) -> bool:
        """Whether the scope names the action's level and class."""
        return action.level in self.levels and action.access in self.classes and not action.closed


@frozen
class Rule:
    """An action made ready for deciding: one bit per offered scope, one rank.

    Args:
        action: the action itself.
        mask: the offered scopes that cover it, one bit each.
        rank: the rank of its least role.
        target: where its role is judged.
        scopes: the names of the offered scopes that cover it, the least first.
    """

    action: Action
    mask: int
    rank: int
    target: Target
    scopes: tuple[str, ...]


def level_actions(levels: Iterable[Level]) -> list[Action]:
    """Every (level, access) pair as an action of its own, such as ``Application.read``."""
    return [
        Action(f"{level.name}.{access.value}", level.name, access)
        for level in levels
        for access in AccessClass
    ]


@frozen
class Catalogue:
    """Levels, actions, roles and the scopes that OAuth clients may ask for.

    Args:
        roles: the ladder of roles.
        levels: the tree of levels.
        least_roles: the least role of each class of access.
        scopes: the scopes on offer, as names, the least powerful first.
        actions: single actions, where the (level, access) pairs are too coarse.
        version: the host's own name for this state of the catalogue; kept with each consent.

    Raises:
        ConfigurationError: an entry is unknown, repeated or unreachable; the message names it.
    """

    roles: RoleLadder
    levels: tuple[Level, ...]
    least_roles: Mapping[AccessClass, str]
    scopes: tuple[str, ...]
    actions: tuple[Action, ...] = ()
    version: str = "1"
    rules: dict[str, Rule] = field(init=False, repr=False, eq=False)
    offered: dict[str, Scope] = field(init=False, repr=False, eq=False)
    _masks: dict[tuple[str, ...], int] = field(
        init=False, repr=False, eq=False, factory=dict[tuple[str, ...], int]
    )

    def __attrs_post_init__(self) -> None:
        _check_levels(self.levels)
        if not self.scopes or len(set(self.scopes)) < len(self.scopes):
            _refuse(f"scopes {list(self.scopes)}: offer at least one, each once")
        object.__setattr__(self, "offered", {name: self.parse(name) for name in self.scopes})
        rules: dict[str, Rule] = {}
        for action in (*level_actions(self.levels), *self.actions):
            if action.name in rules:
                _refuse(f"action {action.name!r} is there twice; (level, access) pairs are actions already")
            rules[action.name] = self._rule(action)
        object.__setattr__(self, "rules", rules)

    def _rule(self, action: Action) -> Rule:
        level = next((level for level in self.levels if level.name == action.level), None)
        if level is None:
            _refuse(f"action {action.name!r} has the unknown level {action.level!r}")
        least = action.least_role or self.least_roles.get(action.access)
        if least is None or not self.roles.rank(least):
            _refuse(
                f"action {action.name!r} needs the role {least!r}, which is not one of the roles above 'none'"
            )
        covering = [scope for scope in self.offered.values() if scope.covers(action)]
        covering.sort(key=lambda scope: (len(scope.levels), len(scope.classes)))
        mask = sum(1 << self.scopes.index(scope.name) for scope in covering)
        return Rule(
            action, mask, self.roles.rank(least), level.target, tuple(scope.name for scope in covering)
        )

    def parse(self, name: str) -> Scope:
        """A scope of this catalogue's grammar, on offer or not.

        Raises:
            ConfigurationError: it is not of the form ``<all|only>.<Level>[.bounded|.read]``.
        """
        reach, _, rest = name.partition(".")
        level, _, suffix = rest.partition(".")
        known = {known.name for known in self.levels}
        if reach not in {"all", "only"} or level not in known or suffix not in SUFFIXES or name.endswith("."):
            _refuse(
                f"scope {name!r}: write all.<Level> or only.<Level>, then nothing, .bounded or .read;"
                f" levels are {sorted(known)}"
            )
        levels = self._beneath(level) if reach == "all" else {level}
        return Scope(name, frozenset(levels), SUFFIXES[suffix], level, "all" if reach == "all" else "only")

    def _beneath(self, name: str) -> set[str]:
        found = {name}
        for _ in self.levels:
            found |= {level.name for level in self.levels if level.parent in found}
        return found

    def mask(self, scopes: tuple[str, ...]) -> int:
        """The scopes as one bit each. Names no longer on offer cover nothing: stored names fail closed."""
        known = self._masks.get(scopes)
        if known is None:
            known = sum(1 << position for position, name in enumerate(self.scopes) if name in scopes)
            if len(self._masks) >= MASK_MEMORY:
                self._masks.clear()
            self._masks[scopes] = known
        return known

    def rule(self, action: str) -> Rule:
        """The rule of an action.

        Raises:
            ConfigurationError: the catalogue has no such action; nothing is decided about unknown names.
        """
        found = self.rules.get(action)
        if found is None:
            _refuse(
                f"action {action!r} is not in the catalogue; add it, or use <Level>.<read|write|sensitive>"
            )
        return found

    def level(self, name: str) -> Level:
        """The level of that name."""
        return next(level for level in self.levels if level.name == name)


def _check_levels(levels: tuple[Level, ...]) -> None:
    names = [level.name for level in levels]
    for level in levels:
        if not level.name.isidentifier() or names.count(level.name) > 1:
            _refuse(f"level {level.name!r}: give each level one plain name")
        if level.parent is not None and level.parent not in names:
            _refuse(f"level {level.name!r} has the unknown parent {level.parent!r}")
        seen, above = {level.name}, level.parent
        while above is not None:
            if above in seen:
                _refuse(f"level {level.name!r} is above itself")
            seen.add(above)
            above = next(known.parent for known in levels if known.name == above)


def _refuse(problem: str) -> NoReturn:
    raise ConfigurationError(problem)
