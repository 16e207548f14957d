"""How changes are written to SQLite, inside one transaction that writes alone."""

import sqlite3
from collections.abc import Sequence
from typing import Final, assert_never

from scopegate.core.changes import (
    AddCredential,
    AdvanceToken,
    AppendEvent,
    Change,
    CreateToken,
    DeleteToken,
    DropCredential,
    Follower,
    Guarded,
    PutClient,
    PutOnce,
    ReviseToken,
    RevokeToken,
    TakeOnce,
    Touch,
)
from scopegate.core.clients import Origin
from scopegate.core.credentials import Credential
from scopegate.core.tokens import Token
from scopegate.errors import InvalidValueError
from scopegate.stores import _codec
from scopegate.stores._batch import conflict, only_touches, parts
from scopegate.stores._sqlite_pool import Pool

_CREATE: Final = """
    INSERT INTO scopegate_tokens (
        realm, id, user, client_id, created_at, document, settings, version, generation, advanced_at, reply,
        revoked_at, revoked_reason, last_used_at, last_wrote_at, lapses_at
    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (realm, id) DO NOTHING
"""
_ADD: Final = """
    INSERT INTO scopegate_credentials (
        realm, token_id, digest, kind, generation, created_at, expires_at, keep_until, document
    ) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9
    WHERE EXISTS (SELECT 1 FROM scopegate_tokens WHERE realm = ?1 AND id = ?2)
    ON CONFLICT (realm, token_id, digest) DO NOTHING
"""
_PUT_CLIENT: Final = """
    INSERT OR REPLACE INTO scopegate_clients (realm, id, owner, version, document, self_registered)
    VALUES (?, ?, ?, ?, ?, ?)
"""
_IN_USE: Final = """
    UPDATE scopegate_clients SET idle_since = NULL WHERE realm = ? AND id = ? AND idle_since IS NOT NULL
"""
_APPEND: Final = """
    INSERT INTO scopegate_events (realm, kind, at, user, token_id, client_id, detail)
    VALUES (?, ?, ?, ?, ?, ?, ?)
"""
_ADVANCE: Final = """
    UPDATE scopegate_tokens
    SET generation = generation + 1, advanced_at = ?, reply = ?, lapses_at = ?, stamp = random()
    WHERE realm = ? AND id = ? AND generation = ? AND revoked_at IS NULL
"""
_REVISE: Final = """
    UPDATE scopegate_tokens SET settings = ?, version = version + 1, stamp = random() WHERE realm = ? AND id = ?
"""
_REVOKE: Final = """
    UPDATE scopegate_tokens SET revoked_at = ?, revoked_reason = ?, stamp = random()
    WHERE realm = ? AND id = ? AND revoked_at IS NULL
"""
_DELETE: Final = """
    DELETE FROM scopegate_tokens WHERE realm = ?1 AND id = ?2 AND (?3 IS NULL OR generation = ?3)
"""
_PUT_ONCE: Final = """
    INSERT INTO scopegate_once (realm, key, value, expires_at) VALUES (?, ?, ?, ?)
    ON CONFLICT (realm, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at
    WHERE scopegate_once.expires_at <= ?
"""
_TOUCH: Final = """
    UPDATE scopegate_tokens SET last_used_at = max(coalesce(last_used_at, ?3), ?3),
        last_wrote_at = CASE WHEN ?4 THEN max(coalesce(last_wrote_at, ?3), ?3) ELSE last_wrote_at END,
        stamp = random()
    WHERE realm = ?1 AND id = ?2
        AND (coalesce(last_used_at < ?3, TRUE) OR (?4 AND coalesce(last_wrote_at < ?3, TRUE)))
"""


def commit(pool: Pool, realm: str, changes: Sequence[Change], *, waiting: bool = True) -> None:
    """Write changes in one transaction, as `Store.commit` says.

    Raises:
        BusyError: somebody else writes, and ``waiting`` is false; nothing was written.
        ConflictError: the guard of the first change is false; nothing was written.
        StoreUnavailableError: it was not applied, or, if the disk failed, that is not known.
    """
    if not changes:
        return
    first, followers = parts(changes)
    if only_touches(changes):
        pool.write_unless_busy(_TOUCH, [_touched(realm, change) for change in changes])
        return
    try:
        with pool.transaction(waiting=waiting) as connection:
            if not lead(connection, realm, first):
                raise conflict(first)
            for change in followers:
                follow(connection, realm, change)
    except UnicodeEncodeError:
        raise InvalidValueError("text", "it holds half of a surrogate pair: send whole characters") from None
    except OverflowError:
        raise InvalidValueError("number", "it has more than 64 bits: send a smaller one") from None


