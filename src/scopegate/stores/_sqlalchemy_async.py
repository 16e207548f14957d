"""The SQLAlchemy store for asynchronous engines."""

from asyncio import Lock, sleep
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncEngine

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
from scopegate.stores._sql_schema import Names
from scopegate.stores._sqlalchemy_feed import FEEDS, changes_by_psycopg
from scopegate.stores._sqlalchemy_migrate import check, is_current, migrate
from scopegate.stores._sqlalchemy_raw import AsyncLines, BusyError

T = TypeVar("T")


class AsyncSQLAlchemyStore:
    """Keeps everything in a database that the app has, or in one of its own.

    The engine stays the app's: the store borrows connections from its pool for one call each, and never disposes of it.
    But on PostgreSQL it takes up to eight out of the pool, beyond its size, for look-ups and commits of one statement,
    and one for each who listens to `changes`. Threads and processes may share the data, and the tasks of one event loop
    a store.

    Args:
        engine: of PostgreSQL (with any driver), MariaDB, MySQL or SQLite.
        prefix: what the names of the tables begin with.
        schema: the schema they lie in; None: where the connection looks.
        migrate: bring the tables up to date when the store is opened. False: your own migrations do; opening
            then only sees that they are there.
        notify: tell of changes, so that caches can follow (PostgreSQL with psycopg or asyncpg).

    Raises:
        ConfigurationError: a name is none, the database is unknown here or in memory, or it cannot tell of changes.
    """

    def __init__(
        self,
        engine: AsyncEngine,
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
        self._lines = AsyncLines(engine, self._plan)
        self._feed = FEEDS.get(dialect.driver, changes_by_psycopg)
        self._opening = Lock()
        self._is_open = False

    @property
    def capabilities(self) -> Capabilities:
        """Durable as far as the database is, and for any number of processes."""
        return self._plan.capabilities

    async def open(self) -> None:
        """Bring the tables up to date, or see that they are there.

        Raises:
            ConfigurationError: a newer release made the tables, or, with ``migrate=False``, something is missing.
            StoreUnavailableError: the database did not answer.
        """
        async with self._opening:
            if self._is_open:
                return
            names = self._plan.names
            if not self._migrates:
                await self._run(self._reading, partial(check, names=names), reading=True)
            elif not await self._run(self._reading, partial(is_current, names=names), reading=True):
                await self._run(self._engine, partial(_migrated, names=names))
            self._is_open = True

    async def close(self) -> None:
        """Close the connections that were taken out of the pool. The engine stays as it is: it is the app's."""
        self._is_open = False
        await self._lines.close()

    async def client(self, realm: str, client_id: str, /) -> Client | None:
        """See `Store.client`."""
        found = await self._rows(_sql_reads.client(self._plan.names, realm, client_id))
        return _codec.client(found[0]) if found else None

    async def token(self, realm: str, token_id: str, digest: bytes | None = None, /) -> TokenRecord | None:
        """See `Store.token`. One statement."""
        values = {"digest": digest, "realm": realm, "id": token_id}
        if self._is_open and self._lines.may:
            # What goes wrong here goes wrong again below, and is told apart there.
            with suppress(Exception):
                row = await self._lines.row(self._plan.token, values)
                return None if row is None else _sql_reads.record(row)
        rows = await self._rows(Statement(self._plan.token, values))
        return _sql_reads.record(tuple(rows[0])) if rows else None

    async def tokens(self, realm: str, query: TokenQuery, /, *, after: str | None, limit: int) -> Page[Token]:
        """See `Store.tokens`."""
        found = await self._rows(_sql_reads.tokens(self._plan.names, realm, query, after, limit))
        return _sql_reads.tokens_page(found, limit)

    async def events(
        self, realm: str, /, *, user: str | None, token_id: str | None, after: str | None, limit: int
    ) -> Page[Event]:
        """See `Store.events`. Kinds of event that only a newer release knows are left out."""
        selection = Selection(user, token_id)
        found = await self._rows(_sql_reads.events(self._plan.names, realm, selection, after, limit))
        return _sql_reads.events_page(found, limit)

    async def clients(
        self, realm: str, /, *, owner: str | None, after: str | None, limit: int
    ) -> Page[Client]:
        """See `Store.clients`."""
        found = await self._rows(_sql_reads.clients(self._plan.names, realm, owner, after, limit))
        return _sql_reads.clients_page(found, limit)

    async def once(self, realm: str, key: str, /, *, now: float) -> OnceRow | None:
        """See `Store.once`."""
        found = await self._rows(_sql_reads.once(self._plan.names, realm, key, now))
        return _sql_reads.once_row(found[0]) if found else None

    async def commit(self, realm: str, changes: Sequence[Change], /) -> None:
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
            await self._touch(realm, changes)
            return
        await self.open()
        if self._lines.may and self._plan.before(realm, first) is None:
            found = await self._at_once(self._plan.statement(realm, first, followers, None))
            if found:
                return
            if found is not None:
                raise conflict(first)
        await self._run(
            self._writing, partial(_sqlalchemy_work.commit, plan=self._plan, realm=realm, changes=changes)
        )

    async def sweep(self, realm: str, cutoffs: Cutoffs, /, *, limit: int) -> int:
        """See `Store.sweep`. Some batches may be done when it fails."""
        await self.open()
        work = partial(_sqlalchemy_work.sweep, plan=self._plan, realm=realm, cutoffs=cutoffs, limit=limit)
        with suppress(InvalidValueError):
            return await self._run(self._writing, work)
        return 0

    def changes(self, *, beat: float) -> AsyncGenerator[Heard, None]:
        """See `FollowedStore.changes`. It keeps one connection, which it takes out of the engine's pool.

        Raises:
            ConfigurationError: the store was built without ``notify=True``.
            StoreUnavailableError: the feed was lost.
        """
        if not self._plan.notify:
            raise ConfigurationError(
                "this store does not tell of its changes: build it, and all that write here, with notify=True"
            )
        return self._feed(self._engine, self._plan, beat)

    async def _at_once(self, statement: Statement) -> bool | None:
        """Whether a commit's guard held; None: others were in the way, nothing was written."""
        try:
            return await self._lines.row(statement.sql, statement.values) is not None
        except BusyError:
            return None
        except Exception as error:  # noqa: BLE001 - whatever the driver raises
            if is_contended(error):
                return None
            raise spoken(error, statement.values) from cause(error)

    async def _touch(self, realm: str, touches: Sequence[Touch]) -> None:
        work = partial(_sqlalchemy_work.touch, plan=self._plan, realm=realm, touches=touches)
        with suppress(ScopegateError):
            await self.open()
            await self._run(self._writing, work)

    async def _rows(self, statement: Statement) -> _sqlalchemy_work.Rows:
        """What a statement finds; nothing if it asks for what no row can have."""
        await self.open()
        with suppress(InvalidValueError):
            work = partial(_sqlalchemy_work.rows, statement=statement)
            return await self._run(self._reading, work, reading=True)
        return ()

    async def _run(self, engine: AsyncEngine, work: Callable[[Connection], T], *, reading: bool = False) -> T:
        """Do work with a connection, and again if it failed only because of others, or only read."""
        attempt = 1
        while True:
            try:
                async with engine.connect() as connection:
                    return await connection.run_sync(work)
            except self._trouble as error:
                if not may_be_repeated(error, attempt, reading=reading):
                    raise spoken(error) from cause(error)
            attempt += 1
            await sleep(pause(attempt))


def _migrated(connection: Connection, names: Names) -> None:
    with connection.begin():
        migrate(connection, names)
