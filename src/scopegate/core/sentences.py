"""What a scope allows, in words generated from the catalogue, so that they cannot lie."""

from collections.abc import Collection
from typing import assert_never

from attrs import frozen

from scopegate.core.catalogue import Catalogue
from scopegate.core.scopes import AccessClass, Action, ActionScope, Level, LevelScope


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
    match found:
        case LevelScope():
            objects = _objects(catalogue, found, catalogue.level(found.level))
            return Sentence(
                scope, f"{_verb(found.classes)} {objects}.", _tag(found.classes), _never(found.classes)
            )
        case ActionScope():
            things = [_thing(action) for action in found.actions if not action.closed]
            text = "; ".join(things) or "Nothing, for what it names is closed to applications"
            return Sentence(scope, f"{text}.", _tag(found.classes), "Do anything else")
        case _:
            assert_never(found)


def _verb(classes: Collection[AccessClass]) -> str:
    if AccessClass.SENSITIVE in classes:
        return "See, change and administer"
    return "See and change" if AccessClass.WRITE in classes else "See"


def _tag(classes: Collection[AccessClass]) -> str:
    if AccessClass.SENSITIVE in classes:
        return "Full access"
    return "Read and write" if AccessClass.WRITE in classes else "Read"


def _never(classes: Collection[AccessClass]) -> str:
    if AccessClass.SENSITIVE in classes:
        return ""
    if AccessClass.WRITE in classes:
        return "Manage members, credentials or other sensitive settings"
    return "Change anything"


def _thing(action: Action) -> str:
    """One action in words: the host's, else its name and what kind of thing it does."""
    return action.description or f"{action.name} ({action.access.value})"


def _objects(catalogue: Catalogue, scope: LevelScope, level: Level) -> str:
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
