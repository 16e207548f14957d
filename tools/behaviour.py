"""Write docs/behaviour.md anew: every promise to a user, in the words of the test that holds us to it."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "behaviour.md"
TESTS: Final = ROOT / "tests" / "seed"
SECTIONS: Final = (
    "what_a_token_is",
    "the_list",
    "authorizing",
    "requested_scopes",
    "managing",
    "pending",
    "expiry",
    "deleting_and_pausing",
)
HEAD: Final = """# What a user can rely on

Each line is a promise, and a test that fails if it is broken. The tests go through the public server, in both colours,
with the five roles and seven scopes of `presets.user_tokens()`. Where a promise can be read in more than one way, "our
reading" says which one is kept; "open" says what is not built yet. This page is made of the tests by
`tools/behaviour.py`.
"""


def main() -> int:
    """Write the page anew, and answer with 0."""
    PAGE.write_text(page(), "utf-8")
    return 0


def page() -> str:
    """The page as the tests have it now.

    Raises:
        ValueError: a file of tests has no section here, or a section no file.
    """
    found = {path.stem.removeprefix("test_") for path in TESTS.glob("test_*.py")}
    if found != set(SECTIONS):
        raise ValueError(
            f"tests/seed has the files {sorted(found)}, and the page the sections {sorted(SECTIONS)}"
        )
    return HEAD + "".join(line for name in SECTIONS for line in _section(name))


def _section(name: str) -> Iterator[str]:
    path = TESTS / f"test_{name}.py"
    tree = ast.parse(path.read_text("utf-8"))
    yield f"\n## {_first(tree).rstrip('.')}\n\n| promise | more of it | test |\n|---|---|---|\n"
    for each in tree.body:
        if isinstance(each, ast.FunctionDef) and each.name.startswith("test_"):
            promise = each.name.removeprefix("test_").replace("_", " ")
            link = f"[`{each.name}`](../tests/seed/{path.name}#L{each.lineno})"
            yield f"| {promise[0].upper()}{promise[1:]}. | {_first(each)} | {link} |\n"


def _first(node: ast.Module | ast.FunctionDef) -> str:
    """The docstring of a node, on one line."""
    return " ".join((ast.get_docstring(node) or "").split())


if __name__ == "__main__":
    sys.exit(main())
