"""The page of a single token."""

import pytest

from scopegate import ApplicationCap, RoleCap, Status


def test_a_token_has_a_page_of_its_own(connect, world, shown):
    """Chosen from the list by its id."""
    journey = connect()
    (line,) = world.server.tokens("ann").items
    assert shown(journey) == world.server.token_detail("ann", line.token.id)


def test_it_is_switched_off_and_on_at_any_time(connect, world, shown, may):
    """While it is off every request of the app fails."""
    journey = connect()
    for pause in (0, 3600, 365 * 86_400):
        world.server.pause("ann", journey.token_id)
        world.clock.forward(pause)
        assert shown(journey).status is Status.INACTIVE
        assert not may(journey, "device.get", application="rocket")
        assert not may(journey, "me.get")
        world.server.resume("ann", journey.token_id)
        journey.refresh()
        assert may(journey, "device.get", application="rocket")


def test_the_page_shows_client_id_creation_end_and_scopes(connect, world, shown):
    """And says nothing of secrets."""
    view = shown(connect("all.Application.read"))
    assert (view.client.name, view.client.homepage) == ("Example", "")
    assert len(view.token.id) == 32
    assert (view.token.created_at, view.token.expires_at) == (world.clock.now, None)
    assert view.token.scopes == ("all.Application.read",)


def test_name_and_description_are_the_users_own(connect, world, shown):
    """For their own reference: the app keeps the name that it has."""
    journey = connect()
    world.server.edit("ann", journey.token_id, name="Laptop", description="The one in the office")
    settings = shown(journey).token.settings
    assert (settings.name, settings.description) == ("Laptop", "The one in the office")
    assert shown(journey).client.name == "Example"


def test_cap_and_overrides_are_changed_there(connect, world, may):
    """Default, organizations and single applications; it counts at the next request."""
    journey = connect(default="view")
    world.server.recap(
        "ann",
        journey.token_id,
        RoleCap("none", {"acme": "collaborate"}, None, {"kite": ApplicationCap("none", "acme")}),
    )
    assert may(journey, "device.patch", application="rocket")
    assert not may(journey, "device.get", application="kite")
    assert not may(journey, "device.get", application="lamp")


@pytest.mark.parametrize("what", ["scopes", "expires_at", "client_id", "user", "resources", "created_at"])
def test_scope_end_and_client_are_not_changed_there(connect, world, what):
    """No edit has a word for them."""
    journey = connect()
    before = journey.token
    with pytest.raises(TypeError):
        world.server.edit("ann", journey.token_id, **{what: None})
    assert journey.token == before
