"""Law 8: the core and the flows run with the world taken away and no store in existence."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("pure_journey.py")


def live(*arguments):
    """Run the journey in a fresh interpreter."""
    command = [sys.executable, "-I", str(SCRIPT), *arguments]
    return subprocess.run(command, env={}, check=False, capture_output=True, text=True, timeout=60)


def test_a_token_lives_its_whole_life_without_the_world():
    """From registration to deletion there is nothing but arguments."""
    done = live()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "11 events\n"


@pytest.mark.parametrize("part", ["time", "os", "random", "secrets", "environment", "open", "store"])
def test_the_guard_bites(part):
    """If anything on the way touched that part of the world, the journey would end there."""
    done = live(part)
    assert done.returncode == 1
    assert "WorldTouchedError" in done.stderr
