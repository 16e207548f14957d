"""Statements by the driver itself: who wants to hear of them does, and what goes wrong there is told as elsewhere."""

import asyncio
import logging
from contextlib import suppress

import pytest
from sqlalchemy import create_engine, event, text
from sqlalchemy.ext.asyncio import create_async_engine

from scopegate.core.changes import AddCredential, AdvanceToken, CreateToken, RevokeToken
from scopegate.errors import ConflictError, InvalidValueError, StoreUnavailableError
from scopegate.stores._sqlalchemy_raw import MAXIMUM, is_heard, named, numbered
from scopegate.stores.sqlalchemy import AsyncSQLAlchemyStore, SQLAlchemyStore, make_metadata
from scopegate.testing._store_cases import furnish
from scopegate.testing._store_samples import NOW, digest_of, make_credential, make_token

DRIVERS = ["psycopg", "asyncpg"]
ROTATION = [AdvanceToken("one", 2, NOW), AddCredential(make_credential("third", generation=3))]


@pytest.fixture
def engine(postgresql):
    """PostgreSQL by psycopg, with one furnished realm."""
    engine = create_engine(postgresql.url("psycopg"))
    SQLAlchemyStore(engine).open()
    with engine.begin() as connection:
        for table in make_metadata().sorted_tables:
            connection.execute(table.delete())
    furnish(SQLAlchemyStore(engine), "realm")
    yield engine
    engine.dispose()


def awaited(postgresql, driver, story):
    """What a story comes to with an asynchronous store."""

    async def told():
        engine = create_async_engine(postgresql.url(driver))
        store = AsyncSQLAlchemyStore(engine)
        await store.open()
        try:
            return await story(store, engine)
        finally:
            await store.close()
            await engine.dispose()

    return asyncio.run(told())


def generation(store):
    """How often the token was rotated."""
    return store.token("realm", "one").token.generation


# Who listens


LISTENERS = {
    "before_cursor_execute": lambda said: lambda _c, _cursor, statement, *_: said.append(statement),
    "after_cursor_execute": lambda said: lambda _c, _cursor, statement, *_: said.append(statement),
    "before_execute": lambda said: lambda _c, clause, *_: said.append(str(clause)),
    "after_execute": lambda said: lambda _c, clause, *_: said.append(str(clause)),
    "do_execute": lambda said: lambda _cursor, statement, *_: said.append(statement),
    "checkout": lambda said: lambda *_: said.append("UPDATE scopegate_tokens SELECT scopegate_tokens"),
    "engine_connect": lambda said: lambda *_: said.append("UPDATE scopegate_tokens SELECT scopegate_tokens"),
}


@pytest.mark.parametrize("name", LISTENERS)
def test_who_listens_to_an_engine_hears_look_ups_and_commits(engine, name):
    """Also if it was told to listen after the store was built; and no more when it stops."""
    store = SQLAlchemyStore(engine)
    store.open()
    said = []
    hear = LISTENERS[name](said)
    event.listen(engine, name, hear)
    store.token("realm", "one", digest_of("first"))
    assert any("SELECT" in each and "scopegate_tokens" in each for each in said)
    said.clear()
    store.commit("realm", ROTATION)
    assert any("UPDATE scopegate_tokens" in each for each in said)
    event.remove(engine, name, hear)
    said.clear()
    assert store.token("realm", "one", digest_of("third")).credential is not None
    assert said == []
    store.close()


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("driver", DRIVERS)
def test_who_listens_to_an_asynchronous_engine_hears_them_too(postgresql, driver):
    """Its events are those of the engine within."""

    async def story(store, engine):
        said = []
        event.listen(
            engine.sync_engine, "before_cursor_execute", lambda _c, _cursor, sql, *_: said.append(sql)
        )
        await store.token("realm", "one", digest_of("first"))
        await store.commit("realm", ROTATION)
        return said

    look, commit = awaited(postgresql, driver, story)
    assert look.startswith("SELECT")
    assert "UPDATE scopegate_tokens" in commit


