"""The machine of interleaved commits notices what it is there for: each of these mistakes breaks it."""

from contextlib import contextmanager

import pytest
from attrs import evolve
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from tests.laws.test_interleaved import Interleaved

from scopegate.core import permissions
from scopegate.core.changes import AdvanceToken, ReviseToken
from scopegate.core.lifecycle import Cause
from scopegate.flows import bulk, manage
from scopegate.stores._rooms import Room

MANY = settings(
    max_examples=5000,  # ends with the first that breaks; what is drawn depends on which modules are there
    stateful_step_count=30,
    database=None,
    deadline=None,
    derandomize=True,
    phases=[Phase.generate],
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)


def unguarded(kind):
    """A store that writes a kind of change whatever its guard says."""

    def plant(monkeypatch):
        lead = Room.lead

        def careless(room, change):
            row = room.row(getattr(change, "token_id", ""))
            if isinstance(change, kind) and row is not None:
                name = "expected_version" if kind is ReviseToken else "expected_generation"
                own = row.token.version if kind is ReviseToken else row.token.generation
                change = evolve(change, **{name: own})
            return lead(room, change)

        monkeypatch.setattr(Room, "lead", careless)

    return plant


def cuts_are_forgotten(monkeypatch):
    """An organization that took itself out is reached all the same."""
    ranked = permissions.ranked
    monkeypatch.setattr(
        permissions, "ranked", lambda cap, _, ranks, **more: ranked(cap, frozenset(), ranks, **more)
    )


def ended_tokens_are_edited(monkeypatch):
    """An expired token may still be changed."""
    monkeypatch.setattr(manage, "require", lambda *_: None)


def another_users_token_is_found(monkeypatch):
    """Whoever knows an id sees the token."""
    monkeypatch.setattr(
        manage, "detail", lambda config, record, _, *, now: manage.found(config, record, now=now)
    )


def the_host_pauses_what_has_ended(monkeypatch):
    """A deed to many tokens does not look at the status."""
    permits = bulk.permits
    monkeypatch.setattr(
        bulk, "permits", lambda status, cause: cause is Cause.PAUSED or permits(status, cause)
    )


MISTAKES = {
    "a revision ignores its guard": unguarded(ReviseToken),
    "an advance ignores its guard": unguarded(AdvanceToken),
    "cuts are forgotten": cuts_are_forgotten,
    "ended tokens are edited": ended_tokens_are_edited,
    "another user's token is found": another_users_token_is_found,
    "the host pauses what has ended": the_host_pauses_what_has_ended,
}


@contextmanager
def planted(mistake):
    """The library with one mistake in it."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        MISTAKES[mistake](monkeypatch)
        yield


@pytest.mark.nightly  # each takes thousands of stories
@pytest.mark.slow
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_noticed(mistake):
    """Without it the same examples pass, which `test_interleaved` shows."""
    with planted(mistake), pytest.raises((AssertionError, TypeError)):
        run_state_machine_as_test(Interleaved, settings=MANY)
