"""The tables of the SQL stores, and how they come to be: versioned steps, forward only.

Every key begins with the realm. A credential belongs to a *birth*: a random number that a token gets when it is
created. Deleting a token therefore ends all its credentials at once, however many they are, and a later token of the
same id cannot inherit them; the sweep frees the rows.
"""

import re
from collections.abc import Sequence
from typing import Final

from attrs import field, frozen
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Double,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.url import URL
from sqlalchemy.schema import CreateIndex, CreateTable, ExecutableDDLElement
from sqlalchemy.types import TypeDecorator, TypeEngine

from scopegate.errors import ConfigurationError

DIALECTS: Final = ("postgresql", "mariadb", "mysql", "sqlite")
_PREFIX: Final = re.compile(r"[a-z_][a-z0-9_]{0,39}\Z")
_MYSQL: Final = ("mysql", "mariadb")


class Name(TypeDecorator[str]):
    """Text that is compared code point by code point, with no case folded and no blank cut off.

    MySQL and MariaDB index only text of a stated length; one that is longer is refused there.
    """

    impl = String
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[str]:
        """Return what this is called in a dialect."""
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Text(collation="C"))
        if dialect.name in _MYSQL:
            # MySQL has no name for what MariaDB calls so, and the other way round.
            collation = "utf8mb4_nopad_bin" if getattr(dialect, "is_mariadb", False) else "utf8mb4_0900_bin"
            length = getattr(self.impl_instance, "length", None)
            return dialect.type_descriptor(mysql.VARCHAR(length, charset="utf8mb4", collation=collation))
        return dialect.type_descriptor(Text())


def _document() -> TypeEngine[str]:
    """JSON in ASCII. It may say things that a database's own type for JSON cannot, such as NUL."""
    ascii_text = mysql.LONGTEXT(charset="ascii", collation="ascii_bin")
    return Text().with_variant(ascii_text, *_MYSQL)


def _digest() -> TypeEngine[bytes]:
    return LargeBinary().with_variant(mysql.VARBINARY(64), *_MYSQL)


def _blob() -> TypeEngine[bytes]:
    return LargeBinary().with_variant(mysql.MEDIUMBLOB(), *_MYSQL)


