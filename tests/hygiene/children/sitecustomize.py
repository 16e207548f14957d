"""Loaded by every Python process that the tests start: it tells the guard which secrets are made there.

``SCOPEGATE_ISSUED`` is the file to tell it in. Where ``SCOPEGATE_LOG`` is set, every logger says everything.
Nothing of ours is imported here, so that a process loads what it would load anyway.
"""

import os
import sys
from binascii import b2a_base64
from importlib.util import find_spec

LENGTH = 32


def tell(text):
    """Append a secret to the file; one short write, so that processes do not disturb each other."""
    written = os.open(os.environ["SCOPEGATE_ISSUED"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(written, f"{text}\n".encode())
    os.close(written)


def telling(make):
    """The function, whose results are told."""

    def made(*args):
        secret = make(*args)
        tell(secret)
        return secret

    return made


def drawing(urandom):
    """The system's randomness: every 256 bits of it are told."""

    def drawn(count):
        given = urandom(count)
        if count == LENGTH:
            tell(b2a_base64(given, newline=False).translate(bytes.maketrans(b"+/", b"-_"), b"=").decode())
        return given

    return drawn


def watch_credentials(module):
    """Tell what is drawn from any other randomness."""
    module.new_secret = telling(module.new_secret)


def watch_sealing(module):
    """Tell what is derived from a key."""
    module.Sealer.derive = staticmethod(telling(module.Sealer.derive))


class Finder:
    """Finds two modules of ours as usual, and watches them as soon as they are there."""

    watched = {"scopegate.core.credentials": watch_credentials, "scopegate.flows.sealing": watch_sealing}  # noqa: RUF012 - emptied

    def find_spec(self, name, path=None, target=None):
        """See `importlib.abc.MetaPathFinder`."""
        del path, target
        watch = self.watched.pop(name, None)
        if watch is None:
            return None
        spec = find_spec(name)
        run = spec.loader.exec_module

        def run_and_watch(module):
            run(module)
            watch(module)

        spec.loader.exec_module = run_and_watch
        return spec


if os.environ.get("SCOPEGATE_ISSUED"):
    os.urandom = drawing(os.urandom)
    sys.meta_path.insert(0, Finder())
if os.environ.get("SCOPEGATE_LOG"):
    import logging

    logging.basicConfig(level=logging.DEBUG, format="%(name)s %(levelname)s %(message)s", stream=sys.stderr)
