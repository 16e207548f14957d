"""The catalogue: the host's levels, actions, roles, and the scopes that OAuth clients may ask for."""

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Final, NoReturn, get_args

from attrs import evolve, field, frozen

from scopegate.core.roles import RoleLadder
from scopegate.core.scopes import (
    ACTION_NAME,
    SUFFIXES,
    AccessClass,
    Action,
    ActionScope,
    Level,
    LevelScope,
    Reach,
    Scope,
    Target,
)
from scopegate.errors import ConfigurationError

MASK_MEMORY: Final = 4096
ROLE_TARGETS: Final = ("organization", "application")


@frozen
class Rule:
    """An action made ready for deciding: one bit per offered scope, one rank.

    Args:
        action: the action itself.
        mask: the offered scopes that open it, one bit each; none opens a closed action.
        rank: the rank of its least role.
        target: where its role is judged.
        scopes: the names of the offered scopes that open it, the least first.
        has_place: whether it is judged at an organization or an application.
    """

    action: Action
    mask: int
    rank: int
    target: Target
    scopes: tuple[str, ...]
    has_place: bool


def level_actions(levels: Iterable[Level]) -> list[Action]:
    """Every (level, access) pair as an action of its own, such as ``Application.read``."""
    return [
        Action(f"{level.name}.{access.value}", level.name, access)
        for level in levels
        for access in AccessClass
    ]


def usual_least_roles(ladder: RoleLadder) -> dict[AccessClass, str]:
    """The least role of each class where a host has no other wish.

    The weakest role may read, the second write, and the strongest do what is sensitive.
    """
    return {
        AccessClass.READ: ladder.least.name,
        AccessClass.WRITE: ladder.roles[min(2, len(ladder.roles) - 1)].name,
        AccessClass.SENSITIVE: ladder.top.name,
    }


