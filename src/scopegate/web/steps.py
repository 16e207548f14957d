"""What an answer takes, as values: calls to the server and to the host, one after another.

An application does each call and hands on its outcome; it needs to know nothing of what the calls are for.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

from attrs import evolve, field, frozen

from scopegate.errors import (
    InvalidValueError,
    NotFoundError,
    ReadOnlyError,
    StaleVersionError,
    UnavailableError,
)
from scopegate.web.messages import Headers, Response

Call = Literal["current_user", "access", "find_tokens", "token_detail", "edit", "delete"]
"""``current_user`` asks the host; the others are methods of the server."""
Refusing: TypeAlias = InvalidValueError | NotFoundError | ReadOnlyError | StaleVersionError | UnavailableError
REFUSING: Final = (InvalidValueError, NotFoundError, ReadOnlyError, StaleVersionError, UnavailableError)
"""The errors of a call that have an answer of their own."""


@frozen
class Step:
    """One call, and what follows from it.

    Args:
        call: what is called.
        then: its outcome in; the next step or the response out. It may raise one of `REFUSING`, too.
        failed: an error in; the next step or the response out.
        arguments: of the call, by position.
        options: of the call, by name.
    """

    call: Call
    then: Callable[[Any], "Answer"]
    failed: Callable[[Refusing], "Answer"]
    arguments: tuple[object, ...] = ()
    options: Mapping[str, object] = field(factory=dict[str, object])


Answer: TypeAlias = Step | Response


def with_headers(answer: Answer, headers: Headers) -> Answer:
    """The answer with more headers, however many steps it takes."""
    if isinstance(answer, Response):
        return Response(answer.status, (*answer.headers, *headers), answer.body)
    then, failed = answer.then, answer.failed

    def more_then(outcome: object) -> Answer:
        return with_headers(then(outcome), headers)

    def more_failed(error: Refusing) -> Answer:
        return with_headers(failed(error), headers)

    return evolve(answer, then=more_then, failed=more_failed)
