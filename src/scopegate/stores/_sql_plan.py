"""What an SQL store does at a commit, a read or a sweep, as statements. Pure but for the births it draws."""

from collections.abc import Sequence
from secrets import randbits
from typing import Final

from attrs import field, frozen
from sqlalchemy import URL

from scopegate.core.changes import Follower, PutClient, ReviseToken
from scopegate.errors import ConfigurationError
from scopegate.protocols import Capabilities
from scopegate.stores import _sql_postgresql, _sql_reads, _sql_steps
from scopegate.stores._sql_reads import Statement
from scopegate.stores._sql_schema import DIALECTS, Names
from scopegate.stores._sql_steps import Leader, Step
from scopegate.stores._told import tell

FEEDS: Final = ("psycopg", "asyncpg")
"""The drivers through which PostgreSQL's notices can be heard."""
_BIRTH_BITS: Final = 63


@frozen
class Plan:
    """The statements of one store.

    Args:
        names: of the tables.
        dialect: of the database.
        driver: by which it is spoken to.
        notify: whether commits tell of themselves.
        token: the SQL that reads a token, its client and a credential.

    Raises:
        ConfigurationError: there are no statements for such a database, or no change feed.
    """

    names: Names
    dialect: str
    driver: str
    notify: bool
    token: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Refuse what cannot work."""
        if self.dialect not in DIALECTS:
            raise ConfigurationError(
                f"SQLAlchemyStore does not know {self.dialect!r}: give it an engine of PostgreSQL, MariaDB, "
                f"MySQL or SQLite, or write a store for it"
            )
        if self.notify and (self.dialect != "postgresql" or self.driver not in FEEDS):
            raise ConfigurationError(
                f"notify=True needs PostgreSQL and psycopg or asyncpg, and the engine has {self.dialect} with "
                f"{self.driver}: leave it out, or take another engine"
            )
        object.__setattr__(self, "token", _sql_reads.token_statement(self.names))

    @property
    def capabilities(self) -> Capabilities:
        """What a store of this plan declares."""
        return Capabilities(durable=True, cross_process=True, change_feed=self.notify)

    @property
    def channel(self) -> str:
        """Where PostgreSQL tells of changes."""
        return f"{self.names.prefix}changes"

    @property
    def in_one_statement(self) -> bool:
        """Whether a commit is one statement: `statement` makes it then, and else `steps`."""
        return self.dialect == "postgresql"

    def before(self, realm: str, first: Leader) -> Statement | None:
        """Reads what a change replaces whose document keeps unknown keys: its version and that document."""
        if isinstance(first, ReviseToken):
            return _sql_reads.settings_before(self.names, realm, first.token_id)
        if isinstance(first, PutClient) and first.expected_version:
            return _sql_reads.client_before(self.names, realm, first.client.id)
        return None

    def statement(
        self, realm: str, first: Leader, followers: Sequence[Follower], before: str | None
    ) -> Statement:
        """A commit in one statement, which finds a row if the guard held."""
        told = tell(realm, (first, *followers)) if self.notify else None
        return _sql_postgresql.statement(
            self.names,
            realm,
            (first, followers),
            birth=randbits(_BIRTH_BITS),
            before=before,
            told=None if told is None else (self.channel, told),
        )

    def steps(
        self, realm: str, first: Leader, followers: Sequence[Follower], before: str | None
    ) -> Sequence[Step]:
        """A commit in steps."""
        return _sql_steps.steps(
            self.names, realm, first, followers, birth=randbits(_BIRTH_BITS), before=before
        )


def refuse_memory(url: URL) -> None:
    """See that a database of SQLite is a file.

    Raises:
        ConfigurationError: each connection, or thread, would have another one, and none would outlive the process.
    """
    database = url.database
    if url.get_backend_name() != "sqlite":
        return
    if not database or ":memory:" in database or url.query.get("mode") == "memory":
        raise ConfigurationError(
            f"this engine's SQLite database is in memory ({database or 'no file'}): give it a file, "
            f"or take MemoryStore()"
        )


def expected_version(first: Leader) -> int:
    """The version that a change with a document to replace expects."""
    return first.expected_version if isinstance(first, ReviseToken | PutClient) else 0
