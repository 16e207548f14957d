"""Standing worked out from a plain list of memberships."""

import pytest

from scopegate import SANDBOX, Application, Membership, Organization, Standing
from scopegate.core.memberships import applications_among, matching, standing_among
from scopegate.core.standing import NOWHERE, Ceiling

CEILING = Ceiling("editor")
KITE = Application("kite", "Kite", "viewer")
ACME = Membership("acme", "Acme Rockets", "admin", {"rocket": "Rocket", "kite": KITE}, CEILING)
GLOBEX = Membership("globex", "Globex", "viewer", {"lamp": "Lamp"})
MINE = Membership(SANDBOX, "Stra\u00dfe 7", "admin", {"toy": "Toy"})
PLACES = (ACME, GLOBEX, MINE)
AT_ACME = Standing(Organization("acme"), "admin", None, CEILING)


@pytest.mark.parametrize(
    ("organization", "application", "expected"),
    [
        ("acme", None, AT_ACME),
        ("acme", "rocket", AT_ACME),
        (None, "rocket", AT_ACME),
        ("acme", "kite", Standing(Organization("acme"), "admin", "viewer", CEILING)),
        (None, "kite", Standing(Organization("acme"), "admin", "viewer", CEILING)),
        ("globex", None, Standing(Organization("globex"), "viewer")),
        (None, "lamp", Standing(Organization("globex"), "viewer")),
        (SANDBOX, None, Standing(SANDBOX, "admin")),
        (None, "toy", Standing(SANDBOX, "admin")),
        (SANDBOX, "toy", Standing(SANDBOX, "admin")),
        ("globex", "rocket", NOWHERE),
        (SANDBOX, "rocket", NOWHERE),
        ("acme", "toy", NOWHERE),
        ("hooli", None, NOWHERE),
        ("sandbox", None, NOWHERE),
        (None, "nucleus", NOWHERE),
    ],
)
def test_a_standing_is_looked_up(organization, application, expected):
    """In the organization that is named, or where the application is found; a ceiling comes with it."""
    found = standing_among(PLACES, organization=organization, application=application)
    assert found == expected
    assert standing_among((), organization=organization, application=application) == NOWHERE


def test_applications_are_those_of_the_place():
    """In their order, with the roles of their own."""
    assert applications_among(PLACES, "acme") == (Application("rocket", "Rocket"), KITE)
    assert applications_among(PLACES, SANDBOX) == (Application("toy", "Toy"),)
    assert applications_among(PLACES, "sandbox") == applications_among((), "acme") == ()


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("", PLACES),
        ("ROCKET", (ACME,)),
        ("acme", (ACME,)),
        ("glob", (GLOBEX,)),
        ("STRASSE", (MINE,)),
        ("nothing", ()),
    ],
)
def test_a_search_looks_at_labels_and_ids(search, found):
    """Whatever their case, and in the order of the list."""
    assert matching(PLACES, search) == found
