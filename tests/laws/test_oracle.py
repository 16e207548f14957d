"""Laws 1 and 2: the evaluator agrees with an oracle that was written apart from it, from the seed's page."""

import ast
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from tests.support import oracle
from tests.support.situations import Situation, situations

from scopegate.core.permissions import Layer

FEWEST = 0.15
"""The share of the situations that each answer has at least."""


def imported_by(module) -> set[str]:
    """The modules that a module imports, read from its source."""
    tree = ast.parse(Path(module.__file__).read_text("utf-8"))
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
        elif isinstance(node, ast.Name):
            assert node.id not in {"__import__", "eval", "exec"}
    return found


def test_the_oracle_knows_nothing_of_the_library():
    """What it imports is two modules of the standard library."""
    assert imported_by(oracle) == {"json", "pathlib"}


@given(situations())
def test_the_evaluator_agrees_with_the_oracle(situation):
    """The same answer, the same layer that denies, the same effective role."""
    expected = situation.expected()
    found = situation.explained()
    assert found.denied_by == expected
    assert situation.allows() is found.allowed is (expected is None)
    if found.effective_role and expected != Layer.SCOPE:
        assert found.effective_role == situation.expected_role()


@given(situations())
def test_everything_that_is_allowed_at_a_place_is_what_the_oracle_allows(situation):
    """Action by action, over the whole catalogue."""
    assert situation.permitted() == situation.expected_permitted()


def test_each_answer_is_met_often():
    """An agreement about nothing but denials, or nothing but scopes, would prove little."""
    met = Counter()

    @settings(max_examples=1000, derandomize=True, database=None)
    @given(situations())
    def count(situation: Situation):
        met[situation.expected()] += 1

    count()
    assert {answer: met[answer] for answer in (None, "scope", "role")} == met
    assert min(met.values()) >= FEWEST * met.total(), met


def test_the_seeds_scopes_open_as_many_endpoints_as_its_matrix_says():
    """The oracle is right where the seed gives numbers."""
    matrix = {name for name, row in oracle.endpoints().items() if row["level"] is not None}
    opens = oracle.seed()["opens"]
    assert len(matrix) == 366
    assert [len(opens[scope] & matrix) for scope in oracle.SEVEN] == [113, 241, 11, 19, 124, 260, 18]
    assert [len(opens[scope] & matrix) for scope in ("all.User", "all.Instance")] == [366, 61]
    sensitive = {name for name in matrix if oracle.endpoints()[name]["access"] == "sensitive"}
    assert len(sensitive) == 37
    assert not sensitive & set().union(*(opens[scope] for scope in oracle.SEVEN))
