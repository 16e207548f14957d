"""docs/token-api.md: its tables are what the code says, and its sample is a token of the API."""

import json
import re
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "token-api.md").read_text("utf-8")


@pytest.fixture
def tables(monkeypatch):
    """The tool that writes the tables."""
    monkeypatch.syspath_prepend(ROOT / "tools")
    spec = spec_from_file_location("token_tables", ROOT / "tools" / "token_tables.py")
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop("docs_tables", None)


def test_the_tables_are_what_the_code_says(tables):
    """Else run ``python tools/token_tables.py``, and read what changed."""
    assert tables.regenerated(TEXT, tables.TABLES) == TEXT


@pytest.mark.parametrize("word", ["by an access token", "never |", "`sortField`", "`PATCH /me", "`Stale`"])
def test_a_stale_table_is_noticed(tables, word):
    """One word of a generated row that is another."""
    stale = TEXT.replace(word, "something else", 1)
    assert stale != TEXT
    assert tables.regenerated(stale, tables.TABLES) != stale


def test_the_sample_is_a_token_as_it_is_described(tables):
    """By the schema that is served."""
    (sample,) = re.findall(r"^```json\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    document = tables.described()
    schema = document["components"]["schemas"]["Token"] | {"components": document["components"]}
    validator = Draft202012Validator(schema)
    token = json.loads(sample)
    validator.validate(token)
    assert not validator.is_valid(token | {"colour": "red"})
