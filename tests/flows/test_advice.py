"""Advice: what a user could take away from a token without a loss, and the use that it is told by."""

import pytest
from attrs import evolve
from tests.support import Journey, WatchedStore, World

from scopegate import AccessClass, ApplicationCap, Catalogue, Level, RoleCap, RoleLadder, presets
from scopegate.core.changes import Touch
from scopegate.errors import StoreUnavailableError
from scopegate.flows.advice import Advice, AdviceKind, reading_role
from scopegate.profiles import DAY, DEFAULT, MINUTE

ROLES = dict.fromkeys(AccessClass, "a")
PATIENCE = DEFAULT.advice_after


def look(journey):
    """Use the token for reading, and say what is advised then."""
    assert not hasattr(journey.access("Application.read", application="rocket"), "status")
    return journey.server.advice("ann", journey.token_id)


@pytest.mark.parametrize(("after", "expected"), [(-1e-6, False), (0, True), (1e-6, True)])
def test_a_token_that_only_reads_is_better_a_viewer(connected, world, after, expected):
    """It has not written for 90 days: lower it to view?"""
    since = world.clock.now
    world.clock.forward(PATIENCE + after)
    connected.refresh()
    assert look(connected) == ((Advice(AdviceKind.ONLY_READS, since, "viewer"),) if expected else ())


def test_whoever_writes_is_left_alone(connected, world):
    """A change through the token begins the time anew; a change that was refused is none."""
    world.clock.forward(PATIENCE - DAY)
    connected.refresh()
    assert not hasattr(connected.access("Application.write", application="rocket"), "status")
    wrote = world.clock.now
    world.clock.forward(2 * DAY)
    connected.refresh()
    assert connected.access("Application.write", application="lamp").status == 403
    assert look(connected) == ()
    world.clock.forward(PATIENCE)
    connected.refresh()
    assert look(connected) == (Advice(AdviceKind.ONLY_READS, wrote, "viewer"),)


def test_a_write_that_is_asked_about_later_counts_too(connected, world):
    """`refusal` is how adapters ask."""
    granted = connected.access()
    assert connected.token.last_wrote_at is None
    assert (
        world.server.refusal(granted, "Application.read", "Application.write", application="rocket") is None
    )
    assert connected.token.last_wrote_at == world.clock.now
    world.clock.forward(1)
    assert world.server.refusal(granted, "Application.write", application="lamp").status == 403


@pytest.mark.parametrize("cap", [RoleCap("viewer"), RoleCap("none", {"acme": "viewer"}), RoleCap("none")])
def test_a_token_that_cannot_write_is_given_no_advice(connected, world, cap):
    """Its roles are as low as its use."""
    world.server.recap("ann", connected.token_id, cap)
    world.clock.forward(PATIENCE)
    connected.refresh()
    connected.access()
    assert world.server.advice("ann", connected.token_id) == ()


@pytest.mark.parametrize(
    "cap",
    [
        RoleCap("none", {"acme": "editor"}),
        RoleCap("none", {}, "editor"),
        RoleCap("none", {}, None, {"rocket": ApplicationCap("admin", "acme")}),
    ],
)
def test_one_strong_override_is_enough_for_advice(connected, world, cap):
    """Wherever it may write."""
    world.server.recap("ann", connected.token_id, cap)
    world.clock.forward(PATIENCE)
    connected.refresh()
    connected.access()
    (found,) = world.server.advice("ann", connected.token_id)
    assert (found.kind, found.role) == (AdviceKind.ONLY_READS, "viewer")


def test_scopes_that_only_read_need_no_advice(world):
    """They could not write anyway."""
    journey = Journey(world, scope="all.Application.read").connect(default="admin")
    world.clock.forward(PATIENCE)
    journey.refresh()
    assert look(journey) == ()


def test_a_token_that_is_not_used_at_all(connected, world):
    """L07: pause or delete it; that is all there is to say."""
    connected.access()
    used = world.clock.now
    world.clock.forward(PATIENCE - 1e-6)
    assert world.server.advice("ann", connected.token_id) == ()
    world.clock.forward(1e-6)
    assert world.server.advice("ann", connected.token_id) == (Advice(AdviceKind.UNUSED, used),)


def test_a_user_who_has_just_thought_about_it_is_not_advised(connected, world):
    """The history tells: the cap was changed, or the token was switched on."""
    world.clock.forward(PATIENCE)
    world.server.recap("ann", connected.token_id, RoleCap("admin"))
    assert world.server.advice("ann", connected.token_id) == ()
    world.clock.forward(PATIENCE)
    world.server.pause("ann", connected.token_id)
    assert world.server.advice("ann", connected.token_id) == ()
    world.server.resume("ann", connected.token_id)
    assert world.server.advice("ann", connected.token_id) == ()


@pytest.mark.parametrize(
    ("catalogue", "role"),
    [
        (presets.simple(), "viewer"),
        (presets.simple(roles=("all",)), None),
        (presets.user_tokens(), "view"),
        (Catalogue(RoleLadder.of(["a", "b"]), [Level("Me", None, "user")], ROLES, ["all.Me"]), "b"),
    ],
)
def test_the_strongest_role_that_changes_nothing(catalogue, role):
    """None where the weakest role can write."""
    assert reading_role(catalogue) == role


# What it is told by


def test_use_is_noted_coarsely(connected, world):
    """T10: once in five minutes, reading and writing each for itself."""
    write = lambda: connected.access("Application.write", application="rocket")  # noqa: E731 - done four times
    first = world.clock.now
    write()
    world.clock.forward(5 * MINUTE - 1)
    write()
    assert (connected.token.last_used_at, connected.token.last_wrote_at) == (first, first)
    world.clock.forward(1)
    connected.access()
    assert (connected.token.last_used_at, connected.token.last_wrote_at) == (first + 5 * MINUTE, first)
    write()
    assert connected.token.last_wrote_at == first + 5 * MINUTE
    world.clock.back(DAY)
    write()
    assert connected.token.last_wrote_at == first + 5 * MINUTE


def test_a_store_that_cannot_note_it_fails_no_request(colour):
    """The time is lost, the request is not."""

    def before(name, args):
        if name == "commit" and isinstance(args[1][0], Touch):
            raise StoreUnavailableError("out of reach")

    with World(colour, store=WatchedStore(before)) as world:
        journey = Journey(world).connect()
        assert journey.access("Application.write", application="rocket").user == "ann"
        assert world.server.refusal(journey.access(), "Application.write", application="rocket") is None
        assert journey.token.last_used_at is None


def test_a_profile_says_how_patient_it_is(make_world):
    """In days, or whatever the host likes."""
    world = make_world(profile=evolve(DEFAULT, advice_after=DAY))
    journey = Journey(world).connect()
    world.clock.forward(DAY)
    assert [each.kind for each in world.server.advice("ann", journey.token_id)] == [AdviceKind.UNUSED]
