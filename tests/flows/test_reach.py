"""Reach, lists and previews: places one by one, as many as there are, and nobody asked for nothing."""

from itertools import islice

import pytest
from attrs import evolve
from tests.support import Journey, People

from scopegate import SANDBOX, Action, Application, ConfigurationError, Membership, RoleCap, presets
from scopegate.core.changes import PutClient
from scopegate.core.permissions import Barrier, Layer
from scopegate.core.standing import Account, Ceiling, Organization, Standing
from scopegate.core.whatif import MemberRole, NewCeiling, Pause, Recap, Resume
from scopegate.errors import DirectoryUnavailableError, InvalidValueError
from scopegate.flows import reach

EVERYTHING = "all.Organization.bounded only.User.read"
PLACES = [
    (None, None, ""),
    ("acme", None, "Acme"),
    ("acme", "rocket", "Rocket"),
    ("acme", "kite", "Kite"),
    ("globex", None, "Globex"),
    ("globex", "lamp", "Lamp"),
    (SANDBOX, None, "Ann's sandbox"),
    (SANDBOX, "toy", "Toy"),
]


@pytest.fixture
def ann(world):
    """A token of ann's that may do all that she may."""
    return Journey(world, scope=EVERYTHING).connect(default="admin")


def page(journey):
    """A token as its page shows it."""
    return journey.server.token_detail("ann", journey.token_id)


def named(found):
    """Where something is reached, and what it is called."""
    return [(each.organization, each.application, each.label) for each in found]


class Unlisted(People):
    """A directory that lists applications only when it is asked about them."""

    def memberships(self, user, /, *, after=None, search=""):
        """See `Directory.memberships`."""
        found = super().memberships(user, after=after, search=search)
        return evolve(found, items=[evolve(place, applications={}) for place in found.items])


# Reach


def test_what_is_the_users_own_comes_first_then_place_by_place(ann, world):
    """Each organization and the sandbox, followed by its applications; with the role and what is open."""
    for held in (page(ann), ann.access()):
        found = list(world.server.reach(held))
        assert named(found) == PLACES
        assert [each.role for each in found] == [
            "",
            "admin",
            "admin",
            "viewer",
            "viewer",
            "viewer",
            "admin",
            "admin",
        ]
        assert found[0].actions == ("User.read",)
        assert found[1].actions == ("Organization.read", "Organization.write")
        assert found[2].actions == ("Application.read", "Application.write")
        assert found[3].actions == ("Application.read",)


def test_a_place_where_nothing_is_open_is_not_reached(ann, world):
    """Closed by the cap, by the scope or by the status."""
    world.server.recap("ann", ann.token_id, RoleCap("none", {"globex": "admin"}))
    assert named(world.server.reach(page(ann))) == [PLACES[0], *PLACES[4:6]]
    world.server.pause("ann", ann.token_id)
    assert list(world.server.reach(page(ann))) == []
    short = Journey(world, scope="all.Application.read").connect(default="admin")
    assert named(world.server.reach(page(short))) == [PLACES[2], PLACES[3], PLACES[5], PLACES[7]]


def test_a_narrowed_access_token_reaches_less_than_its_token(ann, world):
    """A request may do what its access token may; the page shows the token."""
    ann.refresh(scope="only.User.read")
    place = {"organization": "acme"}
    assert named(world.server.reach(ann.access())) == PLACES[:1]
    assert not world.server.check(ann.access(), "Organization.read", **place)
    assert world.server.check(ann.access(), "User.read")
    assert named(world.server.reach(page(ann))) == PLACES
    assert world.server.check(page(ann), "Organization.read", **place)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
@pytest.mark.parametrize("people", [People, Unlisted])
def test_all_pages_of_a_directory_are_read(make_world, size, people):
    """Memberships, and applications where they are listed apart; none twice, none left out."""
    world = make_world(people=people())
    ann = Journey(world, scope=EVERYTHING).connect(default="admin")
    world.people.page_size = size
    assert named(world.server.reach(page(ann))) == PLACES
    assert named(world.server.applications(page(ann), "Application.read")) == [
        place for place in PLACES if place[1]
    ]
    assert named(world.server.applications(page(ann), "Application.read", "acme")) == PLACES[2:4]
    assert named(world.server.organizations(page(ann), "Organization.read")) == [
        place for place in PLACES if place[0] and not place[1]
    ]
    compared = world.server.preview(page(ann), None)
    assert named(each.before for each in compared) == PLACES


