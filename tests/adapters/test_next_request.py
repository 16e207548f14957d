"""Whatever changes between two requests, with one token and one server object, bites on the very next one (law 2)."""

import pytest
from attrs import frozen
from tests.adapters.callers import CALLERS, DONE
from tests.support import People
from tests.support.people import PLACES

from scopegate import RoleCap
from scopegate.core.caps import ApplicationCap
from scopegate.stores import MemoryStore, SQLiteStore


@frozen
class Change:
    """What is done, what the next call says then, and what makes up for it; None: nothing can."""

    do: object
    reason: str
    undo: object = None


def recap(*cap, **more):
    """Choose another cap."""
    return lambda caller: caller.world.server.recap("ann", caller.journey.token_id, RoleCap(*cap, **more))


def manage(name):
    """Let the user do something to the token."""
    return lambda caller: getattr(caller.world.server, name)("ann", caller.journey.token_id)


def people(name, *arguments):
    """Change the directory."""
    return lambda caller: getattr(caller.world.people, name)(*arguments)


def back(caller):
    """Everything in the directory as it was."""
    caller.world.people.places = dict(PLACES)
    caller.world.people.disabled.clear()


CHANGES = {
    "a lower role": Change(people("role", "ann", "acme", "viewer"), "role_too_low", back),
    "leaving the organization": Change(people("leave", "ann", "acme"), "role_too_low", back),
    "another owner": Change(people("move", "rocket", "globex"), "role_too_low", back),
    "a lower cap": Change(recap("viewer"), "role_too_low", recap("editor")),
    "a lower cap there": Change(recap("editor", {"acme": "viewer"}), "role_too_low", recap("editor")),
    "a lower cap of it": Change(
        recap("editor", applications={"rocket": ApplicationCap("viewer", "acme")}),
        "role_too_low",
        recap("editor"),
    ),
    "a pause": Change(manage("pause"), "paused", manage("resume")),
    "a deletion": Change(manage("delete"), "invalid_token"),
    "giving it back": Change(
        lambda caller: caller.journey.revoke(caller.journey.refresh_token), "invalid_token"
    ),
    "a disabled account": Change(
        lambda caller: caller.world.people.disabled.add("ann"), "invalid_token", back
    ),
    "time": Change(lambda caller: caller.world.clock.forward(3600), "invalid_token"),
}


@pytest.fixture
def make_caller():
    """Makes callers and closes them."""
    made = []

    def make(name, **options):
        made.append(CALLERS[name](name, **options))
        return made[-1]

    yield make
    for caller in made:
        caller.close()


def assert_it_bites(caller, change):
    """Allowed, then refused at once, then allowed at once where that is possible."""
    assert caller.call() == DONE
    change.do(caller)
    assert caller.call() == change.reason, "the next call is refused"
    if change.undo is not None:
        change.undo(caller)
        assert caller.call() == DONE, "the next call is allowed again"


@pytest.mark.parametrize("kept", ["memory", "sqlite"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", CALLERS)
def test_a_change_bites_on_the_very_next_request(make_caller, tmp_path, name, change, kept):
    """OPS-4, OPS-5, law 1: through every adapter, both colours, the MCP endpoint with and without sessions."""
    store = MemoryStore() if kept == "memory" else SQLiteStore(tmp_path / "store.db", synchronous="NORMAL")
    assert_it_bites(make_caller(name, store=store), CHANGES[change])


class OldStandings(People):
    """A directory that answers as it did before."""

    def __init__(self) -> None:
        super().__init__()
        self.answers = {}

    def standing(self, user, /, **places):
        """The first answer, for ever."""
        return self.answers.setdefault((user, *places.items()), super().standing(user, **places))


class OldRecords(MemoryStore):
    """A store that shows tokens as they were when it was first asked by a live access token."""

    def __init__(self) -> None:
        super().__init__()
        self.records = {}

    def token(self, realm, token_id, digest=None, /):
        """The first record, for ever."""
        found = super().token(realm, token_id, digest)
        if found and found.credential and found.credential.kind == "sga":
            return self.records.setdefault(digest, found)
        return found


@pytest.mark.parametrize(
    ("change", "options"),
    [
        ("a lower role", {"people": OldStandings}),
        ("another owner", {"people": OldStandings}),
        ("a lower cap", {"store": OldRecords}),
        ("a pause", {"store": OldRecords}),
    ],
)
@pytest.mark.parametrize("name", CALLERS)
def test_a_memory_that_is_too_long_would_be_seen(make_caller, name, change, options):
    """With standings or records that outlive a request, the same test fails."""
    caller = make_caller(name, **{option: make() for option, make in options.items()})
    with pytest.raises(AssertionError, match="the next call is refused"):
        assert_it_bites(caller, CHANGES[change])
