"""oauthlib alone: its endpoints over a validator of dicts, with its own token generator or a quick one.

It is also the engine inside scopegate, hence the rows with everything fetched before the clock starts: what
they cost is oauthlib's, what scopegate costs besides is scopegate's own share.
"""
# ruff: noqa: ANN401, ARG001, ARG002 - signatures are oauthlib's
# pyright: basic, reportAttributeAccessIssue=false
# mypy: disable-error-code="misc,no-untyped-call,no-untyped-def,import-untyped,no-any-return,attr-defined"

from collections.abc import Callable
from secrets import token_urlsafe
from time import time
from typing import Any

from attrs import define, frozen
from oauthlib.oauth2 import (
    AuthorizationCodeGrant,
    RefreshTokenGrant,
    RequestValidator,
    WebApplicationServer,
)

from benchmarks import workload
from benchmarks.asgi import read_token_answer
from benchmarks.limit_rows import in_any_order, unknown_header, wrong_exchanges
from benchmarks.rows import Row, Verdict

TOKEN_URI = f"{workload.ISSUER}/token"
API_URI = f"{workload.ISSUER}/applications"
HTTP_HEADERS = {"Content-Type": workload.FORM_TYPE, "Accept": "*/*"}


@frozen
class Client:
    """A public client."""

    client_id: str


@frozen
class Code:
    """A stored authorization code."""

    client_id: str
    user: str
    scope: str
    redirect_uri: str
    challenge: str
    expires_at: float


@frozen
class Token:
    """A stored access or refresh token."""

    client_id: str
    user: str
    scope: str
    expires_at: float
    alive: bool = True


class Dicts(RequestValidator):
    """A validator over four dicts; it stores tokens as they are."""

    def __init__(self) -> None:
        self.clients = {workload.CLIENT_ID: Client(workload.CLIENT_ID)}
        self.codes: dict[str, Code] = {}
        self.access: dict[str, Token] = {}
        self.refresh: dict[str, Token] = {}

    def client_authentication_required(self, request: Any, *_: Any, **__: Any) -> bool:
        """Say that clients are public."""
        return False

    def authenticate_client_id(self, client_id: str, request: Any, *_: Any, **__: Any) -> bool:
        """Find the client."""
        request.client = self.clients.get(client_id)
        return request.client is not None

    def validate_grant_type(self, *_: Any, **__: Any) -> bool:
        """Allow both grants."""
        return True

    def validate_code(self, client_id: str, code: str, client: Client, request: Any, *_: Any) -> bool:
        """Find the live code of that client."""
        row = self.codes.get(code)
        if row is None or row.client_id != client_id or row.expires_at <= time():
            return False
        request.user, request.scopes = row.user, [row.scope]
        return True

    def is_pkce_required(self, client_id: str, request: Any) -> bool:
        """Require PKCE."""
        return True

    def get_code_challenge(self, code: str, request: Any) -> str:
        """Return the code's challenge."""
        return self.codes[code].challenge

    def get_code_challenge_method(self, code: str, request: Any) -> str:
        """Return S256."""
        return "S256"

    def confirm_redirect_uri(self, client_id: str, code: str, redirect_uri: str, *_: Any) -> bool:
        """Compare with the authorization request."""
        return self.codes[code].redirect_uri == redirect_uri

    def save_bearer_token(self, token: dict[str, Any], request: Any, *_: Any) -> None:
        """Store a new pair; forget the refresh token which it replaces."""
        if request.grant_type == "refresh_token":
            self.refresh.pop(request.refresh_token, None)
        row = Token(request.client_id, request.user, token["scope"], time() + workload.ACCESS_SECONDS)
        self.access[token["access_token"]] = self.refresh[token["refresh_token"]] = row

    def invalidate_authorization_code(self, client_id: str, code: str, *_: Any) -> None:
        """Forget the code."""
        self.codes.pop(code, None)

    def validate_refresh_token(self, refresh_token: str, client: Client, request: Any, *_: Any) -> bool:
        """Find the live refresh token of that client."""
        row = self.refresh.get(refresh_token)
        if row is None or not row.alive or row.client_id != client.client_id:
            return False
        request.user = row.user
        return True

    def get_original_scopes(self, refresh_token: str, *_: Any) -> list[str]:
        """Return what was granted."""
        return [self.refresh[refresh_token].scope]

    def rotate_refresh_token(self, request: Any) -> bool:
        """Rotate always."""
        return True

    def validate_bearer_token(self, token: str, scopes: list[str], request: Any) -> bool:
        """Find the live access token with those scopes."""
        row = self.access.get(token)
        if row is None or not row.alive or row.expires_at <= time() or row.scope not in scopes:
            return False
        request.user = row.user
        return True


