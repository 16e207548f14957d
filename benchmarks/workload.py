"""The one job that every contender does: the same client, user, scope, resource, and request bodies."""

from base64 import urlsafe_b64encode
from hashlib import sha256
from secrets import token_urlsafe
from typing import Final
from urllib.parse import quote

ISSUER: Final = "https://acme.example"
RESOURCE: Final = "https://acme.example/mcp"
CLIENT_ID: Final = "c_6pV2mTq9xWbL4sYd"
REDIRECT_URI: Final = "https://client.example/oauth/callback"
USER: Final = "user-1"
OTHER_USER: Final = "user-2"
ORGANIZATION: Final = "organization-1"
APPLICATION: Final = "application-1"
ACTION: Final = "Application.read"
SCOPE: Final = "all.Application.read"
OTHER_SCOPE: Final = "only.User.read"
ACCESS_SECONDS: Final = 3600
CODE_SECONDS: Final = 60

VERIFIER: Final = token_urlsafe(32)
WRONG_VERIFIER: Final = token_urlsafe(32)
CHALLENGE: Final = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).decode().rstrip("=")

TOKEN_FIELDS: Final = ("access_token", "expires_in", "refresh_token", "scope", "token_type")
"""The members that each successful token answer must have."""

FORM_TYPE: Final = "application/x-www-form-urlencoded"


def exchange_body(code: str, *, verifier: str = VERIFIER, redirect_uri: str = REDIRECT_URI) -> bytes:
    """Return the form that redeems `code` (RFC 6749 section 4.1.3, RFC 7636, RFC 8707)."""
    return (
        f"grant_type=authorization_code&code={code}&redirect_uri={quote(redirect_uri, safe='')}"
        f"&client_id={CLIENT_ID}&code_verifier={verifier}&resource={quote(RESOURCE, safe='')}"
    ).encode()


def refresh_body(refresh_token: str) -> bytes:
    """Return the form that rotates `refresh_token`, as a public client sends it (RFC 6749 section 6)."""
    return (
        f"grant_type=refresh_token&refresh_token={refresh_token}&client_id={CLIENT_ID}"
        f"&resource={quote(RESOURCE, safe='')}"
    ).encode()
