"""A catalogue from plain data: a dictionary, or a parsed TOML file."""

from collections.abc import Mapping
from typing import Any, Final, TypeVar

from scopegate.core.catalogue import Catalogue, usual_least_roles
from scopegate.core.roles import Role, RoleLadder
from scopegate.core.scopes import Action, Level
from scopegate.errors import ConfigurationError

T = TypeVar("T")
ENTRIES: Final = ("roles", "levels", "least_roles", "scopes", "actions", "version", "renamed")


def from_mapping(given: Mapping[str, Any]) -> Catalogue:
    """A catalogue from plain data, such as ``tomllib`` gives.

    Args:
        given: ``roles`` (names, or tables like `Role`, the weakest first), ``levels`` (tables like `Level`, by name),
            ``scopes`` (names), and if wanted ``least_roles`` (by class of access), ``actions`` (tables like `Action`,
            by name), ``version`` and ``renamed`` (old name to new).

    Raises:
        ConfigurationError: an entry makes no sense; the message names it.
    """
    for entry in given:
        if entry not in ENTRIES:
            raise ConfigurationError(f"entry {entry!r} is unknown; a catalogue has: {', '.join(ENTRIES)}")
    for entry in ("levels", "actions", "least_roles", "renamed"):
        if not isinstance(given.get(entry, {}), Mapping):
            raise ConfigurationError(f"entry {entry!r} is not a table")
    for entry in ("roles", "scopes"):
        if not isinstance(given.get(entry), list | tuple):
            raise ConfigurationError(f"entry {entry!r} is missing, or not a list")
    roles = RoleLadder.of(
        role if isinstance(role, str) else _built(Role, "role", role) for role in given["roles"]
    )
    return Catalogue(
        roles=roles,
        levels=tuple(_tables(Level, "level", given.get("levels", {}))),
        least_roles=usual_least_roles(roles) | given.get("least_roles", {}),
        scopes=tuple(given["scopes"]),
        actions=tuple(_tables(Action, "action", given.get("actions", {}))),
        version=str(given.get("version", "1")),
        renamed=given.get("renamed", {}),
    )


def _tables(kind: type[T], word: str, tables: Mapping[str, Any]) -> list[T]:
    return [
        _built(kind, f"{word} {name!r}", {"name": name, **table} if isinstance(table, Mapping) else table)
        for name, table in tables.items()
    ]


def _built(kind: type[T], entry: str, table: Any) -> T:  # noqa: ANN401 - whatever the file says
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"{entry}: {table!r} is not a table")
    try:
        return kind(**table)
    except (TypeError, ConfigurationError) as error:
        raise ConfigurationError(f"{entry}: {str(error).replace('Action.__init__() ', '')}") from None