class Prefetched(RequestValidator):
    """A validator whose every answer is ready: no look-up, no write. oauthlib's own cost and nothing else."""

    client = Client(workload.CLIENT_ID)

    def client_authentication_required(self, *_: Any) -> bool:
        """Say that clients are public."""
        return False

    def authenticate_client_id(self, client_id: str, request: Any) -> bool:
        """Give the client."""
        request.client = self.client
        return True

    def validate_grant_type(self, *_: Any) -> bool:
        """Say yes."""
        return True

    def validate_code(self, client_id: str, code: str, client: Client, request: Any) -> bool:
        """Say yes."""
        request.user, request.scopes = workload.USER, [workload.SCOPE]
        return True

    def is_pkce_required(self, *_: Any) -> bool:
        """Require PKCE."""
        return True

    def get_code_challenge(self, *_: Any) -> str:
        """Give the challenge."""
        return workload.CHALLENGE

    def get_code_challenge_method(self, *_: Any) -> str:
        """Give S256."""
        return "S256"

    def confirm_redirect_uri(self, *_: Any) -> bool:
        """Say yes."""
        return True

    def save_bearer_token(self, *_: Any) -> None:
        """Write nothing."""

    def invalidate_authorization_code(self, *_: Any) -> None:
        """Write nothing."""

    def validate_refresh_token(self, refresh_token: str, client: Client, request: Any) -> bool:
        """Say yes."""
        request.user = workload.USER
        return True

    def get_original_scopes(self, *_: Any) -> list[str]:
        """Give the scope."""
        return [workload.SCOPE]

    def rotate_refresh_token(self, *_: Any) -> bool:
        """Rotate always."""
        return True


def quick(request: object) -> str:
    """Make a secret at once instead of character by character."""
    return token_urlsafe(32)


@define
class Plain:
    """A token request as the grants read it, without the parsing that oauthlib's own request class does."""

    grant_type: str
    code: str | None = None
    refresh_token: str | None = None
    code_verifier: str | None = None
    redirect_uri: str | None = None
    client_id: str = workload.CLIENT_ID
    scope: str | None = None
    scopes: list[str] | None = None
    client: Client | None = None
    user: str | None = None
    using_default_redirect_uri: bool = False
    duplicate_params: tuple[str, ...] = ()


def engine_exchange(name: str) -> Row[Plain]:
    """Return oauthlib's judgement of a code exchange alone, everything it asks for at hand."""
    return engine(
        name,
        AuthorizationCodeGrant(Prefetched()),
        lambda: Plain(
            "authorization_code",
            code="code",
            code_verifier=workload.VERIFIER,
            redirect_uri=workload.REDIRECT_URI,
        ),
    )


def engine_refresh(name: str) -> Row[Plain]:
    """Return oauthlib's judgement of a refresh alone, everything it asks for at hand."""
    return engine(
        name, RefreshTokenGrant(Prefetched()), lambda: Plain("refresh_token", refresh_token="refresh")
    )


def engine(name: str, grant: Any, make: Callable[[], Plain]) -> Row[Plain]:
    """Return the row of one grant's judgement."""

    def call(request: Plain) -> Plain:
        grant.validate_token_request(request)
        return request

    return Row(
        name=name,
        prepare=lambda count: [make() for _ in range(count)],
        call=call,
        read=lambda request: Verdict(200 if request.user == workload.USER and request.scopes else 400),
        part=True,
    )


