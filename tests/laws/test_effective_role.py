"""Law 1: the effective role is the lower of the live role and the most specific cap, for every input there is."""

from collections.abc import Mapping

import pytest
from attrs import evolve
from hypothesis import assume, given
from hypothesis import strategies as st

from scopegate import SANDBOX, ApplicationCap, Organization, RoleCap, RoleLadder, Standing
from scopegate.core.caps import CapSource, effective_rank
from scopegate.core.permissions import Layer, denying_layer, explain, place_of
from scopegate.presets import simple, user_tokens

NAMES = ("none", "view", "collaborate", "edit", "admin")
LADDER = RoleLadder.of(NAMES[1:])
CATALOGUES = (simple(NAMES[1:]), user_tokens(), simple(("only",)))

roles = st.sampled_from(NAMES)
stored_roles = st.sampled_from([*NAMES, "a role of last year", ""])
organizations = st.sampled_from(["acme", "globex"])
applications = st.sampled_from(["rocket", "toy"])
owners = st.one_of(st.none(), st.just(SANDBOX), organizations.map(Organization))
caps = st.builds(
    RoleCap,
    stored_roles,
    st.dictionaries(organizations, stored_roles),
    st.none() | stored_roles,
    st.dictionaries(applications, st.builds(ApplicationCap, stored_roles, st.none() | organizations)),
)
standings = st.builds(Standing, owners, stored_roles, st.none() | stored_roles)
places = st.none() | applications


def height(name: str | None) -> int:
    """How high a role stands; a name that the ladder has not is nothing."""
    return NAMES.index(name) if name in NAMES else 0


def levels_of(cap: RoleCap, owner, application: str | None) -> list[str]:
    """The maximum roles set for a place, the most specific first."""
    found = []
    owner_id = owner.id if isinstance(owner, Organization) else None
    if application is not None:
        found += [
            own.role
            for name, own in cap.applications.items()
            if (name, own.organization) == (application, owner_id)
        ]
    if owner_id is None:
        found += [] if cap.sandbox is None else [cap.sandbox]
    else:
        found += [role for name, role in cap.organizations.items() if name == owner_id]
    return [*found, cap.default]


def oracle(cap: RoleCap, standing: Standing, application: str | None, *, lower_only: bool) -> int:
    """Law 1 in other words: nothing where the user is nobody; else live role against the caps."""
    if standing.owner is None:
        return 0
    live = standing.role
    if application is not None and standing.application_role is not None:
        live = standing.application_role
    levels = levels_of(cap, standing.owner, application)
    counted = levels if lower_only else levels[:1]
    return min([height(live), *map(height, counted)])


@given(caps, standings, places, st.booleans())
def test_the_effective_role_is_the_lower_of_live_role_and_most_specific_cap(
    cap, standing, application, lower_only
):
    """The evaluator agrees with the law written another way."""
    found = effective_rank(LADDER, cap, standing, application=application, lower_only=lower_only)
    assert found == oracle(cap, standing, application, lower_only=lower_only)


def lowered(name: str, steps: int) -> str:
    """A role that many steps further down, at least none."""
    return NAMES[max(0, height(name) - steps)]


def lowerings(cap: RoleCap, standing: Standing):
    """Every way to lower one role that is an input, as (cap, standing) pairs."""
    for steps in (1, 2, 4):
        yield cap, evolve(standing, role=lowered(standing.role, steps))
        if standing.application_role is not None:
            yield cap, evolve(standing, application_role=lowered(standing.application_role, steps))
        yield evolve(cap, default=lowered(cap.default, steps)), standing
        if cap.sandbox is not None:
            yield evolve(cap, sandbox=lowered(cap.sandbox, steps)), standing
        for name, role in cap.organizations.items():
            yield evolve(cap, organizations={**cap.organizations, name: lowered(role, steps)}), standing
        for name, own in cap.applications.items():
            changed = evolve(own, role=lowered(own.role, steps))
            yield evolve(cap, applications={**cap.applications, name: changed}), standing
    yield cap, Standing()


def permitted(catalogue, cap, scopes, standing, application, *, lower_only) -> set[str]:
    """Every action that is allowed at a place."""
    return {
        name
        for name, rule in catalogue.rules.items()
        if denying_layer(
            catalogue, rule, cap, scopes, standing, application=application, lower_only=lower_only
        )
        is None
    }


