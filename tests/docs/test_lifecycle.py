"""docs/lifecycle.md: its samples run, and its diagram and tables are what the code says."""

import re
import secrets
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from scopegate import AuthorizationServer
from scopegate.core.lifecycle import TRANSITIONS, Cause
from scopegate.core.tokens import Status
from scopegate.flows.sealing import new_key

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "lifecycle.md"
TEXT = PAGE.read_text("utf-8")


@pytest.fixture
def tables(monkeypatch):
    """The tool that writes the generated parts."""
    monkeypatch.syspath_prepend(ROOT / "tools")
    spec = spec_from_file_location("lifecycle_tables", ROOT / "tools" / "lifecycle_tables.py")
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("docs_tables", None)


def test_the_samples_run_one_after_another(monkeypatch):
    """In the order of the page."""
    monkeypatch.setenv("SCOPEGATE_KEY", new_key(secrets.token_bytes))
    samples = re.findall(r"^```python\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    assert len(samples) == 2
    names = {"__name__": "sample"}
    for sample in samples:
        exec(compile(sample, str(PAGE), "exec"), names)  # noqa: S102 - our own page


def test_diagram_and_tables_are_what_the_code_says(tables):
    """Else run ``python tools/lifecycle_tables.py``, and read what changed."""
    assert tables.regenerated(TEXT, tables.TABLES) == TEXT


def test_a_transition_that_is_new_changes_the_diagram(tables, monkeypatch):
    """And the table."""
    more = {**TRANSITIONS, (Status.REVOKED, Cause.RESUMED): Status.ACTIVE}
    monkeypatch.setattr(tables, "TRANSITIONS", more)
    assert "Disconnected --> Active: resumed" in tables.diagram()
    assert tables.regenerated(TEXT, tables.TABLES) != TEXT


def test_every_method_in_the_tables_is_one_of_the_servers():
    """A method that is renamed or removed takes its line with it."""
    rows = re.findall(r"^\| (`.*?) \|", TEXT, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`(\w+)\(", row)}
    assert len(named) >= 15
    assert [name for name in named if not hasattr(AuthorizationServer, name)] == []
