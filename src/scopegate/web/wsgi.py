"""The generic WSGI application over the table of operations."""

import secrets
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias, cast

from scopegate.core.credentials import Entropy
from scopegate.errors import UnavailableError
from scopegate.flows.outcomes import SignedIn
from scopegate.server import AuthorizationServer
from scopegate.web.messages import Headers, Request, Response
from scopegate.web.operations import Method, Operation, Outcome, unavailable
from scopegate.web.pages import Pages
from scopegate.web.site import MAXIMUM_QUERY, Site, identify, site
from scopegate.web.steps import REFUSING, Answer, Step

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., Any]
CurrentUser: TypeAlias = Callable[[Environ], SignedIn | str | None]


class WSGIApplication:
    """Serves an authorization server: discovery, authorization, consent, token, revocation and registration.

    Args:
        server: the server.
        current_user: environ in; who is signed in out: `SignedIn`, a user id, or None.
        login_url: the host's sign-in page.
        next_parameter: the name of the query parameter in which it gets the address to come back to.
        pages: draws the pages; by default ours, with the server's product name.
        account_prefix: the path above the JSON API of a user's tokens, as in ``/me/oauth-tokens``; None: there is none.
        account_action: what an access token must cover to read there; None: what the catalogue has for it, or to read
            what is the user's own.
        entropy: gives random bytes, for our session cookie.
    """

    def __init__(
        self,
        server: AuthorizationServer,
        *,
        current_user: CurrentUser,
        login_url: str,
        next_parameter: str = "next",
        pages: Pages | None = None,
        account_prefix: str | None = "/me",
        account_action: str | None = None,
        entropy: Entropy = secrets.token_bytes,
    ) -> None:
        self.server = server
        self.site: Site = site(
            server.configuration,
            login_url=login_url,
            next_parameter=next_parameter,
            pages=pages,
            account_prefix=account_prefix,
            account_action=account_action,
        )
        self._current_user = current_user
        self._entropy = entropy
        self._methods: dict[Method, Callable[..., Outcome]] = {
            operation.call: getattr(server, operation.call) for operation in self.site.operations.values()
        }

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        response = self._answer(environ)
        start_response(f"{response.status} {response.reason}", list(response.sent_headers))
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]

    def _answer(self, environ: Environ) -> Response:
        path = _path(environ)
        if len(environ.get("QUERY_STRING", "")) > MAXIMUM_QUERY:
            return self.site.refuse(path, 414)
        found = self.site.find(environ["REQUEST_METHOD"], path)
        body = _body(
            environ, found.maximum_body if isinstance(found, Operation) else self.site.maximum_body(path)
        )
        if isinstance(body, int):
            return self.site.refuse(path, body)
        request = _request(environ, path, body)
        if not isinstance(found, Operation):
            return self._walk(found(request), environ)
        return self._operate(found, request, environ)

    def _walk(self, answer: Answer, environ: Environ) -> Response:
        """The response at the end of all steps."""
        while isinstance(answer, Step):
            step = answer
            try:
                answer = step.then(self._called(step, environ))
            except REFUSING as error:
                answer = step.failed(error)
        return answer

    def _called(self, step: Step, environ: Environ) -> object:
        if step.call == "current_user":
            return self._current_user(environ)
        call = getattr(self.server, step.call)
        return call(*step.arguments, **step.options)

    def _operate(self, operation: Operation, request: Request, environ: Environ) -> Response:
        parsed = operation.parse(self.site.surface, request)
        if isinstance(parsed, Response):
            return parsed
        headers: Headers = ()
        try:
            if operation.signs_in:
                known = self._current_user(environ)
                signed_in, headers = identify(self.site, request, known, self._entropy)
                parsed = (*parsed, signed_in)
            outcome = self._methods[operation.call](*parsed)
        except UnavailableError:
            return unavailable(operation, self.site.surface)
        response = operation.render(self.site.surface, request, outcome)
        return Response(response.status, response.headers + headers, response.body) if headers else response


def _path(environ: Environ) -> str:
    raw = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "")
    return cast("str", raw).encode("latin-1").decode("utf-8", "replace")


def _body(environ: Environ, maximum: int) -> bytes | int:
    """The whole body, or the status that refuses it: half a request does nothing."""
    length = environ.get("CONTENT_LENGTH") or ""
    if not length and environ.get("wsgi.input_terminated"):
        body = cast("bytes", environ["wsgi.input"].read(maximum + 1))
        return body if len(body) <= maximum else 413
    if not (length or "0").isdecimal():
        return 400
    announced = int(length[:18] or 0)
    if announced > maximum:
        return 413
    body = cast("bytes", environ["wsgi.input"].read(announced))
    return body if len(body) == announced else 400


def _request(environ: Environ, path: str, body: bytes) -> Request:
    headers = {
        name[5:].replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    query = environ.get("QUERY_STRING", "").encode("latin-1")
    return Request(environ["REQUEST_METHOD"], path, query, headers, frozenset(), body)
