"""What holds for every test: Hypothesis profiles, and no silent skip."""

import os
from collections.abc import Generator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

pytest_plugins = ["tests.hygiene.plugin"] if Path(__file__).with_name("hygiene").is_dir() else []

IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
ALLOWED_SKIPS = Path(__file__).with_name("skips.txt")
LAWS = Path(__file__).with_name("laws")

EXAMPLES = int(os.environ.get("SCOPEGATE_EXAMPLES") or 10_000)
"""How many examples `make nightly` gives to a law."""
STEPS = 10
"""One example of a state machine is a whole story, and costs about as much as so many examples of a law."""

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile(
    "ci", max_examples=100, deadline=None, derandomize=True, database=None, print_blob=True
)
settings.register_profile(
    "nightly",
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "mutation",
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],  # that an example fails is enough; nobody reads the smallest one
)
PROFILE = os.environ.get("SCOPEGATE_HYPOTHESIS") or ("ci" if IN_CI else "dev")
settings.load_profile(PROFILE)


def pytest_configure() -> None:
    """Stop at once if the list of allowed skips is not in order."""
    allowed_skips()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands in tests/laws as a law, so that `make nightly` finds it, and give machines their share."""
    for item in items:
        if item.path.is_relative_to(LAWS):
            item.add_marker(pytest.mark.law)
        machine = getattr(item, "cls", None)
        if PROFILE == "nightly" and isinstance(getattr(machine, "settings", None), settings):
            machine.settings = settings(machine.settings, max_examples=max(1, EXAMPLES // STEPS))


def allowed_skips() -> list[str]:
    """The patterns of test ids that may be skipped in CI; a pattern without a reason is an error."""
    patterns = []
    for line in ALLOWED_SKIPS.read_text("utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        pattern, _, reason = line.partition(" # ")
        if not reason.strip():
            raise pytest.UsageError(f"{ALLOWED_SKIPS.name}: write ' # ' and a reason after {line.strip()!r}")
        patterns.append(pattern.strip())
    return patterns


def refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn an unlisted skip, or expected failure, into a failure where nothing may be missing."""
    if not IN_CI or not report.skipped or any(fnmatchcase(report.nodeid, each) for each in allowed_skips()):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
    report.outcome = "failed"
    report.longrepr = f"{reason}\nNothing may be skipped in CI unless {ALLOWED_SKIPS.name} says why."
    vars(report).pop("wasxfail", None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge the skip of a test."""
    report = yield
    refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Judge the skip of a whole module."""
    report = yield
    refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> Generator[None]:
    """Say at the very end, loudly, that something was not tested."""
    yield
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        terminalreporter.write_line(
            f"NOT TESTED: {len(skipped)} skipped, because something is missing on this machine"
            " (reasons above). CI has it all, and fails on a skip.",
            yellow=True,
            bold=True,
        )
