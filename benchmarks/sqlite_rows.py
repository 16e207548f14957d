"""Rows of a SQLite file: bare selects, on a connection configured like the store's.

Nobody who remembers nothing can do without the row, and nobody at all without something as small as its stamps.
"""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from attrs import field, frozen

from benchmarks.limit_rows import in_any_order
from benchmarks.rows import Row, Verdict
from benchmarks.scopegate_rows import REALM, Stock, id_in
from scopegate.stores.sqlite import SQLiteStore

ROW: Final = """
    SELECT id, user, client_id, created_at, document, settings, version, generation, advanced_at, reply,
        revoked_at, revoked_reason, last_used_at, last_wrote_at, lapses_at
    FROM scopegate_tokens WHERE realm = ? AND id = ?
"""
JOINED: Final = """
    SELECT t.id, t.user, t.client_id, t.created_at, t.document, t.settings, t.version, t.generation,
        t.advanced_at, t.reply, t.revoked_at, t.revoked_reason, t.last_used_at, t.last_wrote_at, t.lapses_at,
        c.id, c.owner, c.version, c.document,
        k.token_id, k.digest, k.kind, k.generation, k.created_at, k.expires_at, k.keep_until, k.document
    FROM scopegate_tokens AS t
    JOIN scopegate_clients AS c ON c.realm = t.realm AND c.id = t.client_id
    JOIN scopegate_credentials AS k ON k.realm = t.realm AND k.token_id = t.id
    WHERE t.realm = ? AND t.id = ?
"""
STAMPS: Final = """
    SELECT t.stamp, cs.stamp FROM scopegate_tokens AS t
    JOIN scopegate_client_stamps AS cs ON cs.realm = t.realm AND cs.id = t.client_id
    WHERE t.realm = ? AND t.id = ?
"""


@frozen
class File:
    """A database file with one client and access tokens; it goes with the process.

    Attributes:
        stock: what fills it.
        headers: of the stored access tokens.
    """

    folder: TemporaryDirectory[str]
    stock: Stock
    headers: list[str] = field(repr=False)

    @classmethod
    def of(cls, stored: int) -> "File":
        """Return one with that many."""
        folder = TemporaryDirectory(prefix="scopegate-bench-")
        stock = Stock.new(SQLiteStore(Path(folder.name) / "tokens.db"))
        return cls(folder, stock, [stock.bearer() for _ in range(stored)])

    def select(self, name: str, statement: str, *, part: bool = False) -> Row[Any]:
        """Return the row of one prepared statement that finds a token by its primary key.

        Args:
            name: of the row.
            statement: gives the user second, unless it is only a part of an answer.
            part: whether it is.
        """
        connection = sqlite3.connect(Path(self.folder.name) / "tokens.db", isolation_level=None)
        connection.execute("PRAGMA synchronous = FULL")
        keys = [(REALM, id_in(header)) for header in self.headers]
        execute = connection.execute

        def loop(given: Sequence[tuple[str, str]]) -> None:
            for key in given:
                execute(statement, key).fetchall()

        return Row(
            name=name,
            prepare=lambda count: in_any_order(keys, count),
            call=lambda key: execute(statement, key).fetchall(),
            loop=loop,
            read=lambda rows: Verdict(200, () if part else (rows[0][1],)) if len(rows) == 1 else Verdict(401),
            part=part,
        )
