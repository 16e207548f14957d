"""Real database servers for the benchmarks: the tests' own, on private sockets, gone at the end."""

import sys
from contextlib import AbstractContextManager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, Final

PATH: Final = Path(__file__).parent.parent / "tests" / "support" / "databases.py"


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
    running: AbstractContextManager[Any] = _DATABASES.running(_DATABASES.PostgreSQL, durable=durable)
    return running


def redis() -> AbstractContextManager[Any]:
    """Start Redis in memory."""
    running: AbstractContextManager[Any] = _DATABASES.running(_DATABASES.Redis)
    return running
