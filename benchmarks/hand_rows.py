"""The ruler of an exchange in a database: one transaction by hand, with the least that a correct one must do."""

from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from hashlib import sha256
from hmac import compare_digest
from secrets import token_hex, token_urlsafe
from time import time
from typing import Any, Final

from benchmarks import workload
from benchmarks.limit_rows import read_answer, wrong_exchanges
from benchmarks.limits import (
    HEADERS,
    INVALID_CLIENT,
    INVALID_GRANT,
    INVALID_REQUEST,
    INVALID_TARGET,
    UNSUPPORTED,
    Answer,
    parse_form,
    success,
)
from benchmarks.rows import Row

TABLES: Final = (
    "CREATE TABLE clients (id TEXT PRIMARY KEY)",
    """CREATE TABLE grants (
        id TEXT PRIMARY KEY, owner TEXT NOT NULL, client TEXT NOT NULL, scope TEXT NOT NULL,
        generation INTEGER NOT NULL, revoked INTEGER NOT NULL
    )""",
    """CREATE TABLE secrets (
        digest {bytes} PRIMARY KEY, grant_id TEXT NOT NULL, kind TEXT NOT NULL, generation INTEGER NOT NULL,
        expires_at {real} NOT NULL, redirect_uri TEXT, challenge TEXT, audience TEXT
    )""",
    "CREATE INDEX secrets_by_grant ON secrets (grant_id)",
    "CREATE TABLE events (id {serial}, kind TEXT NOT NULL, at {real} NOT NULL, grant_id TEXT NOT NULL)",
)
FIND: Final = """
    SELECT g.id, g.client, g.scope, g.generation, s.expires_at, s.redirect_uri, s.challenge, s.audience
    FROM secrets AS s JOIN grants AS g ON g.id = s.grant_id JOIN clients AS c ON c.id = g.client
    WHERE s.digest = ? AND s.kind = 'code' AND g.revoked = 0
"""
TAKE: Final = "UPDATE grants SET generation = 1 WHERE id = ? AND generation = 0"
KEEP: Final = (
    "INSERT INTO secrets (digest, grant_id, kind, generation, expires_at, audience) VALUES (?, ?, ?, 1, ?, ?)"
)
NOTE: Final = "INSERT INTO events (kind, at, grant_id) VALUES (?, ?, ?)"
REVOKE: Final = "UPDATE grants SET revoked = 1 WHERE id = ?"


Execute = Callable[..., Any]


def hand_exchange(  # noqa: C901, PLR0915 - a ruler is one flat function
    execute: Execute, begin: str
) -> Callable[[bytes], Answer]:
    """Return a token endpoint of the code grant over a connection that commits when it is told to.

    Args:
        execute: runs a statement with positional parameters.
        begin: the statement that begins a transaction.
    """

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
        execute(begin)
        kept = False
        try:
            row = execute(FIND, (sha256(presented.encode()).digest(),)).fetchone()
            if row is None:
                return INVALID_GRANT
            grant, client, scope, generation, expires_at, redirect_uri, challenge, audience = row
            now = time()
            if field("client_id") != client:
                return INVALID_CLIENT
            if generation:
                execute(REVOKE, (grant,))
                kept = True
                return INVALID_GRANT
            if expires_at <= now or field("redirect_uri") != redirect_uri:
                return INVALID_GRANT
            if field("resource", audience) != audience:
                return INVALID_TARGET
            hashed = urlsafe_b64encode(sha256(proof.encode()).digest())[:43]
            if not compare_digest(hashed, challenge.encode()):
                return INVALID_GRANT
            if execute(TAKE, (grant,)).rowcount != 1:  # somebody was faster
                return INVALID_GRANT
            first, second = token_urlsafe(32), token_urlsafe(32)
            execute(KEEP, (sha256(first.encode()).digest(), grant, "access", now + 3600, audience))
            execute(KEEP, (sha256(second.encode()).digest(), grant, "refresh", now + 31_536_000, audience))
            execute(NOTE, ("redeemed", now, grant))
            kept = True
            return 200, HEADERS, success(first, second, scope)
        finally:
            execute("COMMIT" if kept else "ROLLBACK")

    return exchange


def hand_row(execute: Execute, begin: str) -> Row[bytes]:
    """Return the row of the exchange written by hand, over an empty database that has its tables."""
    execute("INSERT INTO clients VALUES (?)", (workload.CLIENT_ID,))

    def add(*, seconds: float = workload.CODE_SECONDS) -> str:
        code, grant = token_urlsafe(32), token_hex(16)
        execute(
            "INSERT INTO grants VALUES (?, ?, ?, ?, 0, 0)",
            (grant, workload.USER, workload.CLIENT_ID, workload.SCOPE),
        )
        facts = (
            sha256(code.encode()).digest(),
            grant,
            time() + seconds,
            workload.REDIRECT_URI,
            workload.CHALLENGE,
            workload.RESOURCE,
        )
        execute("INSERT INTO secrets VALUES (?, ?, 'code', 0, ?, ?, ?, ?)", facts)
        return code

    def prepare(count: int) -> Sequence[bytes]:
        execute(begin)
        bodies = [workload.exchange_body(add()) for _ in range(count)]
        execute("COMMIT")
        return bodies

    return Row(
        name="one transaction by hand",
        prepare=prepare,
        call=hand_exchange(execute, begin),
        read=read_answer,
        refused=wrong_exchanges(add),
    )
