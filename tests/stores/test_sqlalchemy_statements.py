"""What the SQLAlchemy stores say to a database: how many statements, which, and what they do when one fails."""

import asyncio
import re
import socket
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import NullPool, StaticPool, create_engine, event, text
from sqlalchemy.ext.asyncio import create_async_engine
from tests.support import Journey, World

from scopegate.core.changes import (
    AddCredential,
    AdvanceToken,
    AppendEvent,
    CreateToken,
    DeleteToken,
    DropCredential,
    PutClient,
    RevokeToken,
    Touch,
)
from scopegate.core.credentials import CredentialKind
from scopegate.core.records import Cutoffs, TokenQuery
from scopegate.errors import ConfigurationError, ConflictError, InvalidValueError, StoreUnavailableError
from scopegate.flows.outcomes import TokenReply
from scopegate.stores._sqlalchemy_raw import MAXIMUM
from scopegate.stores.sqlalchemy import AsyncSQLAlchemyStore, SQLAlchemyStore, make_metadata
from scopegate.testing._store_cases import FOLLOWERS, TRUE, everything, furnish
from scopegate.testing._store_rules import equal
from scopegate.testing._store_samples import (
    NOW,
    digest_of,
    make_client,
    make_credential,
    make_event,
    make_token,
)

READ_FIRST = {"ReviseToken", "PutClient"}
"""These read a document before, whose unknown keys they keep."""


@pytest.fixture
def engine(postgresql):
    """PostgreSQL by psycopg, with empty tables."""
    engine = create_engine(postgresql.url("psycopg"))
    SQLAlchemyStore(engine).open()
    with engine.begin() as connection:
        for table in make_metadata().sorted_tables:
            connection.execute(table.delete())
    yield engine
    engine.dispose()


@pytest.fixture
def store(engine):
    """Over it, furnished."""
    store = SQLAlchemyStore(engine)
    furnish(store, "realm")
    yield store
    store.close()


@contextmanager
def overheard(engine):
    """All statements that go to the database meanwhile."""
    said = []

    def hear(_connection, _cursor, statement, *_):
        said.append(statement)

    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield said
    finally:
        event.remove(engine, "before_cursor_execute", hear)


@pytest.mark.parametrize("case", TRUE)
def test_a_commit_is_one_statement(store, engine, case):
    """On PostgreSQL, whatever follows; PROTOCOL: one transaction, one round trip."""
    change = TRUE[case].change
    with overheard(engine) as said:
        store.commit("realm", [change, *FOLLOWERS, AppendEvent(make_event("more")), Touch("one", NOW)])
    writes = [each for each in said if not each.startswith("SELECT")]
    assert len(writes) == 1
    assert len(said) == (2 if type(change).__name__ in READ_FIRST else 1)
    assert not any(each.upper().startswith(("BEGIN", "COMMIT")) for each in said)


def test_the_main_path_asks_for_nothing_that_distributed_engines_lack(store, engine):
    """No place of a row on disk, no lock that is not a row's, no notice, no sequence; and the realm in conditions."""
    with overheard(engine) as said:
        for case in TRUE.values():
            store.commit("realm", [case.change, *FOLLOWERS]) if case.written else None
            with engine.begin() as connection:
                for table in make_metadata().sorted_tables:
                    connection.execute(table.delete())
            furnish(store, "realm")
        store.token("realm", "one", digest_of("first"))
        store.tokens("realm", TokenQuery(user="ann"), after=None, limit=9)
        store.once("realm", "kept", now=NOW)
        store.client("realm", "app")
    main = [each for each in said if not re.match(r"DELETE FROM scopegate_\w+$", each)]
    assert len(main) > len(TRUE)
    lacking = re.compile(
        r"ctid|advisory|notify|listen|nextval|currval|regclass|lock table|plpgsql", re.IGNORECASE
    )
    for statement in main:
        assert not lacking.search(statement)
        tables = len(re.findall(r"(?:FROM|UPDATE|INTO) scopegate_", statement))
        assert statement.count("realm") >= tables, "every table is asked by its realm"


def test_every_key_begins_with_the_realm():
    """So that data can be spread, and kept apart, by it."""
    for table in make_metadata().sorted_tables:
        assert next(iter(table.primary_key.columns)).name == "realm"
        for index in table.indexes:
            assert next(iter(index.columns)).name == "realm"


# One of each that fails for no fault of its own


