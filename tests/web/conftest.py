"""The one suite runs over both generic applications."""

import pytest
from tests.web.browser import Walk
from tests.web.driver import Served


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