def lead(connection: sqlite3.Connection, realm: str, change: Guarded | DropCredential | Touch) -> bool:
    """Write the first change, or say that its guard is false."""
    match change:
        case CreateToken(token):
            return _create(connection, realm, token)
        case ReviseToken() | AdvanceToken() | RevokeToken() | DeleteToken():
            return _change_token(connection, realm, change)
        case PutClient():
            return _put_client(connection, realm, change)
        case PutOnce() | TakeOnce():
            return _change_once(connection, realm, change)
        case DropCredential() | Touch():
            return follow(connection, realm, change)
    assert_never(change)


def follow(connection: sqlite3.Connection, realm: str, change: Follower) -> bool:
    """Write a follower. False: there was no credential to drop."""
    match change:
        case AddCredential(credential):
            _add(connection, realm, credential)
        case DropCredential(token_id, digest):
            statement = "DELETE FROM scopegate_credentials WHERE realm = ? AND token_id = ? AND digest = ?"
            return _wrote(connection, statement, (realm, token_id, digest))
        case AppendEvent(event):
            connection.execute(_APPEND, (realm, *_codec.event_row(event)))
        case Touch():
            connection.execute(_TOUCH, _touched(realm, change))
        case _:
            assert_never(change)
    return True


def _touched(realm: str, change: Touch) -> tuple[object, ...]:
    """What `_TOUCH` is executed with."""
    return realm, change.token_id, change.at, change.wrote


def _create(connection: sqlite3.Connection, realm: str, token: Token) -> bool:
    connection.execute(_IN_USE, (realm, token.client_id))
    return _wrote(connection, _CREATE, (realm, *_codec.token_row(token)))


def _change_token(
    connection: sqlite3.Connection, realm: str, change: ReviseToken | AdvanceToken | RevokeToken | DeleteToken
) -> bool:
    match change:
        case ReviseToken():
            return _revise(connection, realm, change)
        case AdvanceToken(token_id, expected_generation, at, reply, lapses_at):
            return _wrote(connection, _ADVANCE, (at, reply, lapses_at, realm, token_id, expected_generation))
        case RevokeToken(token_id, at, reason):
            return _wrote(connection, _REVOKE, (at, reason, realm, token_id))
        case DeleteToken(token_id, expected_generation):
            key = (realm, token_id)
            if not _wrote(connection, _DELETE, (*key, expected_generation)):
                return False
            # After it, for then no stamp is left to change with each credential.
            connection.execute("DELETE FROM scopegate_credentials WHERE realm = ? AND token_id = ?", key)
            return True
    assert_never(change)


def _revise(connection: sqlite3.Connection, realm: str, change: ReviseToken) -> bool:
    """Read first: keys of the document that only a newer release knows are kept."""
    key = (realm, change.token_id)
    found = connection.execute(
        "SELECT version, settings FROM scopegate_tokens WHERE realm = ? AND id = ?", key
    )
    row = found.fetchone()
    if row is None or row[0] != change.expected_version:
        return False
    document = _codec.settings_document(change.settings, row[1])
    return _wrote(connection, _REVISE, (document, *key))


def _put_client(connection: sqlite3.Connection, realm: str, change: PutClient) -> bool:
    """Read first, for the same reason."""
    key = (realm, change.client.id)
    found = connection.execute(
        "SELECT version, document FROM scopegate_clients WHERE realm = ? AND id = ?", key
    )
    version, before = found.fetchone() or (0, None)
    if version != change.expected_version:
        return False
    self_registered = change.client.origin is Origin.SELF_REGISTERED
    cells = (realm, *_codec.client_row(change.client, before), self_registered)
    return _wrote(connection, _PUT_CLIENT, cells)


def _change_once(connection: sqlite3.Connection, realm: str, change: PutOnce | TakeOnce) -> bool:
    if isinstance(change, PutOnce):
        cells = (realm, change.key, change.value, change.expires_at, change.now)
        return _wrote(connection, _PUT_ONCE, cells)
    statement = "DELETE FROM scopegate_once WHERE realm = ? AND key = ? AND expires_at > ?"
    return _wrote(connection, statement, (realm, change.key, change.now))


def _add(connection: sqlite3.Connection, realm: str, credential: Credential) -> None:
    connection.execute(_ADD, (realm, *_codec.credential_row(credential)))


def _wrote(connection: sqlite3.Connection, statement: str, cells: tuple[object, ...]) -> bool:
    return connection.execute(statement, cells).rowcount == 1
