"""What the SQLAlchemy stores do with a connection, once they have one.

SQLAlchemy's own asynchronous connections run such functions without blocking the event loop, so both colours do the
same work. A function here begins and ends what it needs, and raises what SQLAlchemy raises.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final

from sqlalchemy import Connection, TextClause, text
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from scopegate.core.changes import Change, Touch
from scopegate.core.records import NEVER, Cutoffs
from scopegate.stores import _sql_steps, _sql_sweep
from scopegate.stores._batch import conflict, parts
from scopegate.stores._sql_plan import Plan, expected_version
from scopegate.stores._sql_reads import Statement
from scopegate.stores._sql_steps import Leader, Step
from scopegate.stores._sql_sweep import Deletion
from scopegate.stores._told import tell_all

ISOLATION: Final = {"postgresql": "AUTOCOMMIT", "sqlite": "AUTOCOMMIT"}
"""Where a statement can be a transaction by itself without asking the server for it."""
_GAPLESS: Final = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED"
"""What MySQL and MariaDB do by default locks gaps between rows, which lets strangers wait for each other."""

Rows = Sequence[Sequence[Any]]


@lru_cache(maxsize=512)
def clause(sql: str) -> TextClause:
    """SQL as SQLAlchemy wants it; the same SQL is taken apart once."""
    return text(sql)


def rows(connection: Connection, statement: Statement) -> Rows:
    """What a statement finds."""
    return connection.execute(clause(statement.sql), statement.values).fetchall()


def commit(connection: Connection, plan: Plan, realm: str, changes: Sequence[Change]) -> None:
    """Apply all changes, or none.

    Raises:
        ConflictError: the guard is false; nothing was written.
        TypeError: a commit has no such form.
    """
    first, followers = parts(changes)
    before = _before(connection, plan, realm, first)
    if plan.in_one_statement:
        if not rows(connection, plan.statement(realm, first, followers, before)):
            raise conflict(first)
        return
    with connection.begin():
        if plan.dialect in {"mysql", "mariadb"}:
            connection.exec_driver_sql(_GAPLESS)
        for step in plan.steps(realm, first, followers, before):
            if not _taken(connection, step):
                raise conflict(first)


def _before(connection: Connection, plan: Plan, realm: str, first: Leader) -> str | None:
    """The document that a change replaces, which may have keys of a newer release.

    What is written is guarded by the version that was read with it, so nothing can come between.
    """
    statement = plan.before(realm, first)
    if statement is None:
        return None
    found = rows(connection, statement)
    connection.rollback()
    if not found or found[0][0] != expected_version(first):
        raise conflict(first)
    return str(found[0][1])


def _taken(connection: Connection, step: Step) -> bool:
    """Whether a step was taken, as far as it is guarded."""
    try:
        changed = connection.execute(clause(step.sql), step.values).rowcount
    except IntegrityError:
        if step.guard:
            return False
        raise
    return changed == 1 or not step.guard


def touch(connection: Connection, plan: Plan, realm: str, touches: Sequence[Touch]) -> None:
    """Note when tokens were last used, unless somebody else is writing just there; never fail."""
    with suppress(SQLAlchemyError, UnicodeEncodeError):
        _WAYS[plan.dialect](connection, plan, realm, touches)


def _touch_by_skipping(connection: Connection, plan: Plan, realm: str, touches: Sequence[Touch]) -> None:
    rows(connection, plan.statement(realm, touches[0], touches[1:], None))


def _touch_by_looking(connection: Connection, plan: Plan, realm: str, touches: Sequence[Touch]) -> None:
    """A row that is locked is not found."""
    look = clause(_sql_steps.unlocked(plan.names))
    with connection.begin():
        for change in touches:
            if connection.execute(look, {"realm": realm, "id": change.token_id}).fetchall():
                _taken(connection, _sql_steps.touch(plan.names, realm, change))


def _touch_at_once(connection: Connection, plan: Plan, realm: str, touches: Sequence[Touch]) -> None:
    """SQLite waits for whoever is writing, unless it is told not to."""
    waits = connection.exec_driver_sql("PRAGMA busy_timeout").scalar()
    connection.rollback()
    try:
        connection.exec_driver_sql("PRAGMA busy_timeout = 0")
        connection.rollback()
        with connection.begin():
            for change in touches:
                _taken(connection, _sql_steps.touch(plan.names, realm, change))
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {waits}")
        connection.rollback()


_WAYS: Final = {
    "postgresql": _touch_by_skipping,
    "mysql": _touch_by_looking,
    "mariadb": _touch_by_looking,
    "sqlite": _touch_at_once,
}


# Sweeping


def sweep(connection: Connection, plan: Plan, realm: str, cutoffs: Cutoffs, limit: int) -> int:
    """Free at most ``limit`` rows; see `Store.sweep`. Each batch is a transaction of its own."""
    batch = _Batch(connection, plan, _sql_sweep.values(realm, cutoffs), limit)
    if cutoffs.kept_before > NEVER:
        batch.change(_sql_sweep.notice(plan.names))
    if cutoffs.pending_before > NEVER:
        batch.free(*_sql_sweep.pending(plan.names))
    if cutoffs.kept_before > NEVER:
        _consumed(batch)
        batch.free(_sql_sweep.expired(plan.names))
    if cutoffs.idle_before > NEVER:
        batch.free(_sql_sweep.idle(plan.names))
    batch.free(*_sql_sweep.history(plan.names, cutoffs), *_sql_sweep.left_behind(plan.names))
    if plan.notify and batch.freed:
        values = {"channel": plan.channel, "told": tell_all(realm)}
        rows(connection, Statement("SELECT pg_notify(:channel, :told)", values))
    return batch.freed


class _Batch:
    """A sweep under way: what it may still free."""

    def __init__(self, connection: Connection, plan: Plan, values: Mapping[str, object], limit: int) -> None:
        self.connection: Final = connection
        self.plan: Final = plan
        self.values: Final = values
        self.limit: Final = max(limit, 0)
        self.freed = 0

    @property
    def left(self) -> int:
        """How many rows may still go."""
        return self.limit - self.freed

    def free(self, *deletions: Deletion) -> None:
        """Free rows of one table after the other."""
        for what in deletions:
            limit = self.left if what.counted else self.limit
            if limit:
                freed = self.change(_sql_sweep.deletion(what, self.plan.dialect), limit=limit)
                self.freed += freed if what.counted else 0

    def change(self, sql: str, **more: object) -> int:
        """Run one statement by itself, and say how many rows it changed."""
        with self.connection.begin():
            return self.connection.execute(clause(sql), _used(sql, {**self.values, **more})).rowcount

    def change_each(self, sql: str, keys: Sequence[Mapping[str, object]]) -> int:
        """Run a statement for each key, and say how many rows that changed."""
        if not keys:
            return 0
        with self.connection.begin():
            return self.connection.execute(
                clause(sql), [{"realm": self.values["realm"], **key} for key in keys]
            ).rowcount


def _used(sql: str, values: Mapping[str, object]) -> Mapping[str, object]:
    """The values that have a place: what means never is no number that every driver can send."""
    return {name: values[name] for name in clause(sql).compile().params}


def _consumed(batch: _Batch) -> None:
    """Free consumed credentials, in rounds of looking at the oldest; those that are not consumed are put aside."""
    for _ in range(_sql_sweep.ROUNDS):
        if not batch.left:
            return
        window = max(batch.left, _sql_sweep.WINDOW)
        if _consumed_round(batch, window) < window:
            return


def _consumed_round(batch: _Batch, window: int) -> int:
    """Look at that many credentials, and say how many there were."""
    names, values = batch.plan.names, batch.values
    if batch.plan.in_one_statement:
        sql = _sql_sweep.seen_and_done(names)
        places = _used(sql, {**values, "window": window, "limit": batch.left})
        with batch.connection.begin():
            freed, looked = rows(batch.connection, Statement(sql, places))[0]
        batch.freed += freed
        return int(looked)
    sql = _sql_sweep.seen(names)
    found = rows(batch.connection, Statement(sql, _used(sql, {**values, "window": window})))
    batch.connection.rollback()
    consumed = [{"birth": birth, "digest": digest} for birth, digest, used in found if used]
    young = [{"birth": birth, "digest": digest} for birth, digest, used in found if not used]
    batch.freed += batch.change_each(_sql_sweep.free(names), consumed[: batch.left])
    batch.change_each(_sql_sweep.park(names), young)
    return len(found)
