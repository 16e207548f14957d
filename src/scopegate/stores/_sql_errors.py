"""What goes wrong in a database, in the words of a store."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, cast

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError

from scopegate.errors import InvalidValueError, StoreUnavailableError

ATTEMPTS: Final = 20
"""How often a commit is tried that only failed because it could not be serialized with others."""
_AT_ONCE: Final = 2
_READS: Final = 3
_NO_TEXT: Final = "it holds NUL or half of a surrogate pair: send whole characters"
_NO_NUMBER: Final = "it has more than 64 bits: send a smaller one"
_SERIALIZATION: Final = frozenset({"40001", "40P01"})
_LOCKED: Final = frozenset({1213, 1205})
_TOO_LARGE: Final = frozenset({"54000", "22001"})
_TOO_LONG: Final = 1406
_MOST: Final = 2**63


def may_be_repeated(error: BaseException, attempt: int, *, reading: bool) -> bool:
    """Whether the same work may be done again: others were in the way, or what only reads met a stale connection.

    Args:
        error: what came of the work.
        attempt: how often it was tried; 1 is the first time.
        reading: whether it wrote nothing.
    """
    if not isinstance(error, DBAPIError) or attempt >= ATTEMPTS:
        return False
    return is_contended(error) or (reading and error.connection_invalidated and attempt < _READS)


def is_contended(error: BaseException) -> bool:
    """Whether others were in the way, so that nothing was done."""
    return _state(error) in _SERIALIZATION or _number(error) in _LOCKED


def pause(attempt: int) -> float:
    """Seconds to wait before that attempt (1 is the first): none, and then longer and longer."""
    return 0.0 if attempt <= _AT_ONCE else min(0.001 * 2**attempt, 0.25)


def spoken(error: BaseException, values: object = ()) -> InvalidValueError | StoreUnavailableError:
    """What went wrong, in the words of a store. It repeats no statement, for those carry values.

    Args:
        error: what was raised.
        values: those of the statement, if the error does not know them.
    """
    return _refusal(error, values) or StoreUnavailableError(
        f"the database did not do as asked ({type(error).__name__}{_code(error)}): see that it runs and that it "
        f"can be reached, then try again"
    )


def cause(error: BaseException) -> BaseException:
    """What to name as the cause: the driver's own error, since SQLAlchemy's repeats the values of a statement."""
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def _refusal(error: BaseException, values: object) -> InvalidValueError | None:
    """Why the database cannot keep these values; None: it is not because of them."""
    if isinstance(error, UnicodeEncodeError):
        return InvalidValueError("text", _NO_TEXT)
    if isinstance(error, OverflowError):
        return InvalidValueError("number", _NO_NUMBER)
    for value in _values(error.params if isinstance(error, StatementError) else values):
        if isinstance(value, str) and not _is_text(value):
            return InvalidValueError("text", _NO_TEXT)
        if isinstance(value, int) and not -_MOST <= value < _MOST:
            return InvalidValueError("number", _NO_NUMBER)
    if _state(error) in _TOO_LARGE or _number(error) == _TOO_LONG:
        return InvalidValueError("text", "it is longer than the database keeps: send a shorter one")
    return None


def _values(parameters: Any) -> Iterator[object]:  # noqa: ANN401 - every driver has its own
    """What a statement was executed with, once or many times, whatever the style of the driver's places."""
    if isinstance(parameters, Mapping):
        parameters = [*cast("Mapping[str, object]", parameters).values()]
    if not isinstance(parameters, list | tuple):
        yield parameters
        return
    for each in cast("Sequence[object]", parameters):
        yield from _values(each)


def _is_text(value: str) -> bool:
    """Whether PostgreSQL takes it."""
    return "\0" not in value and (value.isascii() or not any("\ud800" <= each < "\ue000" for each in value))


def _state(error: BaseException) -> str | None:
    state = getattr(cause(error), "sqlstate", None)
    return state if isinstance(state, str) else None


def _number(error: BaseException) -> int | None:
    """MySQL and MariaDB number their errors; PyMySQL and asyncmy put the number first."""
    arguments = cause(error).args if isinstance(error, DBAPIError) else ()
    return arguments[0] if arguments and isinstance(arguments[0], int) else None


def _code(error: BaseException) -> str:
    code, driver = _state(error) or _number(error), cause(error)
    return ("" if driver is error else f", {type(driver).__name__}") + (f" {code}" if code else "")


TROUBLE: Final = (SQLAlchemyError, OSError, UnicodeEncodeError, OverflowError)
"""What drivers and pools raise when they cannot do their work."""
