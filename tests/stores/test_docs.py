"""What docs/stores.md shows works as it stands there."""

import re
from pathlib import Path

import pytest

from scopegate.testing import stores

DOCS = Path(__file__).parents[2] / "docs" / "stores.md"


@pytest.fixture
def sample(tmp_path):
    """The class of the page, ready to run."""
    code = re.search(r"```python\n(import pytest.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    names = {}
    exec(code[1], names)  # noqa: S102 - it is our own page
    sample = names["TestMyStore"]()
    sample.path = tmp_path / "data.db"
    return sample


def test_the_sample_is_a_store_contract_that_runs(sample):
    """Its hooks do what the page says."""
    sample.test_what_was_committed_is_there_after_reopening(sample.make_another(None))
    sample.path = sample.path.with_name("other") / "data.db"
    sample.path.parent.mkdir()
    sample.test_a_dump_has_digests_and_no_secret(sample.make_another(None))


def test_the_page_names_every_class_of_the_kit():
    """And none that is not there."""
    shown = set(re.findall(r"`(\w+Contract)`", DOCS.read_text("utf-8")))
    assert shown == {name for name in stores.__all__ if name.endswith("Contract")}
