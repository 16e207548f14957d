"""The demo's two programs, running."""

import pytest

from scopegate.demo.person import Person
from scopegate.demo.programs import both


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """The addresses of Acme IoT and Weather Bot, each a process of its own."""
    with both(tmp_path_factory.mktemp("demo"), port=0) as addresses:
        yield addresses


@pytest.fixture
def ada(programs):
    """Ada, signed in at Acme IoT."""
    with Person() as person:
        person.open(f"{programs.acme}/login")
        person.press("Sign in as Ada")
        yield person
