"""How a client proves who it is, at every endpoint that asks (CA rows)."""

import hmac
from base64 import b64decode
from binascii import Error
from typing import Final
from urllib.parse import unquote_plus

from attrs import field, frozen

from scopegate.core.clients import AuthMethod, Client, ClientSecret
from scopegate.core.credentials import digest
from scopegate.errors import OAuthError
from scopegate.flows.configuration import Configuration
from scopegate.flows.requests import ClientRequest

SECRET_WORD: Final = "client"
_NO_SECRETS: Final = (ClientSecret(b"\0" * 32),)

# Looked up once, for CPython 3.11 takes as long to find a member of an enumeration as to call a function.
_NONE: Final = AuthMethod.NONE
_BASIC: Final = AuthMethod.BASIC


@frozen(slots=False)
class ClientCredentials:
    """Who a request says it is, and with what proof."""

    client_id: str
    secret: str | None = field(repr=False)
    method: AuthMethod


def credentials(request: ClientRequest) -> ClientCredentials:
    """The one way in which the request authenticates.

    Raises:
        OAuthError: ``invalid_request`` for two ways at once (CA-3) or repeated parameters, ``invalid_client`` for none.
    """
    parameters = request.parameters
    if parameters.repeated and parameters.clashing:
        raise OAuthError("invalid_request", f"{min(parameters.clashing)} is sent more than once")
    client_id, secret = parameters.values.get("client_id"), parameters.values.get("client_secret")
    if request.authorization is not None:
        return _basic(request.authorization, client_id, secret)
    if client_id is None:
        raise OAuthError("invalid_client", "client_id is missing", status=401)
    if secret is None:
        return ClientCredentials(client_id, None, _NONE)
    return ClientCredentials(client_id, secret, AuthMethod.POST)


def _basic(authorization: str, body_id: str | None, body_secret: str | None) -> ClientCredentials:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() != "basic":
        raise OAuthError("invalid_client", "the Authorization scheme is not Basic", status=401)
    try:
        client_id, colon, secret = b64decode(value.strip(), validate=True).decode("utf-8").partition(":")
    except (Error, UnicodeDecodeError, ValueError):
        colon = client_id = secret = ""
    client_id, secret = unquote_plus(client_id), unquote_plus(secret)
    if not colon or not client_id:
        raise OAuthError("invalid_client", "the Basic credentials are malformed", status=401)
    if body_secret is not None:
        raise OAuthError(
            "invalid_request", "authenticate in one way only: Basic, or client_secret in the body"
        )
    if body_id is not None and body_id != client_id:
        raise OAuthError("invalid_request", "client_id differs from the Basic credentials")
    return ClientCredentials(client_id, secret, _BASIC)


def authenticated(
    config: Configuration, client: Client | None, given: ClientCredentials, now: float
) -> Client | None:
    """The client, if it is who it says, by the method it registered (CA-4); else None.

    An unknown client costs and looks the same as a wrong secret (CA-6).
    """
    known = client is not None and not client.disabled and client.id == given.client_id
    if client is not None and client.auth_method is _NONE:
        return client if known and given.method is not _BASIC else None
    presented = digest(config.realm, SECRET_WORD, given.secret or "")
    kept = client.secrets if client is not None else _NO_SECRETS
    matches = [
        hmac.compare_digest(presented, one.digest) and (one.expires_at is None or now < one.expires_at)
        for one in kept
    ]
    if client is None or not known or given.method is not client.auth_method:
        return None
    return client if any(matches) else None
