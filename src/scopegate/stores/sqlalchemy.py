"""The store on PostgreSQL, MariaDB, MySQL and SQLite, by SQLAlchemy. Needs the extra ``sqlalchemy``.

On PostgreSQL a commit is one statement, so it is one transaction and one round trip, whatever isolation level the
database has by default. Elsewhere it is one transaction, whose guards are part of its writes.
"""

from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from functools import partial
from threading import Lock
from time import sleep
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine

from scopegate.core.changes import Change, Touch
from scopegate.core.clients import Client
from scopegate.core.events import Event
from scopegate.core.records import Cutoffs, OnceRow, Page, TokenQuery, TokenRecord
from scopegate.core.tokens import Token
from scopegate.errors import ConfigurationError, InvalidValueError, ScopegateError
from scopegate.protocols import Capabilities, Heard
from scopegate.stores import _codec, _sql_reads, _sqlalchemy_work
from scopegate.stores._batch import conflict, only_touches, parts
from scopegate.stores._sql_errors import TROUBLE, cause, is_contended, may_be_repeated, pause, spoken
from scopegate.stores._sql_plan import Plan, refuse_memory
from scopegate.stores._sql_reads import Selection, Statement
from scopegate.stores._sql_schema import VERSION, Names, make_metadata, script
from scopegate.stores._sqlalchemy_async import AsyncSQLAlchemyStore
from scopegate.stores._sqlalchemy_feed import changes
from scopegate.stores._sqlalchemy_migrate import check, is_current, migrate
from scopegate.stores._sqlalchemy_raw import BusyError, Lines

__all__ = ["VERSION", "AsyncSQLAlchemyStore", "SQLAlchemyStore", "make_metadata", "metadata", "script"]

metadata: Final = make_metadata()
"""The tables as PostgreSQL has them, under their usual names: for Alembic's ``target_metadata``."""

T = TypeVar("T")


