"""The page about the consent page claims nothing that is not tested."""

import ast
import re
from pathlib import Path

HERE = Path(__file__).parent
DOCUMENT = Path(__file__).parents[2].joinpath("docs", "consent-page.md").read_text("utf-8")
FILES = {
    "": "test_pages",
    "views": "test_consent_view",
    "words": "test_wording",
    "templates": "test_templates",
}
FILES["browser"] = "test_browser"
# What the page does a part of, and so does not claim.
PARTLY = {"C31", "C37", "X11"}
ROW = re.compile(r"^\| ([ABCEX][0-9]+) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)


def functions_in(module):
    """The names of the tests in a module, with their docstrings."""
    tree = ast.parse((HERE / f"{module}.py").read_text("utf-8"))
    return {each.name: ast.get_docstring(each) for each in tree.body if isinstance(each, ast.FunctionDef)}


def claims():
    """Each claim: its id and where its tests are."""
    for id_, proof in ROW.findall(DOCUMENT):
        tests = re.findall(r"(\w*) ?`(test_\w+)`", proof)
        assert tests, id_
        for where, name in tests:
            yield id_, FILES[where], name


def test_every_claim_names_a_test_that_exists():
    """A test that is renamed or removed takes its line in the table with it."""
    assert len(ROW.findall(DOCUMENT)) > 50
    known = {module: functions_in(module) for module in FILES.values()}
    assert [(id_, name) for id_, module, name in claims() if name not in known[module]] == []


def test_no_claim_is_made_twice():
    """One line for each id, in order within its letter."""
    ids = [id_ for id_, _ in ROW.findall(DOCUMENT)]
    assert len(ids) == len(set(ids))


def test_every_id_in_a_docstring_is_in_the_table():
    """What a test claims to prove is written down where people look for it."""
    written = {id_ for id_, *_ in claims()}
    tested = set()
    for module in FILES.values():
        for text in functions_in(module).values():
            head = (text or "").partition(": ")[0]
            tested |= set(re.findall(r"\b[ABCEX][0-9]{1,2}\b", head))
    assert tested - written == PARTLY
