"""docs/behaviour.md: every promise is there, once, and leads to the test that holds us to it."""

import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "behaviour.md").read_text("utf-8")
LINK = re.compile(r"\[`(test_\w+)`\]\(\.\./(tests/seed/test_\w+\.py)#L(\d+)\)")


@pytest.fixture
def tool(monkeypatch):
    """The tool that writes the page."""
    spec = spec_from_file_location("behaviour", ROOT / "tools" / "behaviour.py")
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_what_the_tests_say(tool):
    """Else run ``python tools/behaviour.py``, and read what changed."""
    assert tool.page() == TEXT


def test_every_link_leads_to_its_test():
    """File and line."""
    links = LINK.findall(TEXT)
    assert len(links) >= 45
    assert len(links) == len(set(links)) == TEXT.count("\n| ") - 8
    for name, path, line in links:
        assert (ROOT / path).read_text("utf-8").splitlines()[int(line) - 1].startswith(f"def {name}(")


def test_every_test_of_a_promise_is_listed():
    """None is left out."""
    written = {
        name
        for path in (ROOT / "tests" / "seed").glob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text("utf-8"), re.MULTILINE)
    }
    assert {name for name, *_ in LINK.findall(TEXT)} == written


def test_a_file_without_a_section_is_noticed(tool, monkeypatch):
    """So is a section without a file."""
    monkeypatch.setattr(tool, "SECTIONS", tool.SECTIONS[1:])
    with pytest.raises(ValueError, match="what_a_token_is"):
        tool.page()
