"""The pages in a real Chromium: accessibility, reflow, focus, and what its security rules do to them."""

import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise, product
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from page_samples import ACTION, TWELVE, loopback, mistaken, overridden, prompt, redirect

from scopegate.flows.outcomes import ErrorPage
from scopegate.web.pages import Links, Pages
from scopegate.web.wording import Wording

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
axe_playwright = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed")

pytestmark = pytest.mark.browser

CHROMIUM = os.environ.get("SCOPEGATE_CHROMIUM") or shutil.which("chromium")
AXE = Path(axe_playwright.__file__).with_name("axe.min.js").read_text("utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PAGES = Pages("Acme IoT", links=Links(tokens="/account/tokens", switch_account="/switch"))
ADDRESS = "https://acme.example/page"
DRAWN = {
    "consent": lambda wording: PAGES.consent(loopback(), action=ACTION, wording=wording),
    "overridden": lambda wording: PAGES.consent(overridden(places=TWELVE), action=ACTION, wording=wording),
    "mistaken": lambda wording: PAGES.consent(mistaken(), action=ACTION, wording=wording),
    "error": lambda wording: PAGES.error(ErrorPage("bad_redirect_uri"), request_id="7f3a", wording=wording),
    "decided": lambda wording: PAGES.error(ErrorPage("already_decided"), wording=wording),
    "pause": lambda wording: PAGES.trouble("too_many_requests", retry_after=90.0, wording=wording),
    "handoff": lambda wording: PAGES.handoff(redirect("cursor://anysphere/cb"), wording=wording),
}
LTR, RTL = Wording(), Wording("ar", "rtl")
LONG = Wording("en-XA", "ltr", lambda text: f"\u27e6{text} \u2014 {text}\u27e7")
TEXT_SPACING = (
    "* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }"
    " p { margin-block-end: 2em !important }"
)


@pytest.fixture(scope="module")
def browser():
    """A headless Chromium."""
    if CHROMIUM is None:
        pytest.skip("no Chromium: install it, or set SCOPEGATE_CHROMIUM to its path")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@contextmanager
def shown(browser, html, *, width=1000, scheme="light", bypass_csp=False, **more):
    """A page as the server sends it, with its headers; what breaks its policy fails the test."""
    context = browser.new_context(
        viewport={"width": width, "height": 700}, color_scheme=scheme, bypass_csp=bypass_csp, **more
    )
    complaints: list[str] = []
    requests: list[str] = []

    def answer(route):
        requests.append(route.request.url)
        # The refresh of the hand-off would leave the page before it is looked at.
        body = html.replace(b'http-equiv="refresh"', b'name="refresh"')
        route.fulfill(body=body, headers=dict(PAGES.headers))

    context.route("**/*", answer)
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(ADDRESS)
    try:
        yield page
        assert complaints == []
        assert requests == [ADDRESS]
    finally:
        context.close()


def violations(page):
    """What axe finds, in short."""
    found = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", RULES)
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]]


# --- Accessibility ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wording", [LTR, RTL], ids=["ltr", "rtl"])
@pytest.mark.parametrize("name", DRAWN)
def test_axe_finds_nothing_and_nothing_overflows(browser, name, wording):
    """X01, X03, X05, X06: each page, both colour schemes, both directions, wide and narrow."""
    with shown(browser, DRAWN[name](wording), bypass_csp=True) as page:
        page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
        page.evaluate(AXE)
        for scheme, width in product(("light", "dark"), (1000, 320)):
            page.emulate_media(color_scheme=scheme)
            page.set_viewport_size({"width": width, "height": 700})
            assert violations(page) == [], (scheme, width)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, scheme


def test_axe_would_find_something(browser):
    """X01: the check itself works, in both colour schemes."""
    html = DRAWN["consent"](LTR).replace(b"<label", b"<p").replace(b"--mute:#b6bdca", b"--mute:#555")
    with shown(browser, html, scheme="dark", bypass_csp=True) as page:
        page.evaluate(AXE)
        assert {name for name, _ in violations(page)} >= {"select-name", "color-contrast"}


@pytest.mark.parametrize("name", DRAWN)
def test_the_sheet_applies_under_its_own_policy(browser, name):
    """X12: without bypassing anything, the sheet counts and the browser has nothing to complain about."""
    with shown(browser, DRAWN[name](LTR)) as page:
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(243, 245, 249)"


@pytest.mark.parametrize("name", ["consent", "overridden", "mistaken"])
def test_long_words_of_another_language_fit(browser, name):
    """X06, X11: twice the text at 320 px, and with the spacing that people may set (WCAG 1.4.12)."""
    with shown(browser, DRAWN[name](LONG), width=320, bypass_csp=True) as page:
        page.add_style_tag(content=TEXT_SPACING)
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        clipped = page.evaluate(
            "[...document.querySelectorAll('p,li,dd,button,label,summary')]"
            ".filter(each => each.scrollWidth > each.clientWidth + 1 && each.clientWidth).map(each => each.outerHTML)"
        )
        assert clipped == []


