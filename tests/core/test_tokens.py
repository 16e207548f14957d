"""The status of a token, derived from facts and the time."""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from scopegate import RoleCap, Status, Token
from scopegate.core.tokens import (
    MAXIMUM_DESCRIPTION,
    MAXIMUM_NAME,
    Settings,
    active_clock,
    status,
    validate_description,
    validate_name,
)
from scopegate.errors import InvalidValueError

CREATED = 1000.0
DAY = 86_400.0
PENDING = Token(
    id="t",
    user="ann",
    client_id="c",
    redirect_uri="https://client.example/",
    scopes=("a",),
    resources=("r",),
    created_at=CREATED,
    settings=Settings(name="T", cap=RoleCap("viewer")),
)
ACTIVE = evolve(PENDING, generation=1)
PAUSED = evolve(ACTIVE, settings=evolve(ACTIVE.settings, active=False, paused_at=CREATED + 10))
ENDING = evolve(ACTIVE, expires_at=CREATED + 100)
REVOKED = evolve(ACTIVE, revoked_at=CREATED + 5)


@pytest.mark.parametrize(
    ("token", "after", "expected"),
    [
        (PENDING, 0, Status.PENDING),
        (PENDING, DAY - 1e-6, Status.PENDING),
        (PENDING, DAY, Status.GONE),
        (PENDING, DAY + 1e-6, Status.GONE),
        (ACTIVE, 10 * DAY, Status.ACTIVE),
        (PAUSED, 10 * DAY, Status.INACTIVE),
        (ENDING, 100 - 1e-6, Status.ACTIVE),
        (ENDING, 100, Status.EXPIRED),
        (ENDING, 100 + 1e-6, Status.EXPIRED),
        (evolve(ENDING, settings=PAUSED.settings), 100, Status.EXPIRED),
        (evolve(ENDING, generation=0), 100, Status.EXPIRED),
        (evolve(ENDING, generation=0), DAY, Status.GONE),
        (REVOKED, 0, Status.REVOKED),
        (REVOKED, -100, Status.REVOKED),
        (evolve(ENDING, revoked_at=1.0), 10 * DAY, Status.REVOKED),
        (evolve(PENDING, revoked_at=1.0), DAY - 1e-6, Status.REVOKED),
        (evolve(PENDING, revoked_at=1.0), DAY, Status.GONE),
        (evolve(ACTIVE, lapses_at=CREATED + 50), 50 - 1e-6, Status.ACTIVE),
        (evolve(ACTIVE, lapses_at=CREATED + 50), 50, Status.REVOKED),
        (evolve(ENDING, lapses_at=CREATED + 50), 50 - 1e-6, Status.ACTIVE),
        (evolve(ENDING, lapses_at=CREATED + 50), 100, Status.REVOKED),
        (evolve(ENDING, lapses_at=CREATED + 100), 100, Status.REVOKED),
        (evolve(ENDING, lapses_at=CREATED + 150), 100, Status.EXPIRED),
        (evolve(ENDING, lapses_at=CREATED + 150), 150, Status.EXPIRED),
    ],
)
def test_the_status_follows_from_facts_and_time(token, after, expected):
    """Terminal states win, gone wins over expired, and each border belongs to what comes after it."""
    assert status(token, now=CREATED + after, pending_lifetime=DAY) is expected


tokens = st.builds(
    lambda generation, expires, revoked, active: evolve(
        PENDING,
        generation=generation,
        expires_at=expires,
        revoked_at=revoked,
        settings=evolve(PENDING.settings, active=active),
    ),
    st.integers(0, 3),
    st.none() | st.floats(0, 1e6),
    st.none() | st.floats(0, 1e6),
    st.booleans(),
)


@given(tokens, st.floats(0, 1e7), st.floats(0, 1e7))
def test_time_never_revives_a_token(token, earlier, later):
    """Once expired, gone or revoked at a time, it is so at every later time, and only the active are active."""
    earlier, later = sorted((earlier, later))
    dead = {Status.EXPIRED, Status.GONE, Status.REVOKED}
    if status(token, now=earlier, pending_lifetime=DAY) in dead:
        assert status(token, now=later, pending_lifetime=DAY) in dead
    if status(token, now=earlier, pending_lifetime=DAY) is Status.ACTIVE:
        assert token.revoked_at is None
        assert token.generation > 0
        assert token.settings.active
        assert token.expires_at is None or earlier < token.expires_at


def test_the_active_clock_stands_still_while_paused():
    """It runs with the time, less all pauses; a clock set back never makes it run ahead."""
    assert active_clock(ACTIVE, 5000.0) == 5000
    assert active_clock(PAUSED, 5000.0) == CREATED + 10
    assert active_clock(PAUSED, 900.0) == 900
    earlier = evolve(PAUSED, settings=evolve(PAUSED.settings, paused_for=100.0))
    assert active_clock(earlier, 5000.0) == CREATED - 90
    assert active_clock(evolve(ACTIVE, settings=evolve(ACTIVE.settings, paused_for=7.0)), 5000.0) == 4993


@pytest.mark.parametrize("name", ["x", " x ", "x" * MAXIMUM_NAME, "\U0001f600"])
def test_names_are_trimmed(name):
    """1 to 255 characters."""
    assert validate_name(name) == name.strip()


@pytest.mark.parametrize("name", ["", " ", "\n", "x" * (MAXIMUM_NAME + 1)])
def test_names_that_are_none_are_refused(name):
    """The problem says how long a name may be."""
    with pytest.raises(InvalidValueError, match=r"name: .*255"):
        validate_name(name)


def test_descriptions_have_a_limit():
    """32,767 characters; empty is a description."""
    for text in ("", "x" * MAXIMUM_DESCRIPTION):
        assert validate_description(text) == text
    with pytest.raises(InvalidValueError, match=r"description: .*32767"):
        validate_description("x" * (MAXIMUM_DESCRIPTION + 1))


def test_statuses_are_stable_words():
    """They stand in JSON."""
    assert [each.value for each in Status] == ["pending", "active", "inactive", "expired", "revoked", "gone"]


def test_an_advance_changes_what_it_is_about_and_nothing_else():
    """Generation, time, answer and end; all the rest is carried along, what a newer release wrote too."""
    facts = {
        "id": "i",
        "user": "u",
        "client_id": "c",
        "redirect_uri": "r",
        "scopes": ("s",),
        "resources": ("p",),
        "created_at": 1.0,
        "settings": PENDING.settings,
        "expires_at": 2.0,
        "refreshable": False,
        "catalogue": "k",
        "code_salt": "x",
        "version": 3,
        "generation": 4,
        "revoked_at": 5.0,
        "revoked_reason": "y",
        "last_used_at": 6.0,
        "last_wrote_at": 7.0,
        "unknown": {"later": 8},
    }
    before = Token(**facts, advanced_at=9.0, reply=b"old", lapses_at=10.0)
    after = before.advanced(11.0, b"new", 12.0)
    assert after == Token(**facts | {"generation": 5}, advanced_at=11.0, reply=b"new", lapses_at=12.0)
    assert before.advanced(11.0, None, None).lapses_at is None