@pytest.mark.parametrize("size", [1, 2, 100])
def test_all_members_and_all_their_tokens_are_looked_at(world, size):
    """`reaching` is by member, token and place."""
    tokens = [
        Journey(world, user=user, scope=EVERYTHING).connect(default="admin") for user in ("ann", "ann", "bob")
    ]
    Journey(world, user="bob", scope=EVERYTHING).connect(default="none")
    world.people.page_size = size
    found = list(world.server.reaching("acme"))
    assert {(view.token.user, view.token.id) for view, _ in found} == {
        (each.user, each.token_id) for each in tokens
    }
    assert len(found) == 3 * 3
    assert {each.organization for _, each in found} == {"acme"}
    assert {each.role for view, each in found if view.token.user == "bob"} == {"editor"}
    assert list(world.server.reaching("hooli")) == []


def test_a_user_with_more_tokens_than_a_page_holds_is_looked_at_whole(world):
    """The list of tokens comes in pages too."""
    made = Journey(world, scope=EVERYTHING).connect(default="admin")
    for _ in range(60):
        made.approve(default="viewer")
        made.redeem()
    found = {view.token.id for view, _ in world.server.reaching("acme")}
    assert len(found) == 61


def test_the_first_place_is_there_before_the_others_are_looked_for(ann, world):
    """Lazily: who wants one entry costs one page, however many organizations there are."""
    world.people.places["ann"] = tuple(
        Membership(f"o{number}", f"O {number}", "admin", {f"a{number}": "A"}) for number in range(500)
    )
    world.people.page_size = 10
    held = ann.access()
    world.people.asked.clear()
    assert world.people.asked == []
    assert len(list(islice(world.server.reach(held), 1))) == 1
    assert world.people.asked == []
    assert len(list(islice(world.server.reach(held), 4))) == 4
    assert world.people.asked == ["memberships"]
    assert len(list(islice(world.server.reach(held), 22))) == 22
    assert world.people.asked == ["memberships"] * 3


def test_trouble_in_the_middle_of_a_list_is_no_end_of_it(ann, world):
    """Half a list must not look like a whole one."""
    world.people.page_size = 1
    places = world.server.reach(ann.access())
    assert named(islice(places, 2)) == PLACES[:2]
    world.people.trouble = TimeoutError()
    with pytest.raises(DirectoryUnavailableError):
        list(places)


# Lists


@pytest.mark.parametrize("action", ["Organization.read", "Organization.write", "Organization.sensitive"])
def test_a_list_that_the_scopes_close_asks_nobody(world, action):
    """Neither about memberships nor about standings, be it of a request; of a page only who its user is."""
    short = Journey(world, scope="all.Application.read only.User.read").connect(default="admin")
    granted, view = short.access(), page(short)
    world.people.asked.clear()
    assert list(world.server.organizations(granted, action)) == []
    assert list(world.server.applications(granted, "Application.write", "acme")) == []
    assert world.people.asked == []
    assert list(world.server.organizations(view, action)) == []
    assert world.people.asked == ["account"]


def test_a_list_of_a_token_that_is_switched_off_asks_for_no_places(ann, world):
    """It has none."""
    world.server.pause("ann", ann.token_id)
    view = page(ann)
    world.people.asked.clear()
    assert list(world.server.organizations(view, "Organization.read")) == []
    assert list(world.server.applications(view, "Application.read")) == []
    assert set(world.people.asked) == {"account"}


def test_a_narrowed_access_token_lists_what_it_may(ann, world):
    """Not what its token may, in either direction of the list."""
    ann.refresh(scope="only.User.read")
    assert list(world.server.organizations(ann.access(), "Organization.read")) == []
    assert named(world.server.organizations(page(ann), "Organization.read")) == [
        PLACES[1],
        PLACES[4],
        PLACES[6],
    ]


