"""The guard sees every secret, finds it in any encoding, and fails a session that leaks one."""

import logging
import os
import re
import subprocess
import sys
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.hygiene.plugin import ISSUED
from tests.hygiene.search import Secrets
from tests.support import API, ISSUER, KEY, Journey, People

from scopegate import AsyncAuthorizationServer, AuthorizationServer, Resource
from scopegate.stores import MemoryStore

ROOT = Path(__file__).parents[2]

SUITE = """
import logging, sqlite3, subprocess, sys

import pytest

from tests.support import Journey, RecordedEntropy, World


def start(secret):
    return secret[:9]


@pytest.fixture
def secret():
    with World(entropy=RecordedEntropy("of a suite that may leak")) as world:
        yield Journey(world).connect().access_token.partition(".")[2]


@pytest.mark.parametrize("name", ["scopegate", "scopegate.web", "oauthlib.oauth2", None])
def test_logged(secret, name):
    logging.getLogger(name).debug("issued %s", LEAKED(secret))


def test_logged_as_extra(secret):
    logging.getLogger("scopegate").debug("issued", extra={"secret": LEAKED(secret)})


def test_logged_as_exception(secret):
    try:
        raise ValueError(LEAKED(secret))
    except ValueError:
        logging.getLogger("scopegate").exception("failed")


def test_logged_in_hexadecimal(secret):
    logging.getLogger("scopegate").info(LEAKED(secret.encode().hex()))


def test_stored(secret, tmp_path):
    connection = sqlite3.connect(tmp_path / "any.name")
    connection.execute("CREATE TABLE t (a)")
    connection.execute("INSERT INTO t VALUES (?)", [LEAKED(secret)])
    connection.commit()
    connection.close()


def test_in_a_log_file(secret, tmp_path):
    (tmp_path / "host.log").write_text(LEAKED(secret))


OTHER = '''
import os
from tests.support import Journey, RecordedEntropy, World

for entropy in (os.urandom, RecordedEntropy("of another process")):
    journey = Journey(World(entropy=entropy)).connect()
    for secret in (journey.code, journey.access_token, journey.refresh_token):
        print(secret.partition(".")[2])
'''


def test_by_another_process(tmp_path):
    told = subprocess.run([sys.executable, "-c", OTHER], capture_output=True, text=True, check=True)
    for number, line in enumerate(told.stdout.split()):
        (tmp_path / f"other-{number}.log").write_text(LEAKED(line))


def test_harmless(secret, tmp_path):
    logging.getLogger("httpx").debug("a client of the tests says %s", secret)
    logging.getLogger("scopegate").debug("issued %s", secret[:20])
    (tmp_path / "note.txt").write_text(secret)
"""
LEAKING = 10


def run(tmp_path, leaked, *arguments, broken=""):
    """Run a little suite under the guard, or under a broken one; the exit status, and the leaks that it told of."""
    (tmp_path / "conftest.py").write_text(f'pytest_plugins = ["tests.hygiene.plugin"]\n{broken}\n', "utf-8")
    (tmp_path / "test_it.py").write_text(SUITE.replace("LEAKED", leaked), "utf-8")
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:randomly", f"--rootdir={tmp_path}", *arguments]
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *options, f"--basetemp={tmp_path / 'temporary'}", "test_it.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "", "CI": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"{LEAKING + 1} passed" in ended.stdout, ended.stdout + ended.stderr
    return ended.returncode, re.findall(r"^LEAK (.*)$", ended.stdout, re.MULTILINE)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", [(), ("-n", "2")])
def test_a_session_that_leaks_fails_and_says_where(tmp_path, arguments):
    """Law 5: the guard bites, in one process and under xdist."""
    status, leaks = run(tmp_path, "str", *arguments)
    assert status == 1
    assert len(leaks) >= LEAKING
    told = "\n".join(leaks)
    for test in ("logged[scopegate]", "logged[scopegate.web]", "logged[oauthlib.oauth2]", "logged[None]"):
        assert f"test_{test}: log output" in told
    for test in ("logged_as_extra", "logged_as_exception", "logged_in_hexadecimal"):
        assert f"test_{test}: log output" in told
    assert "any.name: file" in told
    for file in ("host.log", *(f"other-{number}.log" for number in range(6))):
        assert f"{file}: file" in told
    assert "harmless" not in told