@given(st.sampled_from(CATALOGUES), caps, standings, places, st.booleans(), st.data())
def test_lowering_any_input_never_adds_a_permission(catalogue, cap, standing, application, lower_only, data):
    """Whatever is lowered, what is allowed after was allowed before; the same holds for scopes taken away."""
    scopes = tuple(data.draw(st.lists(st.sampled_from(catalogue.scopes), unique=True)))
    before = permitted(catalogue, cap, scopes, standing, application, lower_only=lower_only)
    for fewer in (scopes[1:], scopes[:-1]):
        assert permitted(catalogue, cap, fewer, standing, application, lower_only=lower_only) <= before
    lower_cap, lower_standing = data.draw(st.sampled_from(list(lowerings(cap, standing))))
    after = permitted(catalogue, lower_cap, scopes, lower_standing, application, lower_only=lower_only)
    assert after <= before


@given(caps, standings, applications)
def test_removing_an_override_gives_back_the_level_above(cap, standing, application):
    """Application, then organization or sandbox, then default: each removal uncovers the next."""
    assume(standing.owner is not None)
    live = height(standing.role if standing.application_role is None else standing.application_role)
    without = evolve(
        cap, applications={name: own for name, own in cap.applications.items() if name != application}
    )
    owner = standing.owner
    above = cap.sandbox if owner == SANDBOX else cap.organizations.get(owner.id)
    expected = cap.default if above is None else above
    assert effective_rank(LADDER, without, standing, application=application) == min(live, height(expected))
    bare = evolve(without, organizations={}, sandbox=None)
    assert effective_rank(LADDER, bare, standing, application=application) == min(live, height(cap.default))
    assert effective_rank(LADDER, bare, standing) == min(height(standing.role), height(cap.default))


@given(caps, organizations, organizations, applications, roles)
def test_an_override_whose_application_moved_is_void(cap, written, now_at, application, role):
    """What was allowed for an application in one organization is not carried into another."""
    assume(written != now_at)
    with_override = evolve(cap, applications={application: ApplicationCap("admin", written)})
    without = evolve(cap, applications={})
    at = Standing(Organization(now_at), role)
    assert effective_rank(LADDER, with_override, at, application=application) == effective_rank(
        LADDER, without, at, application=application
    )


@given(caps, standings, places)
def test_lower_only_never_exceeds_the_default_nor_the_plain_reading(cap, standing, application):
    """Switched on later, it also holds for overrides that were stored before."""
    strict = effective_rank(LADDER, cap, standing, application=application, lower_only=True)
    assert strict <= height(cap.default)
    assert strict <= effective_rank(LADDER, cap, standing, application=application)
    for level in levels_of(cap, standing.owner, application):
        assert strict <= height(level)


@given(caps, st.sampled_from([None, *(Standing(Organization("acme"), role) for role in NAMES)]))
def test_user_level_actions_have_no_role_layer(cap, standing):
    """Only the scope decides about a user's profile, whatever the cap and wherever the user stands."""
    catalogue = CATALOGUES[1]
    rule = catalogue.rule("User.read")
    place = place_of(rule, organization=None, application=None)
    for scopes, denied_by in ((("only.User.read",), None), (("all.Application.read",), Layer.SCOPE)):
        found = explain(catalogue, rule, cap, scopes, standing, place=place, lower_only=True)
        assert found.denied_by is denied_by
        assert (found.live_role, found.cap_role, found.effective_role) == ("", "", "")


