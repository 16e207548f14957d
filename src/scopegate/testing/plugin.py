"""A plugin for pytest that reports on contracts: ``-p scopegate.testing.plugin --scopegate-report=PATH``.

``PATH.json`` and ``PATH.md`` say for each contract that ran what the store declares, how many tests of each group
passed, failed or were declined, what was not asked, and how long each group took. Without the option nothing is
written; the plugin then only marks each test with its group, so that ``-m 'scopegate_group(letter="O")'`` selects one.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from attrs import asdict, define, field

from scopegate.testing._groups import GROUPS, VERSION, group_of

_PROPERTY: Final = "scopegate_contract"
_OUTCOMES: Final = ("passed", "failed", "declined")


@define
class Tally:
    """The tests of one group.

    Attributes:
        passed: how many.
        failed: how many, also while they were prepared or cleaned up.
        declined: how many the author declined, or could not run.
        seconds: how long all of them took.
    """

    passed: int = 0
    failed: int = 0
    declined: int = 0
    seconds: float = 0.0


@define
class Contract:
    """What ran of one class.

    Attributes:
        name: of the class.
        capabilities: what the store declares.
        not_asked: why tests were not collected.
        reasons: why tests were declined.
        groups: the tallies by letter.
    """

    name: str
    capabilities: Mapping[str, object]
    not_asked: Mapping[str, str] = field(factory=dict[str, str])
    reasons: dict[str, str] = field(factory=dict[str, str])
    groups: dict[str, Tally] = field(factory=dict[str, Tally])

    def total(self, outcome: str) -> int:
        """How many tests ended so."""
        return sum(getattr(tally, outcome) for tally in self.groups.values())

    @property
    def badge(self) -> str:
        """One line."""
        counts = [f"{self.total('passed')} passed"]
        counts += [
            f"{count} {outcome}" for outcome in ("failed", "declined") if (count := self.total(outcome))
        ]
        return f"scopegate store contract {VERSION}: {', '.join(counts)}"


class Reporter:
    """Counts what ran."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.contracts: dict[str, Contract] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Count a phase of a test: its time always, its outcome once."""
        known = dict(report.user_properties).get(_PROPERTY)
        if known is None:
            return
        name, letter, capabilities, not_asked = json.loads(str(known))
        contract = self.contracts.setdefault(name, Contract(name, capabilities, not_asked))
        tally = contract.groups.setdefault(letter, Tally())
        tally.seconds += report.duration
        if report.failed:
            tally.failed += 1
        elif report.skipped:
            tally.declined += 1
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
            contract.reasons[report.nodeid.rpartition("::")[2]] = reason
        elif report.when == "call":
            tally.passed += 1

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Write the files, and print the seconds of each group."""
        contracts = [self.contracts[name] for name in sorted(self.contracts)]
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.with_suffix(".json").write_text(as_json(contracts), "utf-8")
        self._path.with_suffix(".md").write_text(as_markdown(contracts), "utf-8")
        terminalreporter.section("contracts")
        for contract in contracts:
            seconds = " ".join(
                f"{letter} {contract.groups[letter].seconds:.1f}"
                for letter in GROUPS
                if letter in contract.groups
            )
            terminalreporter.write_line(f"{contract.name}: {contract.badge}; seconds: {seconds}")
        terminalreporter.write_line(f"written to {self._path.with_suffix('.json')} and .md")


def as_json(contracts: Sequence[Contract]) -> str:
    """The report for programs."""
    found = [
        asdict(contract)
        | {"badge": contract.badge, "totals": {each: contract.total(each) for each in _OUTCOMES}}
        for contract in contracts
    ]
    return json.dumps({"contract": VERSION, "groups": GROUPS, "stores": found}, indent=2) + "\n"


def as_markdown(contracts: Sequence[Contract]) -> str:
    """The report for people."""
    lines = [f"# Store contract {VERSION}", ""]
    for contract in contracts:
        lines += [f"## {contract.name}", "", contract.badge, ""]
        claimed = ", ".join(f"{name} = {value}" for name, value in contract.capabilities.items())
        lines += [f"Declared: {claimed}.", "", "| group | passed | failed | declined | seconds |"]
        lines.append("|---|---|---|---|---|")
        for letter, what in GROUPS.items():
            tally = contract.groups.get(letter, Tally())
            cells = (tally.passed, tally.failed, tally.declined, f"{tally.seconds:.1f}")
            lines.append(f"| {letter}: {what} | {' | '.join(map(str, cells))} |")
        told = [f"- {name}: {reason}" for name, reason in sorted(contract.reasons.items())]
        told += [f"- {name}: not asked, for {why}" for name, why in sorted(contract.not_asked.items())]
        lines += ["", *told, ""]
    return "\n".join(lines)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Know the option."""
    parser.getgroup("scopegate").addoption(
        "--scopegate-report", metavar="PATH", help="write PATH.json and PATH.md about the contracts that ran"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Know the marker. Report, if that was asked for; of many workers the one that hands out the tests does."""
    config.addinivalue_line(
        "markers", "scopegate_group(letter): the group of a contract that a test belongs to, by its letter"
    )
    path = config.getoption("--scopegate-report")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Reporter(Path(path)), "scopegate-report")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark each test with its group, before tests are selected by their marks, and note what it belongs to."""
    for item in items:
        owner, test = getattr(item, "cls", None), getattr(item, "function", None)
        letter = group_of(test, owner)
        if letter is None or owner is None:
            continue
        item.add_marker(pytest.mark.scopegate_group(letter=letter))
        if config.getoption("--scopegate-report"):
            item.user_properties.append((_PROPERTY, json.dumps(_noted(item, owner, letter))))


def _noted(item: pytest.Item, owner: type, letter: str) -> list[object]:
    """What the report has to know of a test."""
    capabilities: Any = getattr(owner, "capabilities", None)
    declared = asdict(capabilities) if capabilities is not None else {}
    return [
        f"{item.path.stem}.{owner.__name__}",
        letter,
        declared,
        dict(getattr(owner, "not_asked", {})),
    ]
