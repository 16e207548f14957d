"""The rule that nothing is skipped silently, tried on small suites in a process of their own."""

import os
import shutil
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

CONFTEST = Path(__file__).parents[1] / "conftest.py"
SUITE = """
import pytest

def test_that_passes(): pass

def test_that_skips(): pytest.skip("no browser here")

@pytest.mark.xfail(reason="not built yet", strict=True)
def test_that_is_expected_to_fail(): assert False
"""
MODULE = """
import pytest

pytest.importorskip("a_module_that_nobody_has", reason="no server here")
"""


@pytest.fixture
def suite(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """An empty suite under this project's conftest, with an empty list of allowed skips."""
    for name in [each for each in os.environ if each.startswith(("PYTEST_", "SCOPEGATE_", "COVERAGE_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    shutil.copy(CONFTEST, pytester.path / "conftest.py")
    (pytester.path / "skips.txt").write_text("# nothing\n")
    return pytester


def run(suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, *, ci: str) -> pytest.RunResult:
    """Run the suite as CI does, or as a laptop does."""
    monkeypatch.setenv("CI", ci)
    return suite.runpytest_subprocess("-ra", "-p", "no:cacheprovider")


def test_a_skip_is_loud_on_a_laptop(suite, monkeypatch):
    """A missing browser does not fail the suite of a developer, but is said."""
    suite.makepyfile(SUITE)
    result = run(suite, monkeypatch, ci="")
    result.assert_outcomes(passed=1, skipped=1, xfailed=1)
    result.stdout.fnmatch_lines(["SKIPPED*no browser here", "NOT TESTED: 1 skipped*"])


def test_a_skip_fails_in_ci(suite, monkeypatch):
    """Both a skip and an expected failure are failures there, and say why."""
    suite.makepyfile(SUITE)
    result = run(suite, monkeypatch, ci="true")
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*no browser here*", "*Nothing may be skipped in CI*"])


def test_a_skipped_module_fails_in_ci(suite, monkeypatch):
    """A module that skips itself while it is collected is no loophole."""
    suite.makepyfile(MODULE)
    run(suite, monkeypatch, ci="").assert_outcomes(skipped=1)
    result = run(suite, monkeypatch, ci="true")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*no server here*"])


def test_a_listed_skip_is_allowed_in_ci(suite, monkeypatch):
    """The list names what may be skipped, each with its reason."""
    module = suite.makepyfile(SUITE).name
    (suite.path / "skips.txt").write_text(
        f"{module}::test_that_*s  # as an example\n{module}::*fail # to come\n"
    )
    run(suite, monkeypatch, ci="true").assert_outcomes(passed=1, skipped=1, xfailed=1)


def test_a_listed_skip_needs_a_reason(suite, monkeypatch):
    """A bare pattern stops the run."""
    suite.makepyfile(SUITE)
    (suite.path / "skips.txt").write_text("*\n")
    result = run(suite, monkeypatch, ci="true")
    assert result.ret != pytest.ExitCode.OK
    result.stderr.fnmatch_lines(["*a reason after '[*]'*"])
