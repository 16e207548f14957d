"""The generic ASGI application over the table of operations."""

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from inspect import isawaitable
from typing import Any, Final, TypeAlias, cast

from scopegate.core.credentials import Entropy
from scopegate.errors import UnavailableError
from scopegate.flows.outcomes import SignedIn
from scopegate.server_async import AsyncAuthorizationServer
from scopegate.web.messages import Headers, Request, Response
from scopegate.web.operations import Arguments, Operation, Outcome, unavailable
from scopegate.web.pages import Pages
from scopegate.web.site import MAXIMUM_QUERY, Site, identify, site, too_large

Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Who: TypeAlias = SignedIn | str | None
CurrentUser: TypeAlias = Callable[[Scope], Who | Awaitable[Who]]

SMALL_BODY: Final = 65_536


class ASGIApplication:
    """Serves an authorization server: discovery, authorization, consent, token, revocation and registration.

    Args:
        server: the server.
        current_user: scope in; who is signed in out: `SignedIn`, a user id, or None. Plain or awaitable.
        login_url: the host's sign-in page.
        next_parameter: the name of the query parameter in which it gets the address to come back to.
        pages: draws the pages; by default ours, with the server's product name.
        entropy: gives random bytes, for our session cookie.
    """

    def __init__(
        self,
        server: AsyncAuthorizationServer,
        *,
        current_user: CurrentUser,
        login_url: str,
        next_parameter: str = "next",
        pages: Pages | None = None,
        entropy: Entropy = secrets.token_bytes,
    ) -> None:
        self.server = server
        self.site: Site = site(
            server.configuration, login_url=login_url, next_parameter=next_parameter, pages=pages
        )
        self._current_user = current_user
        self._entropy = entropy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection (ASGI 3)."""
        if scope["type"] == "lifespan":
            await self._lifespan(receive, send)
        elif scope["type"] == "http":
            response = await self._answer(scope, receive)
            await _send(response, send, with_body=scope["method"] != "HEAD")

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await self.server.open()
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.server.close()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        found = self.site.find(scope["method"], scope["path"])
        maximum = found.maximum_body if isinstance(found, Operation) else SMALL_BODY
        body = await _body(receive, maximum)
        if body is None or len(scope["query_string"]) > MAXIMUM_QUERY:
            return too_large()
        request = _request(scope, body)
        if not isinstance(found, Operation):
            return found(request)
        return await self._operate(found, request, scope)

    async def _operate(self, operation: Operation, request: Request, scope: Scope) -> Response:
        parsed = operation.parse(self.site.surface, request)
        if isinstance(parsed, Response):
            return parsed
        headers: Headers = ()
        try:
            if operation.signs_in:
                answer = self._current_user(scope)
                known = await answer if isawaitable(answer) else answer
                signed_in, headers = identify(self.site, request, known, self._entropy)
                parsed = (*parsed, signed_in)
            outcome = await self._call(operation, parsed)
        except UnavailableError:
            return unavailable(operation, self.site.surface)
        response = operation.render(self.site.surface, request, outcome)
        return Response(response.status, response.headers + headers, response.body) if headers else response

    async def _call(self, operation: Operation, arguments: Arguments) -> Outcome:
        method = cast("Callable[..., Awaitable[Outcome]]", getattr(self.server, operation.call))
        return await method(*arguments)


async def _body(receive: Receive, maximum: int) -> bytes | None:
    """The whole body; None when it is longer than allowed."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False) and len(body) <= maximum:
        message = await receive()
        body += message.get("body", b"")
    return body if len(body) <= maximum else None


def _request(scope: Scope, body: bytes) -> Request:
    headers: dict[str, str] = {}
    repeated: set[str] = set()
    for raw_name, raw_value in scope["headers"]:
        name = raw_name.decode("latin-1").lower()
        if name in headers:
            repeated.add(name)
        headers[name] = raw_value.decode("latin-1")
    return Request(scope["method"], scope["path"], scope["query_string"], headers, frozenset(repeated), body)


async def _send(response: Response, send: Send, *, with_body: bool) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": response.body if with_body else b""})
