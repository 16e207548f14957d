"""What users do with their tokens: the list, the detail, changes and deletion (OPS-4, OPS-8)."""

import pytest
from attrs import evolve
from tests.support import Journey

from scopegate import ApplicationCap, RoleCap
from scopegate.core.caps import MAXIMUM_OVERRIDES
from scopegate.core.events import EventKind
from scopegate.core.tokens import MAXIMUM_DESCRIPTION, MAXIMUM_NAME, Status
from scopegate.errors import InvalidValueError, NotFoundError, ReadOnlyError, StaleVersionError
from scopegate.flows.outcomes import OAuthFailure, TokenReply
from scopegate.profiles import DAY, DEFAULT


@pytest.fixture
def pending(world):
    """A token whose code was not redeemed."""
    journey = Journey(world)
    journey.register()
    journey.approve()
    return journey


def test_the_list_shows_the_newest_first_with_client_and_status(world):
    """OPS-4: name, client, cap, time and status of every token of the user, and nobody else's."""
    first = Journey(world).connect()
    world.clock.forward(1)
    second = Journey(world, client_name="Other").connect(default="admin")
    Journey(world, user="bob").connect()
    world.server.pause("ann", first.token_id)
    found = [
        (view.token.id, view.client.name, view.status, view.token.settings.cap.default)
        for view in world.server.tokens("ann").items
    ]
    assert found == [
        (second.token_id, "Other", Status.ACTIVE, "admin"),
        (first.token_id, "Example", Status.INACTIVE, "editor"),
    ]


def test_the_list_comes_in_parts(world):
    """OPS-4: the cursor leads from part to part, through everything, once."""
    journey = Journey(world).connect()
    for _ in range(6):
        world.clock.forward(1)
        journey.approve()
        journey.redeem()
    seen, after = [], None
    while True:
        page = world.server.tokens("ann", after=after, limit=3)
        seen += [view.token.id for view in page.items]
        assert len(page.items) <= 3
        after = page.after
        if after is None:
            break
    assert len(seen) == len(set(seen)) == 7


def test_somebody_elses_token_is_not_there(connected, world):
    """OPS-4: for every deed, another's token and no token are the same."""
    server = world.server
    for user, token_id in (("bob", connected.token_id), ("ann", "0" * 32), ("", connected.token_id)):
        for deed in (
            lambda u=user, t=token_id: server.token_detail(u, t),
            lambda u=user, t=token_id: server.edit(u, t, name="x"),
            lambda u=user, t=token_id: server.pause(u, t),
            lambda u=user, t=token_id: server.resume(u, t),
            lambda u=user, t=token_id: server.recap(u, t, RoleCap("admin")),
            lambda u=user, t=token_id: server.delete(u, t),
            lambda u=user, t=token_id: server.explain(server.token_detail(u, t), "User.read"),
        ):
            with pytest.raises(NotFoundError, match="no such token"):
                deed()
    assert connected.token.version == 1


def test_renaming_and_describing(connected, world):
    """OPS-4: for the user's own reference; trimmed, and each kept where it is not changed."""
    world.server.edit("ann", connected.token_id, name="  Laptop  ")
    view = world.server.edit("ann", connected.token_id, description="In the office")
    assert (view.token.settings.name, view.token.settings.description) == ("Laptop", "In the office")
    assert world.server.token_detail("ann", connected.token_id).token.settings == view.token.settings
    assert view.version == 3
    assert world.server.edit("ann", connected.token_id, description="").token.settings.description == ""


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "   "}, "name"),
        ({"name": "x" * (MAXIMUM_NAME + 1)}, "name"),
        ({"description": "x" * (MAXIMUM_DESCRIPTION + 1)}, "description"),
        ({"cap": RoleCap("owner")}, "default"),
        ({"cap": RoleCap("viewer", {"acme": "owner"})}, "organizations[acme]"),
        ({"cap": RoleCap("viewer", {}, "owner")}, "sandbox"),
        (
            {"cap": RoleCap("viewer", {}, None, {"rocket": ApplicationCap("owner", "acme")})},
            "applications[rocket]",
        ),
        ({"cap": RoleCap("viewer", {f"{n}": "viewer" for n in range(MAXIMUM_OVERRIDES + 1)})}, "overrides"),
    ],
)
def test_what_is_not_acceptable_names_its_field(connected, world, change, field):
    """OPS-4: and nothing of the change is done."""
    with pytest.raises(InvalidValueError) as caught:
        world.server.edit("ann", connected.token_id, **{"description": "new"} | change)
    assert caught.value.field == field
    assert caught.value.problem
    assert connected.token.version == 1


def test_the_limits_themselves_are_allowed(connected, world):
    """OPS-4: 255 characters, 32,767 characters, 2,500 overrides."""
    for number in range(MAXIMUM_OVERRIDES):
        world.people.join("ann", f"{number}")
    cap = RoleCap("viewer", {f"{number}": "viewer" for number in range(MAXIMUM_OVERRIDES)})
    view = world.server.edit(
        "ann", connected.token_id, name="n" * MAXIMUM_NAME, description="d" * MAXIMUM_DESCRIPTION, cap=cap
    )
    assert view.token.settings.cap.overrides == MAXIMUM_OVERRIDES


def test_what_is_so_already_is_not_written(connected, world):
    """OPS-8: no version, no event."""
    before = len(world.events())
    world.server.resume("ann", connected.token_id)
    world.server.edit("ann", connected.token_id, name="Example", cap=RoleCap("editor"), active=True)
    assert connected.token.version == 1
    assert len(world.events()) == before


