"""The demo as people start it: where it listens, what it prints and opens, and how it ends."""

import os
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager

import httpx2
import pytest
from tests.demo.conftest import quiet_port

from scopegate.demo.person import Person

pytestmark = pytest.mark.slow
ACME = re.compile(r"^  Acme IoT .*(http://127\.0\.0\.1:(\d+))$", re.MULTILINE)
BOT = re.compile(r"^  Weather Bot .*(http://127\.0\.0\.1:(\d+))$", re.MULTILINE)


@contextmanager
def demo(folder, *options, **environment):
    """The command; gives the process, and what it printed once both programs listen."""
    command = [sys.executable, "-m", "scopegate", "demo", "--data", str(folder / "data"), *options]
    settings = os.environ | {"SCOPEGATE_LOG": "1"} | environment
    with (folder / "demo.log").open("ab") as log:
        # Who ignores Ctrl+C, as a shell's background does, would have its children ignore it.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=settings)
        signal.signal(signal.SIGINT, before)
    try:
        printed = ""
        while "Stop with Ctrl+C" not in printed:
            line = process.stdout.readline()
            assert line, (folder / "demo.log").read_text("utf-8")
            printed += line
        yield process, printed
    finally:
        process.kill()
        process.wait(10)
        process.stdout.close()


def closed(port):
    """Whether nobody listens there any more."""
    try:
        socket.create_connection(("127.0.0.1", port), 5).close()
    except ConnectionError:
        return True
    return False


@pytest.mark.timeout(60)
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_where_its_ports_are_taken_it_finds_others_and_prints_them(tmp_path, stop):
    """Both addresses answer, a person can connect, and both programs end with the command."""
    port = quiet_port()
    with socket.create_server(("127.0.0.1", port)), socket.create_server(("127.0.0.1", port + 1)):
        with demo(tmp_path, "--no-browser", "--port", str(port)) as (process, printed), Person() as ada:
            (acme, at), (bot, bot_at) = ACME.search(printed).groups(), BOT.search(printed).groups()
            assert not {int(at), int(bot_at)} & {port, port + 1}
            assert f"{acme}/connected" in printed
            assert f"{acme}/mcp" in printed
            assert httpx2.get(f"{acme}/.well-known/oauth-authorization-server").json()["issuer"] == acme
            ada.open(bot)
            ada.press("Connect")
            ada.press("Sign in as Ada")
            ada.press("Authorize")
            assert "You are connected." in ada.text
            process.send_signal(stop)
            assert process.wait(20) == 0
        assert closed(int(at))
        assert closed(int(bot_at))
    assert (tmp_path / "data/scopegate.db").is_file()


@pytest.mark.timeout(60)
@pytest.mark.skipif(os.name != "posix", reason="the stand-in for a browser is a shell script")
def test_where_its_ports_are_free_it_takes_them_and_opens_weather_bot(tmp_path):
    """The address that a browser is given is the one that was printed."""
    port = quiet_port()
    browser = tmp_path / "browser"
    browser.write_text(
        f'#!/bin/sh\nprintf %s "$1" > {tmp_path}/opened.part\nmv {tmp_path}/opened.part {tmp_path}/opened\n'
    )
    browser.chmod(0o700)
    with demo(tmp_path, "--port", str(port), BROWSER=f"{browser} %s") as (process, printed):
        assert ACME.search(printed)[2] == str(port)
        assert BOT.search(printed)[2] == str(port + 1)
        httpx2.get(BOT.search(printed)[1])
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert (tmp_path / "opened").read_text() == BOT.search(printed)[1]
