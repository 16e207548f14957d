"""The demo's two programs, running."""

import os
import socket
from contextlib import contextmanager

import pytest

from scopegate.demo.person import Person
from scopegate.demo.programs import both


@contextmanager
def running(folder, port=0):
    """Both programs; Acme IoT logs everything, so that the tests can look for secrets there."""
    with pytest.MonkeyPatch.context() as patch, (folder / "demo.log").open("ab") as log:
        patch.setenv("SCOPEGATE_LOG", "1")
        with both(folder, port, log=log) as addresses:
            yield addresses


def quiet_port():
    """The first of four free ports that no system hands out by itself, so that who comes next finds them free too."""
    for port in range(21_000 + os.getpid() % 1_000 * 8, 32_000, 8):
        try:
            for near in range(port, port + 4):
                socket.create_server(("127.0.0.1", near)).close()
        except OSError:
            continue
        return port
    raise AssertionError


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """The addresses of Acme IoT and Weather Bot, each a process of its own."""
    with running(tmp_path_factory.mktemp("demo")) as addresses:
        yield addresses


@pytest.fixture
def ada(programs):
    """Ada, signed in at Acme IoT."""
    with Person() as person:
        person.open(f"{programs.acme}/login")
        person.press("Sign in as Ada")
        yield person
