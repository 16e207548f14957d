"""A real browser, for tests that have the marker ``browser``."""

import os
import shutil

import pytest

CHROMIUM = os.environ.get("SCOPEGATE_CHROMIUM") or shutil.which("chromium")


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium: install it, or set SCOPEGATE_CHROMIUM to its path")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium):
    """A page of a person who allows no scripts; what breaks a page's own policy fails the test."""
    context = chromium.new_context(java_script_enabled=False)
    context.set_default_timeout(15_000)
    complaints = []
    shown = context.new_page()
    shown.on("console", lambda message: complaints.append(message.text))
    yield shown
    context.close()
    assert [told for told in complaints if "favicon" not in told and "404" not in told] == []
