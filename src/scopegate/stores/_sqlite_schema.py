"""The tables of the SQLite store, and how they come to be: forward only, by whoever opens the file first."""

import sqlite3
from time import monotonic, sleep
from typing import Final

from scopegate.errors import ConfigurationError, StoreUnavailableError

_FIRST: Final = (
    """
    CREATE TABLE scopegate_tokens (
        realm TEXT NOT NULL,
        id TEXT NOT NULL,
        user TEXT NOT NULL,
        client_id TEXT NOT NULL,
        created_at REAL NOT NULL,
        document TEXT NOT NULL,
        settings TEXT NOT NULL,
        version INTEGER NOT NULL,
        generation INTEGER NOT NULL,
        advanced_at REAL,
        reply BLOB,
        revoked_at REAL,
        revoked_reason TEXT,
        last_used_at REAL,
        PRIMARY KEY (realm, id)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX scopegate_tokens_of_user ON scopegate_tokens (realm, user, created_at DESC, id)",
    "CREATE INDEX scopegate_tokens_of_client ON scopegate_tokens (realm, client_id, created_at DESC, id)",
    "CREATE INDEX scopegate_tokens_by_age ON scopegate_tokens (realm, created_at DESC, id)",
    """
    CREATE INDEX scopegate_tokens_pending ON scopegate_tokens (realm, created_at, id) WHERE generation = 0
    """,
    """
    CREATE TABLE scopegate_credentials (
        realm TEXT NOT NULL,
        token_id TEXT NOT NULL,
        digest BLOB NOT NULL,
        kind TEXT NOT NULL,
        generation INTEGER NOT NULL,
        created_at REAL NOT NULL,
        expires_at REAL,
        keep_until REAL,
        document TEXT,
        PRIMARY KEY (realm, token_id, digest)
    ) WITHOUT ROWID
    """,
    """
    CREATE INDEX scopegate_credentials_kept ON scopegate_credentials (realm, keep_until)
    WHERE keep_until IS NOT NULL
    """,
    """
    CREATE TABLE scopegate_clients (
        realm TEXT NOT NULL,
        id TEXT NOT NULL,
        owner TEXT,
        version INTEGER NOT NULL,
        document TEXT NOT NULL,
        PRIMARY KEY (realm, id)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX scopegate_clients_of_owner ON scopegate_clients (realm, owner, id) WHERE owner IS NOT NULL",
    """
    CREATE TABLE scopegate_once (
        realm TEXT NOT NULL,
        key TEXT NOT NULL,
        value BLOB NOT NULL,
        expires_at REAL NOT NULL,
        PRIMARY KEY (realm, key)
    ) WITHOUT ROWID
    """,
    "CREATE INDEX scopegate_once_kept ON scopegate_once (realm, expires_at)",
    """
    CREATE TABLE scopegate_events (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        realm TEXT NOT NULL,
        kind TEXT NOT NULL,
        at REAL NOT NULL,
        user TEXT NOT NULL,
        token_id TEXT NOT NULL,
        client_id TEXT NOT NULL,
        detail TEXT
    )
    """,
    "CREATE INDEX scopegate_events_of_user ON scopegate_events (realm, user)",
    "CREATE INDEX scopegate_events_of_token ON scopegate_events (realm, token_id)",
)

_SECOND: Final = (
    "ALTER TABLE scopegate_clients ADD COLUMN self_registered INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE scopegate_clients ADD COLUMN idle_since REAL",
    # No text in a document can hold these quotation marks: within text they are escaped.
    """
    UPDATE scopegate_clients SET self_registered = 1 WHERE instr(document, '"origin":"registered"') = 0
    """,
    "CREATE INDEX scopegate_clients_idle ON scopegate_clients (realm, idle_since) WHERE self_registered = 1",
)

# A stamp stands for one state of a row and is never used again, so who has read a row before need only compare
# stamps. Triggers keep them, so that nobody who writes can forget it: no older release and no operator.
_THIRD: Final = (
    """
    CREATE TABLE scopegate_token_stamps (
        realm TEXT NOT NULL,
        id TEXT NOT NULL,
        stamp INTEGER NOT NULL,
        client_id TEXT NOT NULL,
        PRIMARY KEY (realm, id)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE scopegate_client_stamps (
        realm TEXT NOT NULL,
        id TEXT NOT NULL,
        stamp INTEGER NOT NULL,
        PRIMARY KEY (realm, id)
    ) WITHOUT ROWID
    """,
    "INSERT INTO scopegate_token_stamps SELECT realm, id, random(), client_id FROM scopegate_tokens",
    "INSERT INTO scopegate_client_stamps SELECT realm, id, random() FROM scopegate_clients",
    """
    CREATE TRIGGER scopegate_token_put AFTER INSERT ON scopegate_tokens BEGIN
        INSERT OR REPLACE INTO scopegate_token_stamps VALUES (new.realm, new.id, random(), new.client_id);
    END
    """,
    """
    CREATE TRIGGER scopegate_token_changed AFTER UPDATE ON scopegate_tokens BEGIN
        UPDATE scopegate_token_stamps SET stamp = random(), client_id = new.client_id
        WHERE realm = new.realm AND id = new.id;
    END
    """,
    """
    CREATE TRIGGER scopegate_token_gone AFTER DELETE ON scopegate_tokens BEGIN
        DELETE FROM scopegate_token_stamps WHERE realm = old.realm AND id = old.id;
    END
    """,
    # Adding one changes nothing of what was read with another.
    """
    CREATE TRIGGER scopegate_credential_changed AFTER UPDATE ON scopegate_credentials BEGIN
        UPDATE scopegate_token_stamps SET stamp = random() WHERE realm = old.realm AND id = old.token_id;
    END
    """,
    """
    CREATE TRIGGER scopegate_credential_gone AFTER DELETE ON scopegate_credentials BEGIN
        UPDATE scopegate_token_stamps SET stamp = random() WHERE realm = old.realm AND id = old.token_id;
    END
    """,
    """
    CREATE TRIGGER scopegate_client_put AFTER INSERT ON scopegate_clients BEGIN
        INSERT OR REPLACE INTO scopegate_client_stamps VALUES (new.realm, new.id, random());
    END
    """,
    """
    CREATE TRIGGER scopegate_client_changed AFTER UPDATE OF owner, version, document ON scopegate_clients BEGIN
        UPDATE scopegate_client_stamps SET stamp = random() WHERE realm = new.realm AND id = new.id;
    END
    """,
    """
    CREATE TRIGGER scopegate_client_gone AFTER DELETE ON scopegate_clients BEGIN
        DELETE FROM scopegate_client_stamps WHERE realm = old.realm AND id = old.id;
    END
    """,
)

_FOURTH: Final = (
    "ALTER TABLE scopegate_tokens ADD COLUMN last_wrote_at REAL",
    "ALTER TABLE scopegate_tokens ADD COLUMN lapses_at REAL",
    "CREATE INDEX scopegate_events_by_age ON scopegate_events (realm, at)",
)

# Each table and index that a commit touches is a page to write, so a token carries its stamp itself, which whoever
# changes the row renews in the same statement; triggers do it for those who do not. The name of the table that was
# becomes that of a view, for servers of an older release that still have the file open. 0 stands for the state at the
# upgrade. Whoever gives a row another key, or replaces one, changes what stands at either key.
_FIFTH: Final = (
    "DROP TRIGGER IF EXISTS scopegate_token_put",
    "DROP TRIGGER IF EXISTS scopegate_token_changed",
    "DROP TRIGGER IF EXISTS scopegate_token_gone",
    "DROP TRIGGER IF EXISTS scopegate_credential_changed",
    "DROP TRIGGER IF EXISTS scopegate_credential_gone",
    "DROP TABLE scopegate_token_stamps",
    "ALTER TABLE scopegate_tokens ADD COLUMN stamp INTEGER NOT NULL DEFAULT 0",
    "CREATE VIEW scopegate_token_stamps AS SELECT realm, id, stamp, client_id FROM scopegate_tokens",
    """
    CREATE TRIGGER scopegate_token_put AFTER INSERT ON scopegate_tokens BEGIN
        UPDATE scopegate_tokens SET stamp = random() WHERE realm = new.realm AND id = new.id;
    END
    """,
    """
    CREATE TRIGGER scopegate_token_changed AFTER UPDATE ON scopegate_tokens WHEN new.stamp = old.stamp BEGIN
        UPDATE scopegate_tokens SET stamp = random() WHERE realm = new.realm AND id = new.id;
    END
    """,
    """
    CREATE TRIGGER scopegate_credential_replaced BEFORE INSERT ON scopegate_credentials WHEN EXISTS (
        SELECT 1 FROM scopegate_credentials
        WHERE realm = new.realm AND token_id = new.token_id AND digest = new.digest
    ) BEGIN
        UPDATE scopegate_tokens SET stamp = random() WHERE realm = new.realm AND id = new.token_id;
    END
    """,
    """
    CREATE TRIGGER scopegate_credential_changed AFTER UPDATE ON scopegate_credentials BEGIN
        UPDATE scopegate_tokens SET stamp = random() WHERE realm = old.realm AND id = old.token_id;
        UPDATE scopegate_tokens SET stamp = random() WHERE realm = new.realm AND id = new.token_id;
    END
    """,
    """
    CREATE TRIGGER scopegate_credential_gone AFTER DELETE ON scopegate_credentials BEGIN
        UPDATE scopegate_tokens SET stamp = random() WHERE realm = old.realm AND id = old.token_id;
    END
    """,
    """
    CREATE TRIGGER scopegate_client_moved AFTER UPDATE OF realm, id ON scopegate_clients BEGIN
        DELETE FROM scopegate_client_stamps WHERE realm = old.realm AND id = old.id;
        DELETE FROM scopegate_client_stamps WHERE realm = new.realm AND id = new.id;
        INSERT INTO scopegate_client_stamps VALUES (new.realm, new.id, random());
    END
    """,
)

STEPS: Final = (_FIRST, _SECOND, _THIRD, _FOURTH, _FIFTH)
"""Step n brings a file from schema n to n + 1. A step that was released is never changed."""

_PAUSE: Final = 0.01


def prepare(connection: sqlite3.Connection, path: str, timeout: float) -> None:
    """Switch the file to write-ahead logging and bring its schema up to date.

    Any number of processes may do this at once: each step is one transaction that looks again before it acts.

    Raises:
        ConfigurationError: a newer release wrote the file, or the place cannot hold a write-ahead log.
        StoreUnavailableError: other processes kept it locked for ``timeout`` seconds.
        sqlite3.Error: anything else that SQLite says.
    """
    _log_ahead(connection, path, timeout)
    if _version(connection) != len(STEPS):
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            _upgrade(connection, path)


def is_busy(error: sqlite3.Error) -> bool:
    """Whether SQLite says that somebody else has the lock."""
    return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY


def _upgrade(connection: sqlite3.Connection, path: str) -> None:
    version = _version(connection)
    if version > len(STEPS):
        raise ConfigurationError(
            f"{path} has schema {version}, and this release of scopegate knows none above {len(STEPS)}: "
            f"run the newer release that wrote it, or open another file"
        )
    for step in STEPS[version:]:
        for statement in step:
            connection.execute(statement)
    connection.execute("CREATE TABLE IF NOT EXISTS scopegate_schema (version INTEGER NOT NULL)")
    connection.execute("DELETE FROM scopegate_schema")
    connection.execute("INSERT INTO scopegate_schema (version) VALUES (?)", (len(STEPS),))


def _version(connection: sqlite3.Connection) -> int:
    """The schema that the file has; 0: none yet."""
    named = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'scopegate_schema'"
    if connection.execute(named).fetchone() is None:
        return 0
    row = connection.execute("SELECT max(version) FROM scopegate_schema").fetchone()
    return int(row[0] or 0)


def _log_ahead(connection: sqlite3.Connection, path: str, timeout: float) -> None:
    """SQLite does not wait for its lock when several connections change the journal at once, so this does."""
    deadline = monotonic() + timeout
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        except sqlite3.OperationalError as error:
            if not is_busy(error):
                raise
            if monotonic() > deadline:
                raise StoreUnavailableError(
                    f"{path} stayed locked for {timeout} s while it was opened: try again"
                ) from error
            sleep(_PAUSE)
            continue
        break
    if mode != "wal":
        raise ConfigurationError(
            f"{path} cannot have a write-ahead log (its journal is {mode!r}): put it on a local disk, "
            f"where it may be written"
        )
