"""What `import scopegate` costs: modules and distributions, seen from a fresh interpreter."""

import subprocess
import sys
from importlib.metadata import requires

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

LAZY = {
    # The protocol engine and the cipher are loaded when a server is built.
    "cryptography",
    "oauthlib",
    # What only one store, adapter or page needs.
    "asyncio",
    "concurrent.futures",
    "sqlite3",
    "ssl",
    "http.client",
    "urllib.request",
    # Extras.
    "django",
    "fastapi",
    "flask",
    "jinja2",
    "jwt",
    "mcp",
    "opentelemetry",
    "redis",
    "sqlalchemy",
    "starlette",
    # Tools.
    "hypothesis",
    "pytest",
}
MOST_DISTRIBUTIONS = 6


def modules_after(code: str) -> set[str]:
    """The modules of a fresh interpreter, out of reach of the environment, after it ran some code."""
    command = [sys.executable, "-I", "-c", f"{code}\nimport sys\nprint(*sys.modules, sep='\\n')"]
    done = subprocess.run(command, env={}, check=True, capture_output=True, text=True, timeout=60)
    return set(done.stdout.split())


def distributions_of(name: str) -> set[str]:
    """What installing a distribution without extras installs besides, with all that those need."""
    found: set[str] = set()
    todo = [name]
    while todo:
        for line in requires(todo.pop()) or []:
            requirement = Requirement(line)
            needed = canonicalize_name(requirement.name)
            if needed not in found and (
                requirement.marker is None or requirement.marker.evaluate({"extra": ""})
            ):
                found.add(needed)
                todo.append(needed)
    return found


def test_the_probe_sees_what_an_import_loads():
    """The measure itself is no blind eye."""
    assert {"sqlite3", "asyncio"} <= modules_after("import sqlite3, asyncio")
    assert not LAZY & modules_after("pass")


def test_importing_scopegate_loads_no_engine_framework_or_driver():
    """A host pays for what it uses, when it uses it."""
    assert not LAZY & modules_after("import scopegate")


def test_a_base_install_stays_small():
    """At most six distributions come with scopegate, counted through all that they need."""
    found = distributions_of("scopegate")
    assert {"attrs", "cryptography", "oauthlib", "typing-extensions"} <= found
    assert len(found) <= MOST_DISTRIBUTIONS, sorted(found)
