"""The protocol engine's face: plain values in, `OAuthError` out. oauthlib stands behind it, in one private module.

The engine never sees a secret: codes and refresh tokens are represented by words, so that nothing it logs or raises can
carry one.
"""

from enum import IntEnum
from typing import ClassVar, Protocol

from attrs import define

from scopegate.core.clients import Client
from scopegate.core.redirects import RedirectUri
from scopegate.errors import OAuthError


class FatalError(OAuthError):
    """The client or its redirection URI is not valid: answer with a page, never with a redirect (RED-6)."""


class Stage(IntEnum):
    """How far the engine came."""

    START = 0
    CLIENT = 1
    CREDENTIAL = 2
    VERIFIER = 3
    BOUND = 4


@define(eq=False, repr=False)
class GrantRequest:
    """A token request with everything that its judgement needs; the engine reads it and fills in the last ones.

    Words stand for the code, the refresh token and the user.
    """

    grant_type: str | None
    client_id: str | None
    code_verifier: str | None
    redirect_uri: str | None
    scope: str | None
    known_client: Client | None
    challenge: str | None
    bound_redirect_uri: str
    original_scopes: tuple[str, ...]
    credential_valid: bool = False
    client: object = None
    scopes: list[str] | None = None
    stage: Stage = Stage.START
    using_default_redirect_uri: bool = False
    user: ClassVar = "user"
    code: ClassVar = "code"
    refresh_token: ClassVar = "refresh token"
    response_type: ClassVar[None] = None
    response_mode: ClassVar[None] = None
    state: ClassVar[None] = None
    duplicate_params: ClassVar[tuple[str, ...]] = ()


@define(eq=False, repr=False)
class AuthorizationCheck:
    """An authorization request with everything that its judgement needs; the engine fills in the last fields.

    ``allowed_scopes`` are those the client may ask for, ``default_scopes`` what no scope means, ``problem`` what was
    found wrong beyond the engine's own checks, raised once client and redirection URI are known to be good.
    """

    client_id: str | None
    redirect_uri: str | None
    response_type: str | None
    scope: str | None
    code_challenge: str | None
    code_challenge_method: str | None
    known_client: Client | None
    matched: RedirectUri | None
    allowed_scopes: frozenset[str]
    default_scopes: tuple[str, ...]
    problem: OAuthError | None
    client: object = None
    scopes: list[str] | None = None
    using_default_redirect_uri: bool = False
    state: None = None
    response_mode: None = None
    grant_type: None = None
    duplicate_params: tuple[str, ...] = ()


@define(eq=False, repr=False)
class RevocationCheck:
    """A revocation request with everything that its judgement needs."""

    client_id: str | None
    token: str | None
    token_type_hint: str | None
    known_client: Client | None
    client: object = None
    http_method: str = "POST"
    uri_query: str = ""
    redirect_uri: None = None
    scopes: None = None
    response_type: None = None
    response_mode: None = None
    grant_type: None = None
    state: None = None


class Engine(Protocol):
    """Order of checks, PKCE and error codes of the grants."""

    def authorization(self, check: AuthorizationCheck, /) -> None:
        """Judge an authorization request (RFC 6749 section 4.1.1, RFC 7636).

        Raises:
            FatalError: client or redirection URI.
            OAuthError: anything else; it may be told by a redirect.
        """
        ...

    def code(self, request: GrantRequest, /) -> None:
        """Judge the exchange of a code (RFC 6749 section 4.1.3, RFC 7636 section 4.6).

        Raises:
            OAuthError: it is refused; ``request.stage`` says how far it came.
        """
        ...

    def refresh(self, request: GrantRequest, /) -> None:
        """Judge a refresh (RFC 6749 section 6); ``request.scopes`` holds the scopes of the access token.

        Raises:
            OAuthError: it is refused.
        """
        ...

    def revocation(self, check: RevocationCheck, /) -> None:
        """Judge a revocation request (RFC 7009 section 2.1).

        Raises:
            OAuthError: it is refused.
        """
        ...