@given(st.sampled_from(CATALOGUES), caps, standings, applications, st.booleans(), st.data())
def test_an_explanation_agrees_with_the_decision_and_with_itself(
    catalogue, cap, standing, application, lower_only, data
):
    """`explain` says what `denying_layer` says, and the roles that it shows are those that decided."""
    ladder = catalogue.roles
    rule = catalogue.rules[data.draw(st.sampled_from(sorted(catalogue.rules)))]
    scopes = tuple(data.draw(st.lists(st.sampled_from(catalogue.scopes), unique=True)))
    place = place_of(rule, organization="acme", application=application)
    found = explain(catalogue, rule, cap, scopes, standing, place=place, lower_only=lower_only)
    assert found.denied_by is denying_layer(
        catalogue, rule, cap, scopes, standing, application=place[1], lower_only=lower_only
    )
    assert found.allowed is (found.denied_by is None) is (found.reason == "allowed")
    if rule.target == "user":
        return
    effective = ladder.rank(found.effective_role)
    if standing.owner is not None:
        assert effective == min(ladder.rank(found.live_role), ladder.rank(found.cap_role))
    if found.denied_by is Layer.ROLE:
        assert effective < ladder.rank(found.least_role) or rule.target == "unreachable"
        assert found.reason in {"cap_too_low", "role_too_low"}
    if found.allowed:
        assert effective >= ladder.rank(found.least_role) > 0


@pytest.mark.parametrize(
    ("cap", "owner", "application", "source", "role"),
    [
        (RoleCap("view"), Organization("acme"), None, CapSource.DEFAULT, "view"),
        (RoleCap("view", {"acme": "edit"}), Organization("acme"), None, CapSource.ORGANIZATION, "edit"),
        (RoleCap("view", {"globex": "edit"}), Organization("acme"), None, CapSource.DEFAULT, "view"),
        (RoleCap("view", {}, "edit"), SANDBOX, None, CapSource.SANDBOX, "edit"),
        (RoleCap("view", {"acme": "edit"}), Organization("acme"), "rocket", CapSource.ORGANIZATION, "edit"),
        (
            RoleCap("view", {"acme": "edit"}, None, {"rocket": ApplicationCap("admin", "acme")}),
            Organization("acme"),
            "rocket",
            CapSource.APPLICATION,
            "admin",
        ),
        (
            RoleCap("view", {}, None, {"toy": ApplicationCap("edit")}),
            SANDBOX,
            "toy",
            CapSource.APPLICATION,
            "edit",
        ),
    ],
)
def test_an_explanation_names_the_level_that_decided(cap, owner, application, source, role):
    """The page and `check` can say why, not only that."""
    catalogue = CATALOGUES[1]
    rule = catalogue.rule("Application.read" if application else "Organization.read")
    place = (None, application)
    scopes = ("all.Organization.read",)
    found = explain(catalogue, rule, cap, scopes, Standing(owner, "admin"), place=place, lower_only=False)
    assert (found.cap_source, found.cap_role, found.effective_role) == (source, role, role)


@pytest.mark.parametrize(
    ("cap", "source", "role"),
    [
        (RoleCap("view", {"acme": "edit"}), CapSource.DEFAULT, "view"),
        (RoleCap("edit", {"acme": "view"}), CapSource.ORGANIZATION, "view"),
        (RoleCap("edit", {"acme": "edit"}), CapSource.ORGANIZATION, "edit"),
        (
            RoleCap("edit", {"acme": "view"}, None, {"rocket": ApplicationCap("admin", "acme")}),
            CapSource.ORGANIZATION,
            "view",
        ),
    ],
)
def test_under_lower_only_the_level_that_holds_back_is_named(cap, source, role):
    """An override above another level decides nothing, so it is not shown as what decided."""
    catalogue = CATALOGUES[1]
    at = Standing(Organization("acme"), "admin")
    place = (None, "rocket")
    rule = catalogue.rule("Application.read")
    found = explain(catalogue, rule, cap, ("all.Application.read",), at, place=place, lower_only=True)
    assert (found.cap_source, found.cap_role, found.effective_role) == (source, role, role)


def test_nobody_is_shown_no_cap():
    """Where the user does not stand there is nothing to cap."""
    catalogue = CATALOGUES[1]
    rule = catalogue.rule("Organization.read")
    found = explain(
        catalogue,
        rule,
        RoleCap("admin"),
        ("all.Organization.read",),
        None,
        place=("x", None),
        lower_only=False,
    )
    assert (found.denied_by, found.cap_source, found.cap_role) == (Layer.ROLE, None, "none")
    assert found.reason == "role_too_low"


def test_the_lists_of_these_tests_are_what_they_are_thought_to_be():
    """The oracle and the ladder number the same names."""
    assert isinstance(CATALOGUES[0].rules, Mapping)
    assert [role.name for role in LADDER.roles] == list(NAMES)
