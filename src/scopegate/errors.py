"""Every exception that scopegate raises.

ScopegateError
├── ConfigurationError        the server was built wrongly; raised at start-up, never at a request
├── InvalidValueError         a value handed in by the host or a form is not acceptable; names its field
├── NotFoundError             no such token or client for this user
├── StaleVersionError         somebody changed the thing first; carries what stands now
├── ReadOnlyError             the token's status does not allow this change
├── UnavailableError          nothing was decided; try again (an HTTP 503)
│   ├── StoreUnavailableError
│   ├── DirectoryUnavailableError
│   └── ContentionError
├── ConflictError             a store's guard was false; shells read and decide again
└── OAuthError                a protocol error with its RFC code; flows turn it into a value
"""

from collections.abc import Mapping
from typing import Final


class ScopegateError(Exception):
    """The root of every exception here. It is never raised itself."""


class ConfigurationError(ScopegateError):
    """The server cannot work as configured. The message says which argument, why, and what to write instead."""


class InvalidValueError(ScopegateError, ValueError):
    """A value is not acceptable.

    Args:
        field: the name of the field or argument, as the caller knows it.
        problem: what is wrong with it and what would be right.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field: Final = field
        self.problem: Final = problem


class NotFoundError(ScopegateError):
    """There is no such thing, or it belongs to somebody else; the two are not told apart."""


class StaleVersionError(ScopegateError):
    """The thing was changed by somebody else since the caller read it.

    Args:
        current: the version that stands now.
        differences: what the caller wanted otherwise: by name, what stands now and what was wanted.
    """

    def __init__(self, current: int, differences: Mapping[str, tuple[object, object]]) -> None:
        super().__init__(
            f"it was changed meanwhile and now has version {current}: read it again, then decide"
        )
        self.current: Final = current
        self.differences: Final = dict(differences)


class ReadOnlyError(ScopegateError):
    """The status of the token does not allow this change (an expired or disconnected token is read-only)."""


class UnavailableError(ScopegateError):
    """Nothing was decided and nothing may have been written: answer 503 and let the caller try again (GEN-12)."""


class StoreUnavailableError(UnavailableError):
    """The store did not answer, or it is not known whether it applied a commit."""


class DirectoryUnavailableError(UnavailableError):
    """The host's directory did not answer. This never means that a user has no role."""


class ContentionError(UnavailableError):
    """The same decision lost its race too often in a row."""


class ConflictError(ScopegateError):
    """The guard of a commit was false; nothing of the commit was written."""


class OAuthError(ScopegateError):
    """A protocol error (RFC 6749 section 5.2, 4.1.2.1 and their extensions).

    Args:
        code: the registered error code, such as ``invalid_grant``.
        description: ASCII text for the developer of the client; it never repeats what was sent.
        status: the HTTP status of a direct answer.
    """

    def __init__(self, code: str, description: str = "", *, status: int = 400) -> None:
        super().__init__(f"{code}: {description}" if description else code)
        self.code: Final = code
        self.description: Final = description
        self.status: Final = status
