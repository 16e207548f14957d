"""A catalogue from plain data: a dictionary, or a parsed TOML file."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar, cast

from attrs import NOTHING, AttrsInstance, fields

from scopegate.core.catalogue import Catalogue, usual_least_roles
from scopegate.core.roles import Role, RoleLadder
from scopegate.core.scopes import Action, Level
from scopegate.errors import ConfigurationError

T = TypeVar("T", bound=AttrsInstance)
ENTRIES: Final = (
    "roles",
    "levels",
    "least_roles",
    "scopes",
    "actions",
    "version",
    "renamed",
    "application_limit",
)


def from_mapping(given: Mapping[str, Any]) -> Catalogue:
    """A catalogue from plain data, such as ``tomllib`` gives.

    Args:
        given: ``roles`` (names, or tables like `Role`, the weakest first), ``levels`` (tables like `Level`, by name),
            ``scopes`` (names), and if wanted ``least_roles`` (by class of access), ``actions`` (tables like `Action`,
            by name), ``version``, ``renamed`` (old name to new) and ``application_limit`` (the strongest role that a
            cap may set for a single application).

    Raises:
        ConfigurationError: an entry makes no sense; the message names it.
    """
    entries = _table("a catalogue", given)
    for entry in entries:
        if entry not in ENTRIES:
            raise ConfigurationError(f"entry {entry!r} is unknown; a catalogue has: {', '.join(ENTRIES)}")
    roles = RoleLadder.of(
        (
            role if isinstance(role, str) else _built(Role, "entry 'roles'", role)
            for role in _list(entries, "roles")
        ),
        application_limit=_limit(entries.get("application_limit")),
    )
    least_roles = _strings("entry 'least_roles'", entries.get("least_roles", {}))
    return Catalogue(
        roles=roles,
        levels=_tables(Level, "level", _table("entry 'levels'", entries.get("levels", {}))),
        least_roles={**usual_least_roles(roles), **cast("dict[Any, str]", least_roles)},
        scopes=_names("entry 'scopes'", _list(entries, "scopes")),
        actions=_tables(Action, "action", _table("entry 'actions'", entries.get("actions", {}))),
        version=_version(entries.get("version", "1")),
        renamed=_strings("entry 'renamed'", entries.get("renamed", {})),
    )


def _version(given: object) -> str:
    if not isinstance(given, str | int) or isinstance(given, bool):
        raise ConfigurationError(f"entry 'version' is {given!r}: write a string or a whole number")
    return str(given)


def _limit(given: object) -> str | None:
    if given is not None and not isinstance(given, str):
        raise ConfigurationError(f"entry 'application_limit' is {given!r}: write the name of a role")
    return given


def _list(entries: Mapping[str, object], entry: str) -> Sequence[object]:
    found = entries.get(entry)
    if not isinstance(found, list | tuple):
        raise ConfigurationError(f"entry {entry!r} is missing, or not a list")
    return cast("Sequence[object]", found)


def _table(what: str, given: object) -> dict[str, object]:
    if not isinstance(given, Mapping):
        raise ConfigurationError(f"{what}: {given!r} is not a table")
    table = cast("Mapping[object, object]", given)
    _names(what, table)
    return dict(cast("Mapping[str, object]", table))


def _strings(what: str, given: object) -> dict[str, str]:
    """A table of names by name."""
    table = _table(what, given)
    return dict(zip(table, _names(what, table.values()), strict=True))


def _names(what: str, given: Iterable[object]) -> tuple[str, ...]:
    found = tuple(given)
    for name in found:
        if not isinstance(name, str):
            raise ConfigurationError(f"{what}: {name!r} is not a string")
    return cast("tuple[str, ...]", found)


def _tables(kind: type[T], word: str, tables: Mapping[str, object]) -> tuple[T, ...]:
    return tuple(_built(kind, f"{word} {name!r}", table, name=name) for name, table in tables.items())


def _built(kind: type[T], what: str, given: object, **named: str) -> T:
    """A value of its class, from a table with a key for each of its attributes but those that are named already."""
    table = _table(what, given)
    defaults: dict[str, object] = {each.name: each.default for each in fields(kind) if each.name not in named}
    for key in table:
        if key not in defaults:
            raise ConfigurationError(
                f"{what} has the unknown key {key!r}; it may have: {', '.join(defaults)}"
            )
    for key, default in defaults.items():
        value = table.get(key, default)
        if value is NOTHING:
            raise ConfigurationError(f"{what} has no {key!r}")
        kinds, words = (bool, "true or false") if isinstance(default, bool) else (str, "a string")
        if value is not default and not isinstance(value, kinds):
            raise ConfigurationError(f"{what}: {key!r} is {value!r}, not {words}")
    try:
        return kind(**named, **table)
    except ConfigurationError as error:
        raise ConfigurationError(f"{what}: {error}") from None
