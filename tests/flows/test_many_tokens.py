"""What a host or a user does to many tokens: one small commit each, and as often as one likes."""

import pytest
from attrs import evolve
from tests.support import Journey, WatchedStore, World

from scopegate import Status
from scopegate.core.events import EventKind
from scopegate.errors import InvalidValueError, NotFoundError, StoreUnavailableError
from scopegate.flows.bulk import act
from scopegate.flows.outcomes import TokenReply
from scopegate.profiles import DAY, DEFAULT


@pytest.fixture
def three(world):
    """Two tokens of ann for two clients, and one of bob for the first client."""
    first = Journey(world).connect()
    second = Journey(world, client_name="Other").connect()
    bob = Journey(world, user="bob")
    bob.client_id = first.client_id
    bob.approve()
    assert isinstance(bob.redeem(), TokenReply)
    return first, second, bob


def statuses(*journeys):
    """What each of them is now."""
    return [journey.server.token_detail(journey.user, journey.token_id).status for journey in journeys]


def test_one_token_is_disconnected_by_the_host(connected, world):
    """P28: whoever's it is; its user sees the reason; a second time changes nothing."""
    view = world.server.revoke_token(connected.token_id, reason="the device was stolen")
    assert (view.status, view.revoked_reason) == (Status.REVOKED, "the device was stolen")
    assert view == world.server.token_detail("ann", connected.token_id)
    assert world.server.revoke_token(connected.token_id).revoked_reason == "the device was stolen"
    assert connected.access().reason == "invalid_token"
    assert connected.refresh().code == "invalid_grant"
    told = [event for event in world.events(user="ann") if event.kind is EventKind.REVOKED]
    assert [dict(event.detail) for event in told] == [{"reason": "the device was stolen"}]
    with pytest.raises(NotFoundError):
        world.server.revoke_token("0" * 32)


@pytest.mark.parametrize("reason", ["", "x" * 256])
def test_a_reason_is_short_and_not_empty(connected, world, reason):
    """It is read by people."""
    with pytest.raises(InvalidValueError) as caught:
        world.server.revoke_token(connected.token_id, reason=reason)
    assert caught.value.field == "reason"
    assert caught.value.problem == "write 1 to 255 characters"
    with pytest.raises(InvalidValueError):
        world.server.revoke_all(user="ann", reason=reason)
    assert statuses(connected) == [Status.ACTIVE]


@pytest.mark.parametrize("reason", ["x", "x" * 255])
def test_a_reason_of_any_length_between_is_told(connected, world, reason):
    """As it was given."""
    assert world.server.revoke_token(connected.token_id, reason=reason).revoked_reason == reason


def test_what_is_no_deed_is_not_taken_for_one(connected, world):
    """Whoever adds one must say what it does."""
    with pytest.raises(AssertionError, match="'sell'"):
        act(world.configuration, world.record(connected.token_id), "sell", now=world.clock.now)


def test_every_token_of_a_user_when_the_password_changed(three, world):
    """P28: pending ones included; others' stay."""
    first, second, bob = three
    waiting = Journey(world)
    waiting.register()
    waiting.approve()
    batch = world.server.revoke_all(user="ann", reason="password changed")
    assert (batch.changed, batch.finished) == (3, True)
    assert statuses(first, second, bob) == [Status.REVOKED, Status.REVOKED, Status.ACTIVE]
    assert waiting.redeem().code == "invalid_grant"


def test_every_token_of_a_client(three, world):
    """P28: of all its users."""
    first, second, bob = three
    assert world.server.revoke_all(client_id=first.client_id).changed == 2
    assert statuses(first, second, bob) == [Status.REVOKED, Status.ACTIVE, Status.REVOKED]


def test_every_token_that_reaches_an_organization(world):
    """P28: those that cannot do anything there stay; only with more than one condition, all of them count."""
    reaching = Journey(world).connect()
    closed = Journey(world).connect(default="none")
    bob = Journey(world, user="bob").connect()
    assert world.server.revoke_all(organization="acme", user="bob").changed == 1
    assert world.server.revoke_all(organization="acme").changed == 1
    assert statuses(reaching, closed, bob) == [Status.REVOKED, Status.ACTIVE, Status.REVOKED]


