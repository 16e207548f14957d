"""The operations of the server as data: what to parse, which method of the server to call, how to render."""

import json
from collections.abc import Callable, Sequence
from typing import Final, Literal, TypeAlias, assert_never
from urllib.parse import quote, urlsplit

from attrs import frozen

from scopegate.errors import OAuthError
from scopegate.flows.metadata import Document
from scopegate.flows.outcomes import (
    AuthorizeOutcome,
    ConsentPrompt,
    Done,
    ErrorPage,
    OAuthFailure,
    Redirect,
    Registered,
    SignInFirst,
    TokenReply,
)
from scopegate.flows.register import RegistrationRequest
from scopegate.flows.requests import ClientRequest, Parameters
from scopegate.web import forms
from scopegate.web.messages import ANY_ORIGIN, JSON, NO_STORE, REPLY_HEADERS, Request, Response
from scopegate.web.pages import Pages

Method = Literal["authorize", "consent", "token", "revoke", "register"]
Outcome: TypeAlias = AuthorizeOutcome | TokenReply | OAuthFailure | Done | Registered
Arguments: TypeAlias = tuple[object, ...]

SEE_OTHER: Final = 303
UNAUTHORIZED: Final = 401


@frozen
class Surface:
    """What rendering needs to know of the host.

    Args:
        pages: draws the pages.
        issuer: the address of the server, whose origin forms must come from.
        consent_url: where the consent form goes.
        login_url: the host's sign-in page; it gets the address to come back to in ``next_parameter``.
        next_parameter: the name of that parameter.
        realm: for Basic challenges.
    """

    pages: Pages
    issuer: str
    consent_url: str
    login_url: str
    next_parameter: str
    realm: str


@frozen
class Operation:
    """One operation.

    Args:
        endpoint: the name of the endpoint, which gives the path.
        http_method: the method it answers.
        call: the method of the server.
        parse: request in; the arguments of the call out, or a response that ends it here.
        render: outcome in, response out.
        signs_in: whether the call takes who is signed in as its last argument.
        is_page: whether people see it; the others are for programs of any origin (GEN-9, GEN-10).
        maximum_body: bytes; longer is refused with 413.
    """

    endpoint: str
    http_method: str
    call: Method
    parse: Callable[[Surface, Request], Arguments | Response]
    render: Callable[[Surface, Request, Outcome], Response]
    signs_in: bool = False
    is_page: bool = False
    maximum_body: int = 65_536


def json_response(status: int, content: object, headers: Sequence[tuple[str, str]] = ()) -> Response:
    """A JSON answer that nobody keeps."""
    return Response(status, (*JSON, *NO_STORE, *headers), json.dumps(content).encode("ascii"))


def unavailable(operation: Operation, surface: Surface) -> Response:
    """Nothing was decided: 503, never an OAuth error that would make clients forget things (GEN-12, law 7)."""
    if operation.is_page:
        return Response(
            503, (*surface.pages.headers, ("Retry-After", "1")), surface.pages.trouble("unavailable")
        )
    content = {"error": "temporarily_unavailable", "error_description": "nothing was decided; try again"}
    return json_response(503, content, (("Retry-After", "1"), *ANY_ORIGIN))


def document_response(request: Request, document: Document) -> Response:
    """A discovery document, made once (META-14)."""
    headers = (("Cache-Control", "public, max-age=3600"), ("ETag", document.etag), *JSON, *ANY_ORIGIN)
    known = request.headers.get("if-none-match", "")
    if document.etag in known or known.strip() == "*":
        return Response(304, headers)
    return Response(200, headers, document.body)


# Pages


def _page_problem(surface: Surface, page: ErrorPage) -> Response:
    return Response(page.status, surface.pages.headers, surface.pages.error(page))


def parse_authorize(surface: Surface, request: Request) -> Arguments | Response:
    """The authorization request in the query."""
    try:
        return (Parameters.of(forms.pairs(request.query)),)
    except OAuthError:
        return _page_problem(surface, ErrorPage("bad_request"))


def parse_consent(surface: Surface, request: Request) -> Arguments | Response:
    """The consent form; it must come from one of our own pages (CON-2)."""
    if not is_same_origin(surface, request):
        return _page_problem(surface, ErrorPage("cross_site", 403))
    try:
        return (forms.consent_form(request),)
    except OAuthError:
        return _page_problem(surface, ErrorPage("bad_request"))


