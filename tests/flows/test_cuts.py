"""An organization takes itself out of the reach of a token, and its user cannot undo it (OPS-4)."""

import pytest
from tests.support import Journey

from scopegate import SANDBOX, ApplicationCap, RoleCap, Status
from scopegate.core.caps import LimitSource
from scopegate.core.events import EventKind
from scopegate.core.permissions import Layer, Who
from scopegate.errors import NotFoundError, ReadOnlyError, StaleVersionError

SCOPE = "all.Organization.bounded"


@pytest.fixture
def ann(world):
    """Ann's token, which may do all that she may."""
    return Journey(world, scope=SCOPE).connect(default="admin")


def may(journey, action="Application.read", **place):
    """Whether a request with the token may do it now."""
    place = place or {"application": "rocket"}
    return not hasattr(journey.access(action, **place), "status")


def test_it_bites_on_the_very_next_request(ann, world):
    """In the organization and on each of its applications, and nowhere else."""
    assert may(ann)
    world.server.cut_out("acme", ann.token_id)
    assert not may(ann)
    assert not may(ann, "Organization.read", organization="acme")
    assert may(ann, application="lamp")
    assert may(ann, application="toy")
    world.server.cut_out("acme", ann.token_id, out=False)
    assert may(ann)


def test_nothing_that_the_user_sets_undoes_it(ann, world):
    """Neither a default nor an override of the organization or of an application, nor a pause."""
    world.server.cut_out("acme", ann.token_id)
    world.server.recap(
        "ann",
        ann.token_id,
        RoleCap("admin", {"acme": "admin"}, None, {"rocket": ApplicationCap("admin", "acme")}),
    )
    world.server.pause("ann", ann.token_id)
    world.server.resume("ann", ann.token_id)
    assert not may(ann)
    assert may(ann, application="lamp")


def test_it_is_no_part_of_the_cap(ann, world):
    """What the user chose stays as it was, and comes back with the organization."""
    before = ann.token.settings.cap
    world.server.cut_out("acme", ann.token_id)
    assert ann.token.settings.cap == before
    assert ann.token.settings.cuts == {"acme"}


def test_an_organization_that_is_called_sandbox_cuts_itself_and_no_sandbox(ann, world):
    """The user's own sandbox is no organization."""
    world.people.join("ann", "sandbox", "admin", castle="Castle")
    world.server.cut_out("sandbox", ann.token_id)
    assert not may(ann, application="castle")
    assert may(ann, application="toy")


def test_an_application_that_moves_out_is_free_and_one_that_moves_in_is_cut(ann, world):
    """Who owns it now decides."""
    world.server.cut_out("acme", ann.token_id)
    world.people.move("lamp", "acme")
    world.people.move("rocket", "globex")
    assert may(ann, application="rocket")
    assert not may(ann, application="lamp")


def test_the_user_is_told_and_the_client_is_not(ann, world):
    """P2: the explanation names the organization's cut and who may lift it; the refusal says what every denial says."""
    plain = ann.access("Application.sensitive", application="lamp")
    world.server.cut_out("acme", ann.token_id)
    found = world.server.explain(
        world.server.token_detail("ann", ann.token_id), "Application.read", application="rocket"
    )
    assert (found.denied_by, found.reason, found.binding) == (Layer.ROLE, "cut_out", LimitSource.CUT)
    (remedy,) = found.remedies
    assert (remedy.who, remedy.what, remedy.needs) == (Who.ORGANIZATION, LimitSource.CUT, "")
    assert (found.effective_role, found.ceiling_role) == ("none", "")
    refused = ann.access("Application.read", application="rocket")
    assert (refused.reason, refused.status) == ("role_too_low", 403)
    assert plain.layer in {Layer.SCOPE, Layer.ROLE}


def test_administrators_see_who_reaches_them_and_no_longer_who_was_cut(world):
    """A04: the list of tokens that reach an organization, before and after."""
    ann, bob = Journey(world, scope=SCOPE).connect(), Journey(world, user="bob", scope=SCOPE).connect()
    reaching = lambda: {(view.user, view.token.id) for view, _ in world.server.reaching("acme")}  # noqa: E731 - asked twice
    assert reaching() == {("ann", ann.token_id), ("bob", bob.token_id)}
    world.server.cut_out("acme", bob.token_id)
    assert reaching() == {("ann", ann.token_id)}


def test_it_is_written_once_and_told_in_the_users_history(ann, world):
    """A04, OPS-8: the second time changes nothing."""
    for out in (True, True, False, False):
        world.server.cut_out("acme", ann.token_id, out=out)
    told = [(event.kind, dict(event.detail)) for event in world.events(user="ann", token_id=ann.token_id)[2:]]
    assert told == [(EventKind.CUT, {"organization": "acme"}), (EventKind.ADMITTED, {"organization": "acme"})]
    assert ann.token.version == 3


def test_it_makes_an_open_form_old(ann, world):
    """The user saw a token that reached more."""
    seen = world.server.token_detail("ann", ann.token_id).version
    world.server.cut_out("acme", ann.token_id)
    with pytest.raises(StaleVersionError):
        world.server.edit("ann", ann.token_id, name="x", expected_version=seen)


def test_what_has_ended_or_is_not_there_is_not_cut(ann, world):
    """There is nothing to take away."""
    with pytest.raises(NotFoundError):
        world.server.cut_out("acme", "0" * 32)
    world.server.revoke_token(ann.token_id)
    with pytest.raises(ReadOnlyError, match="disconnected"):
        world.server.cut_out("acme", ann.token_id)


def test_all_tokens_of_all_members_at_once(world):
    """Pending ones and those that do not reach it at present included, for their users could raise them."""
    ann, bob = (
        Journey(world, scope=SCOPE).connect(),
        Journey(world, user="bob", scope=SCOPE).connect(default="none"),
    )
    waiting = Journey(world, scope=SCOPE)
    waiting.register()
    waiting.approve()
    batch = world.server.cut_out_all("acme")
    assert (batch.changed, batch.finished) == (3, True)
    assert all(journey.token.settings.cuts == {"acme"} for journey in (ann, bob, waiting))
    assert world.server.cut_out_all("acme").changed == 0
    assert world.server.cut_out_all("acme", out=False).changed == 3
    assert may(ann)


def test_somebody_who_was_removed_does_not_come_back_with_old_tokens(world):
    """Seed edge c: a former member's tokens are cut, so that a new invitation revives none of them."""
    bob = Journey(world, user="bob", scope=SCOPE).connect()
    world.people.leave("bob", "acme")
    assert world.server.cut_out_all("acme", user="bob").changed == 1
    world.people.join("bob", "acme", "admin", rocket="Rocket")
    assert not may(bob)


def test_a_limit_makes_small_pieces(world):
    """Call it again until it is finished."""
    for user in ("ann", "bob", "ann"):
        Journey(world, user=user, scope=SCOPE).connect()
    found = [world.server.cut_out_all("acme", limit=2) for _ in range(2)]
    assert [(batch.changed, batch.finished) for batch in found] == [(2, False), (1, True)]


def test_it_survives_refreshing_and_previews(ann, world):
    """The preview of a wider cap promises nothing in there."""
    world.server.cut_out("acme", ann.token_id)
    ann.refresh()
    assert not may(ann)
    assert world.server.token_detail("ann", ann.token_id).status is Status.ACTIVE
    reached = {
        place.organization for place in world.server.reach(world.server.token_detail("ann", ann.token_id))
    }
    assert "acme" not in reached
    assert SANDBOX in reached
