"""The store of the examples, written from the documentation alone, passes the contract of every store."""

import sys
from functools import partial
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import ClassVar

import pytest
from tests.support import Journey, RecordedEntropy, World

from scopegate.errors import StoreUnavailableError
from scopegate.flows.outcomes import TokenReply
from scopegate.testing import Capabilities, OutageContract, StoreContract
from scopegate.testing._store_crowds import Crowds

EXAMPLE = Path(__file__).parents[2] / "examples" / "json_store" / "store.py"


def loaded():
    """The module of the example."""
    spec = spec_from_file_location("json_store_example", EXAMPLE)
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


JSONStore = loaded().JSONStore


def opened(path):
    """What another process opens."""
    return JSONStore(path)


@pytest.mark.stores
class TestJSONStore(StoreContract, OutageContract):
    """All of it."""

    capabilities = Capabilities(durable=True, cross_process=True)
    crowd = 20  # each commit writes the whole file; the whole crowd has its turn below
    declined: ClassVar = {
        "A": "a commit has one write, the replacement of the file, and that has happened or not",
        "M": "there is one form of the file so far",
    }

    def recipe(self, store):
        """The same file."""
        assert store
        return partial(opened, self.path)

    @pytest.fixture
    def store(self, tmp_path):
        """An empty store for each test."""
        self.path = tmp_path / "data.json"
        return JSONStore(self.path)

    def make_another(self, store):
        """Another store over the same file."""
        assert store
        return JSONStore(self.path)

    def reopen(self, store):
        """The same file after a restart."""
        store.close()
        return JSONStore(self.path)

    def dump(self, store):
        """The file."""
        assert store
        return self.path.read_bytes()

    @pytest.fixture
    def unreachable(self, tmp_path):
        """A store whose folder is not there."""
        return JSONStore(tmp_path / "nowhere" / "data.json")


def test_a_server_works_with_it(tmp_path):
    """From registration to a refreshed, recapped and deleted token, and over again after a restart."""
    entropy = RecordedEntropy()
    for round_ in range(2):
        with World(store=JSONStore(tmp_path / "data.json"), entropy=entropy) as world:
            journey = Journey(world).connect()
            assert isinstance(journey.refresh(), TokenReply)
            assert journey.access("Application.read", application="rocket").user == "ann"
            assert len(world.server.tokens("ann").items) == round_ + 1
            world.server.pause("ann", journey.token_id)
            assert journey.access().reason == "paused"


def test_a_file_that_is_damaged_is_an_outage(tmp_path):
    """Nothing is decided from half of a file."""
    path = tmp_path / "data.json"
    path.write_text('{"default": {"tokens": ["dict", ')
    with pytest.raises(StoreUnavailableError):
        JSONStore(path).client("default", "x")


@pytest.mark.stores
@pytest.mark.slow
@pytest.mark.timeout(600)
class TestWholeCrowd(Crowds):
    """Two hundred of each, as for the stores of the library."""

    make_another, recipe = TestJSONStore.make_another, TestJSONStore.recipe
    store = TestJSONStore.store