def test_a_list_names_the_places_where_the_action_is_open(ann, world):
    """By role and cap; inside one organization, or the sandbox, or everywhere."""
    assert named(world.server.applications(ann.access(), "Application.write")) == [PLACES[2], PLACES[7]]
    assert named(world.server.applications(ann.access(), "Application.write", SANDBOX)) == [
        (SANDBOX, "toy", "Toy")
    ]
    assert list(world.server.applications(ann.access(), "Application.read", "hooli")) == []
    assert named(world.server.organizations(ann.access(), "Organization.write")) == [PLACES[1], PLACES[6]]


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("Application.read", "organizations"),
        ("User.read", "organizations"),
        ("Organization.read", "applications"),
        ("User.read", "applications"),
    ],
)
def test_an_action_is_listed_where_it_is_judged(ann, world, action, kind):
    """To list it elsewhere is the host's mistake, and the message says so."""
    with pytest.raises(InvalidValueError, match=rf"{action} is not judged at an {kind[:-1]}") as caught:
        list(getattr(world.server, kind)(ann.access(), action))
    assert caught.value.field == "action"
    with pytest.raises(ConfigurationError, match=r"Nothing\.read"):
        list(getattr(world.server, kind)(ann.access(), "Nothing.read"))


def test_an_action_may_be_listed_by_its_old_name(make_world):
    """What a catalogue renamed is still asked about; reach names what it is called now."""
    old = presets.simple(actions=[Action("device.reboot", "Application", "write")])
    world = make_world(catalogue=evolve(old, renamed={"device.restart": "device.reboot"}))
    ann = Journey(world, scope=EVERYTHING).connect(default="admin")
    found = list(world.server.applications(ann.access(), "device.restart"))
    assert named(found) == [PLACES[2], PLACES[7]]
    assert found == list(world.server.applications(ann.access(), "device.reboot"))
    assert all("device.restart" not in each.actions for each in world.server.reach(ann.access()))


# What comes before scope and role


@pytest.mark.parametrize(
    ("change", "barriers"),
    [
        ({}, []),
        ({"client": None}, [("credential", "client_disabled")]),
        ({"account": None}, [("credential", "account_disabled")]),
        ({"account": Account("Ann", enabled=False)}, [("credential", "account_disabled")]),
    ],
)
def test_of_a_page_the_client_and_the_account_are_looked_at(ann, change, barriers):
    """A token that no request could use reaches nothing, and its explanation says why."""
    account = change.get("account", Account("Ann")) if "account" in change else Account("Ann")
    view = page(ann) if "client" not in change else evolve(page(ann), client=None)
    found = reach.subject(view, account)
    assert found.barriers == tuple(Barrier(Layer(layer), reason) for layer, reason in barriers)
    assert (found.token, found.scopes) == (ann.token, ())


def test_all_barriers_of_a_page_are_said_in_their_order(ann, world):
    """Client, account, status."""
    client = world.store.client(world.realm, ann.client_id)
    world.store.commit(world.realm, [PutClient(evolve(client, disabled=True, version=2), 1)])
    world.server.pause("ann", ann.token_id)
    world.people.disabled.add("ann")
    found = world.server.explain(page(ann), "User.read")
    assert [judged.reason for judged in found.layers if not judged.passed] == [
        "client_disabled",
        "account_disabled",
        "inactive",
    ]
    assert not world.server.check(page(ann), "User.read")


def test_a_request_has_passed_what_comes_before(ann, world):
    """Its client and account were looked at when it came; nobody is asked again."""
    granted = ann.access()
    world.people.asked.clear()
    assert world.server.check(granted, "User.read")
    assert world.server.explain(granted, "User.read").allowed
    assert named(islice(world.server.reach(granted), 1)) == PLACES[:1]
    assert world.people.asked == []


def test_a_page_remembers_no_answer_of_the_directory(ann, world):
    """It may stay open for long; a request does, for as long as it lasts."""
    view, granted = page(ann), ann.access()
    for held, times in ((view, 2), (granted, 1)):
        world.people.asked.clear()
        for _ in range(2):
            assert world.server.check(held, "Organization.write", organization="acme")
        assert world.people.asked.count("standing") == times
    world.people.role("ann", "acme", "viewer")
    assert not world.server.check(view, "Organization.write", organization="acme")
    assert world.server.check(granted, "Organization.write", organization="acme")


