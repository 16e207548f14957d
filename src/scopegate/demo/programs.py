"""Starts the two programs of the demo, each a process of its own, and ends them again."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Timer
from typing import IO

from attrs import frozen

from scopegate.demo.acme import PORT
from scopegate.demo.person import DemoError

START_SECONDS = 20.0
STOP_SECONDS = 5.0


@frozen
class Addresses:
    """Where the two programs are."""

    acme: str
    weather_bot: str


@contextmanager
def _program(*arguments: str, log: IO[bytes] | None) -> Generator[str]:
    """A process of its own; it prints its address as soon as it listens."""
    process = subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=log, text=True
    )
    late = Timer(START_SECONDS, process.kill)
    late.start()
    try:
        address = process.stdout.readline().strip() if process.stdout else ""
        late.cancel()
        if not address:
            raise DemoError(f"{' '.join(arguments)} did not start; what it printed above says why")
        yield address
    finally:
        late.cancel()
        _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()


@contextmanager
def both(data: Path, port: int = PORT, *, log: IO[bytes] | None = None) -> Generator[Addresses]:
    """Both programs, while the block runs. Weather Bot is told one address, and shares nothing else.

    Args:
        data: the folder in which each keeps a file.
        port: where Acme IoT listens if it can; Weather Bot listens at the next one. 0: anywhere.
        log: where they write what they complain of; None: where this process does.

    Raises:
        DemoError: one does not start.
    """
    data.mkdir(parents=True, exist_ok=True)
    bot = Path(__file__).with_name("weather_bot.py")
    with ExitStack() as running:
        acme = running.enter_context(
            _program(
                *("-m", "scopegate.demo.host", "--data", str(data / "scopegate.db"), "--port", str(port)),
                log=log,
            )
        )
        # By its path, as a file that could be anywhere: it imports nothing of ours.
        weather_bot = running.enter_context(
            _program(
                *("-P", str(bot), "--acme", acme, "--memory", str(data / "weather-bot.json")),
                *("--port", str(port and port + 1)),
                log=log,
            )
        )
        yield Addresses(acme, weather_bot)
