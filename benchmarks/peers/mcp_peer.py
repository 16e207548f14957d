"""The MCP SDK's authorization parts over an in-memory provider, as ASGI: token handler, routes, bearer check.

The provider stores tokens as they are (the SDK hands it the raw ones) and makes secrets quickly, as the SDK's
examples do.
"""
# pyright: basic
# mypy: disable-error-code="misc"

from collections.abc import Callable
from secrets import token_urlsafe
from time import time
from typing import Any

from mcp.server.auth.handlers.token import TokenHandler
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, BearerAuthBackend
from mcp.server.auth.middleware.client_auth import ClientAuthenticator
from mcp.server.auth.provider import (
    AccessToken,
    AuthorizationCode,
    AuthorizationParams,
    OAuthAuthorizationServerProvider,
    ProviderTokenVerifier,
    RefreshToken,
)
from mcp.server.auth.routes import create_auth_routes
from mcp.shared.auth import OAuthClientInformationFull, OAuthToken
from pydantic import AnyHttpUrl, AnyUrl
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials
from starlette.requests import HTTPConnection, Request

from benchmarks import workload
from benchmarks.asgi import Application, Exchange, Message, caller, form_post, get, http_scope, read_exchange
from benchmarks.limit_rows import in_any_order, unknown_header, wrong_exchanges
from benchmarks.peers.naive import allowed
from benchmarks.rows import Row, Verdict

Authenticated = tuple[AuthCredentials, AuthenticatedUser] | None


class Provider(OAuthAuthorizationServerProvider[AuthorizationCode, RefreshToken, AccessToken]):
    """An authorization server's storage in four dicts."""

    def __init__(self) -> None:
        client = OAuthClientInformationFull(
            client_id=workload.CLIENT_ID,
            redirect_uris=[AnyUrl(workload.REDIRECT_URI)],
            token_endpoint_auth_method="none",
        )
        self.clients = {workload.CLIENT_ID: client}
        self.codes: dict[str, AuthorizationCode] = {}
        self.access: dict[str, AccessToken] = {}
        self.refresh: dict[str, RefreshToken] = {}

    async def register_client(self, client_info: OAuthClientInformationFull) -> None:
        """Keep a client."""
        self.clients[client_info.client_id] = client_info

    async def authorize(self, client: OAuthClientInformationFull, params: AuthorizationParams) -> str:
        """Not measured: the SDK leaves all of it to the provider."""
        raise NotImplementedError

    async def revoke_token(self, token: AccessToken | RefreshToken) -> None:
        """Forget a token."""
        self.access.pop(token.token, None)
        self.refresh.pop(token.token, None)

    async def get_client(self, client_id: str) -> OAuthClientInformationFull | None:
        """Find a client."""
        return self.clients.get(client_id)

    async def load_authorization_code(
        self,
        client: OAuthClientInformationFull,  # noqa: ARG002 - the handler compares it
        authorization_code: str,
    ) -> AuthorizationCode | None:
        """Find a code."""
        return self.codes.get(authorization_code)

    async def exchange_authorization_code(
        self,
        client: OAuthClientInformationFull,  # noqa: ARG002 - the handler compared it
        authorization_code: AuthorizationCode,
    ) -> OAuthToken:
        """Redeem a code."""
        del self.codes[authorization_code.code]
        return self.issue(authorization_code.scopes, authorization_code.resource)

    async def load_refresh_token(
        self,
        client: OAuthClientInformationFull,  # noqa: ARG002 - the handler compares it
        refresh_token: str,
    ) -> RefreshToken | None:
        """Find a refresh token."""
        return self.refresh.get(refresh_token)

    async def exchange_refresh_token(
        self,
        client: OAuthClientInformationFull,  # noqa: ARG002 - the handler compared it
        refresh_token: RefreshToken,
        scopes: list[str],
    ) -> OAuthToken:
        """Rotate a refresh token."""
        del self.refresh[refresh_token.token]
        return self.issue(scopes, refresh_token.resource)

    async def load_access_token(self, token: str) -> AccessToken | None:
        """Find an access token."""
        return self.access.get(token)

    def issue(self, scopes: list[str], resource: str | None) -> OAuthToken:
        """Store a new pair and return the answer."""
        first, second = token_urlsafe(32), token_urlsafe(32)
        bound: dict[str, Any] = {"client_id": workload.CLIENT_ID, "scopes": scopes, "resource": resource}
        self.access[first] = AccessToken(
            token=first,
            expires_at=int(time()) + workload.ACCESS_SECONDS,
            subject=workload.USER,
            **bound,
        )
        self.refresh[second] = RefreshToken(token=second, subject=workload.USER, **bound)
        return OAuthToken(
            access_token=first,
            refresh_token=second,
            expires_in=workload.ACCESS_SECONDS,
            scope=" ".join(scopes),
        )


