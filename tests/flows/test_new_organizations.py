"""What a token gets in organizations that its user joins later: the default, or nothing until the user chooses."""

import pytest
from attrs import evolve
from tests.support import Journey

from scopegate import Access, ApplicationCap, RoleCap
from scopegate.core.caps import LimitSource
from scopegate.profiles import DEFAULT
from scopegate.web.consent_view import consent_view

CLOSED = evolve(DEFAULT, new_organizations="none")


@pytest.fixture
def world(make_world):
    """A world whose tokens stay out of organizations that were not there at consent."""
    return make_world(profile=CLOSED)


@pytest.fixture
def connected(world):
    """A token of ann's, approved while she was in acme and globex."""
    return Journey(world).connect(default="editor")


def may(journey, application, action="Application.read"):
    """Whether a request may."""
    return isinstance(journey.access(action, application=application), Access)


def cap_of(journey):
    """The cap as stored."""
    return journey.token.settings.cap


def test_consent_keeps_the_organizations_that_were_on_the_page(connected):
    """The default speaks for them; the sandbox is no organization, and is always spoken for."""
    assert cap_of(connected) == RoleCap("editor", known=["acme", "globex"])
    assert [may(connected, each) for each in ("rocket", "lamp", "toy")] == [True, True, True]


def test_an_organization_joined_later_is_closed(connected, world):
    """And all its applications are; the explanation says why, and that the user may change it."""
    world.people.join("ann", "hooli", nucleus="Nucleus")
    assert not may(connected, "nucleus")
    assert "hooli" not in {each.organization for each in world.server.reach(connected.access())}
    found = world.server.explain(connected.access(), "Application.read", application="nucleus")
    assert (found.reason, found.cap_source, found.cap_role) == (
        "cap_too_low",
        LimitSource.NEW_ORGANIZATION,
        "none",
    )
    assert may(connected, "rocket")


def test_an_organization_that_was_left_and_joined_again_is_not_new(connected, world):
    """It was on the page."""
    places = world.people.places["ann"]
    world.people.leave("ann", "acme")
    assert not may(connected, "rocket")
    world.people.places["ann"] = places
    assert may(connected, "rocket")


def test_an_application_that_moves_to_a_new_organization_is_closed(connected, world):
    """It is judged where it stands now."""
    world.people.join("ann", "hooli")
    world.people.move("rocket", "hooli")
    assert not may(connected, "rocket")


def test_an_entry_of_its_own_admits_an_organization(connected, world):
    """The user chooses: in one organization, for one application; the others stay closed."""
    world.people.join("ann", "hooli", nucleus="Nucleus", gate="Gate")
    world.people.join("ann", "initech", stapler="Stapler")
    world.server.recap("ann", connected.token_id, RoleCap("editor", {"hooli": "viewer"}))
    assert [may(connected, each) for each in ("nucleus", "gate", "stapler")] == [True, True, False]
    assert not may(connected, "nucleus", "Application.write")
    only = {"stapler": ApplicationCap("viewer", "initech")}
    world.server.recap("ann", connected.token_id, RoleCap("editor", applications=only))
    assert [may(connected, each) for each in ("nucleus", "stapler")] == [False, True]


def test_what_the_default_speaks_for_outlives_every_edit(connected, world):
    """A cap that does not say it, another name, a pause: none opens what was closed."""
    world.people.join("ann", "hooli", nucleus="Nucleus")
    known = cap_of(connected).known
    world.server.recap("ann", connected.token_id, RoleCap("admin", {"acme": "viewer"}))
    assert cap_of(connected) == RoleCap("admin", {"acme": "viewer"}, known=known)
    world.server.edit("ann", connected.token_id, name="Other", cap=RoleCap("viewer"))
    world.server.pause("ann", connected.token_id)
    world.server.resume("ann", connected.token_id)
    assert cap_of(connected) == RoleCap("viewer", known=known)
    assert not may(connected, "nucleus")


def test_a_page_that_knows_the_new_organization_may_say_so(connected, world):
    """A cap that names what its default speaks for is taken at its word."""
    world.people.join("ann", "hooli", nucleus="Nucleus")
    known = ["acme", "hooli"]
    world.server.recap("ann", connected.token_id, RoleCap("viewer", known=known))
    assert cap_of(connected).known == set(known)
    assert [may(connected, each) for each in ("rocket", "nucleus", "lamp")] == [True, True, False]


def test_the_page_says_it(world):
    """Before anything is approved, and what is chosen there and then has an entry."""
    journey = Journey(world)
    journey.register()
    prompt = journey.authorize()
    assert (prompt.new_organizations, prompt.cap.known) == ("none", {"acme", "globex"})
    hint = consent_view(prompt).limit.hint
    assert "in the organizations that you see here, and not in those that you join later" in hint
    shown = journey.decide("preview", default="admin", organizations={"acme": "viewer"})
    assert shown.cap == RoleCap("admin", {"acme": "viewer"}, known=["acme", "globex"])


def test_places_that_do_not_fit_on_the_page_are_closed(world):
    """The page says that they are; nobody consents to what was not shown."""
    world.people.page_size = 1
    journey = Journey(world)
    journey.register()
    prompt = journey.authorize()
    assert prompt.more_places
    assert "This app gets no access to the others" in consent_view(prompt).limit.more
    journey.decide(default="editor")
    journey.redeem()
    assert cap_of(journey).known == {"acme"}
    assert [may(journey, each) for each in ("rocket", "lamp", "toy")] == [True, False, True]


def test_a_user_without_any_organization_has_none_that_is_known(world):
    """An empty list is not the same as no list."""
    world.people.places["ann"] = ()
    journey = Journey(world).connect(default="editor")
    assert cap_of(journey) == RoleCap("editor", known=[])
    world.people.join("ann", "hooli", nucleus="Nucleus")
    assert not may(journey, "nucleus")


def test_by_default_the_default_speaks_for_all(make_world):
    """Also for those that are joined later, and the page says so."""
    world = make_world()
    journey = Journey(world).connect(default="editor")
    assert cap_of(journey).known is None
    world.people.join("ann", "hooli", nucleus="Nucleus")
    assert may(journey, "nucleus", "Application.write")
    hint = consent_view(journey.authorize()).limit.hint
    assert "also in those that you join later" in hint


def test_a_token_keeps_what_its_own_page_said(make_world):
    """A profile that is switched later changes no token that is there, in either direction."""
    world = make_world(profile=CLOSED)
    closed = Journey(world).connect(default="editor")
    same = {
        "store": world.given_store,
        "clock": world.clock,
        "people": world.people,
        "entropy": world.entropy,
    }
    opened = make_world(**same)
    open_ended = Journey(opened).connect(default="editor")
    world.people.join("ann", "hooli", nucleus="Nucleus")
    for server in (world.server, opened.server):
        closed.server = open_ended.server = server
        assert [may(closed, "nucleus"), may(open_ended, "nucleus")] == [False, True]
