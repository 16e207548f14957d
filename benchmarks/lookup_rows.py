"""Rows of a bearer's look-up in PostgreSQL: the store's, and the same row selected with the bare driver."""

from hashlib import sha256
from random import Random
from typing import Any, Final

import psycopg

from benchmarks.crowded import EACH, Crowded
from benchmarks.limit_rows import in_any_order
from benchmarks.rows import Row, Verdict
from benchmarks.scopegate_rows import REALM

Key = tuple[str, bytes]
SELECT: Final = b"""
    SELECT t.user_id, t.client_id, t.created_at, t.document, t.settings, t.version, t.generation, t.advanced_at,
        t.reply, t.revoked_at, t.revoked_reason, t.last_used_at, t.last_wrote_at, t.lapses_at,
        c.id, c.owner, c.version, c.document,
        k.digest, k.kind, k.generation, k.created_at, k.expires_at, k.keep_until, k.document
    FROM scopegate_tokens AS t
    JOIN scopegate_clients AS c ON c.realm = t.realm AND c.id = t.client_id
    JOIN scopegate_credentials AS k ON k.realm = t.realm AND k.birth = t.birth
    WHERE t.realm = %s AND t.id = %s AND k.digest = %s
"""


def keys(crowd: Crowded, used: int, count: int) -> list[Key]:
    """Return ``count`` look-ups of so many current credentials, which lie all over the database."""
    chosen = min(used, crowd.tokens)
    numbers = Random(7).sample(range(1, crowd.tokens + 1), chosen)  # noqa: S311 - protects nothing
    bearers = [(crowd.token_id(number), each) for each in (EACH, EACH - 1) for number in numbers][:used]
    found = [(token_id, sha256(f"{token_id}/{each}".encode()).digest()) for token_id, each in bearers]
    return in_any_order(found, count)


def select(name: str, crowd: Crowded, used: int) -> Row[Key]:
    """Return the bare driver's select: prepared, on a connection of its own that commits by itself."""
    connection = psycopg.connect(crowd.address, autocommit=True)
    return Row(
        name=name,
        prepare=lambda count: keys(crowd, used, count),
        call=lambda key: connection.execute(SELECT, (REALM, *key)).fetchone(),
        read=lambda row: Verdict(401) if row is None else Verdict(200, (row[1],)),
        refused=unknown(crowd),
    )


def store(name: str, crowd: Crowded, used: int) -> Row[Key]:
    """Return the store's look-up."""
    token = crowd.store.token

    def read(record: Any) -> Verdict:  # noqa: ANN401 - a record or None
        if record is None or record.credential is None:
            return Verdict(401)
        return Verdict(200, (record.client.id,))

    return Row(
        name=name,
        prepare=lambda count: keys(crowd, used, count),
        call=lambda key: token(REALM, *key),
        read=read,
        refused=unknown(crowd),
    )


def unknown(crowd: Crowded) -> dict[str, Any]:
    """Return what must not be found."""
    return {
        "another digest": lambda: (crowd.token_id(1), sha256(b"nobody's").digest()),
        "another token's digest": lambda: (crowd.token_id(1), sha256(b"t2/8").digest()),
    }
