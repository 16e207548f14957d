"""How SQL stores free space: in batches of bounded work, whatever the size of the tables.

Rows that another sweep or a commit is working on are left out, where the database can do that. Besides what the cutoffs
name, each sweep frees as many credentials again that deleted tokens left behind; nobody can use those, and they are not
counted.
"""

from collections.abc import Sequence
from typing import Final

from attrs import frozen

from scopegate.core.records import NEVER, Cutoffs
from scopegate.stores._sql_schema import Names

WINDOW: Final = 1000
"""How many credentials at least a sweep looks at in one round."""
ROUNDS: Final = 4
"""How many rounds of looking at credentials that are too young, at most."""


@frozen
class Deletion:
    """One batch of rows to free, all of one table.

    Args:
        table: whose rows.
        alias: what the inner query calls it.
        key: the columns that name a row, beside the realm.
        source: what the inner query selects from.
        condition: which rows; its places are those of `values`.
        again: what must hold of the row when it is deleted, for it may have changed since.
        counted: whether the rows count as freed.
    """

    table: str
    alias: str
    key: Sequence[str]
    source: str
    condition: str
    again: str = ""
    counted: bool = True


def values(realm: str, cutoffs: Cutoffs) -> dict[str, object]:
    """What stands in the places of all these statements, but for the limit. What means never is never asked for."""
    return {
        "realm": realm,
        "pending_before": cutoffs.pending_before,
        "kept_before": cutoffs.kept_before,
        "idle_before": cutoffs.idle_before,
        "events_before": cutoffs.events_before,
        "forgotten": cutoffs.forgotten,
    }


def pending(names: Names) -> Sequence[Deletion]:
    """Of tokens never redeemed the credentials, and then the bare tokens."""
    old = "t.realm = :realm AND t.generation = 0 AND t.created_at <= :pending_before"
    joined = f"{names.tokens} t JOIN {names.credentials} k ON k.realm = t.realm AND k.birth = t.birth"
    bare = f"NOT EXISTS (SELECT 1 FROM {names.credentials} k WHERE k.realm = t.realm AND k.birth = t.birth)"
    return (
        Deletion(names.credentials, "k", ("birth", "digest"), joined, old),
        Deletion(names.tokens, "t", ("id",), f"{names.tokens} t", f"{old} AND {bare}", "generation = 0"),
    )


def expired(names: Names) -> Deletion:
    """Once rows."""
    old = "o.realm = :realm AND o.expires_at <= :kept_before"
    return Deletion(names.once, "o", ("name",), f"{names.once} o", old, "expires_at <= :kept_before")


def idle(names: Names) -> Deletion:
    """Clients that were noticed to be idle long enough ago, and still are."""
    old = "c.realm = :realm AND c.self_registered AND c.idle_since <= :idle_before"
    unused = f"NOT EXISTS (SELECT 1 FROM {names.tokens} t WHERE t.realm = c.realm AND t.client_id = c.id)"
    again = "idle_since <= :idle_before"
    return Deletion(names.clients, "c", ("id",), f"{names.clients} c", f"{old} AND {unused}", again)


def history(names: Names, cutoffs: Cutoffs) -> Sequence[Deletion]:
    """Events of a user to be forgotten, and old ones."""
    found: list[Deletion] = []
    key, source = ("sequence",), f"{names.events} e"
    if cutoffs.forgotten is not None:
        whose = "e.realm = :realm AND e.user_id = :forgotten"
        found.append(Deletion(names.events, "e", key, source, whose))
    if cutoffs.events_before > NEVER:
        old = "e.realm = :realm AND e.happened_at <= :events_before"
        found.append(Deletion(names.events, "e", key, source, old))
    return found


def left_behind(names: Names) -> Sequence[Deletion]:
    """The credentials of deleted tokens, and then the note that there were any."""
    joined = f"{names.leftovers} l JOIN {names.credentials} k ON k.realm = l.realm AND k.birth = l.birth"
    none = f"NOT EXISTS (SELECT 1 FROM {names.credentials} k WHERE k.realm = l.realm AND k.birth = l.birth)"
    realm = "l.realm = :realm"
    key = ("birth", "digest")
    return (
        Deletion(names.credentials, "k", key, joined, realm, counted=False),
        Deletion(
            names.leftovers, "l", ("birth",), f"{names.leftovers} l", f"{realm} AND {none}", counted=False
        ),
    )


