"""Clients that users or the operator register, and their secrets (CLI-5, A06)."""

import pytest
from tests.support import REDIRECT_URI, Journey

from scopegate import AuthMethod
from scopegate.core.clients import Origin
from scopegate.core.events import EventKind
from scopegate.errors import InvalidValueError, NotFoundError
from scopegate.flows.clients import MAXIMUM_SECRETS
from scopegate.flows.outcomes import OAuthFailure, TokenReply
from scopegate.profiles import DAY, HOUR


@pytest.fixture
def mine(world):
    """A private client of ann's, and what she was told of it."""
    return world.server.add_client("My script", [REDIRECT_URI], owner="ann")


def connected(world, told, method=None):
    """A token for a client that somebody registered, by HTTP Basic in the body's place."""
    journey = Journey(world)
    journey.client_id, journey.client_secret = told.client.id, told.document["client_secret"]
    journey.approve()
    outcome = redeem(journey, journey.client_secret)
    assert isinstance(outcome, TokenReply), (outcome, method)
    return journey


def basic(client_id, secret):
    """The header of a client that authenticates by HTTP Basic."""
    from base64 import b64encode  # noqa: PLC0415 - used here only

    return "Basic " + b64encode(f"{client_id}:{secret}".encode()).decode()


def redeem(journey, secret):
    """Exchange the code with a secret."""
    return journey.redeem(authorization=basic(journey.client_id, secret), client_id=None, client_secret=None)


def refresh(journey, secret):
    """Refresh with a secret."""
    return journey.refresh(authorization=basic(journey.client_id, secret), client_id=None, client_secret=None)


def test_a_users_own_client_keeps_a_secret_and_an_owner(world, mine):
    """It is registered like one of the operator's, and works for everybody who approves it."""
    assert (mine.client.owner, mine.client.origin, mine.client.auth_method) == (
        "ann",
        Origin.REGISTERED,
        AuthMethod.BASIC,
    )
    assert mine.document["client_secret"].startswith("sgs_")
    assert connected(world, mine).access().client_name == "My script"


def test_a_users_own_client_cannot_be_public(world):
    """What keeps no secret, anybody could pretend to be."""
    with pytest.raises(InvalidValueError) as caught:
        world.server.add_client("My app", [REDIRECT_URI], owner="ann", auth_method=AuthMethod.NONE)
    assert caught.value.field == "auth_method"
    posting = world.server.add_client("My app", [REDIRECT_URI], owner="ann", auth_method=AuthMethod.POST)
    assert posting.client.auth_method is AuthMethod.POST
    assert world.server.add_client("Ours", [REDIRECT_URI]).client.auth_method is AuthMethod.NONE


def test_nobody_owns_no_client(world):
    """An empty id is what a host has for a visitor: visitors must not share clients."""
    with pytest.raises(InvalidValueError) as caught:
        world.server.add_client("Mine", [REDIRECT_URI], owner="")
    assert caught.value.field == "owner"


def test_the_secret_is_shown_once(world, mine):
    """Neither in the client, in its repr, in the store, nor in the history."""
    renewed = world.server.rotate_secret(mine.client.id)
    kept = world.server.client(mine.client.id), world.server.clients("ann"), world.events()
    told = repr((mine, mine.client, renewed, renewed.client, kept))
    for secret in (mine.document["client_secret"], renewed.document["client_secret"]):
        assert secret[4:] not in told


def test_each_user_sees_their_own(world, mine):
    """Another's client is not there; the operator sees every one."""
    others = world.server.add_client("Other", [REDIRECT_URI], owner="bob")
    assert [client.id for client in world.server.clients("ann").items] == [mine.client.id]
    assert world.server.client(mine.client.id, owner="ann") == mine.client
    assert world.server.client(others.client.id) == others.client
    for client_id in (others.client.id, "nobody"):
        for deed in (world.server.client, world.server.rotate_secret, world.server.disable_client):
            with pytest.raises(NotFoundError, match="no such client"):
                deed(client_id, owner="ann")


def test_lists_of_clients_come_in_pages(world):
    """Each once."""
    ids = {world.server.add_client(f"{n}", [REDIRECT_URI], owner="ann").client.id for n in range(5)}
    first = world.server.clients("ann", limit=3)
    rest = world.server.clients("ann", limit=3, after=first.after)
    assert {client.id for client in (*first.items, *rest.items)} == ids
    assert (len(first.items), len(rest.items), rest.after) == (3, 2, None)


def test_what_happens_to_a_client_is_in_its_owners_history(world, mine):
    """OPS-8: keyed by the user."""
    world.server.rotate_secret(mine.client.id, owner="ann")
    world.server.disable_client(mine.client.id, owner="ann")
    world.server.enable_client(mine.client.id)
    told = [(event.kind, event.client_id, event.at) for event in reversed(world.server.history("ann").items)]
    assert world.server.client(mine.client.id).version == 4
    assert told == [
        (kind, mine.client.id, world.clock.now)
        for kind in (
            EventKind.CLIENT_REGISTERED,
            EventKind.CLIENT_SECRET_ROTATED,
            EventKind.CLIENT_DISABLED,
            EventKind.CLIENT_ENABLED,
        )
    ]


