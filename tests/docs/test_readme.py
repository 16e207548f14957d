"""What the Markdown pages promise: the sample runs, and no link leads nowhere."""

import re
import secrets
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from scopegate.flows.sealing import new_key

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
PAGES = sorted(
    {
        README,
        ROOT / "CHANGELOG.md",
        ROOT / "SECURITY.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").rglob("*.md"),
    }
)


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a page in one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def broken_links(page: Path) -> list[str]:
    """The relative links of a page that lead to no file."""
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    return [each for each in links if ":" not in each and not (page.parent / each).exists()]


@pytest.fixture
def client(monkeypatch, tmp_path):
    """The app of the README's sample, run as it stands there."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCOPEGATE_KEY", new_key(secrets.token_bytes))
    (sample,) = blocks(README, "python")
    names: dict[str, object] = {"__name__": "sample"}
    exec(compile(sample, str(README), "exec"), names)  # noqa: S102 - our own page
    with TestClient(names["app"], base_url="https://acme.example", follow_redirects=False) as client:
        yield client


def test_the_sample_is_an_authorization_server(client):
    """It publishes its metadata under the issuer that the sample names."""
    metadata = client.get("/.well-known/oauth-authorization-server").json()
    assert metadata["issuer"] == "https://acme.example"
    assert metadata["code_challenge_methods_supported"] == ["S256"]


def test_the_sample_protects_its_route(client):
    """Without a token there is a challenge, and no device."""
    answer = client.get("/applications/app_1/devices")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_the_readme_is_short():
    """It can be read in one go."""
    assert len(README.read_text("utf-8").splitlines()) <= 150


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file(page):
    """Pages that moved are noticed."""
    assert broken_links(page) == []


def test_a_broken_link_is_found(tmp_path):
    """The check itself is no blind eye."""
    page = tmp_path / "page.md"
    page.write_text("[a](page.md#part) [b](https://example.com/x) [c](gone.md)")
    assert broken_links(page) == ["gone.md"]