def test_an_open_form_does_not_overwrite_another(connected, world):
    """OPS-4: who edits from an old version is told the one that stands; a refresh makes no form old."""
    server, token_id = world.server, connected.token_id
    seen = server.token_detail("ann", token_id).version
    connected.refresh()
    server.recap("ann", token_id, RoleCap("viewer"), expected_version=seen)
    with pytest.raises(StaleVersionError) as caught:
        server.recap("ann", token_id, RoleCap("admin"), expected_version=seen)
    assert caught.value.current == seen + 1
    assert connected.token.settings.cap == RoleCap("viewer")


def test_a_wrong_verifier_makes_no_open_form_old(pending, world):
    """CODE-8, OPS-4: what a client does wrong is counted apart from what people edit."""
    server, token_id = world.server, pending.token_id
    server.edit("ann", token_id, name="Mine")
    seen = server.token_detail("ann", token_id).version
    for _ in range(2):
        pending.redeem(code_verifier="w" * 43)
    assert server.token_detail("ann", token_id).version == seen
    assert server.edit("ann", token_id, name="Still mine", expected_version=seen).version == seen + 1
    pending.redeem(code_verifier="w" * 43)
    with pytest.raises(StaleVersionError) as caught:
        server.recap("ann", token_id, RoleCap("viewer"), expected_version=seen)
    assert caught.value.current == seen + 1
    assert pending.token.settings.verifier_failures == 3
    assert isinstance(pending.redeem(), TokenReply)


def test_a_pending_token_can_be_renamed_capped_and_deleted_but_not_paused(pending, world):
    """OPS-4: nothing runs yet that could be paused."""
    server, token_id = world.server, pending.token_id
    server.edit("ann", token_id, name="Soon")
    server.recap("ann", token_id, RoleCap("viewer"))
    for deed in (server.pause, server.resume):
        with pytest.raises(ReadOnlyError, match="pending"):
            deed("ann", token_id)
    assert isinstance(pending.redeem(), TokenReply)
    assert pending.token.settings.cap == RoleCap("viewer")
    other = Journey(world)
    other.register()
    other.approve()
    server.delete("ann", other.token_id)
    assert isinstance(other.redeem(), OAuthFailure)


def test_an_ended_token_can_only_be_deleted(make_world):
    """OPS-4: expired and disconnected tokens are read-only, and stay in sight until they are deleted."""
    world = make_world(profile=evolve(DEFAULT, token_lifetime=DAY))
    revoked, expired = Journey(world).connect(), Journey(world).connect()
    revoked.revoke(revoked.refresh_token)
    world.clock.forward(DAY)
    for journey, status in ((revoked, Status.REVOKED), (expired, Status.EXPIRED)):
        token_id = journey.token_id
        assert world.server.token_detail("ann", token_id).status is status
        for deed in (
            lambda t=token_id: world.server.pause("ann", t),
            lambda t=token_id: world.server.resume("ann", t),
            lambda t=token_id: world.server.edit("ann", t, name="x"),
            lambda t=token_id: world.server.recap("ann", t, RoleCap("none")),
        ):
            with pytest.raises(ReadOnlyError, match="only be deleted"):
                deed()
        assert not world.server.explain(world.server.token_detail("ann", token_id), "User.read").allowed
        assert world.server.delete("ann", token_id).status is status
    assert world.server.tokens("ann").items == []


def test_a_deleted_token_leaves_only_its_history(connected, world):
    """OPS-4, OPS-8: everything of the client ends, and the user can still read what happened."""
    world.server.delete("ann", connected.token_id)
    assert connected.access().reason == "invalid_token"
    assert connected.refresh().code == "invalid_grant"
    assert connected.redeem().code == "invalid_grant"
    kinds = [event.kind for event in world.events(user="ann")]
    assert kinds == [EventKind.AUTHORIZED, EventKind.ACTIVATED, EventKind.DELETED]
    with pytest.raises(NotFoundError):
        world.server.delete("ann", connected.token_id)


def test_every_change_is_in_the_history(connected, world):
    """OPS-8: what changed, from what to what, and never the description itself."""
    server, token_id = world.server, connected.token_id
    server.edit("ann", token_id, name="Laptop", description="private thoughts", active=False)
    server.resume("ann", token_id)
    server.recap("ann", token_id, RoleCap("viewer", {"acme": "none"}))
    told = [(event.kind, dict(event.detail)) for event in world.events(token_id=token_id)[2:]]
    assert told == [
        (EventKind.PAUSED, {}),
        (EventKind.CHANGED, {"name": "Example -> Laptop", "description": "changed"}),
        (EventKind.RESUMED, {}),
        (
            EventKind.RECAPPED,
            {"changes": "default: Editor -> Viewer; organization acme: no limit of its own -> No access"},
        ),
    ]
    assert "private" not in repr(world.events())


def test_pauses_add_up(connected, world):
    """REF-5: the token remembers how long it stood still, whatever the clock did."""
    server, token_id = world.server, connected.token_id
    server.pause("ann", token_id)
    world.clock.forward(100)
    server.resume("ann", token_id)
    assert connected.token.settings.paused_for == 100
    server.pause("ann", token_id)
    assert connected.token.settings.paused_at == world.clock.now
    world.clock.back(1000)
    server.resume("ann", token_id)
    assert (connected.token.settings.paused_for, connected.token.settings.paused_at) == (100, None)


def test_sweeping_frees_what_is_dead_and_nothing_else(world):
    """OPS-7: pending tokens of yesterday and expired access tokens go, in parts; the living stay."""
    connected = Journey(world).connect()
    pending = Journey(world)
    pending.register()
    pending.approve()
    world.clock.forward(DAY)
    connected.refresh()
    parts = 0
    while world.server.sweep(limit=1):
        parts += 1
    assert parts >= 2
    assert world.record(pending.token_id) is None
    assert connected.access().user == "ann"
    assert isinstance(connected.refresh(), TokenReply)
    assert world.server.sweep() == 0
