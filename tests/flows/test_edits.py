"""What an edit refuses and what it loses: nothing (OPS-4, T09)."""

import pytest
from attrs import evolve
from tests.support import Journey

from scopegate import ApplicationCap, RoleCap, presets
from scopegate.core.changes import ReviseToken
from scopegate.errors import DirectoryUnavailableError, InvalidValueError, StaleVersionError


@pytest.fixture
def cap():
    """A cap with an override of each kind, all of ann's own."""
    return RoleCap("viewer", {"acme": "editor"}, "none", {"rocket": ApplicationCap("viewer", "acme")})


def test_a_stale_edit_is_told_both_values(connected, world):
    """T09: what stands now and what was wanted, for each thing that differs; nothing is overwritten."""
    seen = world.server.token_detail("ann", connected.token_id).version
    world.server.edit("ann", connected.token_id, name="Theirs", description="theirs", cap=RoleCap("none"))
    with pytest.raises(StaleVersionError) as caught:
        world.server.edit(
            "ann",
            connected.token_id,
            name="Mine",
            description="mine",
            cap=RoleCap("admin"),
            active=False,
            expected_version=seen,
        )
    assert caught.value.differences == {
        "name": ("Theirs", "Mine"),
        "description": ("theirs", "mine"),
        "cap": (RoleCap("none"), RoleCap("admin")),
        "active": (True, False),
    }
    assert connected.token.settings.name == "Theirs"


def test_a_stale_edit_is_told_nothing_of_what_it_did_not_want(connected, world):
    """What was left as it is, or is so already, is no difference."""
    seen = world.server.token_detail("ann", connected.token_id).version
    world.server.edit("ann", connected.token_id, name="Theirs", description="theirs")
    for name, expected in (("Mine", {"name": ("Theirs", "Mine")}), ("Theirs", {})):
        with pytest.raises(StaleVersionError) as caught:
            world.server.edit("ann", connected.token_id, name=name, expected_version=seen)
        assert caught.value.differences == expected


def test_places_of_the_users_own_are_accepted(connected, world, cap):
    """Organizations, the sandbox, and applications where they are."""
    assert world.server.recap("ann", connected.token_id, cap).token.settings.cap == cap


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"organizations": {"hooli": "none"}}, "organizations[hooli]"),
        ({"applications": {"nucleus": ApplicationCap("none", "acme")}}, "applications[nucleus]"),
        ({"applications": {"rocket": ApplicationCap("none", "globex")}}, "applications[rocket]"),
        ({"applications": {"rocket": ApplicationCap("none")}}, "applications[rocket]"),
        ({"applications": {"toy": ApplicationCap("none", "acme")}}, "applications[toy]"),
    ],
)
def test_a_place_that_is_not_the_users_is_refused(connected, world, cap, changes, field):
    """Seed edge b: a limit there would look like protection and be none."""
    with pytest.raises(InvalidValueError) as caught:
        world.server.recap("ann", connected.token_id, evolve(cap, **changes))
    assert caught.value.field == field
    assert "leave it out" in caught.value.problem
    assert connected.token.version == 1


def test_a_sandbox_that_is_not_there_is_refused(world):
    """Bob has none."""
    journey = Journey(world, user="bob").connect()
    with pytest.raises(InvalidValueError) as caught:
        world.server.recap("bob", journey.token_id, RoleCap("viewer", {}, "none"))
    assert (caught.value.field, caught.value.problem) == ("sandbox", "the user has no sandbox: leave it out")


def test_what_stands_already_is_not_asked_about_again(connected, world, cap):
    """An organization that the user has left keeps its limit, for they might come back."""
    world.server.recap("ann", connected.token_id, cap)
    world.people.leave("ann", "acme")
    world.people.asked.clear()
    kept = world.server.recap("ann", connected.token_id, evolve(cap, default="none"))
    assert kept.token.settings.cap.organizations == {"acme": "editor"}
    assert not world.people.asked
    world.server.recap("ann", connected.token_id, RoleCap("none"))
    with pytest.raises(InvalidValueError):
        world.server.recap("ann", connected.token_id, cap)


def test_a_directory_in_trouble_is_no_refusal(connected, world, cap):
    """Law 7: nothing is decided, and nothing written."""
    world.people.trouble = OSError("out of reach")
    with pytest.raises(DirectoryUnavailableError):
        world.server.recap("ann", connected.token_id, cap)
    world.people.trouble = None
    assert connected.token.version == 1


def test_an_application_may_have_less_than_an_organization(make_world):
    """Seed 3.6: where the ladder says so, its strongest roles are for whole organizations only."""
    world = make_world(catalogue=presets.simple(application_limit="editor"))
    journey = Journey(world).connect()
    for role in ("none", "viewer", "editor"):
        world.server.recap(
            "ann", journey.token_id, RoleCap("admin", {}, None, {"rocket": ApplicationCap(role, "acme")})
        )
    with pytest.raises(InvalidValueError, match="at most 'editor' here") as caught:
        world.server.recap(
            "ann", journey.token_id, RoleCap("admin", {}, None, {"rocket": ApplicationCap("admin", "acme")})
        )
    assert caught.value.field == "applications[rocket]"


def test_what_comes_of_an_edit_is_what_the_page_shows(connected, world):
    """With its client."""
    view = world.server.edit("ann", connected.token_id, name="Laptop", active=False)
    assert view == world.server.token_detail("ann", connected.token_id)
    assert view.client is not None
    assert view.token.settings.active is False


def test_what_was_paused_nobody_knows_when_is_resumed(connected, world):
    """A row of an older release: no time is taken from its clock."""
    settings = evolve(connected.token.settings, active=False, paused_at=None)
    world.store.commit(world.realm, [ReviseToken(connected.token_id, 1, settings)])
    view = world.server.resume("ann", connected.token_id)
    assert (view.token.settings.active, view.token.settings.paused_for) == (True, 0.0)


def test_the_time_of_the_last_change_is_kept(connected, world):
    """And no refresh, use or wrong verifier is a change by people."""
    assert connected.token.settings.updated_at is None
    connected.refresh()
    connected.access()
    assert connected.token.settings.updated_at is None
    world.clock.forward(5)
    world.server.pause("ann", connected.token_id)
    at = world.clock.now
    world.clock.forward(5)
    connected.refresh()
    assert connected.token.settings.updated_at == at
