"""Which commit CI mutates from: a push of several commits is tried as a whole."""

import os
import subprocess
from pathlib import Path

import pytest

BASE = Path(__file__).parents[2] / ".ci/base"
NOBODY = {
    f"GIT_{who}_{what}": value
    for who in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Nobody"), ("EMAIL", "nobody@acme.example"))
}


class Repository:
    """A repository of empty commits."""

    def __init__(self, folder) -> None:
        self.folder = folder
        self.made = 0
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments):
        """What git says."""
        environment = os.environ | NOBODY | {"GIT_CONFIG_GLOBAL": os.devnull}
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=environment, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commits(self, count):
        """Make so many commits; the last one's id."""
        for _ in range(count):
            self.made += 1  # each of its own message, so of its own id
            self.git("commit", "--quiet", "--allow-empty", f"--message={self.made}")
        return self.git("rev-parse", "HEAD")

    def base(self, **settings):
        """What the script says here."""
        done = subprocess.run(
            [str(BASE)],
            cwd=self.folder,
            env=os.environ | settings,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A new one, whatever this process was started with."""
    for name in ("MAIN", "COMMITS", "GIT_DIR", "GIT_WORK_TREE"):
        monkeypatch.delenv(name, raising=False)
    return Repository(tmp_path)


def test_a_branch_is_tried_from_where_it_left(repository):
    """However many commits it has, and whatever became of the other one since."""
    left = repository.commits(3)
    repository.git("switch", "--quiet", "--create", "feature")
    repository.commits(4)
    repository.git("switch", "--quiet", "main")
    newer = repository.commits(2)
    repository.git("switch", "--quiet", "feature")
    assert repository.base() == left
    repository.git("tag", "v1")
    assert repository.base() == left
    repository.git("update-ref", "refs/remotes/origin/main", newer)
    assert repository.base() == left
    assert repository.base(MAIN="HEAD~1") == repository.git("rev-parse", "HEAD~1")


def test_the_main_branch_is_tried_from_what_origin_has(repository):
    """A push of several commits."""
    known = repository.commits(2)
    repository.commits(3)
    repository.git("update-ref", "refs/remotes/origin/main", known)
    assert repository.base() == known


def test_the_main_branch_is_tried_from_its_newest_tag(repository):
    """The one before this commit: a release is tried as well."""
    repository.commits(1)
    repository.git("tag", "v1")
    second = repository.commits(2)
    repository.git("tag", "--annotate", "--message=second", "v2")
    repository.commits(2)
    assert repository.base() == second
    repository.git("tag", "v3")
    assert repository.base() == second


def test_without_any_mark_it_is_tried_from_some_commits_ago(repository):
    """Or from the first one."""
    first = repository.commits(1)
    assert repository.base() == first
    repository.commits(30)
    assert repository.base() == repository.git("rev-parse", "HEAD~20")
    assert repository.base(COMMITS="5") == repository.git("rev-parse", "HEAD~5")
