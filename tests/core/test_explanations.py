"""Explanations: what each layer and limit said, which of them binds, what would help, and who may do that."""

from typing import ClassVar

import pytest
from attrs import evolve
from hypothesis import given
from tests.support.situations import situations, standing_of, token_of

from scopegate import (
    SANDBOX,
    AccessClass,
    Action,
    ApplicationCap,
    Catalogue,
    Ceiling,
    ConfigurationError,
    Evaluator,
    Level,
    Organization,
    RoleCap,
    RoleLadder,
    Standing,
)
from scopegate.core.caps import LimitSource
from scopegate.core.permissions import Barrier, Layer, Limit, Remedy, Subject, Who, proposed
from scopegate.errors import InvalidValueError

SCOPES = ("only.User.read", "all.Application.bounded", "all.Organization.bounded", "only.Reseller", "me.*")
CATALOGUE = Catalogue(
    RoleLadder.of(["viewer", "editor", "admin"]),
    (
        Level("User", None, "user"),
        Level("Organization", "User", "organization"),
        Level("Application", "Organization"),
        Level("Reseller", "User", "unreachable"),
    ),
    {AccessClass.READ: "viewer", AccessClass.WRITE: "editor", AccessClass.SENSITIVE: "admin"},
    SCOPES,
    (Action("me.look", "User", "read"), Action("me.mint", "User", "sensitive", closed=True)),
)
EVALUATOR = Evaluator(CATALOGUE)
STRICT = Evaluator(CATALOGUE, lower_only=True)
ACME = Standing(Organization("acme"), "admin")
MINE = Standing(SANDBOX, "admin")
ALL = RoleCap("admin")
LIVE, CEILING = LimitSource.LIVE_ROLE, LimitSource.CEILING
USER, ORGANIZATION, CLIENT, HOST, NOBODY = Who


def explained(
    action="Application.write",
    *,
    cap=ALL,
    at=ACME,
    application="rocket",
    scopes=SCOPES,
    narrowed=(),
    barriers=(),
    evaluator=EVALUATOR,
):
    """The explanation of an action; by default all is open to an administrator's token."""
    subject = Subject(proposed(cap, "c1", scopes), narrowed, tuple(barriers))
    return evaluator.explain(subject, action, at, application)


def layers(found):
    """What each layer said: its name, and its reason if it said no."""
    assert all(judged.passed is (judged.reason == "") for judged in found.layers)
    return [(judged.layer.value, judged.reason) for judged in found.layers]


# What is allowed


def test_what_is_the_users_own_has_no_role_layer():
    """Scope alone decides, whatever the cap; nothing is said about roles, even where a place is named."""
    for action in ("User.read", "me.look"):
        found = explained(action, cap=RoleCap("none"))
        assert (found.allowed, found.reason, found.denied_by) == (True, "allowed", None)
        assert layers(found) == [("scope", "")]
        assert (found.limits, found.binding, found.remedies) == ((), None, ())
        assert {
            found.live_role,
            found.cap_role,
            found.ceiling_role,
            found.effective_role,
            found.least_role,
        } == {""}
        assert found.cap_source is None
        assert found.rule is CATALOGUE.rule(action)


@pytest.mark.parametrize(
    ("cap", "at", "limits", "binding", "effective"),
    [
        (
            "editor",
            ACME,
            [(LIVE, "admin"), (LimitSource.DEFAULT_CAP, "editor")],
            LimitSource.DEFAULT_CAP,
            "editor",
        ),
        ("admin", ACME, [(LIVE, "admin"), (LimitSource.DEFAULT_CAP, "admin")], LIVE, "admin"),
        (
            "admin",
            evolve(ACME, role="editor"),
            [(LIVE, "editor"), (LimitSource.DEFAULT_CAP, "admin")],
            LIVE,
            "editor",
        ),
        (
            "admin",
            evolve(ACME, ceiling=Ceiling("editor")),
            [(LIVE, "admin"), (LimitSource.DEFAULT_CAP, "admin"), (CEILING, "editor")],
            CEILING,
            "editor",
        ),
        (
            "editor",
            evolve(ACME, ceiling=Ceiling("editor")),
            [(LIVE, "admin"), (LimitSource.DEFAULT_CAP, "editor"), (CEILING, "editor")],
            LimitSource.DEFAULT_CAP,
            "editor",
        ),
    ],
)
def test_of_what_is_allowed_the_lowest_limit_binds(cap, at, limits, binding, effective):
    """Of equal ones the first: nobody looks for a cap where the user has no more."""
    found = explained(cap=RoleCap(cap), at=at)
    assert (found.allowed, found.reason, found.remedies) == (True, "allowed", ())
    assert layers(found) == [("scope", ""), ("role", "")]
    assert found.rule is CATALOGUE.rule("Application.write")
    assert found.limits == tuple(Limit(*limit) for limit in limits)
    assert (found.binding, found.effective_role, found.least_role) == (binding, effective, "editor")


