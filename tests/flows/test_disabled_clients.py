"""The operator disables a client: all of it fails at once, and comes back as it was (CLI-6, P28)."""

import pytest
from tests.support import Journey

from scopegate import Access, Status
from scopegate.core.events import EventKind
from scopegate.errors import NotFoundError
from scopegate.flows.outcomes import ConsentPrompt, ErrorPage, TokenReply


def test_everything_fails_at_once_and_comes_back_without_a_new_consent(connected, world):
    """Requests, refresh and new authorizations."""
    second = Journey(world, user="bob")
    second.client_id = connected.client_id
    second.approve()
    world.server.disable_client(connected.client_id)
    assert (connected.access().status, connected.access().error) == (401, "invalid_token")
    assert connected.refresh().code == "invalid_client"
    assert second.redeem().code == "invalid_client"
    assert connected.authorize() == ErrorPage("unknown_client")
    world.server.enable_client(connected.client_id)
    assert isinstance(connected.access(), Access)
    assert isinstance(connected.refresh(), TokenReply)
    assert isinstance(second.redeem(), TokenReply)
    assert isinstance(connected.authorize(), ConsentPrompt)


def test_its_tokens_keep_their_status_and_say_that_they_are_blocked(connected, world):
    """The user did not switch them off, and can see why nothing works."""
    world.server.disable_client(connected.client_id)
    (view,) = world.server.tokens("ann").items
    assert (view.status, view.is_blocked) == (Status.ACTIVE, True)
    found = world.server.explain(view, "User.read")
    assert (found.allowed, found.reason) == (False, "client_disabled")
    world.server.enable_client(connected.client_id)
    assert not world.server.token_detail("ann", connected.token_id).is_blocked


def test_an_open_consent_page_approves_nothing_for_it(journey, world):
    """It was opened before."""
    journey.register()
    journey.authorize()
    world.server.disable_client(journey.client_id)
    assert journey.decide() == ErrorPage("unknown_client")
    assert not world.server.tokens("ann").items


def test_twice_is_once(connected, world):
    """No version, no event."""
    for deed in (world.server.disable_client, world.server.enable_client):
        first = deed(connected.client_id)
        assert deed(connected.client_id) == first
    kinds = [event.kind for event in world.events() if event.kind.value.startswith("client.")]
    assert kinds == [EventKind.CLIENT_REGISTERED, EventKind.CLIENT_DISABLED, EventKind.CLIENT_ENABLED]


def test_a_client_that_is_not_there_is_not_found(world):
    """Whoever asks."""
    for deed in (world.server.disable_client, world.server.enable_client):
        with pytest.raises(NotFoundError):
            deed("nobody")


def test_an_owner_can_retire_a_client_and_cannot_undo_the_operator(world):
    """Enabling is for the operator alone: it takes no owner."""
    mine = world.server.add_client("Mine", ["https://mine.example/"], owner="ann").client
    assert world.server.disable_client(mine.id, owner="ann").disabled
    with pytest.raises(TypeError):
        world.server.enable_client(mine.id, owner="ann")
    assert not world.server.enable_client(mine.id).disabled
