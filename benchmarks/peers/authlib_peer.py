"""Authlib without a framework: its authorization server and resource protector, over dicts.

It stores tokens as they are (no hash), checks no audience, and makes random strings one character at a time,
as its framework integrations do by default. The standard library parses the form and writes the JSON.
"""
# pyright: basic
# mypy: disable-error-code="misc,no-untyped-call,no-untyped-def,import-untyped,no-any-return,override"

from json import dumps
from secrets import token_urlsafe
from time import time
from typing import Any
from urllib.parse import parse_qsl

from attrs import define, frozen
from authlib.common.security import generate_token
from authlib.oauth2.base import OAuth2Error
from authlib.oauth2.rfc6749 import (
    AuthorizationServer,
    ClientMixin,
    OAuth2Request,
    ResourceProtector,
    TokenMixin,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator, BearerTokenValidator, InsufficientScopeError
from authlib.oauth2.rfc7636 import CodeChallenge

from benchmarks import workload
from benchmarks.asgi import read_token_answer
from benchmarks.limit_rows import in_any_order, unknown_header, wrong_exchanges
from benchmarks.peers.naive import allowed
from benchmarks.rows import Row, Verdict

TOKEN_URI = f"{workload.ISSUER}/token"
DENIED = InsufficientScopeError()
HTTP_HEADERS = {"Content-Type": workload.FORM_TYPE, "Accept": "*/*"}


@frozen
class Client(ClientMixin):
    """A public client."""

    client_id: str

    def get_allowed_scope(self, scope: str) -> str:
        """Allow what was granted."""
        return scope

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002 - Authlib's signature
        """Say that the client has no secret."""
        return method == "none"

    def check_grant_type(self, grant_type: str) -> bool:
        """Allow the two grants."""
        return grant_type in {"authorization_code", "refresh_token"}


@frozen
class Code:
    """A stored authorization code."""

    code: str
    client_id: str
    redirect_uri: str
    scope: str
    user: str
    expires_at: float
    code_challenge: str
    code_challenge_method: str = "S256"

    def get_redirect_uri(self) -> str:
        """Return the redirect URI of the authorization request."""
        return self.redirect_uri

    def get_scope(self) -> str:
        """Return the granted scope."""
        return self.scope


@define
class Token(TokenMixin):
    """A stored pair of access and refresh token."""

    access_token: str
    refresh_token: str
    client_id: str
    user: str
    scope: str
    expires_at: float
    revoked: bool = False

    def check_client(self, client: Client) -> bool:
        """Say whether the token was issued to `client`."""
        return self.client_id == client.client_id

    def get_scope(self) -> str:
        """Return the granted scope."""
        return self.scope

    def is_expired(self) -> bool:
        """Say whether the access token has expired."""
        return self.expires_at <= time()

    def is_revoked(self) -> bool:
        """Say whether the token was revoked."""
        return self.revoked


class Request(OAuth2Request):
    """A request of no framework."""

    def __init__(self, body: bytes) -> None:
        super().__init__("POST", TOKEN_URI, headers=HTTP_HEADERS)
        self._form = dict(parse_qsl(body.decode()))
        self.payload = BasicOAuth2Payload(self._form)

    @property
    def form(self) -> dict[str, str]:
        """Return the parsed form."""
        return self._form


class CodeGrant(AuthorizationCodeGrant):
    """The code grant over the server's dicts."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["none"]  # noqa: RUF012 - Authlib's way to configure

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        """Return the live code of that client."""
        found = self.server.codes.get(code)
        if found is None or found.client_id != client.client_id or found.expires_at <= time():
            return None
        return found

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Forget the code."""
        self.server.codes.pop(authorization_code.code, None)

    def authenticate_user(self, authorization_code: Code) -> str:
        """Return whose code it is."""
        return authorization_code.user


class RefreshGrant(RefreshTokenGrant):
    """The refresh grant, rotating."""

    TOKEN_ENDPOINT_AUTH_METHODS = ["none"]  # noqa: RUF012 - Authlib's way to configure
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        """Return the live token of that refresh token."""
        found = self.server.refresh.get(refresh_token)
        return None if found is None or found.revoked else found

    def authenticate_user(self, refresh_token: Token) -> str:
        """Return whose token it is."""
        return refresh_token.user

    def revoke_old_credential(self, refresh_token: Token) -> None:
        """Revoke the pair that was just replaced."""
        refresh_token.revoked = True


class Server(AuthorizationServer):
    """An authorization server of no framework."""

    def __init__(self) -> None:
        super().__init__()
        self.clients = {workload.CLIENT_ID: Client(workload.CLIENT_ID)}
        self.codes: dict[str, Code] = {}
        self.access: dict[str, Token] = {}
        self.refresh: dict[str, Token] = {}
        self.register_token_generator(
            "default",
            BearerTokenGenerator(
                lambda **_: generate_token(42),
                lambda **_: generate_token(48),
                lambda *_: workload.ACCESS_SECONDS,
            ),
        )
        self.register_grant(CodeGrant, [CodeChallenge(required=True)])
        self.register_grant(RefreshGrant)

    def query_client(self, client_id: str) -> Client | None:
        """Return a registered client."""
        return self.clients.get(client_id)

    def save_token(self, token: dict[str, Any], request: Any) -> None:  # noqa: ANN401
        """Store a new pair."""
        expires_at = time() + token["expires_in"]
        stored = Token(
            token["access_token"],
            token["refresh_token"],
            request.client.client_id,
            request.user,
            token["scope"],
            expires_at,
        )
        self.access[stored.access_token] = self.refresh[stored.refresh_token] = stored

    def send_signal(self, name: str, *args: object, **kwargs: object) -> None:
        """Signal nobody."""

    def create_oauth2_request(self, request: bytes) -> Request:
        """Parse a body."""
        return Request(request)

    def handle_response(self, status: int, body: dict[str, Any], headers: Any) -> tuple[int, str, Any]:  # noqa: ANN401
        """Write the answer."""
        return status, dumps(body), headers


def bearer(stored: int) -> Row[Any]:
    """Return Authlib's bearer check over that many stored access tokens."""
    tokens: dict[str, Token] = {}

    class Validator(BearerTokenValidator):
        def authenticate_token(self, token_string: str) -> Token | None:
            return tokens.get(token_string)

    def add(*, expires_at: float = 0.0, scope: str = workload.SCOPE, revoked: bool = False) -> bytes:
        secret = token_urlsafe(32)
        later = expires_at or time() + workload.ACCESS_SECONDS
        tokens[secret] = Token(secret, "", workload.CLIENT_ID, workload.USER, scope, later, revoked)
        return b"Bearer " + secret.encode()

    headers = [add() for _ in range(stored)]
    protector = ResourceProtector()
    protector.register_token_validator(Validator())
    required = [workload.SCOPE]

    def call(request: HeadersOnly) -> Token | OAuth2Error:
        try:
            return protector.validate_request(required, request)
        except OAuth2Error as error:
            return error

    return Row(
        name="Authlib ResourceProtector",
        prepare=lambda count: [HeadersOnly.of(header) for header in in_any_order(headers, count)],
        call=call,
        read=read_bearer,
        refused={
            "unknown": lambda: HeadersOnly.of(unknown_header()),
            "expired": lambda: HeadersOnly.of(add(expires_at=time() - 1)),
            "paused": lambda: HeadersOnly.of(add(revoked=True)),
            "another scope": lambda: HeadersOnly.of(add(scope=workload.OTHER_SCOPE)),
        },
    )


def access(stored: int) -> Row[Any]:
    """Return Authlib's bearer check and the application's own decision after it."""
    known = bearer(stored)

    def call(request: HeadersOnly) -> Token | OAuth2Error:
        token = known.call(request)
        if isinstance(token, OAuth2Error):
            return token
        scopes = token.scope.split()
        return token if allowed(token.user, scopes, workload.ACTION, workload.APPLICATION) else DENIED

    return Row(
        name="Authlib + naive decision",
        prepare=known.prepare,
        call=call,
        read=known.read,
        refused={name: known.refused[name] for name in ("unknown", "another scope")},
    )


def unknown() -> Row[Any]:
    """Return how Authlib refuses a token that nobody issued."""
    known = bearer(100)
    return Row(
        name=known.name,
        prepare=lambda count: [HeadersOnly.of(unknown_header()) for _ in range(count)],
        call=known.call,
        read=known.read,
    )


def exchange() -> Row[bytes]:
    """Return Authlib's code exchange."""
    server = Server()

    def add(*, seconds: float = workload.CODE_SECONDS) -> str:
        code = token_urlsafe(32)
        server.codes[code] = Code(
            code,
            workload.CLIENT_ID,
            workload.REDIRECT_URI,
            workload.SCOPE,
            workload.USER,
            time() + seconds,
            workload.CHALLENGE,
        )
        return code

    def prepare(count: int) -> list[bytes]:
        forget(server)
        return [workload.exchange_body(add()) for _ in range(count)]

    return Row(
        name="Authlib",
        prepare=prepare,
        call=server.create_token_response,
        read=read_answer,
        refused=wrong_exchanges(add),
    )


def refresh() -> Row[bytes]:
    """Return Authlib's refresh with rotation."""
    server = Server()

    def add() -> bytes:
        secret = token_urlsafe(32)
        later = time() + workload.ACCESS_SECONDS
        server.refresh[secret] = Token("", secret, workload.CLIENT_ID, workload.USER, workload.SCOPE, later)
        return workload.refresh_body(secret)

    def prepare(count: int) -> list[bytes]:
        forget(server)
        return [add() for _ in range(count)]

    return Row(
        name="Authlib",
        prepare=prepare,
        call=server.create_token_response,
        read=read_answer,
        refused={"unknown": lambda: workload.refresh_body(token_urlsafe(32))},
    )


def forget(server: Server) -> None:
    """Empty the stores."""
    for store in (server.codes, server.access, server.refresh):
        store.clear()


@frozen
class HeadersOnly:
    """What the resource protector reads of a request."""

    headers: dict[str, str]

    @classmethod
    def of(cls, authorization: bytes) -> "HeadersOnly":
        """Return a request with that header."""
        return cls({"Authorization": authorization.decode()})


def read_bearer(answer: Token | OAuth2Error) -> Verdict:
    """Read a token or the error raised instead."""
    if isinstance(answer, OAuth2Error):
        return Verdict(answer.status_code)
    return Verdict(200, (answer.user,))


def read_answer(answer: tuple[int, str, Any]) -> Verdict:
    """Read the answer of the token endpoint."""
    return read_token_answer(answer[0], answer[1])
