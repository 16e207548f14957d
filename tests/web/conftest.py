"""The one suite runs over both generic applications."""

import pytest
from tests.support import Journey
from tests.web.browser import Walk
from tests.web.driver import Served
from tests.web.tokens import LIST


@pytest.fixture(params=["asgi", "wsgi"])
def kind(request):
    """Both applications, one after the other."""
    return request.param


@pytest.fixture
def serve(kind):
    """Makes sites behind the application under test and closes them."""
    served = []

    def make(**options):
        served.append(Served(kind, **options))
        return served[-1]

    yield make
    for each in served:
        each.close()


@pytest.fixture
def site(serve):
    """A site at the root of its origin."""
    return serve()


@pytest.fixture
def walk(site):
    """A client that is registered there."""
    walk = Walk(site)
    assert walk.register().status == 201
    return walk


@pytest.fixture
def connected(site):
    """A client that has an access token."""
    return Walk(site).connect()


@pytest.fixture
def journey(site):
    """An app that ann let in."""
    return Journey(site.world).connect()


@pytest.fixture
def one(journey):
    """The path of its token."""
    return f"{LIST}/{journey.token_id}"
