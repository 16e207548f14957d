"""Connections are lent to one call at a time, and are not carried over a fork."""

import os
import shutil
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import partial
from threading import Event, Thread

import pytest

from scopegate.errors import StoreUnavailableError
from scopegate.stores import _sqlite_log
from scopegate.stores._sqlite_pool import BusyError, Connection, Pool
from scopegate.testing._store_samples import race

TOUCH = "UPDATE scopegate_once SET expires_at = ? WHERE key = ?"
COUNT = "SELECT count(*) FROM scopegate_once WHERE expires_at = 2.0"
PUT = "INSERT INTO scopegate_once (realm, key, value, expires_at) VALUES ('r', 'k', x'00', 1.0)"


@pytest.fixture
def pool(tmp_path):
    """Connections to an empty file with one row."""
    with closing(Pool(str(tmp_path / "scopegate.db"), 0.05, "NORMAL")) as pool:
        with pool.transaction() as connection:
            connection.execute(PUT)
        yield pool


def test_a_writer_waits_for_its_turn_and_not_for_ever(pool):
    """Another writer of the same process left no gap."""
    with pool.transaction(), pytest.raises(StoreUnavailableError, match="turn to write"), pool.transaction():
        pytest.fail("two writers at once")
    with pool.transaction() as connection:
        assert connection.in_transaction


def test_what_may_be_lost_is_dropped_while_somebody_writes(pool):
    """It neither waits nor fails, and is written when there is room."""
    with pool.transaction():
        pool.write_unless_busy(TOUCH, [(2.0, "k")])
    assert pool.rows(COUNT, ()) == [(0,)]
    pool.write_unless_busy(TOUCH, [(2.0, "k")])
    assert pool.rows(COUNT, ()) == [(1,)]


def test_what_may_be_lost_changes_the_rules_for_itself_only(tmp_path):
    """The next commit on that connection waits for others, and for the disk, as any other."""
    with closing(Pool(str(tmp_path / "scopegate.db"), 0.05, "FULL")) as pool:
        pool.write_unless_busy(TOUCH, [(2.0, "k")])
        with pool.transaction() as connection:
            assert connection.execute("PRAGMA busy_timeout").fetchone() == (50,)
            assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_trouble_with_what_may_be_lost_is_no_trouble(pool):
    """Even a statement that cannot run; the next write is well."""
    pool.write_unless_busy("UPDATE nothing SET x = ? WHERE y = ?", [(2.0, "k")])
    pool.write_unless_busy(TOUCH, [(2.0, "\ud800")])
    pool.write_unless_busy(TOUCH, [(2.0, "k")])
    assert pool.rows(COUNT, ()) == [(1,)]


def test_a_body_that_raises_writes_nothing(pool):
    """And the next transaction starts clean."""
    with suppress(KeyError), pool.transaction() as connection:
        connection.execute("DELETE FROM scopegate_once")
        raise KeyError
    assert pool.rows("SELECT key FROM scopegate_once", ()) == [("k",)]
    with pool.transaction() as connection:
        assert connection.in_transaction


def test_a_transaction_that_the_body_ended_itself_is_no_trouble(pool):
    """There is nothing left to take back then."""
    with suppress(KeyError), pool.transaction() as connection:
        connection.execute("COMMIT")
        raise KeyError
    with pool.transaction() as connection:
        assert connection.in_transaction


def test_closing_does_not_disturb_a_call_under_way(pool):
    """Its connection is closed when it is given back."""
    with pool.transaction() as connection:
        pool.close()
        connection.execute("DELETE FROM scopegate_once")
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")
    assert pool.rows("SELECT key FROM scopegate_once", ()) == []


def test_commits_are_kept_through_a_loss_of_power_by_default(tmp_path):
    """SQLite then waits for the disk at each commit."""
    for name, level in (("FULL", 2), ("NORMAL", 1)):
        with closing(Pool(str(tmp_path / name), 1.0, name)) as pool:
            pool.open()
            assert pool.rows("PRAGMA synchronous", ()) == [(level,)]
            assert pool.rows("PRAGMA journal_mode", ()) == [("wal",)]


def test_who_does_not_wait_is_told_at_once_that_another_thread_writes(pool):
    """Nothing of it is written, and nothing is broken."""
    with pool.transaction(), pytest.raises(BusyError), pool.transaction(waiting=False):
        pytest.fail("two writers at once")
    with pool.transaction(waiting=False) as connection:
        assert connection.in_transaction


def test_who_does_not_wait_is_told_at_once_that_another_process_writes(tmp_path):
    """It keeps its connection, which waits for others again afterwards."""
    path = str(tmp_path / "scopegate.db")
    with closing(Pool(path, 3600.0, "NORMAL")) as pool, closing(sqlite3.connect(path)) as other:
        with pool.transaction() as before:
            before.execute(PUT)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(BusyError), pool.transaction(waiting=False):
            pytest.fail("two writers at once")
        other.rollback()
        with pool.transaction(waiting=False) as after:
            assert after is before
        with pool.transaction() as after:
            assert after is before
            assert after.execute("PRAGMA busy_timeout").fetchone() == (3_600_000,)


