"""The SQLAlchemy stores keep the contract of stores, on every database and by every driver."""

from contextlib import contextmanager
from functools import partial
from typing import ClassVar

import pytest
from sqlalchemy import NullPool, create_engine, event
from sqlalchemy.ext.asyncio import create_async_engine

from scopegate.stores.sqlalchemy import AsyncSQLAlchemyStore, SQLAlchemyStore, make_metadata
from scopegate.testing.stores import AsyncStoreContract, Capabilities, StoreContract, awaited


def emptied(store, engine):
    """The store with no row in its tables."""
    store.open()
    metadata = make_metadata(dialect=engine.dialect.name)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(table.delete())
    return store


@pytest.fixture(scope="session")
def psycopg_engine(postgresql):
    """PostgreSQL by psycopg."""
    engine = create_engine(postgresql.url("psycopg"), pool_size=20)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def pymysql_engine(mariadb):
    """MariaDB by PyMySQL."""
    engine = create_engine(mariadb.url("pymysql", "scopegate"), pool_size=20)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def sqlite_engine(tmp_path_factory):
    """A file of SQLite, as an app may have it already."""
    engine = create_engine(f"sqlite:///{tmp_path_factory.mktemp('sqlite') / 'app.db'}")
    yield engine
    engine.dispose()


def opened(url):
    """What another process opens."""
    return SQLAlchemyStore(create_engine(url, poolclass=NullPool))


@contextmanager
def interrupted(engine, step):
    """The driver fails at the nth statement that writes."""
    count = 0

    def count_writes(_cursor, statement, _parameters, context):
        nonlocal count
        if not statement.startswith(("SELECT", "SET", "PRAGMA")):
            count += 1
            if count == step:
                raise context.dialect.loaded_dbapi.OperationalError("injected")

    event.listen(engine, "do_execute", count_writes)
    try:
        yield
    finally:
        event.remove(engine, "do_execute", count_writes)


class OnServer(StoreContract):
    """What the databases have in common."""

    capabilities = Capabilities(durable=True, cross_process=True)
    declined: ClassVar = {
        "M": "dumps of every schema are read in test_sqlalchemy_schema.py, on fresh databases"
    }

    def recipe(self, _store):
        """The same database."""
        return partial(opened, self.engine.url.render_as_string(hide_password=False))

    def failing(self, _store, step):
        """A statement fails."""
        return interrupted(self.engine, step)

    engine = ""

    @pytest.fixture
    def store(self, request):
        """Over the tables, emptied."""
        self.engine = request.getfixturevalue(self.engine)
        return emptied(SQLAlchemyStore(self.engine), self.engine)

    def make_another(self, _store):
        """Another store object over the same database."""
        return SQLAlchemyStore(self.engine)

    def reopen(self, store):
        """With connections of its own."""
        store.close()
        self.engine.dispose()
        return SQLAlchemyStore(self.engine)

    def dump(self, _store):
        """All rows of all tables."""
        found = b""
        with self.engine.connect() as connection:
            for table in make_metadata(dialect=self.engine.dialect.name).sorted_tables:
                for row in connection.execute(table.select()):
                    found += b"".join(
                        cell if isinstance(cell, bytes) else repr(cell).encode() for cell in row
                    )
        return found


@pytest.mark.stores
class TestPsycopg(OnServer):
    """PostgreSQL by psycopg."""

    engine = "psycopg_engine"


@pytest.mark.stores
class TestMariaDB(OnServer):
    """MariaDB by PyMySQL."""

    engine = "pymysql_engine"


@pytest.mark.stores
class TestSQLite(OnServer):
    """SQLite by the standard library, as an app may have it already."""

    engine = "sqlite_engine"


class Awaited(AsyncStoreContract, OnServer):
    """The asynchronous stores over the same tables; each test has an event loop, so each has an engine, too."""

    driver = ""
    declined: ClassVar = OnServer.declined | {"A": "the same work is interrupted in the synchronous store"}

    @pytest.fixture
    def async_store(self, request):
        """Over the tables, emptied."""
        self.engine = request.getfixturevalue(self.engine)
        emptied(SQLAlchemyStore(self.engine), self.engine)
        self.asynchronous = create_async_engine(self.engine.url.set(drivername=self.driver))
        return AsyncSQLAlchemyStore(self.asynchronous)

    @pytest.fixture
    def store(self, async_store):
        """The asynchronous store, seen by synchronous callers; its engine ends with its loop."""
        with awaited(async_store) as store:
            yield store
            store._run(self.asynchronous.dispose())  # noqa: SLF001 - on the loop that it is bound to

    def make_another(self, store):
        """The same store: another would need a loop of its own."""
        return store

    def reopen(self, store):
        """A synchronous store over the same tables."""
        store.close()
        return SQLAlchemyStore(self.engine)


@pytest.mark.stores
class TestAsyncPsycopg(Awaited):
    """PostgreSQL by psycopg, awaited."""

    engine, driver = "psycopg_engine", "postgresql+psycopg"


@pytest.mark.stores
class TestAsyncpg(Awaited):
    """PostgreSQL by asyncpg."""

    engine, driver = "psycopg_engine", "postgresql+asyncpg"


@pytest.mark.stores
class TestAsyncmy(Awaited):
    """MariaDB by asyncmy."""

    engine, driver = "pymysql_engine", "mariadb+asyncmy"


@pytest.mark.stores
class TestAiosqlite(Awaited):
    """SQLite by aiosqlite."""

    engine, driver = "sqlite_engine", "sqlite+aiosqlite"
