"""How long after a revocation each cache on this machine still accepts: a thousand revocations, caches in processes."""

import sys
from collections.abc import Sequence
from contextlib import closing
from multiprocessing import get_context
from multiprocessing.connection import Connection
from statistics import median, quantiles
from time import monotonic, perf_counter_ns, sleep, time
from typing import Any, Final

from redis import Redis
from sqlalchemy import create_engine

from benchmarks import scopegate_rows, servers
from benchmarks.report import keep, target, write
from scopegate import Access
from scopegate.core.changes import RevokeToken
from scopegate.core.tokens import RevocationReason
from scopegate.protocols import Store
from scopegate.stores.cached import CachedStore
from scopegate.stores.redis import RedisStore
from scopegate.stores.sqlalchemy import SQLAlchemyStore

CACHES: Final = 3
REVOCATIONS: Final = 1_000
TARGET: Final = 50.0
"""Milliseconds, at the 99th percentile."""
PATIENCE: Final = 30.0
"""Seconds."""
EACH: Final = 0.002
"""Seconds between two questions of one cache, so that the caches do not starve the servers on few cores."""


def measure(*, quick: bool) -> None:
    """Revoke, and print and keep how long each cache went on."""
    count = 50 if quick else REVOCATIONS
    with servers.postgresql() as database, servers.redis() as redis:
        over("PostgreSQL", database.url("psycopg"), count)
        over("Redis", redis.socket, count)


def store_at(name: str, address: str) -> Store:
    """Return a store with a change feed."""
    if name == "Redis":
        return RedisStore(Redis(unix_socket_path=address))
    return SQLAlchemyStore(create_engine(address), notify=True)


def over(name: str, address: str, count: int) -> None:
    """Revoke tokens of one store."""
    stock = scopegate_rows.Stock.new(store_at(name, address))
    headers = [stock.bearer() for _ in range(count)]
    context = get_context("spawn")
    pipes: list[Any] = []
    for _ in range(CACHES):
        ours, theirs = context.Pipe()
        context.Process(target=watch, args=(name, address, headers, theirs), daemon=True).start()
        pipes.append(ours)
    for pipe in pipes:
        pipe.recv()
    ids = [scopegate_rows.id_in(header) for header in headers]
    late: list[float] = []
    for number, token_id in enumerate(ids):
        for pipe in pipes:
            pipe.send(number)
        for pipe in pipes:
            pipe.recv()  # it remembers the token, and asks again and again from now on
        stock.store.commit(scopegate_rows.REALM, [RevokeToken(token_id, time(), RevocationReason.HOST)])
        acknowledged = perf_counter_ns()
        late += [max(0.0, (pipe.recv() - acknowledged) / 1e6) for pipe in pipes]
    for pipe in pipes:
        pipe.send(None)
    tell(name, late)


def watch(name: str, address: str, headers: Sequence[str], pipe: Connection) -> None:
    """Be a process with a cache: remember a token, ask for it until it is refused, and say when that was."""
    with closing(CachedStore(store_at(name, address))) as cached:
        server = scopegate_rows.Stock(cached).server()
        cached.open()
        deadline = monotonic() + PATIENCE
        while not cached.is_listening and monotonic() < deadline:
            sleep(0.01)
        pipe.send("ready")
        while (number := pipe.recv()) is not None:
            header = headers[number]
            if not all(isinstance(server.access(header), Access) for _ in range(2)):
                sys.exit(f"{header} is refused too early")
            pipe.send("remembered")
            while isinstance(server.access(header), Access):
                sleep(EACH)
            pipe.send(perf_counter_ns())


def tell(name: str, late: Sequence[float]) -> None:
    """Print and keep the times."""
    last = quantiles(late, n=100)[-1]
    write(
        f"\nRevocation reaches {CACHES} caches over {name}, {len(late)} times: milliseconds after it was acknowledged\n"
    )
    write(f"median {median(late):.2f}, 99 % {last:.2f}, most {max(late):.2f}")
    write(target(f"99 % in {TARGET:.0f} ms: {last:.2f}", met=last <= TARGET))
    keep(f"revocations-{name.lower()}", {"milliseconds": list(late)}, size=1, unit="milliseconds")
