"""The sample of docs/mcp.md, run as it stands there."""

import re
import secrets
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from scopegate.flows.sealing import new_key

PAGE = Path(__file__).parents[2] / "docs/mcp.md"


@pytest.fixture
def client(monkeypatch, tmp_path):
    """The app of the sample."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCOPEGATE_KEY", new_key(secrets.token_bytes))
    (sample,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    names: dict[str, object] = {"__name__": "sample"}
    exec(compile(sample, str(PAGE), "exec"), names)  # noqa: S102 - our own page
    with TestClient(names["app"], base_url="https://acme.example", follow_redirects=False) as client:
        yield client


def test_the_sample_challenges_and_leads_to_its_metadata(client):
    """A client finds everything from the address of the MCP server alone."""
    answer = client.post("/mcp", json={})
    assert answer.status_code == 401
    where = re.findall(r'resource_metadata="https://acme.example(.*?)"', answer.headers["www-authenticate"])
    (issuer,) = client.get(where[0]).json()["authorization_servers"]
    assert client.get("/.well-known/oauth-authorization-server").json()["issuer"] == issuer
