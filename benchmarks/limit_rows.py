"""Rows of the rulers: their stores filled, their answers read."""

from collections.abc import Awaitable, Callable, Sequence
from hashlib import sha256
from random import Random
from secrets import token_bytes, token_hex, token_urlsafe
from time import time
from typing import TypeVar

from benchmarks import workload
from benchmarks.asgi import Exchange, caller, form_post, read_exchange, read_token_answer
from benchmarks.limits import (
    Answer,
    Code,
    Credential,
    Facts,
    Grants,
    Located,
    Token,
    async_verifier,
    code_exchange,
    dutiful_token_endpoint,
    dutiful_verifier,
    refresh_rotation,
    verifier,
)
from benchmarks.rows import Row, Verdict

Item = TypeVar("Item")
READ, OTHER = 1, 2
TOKEN_PATH = "/oauth/token"


def digest(secret: str) -> bytes:
    """Return what a ruler stores instead of `secret`."""
    return sha256(secret.encode()).digest()


def token() -> Token:
    """Return a fresh token of the one user and client."""
    return Token(workload.USER, workload.CLIENT_ID, workload.SCOPE)


def in_any_order(items: Sequence[Item], count: int) -> list[Item]:
    """Return `count` of `items` in a shuffled but repeatable order, each as often as the others."""
    order = Random(7)  # noqa: S311 - an order of requests protects nothing
    picked: list[Item] = []
    while len(picked) < count:
        picked += order.sample(items, len(items))
    return picked[:count]


def bearer(stored: int, *, awaits: bool = False) -> Row[bytes]:
    """Return the ruler of the bearer check over that many stored access tokens; ``awaits``: as a coroutine."""
    access: dict[bytes, Credential] = {}
    headers: list[bytes] = []

    def add(
        *,
        owner: Token | None = None,
        expires_at: float = 0.0,
        audience: str = workload.RESOURCE,
        mask: int = READ,
    ) -> bytes:
        secret = token_urlsafe(32)
        later = expires_at or time() + workload.ACCESS_SECONDS
        access[digest(secret)] = (owner or token(), 1, later, audience, mask)
        return b"Bearer " + secret.encode()

    headers.extend(add() for _ in range(stored))
    paused = token()
    paused.alive = False
    return Row(
        name="LIMIT, async" if awaits else "LIMIT",
        prepare=lambda count: in_any_order(headers, count),
        call=(async_verifier if awaits else verifier)(access, workload.RESOURCE, READ),
        awaits=awaits,
        read=read_user,
        refused={
            "unknown": unknown_header,
            "expired": lambda: add(expires_at=time() - 1),
            "paused": lambda: add(owner=paused),
            "another audience": lambda: add(audience="https://other.example"),
            "another scope": lambda: add(mask=OTHER),
            "another scheme": lambda: b"Basic " + headers[0][7:],
        },
    )


def dutiful_bearer(stored: int) -> Row[str]:
    """Return the ruler of the bearer check with every duty of a server with a directory."""
    tokens: dict[str, Facts] = {}
    credentials: dict[bytes, Located] = {}
    accounts = {workload.USER: True, workload.OTHER_USER: False}
    prefix = "default\0sga\0"

    def add(
        *,
        user: str = workload.USER,
        revoked: bool = False,
        active: bool = True,
        expires_at: float = 0.0,
        audience: str = workload.RESOURCE,
        mask: int = READ,
    ) -> str:
        token_id, secret, now = token_hex(16), token_urlsafe(32), time()
        tokens[token_id] = (user, workload.CLIENT_ID, revoked, 1, None, active, now)
        later = expires_at or now + workload.ACCESS_SECONDS
        credentials[digest(prefix + secret)] = (token_id, 1, later, (audience,), mask)
        return f"Bearer sga_{token_id}.{secret}"

    headers = [add() for _ in range(stored)]
    return Row(
        name="LIMIT, all duties",
        prepare=lambda count: in_any_order(headers, count),
        call=dutiful_verifier(
            tokens, credentials, {workload.CLIENT_ID: False}, accounts.get, prefix, workload.RESOURCE, READ
        ),
        read=read_user,
        refused={
            "unknown": lambda: unknown_header().decode(),
            "expired": lambda: add(expires_at=time() - 1),
            "paused": lambda: add(active=False),
            "revoked": lambda: add(revoked=True),
            "another audience": lambda: add(audience="https://other.example"),
            "another scope": lambda: add(mask=OTHER),
            "a disabled account": lambda: add(user=workload.OTHER_USER),
            "another token's secret": lambda: f"{headers[0][:43]}.{headers[1][44:]}",
        },
    )


def unknown() -> Row[bytes]:
    """Return the ruler of refusing a token that nobody issued, with 100 others stored."""
    known = bearer(100)
    return Row(
        name="LIMIT",
        prepare=lambda count: [unknown_header() for _ in range(count)],
        call=known.call,
        read=read_user,
    )


