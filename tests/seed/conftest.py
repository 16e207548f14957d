"""The promises to a user, on a server with the five roles and seven scopes of the user-tokens preset."""

import pytest
from attrs import evolve
from tests.support import Journey
from tests.support.fixtures import colour, make_world  # noqa: F401
from tests.support.people import PLACES

from scopegate import Access, presets
from scopegate.profiles import DEFAULT

ROLES = {"viewer": "view", "editor": "edit", "admin": "admin"}


def rewritten(place):
    """A membership in the words of that catalogue."""
    applications = {
        name: evolve(each, role=ROLES.get(each.role)) for name, each in place.applications.items()
    }
    return evolve(place, role=ROLES[place.role], applications=applications)


@pytest.fixture
def serve(make_world):  # noqa: F811
    """Makes servers: ann is admin of acme, may view globex, and has a sandbox; bob may edit in acme."""

    def make(**profile):
        made = make_world(catalogue=presets.user_tokens(), profile=evolve(DEFAULT, **profile))
        made.people.places = {user: tuple(map(rewritten, places)) for user, places in PLACES.items()}
        return made

    return make


@pytest.fixture
def world(serve):
    """A server with the default profile."""
    return serve()


@pytest.fixture
def connect(world):
    """Connects a client: scope, cap and who approves are given."""

    def connecting(scope="all.Organization.bounded only.User.read", *, user="ann", default="edit", **choices):
        return Journey(world, user=user, scope=scope).connect(default=default, **choices)

    return connecting


@pytest.fixture
def may():
    """Whether a request with the token of a journey may do an action there."""
    return lambda journey, action, **place: isinstance(journey.access(action, **place), Access)


@pytest.fixture
def shown(world):
    """The token of a journey as its user sees it."""
    return lambda journey: world.server.token_detail(journey.user, journey.token_id)