@frozen(cache_hash=True)
class Names:
    """What the tables are called.

    Args:
        prefix: what each name begins with.
        schema: the schema they lie in; None: where the connection looks.

    Raises:
        ConfigurationError: a name is none.
    """

    prefix: str = "scopegate_"
    schema: str | None = None
    tokens: str = field(init=False)
    credentials: str = field(init=False)
    clients: str = field(init=False)
    once: str = field(init=False)
    events: str = field(init=False)
    leftovers: str = field(init=False)
    version: str = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Put the names together."""
        for what, name in (("prefix", self.prefix), ("schema", self.schema)):
            if name is not None and not _PREFIX.match(name):
                raise ConfigurationError(
                    f"{what}={name!r} is no name for tables: write small letters, digits and underlines, "
                    f"at most 40, and begin with no digit"
                )
        place = "" if self.schema is None else f"{self.schema}."
        for name in ("tokens", "credentials", "clients", "once", "events", "leftovers", "version"):
            object.__setattr__(self, name, f"{place}{self.prefix}{name}")


def make_metadata(
    *, dialect: str = "postgresql", prefix: str = "scopegate_", schema: str | None = None
) -> MetaData:
    """The tables as SQLAlchemy knows them, for your own migrations (Alembic's ``target_metadata``).

    Args:
        dialect: ``postgresql``, ``mariadb``, ``mysql`` or ``sqlite``; they differ in how events are numbered.
        prefix: what the name of each table and index begins with.
        schema: the schema the tables lie in; None: the connection's.

    Raises:
        ConfigurationError: the dialect is not one of those, or a name is none.
    """
    if dialect not in DIALECTS:
        raise ConfigurationError(f"dialect={dialect!r} is unknown here: write one of {', '.join(DIALECTS)}")
    Names(prefix, schema)
    metadata = MetaData(schema=schema)
    _tokens(metadata, prefix)
    _credentials(metadata, prefix)
    _clients(metadata, prefix)
    _events(metadata, prefix, dialect)
    Table(
        f"{prefix}once",
        metadata,
        Column("realm", Name(64), nullable=False),
        Column("name", Name(512), nullable=False),
        Column("value", _blob(), nullable=False),
        Column("expires_at", Double, nullable=False),
        PrimaryKeyConstraint("realm", "name", name=f"{prefix}once_key"),
        Index(f"{prefix}once_kept", "realm", "expires_at"),
    )
    Table(
        f"{prefix}leftovers",
        metadata,
        Column("realm", Name(64), nullable=False),
        Column("birth", BigInteger, nullable=False, autoincrement=False),
        PrimaryKeyConstraint("realm", "birth", name=f"{prefix}leftovers_key"),
    )
    return metadata


def _tokens(metadata: MetaData, prefix: str) -> None:
    waiting = text("generation = 0")
    created_at = Column("created_at", Double, nullable=False)
    newest = created_at.desc()
    Table(
        f"{prefix}tokens",
        metadata,
        Column("realm", Name(64), nullable=False),
        Column("id", Name(128), nullable=False),
        Column("birth", BigInteger, nullable=False, autoincrement=False),
        Column("user_id", Name(255), nullable=False),
        Column("client_id", Name(512), nullable=False),
        created_at,
        Column("document", _document(), nullable=False),
        Column("settings", _document(), nullable=False),
        Column("version", BigInteger, nullable=False),
        Column("generation", BigInteger, nullable=False),
        Column("advanced_at", Double),
        Column("reply", _blob()),
        Column("revoked_at", Double),
        Column("revoked_reason", _document()),
        Column("last_used_at", Double),
        Column("last_wrote_at", Double),
        Column("lapses_at", Double),
        PrimaryKeyConstraint("realm", "id", name=f"{prefix}tokens_key"),
        Index(f"{prefix}tokens_birth", "realm", "birth", unique=True),
        Index(f"{prefix}tokens_of_user", "realm", "user_id", newest, "id"),
        Index(f"{prefix}tokens_of_client", "realm", "client_id", newest, "id"),
        Index(f"{prefix}tokens_by_age", "realm", newest, "id"),
        Index(
            f"{prefix}tokens_pending",
            *("realm", "generation", "created_at"),
            postgresql_where=waiting,
            sqlite_where=waiting,
        ),
    )


def _credentials(metadata: MetaData, prefix: str) -> None:
    """``parked``: looked at by a sweep and kept, for its generation is its token's; the next advance takes it back."""
    kept, parked = text("keep_until IS NOT NULL AND NOT parked"), text("parked")
    Table(
        f"{prefix}credentials",
        metadata,
        Column("realm", Name(64), nullable=False),
        Column("birth", BigInteger, nullable=False, autoincrement=False),
        Column("digest", _digest(), nullable=False),
        Column("kind", Name(8), nullable=False),
        Column("generation", BigInteger, nullable=False),
        Column("created_at", Double, nullable=False),
        Column("expires_at", Double),
        Column("keep_until", Double),
        Column("document", _document()),
        Column("parked", Boolean, nullable=False, server_default=false()),
        PrimaryKeyConstraint("realm", "birth", "digest", name=f"{prefix}credentials_key"),
        Index(
            f"{prefix}credentials_kept",
            *("realm", "keep_until"),
            postgresql_where=kept,
            sqlite_where=kept,
        ),
        Index(
            f"{prefix}credentials_parked",
            *("realm", "birth", "parked"),
            postgresql_where=parked,
            sqlite_where=parked,
        ),
    )


def _clients(metadata: MetaData, prefix: str) -> None:
    owned, idle = text("owner IS NOT NULL"), text("self_registered AND idle_since IS NOT NULL")
    Table(
        f"{prefix}clients",
        metadata,
        Column("realm", Name(64), nullable=False),
        Column("id", Name(512), nullable=False),
        Column("owner", Name(255)),
        Column("version", BigInteger, nullable=False),
        Column("document", _document(), nullable=False),
        Column("self_registered", Boolean, nullable=False),
        Column("idle_since", Double),
        PrimaryKeyConstraint("realm", "id", name=f"{prefix}clients_key"),
        Index(f"{prefix}clients_of_owner", "realm", "owner", postgresql_where=owned, sqlite_where=owned),
        Index(f"{prefix}clients_idle", "realm", "idle_since", postgresql_where=idle, sqlite_where=idle),
    )


def _events(metadata: MetaData, prefix: str, dialect: str) -> None:
    """SQLite numbers rows by a key of its own alone; MySQL and MariaDB want an index that begins with the number."""
    alone = dialect == "sqlite"
    number: Column[int] = (
        Column("sequence", Integer, primary_key=True)
        if alone
        else Column("sequence", BigInteger, Identity(), nullable=False, autoincrement=True)
    )
    key = () if alone else (PrimaryKeyConstraint("realm", "sequence", name=f"{prefix}events_key"),)
    numbered = (UniqueConstraint("sequence", name=f"{prefix}events_number"),) if dialect in _MYSQL else ()
    Table(
        f"{prefix}events",
        metadata,
        Column("realm", Name(64), nullable=False),
        number,
        Column("kind", Name(64), nullable=False),
        Column("happened_at", Double, nullable=False),
        Column("user_id", Name(255), nullable=False),
        Column("token_id", Name(128), nullable=False),
        Column("client_id", Name(512), nullable=False),
        Column("detail", _document()),
        *key,
        *numbered,
        Index(f"{prefix}events_of_user", "realm", "user_id", "sequence"),
        Index(f"{prefix}events_of_token", "realm", "token_id", "sequence"),
        Index(f"{prefix}events_by_age", "realm", "happened_at"),
        sqlite_autoincrement=True,
    )


VERSION: Final = 1
"""The schema that this release reads and writes."""


def steps(metadata: MetaData) -> Sequence[Sequence[ExecutableDDLElement]]:
    """Step n brings a database from schema n to n + 1. A step that was released never changes its effect."""
    first: list[ExecutableDDLElement] = []
    for table in metadata.sorted_tables:
        first.append(CreateTable(table))
        first += [CreateIndex(index) for index in sorted(table.indexes, key=lambda each: str(each.name))]
    return (first,)


def script(dialect: str, *, since: int = 0, prefix: str = "scopegate_", schema: str | None = None) -> str:
    """SQL that brings a database from the schema ``since`` to this release's; 0: from none at all.

    Raises:
        ConfigurationError: there is no such dialect or no such schema.
    """
    metadata = make_metadata(dialect=dialect, prefix=prefix, schema=schema)
    if not 0 <= since <= VERSION:
        raise ConfigurationError(f"there is no schema {since}: write one from 0 to {VERSION}")
    rendering = URL.create(dialect).get_dialect()()
    if since == VERSION:
        return ""
    lines = [
        str(statement.compile(dialect=rendering)).strip() + ";"
        for step in steps(metadata)[since:]
        for statement in step
    ]
    version = Names(prefix, schema).version
    if not since:
        lines.append(f"{created(version)};")
    lines += [f"DELETE FROM {version};", f"INSERT INTO {version} (only_row, version) VALUES (1, {VERSION});"]
    return "\n".join(lines) + "\n"


def created(version: str) -> str:
    """The statement that makes the table of that name, which tells the schema in its one row."""
    return f"CREATE TABLE IF NOT EXISTS {version} (only_row INTEGER NOT NULL PRIMARY KEY, version INTEGER NOT NULL)"