def notice(names: Names) -> str:
    """Marks the clients that registered themselves and that no token refers to."""
    return (
        f"UPDATE {names.clients} SET idle_since = :kept_before WHERE realm = :realm AND self_registered "
        f"AND idle_since IS NULL AND NOT EXISTS (SELECT 1 FROM {names.tokens} t "
        f"WHERE t.realm = {names.clients}.realm AND t.client_id = {names.clients}.id)"
    )


def deletion(what: Deletion, dialect: str) -> str:
    """The statement of a batch; its further place is ``limit``."""
    chosen = ", ".join(f"{what.alias}.{column}" for column in what.key)
    query = f"SELECT {chosen} FROM {what.source} WHERE {what.condition} LIMIT :limit"
    again = f" AND {what.again}" if what.again else ""
    if dialect == "sqlite":
        key = f"({', '.join(what.key)})" if len(what.key) > 1 else what.key[0]
        return f"DELETE FROM {what.table} WHERE realm = :realm AND {key} IN ({query}){again}"
    same = " AND ".join(f"d.{column} = doomed.{column}" for column in what.key)
    again = f" AND d.{what.again}" if what.again else ""
    if dialect == "postgresql":
        # Those who write the row or its token just now are not waited for.
        return (
            f"WITH doomed AS MATERIALIZED ({query} FOR UPDATE SKIP LOCKED) "
            f"DELETE FROM {what.table} AS d USING doomed WHERE d.realm = :realm AND {same}{again}"
        )
    return f"DELETE d FROM {what.table} AS d JOIN ({query}) AS doomed ON {same} WHERE d.realm = :realm{again}"


def seen(names: Names) -> str:
    """Looks at the credentials that need not be kept, the oldest first: key, and whether they are consumed."""
    return (
        f"SELECT s.birth, s.digest, s.generation < t.generation FROM (SELECT realm, birth, digest, generation "
        f"FROM {names.credentials} WHERE realm = :realm AND NOT parked AND keep_until <= :kept_before "
        f"ORDER BY keep_until LIMIT :window) AS s "
        f"LEFT JOIN {names.tokens} t ON t.realm = s.realm AND t.birth = s.birth"
    )


def free(names: Names) -> str:
    """Frees one credential of `seen`, if it is still there."""
    return f"DELETE FROM {names.credentials} WHERE realm = :realm AND birth = :birth AND digest = :digest"


def park(names: Names) -> str:
    """Puts one credential aside, so that no later sweep has to look at it before its token advances."""
    return (
        f"UPDATE {names.credentials} SET parked = TRUE "
        f"WHERE realm = :realm AND birth = :birth AND digest = :digest"
    )


def seen_and_done(names: Names) -> str:
    """`seen`, `free` and `park` as one statement of PostgreSQL; it tells how many were freed, and how many seen."""
    table = names.credentials
    one = "d.realm = :realm AND d.birth = j.birth AND d.digest = j.digest"
    return (
        f"WITH looked AS MATERIALIZED (SELECT birth, digest, generation FROM {table} WHERE realm = :realm "
        f"AND keep_until IS NOT NULL AND NOT parked AND keep_until <= :kept_before ORDER BY keep_until "
        f"LIMIT :window FOR UPDATE SKIP LOCKED), "
        f"judged AS MATERIALIZED (SELECT s.birth, s.digest, s.generation < t.generation AS consumed "
        f"FROM looked s LEFT JOIN {names.tokens} t ON t.realm = :realm AND t.birth = s.birth), "
        f"doomed AS MATERIALIZED (SELECT birth, digest FROM judged WHERE consumed LIMIT :limit), "
        f"freed AS (DELETE FROM {table} d USING doomed j WHERE {one} RETURNING 1), "
        f"parked AS (UPDATE {table} d SET parked = TRUE FROM judged j WHERE {one} AND j.consumed IS NOT TRUE) "
        f"SELECT (SELECT count(*) FROM freed), (SELECT count(*) FROM looked)"
    )
