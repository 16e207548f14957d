"""The core and the flows are pure: they import from one short list, and call nothing from another.

The import contracts and the linter forbid known ways out; here all is forbidden that is not known to be pure.
"""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import scopegate

ROOM = Path(scopegate.__file__).parent
PURE_ROOMS = ("core", "flows")
MODULES = sorted(path for room in PURE_ROOMS for path in (ROOM / room).rglob("*.py"))

ALLOWED = {
    "attrs",
    "base64",
    "binascii",
    "bisect",
    "collections",
    "dataclasses",
    "enum",
    "fnmatch",
    "functools",
    "hashlib",
    "hmac",
    "html",
    "ipaddress",
    "itertools",
    "json",
    "math",
    "operator",
    "re",
    "string",
    "types",
    "typing",
    "typing_extensions",
    "unicodedata",
    "urllib.parse",
    # Sealing: keys and nonces are arguments.
    "cryptography",
    # Rooms that are as pure.
    "scopegate.core",
    "scopegate.errors",
    "scopegate.flows",
    "scopegate.profiles",
    "scopegate.protocols",
}
ALLOWED_IN = {
    "_oauthlib.py": {"oauthlib"},
}
FORBIDDEN_CALLS = {"__import__", "breakpoint", "compile", "eval", "exec", "input", "open", "print"}
FORBIDDEN_ATTRIBUTES = {
    "generate_key",  # AESGCM.generate_key() draws from the system
    "now",
    "system_random",
    "today",
    "urandom",
    "utcnow",
}
"""Names by which a module would reach the clock or the system's randomness through what it may import."""


def imports_in(source: str) -> set[str]:
    """Every module that a source imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import():
                found.update(alias.name for alias in node.names)
            case ast.ImportFrom(module=str(module)):
                found.add(module)
    return found


def is_allowed(module: str, file: str) -> bool:
    """Whether a pure file may import a module, by its own name or by that of a package around it."""
    allowed = ALLOWED | ALLOWED_IN.get(file, set())
    return any(module == each or module.startswith(f"{each}.") for each in allowed)


def impure_imports(source: str, file: str = "tokens.py") -> list[str]:
    """What a source imports that is not known to be pure."""
    return sorted(each for each in imports_in(source) if not is_allowed(each, file))


def impure_calls(source: str) -> list[str]:
    """The calls in a source that read or write the world, or draw from it."""
    found = []
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                found.append(f"line {node.lineno}: {name}")
            case ast.Call(func=ast.Attribute(attr=name)) if name in FORBIDDEN_ATTRIBUTES:
                found.append(f"line {node.lineno}: {name}")
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOM)))
def test_a_pure_module_imports_only_what_is_known_to_be_pure(path):
    """A new dependency of the core or the flows is a decision, made in this list."""
    assert impure_imports(path.read_text("utf-8"), path.name) == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOM)))
def test_a_pure_module_calls_nothing_that_touches_the_world(path):
    """Time and randomness come in as arguments, and nothing is read or written."""
    assert impure_calls(path.read_text("utf-8")) == []


def test_both_pure_rooms_are_looked_at():
    """An empty list of modules would prove nothing."""
    assert {path.relative_to(ROOM).parts[0] for path in MODULES} == set(PURE_ROOMS)


FORBID_THE_WORLD = """
import os, random, secrets, socket, sqlite3, sys, threading, time, uuid
import attrs, hashlib, hmac, json, re, typing_extensions, urllib.parse
import cryptography.hazmat.primitives.ciphers.aead
import scopegate

def refuse(*_, **__):
    raise AssertionError("a pure module reached for the world while it was imported")

class NoEnvironment(dict):
    __getitem__ = get = __contains__ = refuse

for module, names in {
    time: ("time", "time_ns", "monotonic", "perf_counter", "sleep"),
    os: ("urandom", "getenv", "getpid"),
    random: ("random", "getrandbits", "choice", "SystemRandom"),
    secrets: ("token_bytes", "token_urlsafe", "token_hex"),
    uuid: ("uuid1", "uuid4"),
    socket: ("socket", "create_connection", "getaddrinfo"),
    sqlite3: ("connect",),
    threading: ("Thread", "Lock", "local"),
}.items():
    for name in names:
        setattr(module, name, refuse)
os.environ = NoEnvironment()
"""


def import_without_the_world(*names: str) -> subprocess.CompletedProcess[str]:
    """Import modules in a fresh interpreter whose clock, randomness, environment and sockets raise."""
    statements = "".join(f"import {name}\n" for name in names)
    return subprocess.run(
        [sys.executable, "-I", "-c", FORBID_THE_WORLD + statements],
        env={},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_the_pure_rooms_are_imported_without_touching_the_world():
    """Nothing happens while they are imported; what uses oauthlib is loaded by a server, later."""
    names = [
        ".".join(("scopegate", *path.relative_to(ROOM).with_suffix("").parts)).removesuffix(".__init__")
        for path in MODULES
        if path.name not in ALLOWED_IN
    ]
    done = import_without_the_world(*names)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "statement",
    [
        "import time",
        "import datetime",
        "from datetime import datetime",
        "import urllib.request",
        "def later():\n    import secrets",
        "from os import environ",
        "import oauthlib.common",
        "from scopegate.stores import memory",
        "import scopegate",
        "import attrsome",
    ],
)
def test_the_guard_finds_an_import(statement):
    """Each way out is noticed, at the top of a module and inside a function."""
    assert len(impure_imports(statement)) == 1


def test_the_guard_lets_one_module_have_the_engine():
    """Only `flows._oauthlib` may import oauthlib."""
    assert impure_imports("import oauthlib.oauth2", "_oauthlib.py") == []
    assert impure_imports("import oauthlib.oauth2", "exchange.py") == ["oauthlib.oauth2"]


@pytest.mark.parametrize(
    "call", ["open('x')", "print(1)", "AESGCM.generate_key(128)", "date.today()", "eval(x)"]
)
def test_the_guard_finds_a_call(call):
    """Each reach for the world that needs no import is noticed."""
    assert len(impure_calls(f"def f(x):\n    return {call}")) == 1


def test_the_guard_finds_what_happens_while_importing():
    """The fresh interpreter really has no clock: a module of the standard library that asks for it fails."""
    done = import_without_the_world("email.utils; email.utils.formatdate()")
    assert done.returncode != 0
    assert "reached for the world" in done.stderr
