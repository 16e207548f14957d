"""The answers of the JSON API of a user's tokens."""

import json
import re
from collections.abc import Callable
from typing import Final, assert_never

from attrs import frozen

from scopegate.core.catalogue import Catalogue
from scopegate.errors import (
    InvalidValueError,
    NotFoundError,
    ReadOnlyError,
    StaleVersionError,
    UnavailableError,
)
from scopegate.flows.access import Refusal
from scopegate.flows.challenges import challenge
from scopegate.flows.configuration import Configuration
from scopegate.flows.manage import TokenView
from scopegate.web.messages import JSON, NO_STORE, Headers, Request, Response
from scopegate.web.steps import Refusing
from scopegate.web.token_records import differences, record

TYPES: Final = {
    400: "Validation",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "ReadOnly",
    412: "Stale",
    413: "TooLarge",
    414: "UriTooLong",
    415: "UnsupportedMediaType",
    503: "Unavailable",
}
"""The type of a problem, by its HTTP status."""

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,128}")


@frozen
class Account:
    """What the operations need to know.

    Args:
        configuration: of the server.
        base: the path of the list.
        list_action: what a bearer token must cover to read the list; None: none may.
        token_action: what it must cover to read one token.
    """

    configuration: Configuration
    base: str
    list_action: str | None
    token_action: str | None

    @property
    def catalogue(self) -> Catalogue:
        """The catalogue."""
        return self.configuration.catalogue

    def token_id(self, request: Request) -> str:
        """The id in the path of a request.

        Raises:
            NotFoundError: no token has such an id.
        """
        found = request.path.removeprefix(f"{self.base}/")
        if not _ID.fullmatch(found):
            raise NotFoundError("there is no such token")
        return found


def content(status: int, body: object, headers: Headers = ()) -> Response:
    """A JSON answer that nobody keeps."""
    return Response(status, (*JSON, *NO_STORE, *headers), json.dumps(body).encode("ascii"))


def problem(status: int, message: str, field: str = "", *, headers: Headers = (), **more: object) -> Response:
    """The answer to what is not done. ``field`` is the path or the parameter that it is about; empty: none."""
    named = {"field": field} if field else {}
    return content(status, {"type": TYPES[status], "message": message, **named, **more}, headers)


def tag(version: int) -> Headers:
    """The entity tag of a version, for ``If-Match``; what the protocol changes, such as the last use, is no part of it.

    So it is never compared with ``If-None-Match``.
    """
    return (("ETag", f'"{version}"'),)


def shown(account: Account, seen: TokenView) -> Response:
    """A token, with its version as entity tag."""
    return content(200, record(seen, account.catalogue), tag(seen.version))


def refused(account: Account, refusal: Refusal) -> Response:
    """The server's challenge; its body says the same in the words of this API as well."""
    found = challenge(account.configuration, refusal)
    headers = (("WWW-Authenticate", found.www_authenticate),) if found.www_authenticate else ()
    message = refusal.description or "sign in, or send an access token"
    return problem(found.status, message, headers=headers, **json.loads(found.body))


def failure(account: Account, error: Refusing, named: Callable[[str], str] = lambda name: name) -> Response:
    """The answer to an error; ``named`` tells where a value stands that the server calls by another name."""
    match error:
        case InvalidValueError():
            return problem(400, error.problem, named(error.field))
        case NotFoundError():
            return problem(404, str(error))
        case ReadOnlyError():
            return problem(409, str(error))
        case StaleVersionError():
            both = differences(error.differences, account.catalogue.roles)
            return problem(
                412, str(error), headers=tag(error.current), current=error.current, differences=both
            )
        case UnavailableError():
            return unavailable()
        case _:
            assert_never(error)


def unavailable() -> Response:
    """Nothing was decided (GEN-12, law 7)."""
    return problem(503, "nothing was decided; try again", headers=(("Retry-After", "1"),))
