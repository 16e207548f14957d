"""Caps: which level speaks about a place, and which entries make no sense."""

import pytest

from scopegate import SANDBOX, ApplicationCap, Ceiling, Organization, RoleCap, RoleLadder
from scopegate.core.caps import MAXIMUM_OVERRIDES, LimitSource, cap_levels, validate_cap
from scopegate.errors import InvalidValueError

LADDER = RoleLadder.of(["viewer", "editor", "admin"])
CAP = RoleCap(
    "viewer",
    {"acme": "admin"},
    "none",
    {"rocket": ApplicationCap("editor", "acme"), "toy": ApplicationCap("admin")},
    known=["acme", "globex"],
)
ACME, GLOBEX, HOOLI = map(Organization, ("acme", "globex", "hooli"))
DEFAULT = (LimitSource.DEFAULT_CAP, "viewer")


@pytest.mark.parametrize(
    ("owner", "application", "levels"),
    [
        (ACME, None, [(LimitSource.ORGANIZATION_CAP, "admin")]),
        (ACME, "rocket", [(LimitSource.APPLICATION_CAP, "editor"), (LimitSource.ORGANIZATION_CAP, "admin")]),
        (ACME, "kite", [(LimitSource.ORGANIZATION_CAP, "admin")]),
        (ACME, "toy", [(LimitSource.ORGANIZATION_CAP, "admin")]),
        (GLOBEX, None, []),
        (GLOBEX, "rocket", []),
        (HOOLI, None, [(LimitSource.NEW_ORGANIZATION, "none")]),
        (HOOLI, "rocket", [(LimitSource.NEW_ORGANIZATION, "none")]),
        (SANDBOX, None, [(LimitSource.SANDBOX_CAP, "none")]),
        (SANDBOX, "toy", [(LimitSource.APPLICATION_CAP, "admin"), (LimitSource.SANDBOX_CAP, "none")]),
        (SANDBOX, "rocket", [(LimitSource.SANDBOX_CAP, "none")]),
    ],
)
def test_the_levels_that_speak_about_a_place(owner, application, levels):
    """The most specific first, the default last; an override of an application that has moved says nothing."""
    assert cap_levels(CAP, owner, application) == [*levels, DEFAULT]


def test_without_a_level_of_its_own_a_place_has_the_default():
    """The sandbox too, which is no new organization, whatever the default speaks for."""
    for cap in (RoleCap("viewer"), RoleCap("viewer", known=["globex"])):
        assert cap_levels(cap, SANDBOX, "toy") == [DEFAULT]
    assert cap_levels(RoleCap("viewer"), HOOLI, "rocket") == [DEFAULT]


def test_an_entry_of_its_own_opens_a_new_organization():
    """Whatever it says."""
    cap = RoleCap("viewer", {"hooli": "none"}, known=[])
    assert cap_levels(cap, HOOLI, None) == [(LimitSource.ORGANIZATION_CAP, "none"), DEFAULT]


def test_a_good_cap_is_given_back():
    """As it is, with none among its roles."""
    for cap in (
        CAP,
        RoleCap("none"),
        RoleCap("admin", {"acme": "none"}, "none", {"x": ApplicationCap("none")}),
    ):
        assert validate_cap(LADDER, cap) is cap


@pytest.mark.parametrize(
    ("cap", "entry"),
    [
        (RoleCap("owner"), "default"),
        (RoleCap(""), "default"),
        (RoleCap("admin", sandbox="owner"), "sandbox"),
        (RoleCap("admin", {"acme": "admin", "globex": "owner"}), "organizations[globex]"),
        (RoleCap("admin", {"acme": ""}), "organizations[acme]"),
        (RoleCap("admin", {}, None, {"rocket": ApplicationCap("owner", "acme")}), "applications[rocket]"),
    ],
)
def test_a_role_that_the_ladder_has_not_is_refused_by_name(cap, entry):
    """The field, the role, and those that there are."""
    with pytest.raises(
        InvalidValueError, match="is not a role here; choose one of: none, viewer, editor, admin"
    ) as no:
        validate_cap(LADDER, cap)
    assert no.value.field == entry


def test_a_renamed_role_is_no_choice():
    """It is read where it is stored; what is chosen now has the name of today."""
    ladder = RoleLadder(LADDER.roles, {"boss": "admin"})
    with pytest.raises(InvalidValueError, match="'boss'"):
        validate_cap(ladder, RoleCap("boss"))


def test_a_cap_has_room_for_so_many_overrides():
    """2500: organizations, applications and the sandbox together; one more is refused."""
    assert MAXIMUM_OVERRIDES == 2500
    organizations = {f"o{number}": "viewer" for number in range(1500)}
    applications = {f"a{number}": ApplicationCap("viewer") for number in range(1000)}
    full = RoleCap("viewer", organizations, None, applications)
    assert full.overrides == 2500
    assert validate_cap(LADDER, full) is full
    with pytest.raises(InvalidValueError, match="2501 are too many; at most 2500") as caught:
        validate_cap(LADDER, RoleCap("viewer", organizations, "viewer", applications))
    assert caught.value.field == "overrides"


def test_caps_and_ceilings_are_values():
    """What the host does with its dictionaries later is nothing to them."""
    roles, own = {"acme": "viewer"}, {"rocket": ApplicationCap("viewer")}
    cap, ceiling = RoleCap("admin", roles, None, own, known=["acme"]), Ceiling("viewer", roles)
    roles["globex"], own["kite"] = "admin", ApplicationCap("admin")
    assert cap == RoleCap("admin", {"acme": "viewer"}, None, {"rocket": ApplicationCap("viewer")}, {"acme"})
    assert ceiling == Ceiling("viewer", {"acme": "viewer"})


@pytest.mark.parametrize(
    ("ceiling", "role"),
    [
        (Ceiling(), None),
        (Ceiling("viewer"), "viewer"),
        (Ceiling("viewer", {"c1": "admin"}), "admin"),
        (Ceiling("admin", {"c1": "none"}), "none"),
        (Ceiling("viewer", {"c2": "admin"}), "viewer"),
        (Ceiling(None, {"c2": "none"}), None),
    ],
)
def test_a_ceiling_for_a_client(ceiling, role):
    """Its own, or that for all."""
    assert ceiling.of("c1") == role
