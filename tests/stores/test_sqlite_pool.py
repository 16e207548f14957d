"""Connections are lent to one call at a time, and are not carried over a fork."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing, suppress

import pytest

from scopegate.errors import StoreUnavailableError
from scopegate.stores._sqlite_pool import Pool

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


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("program", [FORK, FORK_TWIN])
def test_a_store_works_on_both_sides_of_a_fork(tmp_path, program):
    """Neither side inherits a connection, a lock or a thread."""
    path = tmp_path / "scopegate.db"
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", program, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
