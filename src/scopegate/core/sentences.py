"""What a scope allows, in words generated from the catalogue, so that they cannot lie."""

from typing import assert_never

from attrs import frozen

from scopegate.core.scopes import AccessClass, Catalogue, Level, Scope


@frozen
class Sentence:
    """A scope in words.

    Args:
        scope: the scope's name.
        text: what it lets an application do.
        tag: ``Read``, ``Read and write`` or ``Full access``.
        never: what it never lets an application do; empty where it covers everything of its levels.
    """

    scope: str
    text: str
    tag: str
    never: str


def describe(catalogue: Catalogue, scope: str) -> Sentence:
    """The sentence of an offered scope."""
    found = catalogue.offered[scope]
    level = catalogue.level(found.level)
    return Sentence(scope, f"{_verb(found)} {_objects(catalogue, found, level)}.", _tag(found), _never(found))


def _verb(scope: Scope) -> str:
    if AccessClass.SENSITIVE in scope.classes:
        return "See, change and administer"
    return "See and change" if AccessClass.WRITE in scope.classes else "See"


def _tag(scope: Scope) -> str:
    if AccessClass.SENSITIVE in scope.classes:
        return "Full access"
    return "Read and write" if AccessClass.WRITE in scope.classes else "Read"


def _never(scope: Scope) -> str:
    if AccessClass.SENSITIVE in scope.classes:
        return ""
    if AccessClass.WRITE in scope.classes:
        return "Manage members, credentials or other sensitive settings"
    return "Change anything"


def _objects(catalogue: Catalogue, scope: Scope, level: Level) -> str:
    own = f"your {level.words}" + (f" ({level.includes})" if level.includes else "")
    beneath = [known for known in catalogue.levels if known.parent == level.name]
    if scope.reach == "only" and level.target == "user":
        return f"{own}, and nothing else"
    match scope.reach:
        case "all" if beneath:
            return f"{own}, and everything in their {' and '.join(known.words for known in beneath)}"
        case "only" if beneath:
            return f"{own}, but nothing inside their {' and '.join(known.words for known in beneath)}"
        case "all" | "only":
            return own
        case _:
            assert_never(scope.reach)
