"""Law 1: removing an override gives back the level above it; an override whose application moved is void."""

from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.support import oracle
from tests.support.situations import APPLICATIONS, OWNERS, situations, with_cap, without


@given(situations())
def test_removing_the_override_of_an_application_gives_back_that_of_its_owner(situation):
    """What is then allowed is what the owner's limit allows."""
    bare = with_cap(situation, **without(situation.token["cap"], "applications", situation.application))
    elsewhere = evolve(situation, application="an application without an override")
    assert bare.permitted() == elsewhere.permitted()


@given(situations())
def test_removing_the_override_of_an_owner_gives_back_the_default(situation):
    """An override that repeats the default changes nothing, where the default speaks for the organization."""
    cap = situation.token["cap"]
    if situation.owner is None:
        return
    kind, name = situation.owner
    if kind == "sandbox":
        bare = with_cap(situation, sandbox=None)
        repeated = with_cap(situation, sandbox=cap["default"])
    else:
        bare = with_cap(situation, **without(cap, "organizations", name))
        is_new = cap["known"] is not None and name not in cap["known"]
        above = "none" if is_new else cap["default"]
        repeated = with_cap(situation, organizations=cap["organizations"] | {name: above})
    assert bare.permitted() == repeated.permitted()


@given(situations())
def test_under_lower_only_an_override_adds_nothing_to_the_level_above(situation):
    """Taken away, it leaves at least what it left; but for the entry that opens an organization joined later."""
    strict, cap = evolve(situation, lower_only=True), situation.token["cap"]
    allowed = strict.permitted()
    assert allowed <= with_cap(strict, sandbox=None).permitted()
    for name in cap["applications"]:
        assert allowed <= with_cap(strict, **without(cap, "applications", name)).permitted()
    for name in cap["organizations"]:
        if cap["known"] is None or name in cap["known"]:
            assert allowed <= with_cap(strict, **without(cap, "organizations", name)).permitted()


@given(situations(), st.sampled_from(APPLICATIONS), st.sampled_from(OWNERS), st.data())
def test_an_override_whose_application_moved_is_void(situation, application, home, data):
    """What was written for an application in one place is not carried into another, sandbox or not."""
    role = data.draw(st.sampled_from(situation.world["ladder"]))
    cap = situation.token["cap"]
    written = with_cap(situation, applications=cap["applications"] | {application: (role, home)})
    bare = with_cap(situation, **without(cap, "applications", application))
    if home != situation.owner:
        assert written.permitted() == bare.permitted()


@given(situations())
def test_overrides_of_other_places_do_not_matter(situation):
    """Only the application, its owner and the default are looked at."""
    cap = situation.token["cap"]
    kind, name = situation.owner or ("", "")
    own = {
        "sandbox": cap["sandbox"] if kind == "sandbox" else None,
        "organizations": {
            id_: role for id_, role in cap["organizations"].items() if (kind, id_) == (kind, name)
        },
        "applications": {
            id_: entry for id_, entry in cap["applications"].items() if id_ == situation.application
        },
    }
    assert with_cap(situation, **own).permitted() == situation.permitted()


def test_the_sandbox_and_an_organization_called_so_are_two_places(everywhere_admin):
    """Each override opens its own place alone."""
    closed = with_cap(everywhere_admin, default="none", known=None)
    of_sandbox = with_cap(closed, sandbox="admin")
    of_namesake = with_cap(closed, organizations={"sandbox": "admin"})
    for owner, opened, shut in (
        (oracle.SANDBOX, of_sandbox, of_namesake),
        (("organization", "sandbox"), of_namesake, of_sandbox),
    ):
        assert "Organization.read" in evolve(opened, owner=owner).permitted()
        assert "Organization.read" not in evolve(shut, owner=owner).permitted()
