"""The names of the kit: all there, and cheap for who needs no tests."""

import subprocess
import sys

import pytest

from scopegate import protocols, testing
from scopegate.testing import directories, stores


def test_every_public_name_is_there():
    """The contracts too, which are loaded when they are asked for."""
    assert sorted(testing.__all__) == testing.__all__
    assert all(getattr(testing, name) is not None for name in testing.__all__)
    assert testing.Capabilities is protocols.Capabilities
    assert testing.StoreContract is stores.StoreContract
    assert testing.DirectoryContract is directories.DirectoryContract


def test_a_name_that_is_not_there_is_an_ordinary_error():
    """A typing error is told as Python tells it."""
    with pytest.raises(
        AttributeError, match=r"^module 'scopegate\.testing' has no attribute 'StoreContact'$"
    ):
        testing.StoreContact  # noqa: B018 - the attribute is looked up, and that is all


def test_the_stand_ins_need_neither_pytest_nor_hypothesis():
    """A host may use a clock or a directory in memory without them."""
    code = (
        "import sys; from scopegate.testing import Capabilities, Clock, MemoryDirectory;"
        "sys.exit(bool({'pytest', 'hypothesis'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("cross_process", [True, False])
def test_a_contract_asks_for_what_is_claimed_and_names_the_rest(durable, cross_process):
    """Also where one contract is made of another that claims something else."""

    class First(testing.StoreContract):
        capabilities = testing.Capabilities(durable=not durable, cross_process=not cross_process)

    class Second(First):
        capabilities = testing.Capabilities(durable=durable, cross_process=cross_process)
        unreachable = None

    asked = {name for name in dir(testing.StoreContract) if name.startswith("test_")}
    asked = {name for name in asked if getattr(Second, name) is not None}
    assert ("test_what_was_committed_is_there_after_reopening" in asked) is durable
    assert any("_processes_" in name for name in asked) is cross_process
    assert "test_what_cannot_be_reached_is_an_outage" in asked
    assert "test_what_cannot_be_reached_is_an_outage" in First.not_asked
    assert not set(Second.not_asked) & asked
    assert all(Second.not_asked.values())
