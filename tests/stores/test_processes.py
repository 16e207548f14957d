"""Several processes share one file, and killing one of them loses nothing that it was told was written."""

import json
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import partial

import pytest

from scopegate.core.changes import CreateToken
from scopegate.core.records import TokenQuery
from scopegate.stores import SQLiteStore
from scopegate.testing._store_samples import digest_of, every, make_token

RACER = """
import json, sys
from scopegate.core.changes import AddCredential, AdvanceToken, AppendEvent, CreateToken
from scopegate.errors import ConflictError
from scopegate.stores import SQLiteStore
from scopegate.testing._store_samples import NOW, make_credential, make_event, make_token

path, name, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = SQLiteStore(path, synchronous="NORMAL", timeout=60)
store.open()
print("ready", flush=True)
sys.stdin.readline()
won = []
for number in range(rounds):
    realm = f"realm {number}"
    try:
        store.commit(realm, [CreateToken(make_token())])
    except ConflictError:
        pass
    try:
        store.commit(
            realm,
            [
                AdvanceToken("one", 0, NOW),
                AddCredential(make_credential(name)),
                AppendEvent(make_event(name)),
            ],
        )
    except ConflictError:
        continue
    won.append(number)
print(json.dumps(won), flush=True)
store.close()
"""

WRITER = """
import sys
from scopegate.core.changes import AddCredential, AppendEvent, CreateToken
from scopegate.stores import SQLiteStore
from scopegate.testing._store_samples import make_credential, make_event, make_token

store = SQLiteStore(sys.argv[1], synchronous=sys.argv[2])
number = int(sys.argv[3])
while True:
    name = f"t{number}"
    store.commit(
        "realm",
        [
            CreateToken(make_token(name)),
            AddCredential(make_credential(f"first {name}", name)),
            AddCredential(make_credential(f"second {name}", name)),
            AppendEvent(make_event(name, token_id=name)),
        ],
    )
    print(number, flush=True)
    number += 1
"""


@pytest.fixture
def path(tmp_path):
    """Where the file will be."""
    return tmp_path / "scopegate.db"


def start(program, *arguments):
    """Another interpreter that runs a program."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def sound(path):
    """What SQLite says about a file."""
    with closing(sqlite3.connect(path)) as database:
        return database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.slow
def test_of_several_processes_one_wins_each_guard(path):
    """They open a new file at once, and race for the same tokens."""
    rounds, names = 60, ("ann", "bob", "cyn")
    racers = [start(RACER, path, name, rounds) for name in names]
    try:
        assert [racer.stdout.readline() for racer in racers] == ["ready\n"] * len(racers)
        for racer in racers:
            racer.stdin.write("go\n")
            racer.stdin.flush()
        won = {name: json.loads(racer.stdout.readline()) for name, racer in zip(names, racers, strict=True)}
    finally:
        for racer in racers:
            racer.communicate(timeout=60)
    assert sorted(number for numbers in won.values() for number in numbers) == list(range(rounds))
    with closing(SQLiteStore(path)) as store:
        for name, numbers in won.items():
            for number in range(rounds):
                record = store.token(f"realm {number}", "one", digest_of(name))
                assert record.token.generation == 1
                assert (record.credential is not None) == (number in numbers)
        for number in range(rounds):
            page = store.events(f"realm {number}", user=None, token_id=None, after=None, limit=9)
            assert len(page.items) == 1
    assert sound(path)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system cannot kill at once")
@pytest.mark.parametrize("synchronous", ["NORMAL", "FULL"])
def test_killing_a_writer_loses_nothing_that_was_acknowledged(path, synchronous):
    """And leaves no commit in part."""
    acknowledged = -1
    for stop in (3, 40, 90):
        with start(WRITER, path, synchronous, acknowledged + 1) as writer:
            while acknowledged < stop:
                acknowledged = int(writer.stdout.readline())
            writer.kill()
            acknowledged = max([acknowledged, *map(int, writer.stdout.read().split())])
        assert sound(path)
        with closing(SQLiteStore(path)) as store:
            events = every(partial(store.events, "realm", user=None, token_id=None))
            written = [event.token_id for event in reversed(events)]
            assert written == [f"t{number}" for number in range(len(written))]
            assert len(written) in {acknowledged + 1, acknowledged + 2}
            for name in written:
                for digest in (digest_of(f"first {name}"), digest_of(f"second {name}")):
                    assert store.token("realm", name, digest).credential is not None
            store.commit("realm", [CreateToken(make_token(f"after {stop}"))])
            acknowledged = len(written) - 1


@pytest.mark.slow
def test_a_backup_while_others_write_is_whole(path, tmp_path):
    """SQLite's own online backup, again and again, while a process commits and is killed at last."""
    writer = start(WRITER, path, "NORMAL", 0)
    copies = []
    try:
        for number in range(12):
            written = int(writer.stdout.readline())
            copy = tmp_path / f"copy {number}.db"
            with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
            copies.append((copy, written))
    finally:
        writer.kill()
        writer.communicate(timeout=60)
    counts = []
    for copy, written in copies:
        assert sound(copy)
        with closing(SQLiteStore(copy)) as store:
            tokens = every(partial(store.tokens, "realm", TokenQuery()))
            events = every(partial(store.events, "realm", user=None, token_id=None))
            counts.append(len(tokens))
            assert {token.id for token in tokens} == {event.token_id for event in events}
            assert {f"t{number}" for number in range(written + 1)} <= {token.id for token in tokens}
            for token in tokens:
                for name in (f"first {token.id}", f"second {token.id}"):
                    assert store.token("realm", token.id, digest_of(name)).credential is not None
    assert counts == sorted(counts)
    assert counts[-1] > counts[0], "somebody wrote between the backups"
