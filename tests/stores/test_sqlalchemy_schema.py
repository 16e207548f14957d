"""The tables of the SQLAlchemy stores: made, printed, checked, upgraded, and read as earlier releases left them."""

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import NullPool, create_engine, inspect, text
from tests.support.racing import in_threads

from scopegate.core.changes import CreateToken
from scopegate.errors import ConfigurationError
from scopegate.stores import _sql_schema, _sqlalchemy_migrate
from scopegate.stores.sqlalchemy import VERSION, SQLAlchemyStore, make_metadata, metadata, script
from scopegate.testing._store_cases import everything, furnish
from scopegate.testing._store_rules import equal
from scopegate.testing._store_samples import make_token

pytestmark = pytest.mark.stores
SCHEMAS = Path(__file__).parent / "schemas"
DIALECTS = ("postgresql", "mariadb", "sqlite")


class Database:
    """An empty database of a dialect, and how to run a script in it as its owner would."""

    def __init__(self, dialect, request, tmp_path):
        self.dialect = dialect
        name = f"db{abs(hash(request.node.nodeid))}"
        if dialect == "postgresql":
            self.server = request.getfixturevalue("postgresql")
            self.server.execute(f"CREATE DATABASE {name}")
            self.name, url = name, self.server.url("psycopg", name)
        elif dialect == "mariadb":
            self.server = request.getfixturevalue("mariadb")
            self.server.execute(f"CREATE DATABASE {name} CHARACTER SET utf8mb4")
            self.name, url = name, self.server.url("pymysql", name)
        else:
            self.name = str(tmp_path / "app.db")
            url = f"sqlite:///{self.name}"
        self.engine = create_engine(url, poolclass=NullPool)

    def run(self, sql):
        """By the database's own client."""
        if self.dialect == "sqlite":
            with self.engine.connect() as connection:
                connection.connection.driver_connection.executescript(sql)
        else:
            self.server.execute(sql, self.name)


@pytest.fixture(params=DIALECTS)
def database(request, tmp_path):
    """An empty one of each dialect."""
    found = Database(request.param, request, tmp_path)
    yield found
    found.engine.dispose()


def works(store):
    """Whether it keeps one of everything."""
    furnish(store, "realm")
    return store.token("realm", "one").token.version == 3


def test_what_is_printed_is_what_is_made(database):
    """A store that makes nothing by itself opens what the printed SQL made, and one that does finds nothing to do."""
    database.run(script(database.dialect))
    assert works(SQLAlchemyStore(database.engine, migrate=False))
    SQLAlchemyStore(database.engine).open()
    names = set(inspect(database.engine).get_table_names())
    assert names == {table.name for table in make_metadata(dialect=database.dialect).sorted_tables} | {
        "scopegate_version"
    }


def test_the_command_prints_the_script():
    """For whoever looks after the database; from the newest schema there is nothing to do."""
    command = [sys.executable, "-m", "scopegate", "schema", "--dialect"]
    done = subprocess.run(
        [*command, "postgresql", "--prefix", "p_"], check=True, capture_output=True, text=True
    )
    assert done.stdout == script("postgresql", prefix="p_")
    done = subprocess.run(
        [*command, "mysql", "--from", str(VERSION)], check=True, capture_output=True, text=True
    )
    assert done.stdout == ""
    for wrong in (["oracle"], ["sqlite", "--from", "99"], ["sqlite", "--prefix", 'a"; DROP']):
        done = subprocess.run([*command, *wrong], check=False, capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (2, "")
        assert "write" in done.stderr


def test_alembic_finds_nothing_to_change(database):
    """The metadata in an app's migrations says what the store makes."""
    SQLAlchemyStore(database.engine).open()
    target = metadata if database.dialect == "postgresql" else make_metadata(dialect=database.dialect)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"include_name": lambda name, kind, _: (kind, name) != ("table", "scopegate_version")},
        )
        assert compare_metadata(context, target) == []


def test_a_store_opens_what_an_apps_migrations_made(database):
    """They create the tables, and need not know of versions."""
    make_metadata(dialect=database.dialect).create_all(database.engine)
    assert works(SQLAlchemyStore(database.engine, migrate=False))