def token_call(server: WebApplicationServer) -> Callable[[bytes], tuple[dict[str, str], str, int]]:
    """Return the token endpoint: body in; headers, body, and status out."""

    def call(body: bytes) -> tuple[dict[str, str], str, int]:
        return server.create_token_response(TOKEN_URI, "POST", body.decode(), HTTP_HEADERS)

    return call


def bearer(stored: int) -> Row[dict[str, str]]:
    """Return oauthlib's bearer check over that many stored access tokens."""
    validator = Dicts()
    server = WebApplicationServer(validator)

    def add(*, expires_at: float = 0.0, scope: str = workload.SCOPE, alive: bool = True) -> bytes:
        secret = token_urlsafe(32)
        later = expires_at or time() + workload.ACCESS_SECONDS
        validator.access[secret] = Token(workload.CLIENT_ID, workload.USER, scope, later, alive)
        return b"Bearer " + secret.encode()

    headers = [add() for _ in range(stored)]
    required = [workload.SCOPE]
    return Row(
        name="oauthlib ResourceEndpoint",
        prepare=lambda count: [as_headers(header) for header in in_any_order(headers, count)],
        call=lambda received: server.verify_request(API_URI, "GET", None, received, required),
        read=lambda answer: Verdict(200, (answer[1].user,)) if answer[0] else Verdict(401),
        refused={
            "unknown": lambda: as_headers(unknown_header()),
            "expired": lambda: as_headers(add(expires_at=time() - 1)),
            "paused": lambda: as_headers(add(alive=False)),
            "another scope": lambda: as_headers(add(scope=workload.OTHER_SCOPE)),
        },
    )


def unknown() -> Row[dict[str, str]]:
    """Return how oauthlib refuses a token that nobody issued."""
    known = bearer(100)
    return Row(
        name=known.name,
        prepare=lambda count: [as_headers(unknown_header()) for _ in range(count)],
        call=known.call,
        read=known.read,
    )


def exchange(name: str, generator: Callable[[object], str] | None) -> Row[bytes]:
    """Return oauthlib's code exchange; a `generator` of None is oauthlib's own."""
    validator = Dicts()

    def add(*, seconds: float = workload.CODE_SECONDS) -> str:
        code = token_urlsafe(32)
        validator.codes[code] = Code(
            workload.CLIENT_ID,
            workload.USER,
            workload.SCOPE,
            workload.REDIRECT_URI,
            workload.CHALLENGE,
            time() + seconds,
        )
        return code

    def prepare(count: int) -> list[bytes]:
        forget(validator)
        return [workload.exchange_body(add()) for _ in range(count)]

    return Row(
        name=name,
        prepare=prepare,
        call=token_call(WebApplicationServer(validator, token_generator=generator)),
        read=read_answer,
        refused=wrong_exchanges(add),
    )


def refresh(name: str, generator: Callable[[object], str] | None) -> Row[bytes]:
    """Return oauthlib's refresh with rotation; a `generator` of None is oauthlib's own."""
    validator = Dicts()

    def add() -> bytes:
        secret = token_urlsafe(32)
        later = time() + workload.ACCESS_SECONDS
        validator.refresh[secret] = Token(workload.CLIENT_ID, workload.USER, workload.SCOPE, later)
        return workload.refresh_body(secret)

    def prepare(count: int) -> list[bytes]:
        forget(validator)
        return [add() for _ in range(count)]

    return Row(
        name=name,
        prepare=prepare,
        call=token_call(WebApplicationServer(validator, token_generator=generator)),
        read=read_answer,
        refused={"unknown": lambda: workload.refresh_body(token_urlsafe(32))},
    )


def forget(validator: Dicts) -> None:
    """Empty the stores."""
    for store in (validator.codes, validator.access, validator.refresh):
        store.clear()


def as_headers(authorization: bytes) -> dict[str, str]:
    """Return the headers of an API request."""
    return {"Authorization": authorization.decode(), "Accept": "*/*"}


def read_answer(answer: tuple[dict[str, str], str, int]) -> Verdict:
    """Read the answer of the token endpoint."""
    return read_token_answer(answer[2], answer[1])
