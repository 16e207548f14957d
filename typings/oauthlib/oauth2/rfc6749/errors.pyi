class OAuth2Error(Exception):
    error: str | None
    status_code: int
    description: str

class FatalClientError(OAuth2Error): ...
class MismatchingRedirectURIError(FatalClientError): ...