# Previews


def compared(journey, change):
    """What a change would do, by place."""
    found = journey.server.preview(page(journey), change)
    return {(each.before.organization, each.before.application): each for each in found}


def test_a_preview_says_what_is_gained_lost_and_unchanged(ann):
    """Of one place after the other; what is open nowhere is compared too."""
    found = compared(ann, Recap(RoleCap("viewer", {"globex": "none"})))
    assert list(found) == [place[:2] for place in PLACES]
    acme, globex = found["acme", None], found["globex", None]
    assert (acme.gained, acme.lost) == ((), ("Organization.write",))
    assert acme.unchanged == acme.after.actions == ("Organization.read",)
    assert (acme.before.role, acme.after.role, acme.after.label) == ("admin", "viewer", "Acme")
    assert (globex.lost, globex.unchanged, globex.after.role) == (("Organization.read",), (), "none")
    assert found[None, None].unchanged == ("User.read",)
    assert found[None, None].dormant == ()


def test_what_only_the_users_own_role_keeps_closed_is_dormant(ann):
    """It wakes up if that rises: in the organization, or on an application where it is another."""
    found = compared(ann, None)
    assert found["globex", None].dormant == ("Organization.write",)
    assert found["acme", "kite"].dormant == ("Application.write",)
    assert found["acme", "rocket"].dormant == ()
    capped = compared(ann, Recap(RoleCap("viewer")))
    assert capped["globex", None].dormant == capped["acme", "kite"].dormant == ()


def test_a_pause_and_a_resumption(ann, world):
    """Everything, and everything again; twice is once."""
    found = compared(ann, Pause())
    assert all(each.after.actions == () for each in found.values())
    assert found["acme", None].lost == ("Organization.read", "Organization.write")
    world.server.pause("ann", ann.token_id)
    assert all(each.lost == each.gained == () for each in compared(ann, Pause()).values())
    found = compared(ann, Resume())
    assert found["acme", None].gained == ("Organization.read", "Organization.write")
    assert found[None, None].gained == ("User.read",)


def test_a_resumption_lifts_nothing_but_the_pause(ann, world):
    """Whose account is closed has nothing to gain."""
    world.server.pause("ann", ann.token_id)
    world.people.disabled.add("ann")
    assert all(each.after.actions == () for each in compared(ann, Resume()).values())


@pytest.mark.parametrize(
    ("change", "lost", "gained"),
    [
        (MemberRole("acme", "viewer"), {("acme", None), ("acme", "rocket")}, set()),
        (MemberRole("acme", "none"), {("acme", None), ("acme", "rocket")}, set()),
        (MemberRole("acme", None), {("acme", None), ("acme", "rocket"), ("acme", "kite")}, set()),
        (MemberRole("globex", "admin"), set(), {("globex", None), ("globex", "lamp")}),
        (MemberRole("acme", "admin", "kite"), set(), {("acme", "kite")}),
        (MemberRole("acme", None, "kite"), set(), {("acme", "kite")}),
        (MemberRole("acme", "none", "kite"), {("acme", "kite")}, set()),
        (MemberRole("acme", "none", "lamp"), set(), set()),
        (MemberRole(SANDBOX, "viewer"), {(SANDBOX, None), (SANDBOX, "toy")}, set()),
        (NewCeiling("acme", Ceiling("viewer")), {("acme", None), ("acme", "rocket")}, set()),
        (NewCeiling("acme", Ceiling("none")), {("acme", None), ("acme", "rocket"), ("acme", "kite")}, set()),
        (NewCeiling("acme", None), set(), set()),
    ],
)
def test_a_change_of_the_host_is_seen_where_it_would_happen(ann, change, lost, gained):
    """There, and nowhere else."""
    found = compared(ann, change)
    assert {place for place, each in found.items() if each.lost} == lost
    assert {place for place, each in found.items() if each.gained} == gained


def test_a_ceiling_that_is_taken_away_gives_back_what_it_took(ann, world):
    """And the preview says so."""
    world.people.ceiling("acme", Ceiling("none"))
    found = compared(ann, NewCeiling("acme", None))
    assert found["acme", None].gained == ("Organization.read", "Organization.write")