def test_the_roles_are_named_one_by_one():
    """Live, cap, ceiling, effective and least, for a page that shows them side by side."""
    at = evolve(ACME, application_role="editor", ceiling=Ceiling("viewer"))
    found = explained("Application.read", cap=RoleCap("viewer", {"acme": "admin"}), at=at)
    assert (found.live_role, found.cap_role, found.ceiling_role) == ("editor", "admin", "viewer")
    assert (found.effective_role, found.least_role) == ("viewer", "viewer")
    assert found.cap_source is LimitSource.ORGANIZATION_CAP
    there = explained("Organization.read", cap=RoleCap("viewer", {"acme": "admin"}), at=at)
    assert there.live_role == "admin"


# What stands in the way


ANN = RoleCap(
    "viewer",
    {"globex": "none", "hooli": "viewer"},
    "none",
    {"rocket": ApplicationCap("viewer", "acme"), "toy": ApplicationCap("none")},
    known=["acme", "globex", "hooli"],
)


def at(organization):
    """An administrator of an organization."""
    return Standing(Organization(organization), "admin")


@pytest.mark.parametrize(
    ("changes", "source", "role"),
    [
        ({}, LimitSource.APPLICATION_CAP, "viewer"),
        ({"application": "kite"}, LimitSource.DEFAULT_CAP, "viewer"),
        ({"at": at("globex")}, LimitSource.ORGANIZATION_CAP, "none"),
        ({"at": at("hooli"), "application": "kite"}, LimitSource.ORGANIZATION_CAP, "viewer"),
        ({"at": at("initech")}, LimitSource.NEW_ORGANIZATION, "none"),
        ({"at": MINE}, LimitSource.SANDBOX_CAP, "none"),
        ({"at": MINE, "application": "toy"}, LimitSource.APPLICATION_CAP, "none"),
        ({"at": MINE, "cap": RoleCap("viewer", known=[])}, LimitSource.DEFAULT_CAP, "viewer"),
        ({"cap": RoleCap("boss")}, LimitSource.DEFAULT_CAP, "boss"),
    ],
)
def test_a_cap_that_is_too_low_is_the_users_to_raise(changes, source, role):
    """The most specific level that speaks about the place; the client may do nothing about it."""
    found = explained(**{"cap": ANN} | changes)
    assert (found.allowed, found.reason, found.denied_by) == (False, "cap_too_low", Layer.ROLE)
    assert layers(found) == [("scope", ""), ("role", "cap_too_low")]
    assert (found.cap_role, found.cap_source, found.binding) == (role, source, source)
    assert found.remedies == (Remedy(USER, source, "editor"),)
    assert Limit(source, role) in found.limits


def test_a_role_that_is_too_low_is_the_organizations_to_raise():
    """An application's own role takes the place of that in the organization, up and down."""
    for standing in (evolve(ACME, role="viewer"), evolve(ACME, application_role="viewer")):
        found = explained(at=standing)
        assert (found.reason, found.binding, found.live_role) == ("role_too_low", LIVE, "viewer")
        assert found.remedies == (Remedy(ORGANIZATION, LIVE, "editor"),)
        assert found.effective_role == "viewer"
    assert explained(at=evolve(ACME, role="viewer", application_role="editor")).allowed


@pytest.mark.parametrize(
    ("ceiling", "role"),
    [
        (Ceiling("viewer"), "viewer"),
        (Ceiling(clients={"c1": "viewer"}), "viewer"),
        (Ceiling("none", {"c2": "admin"}), "none"),
        (Ceiling("admin", {"c1": "none"}), "none"),
        (Ceiling("boss"), "boss"),
    ],
)
def test_a_ceiling_that_is_too_low_is_the_organizations_to_raise(ceiling, role):
    """That of the client, if it has one of its own; else that for all."""
    found = explained(at=evolve(ACME, ceiling=ceiling))
    assert (found.allowed, found.reason, found.binding) == (False, "ceiling_too_low", CEILING)
    assert found.ceiling_role == role
    assert found.remedies == (Remedy(ORGANIZATION, CEILING, "editor"),)


@pytest.mark.parametrize("ceiling", [None, Ceiling(), Ceiling(clients={"c2": "none"})])
def test_no_ceiling_is_no_limit(ceiling):
    """Nor is one of another client."""
    found = explained(at=evolve(ACME, ceiling=ceiling))
    assert found.allowed
    assert found.ceiling_role == ""
    assert [limit.source for limit in found.limits] == [LIVE, LimitSource.DEFAULT_CAP]


