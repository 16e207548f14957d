"""The SQLite store keeps the contract, and what a file adds to it."""

import asyncio
import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import ExitStack, closing, contextmanager, suppress
from functools import partial
from math import inf
from pathlib import Path
from threading import Thread

import pytest
from attrs import evolve

from scopegate.core.changes import (
    AddCredential,
    AppendEvent,
    CreateToken,
    DeleteToken,
    DropCredential,
    PutClient,
    ReviseToken,
    Touch,
)
from scopegate.core.clients import ClientSecret, Origin
from scopegate.core.credentials import CredentialKind
from scopegate.core.records import Cutoffs, TokenQuery, TokenRecord
from scopegate.errors import ConfigurationError, ConflictError, InvalidValueError, StoreUnavailableError
from scopegate.stores import SQLiteStore, _sqlite_memory, _sqlite_queries
from scopegate.stores._codec import client_row
from scopegate.stores._sqlite_schema import STEPS, prepare
from scopegate.testing._store_cases import everything, furnish
from scopegate.testing._store_samples import (
    NOW,
    digest_of,
    make_client,
    make_credential,
    make_event,
    make_settings,
    make_token,
    race,
)
from scopegate.testing.stores import AsyncStoreContract, Capabilities, OutageContract, StoreContract


@pytest.fixture
def path(tmp_path):
    """Where the file will be."""
    return tmp_path / "scopegate.db"


@pytest.fixture
def store(path):
    """An empty store; its commits need not outlast a loss of power in a test."""
    with closing(SQLiteStore(path, synchronous="NORMAL")) as store:
        yield store