def test_what_is_logged_is_executed_by_the_engine(postgresql, engine, caplog):
    """By an engine that echoes, and by the logger of all engines."""
    assert is_heard(create_engine(postgresql.url("psycopg"), echo=True))
    store = SQLAlchemyStore(engine)
    store.open()
    assert not is_heard(engine)
    with caplog.at_level(logging.INFO, logger="sqlalchemy.engine.Engine"):
        assert is_heard(engine)


# What goes wrong


@pytest.fixture
def contended(engine):
    """Rotations fail for others' sake the first times."""
    with engine.begin() as connection:
        connection.execute(text("CREATE SEQUENCE trouble"))
        connection.execute(
            text("""
                CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                    IF nextval('trouble') <= 3 THEN RAISE EXCEPTION 'others' USING ERRCODE = '40001'; END IF;
                    RETURN new;
                END $$
            """)
        )
        connection.execute(
            text(
                "CREATE TRIGGER trouble BEFORE UPDATE ON scopegate_tokens FOR EACH ROW EXECUTE FUNCTION trouble()"
            )
        )
    yield
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER trouble ON scopegate_tokens"))
        connection.execute(text("DROP FUNCTION trouble"))
        connection.execute(text("DROP SEQUENCE trouble"))


def tries(engine):
    """How often a rotation was tried."""
    with engine.connect() as connection:
        return connection.execute(text("SELECT last_value FROM trouble")).scalar()


@pytest.mark.usefixtures("contended")
def test_a_commit_that_others_were_in_the_way_of_is_repeated(engine):
    """SQLSTATE 40001 as the server says it: nobody sees it, and nothing happens twice."""
    store = SQLAlchemyStore(engine)
    store.commit("realm", ROTATION)
    assert tries(engine) == 4
    assert generation(store) == 3
    store.close()


@pytest.mark.usefixtures("contended")
@pytest.mark.parametrize("driver", DRIVERS)
def test_an_awaited_commit_that_others_were_in_the_way_of_is_repeated(postgresql, engine, driver):
    """Likewise."""

    async def story(store, _engine):
        await store.commit("realm", ROTATION)
        return (await store.token("realm", "one")).token.generation

    assert awaited(postgresql, driver, story) == 3
    assert tries(engine) == 4


def end_all(engine):
    """As an administrator ends all other connections."""
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    with engine.connect() as connection:
        connection.execute(text(f"{others} AND backend_type = 'client backend'")).fetchall()


def test_a_commit_on_a_connection_that_broke_is_an_outage_once(postgresql, engine):
    """It is not known whether it was done; after that, or after a look-up, the store has new connections."""
    mine = create_engine(postgresql.url("psycopg"))
    store = SQLAlchemyStore(mine)
    store.token("realm", "one", digest_of("first"))
    store.token("realm", "one", digest_of("first"))
    end_all(engine)
    with pytest.raises(StoreUnavailableError, match="see that it runs"):
        store.commit("realm", ROTATION)
    store.commit("realm", ROTATION)
    assert generation(store) == 3
    end_all(engine)
    assert store.token("realm", "one", digest_of("third")).credential is not None
    store.commit("realm", [RevokeToken("one", NOW, "over")])
    store.close()
    mine.dispose()


@pytest.mark.parametrize("driver", DRIVERS)
def test_an_awaited_commit_on_a_connection_that_broke_is_an_outage_once(postgresql, engine, driver):
    """Likewise."""

    async def story(store, _engine):
        await store.token("realm", "one", digest_of("first"))
        await asyncio.to_thread(end_all, engine)
        with pytest.raises(StoreUnavailableError, match="see that it runs"):
            await store.commit("realm", ROTATION)
        await store.commit("realm", ROTATION)
        await asyncio.to_thread(end_all, engine)
        return await store.token("realm", "one", digest_of("third"))

    assert awaited(postgresql, driver, story).credential is not None


