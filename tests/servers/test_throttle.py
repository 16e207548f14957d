"""GEN-11: who registers or guesses too often is slowed, and nobody else."""

import pytest
from tests.support import START, Journey

from scopegate.flows.outcomes import Done, OAuthFailure, Registered, TokenReply
from scopegate.flows.register import RegistrationRequest
from scopegate.throttle import MAXIMUM_KEYS, Limit, WindowThrottle

DOCUMENT = RegistrationRequest({"redirect_uris": ["https://client.example/"]})


def test_a_window_lets_so_many_through():
    """The next one is told how long to wait; after that it may."""
    throttle = WindowThrottle({"register": Limit(3, 60.0)})
    assert [throttle.wait("register", "", now=START + number) for number in range(5)] == [0, 0, 0, 57, 56]
    assert throttle.wait("register", "", now=START + 59.999) == pytest.approx(0.001, abs=1e-6)
    assert throttle.wait("register", "", now=START + 60) == 0


def test_keys_and_endpoints_are_counted_apart():
    """One client's failures are not another's, and what has no limit is never slowed."""
    throttle = WindowThrottle({"secret": Limit(1, 60.0)})
    assert throttle.wait("secret", "a", now=START) == 0
    assert throttle.wait("secret", "a", now=START) == 60
    assert throttle.wait("secret", "b", now=START) == 0
    assert throttle.wait("else", "a", now=START) == 0


def test_a_clock_that_was_set_back_does_not_lock_anybody_out():
    """The window starts anew rather than last for as long as the clock was wrong."""
    throttle = WindowThrottle({"secret": Limit(1, 60.0)})
    throttle.wait("secret", "a", now=START)
    assert throttle.wait("secret", "a", now=START - 1_000_000) == 0


def test_the_memory_of_a_throttle_is_bounded():
    """Inventing client ids does not fill it."""
    throttle = WindowThrottle({"secret": Limit(1, 60.0)})
    for number in range(MAXIMUM_KEYS + 10):
        throttle.wait("secret", str(number), now=START)
    assert len(throttle._windows) <= MAXIMUM_KEYS  # noqa: SLF001


def test_inventing_client_ids_frees_nobody():
    """CA-6: what was counted most is remembered longest, while its window lasts."""
    throttle = WindowThrottle({"secret": Limit(2, 60.0), "register": Limit(2, 600.0)})
    for _ in range(3):
        throttle.wait("secret", "guessed at", now=START)
        throttle.wait("register", "", now=START)
    for number in range(3 * MAXIMUM_KEYS):
        throttle.wait("secret", str(number), now=START + 1)
    assert throttle.wait("secret", "guessed at", now=START + 2) == 58
    for number in range(3 * MAXIMUM_KEYS):
        throttle.wait("secret", f"later {number}", now=START + 61)
    assert len(throttle._windows) <= MAXIMUM_KEYS  # noqa: SLF001
    assert throttle.wait("register", "", now=START + 61) == 539
    assert throttle.wait("secret", "guessed at", now=START + 61) == 0


def test_a_long_client_id_takes_no_more_room_than_a_short_one():
    """GEN-11: keys are what strangers send, half characters included."""
    throttle = WindowThrottle({"secret": Limit(1, 60.0)})
    for key in ("c" * 60_000, "\ud800" * 60_000):
        assert throttle.wait("secret", key, now=START) == 0
        assert throttle.wait("secret", key, now=START) == 60
        assert throttle.wait("secret", key + "x", now=START) == 0
    assert max(len(str(place)) for place in throttle._windows) < 100  # noqa: SLF001


def test_guesses_at_a_client_are_slowed(make_world):
    """CA-6: the eleventh wrong secret of a client within a minute gets 429 with the seconds to wait."""
    world = make_world(throttle=None)
    journey = Journey(world, method="client_secret_post")
    journey.register()
    journey.approve()
    answers = [journey.redeem(client_secret=f"guess {number}") for number in range(12)]
    assert [answer.status for answer in answers] == [401] * 10 + [429] * 2
    assert answers[-1] == OAuthFailure("temporarily_unavailable", "too many requests", 429, retry_after=60)
    world.clock.forward(59.5)
    assert journey.redeem(client_secret="guess").retry_after == 1
    world.clock.forward(0.5)
    assert journey.redeem(client_secret="guess").status == 401


def test_guesses_by_revocation_are_the_same_guesses(make_world):
    """CA-6: the endpoint at which somebody guesses does not matter."""
    journey = Journey(make_world(throttle=None), method="client_secret_post").connect()
    answers = [journey.revoke("sga_a.b", client_secret=f"guess {number}") for number in range(12)]
    assert [answer.status for answer in answers] == [401] * 10 + [429] * 2
    assert journey.refresh(client_secret="guess").status == 429
    assert journey.revoke(journey.access_token) == Done()


def test_who_has_the_secret_is_never_slowed_by_those_who_guess(make_world):
    """CA-6: otherwise anybody could lock a client out."""
    world = make_world(throttle=None)
    journey = Journey(world, method="client_secret_post")
    journey.register()
    journey.approve()
    for _ in range(20):
        journey.redeem(client_secret="guess")
    assert isinstance(journey.redeem(), TokenReply)
    for _ in range(20):
        assert isinstance(journey.refresh(), TokenReply)


def test_other_errors_are_no_guesses(make_world):
    """CA-6: an expired code, however often, is invalid_grant."""
    journey = Journey(make_world(throttle=None)).connect()
    assert {journey.redeem().code for _ in range(30)} == {"invalid_grant"}


def test_registration_is_slowed_for_everybody_together(make_world):
    """DCR-7: a flood is answered 429 and stores nothing; a minute later it goes on."""
    world = make_world(throttle=None)
    answers = [world.server.register(DOCUMENT) for _ in range(125)]
    assert sum(isinstance(answer, Registered) for answer in answers) == 120
    assert {answer.status for answer in answers[120:]} == {429}
    assert len(world.store.clients(world.realm, owner=None, after=None, limit=1000).items) == 120
    world.clock.forward(60)
    assert isinstance(world.server.register(DOCUMENT), Registered)


def test_a_registration_that_is_refused_anyway_is_not_counted(make_world):
    """DCR-7: whoever sends what nobody would store locks nobody out."""
    world = make_world(throttle=None, initial_access_tokens=["let me in"])
    for _ in range(130):
        assert world.server.register(RegistrationRequest(None, "Bearer let me in")).status == 400
    guesses = [world.server.register(RegistrationRequest({}, f"Bearer {each}")) for each in range(130)]
    assert [answer.status for answer in guesses] == [401] * 10 + [429] * 120
    admitted = RegistrationRequest(DOCUMENT.document, "Bearer let me in")
    answers = [world.server.register(admitted) for _ in range(121)]
    assert [answer.status for answer in answers if isinstance(answer, OAuthFailure)] == [429]


def test_a_throttle_of_ones_own_decides(make_world):
    """The host's throttle is told the endpoint, the key and the time."""
    heard = []

    class Mine:
        """Lets nobody through."""

        def wait(self, endpoint, key, /, *, now):
            """Remember, and refuse."""
            heard.append((endpoint, key, now))
            return 2.2

    world = make_world(throttle=Mine())
    assert world.server.register(DOCUMENT).retry_after == 3
    journey = Journey(world)
    assert journey.redeem(client_id="nobody", code="x").status == 429
    assert heard == [("register", "", START), ("secret", "nobody", START)]
