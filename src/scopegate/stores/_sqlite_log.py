"""The write-ahead log is moved into the file by a thread, beside those who write."""

import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from threading import Lock, Thread
from typing import Final

from scopegate.errors import StoreUnavailableError

_ROWS: Final = 1000
"""Rows after which the log is moved: some 2,500 pages of it, well before SQLite lets a writer do it."""
_MOVE: Final = "PRAGMA wal_checkpoint(PASSIVE)"
_PATIENCE: Final = 30.0
"""Seconds that a slow disk may take."""


class Mover:
    """Moves the log while it is short, so that no writer has to wait for the disk because it is long.

    The thread lives for as long as one move takes, and there is one at a time. If none can be started, or the
    disk is too slow for it, the writer that makes the log long moves it, as SQLite does by itself.

    Args:
        connect: opens a connection to the file.
        timeout: seconds to wait for whoever writes.

    Attributes:
        still: held by whoever writes, and while the last of the log is moved, which takes a moment. It is no turn to
            write: who drops what it has to say while others write waits here.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], timeout: float) -> None:
        self._connect = connect
        self._timeout = timeout
        self.still: Final = Lock()
        self._moving = Lock()
        self._rows = 0

    def wrote(self, rows: int) -> None:
        """Count what the caller wrote, whose turn it still is."""
        self._rows += rows
        if self._rows < _ROWS or not self._moving.acquire(blocking=False):
            return
        self._rows = 0
        try:
            Thread(target=self._move, name="scopegate-sqlite-log").start()
        except RuntimeError:  # The interpreter is ending, or the system has no more threads.
            self._moving.release()

    def rest(self) -> None:
        """Return when nothing is being moved."""
        if self._moving.acquire(timeout=_PATIENCE):
            self._moving.release()

    def _move(self) -> None:
        try:
            with suppress(StoreUnavailableError, sqlite3.Error), closing(self._connect()) as connection:
                connection.execute(_MOVE).fetchall()
                connection.execute(_MOVE).fetchall()  # What was written during the first.
                self._move_the_rest(connection)
        finally:
            self._moving.release()

    def _move_the_rest(self, connection: sqlite3.Connection) -> None:
        """While nobody writes: the log begins anew only when all of it was moved."""
        if self.still.acquire(timeout=self._timeout):
            try:
                connection.execute(_MOVE).fetchall()
            finally:
                self.still.release()
