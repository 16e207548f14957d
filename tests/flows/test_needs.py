"""What a route or tool needs is looked at when a host starts: a mistake is told then, and names whose it is."""

import pytest
from tests.support.world import API

from scopegate import ConfigurationError
from scopegate.flows.needs import Need, check


@pytest.mark.parametrize(
    "need",
    [
        Need(),
        Need(("User.read",)),
        Need(("Application.read",), application="app"),
        Need(("Organization.read", "User.read"), organization="org"),
        Need(("Application.read",), "org", "app", API),
    ],
)
def test_what_makes_sense_passes(world, need):
    """With or without a place, at the first resource or a named one."""
    check(world.configuration, need, what="route /x", parameters=["org", "app"])


@pytest.mark.parametrize(
    ("need", "words"),
    [
        (Need(("Application.read",), application="apq"), r"has no parameter 'apq': \['app', 'org'\]"),
        (Need(("Organization.read",), organization="orq"), r"has no parameter 'orq'"),
        (
            Need(resource="https://acme.example/apl"),
            r"resource 'https://acme.example/apl' is not written as one of",
        ),
        (Need(("Application.fly",), application="app"), r"'Application.fly' is not in the catalogue"),
        (Need(("Application.read",)), r"Application.read is judged at an application: name it"),
        (Need(("User.read", "Organization.read")), r"Organization.read is judged at an organization"),
    ],
)
def test_what_makes_none_is_refused_by_name(world, need, words):
    """The message says whose need it is, and what is wrong with it."""
    with pytest.raises(ConfigurationError, match=f"^route /x.*{words}"):
        check(world.configuration, need, what="route /x", parameters=["org", "app"])
