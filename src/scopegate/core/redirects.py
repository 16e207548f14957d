"""Redirection URIs: which may be registered, which match, and the only way to send a browser to one (RED, DCR-6)."""

import re
from collections.abc import Iterable, Sequence
from typing import Final
from urllib.parse import parse_qsl, quote_plus, urlsplit

from attrs import field, frozen

from scopegate.errors import InvalidValueError

MAXIMUM_LENGTH: Final = 2048
FORBIDDEN_SCHEMES: Final = frozenset(
    {
        "javascript",
        "data",
        "file",
        "vbscript",
        "blob",
        "about",
        "ws",
        "wss",
        "ftp",
        "view-source",
        "filesystem",
    }
)
RESERVED_PARAMETERS: Final = frozenset({"code", "state", "iss", "error", "error_description", "error_uri"})
_URI_CHARACTERS: Final = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()*+,;=%-]+")
_SCHEME: Final = re.compile(r"([a-z][a-z0-9+.-]*):")
_LOOPBACK: Final = re.compile(r"http://(127\.0\.0\.1|\[::1\]|localhost)(?::[0-9]{1,5})?((?:[/?].*)?)")
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_SEAL: Final = object()


@frozen(init=False)
class RedirectUri:
    """A redirection URI that was matched against a client's registered ones; `match` alone can build it (law 6)."""

    uri: str = field()

    def __init__(self, uri: str, seal: object) -> None:
        if seal is not _SEAL:
            msg = "a RedirectUri comes from match(registered, requested) only"
            raise TypeError(msg)
        object.__setattr__(self, "uri", uri)

    def with_parameters(self, parameters: Iterable[tuple[str, str]]) -> str:
        """The URI to send the browser to, its registered query kept and the parameters added (RED-5)."""
        query = "&".join(f"{name}={quote_plus(value)}" for name, value in parameters)
        separator = ("" if self.uri.endswith(("?", "&")) else "&") if "?" in self.uri else "?"
        return f"{self.uri}{separator}{query}"


def is_loopback(uri: str) -> bool:
    """Whether a URI leads to a program on the person's own device by plain http (RFC 8252 section 7.3)."""
    return _LOOPBACK.fullmatch(uri) is not None


def _equal_but_for_port(registered: str, requested: str) -> bool:
    one, other = _LOOPBACK.fullmatch(registered), _LOOPBACK.fullmatch(requested)
    return one is not None and other is not None and one.groups() == other.groups()


def match(registered: Sequence[str], requested: str | None) -> RedirectUri | None:
    """The redirection URI to use, or None.

    Exact comparison of strings, but for the port of http loopback URIs (RED-1 to RED-4). A URI may be left out only
    where exactly one is registered (RED-7).
    """
    if requested is None:
        return RedirectUri(registered[0], _SEAL) if len(registered) == 1 else None
    for known in registered:
        if known == requested or (_equal_but_for_port(known, requested) and _port_is_valid(requested)):
            return RedirectUri(requested, _SEAL)
    return None


def _port_is_valid(uri: str) -> bool:
    try:
        port = urlsplit(uri).port
    except ValueError:
        return False
    return port != 0


def validate_redirect_uri(uri: str, *, private_schemes: Iterable[str]) -> str:
    """The URI itself, if a client may register it.

    Args:
        uri: what the client asks for.
        private_schemes: schemes without a dot that are allowed, such as ``cursor``.

    Raises:
        InvalidValueError: says what is wrong with it (the web answers ``invalid_redirect_uri``).
    """
    scheme = _scheme_of(uri)
    try:
        urlsplit(uri)
    except ValueError:
        raise InvalidValueError("redirect_uris", "the host is malformed") from None
    if scheme in {"http", "https"}:
        _check_web_uri(uri, scheme)
    elif "." not in scheme and scheme not in private_schemes:
        raise InvalidValueError(
            "redirect_uris", "a private-use scheme needs a dot (RFC 8252) or the operator's consent"
        )
    names = {name for name, _ in parse_qsl(uri.partition("?")[2], keep_blank_values=True)}
    if names & RESERVED_PARAMETERS:
        raise InvalidValueError(
            "redirect_uris", "the query may not use names that the response uses, such as code"
        )
    return uri


def _scheme_of(uri: str) -> str:
    if not uri or len(uri) > MAXIMUM_LENGTH or not _URI_CHARACTERS.fullmatch(uri):
        raise InvalidValueError(
            "redirect_uris",
            f"each must be an absolute URI of at most {MAXIMUM_LENGTH} plain characters, no fragment",
        )
    found = _SCHEME.match(uri)
    if found is None or found[1] in FORBIDDEN_SCHEMES:
        raise InvalidValueError(
            "redirect_uris", "each must be absolute and lead to an application, not to content"
        )
    return found[1]


def _check_web_uri(uri: str, scheme: str) -> None:
    try:
        parts = urlsplit(uri)
        port_is_valid = parts.port != 0
    except ValueError:
        port_is_valid = False
        parts = urlsplit("")
    if not port_is_valid or parts.username is not None or "@" in parts.netloc:
        raise InvalidValueError(
            "redirect_uris", "the host or port is malformed, or it carries user information"
        )
    host = parts.netloc.rpartition(":")[0] if parts.port is not None else parts.netloc
    if not _HOST.fullmatch(host) or ".." in host:
        raise InvalidValueError("redirect_uris", "the host is malformed")
    if scheme == "http" and not is_loopback(uri):
        raise InvalidValueError(
            "redirect_uris", "plain http is for 127.0.0.1, [::1] and localhost only; use https"
        )
