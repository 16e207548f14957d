"""What must not take long however much there is: a sweep, a deletion and a page among two million credentials."""

from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter_ns, time
from typing import Final

from benchmarks import crowded, scopegate_rows
from benchmarks.report import keep, target, write
from scopegate.core.changes import DeleteToken
from scopegate.core.records import Cutoffs, TokenQuery

ROUNDS: Final = crowded.BUSY
"""In each of them one busy token is deleted."""
BATCH: Final = 1_000
"""Rows of a sweep, as a server asks for by itself."""
SHOWN: Final = 50
TARGETS: Final = {
    "sweep of 1,000 rows": 100.0,
    "sweep that finds nothing": 100.0,
    "deletion of a token with 20,000 past credentials": 10.0,
    "first page of a user with 10,000 tokens": 10.0,
    "last page of a user with 10,000 tokens": 10.0,
}
"""Milliseconds."""


def measure(*, quick: bool) -> None:
    """Fill a database, and print and keep the times; ``quick``: over twenty thousand credentials and nothing else."""
    crowd = crowded.crowded("few", crowded.FEW) if quick else crowded.crowded("many", crowded.MANY)
    times: dict[str, list[float]] = {name: [] for name in TARGETS}
    swept, shown = 0, set[int]()
    last = cursor(crowd)
    for number in range(1, (3 if quick else ROUNDS) + 1):
        swept += note(times, "sweep of 1,000 rows", partial(sweep, crowd, time()))
        note(times, "sweep that finds nothing", partial(sweep, crowd, time() - 1e8))
        note(times, "deletion of a token with 20,000 past credentials", partial(delete, crowd, number))
        shown.add(note(times, "first page of a user with 10,000 tokens", partial(page, crowd, None)))
        shown.add(note(times, "last page of a user with 10,000 tokens", partial(page, crowd, last)))
    write(
        f"\nPostgreSQL, {crowd.tokens * crowded.EACH:,} credentials: milliseconds that pass, median and most\n"
    )
    for name, found in times.items():
        most, middle = TARGETS[name], median(found)
        write(f"{name:<52} {middle:8.2f} {max(found):8.2f}   {target(f'{most:.0f}', met=middle <= most)}")
    keep("scale", times, size=1, unit="milliseconds")
    if not quick and swept != BATCH * ROUNDS:
        raise AssertionError(f"{swept} rows were swept")
    if not quick and shown != {SHOWN}:
        raise AssertionError(f"pages of {sorted(shown)} tokens were shown")


def note(times: dict[str, list[float]], name: str, call: Callable[[], int]) -> int:
    """Note how long a call takes, and return its answer."""
    start = perf_counter_ns()
    found = call()
    times[name].append((perf_counter_ns() - start) / 1e6)
    return found


def sweep(crowd: crowded.Crowded, before: float) -> int:
    """Free a batch of what need not be kept since then."""
    cutoffs = Cutoffs(pending_before=before - 1e8, kept_before=before, idle_before=before - 1e8)
    return crowd.store.sweep(scopegate_rows.REALM, cutoffs, limit=BATCH)


def delete(crowd: crowded.Crowded, number: int) -> int:
    """Delete a token with many past credentials."""
    token_id = f"busy{number}" if crowd.tokens > crowded.FEW else crowd.token_id(number)
    crowd.store.commit(scopegate_rows.REALM, [DeleteToken(token_id)])
    return 1


def page(crowd: crowded.Crowded, after: str | None) -> int:
    """List tokens of one user."""
    query = TokenQuery(user=crowded.LISTED)
    return len(crowd.store.tokens(scopegate_rows.REALM, query, after=after, limit=SHOWN).items)


def cursor(crowd: crowded.Crowded) -> str | None:
    """Return where the last page begins."""
    query, cursors = TokenQuery(user=crowded.LISTED), list[str | None]([None])
    while (
        after := crowd.store.tokens(scopegate_rows.REALM, query, after=cursors[-1], limit=SHOWN).after
    ) is not None:
        cursors.append(after)
    return cursors[-1]
