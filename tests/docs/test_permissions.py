"""docs/permissions.md: its samples run, its tables are what the code says, and its edge cases are tested."""

import ast
import re
import secrets
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from attrs import evolve

from scopegate.core.permissions import MAY_LIFT, ROLE_REASONS
from scopegate.flows.sealing import new_key

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "permissions.md"
TEXT = PAGE.read_text("utf-8")
EDGE = re.compile(r"^\| (?P<letter>[a-j]?) ?\| .* \| `(?P<test>\S*test_\w+)` \|$", re.MULTILINE)
EDGES = "tests/flows/test_edges_of_caps.py"


@pytest.fixture
def tables(monkeypatch):
    """The tool that writes the tables, with sources and words that a test may change."""
    spec = spec_from_file_location("docs_tables", ROOT / "tools" / "docs_tables.py")
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    return module


def blocks(language):
    """The code blocks in one language, each on the lines where it stands."""
    for found in re.finditer(rf"^```{language}\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE):
        yield "\n" * TEXT.count("\n", 0, found.start(1)) + found[1]


# Samples


def test_the_samples_run_one_after_another(monkeypatch, tmp_path):
    """With the file that the page shows, and a key."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCOPEGATE_KEY", new_key(secrets.token_bytes))
    (toml,) = blocks("toml")
    Path("catalogue.toml").write_text(toml, "utf-8")
    samples = list(blocks("python"))
    assert len(samples) >= 10
    names = {"__name__": "sample"}
    for sample in samples:
        exec(compile(sample, str(PAGE), "exec"), names)  # noqa: S102 - our own page


# Tables


def test_the_tables_are_what_the_code_says(tables):
    """Else run ``python tools/docs_tables.py``, and read what changed."""
    assert tables.regenerated(TEXT) == TEXT


def test_a_stale_table_is_noticed(tables):
    """One word of a generated row that is another."""
    stale = TEXT.replace("`cap_too_low`, by `default_cap`", "`cap_too_low`, by `live_role`", 1)
    assert stale != TEXT
    assert tables.regenerated(stale) == TEXT


def test_a_table_that_is_missing_is_noticed(tables):
    """Nothing is left out without a word."""
    with pytest.raises(ValueError, match="counts"):
        tables.regenerated(TEXT.replace("<!-- generated: counts -->", ""))


def test_every_reason_of_an_explanation_says_who_may_lift_it(tables):
    """None gets its answer from what is assumed about unknown ones."""
    assert tables.written("Barrier", "Judged") == ROLE_REASONS | MAY_LIFT.keys()


@pytest.mark.parametrize(
    "source",
    [
        'Refusal(Layer.ROLE, "brand_new", 403)',
        "def refused(config):\n    code = 'brand_new' if config else 'paused'\n    return Refusal(0, code, 403)",
        "def refused():\n    code, other = 'brand_new', 'text'\n    return Refusal(0, code, 403)",
        "async def refused():\n    return Refusal(layer=0, reason='brand_new', status=403)",
        "def chosen():\n    return 'brand_new'\ndef refused():\n    return [Refusal(0, chosen(), 403)]",
    ],
)
def test_a_new_reason_is_found_however_it_is_written(tables, monkeypatch, tmp_path, source):
    """And without words and a row, no table is written."""
    place = tmp_path / "scopegate" / "flows" / "new.py"
    place.parent.mkdir(parents=True)
    place.write_text(source, "utf-8")
    known = tables.written("Refusal")
    monkeypatch.setattr(tables, "SOURCE", tmp_path)
    assert "brand_new" in tables.written("Refusal")
    monkeypatch.setattr(tables, "written", lambda *_: {*known, "brand_new"})
    with pytest.raises(ValueError, match="brand_new"):
        tables.clients_reasons()


def test_a_reason_that_cannot_be_read_is_no_reason_to_go_on(tables, monkeypatch, tmp_path):
    """It says where it stands."""
    place = tmp_path / "scopegate" / "core" / "new.py"
    place.parent.mkdir(parents=True)
    place.write_text("Refusal(0, code + 'x', 403)", "utf-8")
    monkeypatch.setattr(tables, "SOURCE", tmp_path)
    with pytest.raises(ValueError, match=r"new\.py:1"):
        tables.written("Refusal")


def test_a_reason_that_no_row_shows_is_noticed(tables, monkeypatch):
    """The table of decisions has every reason."""
    rows = [row for row in tables.ROWS if row.status != "revoked"]
    monkeypatch.setattr(tables, "ROWS", rows)
    with pytest.raises(ValueError, match="revoked"):
        tables.reasons()


def test_each_row_differs_from_the_first_in_what_it_is_about(tables):
    """No situation is there twice."""
    assert len({repr(row) for row in tables.ROWS}) == len(tables.ROWS)
    assert evolve(tables.USUAL) in tables.ROWS


# Edge cases


def functions_in(path):
    """The names of the tests in a file."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef)}


def claims():
    """Each edge case: its letter, and the file and the name of its test."""
    for match in EDGE.finditer(TEXT):
        path, _, name = match["test"].rpartition("::")
        yield match["letter"], path or EDGES, name


def test_every_edge_case_names_a_test_that_exists():
    """A test that is renamed or removed takes its line in the table with it."""
    assert [(path, name) for _, path, name in claims() if name not in functions_in(path)] == []


def test_every_letter_has_its_line():
    """From a to j, in order, and the cases without a letter after them."""
    letters = [letter for letter, *_ in claims()]
    assert list(dict.fromkeys(letters)) == [*"abcdefghij", ""]
    assert len(letters) >= 16


def test_no_line_of_the_edge_cases_is_passed_over():
    """What the pattern of this test does not read would be a claim without a proof."""
    _, _, section = TEXT.partition("## Edge cases")
    lines = [line for line in section.splitlines() if line.startswith("|")]
    assert len(lines) - 2 == len(list(claims()))
