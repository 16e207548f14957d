"""The rulers: the least that a correct implementation must do, each one flat function over plain dicts.

They keep only SHA-256 digests of secrets, check status, expiry, audience, scope, client, redirect URI and
PKCE, redeem a code once, rotate refresh tokens, and revoke on reuse. They have no hooks, events or caps.
Anything faster than a ruler leaves out something that a server must do.
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Awaitable, Callable
from hashlib import sha256
from hmac import compare_digest
from os import urandom
from secrets import token_urlsafe
from threading import Lock
from time import time
from typing import Final
from urllib.parse import unquote_plus

from attrs import define
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from benchmarks.asgi import Application, Message, Receive, Send

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


def async_verifier(
    access: dict[bytes, Credential], audience: str, required: int
) -> Callable[[bytes], Awaitable[str | None]]:
    """Return `verifier` as one coroutine function: what an asynchronous server cannot do without."""

    async def verify(authorization: bytes) -> str | None:
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


# A grant's facts: user, client, redirect URI, scope, audience, created at, ends at, wrong verifiers, revoked,
# generation, advanced at, the sealed answer to the last refresh.
Grant = tuple[str, str, str, str, str, float, float | None, int, bool, int, float, bytes | None]
# A secret of a grant: its id, kind, generation, expires at, kept until, challenge, audience.
Secret = tuple[str, str, int, float | None, float | None, str, str]
# What happened: kind, when, user, grant id, client.
Happening = tuple[str, float, str, str, str]


@define
class Grants:
    """What the dutiful token endpoint keeps. A state of a grant is one tuple, so that no reader sees half of it."""

    clients: dict[str, tuple[bool, frozenset[str]]]
    grants: dict[str, Grant]
    secrets: dict[bytes, Secret]
    events: list[Happening]
    by_user: dict[str, list[int]]
    by_grant: dict[str, list[int]]


FORM_TYPE: Final = b"application/x-www-form-urlencoded"
VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")
PENDING, RETRY, REPLAY, REMEMBERED = 86_400.0, 30.0, 10.0, 90 * 86_400.0
ATTEMPTS: Final = 5
MOST_QUERY, MOST_BODY, MOST_SECRET = 16_384, 65_536, 256


def dutiful_token_endpoint(  # noqa: C901, PLR0915 - a ruler is one flat function
    kept: Grants, account: Callable[[str], Awaitable[object]], sealing_key: bytes | None
) -> Application:
    """Return the token endpoint with every duty that scopegate's has, as an ASGI application.

    On top of `code_exchange` and `refresh_rotation`: HTTP itself; one way to authenticate; the client must be enabled
    and may use the grant; secrets name their grant, and their digests are apart by realm and kind; a state is
    replaced as a whole, under a lock, if it is still the one that was judged; wrong verifiers are counted; the
    directory is asked for the account; grants end; what was used is remembered for a while; all that happens is
    written to a history with its two indexes; and the answer to a refresh is sealed for who asks again at once, if
    there is a key.
    """
    clients, grants, secrets = kept.clients, kept.grants, kept.secrets
    lock = Lock()

    def note(kind: str, now: float, grant_id: str, grant: Grant) -> None:
        place = len(kept.events)
        kept.events.append((kind, now, grant[0], grant_id, grant[1]))
        kept.by_user.setdefault(grant[0], []).append(place)
        kept.by_grant.setdefault(grant_id, []).append(place)

    def revoke(now: float, grant_id: str, grant: Grant) -> None:
        with lock:
            grants[grant_id] = (*grant[:8], True, *grant[9:])
            note("reuse_detected", now, grant_id, grant)
            note("revoked", now, grant_id, grant)

    def box(secret: str, grant_id: str, generation: int) -> AESGCM:
        info = f"default {grant_id} {generation}".encode()
        return AESGCM(HKDF(SHA256(), 32, sealing_key, info).derive(secret.encode()))

    async def answer(scope: Message, receive: Receive) -> Answer:  # noqa: C901, PLR0911, PLR0912, PLR0915
        if (
            scope["method"] != "POST"
            or scope["path"] != "/oauth/token"
            or len(scope["query_string"]) > MOST_QUERY
        ):
            return INVALID_REQUEST
        message = await receive()
        if message["type"] != "http.request" or message.get(
            "more_body", False
        ):  # no client here sends pieces
            return INVALID_REQUEST
        sent = message.get("body", b"")
        content_type = authorization = None
        for name, value in scope["headers"]:
            if name == b"content-type":
                content_type = value
            elif name == b"authorization":
                authorization = value
        if len(sent) > MOST_BODY or content_type != FORM_TYPE:
            return INVALID_REQUEST
        form = parse_form(sent)
        if form is None or authorization is not None:
            return INVALID_REQUEST
        field = form.get
        grant_type = field("grant_type")
        redeem = grant_type == "authorization_code"
        presented = field("code" if redeem else "refresh_token")
        if not presented or len(presented) > MOST_SECRET or not presented.isascii():
            return INVALID_REQUEST
        client_id = field("client_id", "")
        client = clients.get(client_id)
        if client is None or client[0] or "client_secret" in form or grant_type not in client[1]:
            return INVALID_CLIENT
        kind, _, rest = presented.partition("_")
        grant_id, _, secret = rest.partition(".")
        digest = sha256(f"default\0{kind}\0{secret}".encode()).digest()
        row, grant = secrets.get(digest), grants.get(grant_id)
        if row is None or grant is None or row[0] != grant_id or row[1] != ("sgc" if redeem else "sgr"):
            return INVALID_GRANT
        _, _, generation, expires_at, _, challenge, _ = row
        (
            user,
            owner,
            redirect_uri,
            scopes,
            audience,
            created_at,
            ends,
            wrong,
            revoked,
            current,
            advanced,
            reply,
        ) = grant
        if owner != client_id or not await account(user):
            return INVALID_GRANT
        now = time()
        used = generation < current
        if (
            revoked
            or (ends is not None and now >= ends)
            or (current == 0 and now >= created_at + PENDING)
            or (not used and expires_at is not None and now >= expires_at)
        ):
            return INVALID_GRANT
        if redeem:
            proof = field("code_verifier", "")
            if wrong >= ATTEMPTS or not VERIFIER.fullmatch(proof):
                return INVALID_GRANT
            hashed = urlsafe_b64encode(sha256(proof.encode()).digest())[:43]
            if not compare_digest(hashed, challenge.encode()):
                if not used:
                    grants[grant_id] = (*grant[:7], wrong + 1, *grant[8:])
                return INVALID_GRANT
            if field("redirect_uri") != redirect_uri:
                return INVALID_GRANT
        if field("resource", audience) != audience:
            return INVALID_TARGET
        if field("scope", scopes) != scopes:
            return INVALID_REQUEST
        same = (
            b"" if redeem else sha256(f"{client_id}\0{form.get('scope', '')}\0{audience}".encode()).digest()
        )
        if used:
            if redeem and now - advanced < REPLAY:
                return INVALID_GRANT
            if reply is not None and generation == current - 1 and now - advanced < RETRY:
                opened = box(secret, grant_id, generation).decrypt(reply[:12], reply[12:], None)
                return (200, HEADERS, opened[32:]) if opened[:32] == same else INVALID_GRANT
            revoke(now, grant_id, grant)
            return INVALID_GRANT
        first, second = token_urlsafe(32), token_urlsafe(32)
        body = success(f"sga_{grant_id}.{first}", f"sgr_{grant_id}.{second}", scopes)
        sealed = None
        if sealing_key is not None and not redeem:
            nonce = urandom(12)
            sealed = nonce + box(secret, grant_id, generation).encrypt(nonce, same + body, None)
        following = current + 1
        access = (grant_id, "sga", following, now + 3600, now + 3600, "", audience)
        refresh = (grant_id, "sgr", following, None, None, "", audience)
        state = (*grant[:9], following, now, sealed)
        with lock:
            if grants.get(grant_id) is not grant:  # another request was faster
                return INVALID_GRANT
            grants[grant_id] = state
            secrets[digest] = (grant_id, kind, generation, expires_at, now + REMEMBERED, challenge, audience)
            secrets[sha256(f"default\0sga\0{first}".encode()).digest()] = access
            secrets[sha256(f"default\0sgr\0{second}".encode()).digest()] = refresh
            note("activated" if redeem else "refreshed", now, grant_id, grant)
        return 200, HEADERS, body

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        status, headers, body = await answer(scope, receive)
        sent = [*headers, (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": body})

    return application


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