class SQLAlchemyStore:
    """Keeps everything in a database that the app has, or in one of its own.

    The engine stays the app's: the store borrows connections from its pool for one call each, and never disposes of it.
    But on PostgreSQL it takes up to eight out of the pool, beyond its size, for look-ups and commits of one statement,
    and one for each who listens to `changes`. Threads and processes may share the data, and threads a store.

    Args:
        engine: of PostgreSQL (with any driver), MariaDB, MySQL or SQLite.
        prefix: what the names of the tables begin with.
        schema: the schema they lie in; None: where the connection looks.
        migrate: bring the tables up to date when the store is opened. False: your own migrations do; opening
            then only sees that they are there.
        notify: tell of changes, so that caches can follow (PostgreSQL with psycopg).

    Raises:
        ConfigurationError: a name is none, the database is unknown here or in memory, or it cannot tell of changes.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        prefix: str = "scopegate_",
        schema: str | None = None,
        migrate: bool = True,
        notify: bool = False,
    ) -> None:
        dialect = engine.dialect
        refuse_memory(engine.url)
        self._plan = Plan(Names(prefix, schema), dialect.name, dialect.driver, notify)
        self._engine = engine
        isolation = _sqlalchemy_work.ISOLATION.get(dialect.name)
        self._reading = engine.execution_options(**({"isolation_level": isolation} if isolation else {}))
        self._writing = self._reading if self._plan.in_one_statement else engine
        self._trouble = (*TROUBLE, dialect.loaded_dbapi.Error)
        self._migrates = migrate
        self._lines = Lines(engine, self._plan)
        self._opening = Lock()
        self._is_open = False

    @property
    def capabilities(self) -> Capabilities:
        """Durable as far as the database is, and for any number of processes."""
        return self._plan.capabilities

    def open(self) -> None:
        """Bring the tables up to date, or see that they are there.

        Raises:
            ConfigurationError: a newer release made the tables, or, with ``migrate=False``, something is missing.
            StoreUnavailableError: the database did not answer.
        """
        with self._opening:
            if self._is_open:
                return
            names = self._plan.names
            if not self._migrates:
                self._run(self._reading, partial(check, names=names), reading=True)
            elif not self._run(self._reading, partial(is_current, names=names), reading=True):
                self._run(self._engine, partial(_migrated, names=names))
            self._is_open = True

    def close(self) -> None:
        """Close the connections that were taken out of the pool. The engine stays as it is: it is the app's."""
        self._is_open = False
        self._lines.close()

    def client(self, realm: str, client_id: str, /) -> Client | None:
        """See `Store.client`."""
        found = self._rows(_sql_reads.client(self._plan.names, realm, client_id))
        return _codec.client(found[0]) if found else None

    def token(self, realm: str, token_id: str, digest: bytes | None = None, /) -> TokenRecord | None:
        """See `Store.token`. One statement."""
        values = {"digest": digest, "realm": realm, "id": token_id}
        if self._is_open and self._lines.may:
            # What goes wrong here goes wrong again below, and is told apart there.
            with suppress(Exception):
                row = self._lines.row(self._plan.token, values)
                return None if row is None else _sql_reads.record(row)
        rows = self._rows(Statement(self._plan.token, values))
        return _sql_reads.record(tuple(rows[0])) if rows else None

    def tokens(self, realm: str, query: TokenQuery, /, *, after: str | None, limit: int) -> Page[Token]:
        """See `Store.tokens`."""
        found = self._rows(_sql_reads.tokens(self._plan.names, realm, query, after, limit))
        return _sql_reads.tokens_page(found, limit)

    def events(
        self, realm: str, /, *, user: str | None, token_id: str | None, after: str | None, limit: int
    ) -> Page[Event]:
        """See `Store.events`. Kinds of event that only a newer release knows are left out."""
        selection = Selection(user, token_id)
        found = self._rows(_sql_reads.events(self._plan.names, realm, selection, after, limit))
        return _sql_reads.events_page(found, limit)

    def clients(self, realm: str, /, *, owner: str | None, after: str | None, limit: int) -> Page[Client]:
        """See `Store.clients`."""
        found = self._rows(_sql_reads.clients(self._plan.names, realm, owner, after, limit))
        return _sql_reads.clients_page(found, limit)

    def once(self, realm: str, key: str, /, *, now: float) -> OnceRow | None:
        """See `Store.once`."""
        found = self._rows(_sql_reads.once(self._plan.names, realm, key, now))
        return _sql_reads.once_row(found[0]) if found else None

    def commit(self, realm: str, changes: Sequence[Change], /) -> None:
        """See `Store.commit`. A commit of `Touch` alone is dropped where it would have to wait.

        Raises:
            ConflictError: the guard of the first change is false; nothing was written.
            StoreUnavailableError: it was not applied, or, if the connection was lost, that is not known.
            InvalidValueError: the database cannot keep such text or such a number.
        """
        if not changes:
            return
        first, followers = parts(changes)
        if only_touches(changes):
            self._touch(realm, changes)
            return
        self.open()
        if self._lines.may and self._plan.before(realm, first) is None:
            found = self._at_once(self._plan.statement(realm, first, followers, None))
            if found:
                return
            if found is not None:
                raise conflict(first)
        self._run(
            self._writing, partial(_sqlalchemy_work.commit, plan=self._plan, realm=realm, changes=changes)
        )

    def sweep(self, realm: str, cutoffs: Cutoffs, /, *, limit: int) -> int:
        """See `Store.sweep`. Some batches may be done when it fails."""
        self.open()
        work = partial(_sqlalchemy_work.sweep, plan=self._plan, realm=realm, cutoffs=cutoffs, limit=limit)
        with suppress(InvalidValueError):
            return self._run(self._writing, work)
        return 0

    def changes(self, *, beat: float) -> Generator[Heard, None, None]:
        """See `FollowedStore.changes`. It keeps one connection, which it takes out of the engine's pool.

        Raises:
            ConfigurationError: the store was built without ``notify=True``.
            StoreUnavailableError: the feed was lost.
        """
        if not self._plan.notify:
            raise ConfigurationError(
                "this store does not tell of its changes: build it, and all that write here, with notify=True"
            )
        return changes(self._engine, self._plan, beat)

    def _at_once(self, statement: Statement) -> bool | None:
        """Whether a commit's guard held; None: others were in the way, nothing was written."""
        try:
            return self._lines.row(statement.sql, statement.values) is not None
        except BusyError:
            return None
        except Exception as error:  # noqa: BLE001 - whatever the driver raises
            if is_contended(error):
                return None
            raise spoken(error, statement.values) from cause(error)

    def _touch(self, realm: str, touches: Sequence[Touch]) -> None:
        work = partial(_sqlalchemy_work.touch, plan=self._plan, realm=realm, touches=touches)
        with suppress(ScopegateError):
            self.open()
            self._run(self._writing, work)

    def _rows(self, statement: Statement) -> _sqlalchemy_work.Rows:
        """What a statement finds; nothing if it asks for what no row can have."""
        self.open()
        with suppress(InvalidValueError):
            work = partial(_sqlalchemy_work.rows, statement=statement)
            return self._run(self._reading, work, reading=True)
        return ()

    def _run(self, engine: Engine, work: Callable[[Connection], T], *, reading: bool = False) -> T:
        """Do work with a connection, and again if it failed only because of others, or only read."""
        attempt = 1
        while True:
            try:
                with engine.connect() as connection:
                    return work(connection)
            except self._trouble as error:
                if not may_be_repeated(error, attempt, reading=reading):
                    raise spoken(error) from cause(error)
            attempt += 1
            sleep(pause(attempt))


def _migrated(connection: Connection, names: Names) -> None:
    with connection.begin():
        migrate(connection, names)