@contextmanager
def another_writer(path):
    """Somebody else who has the right to write to a file, and keeps it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def raw(path):
    """All the bytes of a database and its log."""
    return b"".join(each.read_bytes() for each in sorted(path.parent.glob(f"{path.name}*")))


class Files:
    """What both colours have in common: a file, and dumps of files of every schema so far."""

    capabilities = Capabilities(durable=True, cross_process=True)

    def recipe(self, _store):
        """The same file."""
        return partial(SQLiteStore, self.path, synchronous="NORMAL", timeout=60)

    def reopen(self, store):
        """The same file."""
        store.close()
        return SQLiteStore(self.path)

    def dump(self, _store):
        """The file and its log."""
        return raw(self.path)

    def earlier(self):
        """Of each schema a dump that its release made."""
        return {
            str(schema): partial(self.restored, SCHEMAS / f"sqlite-file-{schema}.sql")
            for schema in range(1, len(STEPS) + 1)
        }

    def restored(self, dump):
        """A store over a file made of a dump."""
        path = self.path.with_suffix(f".{dump.stem}")
        path.unlink(missing_ok=True)
        with closing(sqlite3.connect(path)) as database:
            database.executescript(dump.read_text())
        store = SQLiteStore(path, synchronous="NORMAL")
        self.restored_at = path
        return store

    def known_to(self, version, expected):
        """The first release did not keep which organizations a user knew when approving."""
        if version != "1":
            return expected
        tokens = [without_known(token) for token in expected["tokens"]]
        records = [TokenRecord.of(without_known(each[0]), each[1], each[2]) for each in expected["records"]]
        return expected | {"tokens": tokens, "records": records}

    def make_another_of(self, _old):
        """Another store over the restored file."""
        return SQLiteStore(self.restored_at, synchronous="NORMAL")


def without_known(token):
    """A token whose cap says nothing of that."""
    settings = token.settings
    return evolve(token, settings=evolve(settings, cap=evolve(settings.cap, known=None)))


@contextmanager
def denying(store, step):
    """SQLite refuses the nth write of a store from now on, as it is about to begin with it; the last is the COMMIT."""
    count = 0

    def authorize(action, name, *_):
        nonlocal count
        writes = action in WRITES and name.startswith("scopegate_") and "stamps" not in name
        if not writes and (action, name) != (sqlite3.SQLITE_TRANSACTION, "COMMIT"):
            return sqlite3.SQLITE_OK
        count += 1
        return sqlite3.SQLITE_DENY if count == step else sqlite3.SQLITE_OK

    store.token("realm", "one")
    connection = store._pool._idle[-1]  # noqa: SLF001 - the driver's connection is there, and is the next to be lent
    connection.set_authorizer(authorize)
    yield
    with suppress(sqlite3.ProgrammingError):  # it was closed, for that write failed
        connection.set_authorizer(None)


WRITES = {sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE}
SCHEMAS = Path(__file__).parent / "schemas"


class TestSQLiteStore(Files, StoreContract, OutageContract):
    """The store itself; callers that race have connections of their own."""

    @pytest.fixture
    def store(self, path):
        """An empty one."""
        self.path = path
        with ExitStack() as self.open_stores:
            yield self.make_another(None)

    @pytest.fixture
    def unreachable(self, tmp_path):
        """Its folder is not there."""
        return SQLiteStore(tmp_path / "absent" / "scopegate.db")

    def make_another(self, store):
        """Another store object on the same file."""
        del store
        return self.open_stores.enter_context(
            closing(SQLiteStore(self.path, synchronous="NORMAL", timeout=30))
        )

    def failing(self, store, step):
        """SQLite refuses a write."""
        return denying(store, step)


class TestAsyncSQLiteStore(Files, AsyncStoreContract):
    """Its twin."""

    @pytest.fixture
    def async_store(self, path):
        """An empty one."""
        self.path = path
        return SQLiteStore(path, synchronous="NORMAL").asynchronous()

    @pytest.fixture
    def async_unreachable(self, tmp_path):
        """Its folder is not there."""
        return SQLiteStore(tmp_path / "absent" / "scopegate.db").asynchronous()

    def failing(self, store, step):
        """SQLite refuses a write where it is awaited."""
        return denying(store.asynchronous._store, step)  # noqa: SLF001 - its data are those of the store above


class TestOpening:
    """Files are opened late, prepared once, and never misread."""

    def test_building_a_store_touches_no_file(self, path):
        """Only `open` or the first use does."""
        SQLiteStore(path)
        assert not path.exists()

    def test_the_first_use_opens_the_file(self, path, store):
        """Without a call of `open`."""
        assert store.token("realm", "one") is None
        assert path.exists()

    def test_a_closed_store_opens_again_when_it_is_used(self, store):
        """So that a host may start up twice."""
        store.commit("realm", [CreateToken(make_token())])
        store.close()
        assert store.token("realm", "one") is not None

    @pytest.mark.parametrize("name", ["", ":memory:"])
    def test_a_store_needs_a_file(self, name):
        """Each connection to ``:memory:`` would be a database of its own."""
        with pytest.raises(ConfigurationError, match="MemoryStore"):
            SQLiteStore(name)

    @pytest.mark.parametrize(("argument", "value"), [("synchronous", "OFF"), ("timeout", 0)])
    def test_an_argument_without_sense_is_refused(self, path, argument, value):
        """At once, by the constructor."""
        with pytest.raises(ConfigurationError, match=argument):
            SQLiteStore(path, **{argument: value})

    def test_a_file_of_a_newer_release_is_refused(self, path, store):
        """And stays as it is."""
        furnish(store, "realm")
        store.close()
        with closing(sqlite3.connect(path, isolation_level=None)) as database:
            database.execute("UPDATE scopegate_schema SET version = 99")
        with pytest.raises(ConfigurationError, match=r"schema 99.*newer release"):
            store.open()
        with pytest.raises(ConfigurationError, match="newer release"):
            store.token("realm", "one")

    def test_a_schema_goes_forward_step_by_step(self, path, store, monkeypatch):
        """Data of the earlier schema stay."""
        furnish(store, "realm")
        before = everything(store, "realm")
        store.close()
        later = (*STEPS, ("ALTER TABLE scopegate_tokens ADD COLUMN added TEXT",), ("CREATE TABLE more (x)",))
        monkeypatch.setattr("scopegate.stores._sqlite_schema.STEPS", later)
        with closing(SQLiteStore(path)) as newer:
            assert everything(newer, "realm") == before
            newer.commit("realm", [CreateToken(make_token("new"))])
        with closing(sqlite3.connect(path)) as database:
            assert database.execute("SELECT version FROM scopegate_schema").fetchall() == [(len(later),)]
            assert database.execute("SELECT count(added) FROM scopegate_tokens").fetchall() == [(0,)]

    def test_clients_of_the_first_schema_are_known_by_their_origin(self, path, monkeypatch):
        """Whatever they call themselves: those that registered themselves are swept when idle, the others never."""
        clients = {
            "theirs": make_client("theirs", name='","origin":"registered"'),
            "ours": make_client("ours", origin=Origin.REGISTERED),
        }
        with monkeypatch.context() as patched, closing(sqlite3.connect(path)) as database:
            patched.setattr("scopegate.stores._sqlite_schema.STEPS", STEPS[:1])
            prepare(database, str(path), 1.0)
            statement = (
                "INSERT INTO scopegate_clients (realm, id, owner, version, document) VALUES (?, ?, ?, ?, ?)"
            )
            for client in clients.values():
                database.execute(statement, ("realm", *client_row(client)))
            database.commit()
        with closing(SQLiteStore(path)) as store:
            assert {name: store.client("realm", name) for name in clients} == clients
            store.sweep("realm", Cutoffs(pending_before=NOW, kept_before=NOW, idle_before=NOW), limit=9)
            assert [
                client.id for client in store.clients("realm", owner=None, after=None, limit=9).items
            ] == ["ours"]

    def test_a_step_that_fails_leaves_the_schema_before_it(self, path, store, monkeypatch):
        """A half-made schema is never seen."""
        store.open()
        store.close()
        broken = (*STEPS, ("CREATE TABLE more (x)", "CREATE TABLE more (x)"))
        monkeypatch.setattr("scopegate.stores._sqlite_schema.STEPS", broken)
        with pytest.raises(StoreUnavailableError):
            store.open()
        monkeypatch.undo()
        store.open()
        with closing(sqlite3.connect(path)) as database:
            named = database.execute("SELECT count(*) FROM sqlite_master WHERE name = 'more'")
            assert named.fetchone() == (0,)

    def test_a_file_that_stays_locked_cannot_be_opened(self, path):
        """By a program that keeps it to itself; later it can."""
        with closing(SQLiteStore(path, timeout=0.05)) as store:
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
                with pytest.raises(StoreUnavailableError, match="locked"):
                    store.open()
                with (
                    closing(sqlite3.connect(path, timeout=0)) as third,
                    pytest.raises(StoreUnavailableError, match=r"here\.db stayed locked for 0\.02 s"),
                ):
                    prepare(third, "here.db", 0.02)
                other.execute("ROLLBACK")
            store.open()

    def test_a_place_without_a_write_ahead_log_is_refused(self):
        """Readers depend on it; a database in memory has none either."""
        with (
            closing(sqlite3.connect(":memory:")) as memory,
            pytest.raises(ConfigurationError, match=r"here\.db.*'memory'.*local disk"),
        ):
            prepare(memory, "here.db", 1.0)

    def test_many_may_open_a_new_file_at_once(self, path):
        """Each finds the schema whole."""
        stores = [SQLiteStore(path, timeout=30) for _ in range(8)]
        try:
            race([each.open for each in stores])
            assert [each.token("realm", "one") for each in stores] == [None] * 8
        finally:
            for each in stores:
                each.close()

    def test_threads_that_end_leave_no_connection_behind(self, store, monkeypatch):
        """However many threads there were, one at a time needs one connection."""
        opened = []
        connect = sqlite3.connect

        def counting(*args, **kwargs):
            opened.append(args)
            return connect(*args, **kwargs)

        monkeypatch.setattr(sqlite3, "connect", counting)
        for _ in range(20):
            thread = Thread(target=store.token, args=("realm", "one"))
            thread.start()
            thread.join()
        assert len(opened) == 1


class TestTrouble:
    """Trouble with the file is an outage, and says so."""

    def test_a_missing_folder_is_an_outage(self, tmp_path):
        """The message names the file."""
        store = SQLiteStore(tmp_path / "absent" / "scopegate.db")
        with pytest.raises(StoreUnavailableError, match=r"absent.*scopegate\.db"):
            store.open()
        with pytest.raises(StoreUnavailableError):
            store.token("realm", "one")

    def test_a_file_that_is_no_database_is_an_outage(self, path, store):
        """It is not overwritten either."""
        path.write_bytes(b"not a database" * 100)
        with pytest.raises(StoreUnavailableError, match="not a database"):
            store.commit("realm", [CreateToken(make_token())])
        assert path.read_bytes() == b"not a database" * 100

    def test_every_call_says_so_when_a_table_is_gone(self, path, store):
        """Reads, commits and sweeps alike, and a touch says nothing."""
        furnish(store, "realm")
        with closing(sqlite3.connect(path)) as database:
            for table in ("tokens", "credentials", "clients", "once", "events"):
                database.execute(f"DROP TABLE scopegate_{table}")
        for call in (
            lambda: store.client("realm", "app"),
            lambda: store.token("realm", "one"),
            lambda: store.token("realm", "one", digest_of("first")),
            lambda: store.tokens("realm", TokenQuery(), after=None, limit=1),
            lambda: store.events("realm", user=None, token_id=None, after=None, limit=1),
            lambda: store.clients("realm", owner=None, after=None, limit=1),
            lambda: store.once("realm", "kept", now=NOW),
            lambda: store.commit("realm", [CreateToken(make_token("new"))]),
            lambda: store.sweep("realm", Cutoffs(kept_before=0), limit=1),
        ):
            with pytest.raises(StoreUnavailableError, match="no such table"):
                call()
        store.commit("realm", [Touch("one", NOW)])

    def test_a_file_that_stays_locked_is_an_outage_and_no_conflict(self, path, store):
        """After the time-out; reads go on meanwhile."""
        furnish(store, "realm")
        with closing(SQLiteStore(path, timeout=0.05)) as hasty:
            with another_writer(path):
                with pytest.raises(StoreUnavailableError, match="locked"):
                    hasty.commit("realm", [ReviseToken("one", 3, make_settings("Lost"))])
                assert hasty.token("realm", "one").token.version == 3
            hasty.commit("realm", [ReviseToken("one", 3, make_settings("Won"))])
            assert hasty.token("realm", "one").token.version == 4

    def test_a_touch_is_dropped_while_the_file_is_busy(self, path, store):
        """It neither waits nor fails."""
        furnish(store, "realm")
        with another_writer(path):
            store.commit("realm", [Touch("one", NOW)])
        assert store.token("realm", "one").token.last_used_at is None
        store.commit("realm", [Touch("one", NOW)])
        assert store.token("realm", "one").token.last_used_at == NOW

    def test_a_body_that_breaks_leaves_nothing(self, store, monkeypatch):
        """Whatever raises half-way through a commit."""
        furnish(store, "realm")
        before = everything(store, "realm")
        broken = evolve(make_event("lost"), at="\ud800")
        with pytest.raises(InvalidValueError, match="surrogate"):
            store.commit("realm", [ReviseToken("one", 3, make_settings("Lost")), AppendEvent(broken)])
        monkeypatch.setattr("scopegate.stores._sqlite_changes.follow", None)
        with pytest.raises(TypeError):
            store.commit("realm", [ReviseToken("one", 3, make_settings("Lost")), AppendEvent(make_event())])
        assert everything(store, "realm") == before

    def test_half_of_a_surrogate_pair_finds_nothing(self, store):
        """It comes from outside, so it must not look like an outage."""
        furnish(store, "realm")
        assert store.client("realm", "\ud800") is None
        assert store.token("realm", "\ud800") is None
        assert store.once("\ud800", "key", now=NOW) is None
        assert store.sweep("realm", Cutoffs(forgotten="\ud800"), limit=9) == 0
        assert store.sweep("\ud800", Cutoffs(kept_before=inf), limit=9) == 0

    def test_a_number_beyond_64_bits_is_not_stored(self, store):
        """And is no outage."""
        store.commit("realm", [CreateToken(make_token())])
        with pytest.raises(ConflictError):
            store.commit("realm", [ReviseToken("one", 2**70, make_settings("Lost"))])
        with pytest.raises(InvalidValueError, match="64 bits"):
            store.commit("realm", [CreateToken(make_token("two", generation=2**70))])

    def test_a_damaged_row_is_an_outage(self, path, store):
        """The message repeats nothing of the row."""
        furnish(store, "realm")
        with closing(sqlite3.connect(path)) as database, database:
            database.execute('UPDATE scopegate_tokens SET document = \'{"scopes": 7, "private": 1}\'')
            database.execute("UPDATE scopegate_credentials SET kind = 'later'")
            database.execute("UPDATE scopegate_clients SET document = 'private'")
            database.execute("UPDATE scopegate_events SET detail = 'private'")
        for call in (
            lambda: store.token("realm", "one"),
            lambda: store.client("realm", "app"),
            lambda: store.events("realm", user=None, token_id=None, after=None, limit=1),
        ):
            with pytest.raises(StoreUnavailableError, match="damaged") as caught:
                call()
            assert "private" not in str(caught.value)
            assert caught.value.__cause__ is None

    def test_errors_show_no_secret(self, path, store):
        """Neither a digest nor a sealed reply."""
        store.open()
        secret = make_credential("secret")
        with (
            closing(SQLiteStore(path, timeout=0.05)) as hasty,
            another_writer(path),
            pytest.raises(StoreUnavailableError) as caught,
        ):
            hasty.commit("realm", [CreateToken(make_token(reply=b"sealed")), AddCredential(secret)])
        shown = f"{caught.value!r} {caught.value.__cause__!r}"
        assert "sealed" not in shown
        assert secret.digest.hex() not in shown


class TestNewerReleases:
    """What a newer release wrote into a document survives this one."""

    def test_unknown_keys_of_settings_and_caps_survive_a_revision(self, path, store):
        """At every level of the document."""
        store.commit("realm", [CreateToken(make_token())])
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(
                "UPDATE scopegate_tokens SET settings = json_set(settings, '$.colour', 'red', '$.v', 2,"
                " '$.cap.until', 5, '$.cap.applications.thermostat.why', 'heat')"
            )
        store.commit("realm", [ReviseToken("one", 1, make_settings("Desk"))])
        with closing(sqlite3.connect(path)) as database:
            query = "SELECT settings ->> ? FROM scopegate_tokens"
            found = [
                database.execute(query, (place,)).fetchone()[0]
                for place in ("$.name", "$.colour", "$.v", "$.cap.until", "$.cap.applications.thermostat.why")
            ]
        assert found == ["Desk", "red", 2, 5, "heat"]
        assert store.token("realm", "one").token.settings == make_settings("Desk")

    def test_unknown_keys_of_a_client_survive_a_change(self, path, store):
        """And do not disturb reading it."""
        store.commit("realm", [PutClient(make_client(), 0)])
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("UPDATE scopegate_clients SET document = json_set(document, '$.badge', 'gold')")
        store.commit("realm", [PutClient(make_client(name="Renamed", version=2), 1)])
        with closing(sqlite3.connect(path)) as database:
            found = database.execute("SELECT document ->> '$.badge' FROM scopegate_clients").fetchone()
        assert found == ("gold",)
        assert store.client("realm", "app") == make_client(name="Renamed", version=2)

    @pytest.mark.parametrize("secrets", [None, ()])
    def test_secrets_without_dates_are_read_and_rewritten_with_them(self, path, store, secrets):
        """A file of the third schema has bare digests; one that is taken away never counts again."""
        old = (ClientSecret(digest_of("first")), ClientSecret(digest_of("second")))
        store.commit("realm", [PutClient(make_client(), 0)])
        with closing(sqlite3.connect(path)) as database, database:
            document = "json_set(document, '$.secret_digests', json_array(?, ?))"
            digests = [secret.digest.hex() for secret in old]
            database.execute(f"UPDATE scopegate_clients SET document = {document}", digests)  # noqa: S608 - our own words
        read = store.client("realm", "app")
        assert read == make_client(secrets=old)
        kept = old if secrets is None else secrets
        store.commit("realm", [PutClient(evolve(read, secrets=kept, version=2), 1)])
        assert store.client("realm", "app") == make_client(secrets=kept, version=2)
        with closing(sqlite3.connect(path)) as database:
            (document,) = database.execute("SELECT document FROM scopegate_clients").fetchone()
        assert "secret_digests" not in document

    def test_events_of_an_unknown_kind_are_left_out(self, path, store):
        """The rest of the history is still read, page by page."""
        for number in range(4):
            store.commit("realm", [Touch("one", NOW), AppendEvent(make_event(str(number)))])
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("UPDATE scopegate_events SET kind = 'token.teleported' WHERE sequence IN (2, 3)")
        first = store.events("realm", user=None, token_id=None, after=None, limit=2)
        second = store.events("realm", user=None, token_id=None, after=first.after, limit=2)
        assert [event.detail["what"] for event in (*first.items, *second.items)] == ["3", "0"]


FIRST = ("realm", "one", digest_of("first"))
STAMPS_OF_THE_FOURTH_SCHEMA = """
    SELECT ts.stamp, cs.stamp FROM scopegate_token_stamps AS ts
    JOIN scopegate_client_stamps AS cs ON cs.realm = ts.realm AND cs.id = ts.client_id
    WHERE ts.realm = ? AND ts.id = ?