def test_pausing_all_and_resuming_all(three, world):
    """L08: in case of doubt everything stands still, and comes back as it was."""
    first, second, bob = three
    world.server.pause("ann", second.token_id)
    assert world.server.pause_all(user="ann", reason="something looks wrong").changed == 1
    assert statuses(first, second, bob) == [Status.INACTIVE, Status.INACTIVE, Status.ACTIVE]
    assert first.access().reason == "paused"
    assert world.server.pause_all(user="ann", active=True).changed == 2
    assert first.access().user == "ann"
    (told,) = [event for event in world.events(token_id=first.token_id) if event.kind is EventKind.PAUSED]
    assert dict(told.detail) == {"reason": "something looks wrong"}


def test_pausing_leaves_what_cannot_be_paused(make_world):
    """Pending and ended ones are passed over, and do not stop the others."""
    world = make_world(profile=evolve(DEFAULT, token_lifetime=DAY))
    expired = Journey(world).connect()
    world.clock.forward(DAY)
    waiting, active = Journey(world), Journey(world).connect()
    waiting.register()
    waiting.approve()
    assert world.server.pause_all(user="ann").changed == 1
    assert statuses(expired, waiting, active) == [Status.EXPIRED, Status.PENDING, Status.INACTIVE]


def test_deleting_all(three, world):
    """L08: every token of the user goes, whatever it is."""
    first, second, bob = three
    world.server.revoke_token(second.token_id)
    assert world.server.delete_all("ann").changed == 2
    assert not world.server.tokens("ann").items
    told = [dict(event.detail) for event in world.events(user="ann") if event.kind is EventKind.DELETED]
    assert told == [{}, {}]
    assert first.access().reason == "invalid_token"
    assert statuses(bob) == [Status.ACTIVE]


def test_nothing_named_is_not_everything(world):
    """A forgotten argument must not disconnect everybody."""
    for deed in (world.server.revoke_all, world.server.pause_all):
        with pytest.raises(InvalidValueError, match="nothing means everything") as caught:
            deed()
        assert caught.value.field == "user"


def test_a_limit_makes_pieces_and_each_call_goes_on(world):
    """A loop is resumed by calling it again."""
    for _ in range(5):
        Journey(world).connect()
    found = [world.server.revoke_all(user="ann", limit=2) for _ in range(3)]
    assert [(batch.changed, batch.finished) for batch in found] == [(2, False), (2, False), (1, True)]
    assert world.server.revoke_all(user="ann", limit=2).changed == 0


def test_a_store_that_fails_in_the_middle_loses_nothing():
    """P30: what was done is done, the rest is done by the next call, and nothing is done twice."""
    left = [1_000]

    def before(name, _):
        if name == "commit":
            left[0] -= 1
            if left[0] < 0:
                raise StoreUnavailableError("out of reach")

    with World(store=WatchedStore(before)) as world:
        journeys = [Journey(world).connect() for _ in range(4)]
        left[0] = 2
        with pytest.raises(StoreUnavailableError):
            world.server.revoke_all(user="ann")
        assert sorted(statuses(*journeys)) == [Status.ACTIVE, Status.ACTIVE, Status.REVOKED, Status.REVOKED]
        left[0] = 1_000
        assert world.server.revoke_all(user="ann").changed == 2
        told = [event for event in world.events(user="ann") if event.kind is EventKind.REVOKED]
        assert len(told) == 4


def test_forgetting_a_user(three, world):
    """OPS-7: tokens, history and the ownership of clients; nobody else's."""
    first, _, bob = three
    batch = world.server.forget_user("ann")
    assert (batch.changed, batch.finished) == (2, True)
    assert not world.server.tokens("ann").items
    assert not world.server.history("ann").items
    assert not [event for event in world.events() if event.user == "ann"]
    assert first.access().reason == "invalid_token"
    assert statuses(bob) == [Status.ACTIVE]
    assert world.server.history("bob").items
    assert world.server.forget_user("ann").changed == 0


def test_forgetting_in_pieces(world):
    """The history goes last: as long as there is a token, there is something to tell."""
    for _ in range(3):
        Journey(world).connect()
    assert not world.server.forget_user("ann", limit=2).finished
    assert world.server.history("ann").items
    assert world.server.forget_user("ann", limit=2).finished
    assert not world.server.history("ann").items


def test_a_user_with_a_long_history_is_forgotten_entirely(connected, world):
    """More events than one sweep takes at once."""
    for number in range(150):
        world.server.edit("ann", connected.token_id, name=f"{number}")
    world.server.forget_user("ann")
    assert not world.events(user="ann")