def is_same_origin(surface: Surface, request: Request) -> bool:
    """Whether a form was sent by a page of the issuer's origin, as far as the browser tells."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("origin")
    return origin is None or origin == origin_of(surface.issuer)


def origin_of(address: str) -> str:
    """The origin of an address as browsers write it (RFC 6454 section 6.2): lower case, no default port."""
    parts = urlsplit(address)
    default = ":443" if parts.scheme == "https" else ":80"
    return f"{parts.scheme}://{parts.netloc.lower().removesuffix(default)}"


def render_page(surface: Surface, request: Request, outcome: Outcome) -> Response:
    """What the browser gets."""
    match outcome:
        case ConsentPrompt():
            body = surface.pages.consent(outcome, action=surface.consent_url)
            return Response(outcome.status, surface.pages.headers, body)
        case Redirect():
            return _leave(surface, request, outcome)
        case ErrorPage():
            return _page_problem(surface, outcome)
        case SignInFirst():
            return _sign_in(surface, request)
        case TokenReply() | OAuthFailure() | Done() | Registered():
            msg = f"{type(outcome).__name__} is no page"
            raise TypeError(msg)
        case _:
            assert_never(outcome)


def _leave(surface: Surface, request: Request, redirect: Redirect) -> Response:
    """To the client: 303 after a POST (RSP-3); by a page of ours to an application that a browser may not open."""
    if not redirect.uri.uri.startswith(("https:", "http:")):
        return Response(200, surface.pages.handoff_headers, surface.pages.handoff(redirect))
    status = SEE_OTHER if request.method == "POST" else 302
    return Response(status, (("Location", redirect.location), ("Referrer-Policy", "no-referrer"), *NO_STORE))


def _sign_in(surface: Surface, request: Request) -> Response:
    back = quote(request.path.encode() + b"?" + request.query, safe="")
    separator = "&" if "?" in surface.login_url else "?"
    location = f"{surface.login_url}{separator}{surface.next_parameter}={back}"
    return Response(302, (("Location", location), ("Referrer-Policy", "no-referrer"), *NO_STORE))


# Programs


def parse_client_request(surface: Surface, request: Request) -> Arguments | Response:
    """A form of a client, with its ``Authorization`` header."""
    try:
        if "authorization" in request.repeated:
            raise OAuthError("invalid_request", "the Authorization header is sent more than once")
        return (ClientRequest(forms.form(request), request.headers.get("authorization")),)
    except OAuthError as error:
        return render_json(surface, request, OAuthFailure(error.code, error.description, error.status))


def parse_registration(surface: Surface, request: Request) -> Arguments | Response:
    """A registration; what is not JSON is judged like JSON that says nothing."""
    del surface
    return (RegistrationRequest(forms.document(request), request.headers.get("authorization")),)


def render_json(surface: Surface, request: Request, outcome: Outcome) -> Response:
    """What a client gets."""
    del request
    match outcome:
        case TokenReply():
            return Response(200, REPLY_HEADERS, outcome.body)
        case OAuthFailure():
            return _failure(surface, outcome)
        case Done():
            return Response(200, REPLY_HEADERS, b"{}")
        case Registered():
            return json_response(201, outcome.document, ANY_ORIGIN)
        case ConsentPrompt() | Redirect() | ErrorPage() | SignInFirst():
            msg = f"{type(outcome).__name__} is a page"
            raise TypeError(msg)
        case _:
            assert_never(outcome)


def _failure(surface: Surface, failure: OAuthFailure) -> Response:
    content = {"error": failure.code}
    if failure.description:
        content["error_description"] = failure.description
    headers: list[tuple[str, str]] = list(ANY_ORIGIN)
    if failure.status == UNAUTHORIZED:
        challenge = f'Basic realm="{surface.realm}"' if failure.basic else 'Bearer error="invalid_token"'
        headers.append(("WWW-Authenticate", challenge))
    if failure.retry_after is not None:
        headers.append(("Retry-After", str(int(failure.retry_after))))
    return json_response(failure.status, content, headers)


OPERATIONS: Final = (
    Operation("authorize", "GET", "authorize", parse_authorize, render_page, signs_in=True, is_page=True),
    Operation(
        "consent",
        "POST",
        "consent",
        parse_consent,
        render_page,
        signs_in=True,
        is_page=True,
        maximum_body=2**20,
    ),
    Operation("token", "POST", "token", parse_client_request, render_json),
    Operation("revoke", "POST", "revoke", parse_client_request, render_json),
    Operation("register", "POST", "register", parse_registration, render_json),
)