def _renamed(given: Mapping[str, str]) -> dict[str, str]:
    return dict(given)


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
        renamed: what roles, scopes and actions were called before, old name to new. A stored name that is neither in
            the catalogue nor here is no role and covers nothing.

    Raises:
        ConfigurationError: an entry is unknown, repeated or unreachable; the message names it.
    """

    roles: RoleLadder
    levels: tuple[Level, ...]
    least_roles: Mapping[AccessClass, str]
    scopes: tuple[str, ...]
    actions: tuple[Action, ...] = ()
    version: str = "1"
    renamed: Mapping[str, str] = field(factory=dict[str, str], converter=_renamed)
    rules: dict[str, Rule] = field(init=False, repr=False, eq=False)
    offered: dict[str, Scope] = field(init=False, repr=False, eq=False)
    implied: dict[str, tuple[str, ...]] = field(init=False, repr=False, eq=False)
    masks: dict[tuple[str, ...], int] = field(
        init=False, repr=False, eq=False, factory=dict[tuple[str, ...], int]
    )
    _bits: dict[str, int] = field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        put = object.__setattr__
        _check_levels(self.levels)
        _check_least_roles(self.roles, self.least_roles)
        every = _checked_actions(self.levels, self.actions)
        if not self.scopes or len(set(self.scopes)) < len(self.scopes):
            _refuse(f"scopes {list(self.scopes)}: offer at least one, each once")
        put(self, "offered", {name: self.parse(name) for name in self.scopes})
        covered = {
            name: frozenset(action.name for action in every if scope.covers(action))
            for name, scope in self.offered.items()
        }
        put(self, "implied", _implied(covered))
        put(self, "_bits", {name: 1 << position for position, name in enumerate(self.scopes)})
        by_size = sorted(self.scopes, key=lambda name: len(covered[name]))
        put(self, "rules", {action.name: self._rule(action, by_size) for action in every})
        self._read_old_names()

    def _rule(self, action: Action, scopes: Sequence[str]) -> Rule:
        target = self.level(action.level).target
        least = action.least_role or self.least_roles[action.access]
        rank = self.roles.rank(least)
        if not rank:
            known = ", ".join(role.name for role in self.roles.roles[1:])
            _refuse(
                f"action {action.name!r} needs the role {least!r}, not one of the roles above 'none': {known}"
            )
        if action.least_role and target == "user":
            _refuse(
                f"action {action.name!r} has a least role, but no role is judged on the level {action.level!r}"
            )
        opening = [name for name in scopes if self.offered[name].covers(action) and not action.closed]
        mask = sum(self._bits[name] for name in opening)
        return Rule(action, mask, rank, target, tuple(opening), target in ROLE_TARGETS)

    def _read_old_names(self) -> None:
        """Let old names lead to what they are called now."""
        roles: dict[str, str] = {}
        scopes, actions = dict(self._bits), dict(self.rules)
        for old, new in self.renamed.items():
            if not old or old in self.roles or old in scopes or old in actions:
                _refuse(f"renamed {old!r}: it is empty, or still in the catalogue")
            if new in self.roles:
                roles[old] = new
            elif new in scopes or new in actions:
                if new in scopes:
                    self._bits[old] = scopes[new]
                if new in actions:
                    self.rules[old] = actions[new]
            else:
                _refuse(f"renamed {old!r}: its new name {new!r} is no role, offered scope or action")
        if roles:
            object.__setattr__(self, "roles", evolve(self.roles, renamed=roles))

    def parse(self, name: str) -> Scope:
        """A scope of this catalogue's grammar, on offer or not.

        Raises:
            ConfigurationError: it is neither ``<all|only>.<Level>[.bounded|.read]`` nor ``<resource>.<action>`` nor
                ``<resource>.*``, or names what is not there.
        """
        reach, _, rest = name.partition(".")
        if reach in {"all", "only"}:
            level, _, suffix = rest.partition(".")
            if not name.endswith(".") and suffix in SUFFIXES and level in self._beneath(level):
                levels = self._beneath(level) if reach == "all" else {level}
                known: Reach = "all" if reach == "all" else "only"
                return LevelScope(name, level, known, frozenset(levels), SUFFIXES[suffix])
        elif found := tuple(
            action for action in self.actions if name in {action.name, f"{action.resource}.*"}
        ):
            return ActionScope(name, found)
        raise ConfigurationError(
            f"scope {name!r}: write all.<Level> or only.<Level>, then nothing, .bounded or .read, or"
            f" <resource>.<action> or <resource>.* for actions of the catalogue; levels are"
            f" {sorted(known.name for known in self.levels)}"
        )

    def _beneath(self, name: str) -> set[str]:
        """A level and all that are under it; nothing for a name that is no level."""
        found = {level.name for level in self.levels if level.name == name}
        for _ in self.levels:
            found |= {level.name for level in self.levels if level.parent in found}
        return found

    def mask(self, scopes: tuple[str, ...]) -> int:
        """The scopes as one bit each. Names no longer on offer cover nothing: stored names fail closed."""
        try:
            return self.masks[scopes]
        except KeyError:
            return self._remembered(scopes)

    def _remembered(self, scopes: tuple[str, ...]) -> int:
        found = 0
        for name in scopes:
            found |= self._bits.get(name, 0)
        if len(self.masks) >= MASK_MEMORY:
            self.masks.clear()
        self.masks[scopes] = found
        return found

    def current(self, names: Iterable[str]) -> tuple[str, ...]:
        """Names as they are called now; one that was not renamed stays as it is."""
        return tuple(dict.fromkeys(self.renamed.get(name, name) for name in names))

    def rule(self, action: str) -> Rule:
        """The rule of an action.

        Raises:
            ConfigurationError: the catalogue has no such action; nothing is decided about unknown names.
        """
        found = self.rules.get(action)
        if found is None:
            raise self.unknown_action(action)
        return found

    def unknown_action(self, action: str) -> ConfigurationError:
        """What to raise about an action that is not there."""
        return ConfigurationError(
            f"action {action!r} is not in the catalogue; add it, or use <Level>.<read|write|sensitive>"
        )

    def needed(self, rules: Iterable[Rule], allowed: Container[str] | None = None) -> tuple[str, ...] | None:
        """The scopes that an operation needs, all at once and no more (RS-6, RS-8).

        They are the least scope for each action, less those without which the others open all of them.

        Args:
            rules: the actions of the operation.
            allowed: the scopes that may be asked for; None: all on offer.

        Returns:
            the scopes; None where no scope opens one of the actions.
        """
        wanted = tuple(rules)
        needed: list[str] = []
        for rule in wanted:
            name = next((name for name in rule.scopes if allowed is None or name in allowed), None)
            if name is None:
                return None
            if name not in needed:
                needed.append(name)
        for name in tuple(needed):
            others = self.mask(tuple(other for other in needed if other != name))
            if all(others & rule.mask for rule in wanted):
                needed.remove(name)
        return tuple(needed)

    def level(self, name: str) -> Level:
        """The level of that name."""
        return next(level for level in self.levels if level.name == name)


def _implied(covered: Mapping[str, frozenset[str]]) -> dict[str, tuple[str, ...]]:
    """By offered scope, the others that it covers (RS-7). Of two that cover the same, the first covers the other."""
    names = list(covered)
    return {
        name: tuple(
            other
            for place, other in enumerate(names)
            if covered[other] <= covered[name]
            and (covered[other] != covered[name] or place > names.index(name))
        )
        for name in names
    }


def _checked_actions(levels: Sequence[Level], own: Sequence[Action]) -> list[Action]:
    """Every action: the (level, access) pairs, then the host's own."""
    names = {level.name for level in levels}
    every = level_actions(levels)
    seen = {action.name for action in every}
    for action in own:
        if action.level not in names:
            _refuse(
                f"action {action.name!r} has the unknown level {action.level!r}; levels are {sorted(names)}"
            )
        if action.name in seen:
            _refuse(f"action {action.name!r} is there twice; (level, access) pairs are actions already")
        if not ACTION_NAME.fullmatch(action.name) or action.resource in names:
            _refuse(
                f"action {action.name!r}: write <resource>.<action>; the resource may not be a level, 'all' or 'only'"
            )
        seen.add(action.name)
        every.append(action)
    return every


def _check_least_roles(ladder: RoleLadder, least_roles: Mapping[AccessClass, str]) -> None:
    if unknown := [key for key in least_roles if key not in set(AccessClass)]:
        _refuse(f"least_roles {unknown[0]!r} is no class of access; they are: {', '.join(AccessClass)}")
    for access in AccessClass:
        role = least_roles.get(access)
        if role not in ladder or not ladder.rank(role):
            known = ", ".join(role.name for role in ladder.roles[1:])
            _refuse(
                f"least_roles: {access.value!r} needs the role {role!r}, not one of the roles above 'none': {known}"
            )


def _check_levels(levels: tuple[Level, ...]) -> None:
    names = [level.name for level in levels]
    targets = get_args(Target)
    for level in levels:
        if not (level.name.isidentifier() and level.name.isascii()) or names.count(level.name) > 1:
            _refuse(f"level {level.name!r}: give each level one plain name of ASCII letters")
        if level.target not in targets:
            _refuse(
                f"level {level.name!r} has the unknown target {level.target!r}; targets are {list(targets)}"
            )
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
