"""Tables for people, JSON for machines."""

import platform
import sys
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from json import dumps
from pathlib import Path
from time import time
from typing import Final

from benchmarks.harness import Figure, Judgement, Samples

RESULTS = Path(__file__).parent / "results"
PACKAGES = (
    "attrs",
    "authlib",
    "cedarpy",
    "cryptography",
    "django-oauth-toolkit",
    "mcp",
    "oauthlib",
    "psycopg",
    "pycasbin",
    "pydantic",
    "redis",
    "scopegate",
    "sqlalchemy",
    "starlette",
    "vakt",
)


MISSED: Final[list[str]] = []
"""The targets that were missed so far."""


def write(line: str = "") -> None:
    """Print a line at once, for a run takes minutes."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def table(title: str, figures: Sequence[Figure], judgements: Sequence[Judgement]) -> None:
    """Print a suite's rows and what became of its targets."""
    write(f"\n{title}\n")
    write(f"| {'row':<44} | {'us/call':>8} | {'ratio':>6} | spread |")
    write(f"| {'-' * 44} | {'-' * 7}: | {'-' * 5}: | -----: |")
    for figure in figures:
        write(f"| {figure.name:<44} | {figure.micros:8.2f} | {figure.ratio:6.2f} | {figure.spread:5.0%}  |")
    for judged in judgements:
        write(judged.line)
        if not judged.met:
            MISSED.append(judged.line)


def target(goal: str, *, met: bool) -> str:
    """Return what to say of a target that is no ratio of two rows, and remember it if it was missed."""
    line = f"target: {goal}, {'met' if met else 'missed'}"
    if not met:
        MISSED.append(line)
    return line


def versions() -> dict[str, str]:
    """Return the versions of what was measured."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


def keep(suite: str, times: Samples, *, size: int, unit: str = "microseconds of CPU time per call") -> Path:
    """Write a suite's samples to a JSON file and return where."""
    now = datetime.fromtimestamp(time()).astimezone()
    path = RESULTS / f"{suite}-{now:%Y%m%d-%H%M%S}.json"
    content = {
        "suite": suite,
        "at": now.isoformat(timespec="seconds"),
        "machine": f"{platform.machine()} {platform.system()}",
        "versions": versions(),
        "calls_per_sample": size,
        "unit": unit,
        "samples": times,
    }
    path.write_text(dumps(content, indent=1) + "\n", encoding="utf-8")
    return path
