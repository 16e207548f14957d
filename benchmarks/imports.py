"""Import cost: fresh interpreters, the best and the median of several, and which modules came along."""

import sys
from collections.abc import Sequence
from json import loads
from statistics import median
from subprocess import run
from typing import Final

from attrs import frozen

from benchmarks.report import keep, target, write

CONTENDERS: Final = {
    "attrs + sqlite3, hashlib, secrets, json": "import attrs, sqlite3, hashlib, secrets, json, hmac",
    "scopegate": "import scopegate",
    "scopegate, server class": "from scopegate import AuthorizationServer",
    "scopegate, server built": (
        "from scopegate import AuthorizationServer, Resource\n"
        "from scopegate.stores.memory import MemoryStore\n"
        "AuthorizationServer(issuer='https://acme.example', product='Acme', directory=lambda user: (),"
        " resources=[Resource('https://acme.example/mcp', scopes=['all.Application.read'])],"
        " store=MemoryStore(), sealing_keys=['A' * 43])"
    ),
    "Authlib server parts": (
        "import authlib.oauth2.rfc6749.grants, authlib.oauth2.rfc6750, authlib.oauth2.rfc7636"
    ),
    "oauthlib.oauth2": "import oauthlib.oauth2",
    "mcp SDK auth routes": "import mcp.server.auth.routes",
}
CODE: Final = """
import sys
from json import dumps
from time import perf_counter_ns, process_time_ns
before, wall, cpu = set(sys.modules), perf_counter_ns(), process_time_ns()
{statement}
wall, cpu = perf_counter_ns() - wall, process_time_ns() - cpu
print(dumps([wall / 1e6, cpu / 1e6, sorted(set(sys.modules) - before)]))
"""
UNWANTED: Final = (
    "asyncio",
    "cryptography",
    "django",
    "fastapi",
    "flask",
    "jinja2",
    "mcp",
    "oauthlib",
    "pydantic",
    "redis",
    "sqlalchemy",
    "starlette",
)
TARGET_MS: Final = 60.0


@frozen
class Cost:
    """What one import took.

    Attributes:
        wall: milliseconds of each run.
        cpu: milliseconds of CPU time of each run.
        modules: what was loaded by it.
    """

    wall: tuple[float, ...]
    cpu: tuple[float, ...]
    modules: tuple[str, ...]


def once(statement: str) -> tuple[float, float, list[str]]:
    """Return wall and CPU milliseconds of `statement` in a fresh interpreter, and the modules loaded."""
    command = [sys.executable, "-c", CODE.format(statement=statement)]
    done = run(command, capture_output=True, check=True, text=True)
    wall, cpu, modules = loads(done.stdout)
    return wall, cpu, modules


def costs(rounds: int) -> dict[str, Cost]:
    """Return the cost of each contender, measured in turn; one round more warms the file cache."""
    runs: dict[str, list[tuple[float, float, list[str]]]] = {name: [] for name in CONTENDERS}
    for _ in range(rounds + 1):
        for name, statement in CONTENDERS.items():
            runs[name].append(once(statement))
    return {
        name: Cost(tuple(r[0] for r in done[1:]), tuple(r[1] for r in done[1:]), tuple(done[-1][2]))
        for name, done in runs.items()
    }


def slowest(statement: str, count: int) -> list[tuple[int, str]]:
    """Return the modules with the largest own import time, microseconds first, by `-X importtime`."""
    command = [sys.executable, "-X", "importtime", "-c", statement]
    done = run(command, capture_output=True, check=True, text=True)
    rows = [line.removeprefix("import time:").split("|") for line in done.stderr.splitlines()]
    timed = [(int(row[0]), row[2].strip()) for row in rows if row[0].strip().isdigit()]
    return sorted(timed, reverse=True)[:count]


def unwanted(modules: Sequence[str]) -> list[str]:
    """Return which of the packages that `import scopegate` is to leave alone it loaded."""
    return sorted({module.partition(".")[0] for module in modules} & set(UNWANTED))


def measure(*, quick: bool) -> None:
    """Measure, print and keep the import suite."""
    found = costs(2 if quick else 9)
    write("\nImport, fresh interpreters, without the interpreter's own start\n")
    write(f"| {'row':<44} | best ms | median | cpu best | ratio | modules |")
    write(f"| {'-' * 44} | ------: | -----: | -------: | ----: | ------: |")
    ruler = min(next(iter(found.values())).cpu)
    for name, cost in found.items():
        write(
            f"| {name:<44} | {min(cost.wall):7.1f} | {median(cost.wall):6.1f} | {min(cost.cpu):8.1f}"
            f" | {min(cost.cpu) / ruler:5.2f} | {len(cost.modules):7} |"
        )
    ours = found["scopegate"]
    fastest = min(ours.wall)
    goal = f"import scopegate <= {TARGET_MS:.0f} ms: {fastest:.1f}"
    write(target(goal, met=fastest <= TARGET_MS))
    write(f"loaded by import scopegate but not to be: {', '.join(unwanted(ours.modules)) or 'nothing'}")
    write("slowest modules of import scopegate (own time):")
    for micros, module in slowest("import scopegate", 12):
        write(f"  {micros / 1000:6.1f} ms  {module}")
    keep("import", {name: list(cost.wall) for name, cost in found.items()}, size=1)
