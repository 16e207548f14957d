"""The statements that read SQLite and sweep it."""

import sqlite3
from typing import Final, TypeAlias

from scopegate.core.records import NEVER, Cutoffs, TokenQuery
from scopegate.stores._cursors import token_position

TOKEN: Final = """
    SELECT t.id, t.user, t.client_id, t.created_at, t.document, t.settings, t.version, t.generation,
        t.advanced_at, t.reply, t.revoked_at, t.revoked_reason, t.last_used_at, t.last_wrote_at, t.lapses_at,
        c.id, c.owner, c.version, c.document
    FROM scopegate_tokens AS t
    LEFT JOIN scopegate_clients AS c ON c.realm = t.realm AND c.id = t.client_id
    WHERE t.realm = ?1 AND t.id = ?2
"""
TOKEN_AND_CREDENTIAL: Final = """
    SELECT t.id, t.user, t.client_id, t.created_at, t.document, t.settings, t.version, t.generation,
        t.advanced_at, t.reply, t.revoked_at, t.revoked_reason, t.last_used_at, t.last_wrote_at, t.lapses_at,
        c.id, c.owner, c.version, c.document,
        k.token_id, k.digest, k.kind, k.generation, k.created_at, k.expires_at, k.keep_until, k.document,
        t.stamp, cs.stamp
    FROM scopegate_tokens AS t
    LEFT JOIN scopegate_clients AS c ON c.realm = t.realm AND c.id = t.client_id
    LEFT JOIN scopegate_credentials AS k ON k.realm = t.realm AND k.token_id = t.id AND k.digest = ?3
    LEFT JOIN scopegate_client_stamps AS cs ON cs.realm = t.realm AND cs.id = t.client_id
    WHERE t.realm = ?1 AND t.id = ?2
"""
STAMPS: Final = """
    SELECT t.stamp, cs.stamp FROM scopegate_tokens AS t
    JOIN scopegate_client_stamps AS cs ON cs.realm = t.realm AND cs.id = t.client_id
    WHERE t.realm = ? AND t.id = ?
"""
CLIENT: Final = "SELECT id, owner, version, document FROM scopegate_clients WHERE realm = ? AND id = ?"
ONCE: Final = (
    "SELECT key, value, expires_at FROM scopegate_once WHERE realm = ? AND key = ? AND expires_at > ?"
)

_TOKENS: Final = """
    SELECT id, user, client_id, created_at, document, settings, version, generation, advanced_at, reply,
        revoked_at, revoked_reason, last_used_at, last_wrote_at, lapses_at
    FROM scopegate_tokens WHERE """
_CLIENTS: Final = "SELECT id, owner, version, document FROM scopegate_clients WHERE "
_EVENTS: Final = """
    SELECT sequence, kind, at, user, token_id, client_id, detail FROM scopegate_events WHERE """

Statement: TypeAlias = tuple[str, list[object]]
_Term: TypeAlias = tuple[str, tuple[object, ...]]


def tokens(realm: str, query: TokenQuery, after: str | None, limit: int) -> Statement:
    """The statement that lists tokens, newest first.

    Raises:
        InvalidValueError: no store gave this cursor.
    """
    terms: list[_Term] = [("realm = ?", (realm,))]
    if query.user is not None:
        terms.append(("user = ?", (query.user,)))
    if query.client_id is not None:
        terms.append(("client_id = ?", (query.client_id,)))
    if query.pending is not None:
        terms.append(("generation = 0" if query.pending else "generation > 0", ()))
    if query.pending_after is not None:
        terms.append(("(generation > 0 OR created_at > ?)", (query.pending_after,)))
    if after is not None:
        created_at, token_id = token_position(after)
        terms.append(("created_at <= ? AND (created_at < ? OR id > ?)", (created_at, created_at, token_id)))
    return _statement(_TOKENS, terms, " ORDER BY created_at DESC, id LIMIT ?", limit)


def clients(realm: str, owner: str | None, after: str | None, limit: int) -> Statement:
    """The statement that lists clients in the order of their ids."""
    terms: list[_Term] = [("realm = ?", (realm,))]
    if owner is not None:
        terms.append(("owner = ?", (owner,)))
    if after is not None:
        terms.append(("id > ?", (after,)))
    return _statement(_CLIENTS, terms, " ORDER BY id LIMIT ?", limit)


