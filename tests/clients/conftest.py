"""A host and third-party clients, each a process of its own, and two ways to walk through the host's pages."""

import pytest
from tests.clients.programs import Host
from tests.support.chromium import chromium, page  # noqa: F401

from scopegate.demo.person import Person


@pytest.fixture
def start(tmp_path):
    """Starts programs and ends them again."""
    running = []

    def starting(kind, *arguments):
        running.append(kind(tmp_path, *arguments))
        return running[-1]

    yield starting
    for program in reversed(running):
        program.end()


@pytest.fixture
def host(start):
    """A host."""
    return start(Host)


def approve_by_http(url, **chosen) -> None:
    """Sign in and approve as a browser would, by the forms that the pages really have."""
    with Person() as person:
        person.open(url)
        person.press("Sign in as Ann")
        person.press("Authorize", **chosen)
        assert person.status == 200


@pytest.fixture
def approve():
    """Approves an authorization request at its address, without a browser."""
    return approve_by_http


@pytest.fixture
def approve_in_chromium(page):  # noqa: F811
    """Approves it in Chromium, with scripts forbidden."""

    def approving(url, *, default="viewer"):
        page.goto(url)
        sign_in = page.get_by_role("button", name="Sign in as Ann")
        if sign_in.count():
            sign_in.click()
        page.get_by_label("Maximum role").select_option(default)
        page.get_by_role("button", name="Authorize").click()
        page.wait_for_url("http://127.0.0.1:*/callback?*")
        assert page.title() == "Connected"

    return approving