def exchange() -> Row[bytes]:
    """Return the ruler of the code exchange."""
    codes: dict[bytes, Code] = {}
    consumed: dict[bytes, Token] = {}
    access: dict[bytes, Credential] = {}
    refresh: dict[bytes, Credential] = {}

    def add(*, seconds: float = workload.CODE_SECONDS) -> str:
        code = token_urlsafe(32)
        codes[digest(code)] = (
            token(),
            time() + seconds,
            workload.REDIRECT_URI,
            workload.CHALLENGE,
            workload.RESOURCE,
            READ,
        )
        return code

    def prepare(count: int) -> list[bytes]:
        for store in (codes, consumed, access, refresh):
            store.clear()
        return [workload.exchange_body(add()) for _ in range(count)]

    return Row(
        name="LIMIT",
        prepare=prepare,
        call=code_exchange({workload.CLIENT_ID: ""}, codes, consumed, access, refresh),
        read=read_answer,
        refused=wrong_exchanges(add),
    )


def refresh() -> Row[bytes]:
    """Return the ruler of refreshing with rotation."""
    access: dict[bytes, Credential] = {}
    rows: dict[bytes, Credential] = {}

    def add() -> bytes:
        secret = token_urlsafe(32)
        rows[digest(secret)] = (token(), 0, time() + workload.ACCESS_SECONDS, workload.RESOURCE, READ)
        return workload.refresh_body(secret)

    def prepare(count: int) -> list[bytes]:
        access.clear()
        rows.clear()
        return [add() for _ in range(count)]

    return Row(
        name="LIMIT",
        prepare=prepare,
        call=refresh_rotation({workload.CLIENT_ID: ""}, access, rows),
        read=read_answer,
        refused={"unknown": lambda: workload.refresh_body(token_urlsafe(32))},
    )


def dutiful_exchange() -> Row[Exchange]:
    """Return the ruler of the code exchange with every duty that scopegate has."""
    kept, call = dutiful_endpoint(sealing_key=None)

    def add(*, seconds: float = workload.CODE_SECONDS) -> str:
        return grant(kept, "sgc", 0, time() + seconds)

    def prepare(count: int) -> list[Exchange]:
        return [form_post(TOKEN_PATH, workload.exchange_body(add())) for _ in range(count)]

    return Row(
        name="LIMIT, all duties",
        prepare=prepare,
        call=call,
        read=read_exchange,
        refused={name: posting(make) for name, make in wrong_exchanges(add).items()},
        awaits=True,
    )


def dutiful_refresh() -> Row[Exchange]:
    """Return the ruler of refreshing with every duty that scopegate has, its answer sealed for a retry."""
    kept, call = dutiful_endpoint(sealing_key=token_bytes(32))
    made = posting(lambda: workload.refresh_body(grant(kept, "sgr", 1, None)))
    return Row(
        name="LIMIT, all duties",
        prepare=lambda count: [made() for _ in range(count)],
        call=call,
        read=read_exchange,
        refused={
            "unknown": posting(lambda: workload.refresh_body(f"sgr_{token_hex(16)}.{token_urlsafe(32)}"))
        },
        awaits=True,
        retries=True,
    )


def dutiful_endpoint(
    sealing_key: bytes | None,
) -> tuple[Grants, Callable[[Exchange], Awaitable[Exchange]]]:
    """Return an empty dutiful token endpoint, and what calls it."""
    kept = Grants(
        {workload.CLIENT_ID: (False, frozenset({"authorization_code", "refresh_token"}))}, {}, {}, [], {}, {}
    )
    accounts = {workload.USER: True}

    async def account(user: str) -> bool | None:
        return accounts.get(user)

    return kept, caller(dutiful_token_endpoint(kept, account, sealing_key))


def grant(kept: Grants, kind: str, generation: int, expires_at: float | None) -> str:
    """Store a grant with one secret, and return it as it travels."""
    grant_id, secret, now = token_hex(16), token_urlsafe(32), time()
    kept.grants[grant_id] = (
        workload.USER,
        workload.CLIENT_ID,
        workload.REDIRECT_URI,
        workload.SCOPE,
        workload.RESOURCE,
        now,
        None,
        0,
        False,
        generation,
        now,
        None,
    )
    kept.secrets[digest(f"default\0{kind}\0{secret}")] = (
        grant_id,
        kind,
        generation,
        expires_at,
        None,
        workload.CHALLENGE,
        workload.RESOURCE,
    )
    return f"{kind}_{grant_id}.{secret}"


def posting(make: Callable[[], bytes]) -> Callable[[], Exchange]:
    """Return what makes the request out of what makes its body."""
    return lambda: form_post(TOKEN_PATH, make())


def wrong_exchanges(add: Callable[..., str]) -> dict[str, Callable[[], bytes]]:
    """Return the exchanges that each contender must refuse; `add(seconds=)` stores a code and returns it."""
    return {
        "unknown code": lambda: workload.exchange_body(token_urlsafe(32)),
        "expired code": lambda: workload.exchange_body(add(seconds=-1)),
        "wrong verifier": lambda: workload.exchange_body(add(), verifier=workload.WRONG_VERIFIER),
        "another redirect": lambda: workload.exchange_body(add(), redirect_uri="https://evil.example/"),
    }


def unknown_header() -> bytes:
    """Return an `Authorization` header with a token that nobody issued."""
    return b"Bearer " + token_urlsafe(32).encode()


def read_user(user: str | None) -> Verdict:
    """Read the answer of a bearer check that is a user or None."""
    return Verdict(401) if user is None else Verdict(200, (user,))


def read_answer(answer: Answer) -> Verdict:
    """Read the answer of a ruler's token endpoint."""
    return read_token_answer(answer[0], answer[2])