def events(realm: str, user: str | None, token_id: str | None, before: int | None, limit: int) -> Statement:
    """The statement that lists events, newest first."""
    terms: list[_Term] = [("realm = ?", (realm,))]
    if user is not None:
        terms.append(("user = ?", (user,)))
    if token_id is not None:
        terms.append(("token_id = ?", (token_id,)))
    if before is not None:
        terms.append(("sequence < ?", (before,)))
    return _statement(_EVENTS, terms, " ORDER BY sequence DESC LIMIT ?", limit)


def _statement(head: str, terms: list[_Term], tail: str, limit: int) -> Statement:
    values = [value for _, some in terms for value in some]
    return head + " AND ".join(term for term, _ in terms) + tail, [*values, limit]


NOTICE: Final = """
    UPDATE scopegate_clients SET idle_since = ?2
    WHERE realm = ?1 AND self_registered = 1 AND idle_since IS NULL AND NOT EXISTS (
        SELECT 1 FROM scopegate_tokens AS t WHERE t.realm = ?1 AND t.client_id = scopegate_clients.id)
"""
SWEEPS: Final = (
    """
    DELETE FROM scopegate_credentials WHERE realm = :realm AND (token_id, digest) IN (
        SELECT k.token_id, k.digest FROM scopegate_tokens AS t
        JOIN scopegate_credentials AS k ON k.realm = t.realm AND k.token_id = t.id
        WHERE t.realm = :realm AND t.generation = 0 AND t.created_at <= :pending_before LIMIT :limit)
    """,
    """
    DELETE FROM scopegate_tokens WHERE realm = :realm AND id IN (
        SELECT t.id FROM scopegate_tokens AS t
        WHERE t.realm = :realm AND t.generation = 0 AND t.created_at <= :pending_before AND NOT EXISTS (
            SELECT 1 FROM scopegate_credentials AS k WHERE k.realm = t.realm AND k.token_id = t.id)
        LIMIT :limit)
    """,
    """
    DELETE FROM scopegate_credentials WHERE realm = :realm AND (token_id, digest) IN (
        SELECT k.token_id, k.digest FROM scopegate_credentials AS k
        JOIN scopegate_tokens AS t ON t.realm = k.realm AND t.id = k.token_id
        WHERE k.realm = :realm AND k.keep_until IS NOT NULL AND k.keep_until <= :kept_before
            AND k.generation < t.generation LIMIT :limit)
    """,
    """
    DELETE FROM scopegate_once WHERE realm = :realm AND key IN (
        SELECT key FROM scopegate_once WHERE realm = :realm AND expires_at <= :kept_before LIMIT :limit)
    """,
    """
    DELETE FROM scopegate_clients WHERE realm = :realm AND id IN (
        SELECT id FROM scopegate_clients
        WHERE realm = :realm AND self_registered = 1 AND idle_since <= :idle_before LIMIT :limit)
    """,
    """
    DELETE FROM scopegate_events WHERE sequence IN (
        SELECT sequence FROM scopegate_events WHERE realm = :realm AND user = :forgotten LIMIT :limit)
    """,
    """
    DELETE FROM scopegate_events WHERE sequence IN (
        SELECT sequence FROM scopegate_events WHERE realm = :realm AND at <= :events_before LIMIT :limit)
    """,
)


def sweep(connection: sqlite3.Connection, realm: str, cutoffs: Cutoffs, limit: int) -> int:
    """Free at most ``limit`` rows; see `Store.sweep`."""
    if cutoffs.kept_before > NEVER:
        connection.execute(NOTICE, (realm, cutoffs.kept_before))
    freed = 0
    for statement in SWEEPS:
        cells = {
            "realm": realm,
            "pending_before": cutoffs.pending_before,
            "kept_before": cutoffs.kept_before,
            "idle_before": cutoffs.idle_before,
            "events_before": cutoffs.events_before,
            "forgotten": cutoffs.forgotten,
            "limit": max(limit - freed, 0),
        }
        freed += connection.execute(statement, cells).rowcount
    return freed