class Interference:
    """Lets the nth statement fail, once or always, as if others had been in the way."""

    def __init__(self, engine, error, *, always=False):
        self.engine, self.error, self.always = engine, error, always
        self.place, self.count, self.injected = 0, 0, 0

    def at(self, place):
        """Which statement fails from now on."""
        self.place, self.count, self.injected = place, 0, 0
        return self

    def __enter__(self):
        event.listen(self.engine, "do_execute", self)
        return self

    def __exit__(self, *_):
        event.remove(self.engine, "do_execute", self)

    def __call__(self, *_):
        """Fail here."""
        self.count += 1
        if self.count == self.place or (self.always and self.count > self.place):
            self.injected += 1
            raise self.error


SERIALIZATION = [psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected]


@pytest.mark.parametrize("error", SERIALIZATION)
@pytest.mark.parametrize("case", TRUE)
def test_a_serialization_failure_at_any_statement_is_repeated(store, engine, case, error):
    """SQLSTATE 40001 and 40P01: nobody sees them, and nothing happens twice."""
    expected = SQLAlchemyStore(engine, prefix="calm_")
    furnish(expected, "realm")
    changes = [TRUE[case].change, *FOLLOWERS]
    if type(changes[0]) is Touch:
        changes = [DropCredential("one", digest_of("second")), *FOLLOWERS]
    expected.commit("realm", changes)
    place = 1
    with Interference(engine, error("injected")) as interference:
        interference.at(place)
        store.commit("realm", changes)
        assert interference.injected == 1
        equal(everything(store, "realm"), everything(expected, "realm"), "it happened once")
    expected_engine = make_metadata(prefix="calm_")
    with engine.begin() as connection:
        for table in expected_engine.sorted_tables:
            connection.execute(table.delete())


def test_reads_and_sweeps_are_repeated_too(store, engine):
    """Every statement of theirs in turn, until none is left to fail."""
    cutoffs = Cutoffs(
        pending_before=NOW * 2,
        kept_before=NOW * 2,
        idle_before=NOW * 2,
        events_before=NOW * 2,
        forgotten="ann",
    )
    reads = {
        "list": lambda: store.tokens("realm", TokenQuery(), after=None, limit=9),
        "events": lambda: store.events("realm", user=None, token_id=None, after=None, limit=9),
        "client": lambda: store.client("realm", "app"),
        "once": lambda: store.once("realm", "kept", now=NOW),
        "revise": lambda: store.commit("realm", [TRUE["ReviseToken"].change]),
        "sweep": lambda: store.sweep("realm", cutoffs, limit=100),
    }
    with Interference(engine, psycopg.errors.SerializationFailure("injected")) as interference:
        for name, read in reads.items():
            place, met = 0, True
            while met:
                place += 1
                if name == "revise":
                    with engine.connect() as connection:
                        interference.at(0)
                        connection.execute(text("UPDATE scopegate_tokens SET version = 3 WHERE id = 'one'"))
                        connection.commit()
                interference.at(place)
                read()
                met = interference.injected == 1
            assert place > 1, f"{name}: at least one statement failed"


def test_what_cannot_be_serialized_at_all_is_an_outage(store, engine, monkeypatch):
    """After many attempts, with longer and longer pauses; never a conflict."""
    pauses = []
    monkeypatch.setattr("scopegate.stores.sqlalchemy.sleep", pauses.append)
    error = psycopg.errors.SerializationFailure("injected")
    with Interference(engine, error, always=True), pytest.raises(StoreUnavailableError):
        store.commit("realm", [RevokeToken("one", NOW, "enough")])
    assert len(pauses) > 10
    assert pauses == sorted(pauses)
    assert store.token("realm", "one").token.revoked_at is None


def test_a_real_deadlock_and_real_serialization_failures_are_repeated(postgresql):
    """Under the strictest isolation, which PostgreSQL enforces by failing: everybody comes through."""
    options = {"options": "-c default_transaction_isolation=serializable"}
    engine = create_engine(postgresql.url("psycopg"), connect_args=options, pool_size=8)
    store = SQLAlchemyStore(engine, prefix="strict_")
    store.commit("realm", [CreateToken(make_token())])

    def advance():
        done = 0
        while done < 25:
            generation = store.token("realm", "one").token.generation
            try:
                store.commit(
                    "realm",
                    [
                        AdvanceToken("one", generation, NOW),
                        AddCredential(make_credential(f"g{generation + 1}", generation=generation + 1)),
                    ],
                )
            except ConflictError:
                continue
            done += 1

    threads = [threading.Thread(target=advance) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.token("realm", "one").token.generation == 100
    found = [store.token("realm", "one", digest_of(f"g{number}")).credential for number in range(1, 101)]
    assert None not in found
    store.close()
    engine.dispose()


# Round trips


class Relay:
    """Passes bytes between a client and PostgreSQL's socket, and counts how often the client spoke."""

    def __init__(self, folder, target):
        self.spoke = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / ".s.PGSQL.5432"))
        self._listener.listen()
        self._target = str(target / ".s.PGSQL.5432")
        self._sockets = [self._listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self._target)
            self._sockets += [client, server]
            threading.Thread(target=self._pass, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self._pass, args=(server, client, False), daemon=True).start()

    def _pass(self, source, target, counted):
        try:
            while data := source.recv(65536):
                self.spoke += counted
                target.sendall(data)
            target.shutdown(socket.SHUT_RDWR)
        except OSError:
            return

    def close(self):
        """End it."""
        for each in self._sockets:
            each.close()