class Locked(Connection):
    """Who does not wait for it finds the file locked, as it is for a moment while another process repairs it."""

    def execute(self, statement, *values):
        """Fail as SQLite does."""
        if statement == COUNT and super().execute("PRAGMA busy_timeout").fetchone() == (0,):
            raise self.locked
        return super().execute(statement, *values)


def test_a_reader_waits_for_others_on_a_connection_that_did_not(pool, tmp_path):
    """SQLite is told so when it matters, once."""
    path = str(tmp_path / "scopegate.db")
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, factory=Locked)
    connection.locked = sqlite3.OperationalError("database is locked")
    connection.locked.sqlite_errorcode = sqlite3.SQLITE_BUSY_RECOVERY
    pool.close()
    pool.open()
    pool._idle[:] = [connection]  # noqa: SLF001 - the one that is lent next
    with pool.transaction(waiting=False) as writing:
        assert writing is connection
        assert connection.execute("PRAGMA busy_timeout").fetchone() == (0,)
    assert pool.rows(COUNT, ()) == [(0,)]
    assert connection.execute("PRAGMA busy_timeout").fetchone() == (50,)
    connection.locked = sqlite3.OperationalError("something else")
    connection.locked.sqlite_errorcode = sqlite3.SQLITE_IOERR
    with pool.transaction(waiting=False):
        pass
    with pytest.raises(StoreUnavailableError, match="something else"):
        pool.rows(COUNT, ())


@pytest.mark.parametrize(
    ("synchronous", "idle", "prompt"), [("FULL", 1, False), ("NORMAL", 1, True), ("NORMAL", 0, False)]
)
def test_a_commit_is_prompt_if_it_waits_for_neither_disk_nor_connection(tmp_path, synchronous, idle, prompt):
    """Opening the file takes a while, and so does a disk."""
    with closing(Pool(str(tmp_path / "scopegate.db"), 1.0, synchronous)) as pool:
        if idle:
            pool.open()
        assert pool.is_prompt is prompt


def kept(pool, folder):
    """How many rows are in the file itself, without its log."""
    copy = folder / "copy.db"
    shutil.copy(pool.path, copy)
    with closing(sqlite3.connect(copy)) as database, suppress(sqlite3.OperationalError):
        return database.execute("SELECT count(*) FROM scopegate_once").fetchone()[0]
    return 0


def put(pool, key):
    """Write one row."""
    with pool.transaction() as connection:
        connection.execute(PUT.replace("'k'", "?"), (key,))


