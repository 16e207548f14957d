"""Every exception from a rule of the linter or of a type checker says why it is one."""

import io
import re
import tokenize
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXCEPTION = re.compile(r"#\s*(noqa|type:\s*ignore|pyright:\s*ignore|pragma:\s*no\s*(?:cover|branch))\b")
EXPLAINED = re.compile(
    r"#\s*(?:noqa:\s*[A-Z]+\d+(?:,\s*[A-Z]+\d+)*|(?:type|pyright):\s*ignore\[[\w, -]+\]|pragma:\s*no\s*\w+)"
    r"\s*(?:-|#)\s+\w"
)


def unexplained(source):
    """The comments of a module that make an exception and do not say why."""
    comments = (
        token.string
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.COMMENT
    )
    return [each for each in comments if EXCEPTION.search(each) and not EXPLAINED.search(each)]


def test_every_exception_says_why():
    """A reader need not guess whether it still holds."""
    found = {
        (path.relative_to(ROOT / "src/scopegate").as_posix(), code)
        for path in (ROOT / "src").rglob("*.py")
        for comment in unexplained(path.read_text("utf-8"))
        for code in re.findall(r"[A-Z]+\d+|(?<=\[)[\w-]+|noqa$", comment)
    }
    assert not found


@pytest.mark.parametrize(
    "comment",
    [
        "# noqa",
        "# noqa: S101",
        "# noqa: S101 -",
        "# noqa: S101, ANN401",
        "# type: ignore",
        "# type: ignore[union-attr]",
        "# pyright: ignore[reportPrivateUsage]",
        "# pragma: no cover",
    ],
)
def test_one_without_a_reason_is_found(comment):
    """In any of the forms; the same with a reason is not."""
    assert unexplained(f"x = 1  {comment}\n") == [comment]
    assert unexplained(f"x = '{comment}'\n") == []
    if comment not in {"# noqa", "# noqa: S101 -", "# type: ignore"}:
        for explained in (f"{comment} - it cannot happen", f"{comment}  # it cannot happen"):
            assert unexplained(f"x = 1  {explained}\n") == []
