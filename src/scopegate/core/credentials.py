"""Secrets that hang off a token: their wire form, their digests, and what is stored of them."""

from binascii import b2a_base64
from collections.abc import Callable
from enum import StrEnum
from hashlib import sha256
from typing import Final, TypeAlias

from attrs import frozen

SECRET_BYTES: Final = 32
ID_BYTES: Final = 16
MAXIMUM_PRESENTED: Final = 256
_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")

Entropy: TypeAlias = Callable[[int], bytes]
"""Gives that many random bytes."""


class CredentialKind(StrEnum):
    """The kinds of credential; the value is the prefix on the wire, which secret scanners know."""

    CODE = "sgc"
    ACCESS = "sga"
    REFRESH = "sgr"


@frozen
class Credential:
    """What is stored of a secret.

    Args:
        token_id: the token it belongs to.
        kind: code, access or refresh.
        digest: `digest` of the secret; the secret itself is stored nowhere.
        generation: the token's generation when it was issued; 0 for a code.
        created_at: POSIX seconds.
        expires_at: POSIX seconds after which it cannot be used; None: no limit of its own. For a refresh token it is
            measured on the token's active clock, which stands still while the token is paused.
        keep_until: POSIX seconds until which it is remembered, to recognise reuse; None: as long as its token.
        scopes: what an access token may do, when it is less than the token's scopes (REF-4).
        resources: the audience of an access token (RFC 8707).
        challenge: the S256 challenge of a code (RFC 7636).
    """

    token_id: str
    kind: CredentialKind
    digest: bytes
    generation: int
    created_at: float
    expires_at: float | None = None
    keep_until: float | None = None
    scopes: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    challenge: str | None = None


def new_id(entropy: Entropy) -> str:
    """A fresh identifier: 128 random bits in hexadecimal. It locates and proves nothing."""
    return entropy(ID_BYTES).hex()


def new_secret(entropy: Entropy) -> str:
    """A fresh secret: 256 random bits in base64url (TOK-6)."""
    return encode(entropy(SECRET_BYTES))


def encode(data: bytes) -> str:
    """Base64url without padding."""
    return b2a_base64(data).rstrip(b"=\n").translate(_URL_SAFE).decode()


def wire(kind: CredentialKind, token_id: str, secret: str) -> str:
    """What travels: ``<kind>_<token id>.<secret>``. The id only locates."""
    return f"{kind.value}_{token_id}.{secret}"


def digest(realm: str, kind: str, secret: str) -> bytes:
    """SHA-256 of realm, kind and secret; enough for secrets of 256 random bits.

    Args:
        realm: the realm of the server.
        kind: the value of a `CredentialKind`, or another word that keeps secrets of different use apart.
        secret: the secret part of what travels.
    """
    return sha256(f"{realm}\0{kind}\0{secret}".encode()).digest()


def locate(presented: str) -> tuple[str, str, str] | None:
    """What somebody presented, taken apart into kind, token id and secret; None when it has no such form."""
    kind, _, rest = presented.partition("_")
    token_id, _, secret = rest.partition(".")
    if not secret or len(presented) > MAXIMUM_PRESENTED or not presented.isascii():
        return None
    return kind, token_id, secret
