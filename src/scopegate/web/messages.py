"""HTTP as values."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from http import HTTPStatus
from typing import Final, TypeAlias

from attrs import define, field

Headers: TypeAlias = tuple[tuple[str, str], ...]

NO_STORE: Final[Headers] = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))
JSON: Final[Headers] = (("Content-Type", "application/json"), ("X-Content-Type-Options", "nosniff"))
BODILESS: Final = frozenset({204, 304})
ANY_ORIGIN: Final[Headers] = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After"),
)

REPLY_HEADERS: Final[Headers] = (*JSON, *NO_STORE, *ANY_ORIGIN)
"""Of every answer to a program that nobody keeps."""

HEADERS_READ: Final = frozenset(
    {"authorization", "content-type", "cookie", "if-match", "if-none-match", "origin", "sec-fetch-site"}
)
"""The headers that something here looks at, in lower case; an adapter may leave out all others."""


@define(eq=False)
class Request:
    """A request as an adapter saw it.

    Args:
        method: in upper case.
        path: decoded, below the host.
        query: raw, without the question mark.
        headers: those in `HEADERS_READ` by lower-case name; of a repeated header, the last value; cookies together.
        repeated: lower-case names of headers that came more than once.
        body: the whole body, at most as long as the operation allows.
    """

    method: str
    path: str
    query: bytes = b""
    headers: Mapping[str, str] = field(factory=dict[str, str])
    repeated: AbstractSet[str] = frozenset()
    body: bytes = b""


@define(eq=False)
class Response:
    """A response for an adapter to send."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    @property
    def reason(self) -> str:
        """The reason phrase of the status."""
        return HTTPStatus(self.status).phrase

    @property
    def sent_headers(self) -> Headers:
        """The headers with the length of the body, which 204 and 304 do not have (RFC 9110 section 8.6)."""
        if self.status in BODILESS:
            return self.headers
        return (*self.headers, ("Content-Length", str(len(self.body))))
