"""The demo in a real Chromium, with scripts forbidden."""

from pathlib import Path

import pytest
from tests.support.chromium import chromium, page  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.slow]
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def press(shown, name):
    """Press the button that begins so."""
    shown.get_by_role("button", name=name).first.click()


def connect(shown, programs):
    """Connect Weather Bot, as Editor; says the address of its page at Acme."""
    shown.goto(programs.weather_bot)
    press(shown, "Connect to Acme IoT")
    press(shown, "Sign in as Ada")
    assert (
        shown.get_by_role("heading", level=1).inner_text()
        == "Allow Weather Bot to use your Acme IoT account?"
    )
    shown.get_by_label("Maximum role").select_option("editor")
    press(shown, "Authorize Weather Bot")
    assert shown.url == f"{programs.weather_bot}/"
    shown.get_by_text("You are connected.").wait_for()
    shown.goto(f"{programs.acme}/connected")
    shown.get_by_role("main").get_by_role("link").first.click()
    return shown.url


def remove(shown, mine):
    """Remove it again."""
    shown.goto(mine)
    shown.get_by_text("Remove", exact=True).click()
    press(shown, "Remove it")
    shown.get_by_text("No app is connected to your account.").wait_for()


def test_a_person_lowers_a_limit_and_the_app_is_refused(page, programs):  # noqa: F811
    """The table follows at once, and so does the API."""
    mine = connect(page, programs)
    harbour = page.get_by_role("row", name="Harbour")
    assert "Yes as Editor" in " ".join(harbour.inner_text().split())
    page.goto(programs.weather_bot)
    press(page, "Add a rain gauge to Harbour")
    page.get_by_text("201").first.wait_for()
    page.goto(mine)
    page.get_by_label("Wherever nothing else is chosen").select_option("viewer")
    press(page, "Save the limit")
    assert "limited to Viewer" in harbour.inner_text()
    page.goto(programs.weather_bot)
    press(page, "Add a rain gauge to Harbour")
    page.get_by_text("role_too_low").wait_for()
    remove(page, mine)


def test_a_person_pauses_and_resumes_an_app(page, programs):  # noqa: F811
    """It goes on without asking again."""
    mine = connect(page, programs)
    press(page, "Pause")
    page.goto(programs.weather_bot)
    page.get_by_text("Acme IoT says 403: paused.").wait_for()
    page.goto(mine)
    press(page, "Resume")
    page.goto(programs.weather_bot)
    page.get_by_text("It shows 5 applications.").wait_for()
    remove(page, mine)


def test_the_pages_of_the_host_are_accessible(chromium, programs):  # noqa: F811
    """No violation of WCAG 2.2 AA that axe can find."""
    axe_playwright = pytest.importorskip(
        "axe_playwright_python", reason="axe-playwright-python is not installed"
    )
    axe = Path(axe_playwright.__file__).with_name("axe.min.js").read_text("utf-8")
    context = chromium.new_context(bypass_csp=True)
    shown = context.new_page()
    detail = connect(shown, programs)
    found = {}
    for path in ("/", "/login", "/connected", detail.removeprefix(programs.acme)):
        shown.goto(programs.acme + path)
        shown.add_script_tag(content=axe)
        result = shown.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", RULES)
        found[path] = [
            (each["id"], [node["html"] for node in each["nodes"]]) for each in result["violations"]
        ]
    remove(shown, detail)
    context.close()
    assert [problem for problem in found.items() if problem[1]] == []
