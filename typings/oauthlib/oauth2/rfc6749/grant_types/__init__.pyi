from collections.abc import Callable, Iterable
from typing import Any

from oauthlib.oauth2 import RequestValidator

class AuthorizationCodeGrant:
    _code_challenge_methods: dict[str, Callable[[str, str], bool]]

    def __init__(
        self,
        request_validator: RequestValidator,
        *,
        pre_auth: Iterable[Callable[[Any], dict[str, object]]] = ...,
    ) -> None: ...
    def validate_authorization_request(self, request: object) -> tuple[list[str], dict[str, object]]: ...
    def validate_token_request(self, request: object) -> None: ...

class RefreshTokenGrant:
    def __init__(self, request_validator: RequestValidator) -> None: ...
    def validate_token_request(self, request: object) -> None: ...
