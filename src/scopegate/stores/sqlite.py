"""The store in one SQLite file, with nothing but the standard library.

Reads never wait for writers (write-ahead log). A commit is one transaction that takes the right to write
first, so nothing that it read can change under it; several processes may share the file on one machine.
"""

from collections.abc import Sequence
from os import PathLike, fspath
from os.path import abspath
from typing import TYPE_CHECKING, Literal

from scopegate.core.changes import Change
from scopegate.core.clients import Client
from scopegate.core.credentials import CredentialKind
from scopegate.core.events import Event
from scopegate.core.records import Cutoffs, OnceRow, Page, TokenQuery, TokenRecord
from scopegate.core.tokens import Token
from scopegate.errors import ConfigurationError
from scopegate.protocols import Capabilities
from scopegate.stores import _codec, _sqlite_queries
from scopegate.stores._cursors import of_token, page, sequence_position
from scopegate.stores._sqlite_changes import commit
from scopegate.stores._sqlite_memory import Memory
from scopegate.stores._sqlite_pool import Pool

if TYPE_CHECKING:
    from scopegate.stores._sqlite_async import AsyncSQLiteStore

_CLIENT_AT = _codec.TOKEN_CELLS
_CREDENTIAL_AT = _CLIENT_AT + _codec.CLIENT_CELLS
_STAMPS_AT = _CREDENTIAL_AT + _codec.CREDENTIAL_CELLS


class SQLiteStore:
    """Keeps everything in one file.

    Nothing is opened before `open` or the first use; the schema is brought up to date then. Threads may share
    a store, and so may processes that fork after building it.

    Args:
        path: the file; it is created if it is not there, its folder is not.
        timeout: seconds to wait for other writers before `StoreUnavailableError` is raised.
        synchronous: ``"FULL"`` (the default): what was acknowledged survives a loss of power. ``"NORMAL"``:
            it survives the death of the process, but a loss of power may undo the last commits, and so bring
            back what was revoked or redeemed; writing is faster, how much depends on the disk.

    Raises:
        ConfigurationError: the path names no file, or an argument is not one of those above.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        timeout: float = 5.0,
        synchronous: Literal["FULL", "NORMAL"] = "FULL",
    ) -> None:
        name = fspath(path)
        if name in ("", ":memory:"):
            raise ConfigurationError(
                f"SQLiteStore({name!r}) has no file: write a path, or take MemoryStore()"
            )
        if synchronous not in ("FULL", "NORMAL"):
            raise ConfigurationError(f'synchronous={synchronous!r} is unknown: write "FULL" or "NORMAL"')
        if timeout <= 0:
            raise ConfigurationError(f"timeout={timeout!r} leaves no time to write: write seconds above 0")
        self._pool = Pool(abspath(name), timeout, synchronous)  # noqa: PTH100 - a path is text here, also to SQLite
        self._memory = Memory()
        self._twin: AsyncSQLiteStore | None = None

    def asynchronous(self) -> "AsyncSQLiteStore":
        """The twin for asynchronous servers, over the same data; always the same one."""
        # Who has a synchronous server does not pay for importing asyncio.
        from scopegate.stores._sqlite_async import AsyncSQLiteStore  # noqa: PLC0415 - it loads asyncio

        if self._twin is None:
            self._twin = AsyncSQLiteStore(self, self._pool)
        return self._twin

    @property
    def capabilities(self) -> Capabilities:
        """Durable, and for any number of processes on one machine."""
        return Capabilities(durable=True, cross_process=True)

    def open(self) -> None:
        """Bring the schema up to date.

        Raises:
            ConfigurationError: a newer release wrote the file, or the place cannot hold a write-ahead log.
            StoreUnavailableError: the file cannot be opened or stays locked.
        """
        self._pool.open()

    def close(self) -> None:
        """Close every connection. A later call opens the file again."""
        self._pool.close()

    def client(self, realm: str, client_id: str, /) -> Client | None:
        """See `Store.client`."""
        rows = self._pool.rows(_sqlite_queries.CLIENT, (realm, client_id))
        return _codec.client(rows[0]) if rows else None

    def token(self, realm: str, token_id: str, digest: bytes | None = None, /) -> TokenRecord | None:
        """See `Store.token`. One statement; another if what was read before is no longer so."""
        if digest is None:
            rows = self._pool.rows(_sqlite_queries.TOKEN, (realm, token_id))
            return _record(rows[0]) if rows else None
        key = (realm, token_id, digest)
        known = self._memory[key]
        if known is not None and self._pool.rows(_sqlite_queries.STAMPS, (realm, token_id)) == known[0]:
            return known[1]
        rows = self._pool.rows(_sqlite_queries.TOKEN_AND_CREDENTIAL, key)
        if not rows:
            return None
        record, stamps = _record(rows[0]), rows[0][_STAMPS_AT:]
        credential = record.credential
        if credential is not None and credential.kind is CredentialKind.ACCESS and None not in stamps:
            self._memory.keep((realm, record.token.id, credential.digest), [stamps], record)
        return record

    def tokens(self, realm: str, query: TokenQuery, /, *, after: str | None, limit: int) -> Page[Token]:
        """See `Store.tokens`."""
        rows = self._pool.rows(*_sqlite_queries.tokens(realm, query, after, limit + 1))
        return page([_codec.listed_token(row) for row in rows], limit, of_token)

    def events(
        self, realm: str, /, *, user: str | None, token_id: str | None, after: str | None, limit: int
    ) -> Page[Event]:
        """See `Store.events`. Kinds of event that only a newer release knows are left out."""
        before = None if after is None else sequence_position(after)
        rows = self._pool.rows(*_sqlite_queries.events(realm, user, token_id, before, limit + 1))
        numbered = page(rows, limit, lambda row: str(row[0]))
        read = (_codec.event(row[1:]) for row in numbered.items)
        return Page(tuple(event for event in read if event is not None), numbered.after)

    def clients(self, realm: str, /, *, owner: str | None, after: str | None, limit: int) -> Page[Client]:
        """See `Store.clients`."""
        rows = self._pool.rows(*_sqlite_queries.clients(realm, owner, after, limit + 1))
        return page([_codec.client(row) for row in rows], limit, lambda client: client.id)

    def once(self, realm: str, key: str, /, *, now: float) -> OnceRow | None:
        """See `Store.once`."""
        rows = self._pool.rows(_sqlite_queries.ONCE, (realm, key, now))
        return OnceRow(*rows[0]) if rows else None

    def commit(self, realm: str, changes: Sequence[Change], /) -> None:
        """See `Store.commit`. One transaction; a commit of `Touch` alone is dropped while the file is busy.

        Raises:
            ConflictError: the guard of the first change is false; nothing was written.
            StoreUnavailableError: it was not applied, or, if the disk failed, that is not known.
        """
        commit(self._pool, realm, changes)

    def sweep(self, realm: str, cutoffs: Cutoffs, /, *, limit: int) -> int:
        """See `Store.sweep`."""
        try:
            with self._pool.transaction() as connection:
                return _sqlite_queries.sweep(connection, realm, cutoffs, limit)
        except UnicodeEncodeError:
            return 0  # Half of a surrogate pair was named; no row can have it.


def _record(row: _codec.Row) -> TokenRecord:
    client, credential = row[_CLIENT_AT:_CREDENTIAL_AT], row[_CREDENTIAL_AT:_STAMPS_AT]
    return TokenRecord.of(
        _codec.token(row[:_CLIENT_AT]),
        None if client[0] is None else _codec.client(client),
        _codec.credential(credential) if credential and credential[0] is not None else None,
    )