@pytest.mark.slow
def test_a_session_that_keeps_its_secrets_passes(tmp_path):
    """Law 5: the same suite without the leaks."""
    assert run(tmp_path, "start") == (0, [])


@pytest.mark.slow
def test_a_session_whose_secrets_are_not_recorded_fails(tmp_path):
    """Law 5: a guard that sees nothing does not pass for one that found nothing."""
    broken = "import tests.hygiene.search as s\ns.Secrets.add = lambda *_: None"
    status, leaks = run(tmp_path, "start", broken=broken)
    assert status == 1
    assert leaks
    assert {leak.partition(": ")[2] for leak in leaks} == {"a secret was told that was not recorded"}


def test_every_kind_of_secret_is_seen(make_world):
    """Law 5: code, access and refresh token, client secret; of both colours of server."""
    journey = Journey(make_world(), method="client_secret_post").connect()
    for secret in (journey.code, journey.access_token, journey.refresh_token):
        assert secret.partition(".")[2] in ISSUED
    assert journey.client_secret.removeprefix("sgs_") in ISSUED


@pytest.mark.parametrize("make", [AuthorizationServer, AsyncAuthorizationServer])
def test_the_entropy_of_a_server_is_watched(make):
    """Law 5: whatever it becomes, 256 bits are taken for a secret, whether the host gives them or the system."""
    arguments = {
        "issuer": ISSUER,
        "product": "Acme",
        "directory": People() if make is AuthorizationServer else People().asynchronous(),
        "resources": [Resource(API, scopes=["all.Application.read"])],
        "store": MemoryStore(),
        "sealing_keys": [KEY],
    }
    raw = sha256(make.__name__.encode()).digest()
    make(**arguments, entropy=lambda count: raw[:count])._entropy(32)  # noqa: SLF001 - what it draws with
    assert text_of(raw) in ISSUED
    assert text_of(make(**arguments)._entropy(32)) in ISSUED  # noqa: SLF001 - likewise
    assert text_of(sha256(raw).digest()) not in ISSUED


def test_loggers_are_listened_to_at_debug():
    """Law 5: nothing is left out because of its level."""
    for name in ("scopegate", "scopegate.web", "oauthlib", "oauthlib.oauth2.rfc6749", None):
        assert logging.getLogger(name).isEnabledFor(logging.DEBUG)


def text_of(raw):
    """A secret as it travels."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


RAW = st.binary(min_size=32, max_size=32).filter(lambda raw: not raw.isascii())  # as all that is random
ENCODINGS = {
    "as it is": lambda raw: text_of(raw).encode(),
    "raw": bytes,
    "standard base64": b64encode,
    "hexadecimal of the bytes": lambda raw: raw.hex().encode(),
    "hexadecimal of the text, upper case": lambda raw: text_of(raw).encode().hex().upper().encode(),
    "base64 of the text": lambda raw: b64encode(text_of(raw).encode()),
    "base64url of the text": lambda raw: urlsafe_b64encode(text_of(raw).encode()),
    "base64 of the bytes, shifted": lambda raw: b64encode(b"x" + raw),
    "base64 of the text, shifted": lambda raw: b64encode(b"xy" + text_of(raw).encode()),
    "UTF-16": lambda raw: text_of(raw).encode("utf-16"),
    "UTF-16, big end first": lambda raw: text_of(raw).encode("utf-16-be"),
    "representation": lambda raw: repr(raw).encode(),
    "representation of hexadecimal": lambda raw: repr(raw.hex()).encode(),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(raw=RAW, before=st.binary(max_size=9), after=st.binary(max_size=9))
def test_a_secret_is_found_in_any_encoding(encoding, raw, before, after):
    """Law 5: wherever it stands, and nothing is found where it is not."""
    secrets = Secrets()
    secrets.add(text_of(raw))
    around = (b"~" + before, after + b"~") if encoding in {"raw", "UTF-16"} else (b'{"x": "~', b'~"}\n')
    leaked = ENCODINGS[encoding](raw).join(around)
    assert secrets.found_in(leaked)
    other = Secrets()
    other.add(text_of(bytes(31 - each for each in range(32))))
    if raw != urlsafe_b64decode(text_of(bytes(31 - each for each in range(32))) + "="):
        assert not other.found_in(leaked)
    assert not secrets.found_in(b"".join(around))