def test_who_is_no_member_has_no_role_to_be_limited():
    """Whether the place is not there or is not theirs: one reason, and neither cap nor ceiling is looked at."""
    for standing in (None, Standing(), Standing(None, "admin", "admin", Ceiling("none"))):
        for action in ("Application.write", "Organization.write"):
            found = explained(action, cap=RoleCap("none"), at=standing)
            assert (found.reason, found.denied_by, found.binding) == ("not_a_member", Layer.ROLE, LIVE)
            assert layers(found) == [("scope", ""), ("role", "not_a_member")]
            assert found.limits == (Limit(LIVE, "none"),)
            assert found.remedies == (Remedy(ORGANIZATION, LIVE, "editor"),)
            assert (found.live_role, found.cap_role, found.cap_source) == ("none", "none", None)
            assert (found.ceiling_role, found.effective_role) == ("", "none")


@pytest.mark.parametrize(
    ("action", "scopes", "reason", "remedy"),
    [
        ("Application.write", ["me.*"], "insufficient_scope", (CLIENT, "all.Application.bounded")),
        (
            "Organization.read",
            ["all.Application.bounded"],
            "insufficient_scope",
            (CLIENT, "all.Organization.bounded"),
        ),
        ("Application.write", [], "insufficient_scope", (CLIENT, "all.Application.bounded")),
        ("Application.write", ["all.User"], "insufficient_scope", (CLIENT, "all.Application.bounded")),
        ("me.mint", SCOPES, "closed_to_tokens", (NOBODY, "")),
        ("me.mint", [], "closed_to_tokens", (NOBODY, "")),
        ("Application.sensitive", SCOPES, "not_offered", (HOST, "")),
        ("User.write", SCOPES, "not_offered", (HOST, "")),
        ("Reseller.read", ["me.*"], "insufficient_scope", (CLIENT, "only.Reseller")),
    ],
)
def test_what_no_scope_of_the_token_covers(action, scopes, reason, remedy):
    """A client may come back with the least that would do, if there is one that it could be given."""
    found = explained(action, scopes=tuple(scopes))
    assert (found.allowed, found.reason) == (False, reason)
    assert found.denied_by is found.binding is Layer.SCOPE
    assert layers(found)[0] == ("scope", reason)
    assert found.remedies[0] == Remedy(remedy[0], Layer.SCOPE, remedy[1])


def test_an_access_token_with_less_than_its_token_is_judged_by_what_it_has():
    """After a narrowing refresh; the token itself has more."""
    assert explained(narrowed=("all.Application.bounded",)).allowed
    found = explained(narrowed=("me.*",))
    assert found.reason == "insufficient_scope"
    assert explained("me.look", narrowed=("me.*",)).allowed


def test_nobodys_token_has_a_role_on_an_unreachable_level():
    """Its scopes may cover it and its user be whoever they are."""
    found = explained("Reseller.read")
    assert (found.reason, found.denied_by, found.binding) == ("unreachable", Layer.ROLE, Layer.ROLE)
    assert layers(found) == [("scope", ""), ("role", "unreachable")]
    assert found.remedies == (Remedy(NOBODY, Layer.ROLE),)
    assert (found.limits, found.live_role, found.effective_role, found.least_role) == ((), "", "", "")


BARRIERS = {
    "client_disabled": (Layer.CREDENTIAL, HOST),
    "account_disabled": (Layer.CREDENTIAL, HOST),
    "inactive": (Layer.STATUS, USER),
    "pending": (Layer.STATUS, CLIENT),
    "expired": (Layer.STATUS, CLIENT),
    "revoked": (Layer.STATUS, CLIENT),
}


@pytest.mark.parametrize("action", ["Application.write", "User.read"])
@pytest.mark.parametrize(("reason", "layer", "who"), [(reason, *found) for reason, found in BARRIERS.items()])
def test_a_barrier_comes_before_scope_and_role(action, reason, layer, who):
    """It alone is in the way: the other layers are judged all the same, and would let it pass."""
    found = explained(action, barriers=[Barrier(layer, reason)])
    assert (found.allowed, found.reason, found.denied_by, found.binding) == (False, reason, layer, layer)
    assert layers(found)[:2] == [(layer.value, reason), ("scope", "")]
    assert found.remedies == (Remedy(who, layer),)


