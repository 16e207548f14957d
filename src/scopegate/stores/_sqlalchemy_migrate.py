"""Brings a database up to date, whoever of many processes comes first."""

from typing import Final

from sqlalchemy import Connection, inspect, text

from scopegate.errors import ConfigurationError, StoreUnavailableError
from scopegate.stores._sql_schema import VERSION, Names, created, make_metadata, steps

_LOCKS: Final = {
    "postgresql": "SELECT pg_advisory_xact_lock(hashtext(:name))",
    "mysql": "SELECT GET_LOCK(:name, 60)",
    "mariadb": "SELECT GET_LOCK(:name, 60)",
}
"""DDL of MySQL and MariaDB commits, so a lock of rows would be let go; DDL of PostgreSQL cannot wait for another's."""


def is_current(connection: Connection, names: Names) -> bool:
    """Whether the schema is this release's.

    Raises:
        ConfigurationError: it is of a newer release.
    """
    version = _version(connection, names)
    if version > VERSION:
        raise ConfigurationError(
            f"the tables {names.tokens} and the others have schema {version}, and this release of scopegate knows "
            f"none above {VERSION}: run the newer release that made them, or choose another prefix"
        )
    return version == VERSION


def migrate(connection: Connection, names: Names) -> None:
    """Bring the schema up to date, in the transaction of this connection as far as the database can.

    Raises:
        ConfigurationError: it is of a newer release.
    """
    dialect = connection.dialect.name
    lock = _LOCKS.get(dialect)
    if lock is None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    elif connection.execute(text(lock), {"name": names.version}).scalar() == 0:
        raise StoreUnavailableError("others have been changing the tables for a minute: try again")
    try:
        if not is_current(connection, names):
            _take_steps(connection, names)
    finally:
        if dialect in {"mysql", "mariadb"}:
            connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": names.version})


def _take_steps(connection: Connection, names: Names) -> None:
    _create_schema(connection, names)
    metadata = make_metadata(dialect=connection.dialect.name, prefix=names.prefix, schema=names.schema)
    for step in steps(metadata)[_version(connection, names) :]:
        for statement in step:
            connection.execute(statement)
    connection.execute(text(created(names.version)))
    connection.execute(text(f"DELETE FROM {names.version}"))  # noqa: S608 - Names checks its names
    insert = f"INSERT INTO {names.version} (only_row, version) VALUES (1, {VERSION})"  # noqa: S608 - likewise
    connection.execute(text(insert))
    if connection.dialect.name in {"mysql", "mariadb"}:
        connection.exec_driver_sql("COMMIT")  # before the lock is let go


def check(connection: Connection, names: Names) -> None:
    """See that the tables are there which somebody else looks after.

    Raises:
        ConfigurationError: a table or a column is missing.
    """
    dialect = connection.dialect.name
    metadata = make_metadata(dialect=dialect, prefix=names.prefix, schema=names.schema)
    inspector = inspect(connection)
    for table in metadata.sorted_tables:
        there: set[str] = set()
        if inspector.has_table(table.name, schema=table.schema):
            there = {str(column["name"]) for column in inspector.get_columns(table.name, schema=table.schema)}
        missing = {column.name for column in table.columns} - there
        if missing:
            raise ConfigurationError(
                f"migrate=False, and the table {table.fullname} lacks {', '.join(sorted(missing))}: run your "
                f"migrations with scopegate's metadata in them, or what `python -m scopegate schema "
                f"--dialect {dialect}` prints"
            )


def _version(connection: Connection, names: Names) -> int:
    """The schema that is there; 0: none yet."""
    table = f"{names.prefix}version"
    if not inspect(connection).has_table(table, schema=names.schema):
        return 0
    found = connection.execute(text(f"SELECT version FROM {names.version}")).scalar()  # noqa: S608 - likewise
    return int(found or 0)


def _create_schema(connection: Connection, names: Names) -> None:
    if names.schema is not None and connection.dialect.name == "postgresql":
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {names.schema}"))