def test_a_rotation_says_what_a_client_must_be_given(world, mine):
    """The id, the new secret, and that it does not expire; what is kept says when it was made."""
    world.clock.forward(5)
    told = world.server.rotate_secret(mine.client.id)
    assert told.document == {
        "client_id": mine.client.id,
        "client_secret": told.document["client_secret"],
        "client_secret_expires_at": 0,
    }
    new, old = world.server.client(mine.client.id).secrets
    assert (new.created_at, new.expires_at) == (world.clock.now, None)
    assert (old.created_at, old.expires_at) == (world.clock.now - 5, world.clock.now + DAY)


def test_what_happens_to_the_operators_clients_is_in_nobodys_history(world):
    """They have no owner."""
    ours = world.server.add_client("Ours", [REDIRECT_URI], auth_method=AuthMethod.POST).client
    world.server.rotate_secret(ours.id)
    assert {event.user for event in world.events()} == {""}


@pytest.mark.parametrize(("after", "good"), [(-1e-6, True), (0, False), (1e-6, False)])
def test_the_old_secret_stays_good_for_the_overlap(world, mine, after, good):
    """CLI-5: to the moment; the new one from the first moment on."""
    journey = connected(world, mine)
    old = mine.document["client_secret"]
    new = world.server.rotate_secret(mine.client.id, owner="ann", overlap=HOUR).document["client_secret"]
    assert new != old
    assert isinstance(refresh(journey, new), TokenReply)
    world.clock.forward(HOUR + after)
    outcome = refresh(journey, old)
    assert isinstance(outcome, TokenReply) is good
    if not good:
        assert (outcome.code, outcome.status) == ("invalid_client", 401)
    assert isinstance(refresh(journey, new), TokenReply)


def test_without_an_overlap_the_old_secret_ends_at_once(world, mine):
    """For one that was stolen."""
    journey = connected(world, mine)
    world.server.rotate_secret(mine.client.id, overlap=0)
    assert isinstance(refresh(journey, mine.document["client_secret"]), OAuthFailure)


def test_a_second_rotation_prolongs_nothing(world, mine):
    """The first end stays, if it is the earlier one; a shorter one shortens it."""
    journey = connected(world, mine)
    first = mine.document["client_secret"]
    second = world.server.rotate_secret(mine.client.id, overlap=HOUR).document["client_secret"]
    third = world.server.rotate_secret(mine.client.id, overlap=DAY).document["client_secret"]
    world.clock.forward(HOUR)
    assert isinstance(refresh(journey, first), OAuthFailure)
    assert isinstance(refresh(journey, second), TokenReply)
    fourth = world.server.rotate_secret(mine.client.id, overlap=60).document["client_secret"]
    world.clock.forward(60)
    assert isinstance(refresh(journey, second), OAuthFailure)
    assert isinstance(refresh(journey, third), OAuthFailure)
    assert isinstance(refresh(journey, fourth), TokenReply)


def test_few_secrets_are_kept(world, mine):
    """The newest; those that ended are forgotten."""
    for _ in range(10):
        world.server.rotate_secret(mine.client.id)
    assert len(world.server.client(mine.client.id).secrets) == MAXIMUM_SECRETS
    world.clock.forward(DAY)
    world.server.rotate_secret(mine.client.id)
    assert len(world.server.client(mine.client.id).secrets) == 2


@pytest.mark.parametrize("overlap", [-1.0, float("nan"), float("inf")])
def test_an_overlap_begins_now_and_ends(world, mine, overlap):
    """Nothing is changed then."""
    with pytest.raises(InvalidValueError) as caught:
        world.server.rotate_secret(mine.client.id, overlap=overlap)
    assert (caught.value.field, caught.value.problem) == (
        "overlap",
        "write 0 or more seconds; earlier secrets must end",
    )
    assert world.server.client(mine.client.id) == mine.client


def test_a_public_client_has_no_secret_to_replace(world):
    """It would change how it authenticates."""
    public = world.server.add_client("Public", [REDIRECT_URI]).client
    with pytest.raises(InvalidValueError, match="public") as caught:
        world.server.rotate_secret(public.id)
    assert caught.value.field == "client_id"


def test_a_forgotten_owner_leaves_a_client_that_nobody_may_use(world, mine):
    """OPS-7: it belongs to nobody, and stops working."""
    journey = connected(world, mine)
    world.server.forget_user("ann")
    left = world.server.client(mine.client.id)
    assert (left.owner, left.disabled, left.version) == (None, True, 2)
    (told,) = [event for event in world.events() if event.kind is EventKind.CLIENT_DISABLED]
    assert (told.user, told.client_id, told.at) == ("", mine.client.id, world.clock.now)
    assert dict(told.detail) == {"reason": "its owner is forgotten"}
    assert journey.access().reason == "invalid_token"
    assert not world.server.clients("ann").items
