"""The report on contracts, tried on a small suite in a process of its own."""

import json
import os

import pytest

pytest_plugins = ["pytester"]

SUITE = """
import pytest
from scopegate.stores import MemoryStore
from scopegate.testing import Capabilities, StoreContract


class Forgetful(MemoryStore):
    def once(self, realm, key, /, *, now):
        return None


class TestGood(StoreContract):
    declined = {"A": "one step", "M": "nothing earlier", "test_a_dump_has_digests_and_no_secret": "no dump"}

    @pytest.fixture
    def store(self):
        return MemoryStore()


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
    assert good["totals"] == {"passed": good["totals"]["passed"], "failed": 0, "declined": 16}
    assert good["badge"] == f"scopegate store contract 1.0: {good['totals']['passed']} passed, 16 declined"
    assert good["capabilities"]["durable"] is False
    assert good["groups"]["A"] == {
        "passed": 0,
        "failed": 0,
        "declined": 13,
        "seconds": good["groups"]["A"]["seconds"],
    }
    assert any("one step" in reason for reason in good["reasons"].values())
    assert bad["totals"]["failed"] > 0
    assert bad["groups"]["T"]["failed"] >= 1
    assert sum(store["totals"]["passed"] for store in stores.values()) < result.parseoutcomes()["passed"]
    markdown = (pytester.path / "out" / "report.md").read_text()
    assert good["badge"] in markdown
    assert "| T: time" in markdown
    result.stdout.fnmatch_lines(["*test_mine.TestGood: scopegate store contract 1.0:*; seconds: R *"])


@pytest.mark.slow
def test_without_the_option_it_does_nothing(run, pytester):
    """It is inert."""
    assert run("-k", "something_else").parseoutcomes()["passed"] == 1
    assert not (pytester.path / "out").exists()


@pytest.mark.slow
def test_declining_what_there_is_not_is_an_error(pytester, run):
    """A misspelt name would decline nothing."""
    pytester.makepyfile(test_mine=SUITE.replace('"H": "no dump"', '"Z": "what"'))
    result = run("--collect-only", "-q")
    result.stdout.fnmatch_lines(["*TestBad.declined names Z*"])