def test_a_barrier_of_the_hosts_own_is_the_hosts_to_lift():
    """A reason that nobody here knows."""
    found = explained(barriers=[Barrier(Layer.CREDENTIAL, "under_maintenance")])
    assert found.remedies == (Remedy(HOST, Layer.CREDENTIAL),)


class TestSeveralThingsAtOnce:
    """All that is in the way is said, in the order of the layers; the first of it is the reason."""

    ALL_LOW: ClassVar = {"cap": RoleCap("viewer"), "at": evolve(ACME, role="viewer", ceiling=Ceiling("none"))}
    ROLES: ClassVar = (
        Remedy(ORGANIZATION, LIVE, "editor"),
        Remedy(USER, LimitSource.DEFAULT_CAP, "editor"),
        Remedy(ORGANIZATION, CEILING, "editor"),
    )

    def test_every_limit_that_is_too_low_is_named(self):
        """The live role first, then the cap, then the ceiling."""
        found = explained(**self.ALL_LOW)
        assert (found.reason, found.binding) == ("role_too_low", LIVE)
        assert found.remedies == self.ROLES
        assert found.effective_role == "none"

    def test_a_limit_that_would_do_is_not_named(self):
        """Only the cap and the ceiling."""
        found = explained(cap=RoleCap("viewer"), at=evolve(ACME, ceiling=Ceiling("none")))
        assert (found.reason, found.binding) == ("cap_too_low", LimitSource.DEFAULT_CAP)
        assert found.remedies == self.ROLES[1:]

    def test_what_binds_is_the_first_that_says_no_and_not_the_lowest(self):
        """The ceiling is lower, but raising it alone would change nothing for who is too low already."""
        found = explained(cap=RoleCap("admin"), at=evolve(ACME, role="viewer", ceiling=Ceiling("none")))
        assert found.binding is LIVE

    def test_a_scope_that_is_missing_comes_before_the_role(self):
        """And the role is judged all the same."""
        found = explained(scopes=("me.*",), **self.ALL_LOW)
        assert (found.reason, found.denied_by) == ("insufficient_scope", Layer.SCOPE)
        assert found.binding is Layer.SCOPE
        assert layers(found) == [("scope", "insufficient_scope"), ("role", "role_too_low")]
        assert found.remedies == (Remedy(CLIENT, Layer.SCOPE, "all.Application.bounded"), *self.ROLES)

    def test_barriers_come_first(self):
        """All of them, then the scope, then the role."""
        barriers = [Barrier(layer, reason) for reason, (layer, _) in BARRIERS.items()]
        found = explained("Reseller.read", barriers=barriers, scopes=())
        assert layers(found) == [
            *((layer.value, reason) for reason, (layer, _) in BARRIERS.items()),
            ("scope", "insufficient_scope"),
            ("role", "unreachable"),
        ]
        assert (found.reason, found.binding) == ("client_disabled", Layer.CREDENTIAL)
        assert found.remedies == (
            *(Remedy(who, layer) for layer, who in BARRIERS.values()),
            Remedy(CLIENT, Layer.SCOPE, "only.Reseller"),
            Remedy(NOBODY, Layer.ROLE),
        )
        assert {remedy.who for remedy in found.remedies} | {ORGANIZATION} == set(Who)


# Overrides that only lower


ROCKET = {"rocket": ApplicationCap("admin", "acme")}
SLOW_ROCKET = {"rocket": ApplicationCap("viewer", "acme")}


@pytest.mark.parametrize(
    ("changes", "source", "role"),
    [
        ({}, LimitSource.DEFAULT_CAP, "viewer"),
        (
            {"cap": RoleCap("editor", {"acme": "viewer"}, None, ROCKET)},
            LimitSource.ORGANIZATION_CAP,
            "viewer",
        ),
        ({"cap": RoleCap("editor", {}, None, SLOW_ROCKET)}, LimitSource.APPLICATION_CAP, "viewer"),
        ({"cap": RoleCap("viewer", {}, "admin"), "at": MINE}, LimitSource.DEFAULT_CAP, "viewer"),
        ({"cap": RoleCap("viewer", {"acme": "viewer"})}, LimitSource.ORGANIZATION_CAP, "viewer"),
        ({"cap": RoleCap("boss", {"acme": "admin"})}, LimitSource.DEFAULT_CAP, "boss"),
        ({"cap": RoleCap("boss", {"acme": "viewer"})}, LimitSource.DEFAULT_CAP, "boss"),
    ],
)
def test_where_overrides_only_lower_the_lowest_level_is_the_cap(changes, source, role):
    """Of equal ones the most specific; a name that the ladder has not is the lowest of all."""
    raised = RoleCap("viewer", {"acme": "admin"})
    found = explained(evaluator=STRICT, **{"cap": raised} | changes)
    assert (found.reason, found.cap_source, found.cap_role) == ("cap_too_low", source, role)
    low = [limit.source for limit in found.limits if limit.role in {"viewer", "boss"}]
    assert source in low
    assert found.remedies == tuple(Remedy(USER, each, "editor") for each in low)
    assert explained(cap=raised).allowed