@pytest.fixture
def relay(postgresql):
    """In front of PostgreSQL."""
    folder = Path(tempfile.mkdtemp(prefix="sg-"))
    relay = Relay(folder, postgresql.folder)
    yield relay, f"?host={folder}"
    relay.close()
    (folder / ".s.PGSQL.5432").unlink()
    folder.rmdir()


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("known", [True, False])
def test_a_bearer_look_up_is_one_round_trip(relay, known):
    """By psycopg, in which all else goes the same way."""
    relay, place = relay
    engine = create_engine(f"postgresql+psycopg://scopegate@/postgres{place}")
    through = SQLAlchemyStore(engine)
    digest = digest_of("first" if known else "nobody's")
    for _ in range(10):  # the driver prepares what it is asked for again and again
        through.token("realm", "one", digest)
    before = relay.spoke
    for _ in range(20):
        assert (through.token("realm", "one", digest).credential is not None) is known
    assert relay.spoke - before == 20
    through.commit("realm", [CreateToken(make_token("newer"))])
    before = relay.spoke
    through.commit("realm", [CreateToken(make_token("new")), AddCredential(make_credential("third", "new"))])
    assert relay.spoke - before == 1, "a commit is one round trip"
    through.close()
    engine.dispose()


def test_what_clients_ask_for_is_a_look_up_and_a_commit(relay, engine):
    """A whole exchange and a whole refresh: two round trips each, of which one writes."""
    relay, place = relay
    direct = create_engine(f"postgresql+psycopg://scopegate@/postgres{place}")
    store = SQLAlchemyStore(direct)
    with World("sync", store=store) as world:
        asked = []
        for _ in range(12):  # the driver prepares what it is asked for again and again
            journey = Journey(world)
            journey.register()
            journey.approve()
            before = relay.spoke
            assert isinstance(journey.redeem(), TokenReply)
            exchanged = relay.spoke
            assert isinstance(journey.refresh(), TokenReply)
            asked.append((exchanged - before, relay.spoke - exchanged))
    assert asked[-1] == (2, 2)
    store.close()
    direct.dispose()
    with engine.begin() as connection:
        for table in make_metadata().sorted_tables:
            connection.execute(table.delete())


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_an_awaited_bearer_look_up_is_one_round_trip(relay, driver):
    """By both drivers."""
    relay, place = relay

    async def count():
        engine = create_async_engine(f"postgresql+{driver}://scopegate@/postgres{place}")
        through = AsyncSQLAlchemyStore(engine)
        for _ in range(10):
            await through.token("realm", "one", digest_of("first"))
        before = relay.spoke
        for _ in range(20):
            assert (await through.token("realm", "one", digest_of("first"))).credential is not None
        found = relay.spoke - before
        await through.close()
        await engine.dispose()
        return found

    assert asyncio.run(count()) == 20


