"""Which path is which operation, and the answers that need no server: discovery, CORS, and refusals."""

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final

from attrs import frozen

from scopegate.core.credentials import Entropy, new_secret
from scopegate.errors import ConfigurationError
from scopegate.flows import metadata
from scopegate.flows.configuration import Configuration
from scopegate.flows.outcomes import ErrorPage, SignedIn
from scopegate.web.messages import ANY_ORIGIN, JSON, NO_STORE, Headers, Request, Response
from scopegate.web.operations import OPERATIONS, Operation, Surface, document_response, origin_of
from scopegate.web.pages import Pages
from scopegate.web.steps import Answer
from scopegate.web.token_api import MAXIMUM_BODY, TokenApi, token_api

PREFLIGHT: Final[Headers] = (
    *ANY_ORIGIN,
    ("Access-Control-Allow-Methods", "GET, POST, OPTIONS"),
    (
        "Access-Control-Allow-Headers",
        "Authorization, Content-Type, MCP-Protocol-Version, Mcp-Method, Mcp-Name, DPoP",
    ),
    ("Access-Control-Max-Age", "86400"),
)
MAXIMUM_QUERY: Final = 16_384
SMALL_BODY: Final = 65_536
REFUSALS: Final[Mapping[int, str]] = {
    400: "the request ended before its body did",
    404: "nothing is served at this address",
    405: "this method is not allowed here",
    413: "the body is too long",
    414: "the query is too long",
}


@frozen
class Site:
    """Everything that is served, by path; made once for a server.

    Args:
        surface: what rendering needs.
        operations: by path.
        documents: discovery documents by path.
        refused: paths that must be 404 even where the host has a catch-all (META-12).
        cookie: the name of our own session cookie.
        tokens: the JSON API of a user's tokens; None: it is not served.
    """

    surface: Surface
    operations: Mapping[str, Operation]
    documents: Mapping[str, metadata.Document]
    refused: frozenset[str]
    cookie: str
    tokens: TokenApi | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path that is answered here and has no parameter; see `serves`."""
        return (*self.documents, *self.operations, *sorted(self.refused))

    def serves(self, path: str) -> bool:
        """Whether a path is answered here, and so is none of the host's."""
        if path in self.operations or path in self.documents or path in self.refused:
            return True
        return self.tokens is not None and self.tokens.serves(path)

    def maximum_body(self, path: str) -> int:
        """How many bytes the body of a request may have that is of no `Operation`."""
        return MAXIMUM_BODY if self.tokens is not None and self.tokens.serves(path) else SMALL_BODY

    def find(self, method: str, path: str) -> Operation | Callable[[Request], Answer]:
        """The operation of a request, or what answers it."""
        operation = self.operations.get(path)
        if operation is None:
            return self._elsewhere(method, path)
        if operation.http_method == method or (operation.http_method == "GET" and method == "HEAD"):
            return operation
        if method == "OPTIONS" and not operation.is_page:
            return _preflight
        allowed = {"GET": "GET, HEAD", "POST": "POST"}[operation.http_method]
        return self._refusing(path, 405, allowed if operation.is_page else f"{allowed}, OPTIONS")

    def _elsewhere(self, method: str, path: str) -> Callable[[Request], Answer]:
        """What answers a request that is of no `Operation`."""
        document = self.documents.get(path)
        if document is not None:
            return self._document(path, document)
        if self.tokens is not None and self.tokens.serves(path):
            return self.tokens.find(method, path)
        return self._refusing(path, 404)

    def _document(self, path: str, document: metadata.Document) -> Callable[[Request], Response]:
        not_allowed = self._refusing(path, 405, "GET, HEAD, OPTIONS")

        def answer(request: Request) -> Response:
            if request.method == "OPTIONS":
                return _preflight(request)
            if request.method not in {"GET", "HEAD"}:
                return not_allowed(request)
            return document_response(request, document)

        return answer

    def _refusing(self, path: str, status: int, allow: str = "") -> Callable[[Request], Response]:
        return lambda _: self.refuse(path, status, (("Allow", allow),) if allow else ())

    def refuse(self, path: str, status: int, headers: Headers = ()) -> Response:
        """The answer to what is no request of any operation (GEN-8): a page where people look, else JSON."""
        operation = self.operations.get(path)
        if operation is not None and operation.is_page:
            pages = self.surface.pages
            return Response(status, (*pages.headers, *headers), pages.error(ErrorPage("bad_request", status)))
        if self.tokens is not None and self.tokens.serves(path):
            return self.tokens.refuse(status, headers)
        content = {
            "error": "not_found" if status == 404 else "invalid_request",  # noqa: PLR2004 - an HTTP status
            "error_description": REFUSALS[status],
        }
        return Response(status, (*JSON, *NO_STORE, *ANY_ORIGIN, *headers), json.dumps(content).encode())


def _preflight(request: Request) -> Response:
    del request
    return Response(204, PREFLIGHT)


def site(
    configuration: Configuration,
    *,
    login_url: str,
    next_parameter: str = "next",
    pages: Pages | None = None,
    account_prefix: str | None = None,
    account_action: str | None = None,
) -> Site:
    """The site of a server; for the last two see `token_api`. Without a prefix, there is no such API.

    Raises:
        ConfigurationError: Jinja2 is missing, ``login_url`` is empty, or the prefix or the action makes no sense.
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
        operations={configuration.endpoint(one.endpoint).path: one for one in known},
        documents=_documents(configuration),
        refused=frozenset(metadata.refused_paths(configuration)),
        cookie="__Host-scopegate" if secure else "scopegate-session",
        tokens=None if account_prefix is None else token_api(configuration, account_prefix, account_action),
    )


def _documents(configuration: Configuration) -> dict[str, metadata.Document]:
    server = metadata.document(metadata.authorization_server(configuration))
    found = dict.fromkeys(metadata.authorization_server_paths(configuration), server)
    for resource in configuration.resources:
        if origin_of(resource.uri) == origin_of(configuration.issuer):
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
