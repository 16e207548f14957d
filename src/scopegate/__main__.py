"""The commands: ``python -m scopegate demo`` and ``python -m scopegate key``."""

import argparse
import sys
from collections.abc import Sequence
from secrets import token_bytes

from scopegate.flows.sealing import new_key


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        arguments: what stands after the program's name; None: those of the process.

    Returns:
        the exit status: 0 if all was well.
    """
    parser = argparse.ArgumentParser(
        prog="scopegate", description="An OAuth 2.1 authorization server for your app"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("key", help="print a new sealing key")
    demo = commands.add_parser("demo", help="show a host, a third-party app and what a user can do about it")
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["demo"]:
        return _demo(parser, demo, given)
    parser.parse_args(given)
    return _key()


def _key() -> int:
    """256 random bits, as ``sealing_keys`` takes them; keep them secret."""
    print(new_key(token_bytes))
    return 0


def _demo(parser: argparse.ArgumentParser, demo: argparse.ArgumentParser, given: Sequence[str]) -> int:
    try:
        from scopegate.demo import command  # noqa: PLC0415 - an extra, which other commands do without
    except ModuleNotFoundError as missing:
        parser.exit(
            1, f'The demo needs {missing.name}, which is not installed: pip install "scopegate[demo]"\n'
        )
    command.add_arguments(demo)
    return command.run(parser.parse_args(given))


if __name__ == "__main__":
    sys.exit(main())
