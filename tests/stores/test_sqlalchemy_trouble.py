"""What the SQLAlchemy stores do while a database is away, and when it is back; and their change feeds."""

import asyncio
import gc

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine
from tests.stores.feeds import AsyncFeedContract, FeedContract
from tests.support.databases import MariaDB, PostgreSQL, running

from scopegate.core.changes import RevokeToken
from scopegate.errors import StoreUnavailableError
from scopegate.stores.sqlalchemy import AsyncSQLAlchemyStore, SQLAlchemyStore
from scopegate.testing._store_cases import everything, furnish
from scopegate.testing._store_rules import equal
from scopegate.testing._store_samples import NOW, digest_of
from scopegate.testing.stores import OutageContract, awaited

pytestmark = pytest.mark.stores


@pytest.fixture(autouse=True)
def collected():
    """Sockets that PyMySQL leaves to the collector go with the test that left them, where they are forgiven."""
    yield
    gc.collect()


class TestPsycopgOutage(OutageContract):
    """Nobody listens there."""

    @pytest.fixture
    def unreachable(self, tmp_path):
        """By psycopg."""
        engine = create_engine(f"postgresql+psycopg://scopegate@/postgres?host={tmp_path}")
        yield SQLAlchemyStore(engine)
        engine.dispose()


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # it leaves the socket to the collector
class TestPyMySQLOutage(OutageContract):
    """Nobody listens there."""

    @pytest.fixture
    def unreachable(self, tmp_path):
        """By PyMySQL."""
        engine = create_engine(f"mariadb+pymysql://root@/scopegate?unix_socket={tmp_path}/m.sock")
        yield SQLAlchemyStore(engine)
        engine.dispose()


class TestSQLiteOutage(OutageContract):
    """No file can be there."""

    @pytest.fixture
    def unreachable(self, tmp_path):
        """In a folder that does not exist."""
        engine = create_engine(f"sqlite:///{tmp_path}/nowhere/app.db")
        yield SQLAlchemyStore(engine)
        engine.dispose()


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
class TestAwaitedOutage(OutageContract):
    """Nobody listens there."""

    @pytest.fixture
    def unreachable(self, tmp_path, driver):
        """By drivers for asynchronous engines."""
        engine = create_async_engine(f"postgresql+{driver}://scopegate@/postgres?host={tmp_path}")
        with awaited(AsyncSQLAlchemyStore(engine)) as store:
            yield store


KINDS = {
    "psycopg": (PostgreSQL, {"durable": True}, "psycopg", "postgres"),
    "pymysql": (MariaDB, {"durable": True}, "pymysql", "mysql"),
}


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # PyMySQL leaves sockets to the collector
@pytest.mark.parametrize("kind", KINDS)
def test_a_store_goes_on_by_itself_when_the_database_is_back(kind):
    """After kill -9: all that was acknowledged is there, and stale connections are no trouble for reads."""
    server_class, options, driver, database = KINDS[kind]
    with running(server_class, **options) as server:
        engine = create_engine(server.url(driver, database))
        store = SQLAlchemyStore(engine)
        furnish(store, "realm")
        before = everything(store, "realm")
        for _ in range(2):
            server.kill()
            with pytest.raises(StoreUnavailableError):
                store.commit("realm", [RevokeToken("one", NOW, "lost")])
            with pytest.raises(StoreUnavailableError):
                store.token("realm", "one", digest_of("first"))
            server.start()
            equal(everything(store, "realm"), before, "nothing is lost, and nothing is in the way")
        store.close()
        engine.dispose()


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_an_awaited_store_goes_on_by_itself_when_the_database_is_back(driver):
    """After kill -9, by both drivers."""

    async def tell(server):
        engine = create_async_engine(server.url(driver))
        store = AsyncSQLAlchemyStore(engine)
        assert (await store.token("realm", "one", digest_of("first"))).credential is not None
        server.kill()
        with pytest.raises(StoreUnavailableError):
            await store.token("realm", "one", digest_of("first"))
        with pytest.raises(StoreUnavailableError):
            await store.commit("realm", [RevokeToken("one", NOW, "lost")])
        server.start()
        record = await store.token("realm", "one", digest_of("first"))
        assert record.token.revoked_at is None
        await store.commit("realm", [RevokeToken("one", NOW, "over")])
        assert (await store.token("realm", "one")).token.revoked_at == NOW
        await store.close()
        await engine.dispose()

    with running(PostgreSQL, durable=True) as server:
        engine = create_engine(server.url("psycopg"))
        furnish(SQLAlchemyStore(engine), "realm")
        engine.dispose()
        asyncio.run(tell(server))


class Disconnecting:
    """PostgreSQL ends all other connections."""

    def disconnect_all(self, other):
        """By its administrator."""
        end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN%' OR query = 'SELECT 1'"
        with other._engine.connect() as connection:  # noqa: SLF001 - as an operator
            assert connection.execute(text(end)).fetchall()


class TestPsycopgFeed(Disconnecting, FeedContract):
    """PostgreSQL's notices by psycopg."""

    @pytest.fixture
    def followed(self):
        """On a server that may be killed."""
        with running(PostgreSQL) as server:
            engines = [create_engine(server.url("psycopg")) for _ in range(2)]
            store, other = (SQLAlchemyStore(engine, notify=True) for engine in engines)
            yield store, other, server.kill
            for each, engine in zip((store, other), engines, strict=True):
                each.close()
                engine.dispose()


class AwaitedFeed(Disconnecting, AsyncFeedContract):
    """PostgreSQL's notices, awaited."""

    driver = ""

    @pytest.fixture
    def followed(self):
        """On a server that may be killed."""
        with running(PostgreSQL) as server:
            engine, other = create_async_engine(server.url(self.driver)), create_engine(server.url("psycopg"))
            writer = SQLAlchemyStore(other, notify=True)
            yield AsyncSQLAlchemyStore(engine, notify=True), writer, server.kill, engine.dispose
            writer.close()
            other.dispose()


class TestAsyncPsycopgFeed(AwaitedFeed):
    """By psycopg."""

    driver = "psycopg"


class TestAsyncpgFeed(AwaitedFeed):
    """By asyncpg."""

    driver = "asyncpg"