"""
BY_HAND = {
    "a token": "UPDATE scopegate_tokens SET revoked_at = 1.0, revoked_reason = 'by hand' WHERE id = 'one'",
    "a token put again": "INSERT OR REPLACE INTO scopegate_tokens"
    " SELECT realm, id, 'eve', client_id, created_at, document, settings, version, generation, advanced_at,"
    " reply, revoked_at, revoked_reason, last_used_at, last_wrote_at, lapses_at, stamp"
    " FROM scopegate_tokens WHERE id = 'one'",
    "a token gone": "DELETE FROM scopegate_tokens WHERE id = 'one'",
    "a token of another client": "UPDATE scopegate_tokens SET client_id = 'another' WHERE id = 'one'",
    "a credential": "UPDATE scopegate_credentials SET expires_at = 1.0",
    "a credential gone": "DELETE FROM scopegate_credentials",
    "a credential put again": "INSERT OR REPLACE INTO scopegate_credentials"
    " SELECT realm, token_id, digest, kind, generation, created_at, 5.0, keep_until, document"
    " FROM scopegate_credentials",
    "a credential of another token": "UPDATE scopegate_credentials SET token_id = 'other' WHERE token_id = 'one'",
    "a token of another id": "UPDATE scopegate_tokens SET id = 'another' WHERE id = 'one'",
    "a client of another id": "UPDATE scopegate_clients SET id = 'another'",
    "a client of another realm": "UPDATE scopegate_clients SET realm = 'another'",
    "a client": "UPDATE scopegate_clients SET document = json_set(document, '$.disabled', json('true'))",
    "a client put again": "INSERT OR REPLACE INTO scopegate_clients (realm, id, version, document)"
    " SELECT realm, id, version, '{}' FROM scopegate_clients",
    "a client gone": "DELETE FROM scopegate_clients",
    "the stamp of a token": "UPDATE scopegate_tokens SET stamp = 1",
    "the stamp of a client": "DELETE FROM scopegate_client_stamps",
}


def as_of_schema(schema, path, monkeypatch):
    """A file with everything in it, as the release of that schema would have written it; and what is in it."""
    full = path.with_suffix(".full")
    with closing(SQLiteStore(full)) as store:
        furnish(store, "realm")
        found = everything(store, "realm")
    with monkeypatch.context() as patched, closing(sqlite3.connect(path)) as database:
        patched.setattr("scopegate.stores._sqlite_schema.STEPS", STEPS[:schema])
        prepare(database, str(path), 1.0)
        database.execute("ATTACH ? AS newer", (str(full),))
        for table in ("tokens", "credentials", "clients", "once", "events"):
            columns = ", ".join(row[1] for row in database.execute(f"PRAGMA table_info(scopegate_{table})"))
            database.execute(
                f"INSERT INTO scopegate_{table} ({columns}) SELECT {columns} FROM newer.scopegate_{table}"  # noqa: S608 - our own names
            )
        database.commit()
    return found


class TestStamps:
    """What was read before is read again only when its stamp has changed, and that it has, whoever wrote."""

    @pytest.fixture
    def read(self, store, monkeypatch):
        """The statements that a store with everything in it runs from now on."""
        furnish(store, "realm")
        store.token(*FIRST)
        statements = []
        rows = store._pool.rows  # noqa: SLF001 - what is inside is what is tested

        def noting(statement, parameters):
            statements.append(statement)
            return rows(statement, parameters)

        monkeypatch.setattr(store._pool, "rows", noting)  # noqa: SLF001
        return statements

    def test_a_record_is_decoded_once(self, store, read):
        """After that, only stamps are read, and the answer is the very same."""
        assert store.token(*FIRST) is store.token(*FIRST)
        assert read == [_sqlite_queries.STAMPS] * 2

    def test_another_credential_of_the_token_is_no_change(self, store, read):
        """For it changes nothing of what was read."""
        store.commit("realm", [Touch("other", NOW), AddCredential(make_credential("third"))])
        store.token(*FIRST)
        assert read == [_sqlite_queries.STAMPS]

    def test_a_client_that_idles_is_no_change(self, path, store, read):
        """For nobody reads since when."""
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("UPDATE scopegate_clients SET idle_since = 1.0")
        store.token(*FIRST)
        assert read == [_sqlite_queries.STAMPS]

    def test_what_is_not_there_is_not_remembered(self, store, read):
        """Whoever guesses fills no memory."""
        for _ in range(2):
            assert store.token("realm", "one", b"guessed").credential is None
            assert store.token("realm", "absent", b"guessed") is None
        assert read == [_sqlite_queries.TOKEN_AND_CREDENTIAL] * 4

    @pytest.mark.parametrize("kind", [kind for kind in CredentialKind if kind is not CredentialKind.ACCESS])
    def test_what_comes_but_once_is_not_remembered(self, store, read, kind):
        """Codes and refresh tokens take no room from access tokens."""
        added = make_credential("third", kind=kind)
        store.commit("realm", [Touch("other", NOW), AddCredential(added)])
        for _ in range(2):
            assert store.token("realm", "one", digest_of("third")).credential == added
        assert read == [_sqlite_queries.TOKEN_AND_CREDENTIAL] * 2

    @pytest.mark.parametrize("change", BY_HAND)
    def test_what_is_changed_by_hand_is_seen_at_once(self, path, store, change):
        """So is what an older release writes, which has never heard of stamps."""
        furnish(store, "realm")
        before = store.token(*FIRST)
        with closing(sqlite3.connect(path)) as database, database:
            database.execute(BY_HAND[change])
        after = store.token(*FIRST)
        with closing(SQLiteStore(path)) as another:
            assert after == another.token(*FIRST)
        assert (after == before) is change.startswith("the stamp")

    @pytest.mark.parametrize("change", [change for change in BY_HAND if not change.startswith("the stamp")])
    def test_a_server_of_the_release_before_goes_on(self, path, monkeypatch, change):
        """It still has the file open when a newer one upgrades it: where it looks for stamps it finds them."""
        as_of_schema(4, path, monkeypatch)
        with (
            closing(sqlite3.connect(path, isolation_level=None)) as older,
            closing(SQLiteStore(path)) as store,
        ):

            def stamps():
                return older.execute(STAMPS_OF_THE_FOURTH_SCHEMA, FIRST[:2]).fetchall()

            assert stamps()
            store.token(*FIRST)
            before = stamps()
            assert before == older.execute(_sqlite_queries.STAMPS, FIRST[:2]).fetchall()
            older.execute(BY_HAND[change])
            assert stamps() != before

    def test_what_takes_the_key_of_another_is_seen_at_once(self, path, store):
        """A credential, and a client, that replace those that stood there."""
        furnish(store, "realm")
        digest = digest_of("first")
        moved = make_credential("first", "other", expires_at=NOW)
        store.commit("realm", [Touch("absent", NOW), AddCredential(moved)])
        store.commit("realm", [PutClient(make_client("second", name="Second"), 0)])
        assert store.token(*FIRST).credential.expires_at is None
        with closing(sqlite3.connect(path)) as database, database:
            change = "UPDATE OR REPLACE scopegate_credentials SET token_id = 'one' WHERE token_id = 'other'"
            database.execute(f"{change} AND digest = ?", (digest,))
        assert store.token(*FIRST).credential.expires_at == NOW
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("UPDATE OR REPLACE scopegate_clients SET id = 'app' WHERE id = 'second'")
        assert store.token(*FIRST).client.name == "Second"

    def test_a_token_of_the_same_id_is_another_token(self, store):
        """Though its counters and times are those of the first."""
        for user in ("ann", "eve"):
            store.commit(
                "realm", [CreateToken(make_token(user=user)), AddCredential(make_credential("first"))]
            )
            assert [store.token(*FIRST).token.user for _ in range(2)] == [user] * 2
            store.commit("realm", [DeleteToken("one")])
            assert store.token(*FIRST) is None

    def test_a_credential_of_the_same_digest_is_another_credential(self, store):
        """When the first was dropped."""
        store.commit("realm", [CreateToken(make_token())])
        for ends in (1.0, 2.0):
            added = make_credential("first", expires_at=ends)
            store.commit("realm", [Touch("absent", NOW), AddCredential(added)])
            assert [store.token(*FIRST).credential for _ in range(2)] == [added] * 2
            store.commit("realm", [DropCredential("one", digest_of("first"))])
            assert store.token(*FIRST).credential is None

    def test_a_credential_that_was_swept_is_gone(self, path, store):
        """From the memory of every process."""
        furnish(store, "realm")
        with closing(SQLiteStore(path)) as another:
            assert another.token(*FIRST).credential is not None
            freed = store.sweep("realm", Cutoffs(kept_before=inf), limit=9)
            assert freed
            assert another.token(*FIRST) == store.token(*FIRST)

    def test_no_more_is_remembered_than_there_is_room_for(self, store, monkeypatch):
        """And what is in use stays."""
        monkeypatch.setattr(_sqlite_memory, "MAXIMUM", 4)
        names = [f"c{number}" for number in range(20)]
        store.commit("realm", [PutClient(make_client(), 0)])
        store.commit(
            "realm", [CreateToken(make_token()), *(AddCredential(make_credential(n)) for n in names)]
        )
        used = store.token("realm", "one", digest_of("c0"))
        for name in (*names, *reversed(names)):
            assert store.token("realm", "one", digest_of(name)).credential == make_credential(name)
            assert store.token("realm", "one", digest_of("c0")) is used
            memory = store._memory  # noqa: SLF001
            assert len(memory) <= 4
            assert len(memory._earlier) <= 4  # noqa: SLF001

    @pytest.mark.parametrize("schema", range(1, len(STEPS)))
    def test_a_file_of_any_earlier_schema_opens(self, path, monkeypatch, schema):
        """With all that was in it; what there was no place for is as if it had never been."""
        before = as_of_schema(schema, path, monkeypatch)
        with closing(SQLiteStore(path)) as store:
            after = everything(store, "realm")
            assert store.commit("realm", [Touch("one", 2 * NOW, wrote=True)]) is None
            assert store.token("realm", "one").token.last_wrote_at == 2 * NOW
        assert repr(after).replace(" ", "") == repr(before).replace(" ", "")

    @pytest.mark.parametrize("change", BY_HAND)
    def test_a_file_of_the_second_schema_gets_stamps(self, path, monkeypatch, change):
        """For all that is in it, and everything stays as it was."""
        as_of_schema(2, path, monkeypatch)
        with closing(SQLiteStore(path)) as store:
            before = everything(store, "realm")
            assert store.token(*FIRST) is store.token(*FIRST)
            with closing(sqlite3.connect(path)) as database, database:
                database.execute(BY_HAND[change])
            assert (everything(store, "realm") == before) is change.startswith("the stamp")

    def test_the_log_is_moved_into_the_file_before_it_grows_large(self, path):
        """Seldom, for that costs writers time; but at 16 megabytes it begins anew."""
        log, sizes = path.with_name(f"{path.name}-wal"), []
        with closing(SQLiteStore(path)) as store:
            for number in range(1200):
                token_id = f"token {number}"
                added = AddCredential(make_credential(token_id, token_id))
                store.commit("realm", [CreateToken(make_token(token_id)), added])
                sizes.append(log.stat().st_size)
        assert 3900 * 4120 < max(sizes) < 4200 * 4120
        assert sizes[-1] == max(sizes), "it is used again from its beginning"

    def test_many_threads_read_while_one_writes(self, path, store):
        """Nobody reads less than what was committed before they asked."""
        furnish(store, "realm")
        committed = [3]

        def write():
            with closing(SQLiteStore(path, synchronous="NORMAL")) as writer:
                for version in range(3, 103):
                    writer.commit("realm", [ReviseToken("one", version, make_settings(f"name {version}"))])
                    committed[0] = version + 1

        def read():
            while committed[0] < 103:
                least = committed[0]
                assert store.token(*FIRST).token.version >= least

        assert race([write, *[read] * 4]) == [None] * 5


class TestAsynchronousTwin:
    """Reads run inline, commits on one thread or inline, and cancelling one tears nothing."""

    async def test_the_twin_is_always_the_same_and_shares_the_data(self, store):
        """So that there is one writing thread for each file."""
        twin = store.asynchronous()
        assert store.asynchronous() is twin
        await twin.commit("realm", [CreateToken(make_token())])
        assert store.token("realm", "one") is not None
        await twin.close()

    async def test_a_read_does_not_wait_for_a_commit(self, path, store):
        """Nor does the event loop."""
        twin = store.asynchronous()
        await twin.open()
        with another_writer(path):
            commit = asyncio.create_task(twin.commit("realm", [CreateToken(make_token())]))
            await asyncio.sleep(0)
            assert await twin.token("realm", "one") is None
            assert not commit.done()
        await commit
        assert await twin.token("realm", "one") is not None
        await twin.close()

    async def test_a_touch_does_not_queue_behind_a_commit(self, path, store):
        """It is dropped at once; without a commit before it, it is kept."""
        twin = store.asynchronous()
        await twin.commit("realm", [CreateToken(make_token())])
        with another_writer(path):
            commit = asyncio.create_task(twin.commit("realm", [CreateToken(make_token("two"))]))
            await asyncio.sleep(0)
            await twin.commit("realm", [Touch("one", NOW)])
            assert not commit.done()
        await commit
        assert (await twin.token("realm", "one")).token.last_used_at is None
        await twin.commit("realm", [Touch("one", NOW)])
        assert (await twin.token("realm", "one")).token.last_used_at == NOW
        await twin.close()

    async def test_a_cancelled_commit_happens_whole_or_not_at_all(self, path, store):
        """Begun, it is carried through; not begun, it is dropped; a half of it is never there."""
        twin = store.asynchronous()
        await twin.open()
        with another_writer(path):
            running, waiting = (
                asyncio.create_task(
                    twin.commit(
                        "realm",
                        [CreateToken(make_token(name)), AddCredential(make_credential(name, name))],
                    )
                )
                for name in ("running", "waiting")
            )
            await asyncio.sleep(0)
            for task in (running, waiting):
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
        await twin.commit("realm", [CreateToken(make_token("last"))])
        found = {name: await twin.token("realm", name, digest_of(name)) for name in ("running", "waiting")}
        assert all(record is None or record.credential is not None for record in found.values())
        await twin.close()

    async def test_a_commit_that_waits_for_nothing_runs_where_it_is_awaited(self, store):
        """Handing it to a thread would take longer than the commit; what it refuses, it refuses likewise."""
        twin = store.asynchronous()
        await twin.open()
        with pytest.raises(StopIteration):
            twin.commit("realm", [CreateToken(make_token())]).send(None)
        with pytest.raises(ConflictError):
            twin.commit("realm", [CreateToken(make_token())]).send(None)
        assert store.token("realm", "one") is not None
        await twin.close()

    @pytest.mark.parametrize(
        "reason", ["the disk", "a connection", "another process", "another thread", "a commit"]
    )
    async def test_a_commit_that_would_wait_runs_on_the_thread(self, path, reason):
        """The event loop waits for none of these."""
        synchronous = "FULL" if reason == "the disk" else "NORMAL"
        with closing(SQLiteStore(path, synchronous=synchronous)) as store, ExitStack() as held:
            twin = store.asynchronous()
            if reason != "a connection":
                await twin.open()
            if reason == "another process":
                held.enter_context(another_writer(path))
            elif reason == "another thread":
                held.enter_context(store._pool.transaction())  # noqa: SLF001 - in the middle of a commit
            elif reason == "a commit":
                twin._under_way += 1  # noqa: SLF001 - it has to come before
            commit = asyncio.create_task(twin.commit("realm", [CreateToken(make_token())]))
            await asyncio.sleep(0)
            assert not commit.done()
            held.close()
            await commit
            assert store.token("realm", "one") is not None
            await twin.close()

    async def test_a_closed_twin_can_be_used_again(self, store):
        """With a new thread."""
        twin = store.asynchronous()
        await twin.close()
        await twin.close()
        await twin.commit("realm", [CreateToken(make_token())])
        await twin.close()
        assert await twin.token("realm", "one") is not None
        await twin.close()

    def test_asyncio_is_imported_only_for_the_twin(self, path):
        """A synchronous host does not pay for it."""
        code = (
            "import sys; from scopegate.stores import SQLiteStore, MemoryStore;"
            f"SQLiteStore({str(path)!r}).open();"
            "sys.exit('asyncio' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


QUERIES = [
    *(
        _sqlite_queries.tokens("realm", query, after, 5)
        for query in (
            TokenQuery(),
            TokenQuery(user="ann"),
            TokenQuery(client_id="app"),
            TokenQuery(pending=True),
            TokenQuery(user="ann", client_id="app", pending=True, pending_after=NOW),
        )
        for after in (None, "1.0:one")
    ),
    *(
        _sqlite_queries.events("realm", user, token_id, before, 5)
        for user, token_id in (("ann", None), (None, "one"), ("ann", "one"))
        for before in (None, 9)
    ),
    *(
        _sqlite_queries.clients("realm", owner, after, 5)
        for owner in (None, "ann")
        for after in (None, "app")
    ),
    (_sqlite_queries.TOKEN, ("realm", "one")),
    (_sqlite_queries.TOKEN_AND_CREDENTIAL, ("realm", "one", b"")),
    (_sqlite_queries.STAMPS, ("realm", "one")),
    (_sqlite_queries.ONCE, ("realm", "key", NOW)),
    (_sqlite_queries.NOTICE, ("realm", NOW)),
    *(
        (
            sweep,
            {
                "realm": "realm",
                "pending_before": NOW,
                "kept_before": NOW,
                "idle_before": NOW,
                "events_before": NOW,
                "forgotten": "user",
                "limit": 5,
            },
        )
        for sweep in _sqlite_queries.SWEEPS
    ),
]


@pytest.mark.parametrize(("statement", "cells"), QUERIES)
def test_no_query_walks_a_table_or_sorts_it(path, store, statement, cells):
    """Each finds its way by a key or an index, in the order wanted."""
    store.open()
    with closing(sqlite3.connect(path)) as database:
        plan = [row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {statement}", cells)]
    assert plan
    assert [step for step in plan if step.startswith("SCAN") or "TEMP B-TREE" in step] == []


def test_a_copied_file_is_a_whole_store(path, store, tmp_path):
    """After closing, there is one file and nothing beside it."""
    furnish(store, "realm")
    before = everything(store, "realm")
    store.close()
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    shutil.copy(path, tmp_path / "copy.db")
    with closing(SQLiteStore(tmp_path / "copy.db")) as copy:
        assert everything(copy, "realm") == before


@pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX")
@pytest.mark.parametrize("mode", [None, 0o640])
def test_a_new_file_is_for_its_owner_alone(path, mode):
    """So are the log and the index beside it; a file that is there keeps the mode that somebody chose."""
    if mode is not None:
        path.touch(mode)
        path.chmod(mode)
    before = os.umask(0o022)
    try:
        with closing(SQLiteStore(path)) as store:
            store.commit("realm", [CreateToken(make_token())])
            found = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert found == dict.fromkeys((path.name, f"{path.name}-wal", f"{path.name}-shm"), mode or 0o600)
