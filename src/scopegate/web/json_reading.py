"""JSON that somebody sent, read with the path of whatever is wrong."""

from collections.abc import Mapping, Sequence
from typing import cast

from scopegate.errors import InvalidValueError


def members(
    given: object, path: str, known: Sequence[str], *, required: Sequence[str] = ()
) -> Mapping[str, object]:
    """The members of an object.

    Args:
        given: what should be one.
        path: where it stands; empty for the whole document.
        known: the names that it may have.
        required: the names that it must have.

    Raises:
        InvalidValueError: it is none, or has a member that it may not have, or lacks one.
    """
    if not isinstance(given, dict):
        raise InvalidValueError(path, "write an object")
    found = cast("dict[str, object]", given)
    for name in found:
        if name not in known:
            raise InvalidValueError(
                _below(path, name), f"there is no such property; there are: {', '.join(known)}"
            )
    for name in required:
        if name not in found:
            raise InvalidValueError(_below(path, name), "this property is missing")
    return found


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def items(given: object, path: str) -> Sequence[object]:
    """The items of an array.

    Raises:
        InvalidValueError: it is none.
    """
    if not isinstance(given, list):
        raise InvalidValueError(path, "write an array")
    return cast("list[object]", given)


def text(given: object, path: str, *, most: int | None = None) -> str:
    """A string that every store can keep.

    Args:
        given: what should be one.
        path: where it stands.
        most: how many characters it may have; None: that is judged elsewhere, and so is whether it is empty.

    Raises:
        InvalidValueError: it is none, is too long or empty, or has a character that is none.
    """
    if not isinstance(given, str):
        raise InvalidValueError(path, "write a string")
    if "\0" in given or any("\ud800" <= character <= "\udfff" for character in given):
        raise InvalidValueError(path, "write whole characters, and not U+0000")
    if most is not None and not 0 < len(given) <= most:
        raise InvalidValueError(path, f"write 1 to {most} characters")
    return given


def choice(given: object, path: str, known: Sequence[str]) -> str:
    """One of a few strings.

    Raises:
        InvalidValueError: it is none of them.
    """
    if not isinstance(given, str) or given not in known:
        raise InvalidValueError(path, f"write one of: {', '.join(known)}")
    return given