def others_connected(engine):
    """How many connections there are beside the one that asks."""
    count = text(
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    with engine.connect() as connection:
        return connection.execute(count).scalar()


class Later:
    """A clock that is set, for connections."""

    def __init__(self, monkeypatch):
        self.now = 0.0
        monkeypatch.setattr("scopegate.stores._sqlalchemy_raw.monotonic", lambda: self.now)


def backends(engine):
    """The processes that serve connections beside the one that asks."""
    asked = text(
        "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    with engine.connect() as connection:
        return set(connection.execute(asked).scalars())


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(("idle", "same"), [(59.9, True), (60.1, False)])
def test_a_connection_that_was_idle_for_long_is_not_trusted(postgresql, engine, monkeypatch, idle, same):
    """A firewall may have dropped it, and a look-up would wait for minutes."""
    clock = Later(monkeypatch)
    pooled = create_engine(postgresql.url("psycopg"), poolclass=NullPool)
    through = SQLAlchemyStore(pooled)
    through.open()
    before = backends(engine)
    seen = []
    for _ in range(2):
        assert through.token("realm", "one", digest_of("first")).credential is not None
        seen.append(backends(engine) - before)
        clock.now += idle
    assert len(seen[0]) == 1
    assert (seen[0] == seen[1]) is same
    through.close()


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
@pytest.mark.parametrize(("idle", "same"), [(59.9, True), (60.1, False)])
def test_an_awaited_connection_that_was_idle_for_long_is_not_trusted(
    postgresql, engine, monkeypatch, driver, idle, same
):
    """Likewise."""
    clock = Later(monkeypatch)

    async def story():
        pooled = create_async_engine(postgresql.url(driver), poolclass=NullPool)
        through = AsyncSQLAlchemyStore(pooled)
        await through.open()
        before = await asyncio.to_thread(backends, engine)
        seen = []
        for _ in range(2):
            record = await through.token("realm", "one", digest_of("first"))
            assert record.credential is not None
            seen.append(await asyncio.to_thread(backends, engine) - before)
            clock.now += idle
        await through.close()
        await pooled.dispose()
        return seen

    first, second = asyncio.run(story())
    assert len(first) == 1
    assert (first == second) is same


MANY = 60


@pytest.mark.usefixtures("store")
def test_many_look_ups_at_once_do_not_open_a_connection_each(postgresql, engine):
    """Eight more than the pool of the engine may have; whoever comes later waits for the pool."""
    before = others_connected(engine)
    pooled = create_engine(postgresql.url("psycopg"), pool_size=2, max_overflow=0)
    through = SQLAlchemyStore(pooled)
    through.open()
    start, most, found = threading.Barrier(MANY), [], []

    def look():
        start.wait()
        found.extend(through.token("realm", "one", digest_of("first")) for _ in range(20))
        most.append(others_connected(engine))

    threads = [threading.Thread(target=look) for _ in range(MANY)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == MANY * 20
    assert all(record.credential is not None for record in found)
    # Those who count have connections of another engine, fifteen at the most.
    assert max(most) - before <= MAXIMUM + 2 + 15
    through.close()
    pooled.dispose()


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_many_awaited_look_ups_at_once_do_not_open_a_connection_each(postgresql, engine, driver):
    """Likewise, where a hundred tasks cost nothing."""
    before = others_connected(engine)

    async def story():
        pooled = create_async_engine(postgresql.url(driver), pool_size=2, max_overflow=0)
        through = AsyncSQLAlchemyStore(pooled)
        await through.open()
        found = await asyncio.gather(
            *(through.token("realm", "one", digest_of("first")) for _ in range(MANY))
        )
        assert all(record.credential is not None for record in found)
        connected = await asyncio.to_thread(others_connected, engine)
        await through.close()
        await pooled.dispose()
        return connected

    assert asyncio.run(story()) - before <= MAXIMUM + 2


# Configuration and odd values


def test_what_cannot_work_is_refused_when_the_store_is_built():
    """By name, and with what to do."""
    with pytest.raises(ConfigurationError, match="notify=True needs PostgreSQL"):
        SQLAlchemyStore(create_engine("sqlite:///app.db"), notify=True)
    with pytest.raises(ConfigurationError, match="notify=True"):
        SQLAlchemyStore(create_engine("sqlite:///app.db")).changes(beat=1.0)


@pytest.mark.parametrize("where", ["", "/:memory:", "/file:shared?mode=memory&cache=shared&uri=true"])
def test_a_database_in_memory_is_refused(where):
    """Each thread would have another one, and the store would call itself durable."""
    with pytest.raises(ConfigurationError, match=r"take MemoryStore\(\)"):
        SQLAlchemyStore(create_engine(f"sqlite://{where}", poolclass=StaticPool))
    with pytest.raises(ConfigurationError, match=r"take MemoryStore\(\)"):
        AsyncSQLAlchemyStore(create_async_engine(f"sqlite+aiosqlite://{where}", poolclass=StaticPool))


@pytest.mark.parametrize("wrong", ["NUL\0", "half \ud800"])
def test_names_that_postgresql_cannot_keep_are_refused_by_name(store, wrong):
    """And are found nowhere."""
    with pytest.raises(InvalidValueError, match="whole characters"):
        store.commit("realm", [CreateToken(make_token(wrong))])
    with pytest.raises(InvalidValueError, match="whole characters"):
        store.commit("realm", [RevokeToken("one", NOW, "over"), AppendEvent(make_event(user=wrong))])
    assert store.token("realm", wrong, b"") is None
    assert store.client("realm", wrong) is None
    assert store.once("realm", wrong, now=NOW) is None
    assert store.tokens("realm", TokenQuery(user=wrong), after=None, limit=1).items == ()
    assert store.sweep("realm", Cutoffs(forgotten=wrong), limit=1) == 0
    assert store.token("realm", "one").token.revoked_at is None


def test_numbers_and_texts_that_are_too_large_are_refused_by_name(store):
    """Nothing is cut off."""
    with pytest.raises(InvalidValueError, match="64 bits"):
        store.commit("realm", [CreateToken(make_token("large", version=2**70))])
    incompressible = "".join(digest_of(str(number)).hex() for number in range(200))
    with pytest.raises(InvalidValueError, match="longer than"):
        store.commit("realm", [CreateToken(make_token(incompressible))])


def test_mariadb_cuts_nothing_off(mariadb):
    """What is longer than its column is refused, whatever the mode of the server."""
    engine = create_engine(mariadb.url("pymysql", "scopegate"), poolclass=NullPool)
    store = SQLAlchemyStore(engine, prefix="cut_")
    with pytest.raises(InvalidValueError, match="longer than"):
        store.commit("realm", [PutClient(make_client("x" * 513), 0)])
    store.commit("realm", [PutClient(make_client("𝄞" * 512), 0)])
    assert store.client("realm", "𝄞" * 512) is not None
    engine.dispose()


def test_an_error_repeats_nothing_that_was_sent(store, engine):
    """Neither digests nor names: not in its words, and not in those of its causes."""
    secret = make_credential("secret of somebody")
    with (
        Interference(engine, psycopg.OperationalError("gone")).at(1),
        pytest.raises(StoreUnavailableError) as raised,
    ):
        store.commit(
            "realm", [DeleteToken("one"), AddCredential(secret), AppendEvent(make_event("my words"))]
        )
    said, error = "", raised.value
    while error is not None:
        said += repr(error) + str(error)
        error = error.__cause__
    assert "my words" not in said
    assert secret.digest.hex() not in said


# Many credentials


@pytest.mark.parametrize("kind", CredentialKind)
def test_only_what_access_tokens_lead_to_is_decoded_once(store, kind):
    """For they come again and again, and codes and refresh tokens, which come once, would take their room."""
    store.commit("realm", [Touch("one", NOW), AddCredential(make_credential("third", kind=kind))])
    first, second = (store.token("realm", "one", digest_of("third")) for _ in range(2))
    assert first == second
    assert (first is second) is (kind is CredentialKind.ACCESS)


def test_deleting_a_token_is_one_write_however_many_credentials_it_had(store, engine):
    """They can be used no more at once, and the sweep frees them bit by bit."""
    many = [AddCredential(make_credential(f"past {number}")) for number in range(300)]
    store.commit("realm", [AdvanceToken("one", 2, NOW), *many])
    with engine.connect() as connection:
        count = text("SELECT count(*) FROM scopegate_credentials WHERE realm = 'realm'")
        before = connection.execute(count).scalar()
        connection.rollback()
        store.commit("realm", [DeleteToken("one")])
        assert connection.execute(count).scalar() == before
        connection.rollback()
        store.commit("realm", [CreateToken(make_token())])
        assert store.token("realm", "one", digest_of("past 7")).credential is None
        assert [store.sweep("realm", Cutoffs(), limit=200) for _ in range(3)] == [0, 0, 0]
        assert connection.execute(count).scalar() == before - 302
        assert connection.execute(text("SELECT count(*) FROM scopegate_leftovers")).scalar() == 0


def test_a_sweep_does_not_look_again_at_what_stays(store, engine):
    """A current credential whose time has come is put aside once; when it is consumed, it goes."""
    names = [f"t{number}" for number in range(30)]
    for name in names:
        first = make_credential(name, name, generation=1, keep_until=5.0)
        store.commit("realm", [CreateToken(make_token(name, generation=1)), AddCredential(first)])
    waiting = text("SELECT count(*) FROM scopegate_credentials WHERE keep_until <= 10 AND NOT parked")
    assert store.sweep("realm", Cutoffs(kept_before=10.0), limit=100) == 0
    with engine.connect() as connection:
        assert connection.execute(waiting).scalar() == 0
    assert store.sweep("realm", Cutoffs(kept_before=10.0), limit=100) == 0
    store.commit("realm", [AdvanceToken("t3", 1, NOW), Touch("t3", NOW)])
    assert store.sweep("realm", Cutoffs(kept_before=10.0), limit=100) == 1
    assert store.token("realm", "t3", digest_of("t3")).credential is None
    assert store.token("realm", "t4", digest_of("t4")).credential is not None
