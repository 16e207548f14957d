"""What benchmarks say of their targets."""

import pytest
from benchmarks import report
from benchmarks.harness import figures, judge
from benchmarks.rows import Row, Suite, Target, Verdict

TIMES = {"ruler": [10.0, 20.0, 30.0], "ours": [24.0, 50.0, 78.0], "theirs": [240.0, 500.0, 780.0]}


def suite(*targets):
    """One of made-up rows: ours takes 2.5 rulers, and theirs ten times ours."""
    rows = [
        Row(name=name, prepare=range, call=abs, read=lambda _: Verdict(200), refused={}) for name in TIMES
    ]
    return Suite(name="made up", title="Made up", rows=rows, expected=Verdict(200), size=1, targets=targets)


@pytest.mark.parametrize(
    ("target", "met"),
    [
        (Target("ours", "ruler", at_most=2.5), True),
        (Target("ours", "ruler", at_most=2.4), False),
        (Target("theirs", "ours", at_least=10), True),
        (Target("theirs", "ours", at_least=10.1), False),
        (Target("theirs", "ours"), True),
    ],
)
def test_a_target_that_was_missed_is_said_and_remembered(target, met, capsys, monkeypatch):
    """The median of the rounds' ratios counts; what is remembered is what a run ends with 1 for."""
    missed = []
    monkeypatch.setattr(report, "MISSED", missed)
    report.table("Made up", figures(suite(), TIMES), judge(suite(target), TIMES))
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.endswith("missed") is not met
    assert missed == ([] if met else [said])


@pytest.mark.parametrize("met", [True, False])
def test_so_is_one_that_is_no_ratio(met, monkeypatch):
    """Where what is measured is seconds or bytes."""
    missed = []
    monkeypatch.setattr(report, "MISSED", missed)
    said = report.target("a sweep <= 100 ms", met=met)
    assert said == f"target: a sweep <= 100 ms, {'met' if met else 'missed'}"
    assert missed == ([] if met else [said])