def test_where_overrides_only_lower_every_level_that_is_too_low_is_named():
    """So that whoever raises them has not to ask again after each."""
    cap = RoleCap("viewer", {"acme": "viewer"}, None, SLOW_ROCKET)
    found = explained(cap=cap, evaluator=STRICT)
    assert [remedy.what for remedy in found.remedies] == [
        LimitSource.APPLICATION_CAP,
        LimitSource.ORGANIZATION_CAP,
        LimitSource.DEFAULT_CAP,
    ]


def test_overrides_may_raise_unless_it_is_said_otherwise():
    """What most hosts expect of an override; and even a strict evaluator gives nothing for a name it does not know."""
    raised = RoleCap("viewer", {"acme": "admin"})
    assert explained(cap=raised, evaluator=Evaluator(CATALOGUE)).allowed
    assert not explained(cap=raised, evaluator=Evaluator(CATALOGUE, lower_only=True)).allowed
    unknown = RoleCap("boss", {"acme": "admin"})
    assert explained("Application.read", cap=unknown).allowed
    assert not explained("Application.read", cap=unknown, evaluator=STRICT).allowed


def test_where_overrides_only_lower_an_organization_joined_later_stays_closed():
    """An application in it too, whatever was written for it."""
    cap = RoleCap("admin", {}, None, ROCKET, known=[])
    assert explained(cap=cap).allowed
    found = explained(cap=cap, evaluator=STRICT)
    assert (found.cap_source, found.cap_role) == (LimitSource.NEW_ORGANIZATION, "none")


# What holds for all of them


@given(situations())
def test_an_explanation_is_consistent_in_itself(situation):
    """Allowed with nothing to remedy, or denied with the first reason first; limits in their order."""
    found = situation.explained()
    denials = [judged for judged in found.layers if not judged.passed]
    assert found.allowed is not bool(found.remedies)
    assert found.reason == (denials[0].reason if denials else "allowed")
    assert found.denied_by == (denials[0].layer if denials else None)
    assert len(found.limits) == len({limit.source for limit in found.limits})
    assert [remedy.what for remedy in found.remedies if remedy.what in set(LimitSource)] == [
        limit.source
        for limit in found.limits
        if situation.height(limit.role) < situation.height(situation.least_role)
    ]
    if found.limits:
        lowest = min(situation.height(limit.role) for limit in found.limits)
        assert situation.height(found.effective_role) == lowest


@given(situations())
def test_remedies_are_enough(situation):
    """With every limit that is named raised to what is needed, the role layer lets it pass."""
    found = situation.explained()
    raised = {remedy.what: remedy.needs for remedy in found.remedies}
    if not found.limits or situation.owner is None or situation.lower_only:
        return
    cap = RoleCap(raised.get(found.cap_source, found.cap_role))
    ceiling = next((limit.role for limit in found.limits if limit.source is CEILING), None)
    standing = evolve(
        standing_of(situation.owner, situation.standing),
        role=raised.get(LIVE, found.live_role),
        application_role=None,
        ceiling=Ceiling(raised.get(CEILING, ceiling)),
    )
    token = token_of(situation.token)
    cuts = frozenset() if LimitSource.CUT in raised else token.settings.cuts
    token = evolve(token, settings=evolve(token.settings, cap=cap, cuts=cuts))
    again = situation.evaluator().explain(token, situation.action, standing, situation.place)
    assert again.layers[-1].passed


# Questions that make no sense


def test_an_application_must_be_named_for_what_happens_on_one():
    """And only there; the message says which action."""
    with pytest.raises(InvalidValueError, match=r"Application\.write is judged at an application") as caught:
        explained(application=None)
    assert caught.value.field == "application"
    assert explained("Organization.write", application=None).allowed
    assert explained("Organization.write", application="rocket") == explained(
        "Organization.write", application=None
    )


def test_an_action_that_is_not_there_is_not_explained():
    """It is the host's mistake."""
    with pytest.raises(ConfigurationError, match=r"'device\.fly' is not in the catalogue"):
        explained("device.fly")


def test_a_bare_token_is_a_subject_without_barriers():
    """The short form."""
    token = proposed(ALL, "c1", SCOPES)
    assert EVALUATOR.explain(token, "Application.write", ACME, "rocket") == explained()
