"""The report on contracts, tried on a small suite in a process of its own."""

import json
import os

import pytest

from scopegate.testing import StoreContract
from scopegate.testing._groups import group_of
from scopegate.testing._store_cases import TRUE

pytest_plugins = ["pytester"]

FAILURES, MIGRATIONS, DUMPS = len(TRUE) + 1, 2, 1
"""How many tests the suite below declines: two groups, and one by its name."""

SUITE = """
from copy import deepcopy

import pytest
from scopegate.stores import MemoryStore
from scopegate.testing import Capabilities, StoreContract


class Good(MemoryStore):
    def commit(self, realm, changes, /):
        super().commit(realm, deepcopy(changes))


class Forgetful(Good):
    def once(self, realm, key, /, *, now):
        return None


class TestGood(StoreContract):
    declined = {"A": "one step", "M": "nothing earlier", "test_a_dump_has_digests_and_no_secret": "no dump"}

    @pytest.fixture
    def store(self):
        return Good()


class TestBad(StoreContract):
    declined = {"A": "one step", "M": "nothing earlier", "H": "no dump"}

    @pytest.fixture
    def store(self):
        return Forgetful()


def test_of_something_else():
    assert True
"""


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs the suite with the plugin."""
    for name in [each for each in os.environ if each.startswith(("PYTEST_", "COVERAGE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(test_mine=SUITE)

    def run(*options):
        return pytester.runpytest_subprocess(
            "-p", "scopegate.testing.plugin", "-p", "no:cacheprovider", *options
        )

    return run


@pytest.mark.slow
@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "2")])
def test_it_counts_what_ran_by_group(run, pytester, workers):
    """In JSON, in Markdown and on the screen, with or without many workers; tests of something else are not counted."""
    result = run("--scopegate-report=out/report", "-k", "once or TestGood or something_else", *workers)
    report = json.loads((pytester.path / "out" / "report.json").read_text())
    assert report["contract"] == "1.0"
    stores = {store["name"]: store for store in report["stores"]}
    good, bad = stores["test_mine.TestGood"], stores["test_mine.TestBad"]
    passed, declined = good["totals"]["passed"], FAILURES + MIGRATIONS + DUMPS
    assert good["totals"] == {"passed": passed, "failed": 0, "declined": declined}
    assert good["badge"] == f"scopegate store contract 1.0: {passed} passed, {declined} declined"
    assert good["capabilities"]["durable"] is False
    assert "durable" in good["not_asked"]["test_what_was_committed_is_there_after_reopening"]
    assert "unreachable" in good["not_asked"]["test_what_cannot_be_reached_is_an_outage"]
    assert good["groups"]["A"] == {
        "passed": 0,
        "failed": 0,
        "declined": FAILURES,
        "seconds": good["groups"]["A"]["seconds"],
    }
    assert any("one step" in reason for reason in good["reasons"].values())
    assert bad["totals"]["failed"] > 0
    assert bad["groups"]["T"]["failed"] >= 1
    assert sum(store["totals"]["passed"] for store in stores.values()) < result.parseoutcomes()["passed"]
    markdown = (pytester.path / "out" / "report.md").read_text()
    assert good["badge"] in markdown
    assert "| T: time" in markdown
    assert "- test_a_touch_that_cannot_be_kept_is_dropped: not asked, for there is no fixture" in markdown
    result.stdout.fnmatch_lines(["*test_mine.TestGood: scopegate store contract 1.0:*; seconds: R *"])


@pytest.mark.slow
def test_without_the_option_it_does_nothing(run, pytester):
    """It is inert."""
    assert run("-k", "something_else").parseoutcomes()["passed"] == 1
    assert not (pytester.path / "out").exists()


@pytest.mark.slow
def test_one_group_can_be_run_alone(run):
    """By its letter; a test that is marked for itself counts there, and not with its class."""
    result = run("--collect-only", "-q", "-m", 'scopegate_group(letter="F")', "-W", "error")
    found = {line.partition("::")[2].partition("[")[0] for line in result.outlines if "::" in line}
    assert {each for each in found if each.startswith("TestGood")} == {
        f"TestGood::{name}"
        for name in dir(StoreContract)
        if name.startswith("test_") and group_of(getattr(StoreContract, name), StoreContract) == "F"
        if "processes" not in name
    }
    assert "TestGood::test_of_threads_that_use_two_hundred_refresh_tokens_one_wins_each" in found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("given", "complaint"), [('"Z": "what"', "names Z"), ('"H": " "', "gives no reason for H")]
)
def test_declining_what_there_is_not_or_without_a_reason_is_an_error(pytester, run, given, complaint):
    """A misspelt name would decline nothing."""
    pytester.makepyfile(test_mine=SUITE.replace('"H": "no dump"', given))
    result = run("--collect-only", "-q")
    result.stdout.fnmatch_lines([f"*TestBad.declined {complaint}*"])
