"""What docs/stores.md shows works as it stands there."""

import os
import re
from pathlib import Path

import pytest

from scopegate import testing
from scopegate.testing._groups import GROUPS, VERSION
from scopegate.testing.stores import StoreContract

pytest_plugins = ["pytester"]

PAGE = (Path(__file__).parents[2] / "docs" / "stores.md").read_text("utf-8")
HOOKS = re.compile(r"^\| `(\w+)[(`].*\|$", re.MULTILINE)


@pytest.mark.slow
def test_the_sample_is_a_whole_test_file_that_passes(pytester, monkeypatch):
    """With no more than what the page says, and what it declines is counted."""
    for name in [each for each in os.environ if each.startswith(("PYTEST_", "COVERAGE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(test_mine=re.search(r"```python\n(from contextlib.*?)```", PAGE, re.DOTALL)[1])
    command = re.search(r"^pytest (.*--scopegate-report=\S+)$", PAGE, re.MULTILINE)[1].split()
    result = pytester.runpytest_subprocess(*command, "-p", "no:cacheprovider")
    outcomes = result.parseoutcomes()
    assert set(outcomes) == {"passed", "skipped"}
    badge = f"scopegate store contract {VERSION}: {outcomes['passed']} passed, {outcomes['skipped']} declined"
    assert badge in (pytester.path / "build" / "my-store.md").read_text()


def test_the_page_names_every_contract_of_stores():
    """And none that is not there."""
    shown = set(re.findall(r"`(\w+Contract)`|class \w+\((\w+Contract)\)", PAGE))
    assert {one or other for one, other in shown} == {
        name for name in testing.__all__ if name.endswith("StoreContract")
    }


def test_the_page_has_every_group():
    """In the words of the kit."""
    assert dict(re.findall(r"^\| ([A-Z]) \| (.*) \|$", PAGE, re.MULTILINE)) == GROUPS


def test_the_page_names_hooks_that_are_there():
    """Each of them is something of the contract."""
    hooks = HOOKS.findall(PAGE[PAGE.index("| hook |") :])
    assert len(hooks) == 9
    assert [name for name in hooks if not hasattr(StoreContract, name)] == []
