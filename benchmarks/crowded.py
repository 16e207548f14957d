"""A PostgreSQL database with very many credentials, multiplied by the server from one token of the store's own."""

from functools import cache
from time import time
from typing import Any, Final

from attrs import frozen
from sqlalchemy import create_engine

from benchmarks import scopegate_rows, store_servers
from scopegate.core.credentials import CredentialKind
from scopegate.stores.sqlalchemy import SQLAlchemyStore

FEW: Final = 20_000
MANY: Final = 2_000_000
EACH: Final = 8
"""Credentials of each token: access tokens of generations 0 to 4, the last two of them current."""
PAST: Final = 20_000
"""Past credentials of each token that is deleted."""
BUSY: Final = 11
"""How many such tokens there are."""
OWN: Final = 10_000
"""Tokens of the user who is listed."""
LISTED: Final = "user-of-many"

TOKENS: Final = """
    INSERT INTO scopegate_tokens
    SELECT realm, {id}, {birth}, {user}, client_id, created_at - n, document, settings, version, {generation},
        advanced_at, reply, revoked_at, revoked_reason, last_used_at, last_wrote_at, lapses_at
    FROM scopegate_tokens, generate_series(1, {count}) AS n WHERE id = '{template}'
"""
CREDENTIALS: Final = """
    INSERT INTO scopegate_credentials
    SELECT k.realm, t.birth, sha256(CAST(t.id || '/' || n AS bytea)), k.kind, {generation}, k.created_at,
        k.expires_at, {kept}, k.document, FALSE
    FROM scopegate_tokens AS t, scopegate_credentials AS k, generate_series(1, {each}) AS n
    WHERE t.id LIKE '{named}%' AND k.birth = (SELECT birth FROM scopegate_tokens WHERE id = '{template}')
    ORDER BY 3
"""


@frozen
class Crowded:
    """A database and what to find in it.

    Attributes:
        address: of the database, for psycopg.
        store: over it.
        tokens: how many there are, but for those of `LISTED` and the busy ones.
    """

    address: str
    store: SQLAlchemyStore
    tokens: int

    def token_id(self, number: int) -> str:
        """Return the id of a token, from 1."""
        return f"t{number}"


@cache
def crowded(name: str, credentials: int) -> Crowded:
    """Fill a database with that many credentials; where there are millions, add what is deleted, listed and swept."""
    server = store_servers.postgresql()
    server.execute(f"CREATE DATABASE {name}")
    store = SQLAlchemyStore(create_engine(server.url("psycopg", name)))
    template = scopegate_rows.id_in(scopegate_rows.Stock.new(store).add(CredentialKind.ACCESS))
    count = credentials // EACH

    def run(statement: str, **values: object) -> None:
        server.execute(statement.format(template=template, **values), name)

    run(TOKENS, id="'t' || n", birth="n", user="'user-' || n", generation=4, count=count)
    current = "CASE WHEN n > 6 THEN 4 ELSE n / 2 END"
    run(CREDENTIALS, each=EACH, named="t", generation=current, kept="NULL")
    if credentials == MANY:
        fill(run)
    server.execute("VACUUM ANALYZE", name)
    return Crowded(f"host={server.folder} user=scopegate dbname={name}", store, count)


def fill(run: Any) -> None:  # noqa: ANN401 - a function with keywords
    """Add a user of many tokens, tokens of many past credentials, and credentials that need not be kept any more."""
    user = f"'{LISTED}'"
    run(TOKENS, id="'own' || n", birth="10000000 + n", user=user, generation=1, count=OWN)
    run(TOKENS, id="'busy' || n", birth="20000000 + n", user="'user-' || n", generation=PAST, count=BUSY)
    run(CREDENTIALS, each=PAST, named="busy", generation="n - 1", kept=str(time() + 1e6))
    run(TOKENS, id="'stale' || n", birth="30000000 + n", user="'user-' || n", generation=9, count=2_500)
    run(CREDENTIALS, each=8, named="stale", generation="n", kept=str(time() - 1e6))
