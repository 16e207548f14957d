# pyright: basic
"""oauthlib behind a typed face; the only module that knows it. Loaded when a server is built.

oauthlib gets our own request values instead of its ``Request``: it never parses HTTP, never sees a secret, and makes
neither secrets nor redirects. Where it is laxer than OAuth 2.1, the difference is made up here, next to the call.
"""

import hmac
import re
from hashlib import sha256
from typing import Any, Final, TypeAlias

from attrs import define
from oauthlib.oauth2 import RequestValidator
from oauthlib.oauth2.rfc6749 import errors
from oauthlib.oauth2.rfc6749.endpoints.revocation import RevocationEndpoint
from oauthlib.oauth2.rfc6749.grant_types import AuthorizationCodeGrant, RefreshTokenGrant

from scopegate.core.clients import AuthMethod
from scopegate.core.credentials import encode
from scopegate.errors import OAuthError
from scopegate.flows.engine import AuthorizationCheck, FatalError, GrantRequest, RevocationCheck, Stage

VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")

# Looked up once, for CPython 3.11 takes as long to find a member of an enumeration as to call a function.
_NONE: Final = AuthMethod.NONE
_CLIENT: Final = Stage.CLIENT
_CREDENTIAL: Final = Stage.CREDENTIAL
_VERIFIER: Final = Stage.VERIFIER
_BOUND: Final = Stage.BOUND

DESCRIPTIONS: Final = {
    "invalid_client": "the client is unknown, disabled, or did not prove who it is by its registered method",
    "invalid_grant": "the code, refresh token or verifier is unknown, expired, or belongs to another client",
    "invalid_scope": "a scope is unknown, or not within what may be asked for",
    "unauthorized_client": "the client is not registered for this grant type",
}


def s256(verifier: str, challenge: str) -> bool:
    """Whether a verifier has the right form and hashes to the challenge (RFC 7636 sections 4.1 and 4.6)."""
    if not VERIFIER.fullmatch(verifier):
        return False
    computed = encode(sha256(verifier.encode("ascii")).digest())
    return hmac.compare_digest(computed.encode("ascii"), challenge.encode())


_Judged: TypeAlias = GrantRequest | AuthorizationCheck | RevocationCheck


@define(eq=False)
class _Named:
    """A client as oauthlib wants to see it."""

    client_id: str


class _Answers(RequestValidator):
    """Answers oauthlib's questions from the request value itself; keeps nothing."""

    def client_authentication_required(self, request: _Judged, *_args: Any) -> bool:
        return request.known_client is None or request.known_client.auth_method is not _NONE

    def authenticate_client(self, request: _Judged, *_args: Any) -> bool:
        if request.known_client is None:
            return False
        request.client = _Named(request.known_client.id)
        return True

    def authenticate_client_id(self, _client_id: Any, request: _Judged, *_args: Any) -> bool:
        return self.authenticate_client(request)

    def validate_client_id(self, _client_id: Any, request: _Judged, *_args: Any) -> bool:
        return self.authenticate_client(request)

    def validate_redirect_uri(
        self, _client_id: Any, _uri: Any, request: AuthorizationCheck, *_args: Any
    ) -> bool:
        return request.matched is not None

    def get_default_redirect_uri(
        self, _client_id: Any, request: AuthorizationCheck | GrantRequest, *_args: Any
    ) -> str | None:
        if isinstance(request, GrantRequest):
            request.stage = _VERIFIER
            return request.bound_redirect_uri
        return request.matched.uri if request.matched is not None else None

    def validate_response_type(self, _client_id: Any, response_type: str, *_args: Any) -> bool:
        return response_type == "code"

    def is_pkce_required(self, *_args: Any) -> bool:
        return True

    def get_default_scopes(self, _client_id: Any, request: AuthorizationCheck, *_args: Any) -> list[str]:
        return list(request.default_scopes)

    def validate_scopes(
        self, _client_id: Any, scopes: list[str], _client: Any, request: AuthorizationCheck, *_args: Any
    ) -> bool:
        return bool(scopes) and request.allowed_scopes.issuperset(scopes)

    def validate_grant_type(
        self, _client_id: Any, grant_type: str, _client: Any, request: GrantRequest, *_args: Any
    ) -> bool:
        request.stage = _CLIENT
        return request.known_client is not None and grant_type in request.known_client.grant_types

    def validate_code(
        self, _client_id: Any, _code: Any, _client: Any, request: GrantRequest, *_args: Any
    ) -> bool:
        return self.validate_refresh_token(None, None, request)

    def validate_refresh_token(self, _token: Any, _client: Any, request: GrantRequest, *_args: Any) -> bool:
        if request.credential_valid:
            request.stage = _CREDENTIAL
        return request.credential_valid

    def get_code_challenge(self, _code: Any, request: GrantRequest) -> str | None:
        return request.challenge

    def get_code_challenge_method(self, _code: Any, _request: Any) -> str:
        return "S256"

    def confirm_redirect_uri(
        self, _client_id: Any, _code: Any, uri: str, _client: Any, request: GrantRequest, *_args: Any
    ) -> bool:
        request.stage = _VERIFIER
        return uri == request.bound_redirect_uri

    def get_original_scopes(self, _token: Any, request: GrantRequest, *_args: Any) -> list[str]:
        return list(request.original_scopes)

    def is_within_original_scope(self, *_args: Any) -> bool:
        return False


def _own_problem(request: AuthorizationCheck) -> dict[str, object]:
    if request.problem is not None:
        raise request.problem
    return {}


class OauthlibEngine:
    """`Engine` over oauthlib. It keeps no state between calls."""

    def __init__(self) -> None:
        answers = _Answers()
        self._code = AuthorizationCodeGrant(answers, pre_auth=[_own_problem])
        self._code._code_challenge_methods = {"S256": s256}  # noqa: SLF001 - the class offers 'plain' too
        self._refresh = RefreshTokenGrant(answers)
        self._revocation = RevocationEndpoint(answers)

    def authorization(self, check: AuthorizationCheck) -> None:
        """See `Engine.authorization`."""
        try:
            self._code.validate_authorization_request(check)
        except errors.FatalClientError as error:
            raise FatalError(error.error or "invalid_request", error.description) from None
        except errors.OAuth2Error as error:
            raise _translated(error) from None

    def code(self, request: GrantRequest) -> None:
        """See `Engine.code`."""
        try:
            self._code.validate_token_request(request)
        except errors.MismatchingRedirectURIError:
            msg = "the redirect_uri is not the one of the authorization request"
            raise OAuthError("invalid_grant", msg) from None
        except errors.OAuth2Error as error:
            raise _translated(error) from None
        request.stage = _BOUND

    def refresh(self, request: GrantRequest) -> None:
        """See `Engine.refresh`."""
        try:
            self._refresh.validate_token_request(request)
        except errors.OAuth2Error as error:
            raise _translated(error) from None
        request.stage = _BOUND

    def revocation(self, check: RevocationCheck) -> None:
        """See `Engine.revocation`."""
        try:
            self._revocation.validate_revocation_request(check)
        except errors.OAuth2Error as error:
            raise _translated(error) from None


def _translated(error: errors.OAuth2Error) -> OAuthError:
    code = error.error or "invalid_request"
    return OAuthError(code, error.description or DESCRIPTIONS.get(code, ""), status=error.status_code)