class TestLog:
    """It is moved into the file beside those who write, and nobody notices."""

    @pytest.fixture(autouse=True)
    def _short(self, monkeypatch):
        monkeypatch.setattr(_sqlite_log, "_ROWS", 5)

    def test_it_is_moved_after_so_many_rows(self, pool, tmp_path):
        """Of whatever kind, and again and again; what was moved is read as before."""
        for number in range(3):
            put(pool, f"few {number}")
        assert kept(pool, tmp_path) == 0
        for number in range(20):
            put(pool, f"more {number}")
            pool._mover.rest()  # noqa: SLF001 - there is no other way to see that it is over
            assert kept(pool, tmp_path) == 5 + number
            pool.write_unless_busy(TOUCH, [(2.0, "k")] * 4)
        assert pool.rows("SELECT count(*) FROM scopegate_once", ()) == [(24,)]

    def test_it_is_moved_wholly_so_that_it_begins_anew(self, pool, tmp_path, monkeypatch):
        """Most of it beside those who write; what they wrote meanwhile, while they wait."""
        mover, held = pool._mover, []  # noqa: SLF001 - what it does is nowhere else to be seen

        class Watched(sqlite3.Connection):
            def execute(self, *args):
                held.append(mover.still.locked())
                moved = super().execute(*args)
                if not held[-1]:
                    put(pool, f"meanwhile {len(held)}")
                return moved

        def connect():
            assert written.wait(60)
            return sqlite3.connect(pool.path, factory=Watched)

        written = Event()
        monkeypatch.setattr(mover, "_connect", connect)
        for number in range(4):
            put(pool, number)
        written.set()
        mover.rest()
        assert held == [False, False, True]
        assert kept(pool, tmp_path) == 7
        size = (tmp_path / "scopegate.db-wal").stat().st_size
        put(pool, "after")
        assert (tmp_path / "scopegate.db-wal").stat().st_size == size

    def test_what_may_be_lost_is_not_lost_to_it(self, pool):
        """Its last moments are no writer's turn; who must not wait for them is told before."""
        still = pool._mover.still  # noqa: SLF001 - as if these were the last moments
        with still, ThreadPoolExecutor(1) as other:
            assert not pool.is_prompt
            written = other.submit(pool.write_unless_busy, TOUCH, [(2.0, "k")])
            with pytest.raises(TimeoutError):
                written.result(timeout=0.05)
            still.release()
            written.result(timeout=60)
            still.acquire()
        assert pool.is_prompt
        assert pool.rows(COUNT, ()) == [(1,)]

    def test_many_writers_lose_nothing_to_it(self, tmp_path):
        """Four at once, and a move after every fifth row."""

        def write(pool, name):
            for number in range(300):
                put(pool, f"{name} {number}")

        with closing(Pool(str(tmp_path / "scopegate.db"), 60.0, "NORMAL")) as pool:
            assert race([partial(write, pool, name) for name in range(4)]) == [None] * 4
            assert pool.rows("SELECT count(*) FROM scopegate_once", ()) == [(1200,)]
            assert pool.rows("PRAGMA integrity_check", ()) == [("ok",)]

    def test_closing_waits_for_it(self, pool, tmp_path):
        """So that no thread outlives the store, and the last connection leaves no log."""
        for number in range(9):
            put(pool, number)
        pool.close()
        assert not (tmp_path / "scopegate.db-wal").exists()
        assert kept(pool, tmp_path) == 10

    def test_where_commits_wait_for_the_disk_no_thread_does(self, tmp_path, monkeypatch):
        """It would only be in their way."""
        monkeypatch.setattr(Thread, "start", lambda _: pytest.fail("a thread"))
        with closing(Pool(str(tmp_path / "scopegate.db"), 1.0, "FULL")) as pool:
            for number in range(20):
                put(pool, number)

    def test_without_a_thread_everything_goes_on(self, pool, tmp_path, monkeypatch):
        """The interpreter may be ending; and if it is not, the next one is tried."""

        def start(_):
            raise RuntimeError

        with monkeypatch.context() as patched:
            patched.setattr(Thread, "start", start)
            for number in range(20):
                put(pool, number)
        assert pool.rows("SELECT count(*) FROM scopegate_once", ()) == [(21,)]
        for number in range(20, 26):
            put(pool, number)
        pool._mover.rest()  # noqa: SLF001 - as above
        assert kept(pool, tmp_path) >= 21

    def test_a_connection_that_cannot_be_had_is_no_trouble(self, pool, tmp_path, monkeypatch):
        """The next move has one again."""

        def connect():
            raise StoreUnavailableError("away")

        mover = pool._mover  # noqa: SLF001 - its trouble is nowhere to be seen
        with monkeypatch.context() as patched:
            patched.setattr(mover, "_connect", connect)
            for number in range(9):
                put(pool, number)
            mover.rest()
        assert kept(pool, tmp_path) == 0
        for number in range(9, 20):
            put(pool, number)
        mover.rest()
        assert kept(pool, tmp_path) >= 10


FORK = """
import os, sys
from scopegate.core.changes import CreateToken
from scopegate.stores import SQLiteStore
from scopegate.testing._store_samples import make_token

store = SQLiteStore(sys.argv[1])
store.commit("realm", [CreateToken(make_token("parent"))])
children = []
for number in range(4):
    child = os.fork()
    if child == 0:
        store.commit("realm", [CreateToken(make_token(f"child{number}"))])
        os._exit(0 if store.token("realm", "parent") else 1)
    children.append(child)
    store.commit("realm", [CreateToken(make_token(f"after{number}"))])
assert all(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0 for child in children)
names = ["parent", *(f"{kind}{number}" for kind in ("child", "after") for number in range(4))]
assert all(store.token("realm", name) for name in names)
"""

FORK_TWIN = """
import asyncio, os, sys
from scopegate.core.changes import CreateToken
from scopegate.stores import SQLiteStore
from scopegate.testing._store_samples import make_token

store = SQLiteStore(sys.argv[1])
async def put(name):
    await store.asynchronous().commit("realm", [CreateToken(make_token(name))])
asyncio.run(put("parent"))
child = os.fork()
if child == 0:
    asyncio.run(put("child"))
    os._exit(0)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert store.token("realm", "child")
"""


FORK_LOG = """
import os, sys
from scopegate.core.changes import CreateToken
from scopegate.stores import SQLiteStore, _sqlite_log
from scopegate.testing._store_samples import make_token

_sqlite_log._ROWS = 1
store = SQLiteStore(sys.argv[1], synchronous="NORMAL")
for number in range(20):
    store.commit("realm", [CreateToken(make_token(f"parent{number}"))])
    child = os.fork()
    if child == 0:
        store.commit("realm", [CreateToken(make_token(f"child{number}"))])
        store.close()
        os._exit(0 if store.token("realm", f"parent{number}") else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert all(store.token("realm", f"{kind}{number}") for kind in ("child", "parent") for number in range(20))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("program", [FORK, FORK_TWIN, FORK_LOG])
def test_a_store_works_on_both_sides_of_a_fork(tmp_path, program):
    """Neither side inherits a connection, a lock or a thread."""
    path = tmp_path / "scopegate.db"
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
