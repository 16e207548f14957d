"""Connections to one SQLite file: kept open, lent to one call at a time, never carried over a fork."""

import os
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any, Final
from weakref import WeakSet

from scopegate.errors import StoreUnavailableError
from scopegate.stores._sqlite_log import Mover
from scopegate.stores._sqlite_schema import is_busy, prepare

_MAXIMUM_IDLE: Final = 16
_LOG: Final = 4000
"""Pages after which a writer moves the log into the file: as many as one block of its index can name (16 MB)."""


class BusyError(Exception):
    """Somebody else writes, and the caller did not want to wait."""


class Connection(sqlite3.Connection):
    """A connection.

    Attributes:
        waits: whether it waits for others' locks now. Telling SQLite so is a statement of its own, so it is told only
            where that has to change.
    """

    waits = True


class Pool:
    """The connections.

    A call borrows one and gives it back, so there are as many as there were calls at once, whatever the
    number of threads. Taking the last item of a list and appending one are atomic, so borrowing takes no
    lock. Writers of one process take turns under a lock, because SQLite lets those of several processes only
    try again and again.

    SQLite forbids carrying a connection over a fork. Idle ones are closed before it, in the parent;
    afterwards each side opens its own. One that another thread is using at that moment cannot be saved: fork
    before serving.
    """

    def __init__(self, path: str, timeout: float, synchronous: str) -> None:
        self.path: Final = path
        self._timeout = timeout
        self._synchronous = synchronous
        self.renew()
        _pools.add(self)

    def renew(self) -> None:
        """Begin anew, as in a child process: forget connections and locks without touching them."""
        self._idle: list[Connection] = []
        self._prepared = False
        self._opening = Lock()
        self._writing = Lock()
        self._mover = Mover(self._connect, self._timeout)

    @property
    def is_prompt(self) -> bool:
        """Whether a commit waits for nothing while nobody else writes: for no disk, and for no connection."""
        return self._synchronous == "NORMAL" and bool(self._idle) and not self._mover.still.locked()

    def open(self) -> None:
        """Bring the schema up to date, once.

        Raises:
            ConfigurationError: a newer release wrote the file, or the place cannot hold a write-ahead log.
            StoreUnavailableError: SQLite says no.
        """
        with self._opening:
            if self._prepared:
                return
            _create(self.path)
            connection = self._connect()
            try:
                prepare(connection, self.path, self._timeout)
            except sqlite3.Error as error:
                connection.close()
                raise self._unavailable(error) from error
            except BaseException:
                connection.close()
                raise
            self._prepared = True
            self._idle.append(connection)

    def close(self) -> None:
        """Close what is idle now, and what is lent as soon as it is given back."""
        self._mover.rest()
        idle, self._idle = self._idle, []
        self._prepared = False
        with suppress(IndexError):
            while True:
                idle.pop().close()

    def rows(self, statement: str, parameters: Sequence[object]) -> list[Any]:
        """What one statement finds.

        Raises:
            StoreUnavailableError: SQLite says no.
        """
        idle = self._idle
        try:
            connection = idle.pop()
        except IndexError:
            connection = self._another()
        try:
            found = self._found(connection, statement, parameters)
        except UnicodeEncodeError:
            found = []  # Half of a surrogate pair was asked for; no row can have it.
        except BaseException as error:
            connection.close()
            if isinstance(error, sqlite3.Error):
                raise self._unavailable(error) from error
            raise
        self._give_back(connection, idle)
        return found

    def _found(self, connection: Connection, statement: str, parameters: Sequence[object]) -> list[Any]:
        """A reader hardly ever meets a lock, so one that does not wait tries first."""
        try:
            return connection.execute(statement, parameters).fetchall()
        except sqlite3.OperationalError as error:
            if connection.waits or not is_busy(error):
                raise
            self._set_waits(connection, waits=True)
            return connection.execute(statement, parameters).fetchall()

    @contextmanager
    def transaction(self, *, waiting: bool = True) -> Generator[Connection]:
        """Lend a connection that may write, alone; all that it wrote is kept, or nothing if the body raises.

        Raises:
            BusyError: somebody else writes, in this process or another, and ``waiting`` is false.
            StoreUnavailableError: SQLite says no, or other writers left no gap until the time-out.
        """
        if not self._takes_turn(self._timeout if waiting else 0):
            if not waiting:
                raise BusyError
            raise StoreUnavailableError(
                f"{self.path} had no turn to write within {self._timeout} s: try again"
            )
        try:
            idle = self._idle
            connection = self._borrow(idle)
            before = connection.total_changes
            try:
                self._begin(connection, waiting=waiting)
                yield connection
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                connection.close()
                raise self._unavailable(error) from error
            except BaseException:
                self._roll_back(connection, idle)
                raise
            self._wrote(connection.total_changes - before)
            self._give_back(connection, idle)
        finally:
            self._end_turn()

    def _takes_turn(self, seconds: float) -> bool:
        """Whether this is the one that writes, within so many seconds; the end of a move is not counted."""
        if not self._writing.acquire(timeout=seconds):
            return False
        try:
            self._mover.still.acquire()
        except BaseException:
            self._writing.release()
            raise
        return True

    def _end_turn(self) -> None:
        self._mover.still.release()
        self._writing.release()

    def _wrote(self, rows: int) -> None:
        # Where each commit waits for the disk, a thread that does as well would only be in its way.
        if self._synchronous == "NORMAL":
            self._mover.wrote(rows)

    def _begin(self, connection: Connection, *, waiting: bool) -> None:
        if connection.waits is not waiting:
            self._set_waits(connection, waits=waiting)
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not waiting and is_busy(error):
                raise BusyError from error
            raise

    def _set_waits(self, connection: Connection, *, waits: bool) -> None:
        connection.execute(f"PRAGMA busy_timeout = {int(self._timeout * 1000) if waits else 0}")
        connection.waits = waits

    def write_unless_busy(self, statement: str, rows: Sequence[Sequence[object]]) -> None:
        """Run one statement for each row, or drop it all: this neither waits for another writer nor fails."""
        if not self._takes_turn(0):
            return
        try:
            idle = self._idle
            with suppress(BusyError, StoreUnavailableError, UnicodeEncodeError):
                self._write_at_once(self._borrow(idle), idle, statement, rows)
        finally:
            self._end_turn()

    def _write_at_once(
        self,
        connection: Connection,
        idle: list[Connection],
        statement: str,
        rows: Sequence[Sequence[object]],
    ) -> None:
        try:
            connection.execute("PRAGMA synchronous = NORMAL")  # What may be lost need not reach the disk.
            self._begin(connection, waiting=False)
            connection.executemany(statement, rows)
            connection.execute("COMMIT")
            self._wrote(len(rows))
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
        except sqlite3.Error:
            connection.close()
        except BaseException:
            connection.close()
            raise
        else:
            self._give_back(connection, idle)

    def _borrow(self, idle: list[Connection]) -> Connection:
        try:
            return idle.pop()
        except IndexError:
            return self._another()

    def _another(self) -> Connection:
        if not self._prepared:
            self.open()
            with suppress(IndexError):
                return self._idle.pop()
        return self._connect()

    def _give_back(self, connection: Connection, idle: list[Connection]) -> None:
        if idle is self._idle and len(idle) < _MAXIMUM_IDLE:
            idle.append(connection)
        else:
            connection.close()

    def _roll_back(self, connection: Connection, idle: list[Connection]) -> None:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except sqlite3.Error:
            connection.close()  # Closing rolls back what is open.
        else:
            self._give_back(connection, idle)

    def _connect(self) -> Connection:
        try:
            connection = sqlite3.connect(
                self.path,
                timeout=self._timeout,
                isolation_level=None,
                check_same_thread=False,
                factory=Connection,
            )
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG}")
        except sqlite3.Error as error:
            raise self._unavailable(error) from error
        return connection

    def _unavailable(self, error: sqlite3.Error) -> StoreUnavailableError:
        return StoreUnavailableError(
            f"SQLite did not do as asked with {self.path}: {error}. Look at the file, its folder and the "
            f"disk, or, if it was locked, at who else writes to it; then try again"
        )

    def __del__(self) -> None:
        """Close what nobody closed."""
        self.close()


_creating: Final = Lock()


def _create(path: str) -> None:
    """Make the file, for its owner's eyes only; the log beside it gets the same mode from SQLite.

    One that is there is not even opened: closing it would drop the locks that this process holds on it, and so may
    nobody else here open the new one meanwhile. What goes wrong, SQLite will say.
    """
    with _creating, suppress(OSError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


_pools: Final[WeakSet[Pool]] = WeakSet()


def _before_fork() -> None:
    for pool in list(_pools):
        pool.close()


def _after_fork_in_child() -> None:
    for pool in list(_pools):
        pool.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork_in_child)
