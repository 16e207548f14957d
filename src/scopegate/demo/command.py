"""The command ``python -m scopegate demo``."""

import argparse
import signal
import webbrowser
from contextlib import suppress
from pathlib import Path
from threading import Event
from types import FrameType
from typing import NoReturn

from scopegate.demo.acme import PORT
from scopegate.demo.headless import play
from scopegate.demo.person import DemoError
from scopegate.demo.programs import both

DATA = Path.home() / ".cache" / "scopegate-demo"
STEPS = """
  Acme IoT (uses scopegate)       {acme}
  Weather Bot (a third-party app) {bot}

  1. Open Weather Bot, connect it, sign in as Ada, and choose what it may do.
  2. See what it may do, and change, pause or remove it: {acme}/connected
  3. Connect a Model Context Protocol client of your own: {acme}/mcp
     for example: claude mcp add --transport http acme {acme}/mcp

  Tokens are kept in {data}. Stop with Ctrl+C."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--headless", action="store_true", help="play a transcript instead, and end")
    parser.add_argument("--data", type=Path, default=DATA, help=f"where tokens are kept (default: {DATA})")
    parser.add_argument("--port", type=int, default=PORT, help=f"preferred port (default: {PORT})")
    parser.add_argument("--no-browser", action="store_true", help="do not open a browser")


def run(arguments: argparse.Namespace) -> int:
    """Run the demo; says 0 if all was well."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        if arguments.headless:
            play()
        else:
            with suppress(KeyboardInterrupt):
                _serve(arguments)
    except DemoError as error:
        print(f"\nThe demo failed: {error}")
        return 1
    return 0


def _serve(arguments: argparse.Namespace) -> None:
    with both(arguments.data, arguments.port) as at:
        print(STEPS.format(acme=at.acme, bot=at.weather_bot, data=arguments.data), flush=True)
        if not arguments.no_browser:
            webbrowser.open(at.weather_bot)
        Event().wait()


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    """End both programs too."""
    del number, frame
    raise SystemExit(0)
