"""Mutate the pure rooms and fail on every survivor that is not on the list.

A mutant is a small change of the code (a ``<`` for a ``<=``, a None for a value). One that no test notices is
either a gap in the tests or means the same as the original; the latter are listed, each with the reason, in
`survivors.txt`:

    scopegate.core.caps.lower: return min(a, b) -> return min(b, a)  # the order makes no difference

Lines are named by what they say, not by number, so the list outlives edits elsewhere. With ``--base`` only
modules that changed since that commit are tried, with ``--only core/caps.py`` those that are named. The run
stops at ``--seconds``; what was not reached is counted and said, and a second run goes on from there.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LISTED = Path(__file__).with_name("survivors.txt")
PACKAGE = Path("src/scopegate")
PURE_ROOMS = ("src/scopegate/core", "src/scopegate/flows")
MUTMUT = (sys.executable, "-m", "mutmut")
GRACE = 30
"""Seconds for mutmut to stop its workers before it is killed."""
UNNOTICED = ("survived", "suspicious", "segfault")
"""States of a mutant that ran under tests that did not fail. One that ran into its time limit was noticed."""
SENTENCE = re.compile(r"""("|')(?:(?!\1).)*\w \w(?:(?!\1).)*\1""")
"""A string of several words. Tests that would notice each other wording of a message only repeat it."""
MOST_DESCRIBED = 200
"""To find out what a mutant changed takes half a second; more survivors than this are named only."""


def main() -> int:
    """Mutate, report, and answer with 0 when every survivor is listed."""
    options = _options()
    patterns = [_pattern(path) for path in options.only] or _patterns(options.base)
    if patterns == []:
        print(f"Nothing to mutate: no module of core or flows changed since {options.base}.")
        return 0
    if not _mutate(patterns or [], options.seconds):
        return 2
    results = _results(patterns or ["*"])
    unreached = Counter(_function(name) for name, state in results.items() if state == "no tests")
    for function, count in sorted(unreached.items()):
        print(f"NO TEST REACHES {function} ({count} mutants)")
    names = [name for name, state in results.items() if state in UNNOTICED]
    described = [each for name in names[:MOST_DESCRIBED] if (each := _describe(name)) is not None]
    survivors = described + names[MOST_DESCRIBED:]
    verdict = _report(
        Counter(results.values()), sorted(survivors), set(_listed()), everything=patterns is None
    )
    return 1 if unreached else verdict


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Mutate the pure rooms; fail on survivors that are not listed."
    )
    chosen = parser.add_mutually_exclusive_group()
    chosen.add_argument("--base", help="try only modules that changed since this commit")
    chosen.add_argument(
        "--only", nargs="+", default=[], metavar="PATH", help="try only these, as core/caps.py"
    )
    parser.add_argument("--seconds", type=int, default=600, help="stop after this long (default: 600)")
    return parser.parse_args()


def _patterns(base: str | None) -> list[str] | None:
    """Names of the mutants to try; None: all."""
    if base is None:
        return None
    command = ["git", "diff", "--name-only", "--diff-filter=d", base, "--", *PURE_ROOMS]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    package = f"{PACKAGE.as_posix()}/"
    return [_pattern(line.removeprefix(package)) for line in done.stdout.splitlines() if line.endswith(".py")]


def _pattern(path: str) -> str:
    """The names of all mutants of a module, which is given by its path in the package."""
    if not (ROOT / PACKAGE / path).is_file():
        sys.exit(f"There is no module {PACKAGE / path}: name it like core/caps.py")
    parts = (PACKAGE / path).relative_to("src").with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__") + ".*"


def _mutate(patterns: list[str], seconds: int) -> bool:
    """Run mutmut for at most so long; whether it came as far as to try mutants."""
    environment = os.environ | {"SCOPEGATE_HYPOTHESIS": "mutation", "CI": ""}
    process = subprocess.Popen([*MUTMUT, "run", *patterns], cwd=ROOT, env=environment, start_new_session=True)
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        print(f"\nThe budget of {seconds} s is used up; stopping.")
        process.send_signal(signal.SIGINT)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    return True


def _ask_mutmut(*arguments: str) -> str:
    return subprocess.run([*MUTMUT, *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


def _results(patterns: Iterable[str]) -> dict[str, str]:
    """The state of each mutant that was to be tried."""
    wanted = re.compile("|".join(re.escape(each).replace(r"\*", ".*") for each in patterns))
    found = re.findall(r"^ +(\S+): (.+)$", _ask_mutmut("results", "--all", "true"), re.MULTILINE)
    return {name: state for name, state in found if wanted.fullmatch(name)}


def _describe(name: str) -> str | None:
    """Say which function a mutant is of, and what was changed in it; None if only the wording of a message."""
    diff = _ask_mutmut("show", name).splitlines()
    removed = " ".join(line[1:].strip() for line in diff if re.match(r"-(?!--)", line))
    added = " ".join(line[1:].strip() for line in diff if re.match(r"\+(?!\+\+)", line))
    if SENTENCE.sub('"..."', removed) == SENTENCE.sub('"..."', added):
        return None
    return f"{_function(name)}: {removed} -> {added}"


def _function(name: str) -> str:
    """The dotted name of the function that a mutant is of."""
    plain = re.sub(r"__mutmut_\d+$", "", name)
    return re.sub(r"\.xǁ(\w+)ǁ(\w+)$", r".\1.\2", re.sub(r"\.x_(\w+)$", r".\1", plain))


def _listed() -> Iterator[str]:
    """The survivors that were judged to mean the same as the original."""
    for line in LISTED.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            survivor, _, reason = line.rpartition("  # ")
            if not reason.strip() or not survivor:
                sys.exit(f"{LISTED.name}: write two spaces, '# ' and the reason after {line!r}")
            yield survivor


def _report(states: Counter[str], survivors: list[str], listed: set[str], *, everything: bool) -> int:
    """Print what came of it; 0 when nothing is left to do."""
    unlisted = [each for each in survivors if each not in listed]
    stale = sorted(listed - set(survivors)) if everything and not states["not checked"] else []
    for each in unlisted:
        print(f"SURVIVED {each}")
    for each in stale:
        print(f"LISTED, BUT KILLED OR GONE {each}")
    counts = ", ".join(f"{count} {state}" for state, count in states.most_common())
    print(f"Mutants: {sum(states.values())} ({counts or 'none'}); {len(unlisted)} unlisted survivors.")
    if unlisted:
        print(f"Write the missing test, or list the mutant with its reason in tools/{LISTED.name}.")
    if stale:
        print(f"Take what is killed or gone out of tools/{LISTED.name}.")
    return 1 if unlisted or stale else 0


if __name__ == "__main__":
    sys.exit(main())
