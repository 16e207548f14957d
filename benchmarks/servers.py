"""Real database servers for the benchmarks: the tests' own, on private sockets, gone at the end."""

import sys
from collections.abc import Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import pytest

PATH: Final = Path(__file__).parent.parent / "tests" / "support" / "databases.py"


class NotInstalledError(Exception):
    """A server is missing, so a suite is left out."""


def _loaded() -> ModuleType:
    """Load the module by its path, for vakt installs another package of the name "tests"."""
    spec = spec_from_file_location("benchmarks._databases", PATH)
    if spec is None or spec.loader is None:
        raise ImportError(f"{PATH} cannot be loaded: run the benchmarks in a checkout")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


_DATABASES: Final = _loaded()


def postgresql(*, durable: bool = True) -> AbstractContextManager[Any]:
    """Start PostgreSQL with its usual settings; ``durable=False``: what is written may be lost with the machine."""
    return _running("PostgreSQL", durable=durable)


def redis() -> AbstractContextManager[Any]:
    """Start Redis in memory."""
    return _running("Redis")


@contextmanager
def _running(name: str, **options: object) -> Generator[Any]:
    """Start a server; that a test would be skipped without it means that it is missing."""
    with ExitStack() as stack:
        try:
            server = stack.enter_context(_DATABASES.running(getattr(_DATABASES, name), **options))
        except pytest.skip.Exception:
            raise NotInstalledError(f"{name} is not installed here") from None
        yield server