@pytest.mark.parametrize("width", [1000, 320])
def test_both_decisions_have_one_size(browser, width):
    """C40, X05: equal, and at least 44 px in both directions."""
    with shown(browser, DRAWN["consent"](LTR), width=width) as page:
        cancel, authorize = [each.bounding_box() for each in page.locator(".decide button").all()]
        assert (cancel["width"], cancel["height"]) == (authorize["width"], authorize["height"])
        assert min(cancel["width"], cancel["height"]) >= 44


def test_the_tab_key_goes_through_the_page_as_one_reads_it(browser):
    """X04, C41: skip link first, then down the page, and every stop can be seen."""
    with shown(browser, DRAWN["overridden"](LTR)) as page:
        assert page.evaluate("document.activeElement.tagName") == "BODY"
        stops, heights = [], []
        for _ in range(30):
            page.keyboard.press("Tab")
            at = page.evaluate(
                "(() => { const each = document.activeElement, box = each.getBoundingClientRect(),"
                " style = getComputedStyle(each); return [each.textContent || each.name, box.top + scrollY,"
                " style.outlineStyle, parseFloat(style.outlineWidth), each.tagName] })()"
            )
            if at[4] == "BODY":
                break
            stops.append(at[0].strip())
            heights.append(at[1])
            assert at[2:4] == ["solid", 3]
        assert stops[:3] == ["Skip to the question", "Cancel", "Use a different account"]
        assert stops[-3:] == ["Cancel", "Authorize Claude", "See and change what you approved"]
        assert stops.index("Preview") == len(stops) - 5  # between them is how long it may last
        # Neighbours in one row differ by some pixels.
        assert all(after >= before - 20 for before, after in pairwise(heights))


def test_mistakes_have_the_focus_and_lead_to_the_field(browser):
    """E03, C41: the summary first, one link away from what is wrong."""
    with shown(browser, DRAWN["mistaken"](LTR)) as page:
        assert page.evaluate("document.activeElement.id") == "errors"
        page.get_by_role("link", name="Northwind").press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.name || document.activeElement.parentElement.id") in {
            "organization:northwind",
            "sandbox",
            "organization:contoso",
        }


def test_the_page_reads_well_without_its_sheet(browser):
    """X02: the order of the document is the order of the questions."""
    before, _, after = DRAWN["overridden"](LTR).partition(b"<style>")
    with shown(browser, before + after.partition(b"</style>")[2]) as page:
        tops = [
            page.get_by_role("heading", name=name).bounding_box()["y"]
            for name in (
                "Allow Claude",
                "What Claude will be able to do",
                "It will not be able to",
                "Limit its role",
            )
        ]
        assert tops == sorted(tops)
        assert page.get_by_role("button", name="Authorize Claude").is_visible()


def test_forced_colours_keep_the_buttons_visible(browser):
    """X08: with a palette of the person's own, borders replace what colours said."""
    with shown(browser, DRAWN["consent"](LTR), forced_colors="active") as page:
        widths = page.evaluate(
            "[...document.querySelectorAll('.decide button,.note')].map(each => getComputedStyle(each).borderTopWidth)"
        )
        assert widths == ["2px", "1px", "2px"]


def test_a_small_popup_shows_who_asks_and_nothing_sticks(browser):
    """C49: 400 by 600, the size that many clients open."""
    with shown(browser, DRAWN["consent"](LTR), width=400) as page:
        page.set_viewport_size({"width": 400, "height": 600})
        assert page.get_by_role("heading", level=1).bounding_box()["y"] < 300
        page.get_by_role("button", name="Authorize Claude").focus()
        box = page.get_by_role("button", name="Authorize Claude").bounding_box()
        assert 0 <= box["y"] <= 600 - box["height"]


# --- What browsers do to consent pages ----------------------------------------------------------------------


