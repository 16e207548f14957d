"""The rulers: the least that a correct implementation must do, each one flat function over plain dicts.

They keep only SHA-256 digests of secrets, check status, expiry, audience, scope, client, redirect URI and
PKCE, redeem a code once, rotate refresh tokens, and revoke on reuse. They have no hooks, events or caps.
Anything faster than a ruler leaves out something that a server must do.
"""

from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from secrets import token_urlsafe
from time import time
from typing import Final
from urllib.parse import unquote_plus

from attrs import define

from benchmarks.asgi import Message, Receive, Send

Form = dict[str, str]
Answer = tuple[int, list[tuple[bytes, bytes]], bytes]


@define
class Token:
    """What pausing and rotation change, shared by all credentials of one authorization; hence mutable."""

    user: str
    client: str
    scope: str
    alive: bool = True
    generation: int = 0


# An access or refresh credential: (token, generation, expires at, audience, scope mask).
Credential = tuple[Token, int, float, str, int]
# A code: (token, expires at, redirect URI, challenge, audience, scope mask).
Code = tuple[Token, float, str, str, str, int]

HEADERS: Final = [
    (b"content-type", b"application/json"),
    (b"cache-control", b"no-store"),
    (b"pragma", b"no-cache"),
]
LAST_USED_PRECISION: Final = 300.0
INVALID_REQUEST: Final[Answer] = (400, HEADERS, b'{"error": "invalid_request"}')
INVALID_CLIENT: Final[Answer] = (401, HEADERS, b'{"error": "invalid_client"}')
INVALID_GRANT: Final[Answer] = (400, HEADERS, b'{"error": "invalid_grant"}')
INVALID_TARGET: Final[Answer] = (400, HEADERS, b'{"error": "invalid_target"}')
UNSUPPORTED: Final[Answer] = (400, HEADERS, b'{"error": "unsupported_grant_type"}')


def verifier(access: dict[bytes, Credential], audience: str, required: int) -> Callable[[bytes], str | None]:
    """Return the bearer check: `Authorization` header in, user out, or None to refuse."""

    def verify(authorization: bytes) -> str | None:
        if authorization[:7] != b"Bearer " and authorization[:7].lower() != b"bearer ":
            return None
        row = access.get(sha256(authorization[7:]).digest())
        if row is None:
            return None
        token, _, expires_at, intended, mask = row
        if not token.alive or expires_at <= time() or intended != audience or mask & required != required:
            return None
        return token.user

    return verify


# A token's facts: user, client, revoked, generation, expires at, active, last used at.
Facts = tuple[str, str, bool, int, float | None, bool, float]
# An access credential of a token: token id, generation, expires at, audience, scope mask.
Located = tuple[str, int, float, tuple[str, ...], int]


def dutiful_verifier(
    tokens: dict[str, Facts],
    credentials: dict[bytes, Located],
    disabled: dict[str, bool],
    account: Callable[[str], object],
    prefix: str,
    audience: str,
    required: int,
) -> Callable[[str], str | None]:
    """Return the bearer check with every duty that a server with a directory has, still in one flat function.

    On top of `verifier`: the secret must belong to the token that it names, digests are apart by realm and kind, the
    client must be known and enabled, the directory is asked for the account, old generations and ended tokens are
    refused, and the last-used time is looked at.
    """

    def verify(authorization: str) -> str | None:
        if authorization[:7] != "Bearer " and authorization[:7].lower() != "bearer ":
            return None
        kind, _, rest = authorization[7:].partition("_")
        token_id, _, secret = rest.partition(".")
        if kind != "sga" or not secret:
            return None
        row = credentials.get(sha256((prefix + secret).encode()).digest())
        facts = tokens.get(token_id)
        if row is None or facts is None or row[0] != token_id:
            return None
        _, generation, expires_at, intended, mask = row
        user, client, revoked, current, ends, active, used = facts
        now = time()
        if (
            revoked
            or not active
            or current - generation > 1
            or disabled.get(client, True)
            or not account(user)
        ):
            return None
        if now >= expires_at or (ends is not None and now >= ends) or now - used >= LAST_USED_PRECISION:
            return None
        return user if audience in intended and mask & required == required else None

    return verify


def parse_form(body: bytes) -> Form | None:
    """Return the fields of a form body, or None if not UTF-8 or a name comes twice (RFC 6749 section 3.2)."""
    form: Form = {}
    try:
        for pair in body.decode().split("&"):
            name, _, value = pair.partition("=")
            if "%" in value or "+" in value:
                value = value.replace("%3A", ":").replace("%2F", "/")  # exact: neither can form a new escape
                if "%" in value or "+" in value:
                    value = unquote_plus(value, errors="strict")
            if name in form:
                return None
            form[name] = value
    except UnicodeDecodeError:
        return None
    return form


