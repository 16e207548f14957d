"""The commands: ``python -m scopegate demo``, ``key`` and ``schema``."""

import argparse
import sys
from collections.abc import Sequence
from secrets import token_bytes

from scopegate.errors import ConfigurationError
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
    schema = commands.add_parser("schema", help="print the SQL that brings a database up to date")
    _add_schema_arguments(schema)
    demo = commands.add_parser("demo", help="show a host, a third-party app and what a user can do about it")
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] == ["demo"]:
        return _demo(parser, demo, given)
    read = parser.parse_args(given)
    return _schema(parser, read) if read.command == "schema" else _key()


def _key() -> int:
    """256 random bits, as ``sealing_keys`` takes them; keep them secret."""
    print(new_key(token_bytes))
    return 0


def _add_schema_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dialect", required=True, help="postgresql, mariadb, mysql or sqlite")
    parser.add_argument(
        "--from",
        dest="since",
        type=int,
        default=0,
        metavar="N",
        help="the schema that is there; 0 (default): none",
    )
    parser.add_argument(
        "--prefix", default="scopegate_", help="what the names begin with (default: %(default)s)"
    )
    parser.add_argument("--schema", help="the schema that the tables lie in")


def _schema(parser: argparse.ArgumentParser, read: argparse.Namespace) -> int:
    """SQL for whoever looks after the database."""
    try:
        from scopegate.stores.sqlalchemy import script  # noqa: PLC0415 - an extra, which other commands do without
    except ModuleNotFoundError as missing:
        parser.exit(
            1, f'This needs {missing.name}, which is not installed: pip install "scopegate[sqlalchemy]"\n'
        )
    try:
        print(script(read.dialect, since=read.since, prefix=read.prefix, schema=read.schema), end="")
    except ConfigurationError as mistake:
        parser.exit(2, f"{mistake}\n")
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
