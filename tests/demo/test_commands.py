"""The commands of the package."""

import subprocess
import sys
from base64 import urlsafe_b64decode

import pytest

from scopegate import AuthorizationServer, Resource
from scopegate.__main__ import main
from scopegate.stores import MemoryStore


def test_the_key_command_prints_a_new_key_each_time_that_a_server_takes(capsys):
    """256 bits of base64url, and nothing else on the line."""
    assert main(["key"]) == 0
    assert main(["key"]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first != second
    assert len(urlsafe_b64decode(first + "=")) == 32
    AuthorizationServer(
        issuer="https://acme.example",
        product="Acme",
        directory=lambda _user: [],
        resources=[Resource("https://acme.example/api", scopes=["all.Application.read"])],
        store=MemoryStore(),
        sealing_keys=[first, second],
    )


@pytest.mark.parametrize("arguments", [[], ["fly"], ["key", "--fly"]])
def test_an_unknown_command_is_refused_with_the_usage(capsys, arguments):
    """2 is what shells expect of a wrong command line."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage: scopegate" in capsys.readouterr().err


def test_the_demo_says_what_to_install_where_its_extra_is_missing():
    """Every other command does without."""
    program = (
        "import sys; sys.modules['httpx2'] = None\n"
        "from scopegate.__main__ import main; sys.exit(main(['demo', '--headless']))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert 'pip install "scopegate[demo]"' in told.stderr
