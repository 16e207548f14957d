"""Which path is which operation, and the answers that need no server: discovery, CORS, 404, 405, 413."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import urlsplit

from attrs import frozen

from scopegate.core.credentials import Entropy, new_secret
from scopegate.errors import ConfigurationError
from scopegate.flows import metadata
from scopegate.flows.configuration import Configuration
from scopegate.flows.outcomes import SignedIn
from scopegate.web.messages import ANY_ORIGIN, JSON, Headers, Request, Response
from scopegate.web.operations import OPERATIONS, Operation, Surface, document_response
from scopegate.web.pages import Pages

PREFLIGHT: Final[Headers] = (
    *ANY_ORIGIN,
    ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
    ("Access-Control-Allow-Headers", "Authorization, Content-Type, MCP-Protocol-Version, DPoP"),
    ("Access-Control-Max-Age", "86400"),
)
MAXIMUM_QUERY: Final = 16_384


@frozen
class Site:
    """Everything that is served, by path; made once for a server.

    Args:
        surface: what rendering needs.
        operations: by path and method.
        documents: discovery documents by path.
        refused: paths that must be 404 even where the host has a catch-all (META-12).
        cookie: the name of our own session cookie.
    """

    surface: Surface
    operations: Mapping[str, Mapping[str, Operation]]
    documents: Mapping[str, metadata.Document]
    refused: frozenset[str]
    cookie: str

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that is answered here."""
        return (*self.documents, *self.operations, *sorted(self.refused))

    def find(self, method: str, path: str) -> Operation | Callable[[Request], Response]:
        """The operation of a request, or what answers it at once."""
        known = self.operations.get(path)
        if known is None:
            document = self.documents.get(path)
            return _not_found if document is None else _document(document)
        operation = known.get("GET" if method == "HEAD" else method)
        if operation is not None:
            return operation
        if method == "OPTIONS" and not any(one.is_page for one in known.values()):
            return _preflight
        return _not_allowed(", ".join(known))


def _document(document: metadata.Document) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        if request.method == "OPTIONS":
            return _preflight(request)
        if request.method not in {"GET", "HEAD"}:
            return _not_allowed("GET, HEAD, OPTIONS")(request)
        return document_response(request, document)

    return answer


def _preflight(request: Request) -> Response:
    del request
    return Response(204, PREFLIGHT)


def _not_found(request: Request) -> Response:
    del request
    return Response(404, (*JSON, *ANY_ORIGIN), b'{"error":"not_found"}')


def _not_allowed(allowed: str) -> Callable[[Request], Response]:
    def answer(request: Request) -> Response:
        del request
        body = b'{"error":"invalid_request","error_description":"this method is not allowed here"}'
        return Response(405, (("Allow", allowed), *JSON, ("Cache-Control", "no-store")), body)

    return answer


def too_large() -> Response:
    """The answer to a body or query that is too long (GEN-8)."""
    body = b'{"error":"invalid_request","error_description":"the request is too long"}'
    return Response(413, (*JSON, *ANY_ORIGIN, ("Cache-Control", "no-store")), body)


def site(
    configuration: Configuration, *, login_url: str, next_parameter: str = "next", pages: Pages | None = None
) -> Site:
    """The site of a server.

    Raises:
        ConfigurationError: Jinja2 is missing, or ``login_url`` is empty.
    """
    if not login_url:
        msg = "login_url is empty: write the address of your sign-in page, such as /login"
        raise ConfigurationError(msg)
    surface = Surface(
        pages=pages or Pages(configuration.product),
        issuer=configuration.issuer,
        consent_url=configuration.endpoint("consent").url,
        login_url=login_url,
        next_parameter=next_parameter,
        realm=configuration.realm,
    )
    known = [one for one in OPERATIONS if configuration.registration or one.endpoint != "register"]
    secure = configuration.issuer.startswith("https:")
    return Site(
        surface=surface,
        operations={configuration.endpoint(one.endpoint).path: {one.http_method: one} for one in known},
        documents=_documents(configuration),
        refused=frozenset(metadata.refused_paths(configuration)),
        cookie="__Host-scopegate" if secure else "scopegate-session",
    )


def _documents(configuration: Configuration) -> dict[str, metadata.Document]:
    server = metadata.document(metadata.authorization_server(configuration))
    found = dict.fromkeys(metadata.authorization_server_paths(configuration), server)
    origin = urlsplit(configuration.issuer)
    for resource in configuration.resources:
        parts = urlsplit(resource.uri)
        if (parts.scheme, parts.netloc) == (origin.scheme, origin.netloc):
            content = metadata.protected_resource(configuration, resource)
            found[metadata.resource_path(resource)] = metadata.document(content)
    return found


# Our own session, where the host has none


def session_of(site: Site, request: Request) -> str:
    """The session that our cookie stands for; empty when the browser has none."""
    for piece in request.headers.get("cookie", "").split(";"):
        name, _, value = piece.strip().partition("=")
        if name == site.cookie and value:
            return sha256(value.encode("utf-8", "replace")).hexdigest()
    return ""


def new_session(site: Site, entropy: Entropy) -> tuple[str, tuple[str, str]]:
    """A fresh session, and the header that sets its cookie."""
    value = new_secret(entropy)
    secure = "; Secure" if site.cookie.startswith("__Host-") else ""
    cookie = f"{site.cookie}={value}; Path=/; HttpOnly; SameSite=Lax{secure}"
    return sha256(value.encode()).hexdigest(), ("Set-Cookie", cookie)


def identify(
    site: Site, request: Request, answer: SignedIn | str | None, entropy: Entropy
) -> tuple[SignedIn | None, Headers]:
    """Who is signed in, by the host's ``current_user``; our own cookie stands in where the host has no session.

    Returns:
        who it is, and the headers that set our cookie if it was needed and missing.
    """
    if answer is None:
        return None, ()
    known = SignedIn(answer) if isinstance(answer, str) else answer
    if known.session is not None:
        return known, ()
    session = session_of(site, request)
    headers: Headers = ()
    if not session and request.method != "POST":
        session, header = new_session(site, entropy)
        headers = (header,)
    return SignedIn(known.user, session), headers
