"""The example is an app that works: a client gets a capped token and reads what its user may read."""

import importlib.util
import re
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from starlette.testclient import TestClient

from scopegate.core.credentials import encode

APP = Path(__file__).parents[2] / "examples" / "fastapi" / "app.py"
VERIFIER = "v" * 43
CHALLENGE = encode(sha256(VERIFIER.encode()).digest())


@pytest.fixture
def browser(monkeypatch, tmp_path):
    """A browser at the example, served under the address that it is configured for."""
    monkeypatch.setenv("SCOPEGATE_KEY", encode(b"k" * 32))
    monkeypatch.setenv("SCOPEGATE_DATABASE", str(tmp_path / "scopegate.db"))
    spec = importlib.util.spec_from_file_location("fastapi_example", APP)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with TestClient(module.app, base_url="http://localhost:8000", follow_redirects=False) as client:
        yield client


def approved(browser):
    """Register, sign in, approve; the token response."""
    client = browser.post(
        "/oauth/register",
        json={
            "client_name": "Bot",
            "redirect_uris": ["https://bot.example/cb"],
            "token_endpoint_auth_method": "none",
        },
    ).json()
    asked = browser.get(
        "/oauth/authorize",
        params={
            "client_id": client["client_id"],
            "response_type": "code",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        },
    )
    signed_in = browser.get(asked.headers["location"])
    page = browser.get(signed_in.headers["location"])
    transaction = re.search(r'name="transaction" value="([^"]+)"', page.text)[1]
    back = browser.post(
        "/oauth/consent",
        data={"transaction": transaction, "decision": "approve", "default": "viewer"},
        headers={"Sec-Fetch-Site": "same-origin"},
    )
    code = parse_qs(urlsplit(back.headers["location"]).query)["code"][0]
    return browser.post(
        "/oauth/token",
        data={
            "grant_type": "authorization_code",
            "code": code,
            "code_verifier": VERIFIER,
            "client_id": client["client_id"],
        },
    ).json()


def test_the_example_serves_the_whole_flow(browser):
    """From registration to a protected route."""
    token = approved(browser)
    answer = browser.get(
        "/applications/boiler/devices", headers={"Authorization": f"Bearer {token['access_token']}"}
    )
    assert answer.json() == {"application": "boiler", "devices": ["thermometer"], "on_behalf_of": "ada"}
    assert browser.get("/applications/boiler/devices").status_code == 401
