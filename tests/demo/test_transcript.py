"""The demo without a browser: a test of its own, and the source of docs/demo.md."""

import subprocess
import sys
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs/demo.md"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def played():
    """The whole transcript, as `make demo ARGS=--headless` prints it, if it ends in half a minute."""
    return subprocess.run(
        [sys.executable, "-m", "scopegate", "demo", "--headless"],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_the_transcript_plays_to_its_end(played):
    """Two programs, one person, every promise of the demo, and the exit status 0."""
    assert played.returncode == 0, played.stdout + played.stderr
    assert not played.stderr
    assert played.stdout.rstrip().endswith("All of it behaved.")


def test_every_step_of_the_transcript_stands_in_the_documentation(played):
    """In the same order and the same words."""
    told = [line for line in played.stdout.splitlines() if line[:1].isdigit()]
    written = [line for line in DOCUMENT.read_text("utf-8").splitlines() if line[:1].isdigit()]
    assert len(told) == 10
    assert told == written


def test_the_transcript_never_tells_a_secret(played):
    """Law 5: no code, access token or refresh token is in the URLs and answers that it prints."""
    assert "/oauth/authorize" in played.stdout
    assert not [told for told in ("sgc_", "sga_", "sgr_", "code=", "state=") if told in played.stdout]


def test_a_step_that_fails_ends_the_command_with_1_and_a_message(tmp_path):
    """It says what it expected, and what was there; a continuous integration job sees the status."""
    program = (
        "import sys; from scopegate.__main__ import main; from scopegate.demo import headless\n"
        "def wrong(story): story.opens(story.at.acme); story.sees('Welcome'); story.sees('a unicorn')\n"
        "headless.CHAPTERS = (wrong,)\n"
        "sys.exit(main(['demo', '--headless']))"
    )
    failed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, cwd=tmp_path, check=False
    )
    assert failed.returncode == 1
    assert "The demo failed: expected 'a unicorn' at http://127.0.0.1:" in failed.stdout
    assert "All of it behaved" not in failed.stdout