class Host:
    """Two small servers: ours, with the pages, and the client's, on another origin."""

    def __init__(self):
        self.posts, self.visits, self.framed = [], [], ""
        self.headers, self.handoff = PAGES.headers, False
        host = self

        class Ours(BaseHTTPRequestHandler):
            def do_GET(self):
                body = PAGES.consent(prompt(), action="/decide")
                host.answer(self, body, host.headers)

            def do_POST(self):
                fields = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
                host.posts.append((fields, self.headers["Origin"], self.headers["Sec-Fetch-Site"]))
                back = redirect(f"{host.client}/callback", parameters=(("code", "x"),))
                if host.handoff:
                    host.answer(self, PAGES.handoff(back), PAGES.handoff_headers)
                    return
                self.send_response(303)
                self.send_header("Location", back.location)
                self.end_headers()

            def log_message(self, *_):
                pass

        class Theirs(BaseHTTPRequestHandler):
            def do_GET(self):
                if self.path.startswith("/callback"):
                    host.visits.append((self.path, self.headers["Referer"]))
                host.answer(self, host.framed.encode(), (("Content-Type", "text/html"),))

            def log_message(self, *_):
                pass

        self.servers = [ThreadingHTTPServer(("127.0.0.1", 0), handler) for handler in (Ours, Theirs)]
        self.ours, self.client = [f"http://127.0.0.1:{server.server_port}" for server in self.servers]

    @staticmethod
    def answer(handler, body, headers):
        """Send a page."""
        handler.send_response(200)
        for name, value in headers:
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)


@pytest.fixture
def host() -> Iterator[Host]:
    """Both servers, each in a thread of its own."""
    host = Host()
    threads = [threading.Thread(target=server.serve_forever) for server in host.servers]
    for thread in threads:
        thread.start()
    yield host
    for server, thread in zip(host.servers, threads, strict=True):
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def tab(browser):
    """An empty tab."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


def test_the_answer_may_lead_to_another_origin(host, tab):
    """B1 to B4: without form-action the redirect after the form is followed, and Origin is there (B6)."""
    tab.goto(host.ours)
    tab.get_by_role("button", name="Authorize Claude").click()
    tab.wait_for_url(f"{host.client}/callback*")
    ((fields, origin, site),) = host.posts
    assert fields["decision"] == "approve"
    assert fields["default"] == "view"
    assert (origin, site) == (host.ours, "same-origin")
    assert [path for path, _ in host.visits] == ["/callback?code=x"]


def test_the_trap_that_the_headers_avoid_is_real(host, tab):
    """B1: with form-action 'self' the same click ends nowhere, after the code was made."""
    policy = dict(PAGES.headers)["Content-Security-Policy"] + "; form-action 'self'"
    host.headers = (
        *(each for each in PAGES.headers if "Policy" not in each[0]),
        ("Content-Security-Policy", policy),
    )
    tab.goto(host.ours)
    with tab.expect_console_message(lambda message: "form-action" in message.text):
        tab.get_by_role("button", name="Authorize Claude").click()
    assert len(host.posts) == 1
    assert host.visits == []


def test_the_hand_off_page_goes_on_by_itself(host, tab):
    """B5: a 200 with a refresh leads to the client, without telling where from."""
    host.handoff = True
    tab.goto(host.ours)
    tab.get_by_role("button", name="Authorize Claude").click()
    tab.wait_for_url(f"{host.client}/callback*")
    assert host.visits == [("/callback?code=x", None)]


def test_the_page_cannot_be_framed(host, tab):
    """B7, CON-5: nobody can lay the buttons under something else."""
    host.framed = f'<iframe src="{host.ours}/"></iframe>'
    with tab.expect_console_message(lambda message: "frame-ancestors" in message.text):
        tab.goto(f"{host.client}/")
    assert tab.frames[1].get_by_role("button").count() == 0


def test_a_popup_keeps_its_opener(host, tab):
    """B8, CON-18: a client that waits in the window behind is not cut off."""
    host.framed = "<p>waiting"
    tab.goto(f"{host.client}/")
    with tab.expect_popup() as opened:
        tab.evaluate("address => { window.popup = window.open(address) }", host.ours)
    opened.value.get_by_role("button", name="Authorize Claude").wait_for()
    assert opened.value.evaluate("opener !== null")
    assert tab.evaluate("window.popup.closed") is False


def test_enter_never_approves(host, tab):
    """B9: even with a text field in the form, the first button is Cancel."""
    tab.goto(host.ours)
    tab.evaluate("document.forms[0].append(Object.assign(document.createElement('input'), {id: 'typed'}))")
    tab.locator("#typed").press("Enter")
    tab.wait_for_url(f"{host.client}/callback*")
    assert [fields["decision"] for fields, *_ in host.posts] == ["deny"]


def test_a_preview_sends_the_choices(host, tab):
    """C33: the choices go back to us, and the answer starts at the limit."""
    host.handoff = True
    tab.goto(host.ours)
    tab.get_by_label("Maximum role").select_option("Editor")
    tab.get_by_text("Choose place by place").click()
    tab.get_by_label("Northwind").select_option("No access")
    with tab.expect_request("**/decide") as sent:
        tab.get_by_role("button", name="Preview").click()
    fields = dict(parse_qsl(sent.value.post_data))
    assert (fields["decision"], fields["default"]) == ("preview", "edit")
    assert fields["organization:northwind"] == "none"