@pytest.mark.parametrize("organization", ["hooli", SANDBOX])
def test_a_membership_that_would_begin_is_compared_at_the_end(ann, world, organization):
    """Where the user is not yet: the organization itself, for nothing is known of what is in it."""
    world.people.leave("ann", SANDBOX)
    found = compared(ann, MemberRole(organization, "editor"))
    (*_, (place, begun)) = found.items()
    assert place == (organization, None)
    assert begun.before.role == "none"
    assert (begun.gained, begun.after.role) == (("Organization.read", "Organization.write"), "editor")
    assert begun.after.label == ("hooli" if organization == "hooli" else "")
    assert len(found) == len(PLACES) - 1


def test_a_membership_that_would_begin_is_under_its_own_part_of_the_cap(ann, world):
    """That of the organization, or of the sandbox, which is none."""
    world.people.join("ann", "hooli")
    world.server.recap("ann", ann.token_id, RoleCap("admin", {"hooli": "viewer"}, "editor"))
    world.people.leave("ann", "hooli")
    world.people.leave("ann", SANDBOX)
    for organization, role in (("hooli", "viewer"), (SANDBOX, "editor"), ("initech", "admin")):
        assert compared(ann, MemberRole(organization, "admin"))[organization, None].after.role == role


def test_a_role_on_an_application_begins_no_membership(ann):
    """A user has one only in what they are a member of."""
    assert ("hooli", None) not in compared(ann, MemberRole("hooli", "admin", "nucleus"))
    assert ("hooli", None) not in compared(ann, NewCeiling("hooli", None))


def test_what_is_no_change_is_not_taken_for_none(ann):
    """A host that hands in a cap in place of a `Recap` hears of it."""
    with pytest.raises(AssertionError, match="RoleCap"):
        compared(ann, RoleCap("viewer"))


# Values


def test_a_standing_in_an_organization_is_a_membership():
    """Of who stands nowhere, one with no role."""
    ceiling = Ceiling("viewer")
    standing = Standing(Organization("acme"), "editor", None, ceiling)
    assert reach.membership("acme", standing) == Membership("acme", "acme", "editor", {}, ceiling)
    assert reach.membership("acme", Standing(None, "editor")) == Membership("acme", "acme", "none")
    assert reach.membership(SANDBOX, Standing(SANDBOX, "admin")) == Membership(SANDBOX, "", "admin")


def test_a_spot_is_a_place_and_a_standing():
    """Of an organization, or of an application with the role that the user has there."""
    place = Membership(
        "acme", "Acme", "admin", {"kite": Application("kite", "Kite", "viewer")}, Ceiling("editor")
    )
    there = Standing(Organization("acme"), "admin", None, Ceiling("editor"))
    assert reach.in_organization(place) == reach.Spot("acme", None, "Acme", there)
    kite = reach.in_application(place, place.applications["kite"])
    assert kite == reach.Spot("acme", "kite", "Kite", evolve(there, application_role="viewer"))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (Recap(RoleCap("boss")), "default"),
        (Recap(RoleCap("viewer", {"acme": "boss"})), r"organizations\[acme\]"),
        (MemberRole("acme", "boss"), "role"),
        (MemberRole("acme", "boss", "rocket"), "role"),
        (NewCeiling("acme", Ceiling("boss")), "ceiling"),
        (NewCeiling("acme", Ceiling(None, {"c1": "boss"})), r"clients\[c1\]"),
    ],
)
def test_a_preview_of_a_role_that_there_is_not_is_refused(ann, world, change, field):
    """As the change itself would be, before anything is shown as lost."""
    with pytest.raises(InvalidValueError, match=f"^{field}: 'boss' is not a role here"):
        next(iter(world.server.preview(page(ann), change)))


@pytest.mark.parametrize(
    "change",
    [None, MemberRole("acme", None), NewCeiling("acme", None), NewCeiling("acme", Ceiling(None)), Pause()],
)
def test_a_preview_of_a_change_without_a_role_is_shown(ann, world, change):
    """Nothing is wrong with a role that is not named."""
    assert list(world.server.preview(page(ann), change))