def code_exchange(  # noqa: C901, PLR0915 - a ruler is one flat function
    clients: dict[str, str],
    codes: dict[bytes, Code],
    consumed: dict[bytes, Token],
    access: dict[bytes, Credential],
    refresh: dict[bytes, Credential],
) -> Callable[[bytes], Answer]:
    """Return the token endpoint of the code grant: form body in; status, headers and body out."""

    def exchange(body: bytes) -> Answer:  # noqa: C901, PLR0911, PLR0912, PLR0915 - likewise
        form = parse_form(body)
        if form is None:
            return INVALID_REQUEST
        field = form.get
        if field("grant_type") != "authorization_code":
            return UNSUPPORTED
        presented, proof = field("code"), field("code_verifier")
        if not presented or not proof or not 43 <= len(proof) <= 128:  # noqa: PLR2004 - RFC 7636 section 4.1
            return INVALID_REQUEST
        client_id = field("client_id")
        if client_id not in clients:
            return INVALID_CLIENT
        digest = sha256(presented.encode()).digest()
        row = codes.get(digest)
        if row is None:
            replayed = consumed.get(digest)
            if replayed is not None:
                replayed.alive = False
            return INVALID_GRANT
        token, expires_at, redirect_uri, challenge, audience, mask = row
        now = time()
        if token.client != client_id or expires_at <= now or field("redirect_uri") != redirect_uri:
            return INVALID_GRANT
        if field("resource", audience) != audience:
            return INVALID_TARGET
        hashed = urlsafe_b64encode(sha256(proof.encode()).digest())[:43]
        if not compare_digest(hashed, challenge.encode()):
            return INVALID_GRANT
        if codes.pop(digest, None) is None:  # another thread was faster
            return INVALID_GRANT
        consumed[digest] = token
        token.generation = 1
        first, second = token_urlsafe(32), token_urlsafe(32)
        access[sha256(first.encode()).digest()] = (token, 1, now + 3600, audience, mask)
        refresh[sha256(second.encode()).digest()] = (token, 1, now + 31_536_000, audience, mask)
        return 200, HEADERS, success(first, second, token.scope)

    return exchange


def refresh_rotation(  # noqa: C901 - a ruler is one flat function
    clients: dict[str, str], access: dict[bytes, Credential], refresh: dict[bytes, Credential]
) -> Callable[[bytes], Answer]:
    """Return the token endpoint of the refresh grant, rotating, for public clients; reuse ends the token."""

    def rotate(body: bytes) -> Answer:
        form = parse_form(body)
        if form is None:
            return INVALID_REQUEST
        field = form.get
        if field("grant_type") != "refresh_token":
            return UNSUPPORTED
        client_id = field("client_id")
        if client_id not in clients:
            return INVALID_CLIENT
        row = refresh.get(sha256(field("refresh_token", "").encode()).digest())
        if row is None:
            return INVALID_GRANT
        token, generation, expires_at, audience, mask = row
        now = time()
        if token.client != client_id or not token.alive or expires_at <= now:
            return INVALID_GRANT
        if field("resource", audience) != audience:
            return INVALID_TARGET
        if generation != token.generation:  # used before: somebody has a copy
            token.alive = False
            return INVALID_GRANT
        token.generation = advanced = generation + 1
        first, second = token_urlsafe(32), token_urlsafe(32)
        access[sha256(first.encode()).digest()] = (token, advanced, now + 3600, audience, mask)
        refresh[sha256(second.encode()).digest()] = (token, advanced, expires_at, audience, mask)
        return 200, HEADERS, success(first, second, token.scope)

    return rotate


def success(access_token: str, refresh_token: str, scope: str) -> bytes:
    """Return the JSON of a token answer; every value is from an alphabet that needs no escaping."""
    return (
        f'{{"access_token": "{access_token}", "token_type": "Bearer", "expires_in": 3600,'
        f' "refresh_token": "{refresh_token}", "scope": "{scope}"}}'
    ).encode()


METADATA: Final = (
    b'{"issuer": "https://acme.example", "authorization_endpoint": "https://acme.example/authorize",'
    b' "token_endpoint": "https://acme.example/token", "response_types_supported": ["code"],'
    b' "grant_types_supported": ["authorization_code", "refresh_token"],'
    b' "token_endpoint_auth_methods_supported": ["none"], "code_challenge_methods_supported": ["S256"]}'
)
METADATA_HEADERS: Final = [
    (b"content-type", b"application/json"),
    (b"content-length", b"%d" % len(METADATA)),
    (b"cache-control", b"public, max-age=3600"),
    (b"access-control-allow-origin", b"*"),
    (b"etag", b'"%s"' % sha256(METADATA).hexdigest()[:16].encode()),
]


async def metadata_document(scope: Message, receive: Receive, send: Send) -> None:  # noqa: ARG001 - ASGI's signature
    """Serve the metadata document as bytes built beforehand (RFC 8414), as an ASGI application."""
    if scope["method"] != "GET" or scope["path"] != "/.well-known/oauth-authorization-server":
        await send({"type": "http.response.start", "status": 404, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.start", "status": 200, "headers": METADATA_HEADERS})
    await send({"type": "http.response.body", "body": METADATA})
