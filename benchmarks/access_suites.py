"""The suites of bearer check and decision in one: over the store in memory, and over a SQLite file."""

from typing import Final

from benchmarks import access_rows, workload
from benchmarks.access_rows import LESS, LESS_ASYNC, OURS, SHARES
from benchmarks.peers import authlib_peer, mcp_peer
from benchmarks.rows import Suite, Target, Verdict
from benchmarks.scopegate_rows import Stock
from benchmarks.sqlite_rows import JOINED, ROW, STAMPS, File

HOT: Final = 100
FEW: Final = 500
MANY: Final = 5_000
GRANTED: Final = Verdict(200, (workload.USER,))
AUTHLIB: Final = "Authlib + naive decision"
SELECT: Final = "bare select of the row"
JOIN: Final = "bare select with client and credential"
STAMP: Final = "bare select of its stamps"
TARGETS: Final = (
    Target(LESS, "LIMIT", at_most=2.0),
    Target(LESS_ASYNC, "LIMIT, async", at_most=2.0),
    Target(LESS_ASYNC, "LIMIT"),
    Target(LESS, AUTHLIB, at_most=0.7),
    Target(LESS_ASYNC, AUTHLIB, at_most=0.7),
    Target(OURS, AUTHLIB),
    Target(f"{OURS}, async", AUTHLIB),
)


def access(stored: int) -> Suite:
    """Return the bearer check and the decision over that many stored tokens."""
    stock, async_stock = Stock.new(), Stock.new()
    return Suite(
        name="access" if stored == HOT else "access-many",
        title=f"Bearer check and decision: header, action, application -> user; {stored} tokens stored",
        rows=[
            access_rows.limit(stored),
            access_rows.async_limit(stored),
            authlib_peer.access(stored),
            mcp_peer.access(stored),
            access_rows.directory(),
            access_rows.async_directory(),
            access_rows.ours(stock, [stock.bearer() for _ in range(stored)]),
            access_rows.async_ours(async_stock, [async_stock.bearer() for _ in range(stored)]),
        ],
        expected=GRANTED,
        size=20_000,
        shares=SHARES,
        targets=TARGETS if stored == HOT else (),
    )


def sqlite(stored: int) -> Suite:
    """Return the same from a SQLite file of few tokens or of many; the store remembers what it read of either."""
    file, async_file = (
        File.of(stored),
        File.of(stored),
    )  # for what one colour reads is remembered for the other
    return Suite(
        name="access-sqlite" if stored == FEW else "access-sqlite-many",
        title=f"Bearer check and decision from a SQLite file; {stored} tokens stored",
        rows=[
            file.select(SELECT, ROW),
            file.select(JOIN, JOINED),
            file.select(STAMP, STAMPS, part=True),
            access_rows.directory(),
            access_rows.async_directory(),
            access_rows.ours(file.stock, file.headers),
            access_rows.async_ours(async_file.stock, async_file.headers),
        ],
        expected=GRANTED,
        size=5_000,
        shares=SHARES,
        targets=[
            Target(LESS, SELECT, at_most=2.0),
            Target(LESS_ASYNC, SELECT, at_most=2.0),
            Target(LESS, JOIN),
            Target(LESS_ASYNC, JOIN),
            Target(LESS, STAMP),
            Target(LESS_ASYNC, STAMP),
        ],
    )
