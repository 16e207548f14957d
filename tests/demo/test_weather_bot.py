"""Weather Bot is somebody else's app: it shares nothing with scopegate but what goes over HTTP."""

import subprocess
import sys
from pathlib import Path

import pytest

import scopegate.demo

BOT = Path(scopegate.demo.__file__).with_name("weather_bot.py")
ALONE = "import runpy, sys; sys.modules['scopegate'] = None; runpy.run_path(sys.argv[1], run_name='bot')"


def runs_alone(program):
    """Whether a program can be loaded where scopegate cannot."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", ALONE, str(program)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 or "ModuleNotFoundError" in done.stderr, done.stderr
    return done.returncode == 0


def names_us(source):
    """Whether a program so much as names the package, other than to say that it knows nothing of it."""
    return "scopegate" in source.partition('"""')[2].partition('"""')[2]


@pytest.mark.slow
def test_weather_bot_imports_nothing_of_ours(tmp_path):
    """A copy of the file runs anywhere."""
    copy = tmp_path / "weather_bot.py"
    copy.write_text(BOT.read_text("utf-8"), "utf-8")
    assert runs_alone(copy)
    assert not names_us(BOT.read_text("utf-8"))


@pytest.mark.slow
@pytest.mark.parametrize("line", ["import scopegate", "from scopegate.core import roles"])
def test_the_test_bites(tmp_path, line):
    """With one import of ours it would fail."""
    guilty = tmp_path / "weather_bot.py"
    guilty.write_text(f"{BOT.read_text('utf-8')}\n{line}\n", "utf-8")
    assert not runs_alone(guilty)
    assert names_us(guilty.read_text("utf-8"))
