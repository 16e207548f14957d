"""docs/clients.md: its samples run."""

import re
import secrets
from pathlib import Path

from scopegate.flows.sealing import new_key

PAGE = Path(__file__).parents[2] / "docs" / "clients.md"


def test_the_samples_run_one_after_another(monkeypatch):
    """In the order of the page."""
    monkeypatch.setenv("SCOPEGATE_KEY", new_key(secrets.token_bytes))
    samples = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert len(samples) == 4
    names = {"__name__": "sample"}
    for sample in samples:
        exec(compile(sample, str(PAGE), "exec"), names)  # noqa: S102 - our own page