def bearer(stored: int, *, audience: bool = False) -> Row[Message]:
    """Return the SDK's bearer check over that many stored tokens, with or without its audience check."""
    provider = Provider()

    def add(
        *,
        expires_at: float = 0.0,
        scope: str = workload.SCOPE,
        resource: str = workload.RESOURCE,
    ) -> bytes:
        secret = token_urlsafe(32)
        provider.access[secret] = AccessToken(
            token=secret,
            client_id=workload.CLIENT_ID,
            scopes=[scope],
            expires_at=int(expires_at or time() + workload.ACCESS_SECONDS),
            resource=resource,
            subject=workload.USER,
        )
        return b"Bearer " + secret.encode()

    headers = [add() for _ in range(stored)]
    url = AnyHttpUrl(workload.RESOURCE) if audience else None
    backend = BearerAuthBackend(ProviderTokenVerifier(provider), resource_server_url=url)

    async def call(scope: Message) -> Authenticated:
        found = await backend.authenticate(HTTPConnection(scope))
        return found if found is not None and workload.SCOPE in found[0].scopes else None

    refused = {
        "unknown": lambda: api_scope(unknown_header()),
        "expired": lambda: api_scope(add(expires_at=time() - 2)),
        "another scope": lambda: api_scope(add(scope=workload.OTHER_SCOPE)),
    }
    if audience:
        refused["another audience"] = lambda: api_scope(add(resource="https://other.example/"))
    return Row(
        name="mcp SDK BearerAuthBackend" + (", audience" if audience else ""),
        prepare=lambda count: [api_scope(header) for header in in_any_order(headers, count)],
        call=call,
        read=read_bearer,
        refused=refused,
        awaits=True,
    )


def access(stored: int) -> Row[Message]:
    """Return the SDK's bearer check and the application's own decision after it."""
    known = bearer(stored)

    async def call(scope: Message) -> Authenticated:
        found = await known.call(scope)
        if found is None:
            return None
        user = found[1].access_token.subject or ""
        return found if allowed(user, found[0].scopes, workload.ACTION, workload.APPLICATION) else None

    return Row(
        name="mcp SDK + naive decision",
        prepare=known.prepare,
        call=call,
        read=known.read,
        refused={name: known.refused[name] for name in ("unknown", "another scope")},
        awaits=True,
    )


def unknown() -> Row[Message]:
    """Return how the SDK refuses a token that nobody issued."""
    known = bearer(100)
    return Row(
        name=known.name,
        prepare=lambda count: [api_scope(unknown_header()) for _ in range(count)],
        call=known.call,
        read=known.read,
        awaits=True,
    )


def routed(provider: Provider) -> Application:
    """Return a Starlette application with the SDK's routes: routing, CORS and body limit included."""
    return Starlette(routes=create_auth_routes(provider, AnyHttpUrl(workload.ISSUER)))


def bare(provider: Provider) -> Application:
    """Return the SDK's token handler alone as an ASGI application."""
    handler = TokenHandler(provider, ClientAuthenticator(provider))

    async def app(scope: Message, receive: Any, send: Any) -> None:  # noqa: ANN401
        response = await handler.handle(Request(scope, receive))
        await response(scope, receive, send)

    return app


def exchange(name: str, build: Callable[[Provider], Application]) -> Row[Exchange]:
    """Return the SDK's code exchange through the application which `build` makes."""
    provider = Provider()

    def add(*, seconds: float = workload.CODE_SECONDS) -> str:
        code = token_urlsafe(32)
        provider.codes[code] = AuthorizationCode(
            code=code,
            scopes=[workload.SCOPE],
            expires_at=time() + seconds,
            client_id=workload.CLIENT_ID,
            code_challenge=workload.CHALLENGE,
            redirect_uri=AnyUrl(workload.REDIRECT_URI),
            redirect_uri_provided_explicitly=True,
            resource=workload.RESOURCE,
            subject=workload.USER,
        )
        return code

    def prepare(count: int) -> list[bytes]:
        forget(provider)
        return [workload.exchange_body(add()) for _ in range(count)]

    return token_row(name, prepare, build(provider), wrong_exchanges(add))


def refresh(name: str, build: Callable[[Provider], Application]) -> Row[Exchange]:
    """Return the SDK's refresh with rotation through the application which `build` makes."""
    provider = Provider()

    def add() -> bytes:
        secret = token_urlsafe(32)
        provider.refresh[secret] = RefreshToken(
            token=secret,
            client_id=workload.CLIENT_ID,
            scopes=[workload.SCOPE],
            resource=workload.RESOURCE,
            subject=workload.USER,
        )
        return workload.refresh_body(secret)

    def prepare(count: int) -> list[bytes]:
        forget(provider)
        return [add() for _ in range(count)]

    refused = {"unknown": lambda: workload.refresh_body(token_urlsafe(32))}
    return token_row(name, prepare, build(provider), refused)


def metadata() -> Row[Exchange]:
    """Return the SDK's metadata document through its routes."""
    return Row(
        name="mcp SDK routes",
        prepare=lambda count: [get("/.well-known/oauth-authorization-server") for _ in range(count)],
        call=caller(routed(Provider())),
        read=lambda answer: Verdict(answer.status),
        awaits=True,
    )


def token_row(
    name: str,
    prepare: Callable[[int], list[bytes]],
    app: Application,
    refused: dict[str, Callable[[], bytes]],
) -> Row[Exchange]:
    """Return a row of the token endpoint of an ASGI application."""
    return Row(
        name=name,
        prepare=lambda count: [form_post("/token", body) for body in prepare(count)],
        call=caller(app),
        read=read_exchange,
        refused={wrong: posting(make) for wrong, make in refused.items()},
        awaits=True,
    )


def posting(make: Callable[[], bytes]) -> Callable[[], Exchange]:
    """Return what makes the request out of what makes its body."""
    return lambda: form_post("/token", make())


def forget(provider: Provider) -> None:
    """Empty the stores."""
    for store in (provider.codes, provider.access, provider.refresh):
        store.clear()


def api_scope(authorization: bytes) -> Message:
    """Return the ASGI scope of an API request."""
    return http_scope("GET", "/applications", (b"authorization", authorization))


def read_bearer(answer: Authenticated) -> Verdict:
    """Read the authenticated user, or its absence."""
    return Verdict(401) if answer is None else Verdict(200, (answer[1].access_token.subject or "",))