READ_ONLY = "SET default_transaction_read_only = on"


def test_a_connection_to_a_server_that_writes_no_more_is_given_up(engine):
    """As after a failover; the pool is asked for another."""
    store = SQLAlchemyStore(engine)
    store.open()
    store.token("realm", "one", digest_of("first"))
    store._lines._idle[0][1].execute(READ_ONLY)  # noqa: SLF001 - nobody else has this connection
    with pytest.raises(StoreUnavailableError):
        store.commit("realm", ROTATION)
    store.commit("realm", ROTATION)
    assert generation(store) == 3
    store.close()


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("driver", DRIVERS)
def test_an_awaited_connection_to_a_server_that_writes_no_more_is_given_up(postgresql, driver):
    """Likewise."""

    async def story(store, _engine):
        await store.token("realm", "one", digest_of("first"))
        await store._lines._idle[0][1].execute(READ_ONLY)  # noqa: SLF001 - likewise
        with pytest.raises(StoreUnavailableError):
            await store.commit("realm", ROTATION)
        await store.commit("realm", ROTATION)
        return (await store.token("realm", "one")).token.generation

    assert awaited(postgresql, driver, story) == 3


REFUSED = {
    "guard": ([AdvanceToken("one", 7, NOW)], ConflictError),
    "text": (
        [RevokeToken("one", NOW, "over"), AddCredential(make_credential("third", "one\ud800"))],
        InvalidValueError,
    ),
    "NUL": ([RevokeToken("one\0", NOW, "over")], InvalidValueError),
    "number": ([CreateToken(make_token("large", version=2**70))], InvalidValueError),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused_costs_no_connection(engine, name):
    """The same one is used again and again, and in the same mode."""
    changes, error = REFUSED[name]
    store = SQLAlchemyStore(engine)
    store.open()
    for _ in range(3):
        with pytest.raises(error):
            store.commit("realm", changes)
    assert len(store._lines._idle) == 1  # noqa: SLF001 - there is no other way to count them
    assert generation(store) == 2
    store.close()


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("driver", DRIVERS)
def test_what_is_refused_costs_no_awaited_connection(postgresql, driver, name):
    """Likewise."""
    changes, error = REFUSED[name]

    async def story(store, _engine):
        for _ in range(3):
            with pytest.raises(error):
                await store.commit("realm", changes)
        return len(store._lines._idle)  # noqa: SLF001 - likewise

    assert awaited(postgresql, driver, story) == 1


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # a driver that is cancelled while it connects leaves that to the collector
@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("driver", DRIVERS)
def test_cancelled_commits_leave_no_connection_behind(postgresql, driver):
    """However far they came: later ones work, each on a connection that is in the middle of nothing."""

    async def story(store, engine):
        for turns in range(30):
            task = asyncio.ensure_future(
                store.commit("realm", [AdvanceToken("one", 99, NOW)] if turns % 2 else ROTATION)
            )
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError, ConflictError):
                await task
        with suppress(ConflictError):
            await store.commit("realm", ROTATION)
        found = await asyncio.gather(
            *(store.token("realm", "one", digest_of("third")) for _ in range(MAXIMUM * 2))
        )
        assert engine.pool.checkedout() == 0
        assert len(store._lines._idle) <= MAXIMUM  # noqa: SLF001 - likewise
        return {each.token.generation for each in found}

    assert awaited(postgresql, driver, story) == {3}


# How drivers spell


def test_places_are_spelled_as_drivers_want_them():
    """The same name is the same place."""
    sql = "SELECT CAST(:p1 AS text), :realm WHERE realm = :realm AND n > :p12"
    assert named(sql) == "SELECT CAST(%(p1)s AS text), %(realm)s WHERE realm = %(realm)s AND n > %(p12)s"
    assert numbered(sql) == (
        "SELECT CAST($1 AS text), $2 WHERE realm = $2 AND n > $3",
        ("p1", "realm", "p12"),
    )
