"""What tokens cost a process that keeps them in memory: bytes for each, and time of the garbage collector."""

import gc
import tracemalloc
from statistics import median
from time import perf_counter_ns, time
from typing import Final

from benchmarks import scopegate_rows, workload
from benchmarks.report import keep, target, write
from scopegate import Client, RoleCap, Token
from scopegate.core.changes import AddCredential, AdvanceToken, CreateToken, PutClient
from scopegate.core.credentials import Credential, CredentialKind, digest
from scopegate.core.tokens import Settings
from scopegate.stores.memory import MemoryStore

MANY: Final = 300_000
MEASURED: Final = 50_000
"""Tokens that are counted byte by byte, which is slow."""
BYTES: Final = 1_200.0
MILLISECONDS: Final = 20.0
COLLECTIONS: Final = 9


def measure(*, quick: bool) -> None:
    """Fill stores, and print and keep what they cost."""
    sizes = (MANY // 100, MEASURED // 100) if quick else (MANY, MEASURED)
    # Going through all modules of all peers takes 100 ms, which vary by more than what is looked for.
    gc.collect()
    gc.freeze()
    empty = collection()
    store = MemoryStore()
    fill(store, sizes[0])
    full = collection()
    del store
    empty += collection()
    gc.unfreeze()
    more = median(full) - median(empty)
    each = weight(sizes[1])
    write(
        "\nStore in memory: tokens with an access and a refresh credential, and the code that was redeemed\n"
    )
    longer = (
        f"full collection over {sizes[0]:,} tokens <= {MILLISECONDS:.0f} ms longer than over none: {more:.1f}"
    )
    write(target(longer, met=more <= MILLISECONDS))
    heavy = f"bytes for each of {sizes[1]:,} tokens <= {BYTES:,.0f}: {each:,.0f}"
    write(target(heavy, met=each <= BYTES))
    keep(
        "room",
        {"empty": empty, "full": full, "bytes": [each]},
        size=1,
        unit="milliseconds; bytes for each token",
    )


def collection() -> list[float]:
    """Return the milliseconds of full collections."""
    gc.collect()
    times: list[float] = []
    for _ in range(COLLECTIONS):
        start = perf_counter_ns()
        gc.collect()
        times.append((perf_counter_ns() - start) / 1e6)
    return times


def weight(count: int) -> float:
    """Return the bytes that each of so many tokens takes."""
    store = MemoryStore()
    fill(store, 1)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    fill(store, count, first=1)
    gc.collect()
    taken = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return taken / count


def fill(store: MemoryStore, count: int, first: int = 0) -> None:
    """Store tokens as a server does: each with a code, which is redeemed for a pair."""
    now, realm = time(), scopegate_rows.REALM
    if not first:
        client = Client(
            id=workload.CLIENT_ID, name="Client", redirect_uris=(workload.REDIRECT_URI,), created_at=now
        )
        store.commit(realm, [PutClient(client, 0)])
    for number in range(first, first + count):
        token_id = f"{number:032x}"
        token = Token(
            id=token_id,
            user=f"user-{number}",
            client_id=workload.CLIENT_ID,
            redirect_uri=workload.REDIRECT_URI,
            scopes=(workload.SCOPE,),
            resources=(workload.RESOURCE,),
            created_at=now,
            settings=Settings(name="Client", cap=RoleCap("editor")),
            code_salt=f"{number:043d}",
        )
        code, access, refresh = (
            Credential(
                token_id=token_id,
                kind=kind,
                digest=digest(realm, kind.value, f"secret-{number}"),
                generation=generation,
                created_at=now,
                expires_at=expires_at,
                keep_until=now + 1e7,
                resources=(workload.RESOURCE,) if kind is CredentialKind.ACCESS else (),
                challenge=workload.CHALLENGE if kind is CredentialKind.CODE else None,
            )
            for kind, generation, expires_at in (
                (CredentialKind.CODE, 0, now + 60),
                (CredentialKind.ACCESS, 1, now + 3600),
                (CredentialKind.REFRESH, 1, None),
            )
        )
        store.commit(realm, [CreateToken(token), AddCredential(code)])
        store.commit(realm, [AdvanceToken(token_id, 0, now), AddCredential(access), AddCredential(refresh)])