def test_missing_tables_and_columns_are_named_when_it_is_opened(database):
    """Not at the first request."""
    store = SQLAlchemyStore(database.engine, migrate=False)
    with pytest.raises(ConfigurationError, match="scopegate_clients lacks"):
        store.open()
    tables = make_metadata(dialect=database.dialect)
    tables.create_all(database.engine)
    with database.engine.begin() as connection:
        connection.execute(text("ALTER TABLE scopegate_tokens DROP COLUMN lapses_at"))
    with pytest.raises(ConfigurationError, match="scopegate_tokens lacks lapses_at"):
        store.open()


def test_many_open_an_empty_database_at_once(database):
    """One of them makes the tables."""
    stores = [SQLAlchemyStore(database.engine) for _ in range(6)]
    assert in_threads(6, lambda number: stores[number].open()) == [None] * 6
    assert works(stores[0])


def test_a_newer_schema_is_refused(database):
    """By a release that does not know it."""
    SQLAlchemyStore(database.engine).open()
    database.run(f"UPDATE scopegate_version SET version = {VERSION + 1}")  # noqa: S608 - a number
    with pytest.raises(ConfigurationError, match=f"schema {VERSION + 1}"):
        SQLAlchemyStore(database.engine).open()


def test_a_later_step_is_taken_once(database, monkeypatch):
    """Forward, by whoever comes first; the data stay."""
    furnish(SQLAlchemyStore(database.engine), "realm")
    before = everything(SQLAlchemyStore(database.engine), "realm")
    later(monkeypatch, "ALTER TABLE scopegate_once ADD COLUMN more INTEGER")
    stores = [SQLAlchemyStore(database.engine) for _ in range(4)]
    assert in_threads(4, lambda number: stores[number].open()) == [None] * 4
    assert "more" in {column["name"] for column in inspect(database.engine).get_columns("scopegate_once")}
    equal(everything(stores[0], "realm"), before, "an upgrade loses nothing")


@pytest.mark.parametrize("database", ["postgresql", "sqlite"], indirect=True)
def test_a_step_that_fails_leaves_nothing_behind(database, monkeypatch):
    """Where the database can take a change of tables back."""
    SQLAlchemyStore(database.engine).open()
    later(
        monkeypatch,
        "ALTER TABLE scopegate_once ADD COLUMN more INTEGER",
        "ALTER TABLE nobodys ADD COLUMN x INTEGER",
    )
    with pytest.raises(Exception, match="the database did not do as asked"):
        SQLAlchemyStore(database.engine).open()
    monkeypatch.undo()
    assert "more" not in {column["name"] for column in inspect(database.engine).get_columns("scopegate_once")}
    assert works(SQLAlchemyStore(database.engine))


def later(monkeypatch, *statements):
    """Let there be one more step."""
    real = _sql_schema.steps
    more = tuple(text(statement) for statement in statements)
    monkeypatch.setattr(_sqlalchemy_migrate, "steps", lambda tables: (*real(tables), more))
    monkeypatch.setattr(_sqlalchemy_migrate, "VERSION", VERSION + 1)


def test_another_prefix_and_another_schema_are_another_store(postgresql):
    """Side by side in one database."""
    engine = create_engine(postgresql.url("psycopg"), poolclass=NullPool)
    stores = [
        SQLAlchemyStore(engine, prefix="one_"),
        SQLAlchemyStore(engine, prefix="two_"),
        SQLAlchemyStore(engine, prefix="one_", schema="apart"),
    ]
    for number, store in enumerate(stores):
        store.commit("realm", [CreateToken(make_token(user=f"user {number}"))])
    assert [store.token("realm", "one").token.user for store in stores] == ["user 0", "user 1", "user 2"]
    for wrong in ("", "Upper_", "1st_", 'a"b', "x" * 41):
        with pytest.raises(ConfigurationError, match="no name for tables"):
            SQLAlchemyStore(engine, prefix=wrong)
    engine.dispose()


@pytest.mark.parametrize("version", range(1, VERSION + 1))
def test_what_an_earlier_release_wrote_is_read(database, version):
    """A dump of every schema so far, taken by the database's own program."""
    database.run((SCHEMAS / f"{database.dialect}-{version}.sql").read_text())
    fresh = SQLAlchemyStore(database.engine, prefix="fresh_")
    furnish(fresh, "realm")
    store = SQLAlchemyStore(database.engine)
    equal(everything(store, "realm"), everything(fresh, "realm"), "a dump is read as it was written")
