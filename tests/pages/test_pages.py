"""What is drawn: escaping, order, fields, size and headers."""

import gzip
import itertools
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import DictLoader
from page_reading import Page
from page_samples import (
    ACTION,
    PLACES,
    TWELVE,
    client,
    loopback,
    mistaken,
    overridden,
    private_scheme,
    prompt,
    redirect,
    registered,
)

from scopegate.core.caps import RoleCap
from scopegate.core.redirects import match
from scopegate.core.standing import Account, Membership
from scopegate.errors import ConfigurationError, InvalidValueError
from scopegate.flows.outcomes import ErrorPage
from scopegate.web.pages import HANDOFF_HEADERS, PAGE_HEADERS, Links, Pages, page_headers
from scopegate.web.problems import EXPLANATIONS
from scopegate.web.wording import Wording

PAGES = Pages("Acme IoT", links=Links(tokens="/account/tokens", switch_account="/switch"))
SAMPLES = {
    "plain": prompt(),
    "loopback": loopback(),
    "private scheme": private_scheme(),
    "registered": registered(),
    "overridden": overridden(),
    "mistaken": mistaken(),
    "twelve": prompt(places=TWELVE, more_places=True),
    "nowhere": prompt(places=()),
}
HOSTILE = st.text(
    st.sampled_from("<>&\"'/=`{}%#; \n\u202e\u200bscriptonloadimgjavascript:"), max_size=40
) | st.sampled_from(
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</title><svg onload=alert(1)>",
        "{{ 7*7 }}{% include 'x' %}",
        "' autofocus onfocus='alert(1)",
        "</style><script>",
        "javascript:alert(1)",
        "<!--",
        "]]>",
        "\u202emoc.elpmaxe//:sptth",
    ]
)


def drawn(asked, **more):
    """The parsed page of a prompt."""
    return Page(PAGES.consent(asked, action=ACTION, **more))


@pytest.fixture(params=SAMPLES, scope="module")
def page(request):
    """Each of the sample pages."""
    return drawn(SAMPLES[request.param])


# --- Strangers' text ----------------------------------------------------------------------------------------


@given(HOSTILE, HOSTILE, HOSTILE, HOSTILE)
def test_hostile_text_never_becomes_markup(name, label, place, resource):
    """CON-17, C10: whatever strangers write, the elements and attributes of the page stay the same."""
    asked = prompt(
        asks=client(name=name),
        account=Account(label),
        places=(Membership(place, place, "admin"),),
        resources=(resource,),
        transaction=name,
    )
    calm = prompt(places=(Membership("northwind", "Northwind", "admin"),))
    assert drawn(asked).skeleton == drawn(calm).skeleton


@given(HOSTILE)
def test_hostile_text_comes_back_from_the_form_as_it_was(text):
    """A value is escaped, not changed: the form sends back what the server wrote."""
    asked = prompt(transaction=text, places=(Membership(text, "Northwind", "admin"),))
    sent = drawn(asked).sent("approve")
    assert sent["transaction"] == text
    assert f"organization:{text}" in sent


@given(HOSTILE | st.text(max_size=30), HOSTILE, HOSTILE)
def test_every_link_of_a_client_is_https(homepage, terms, privacy):
    """C09: no address of a stranger runs as a script or leads to another scheme."""
    links = drawn(prompt(asks=client(homepage=homepage, terms=terms, privacy=privacy))).all("a")
    theirs = [each for each in links if "rel" in each.attributes]
    assert all(each["href"].startswith("https://") for each in theirs)
    assert {each["href"] for each in links if each not in theirs} == {"#main", "/switch", "/account/tokens"}


def test_links_of_a_client_say_nothing_about_where_they_are():
    """C09: no opener, no referrer, no endorsement."""
    theirs = [each for each in drawn(prompt()).all("a") if each["href"].startswith("https:")]
    assert [each.text for each in theirs] == ["Home page", "Terms", "Privacy"]
    assert {each["rel"] for each in theirs} == {"noopener noreferrer nofollow"}


def test_the_return_address_is_text_and_never_a_link(page):
    """C04, RED-6: the whole address can be read and not be clicked."""
    shown = [each for each in page.all("code") if "://" in each.text and "acme.example" not in each.text]
    assert len(shown) == 1
    assert any(each.tag == "details" for each in shown[0].around)
    assert not [each for each in page.all("a") if "callback" in each["href"]]


@given(st.sampled_from(sorted(EXPLANATIONS)), HOSTILE)
def test_an_error_page_escapes_the_product_and_the_request(problem, text):
    """CON-17: what the host names itself cannot break its own page."""
    calm = Page(Pages("Acme IoT").trouble(problem, request_id="7f3a"))
    assert Page(Pages(text).trouble(problem, request_id=f"7f3a{text}")).skeleton == calm.skeleton


def test_foreign_text_is_isolated():
    """C10, X09: names and addresses cannot turn the text around them."""
    page = drawn(overridden())
    isolated = {each.text for each in page.all("bdi")}
    assert isolated >= {"Claude", "Acme IoT", "claude.ai", "Northwind", "Ada Lovelace (ada@example.com)"}
    assert isolated >= {"https://acme.example/mcp", "https://claude.ai/api/mcp/auth_callback?kind=mcp"}


# --- Structure ----------------------------------------------------------------------------------------------


def test_the_heading_is_the_title(page):
    """C01: one h1, a whole sentence, and the same text names the tab."""
    assert page.one("title").text.removeprefix("Error: ") == page.one("h1").text
    assert "to use your Acme IoT account?" in page.one("h1").text


def test_cancel_comes_first(page):
    """C41, B9: the first button of the form, which Enter presses, refuses."""
    buttons = [(each["value"], each.text) for each in page.all("button")]
    name = page.one("h1").text.split()[1]
    assert buttons[0] == ("deny", "Cancel")
    assert buttons[-2:] == [("deny", "Cancel"), ("approve", f"Authorize {name}")]
    assert buttons[1:-2] == [("preview", "Preview")]
    assert all(each["name"] == "decision" for each in page.all("button"))


def test_both_decisions_are_real_buttons_of_one_row(page):
    """C40: the same element, side by side in one grid of equal columns."""
    cancel, authorize = page.all("button")[-2:]
    assert cancel.around == authorize.around
    assert cancel.around[-1]["class"] == "decide"
    assert "type" not in {*cancel.attributes, *authorize.attributes}


def test_every_button_belongs_to_the_one_form(page):
    """B9: also the one in the head of the page."""
    form = page.one("form")
    assert (form["method"], form["action"]) == ("post", ACTION)
    for button in page.all("button"):
        assert form in button.around or button["form"] == form["id"]


def test_nothing_takes_the_focus_but_a_summary_of_mistakes():
    """C41, E03: never the button; only what must be mended first."""
    assert not [each for each in drawn(prompt()).elements if "autofocus" in each.attributes]
    focused = [each for each in drawn(mistaken()).elements if "autofocus" in each.attributes]
    assert [each["id"] for each in focused] == ["errors"]


def test_nothing_on_the_page_can_run_or_load(page):
    """X02, X14, CON-6, CON-17: no script, no handler, no image, no font, no frame, nothing from elsewhere."""
    tags = {each.tag for each in page.elements}
    assert not tags & {"script", "img", "iframe", "object", "embed", "link", "svg", "base", "audio", "video"}
    names = {name for each in page.elements for name in each.attributes}
    assert not [name for name in names if name.startswith("on") or name in {"style", "src", "srcdoc", "ping"}]
    assert "url(" not in page.one("style").text
    assert "@import" not in page.one("style").text


def test_the_page_has_its_landmarks(page):
    """X04: a skip link that leads to main, a language, a direction, one of each landmark."""
    assert [len(page.all(tag)) for tag in ("html", "main", "header", "footer", "h1", "title", "style")] == [
        1
    ] * 7
    skip = page.all("a")[0]
    assert (skip["class"], skip["href"]) == ("skip", "#main")
    assert page.one("main")["id"] == "main"
    assert (page.one("html")["lang"], page.one("html")["dir"]) == ("en", "ltr")
    assert page.all("meta", name="viewport")[0]["content"] == "width=device-width, initial-scale=1"


def test_the_language_reaches_the_page():
    """X09: the direction follows the language."""
    html = drawn(prompt(), wording=Wording("ar", "rtl")).one("html")
    assert (html["lang"], html["dir"]) == ("ar", "rtl")


def test_ids_are_there_once_and_references_lead_somewhere(page):
    """X01: labels, descriptions and links inside the page all find what they name."""
    ids = [each["id"] for each in page.elements if "id" in each.attributes]
    assert len(ids) == len(set(ids))
    for each in page.elements:
        wanted = [*each.attributes.get("aria-describedby", "").split(), each.attributes.get("for", ids[0])]
        if each.attributes.get("href", "").startswith("#"):
            wanted.append(each["href"][1:])
        assert set(wanted) <= set(ids), each


def test_every_select_has_a_label(page):
    """X01: what a select chooses is said, and never by its options alone."""
    labelled = [each["for"] for each in page.all("label")]
    assert labelled == [each["id"] for each in page.all("select")]
    assert all(each.text for each in page.all("label"))


def test_headings_go_down_one_by_one(page):
    """X02: with the style sheet off, the outline still reads well."""
    levels = [int(each.tag[1]) for each in page.elements if each.tag in {"h1", "h2", "h3", "h4"}]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


# --- Content ------------------------------------------------------------------------------------------------


def test_the_page_says_all_that_one_must_know():
    """CON-9: who, verified or not, where to, what, for which resource, by which account, up to which role."""
    text = drawn(prompt()).text
    for said in (
        "Allow Claude to use your Acme IoT account?",
        "Unverified app, registered itself. Not made by Acme IoT.",
        "Returns you to claude.ai",
        "See and change your applications",
        "See your profile",
        "Read and write",
        "all.Application.bounded",
        "https://acme.example/mcp",
        "Ada Lovelace (ada@example.com)",
        "It will not be able to",
        "Maximum role",
        "Can see applications, devices and data, and change nothing.",
        "also in those that you join later",
        "First time you connect this app.",
        "This access lasts until you remove it.",
        "You can lower, pause or remove this access at any time.",
    ):
        assert said in text, said


def test_the_order_is_that_of_the_questions_a_person_has():
    """C41, X04: who asks, what for, how far, and only then the decision."""
    text = drawn(overridden()).text
    order = [
        "Allow Claude",
        "Your account",
        "Returns you to",
        "What Claude will be able",
        "It will not be able to",
    ]
    order += [
        "Limit its role",
        "Maximum role",
        "Choose place by place",
        "You already have 2 tokens",
        "Authorize Claude",
    ]
    found = [text.index(each) for each in [*order, "You can lower, pause"]]
    assert found == sorted(found)


def test_there_is_one_warning_at_most(page):
    """C06: two warnings are none."""
    assert len([each for each in page.elements if each.attributes.get("class") == "note"]) <= 1


def test_a_loopback_client_is_warned_about():
    """C05, CON-10: in the one warning block."""
    (note,) = [each for each in drawn(loopback()).elements if each.attributes.get("class") == "note"]
    assert note.text.startswith("Any program on this device can call itself Claude.")


def test_the_name_of_a_scope_comes_after_its_sentence():
    """C20: words, tag, name; the name is muted."""
    (first, _) = drawn(prompt()).one("ul", **{"class": "can"}), None
    assert first.text.startswith("See and change your applications")
    names = [each for each in drawn(prompt()).all("code") if each.attributes.get("class") == "hint"]
    assert [each.text for each in names] == ["all.Application.bounded", "only.User.read"]


def test_without_organizations_there_are_no_overrides():
    """E06: the block is absent, not empty."""
    page = drawn(prompt(places=()))
    assert [each["name"] for each in page.all("select")] == ["default"]
    assert "place by place" not in page.text
    assert "With this choice" not in page.text


def test_the_form_sends_the_choices_that_it_shows():
    """C29, C37: the contract of the fields: transaction, decision, default, sandbox, organization:<id>, lifetime."""
    assert drawn(overridden()).sent("approve") == {
        "transaction": "c2VhbGVkLXRyYW5zYWN0aW9u",
        "decision": "approve",
        "default": "view",
        "organization:northwind": "edit",
        "organization:contoso": "edit",
        "sandbox": "none",
        "lifetime": "2592000",
    }
    followed = drawn(prompt()).sent("deny")
    assert [followed[name] for name in ("organization:northwind", "organization:contoso", "sandbox")] == [
        "",
        "",
        "",
    ]


def test_a_preview_comes_back_to_the_limit():
    """C33: the same form to the same address, only the place in the page is kept."""
    page = drawn(overridden())
    button = page.one("button", value="preview")
    assert button["formaction"] == f"{ACTION}#limit"
    assert page.one("section", id="limit")


def test_old_choices_are_not_restored_by_the_browser():
    """C30: a reload must not show another choice than the results beside it."""
    assert drawn(prompt()).one("form")["autocomplete"] == "off"


def test_mistakes_are_summed_up_and_marked():
    """E03: a summary that links to the fields, and each field says what is wrong."""
    page = drawn(mistaken())
    assert [
        (each["href"], each.text)
        for each in page.all("a")
        if each["href"][1:] in {"default", "p1", "lifetime"}
    ] == [
        ("#default", "Maximum role: choose one of the roles"),
        ("#p1", "Northwind: choose one of the roles"),
        ("#lifetime", "How long: choose one of those on the page"),
    ]
    wrong = [each for each in page.all("select") if each.attributes.get("aria-invalid") == "true"]
    assert [each["id"] for each in wrong] == ["default", "p1", "lifetime"]
    assert [each["aria-describedby"].split()[-1] for each in wrong] == ["default-no", "p1-no", "lifetime-no"]
    assert page.one("title").text.startswith("Error: ")
    assert page.sent("approve")["organization:northwind"] == "edit"


def test_the_end_of_the_access_is_a_date():
    """C34: for people and for machines."""
    assert drawn(overridden()).one("time")["datetime"] == "2027-03-01"


def test_the_footer_leads_to_the_tokens_where_the_host_says_where():
    """C50: with a page of the host a link, else words."""
    footer = drawn(prompt()).one("footer")
    assert footer.text.endswith("See and change what you approved")
    plain = Page(Pages("Acme IoT").consent(prompt(), action=ACTION))
    assert "at any time in your Acme IoT account" in plain.one("footer").text
    assert [each["href"] for each in plain.all("a") if "rel" not in each.attributes] == ["#main"]


def test_another_account_can_be_used_where_the_host_says_how():
    """C07, in part: the host's own page, without parameters of ours."""
    assert drawn(prompt()).one("a", href="/switch").text == "Use a different account"


@pytest.mark.parametrize("places", [PLACES, TWELVE], ids=len)
def test_the_page_is_small(places):
    """X14: at most 15 kB, and 5 kB compressed, with twelve organizations and each of them set."""
    cap = RoleCap("collaborate", {each.organization: "view" for each in places[:-1]}, "none")
    html = PAGES.consent(prompt(places=places, cap=cap, more_places=True), action=ACTION)
    assert len(html) <= 15_000
    assert len(gzip.compress(html)) <= 5_000


# --- Errors and the way back --------------------------------------------------------------------------------


@pytest.mark.parametrize("problem", sorted(EXPLANATIONS))
def test_every_problem_says_what_happened_and_what_to_do(problem):
    """E02: a plain title, two short texts, and never an address to click."""
    page = Page(PAGES.trouble(problem, request_id="7f3a"))
    words = EXPLANATIONS[problem]
    assert words.to_do in page.text
    assert words.happened.replace("{product}", "Acme IoT") in page.text
    assert "Acme IoT" in page.one("h1").text
    assert page.one("title").text == ("" if words.calm else "Error: ") + page.one("h1").text
    assert "7f3a" in page.text
    assert [each["href"] for each in page.all("a")] == ["#main"]
    assert not page.all("form")


def test_a_problem_of_a_flow_is_drawn():
    """E01: an unregistered return address ends here, and is not repeated."""
    page = Page(PAGES.error(ErrorPage("bad_redirect_uri")))
    assert page.one("h1").text == "Acme IoT cannot send you back to this app."
    assert "redirect_uri must equal a registered one" in page.text
    assert "Request" not in page.text


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (1.0, "within a minute"),
        (60.0, "within a minute"),
        (61.0, "in about 2 minutes"),
        (3600.0, "in about 60 minutes"),
    ],
)
def test_a_pause_is_said_in_words(seconds, said):
    """E08: Retry-After for people."""
    assert said in Page(PAGES.trouble("too_many_requests", retry_after=seconds)).text


@pytest.mark.parametrize("uri", ["https://claude.ai/cb", "http://127.0.0.1:33418/cb", "cursor://a/cb"])
def test_the_hand_off_goes_on_by_itself_and_has_a_link(uri):
    """B5, C51, RSP-6: refresh and link lead to the same address."""
    back = redirect(uri, parameters=(("code", 'a"b'), ("state", "<&'\">")))
    page = Page(PAGES.handoff(back))
    assert page.all("meta", **{"http-equiv": "refresh"})[0]["content"] == f"0;url={back.location}"
    link = page.all("a")[1]
    assert (link["href"], link.text) == (back.location, "Continue to Claude")
    assert page.one("h1").text == page.one("title").text == "Acme IoT is sending you back to Claude."
    assert "you can close this tab" in page.text


@pytest.mark.parametrize(
    ("parameters", "again", "said"),
    [
        ((("code", "x"),), False, "You approved its access."),
        ((("code", "x"),), True, "You approved this already. Nothing new was created."),
        ((("error", "access_denied"),), False, "It gets no access."),
        ((("error", "access_denied"),), True, "It gets no access."),
    ],
)
def test_the_hand_off_says_what_was_decided(parameters, again, said):
    """C45: a second click is answered calmly."""
    assert said in Page(PAGES.handoff(redirect(parameters=parameters), again=again)).text


def test_a_nameless_client_is_still_something_to_go_back_to():
    """C51: the link always has words."""
    back = redirect()
    page = Page(PAGES.handoff(type(back)(back.uri, back.parameters)))
    assert page.all("a")[1].text == "Continue to the app"


@pytest.mark.parametrize("uri", ["javascript:alert(1)//", "JavaScript:alert(1)//", "data:text/html,x"])
def test_a_script_is_never_handed_off_to(uri):
    """RED-6: even if a host stored such an address, no page leads there."""
    back = type(redirect())(match((uri,), uri), ())
    with pytest.raises(InvalidValueError, match="nothing goes there"):
        PAGES.handoff(back)


# --- Headers and set-up -------------------------------------------------------------------------------------


def test_the_headers_keep_the_page_to_itself():
    """X12, CON-5 to CON-8, CON-18, B1 to B8: what is there and, as important, what is not."""
    headers = dict(PAGE_HEADERS)
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    style = policy.pop("style-src")
    assert style.startswith("'sha256-")
    assert policy == {
        "default-src": "'none'",
        "img-src": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"
    assert not [name for name in headers if name.startswith("Cross-Origin")]
    assert dict(HANDOFF_HEADERS) == {**headers, "Referrer-Policy": "no-referrer"}


@pytest.mark.parametrize(
    "html",
    [
        PAGES.consent(prompt(), action=ACTION),
        PAGES.error(ErrorPage("unknown_client")),
        PAGES.handoff(redirect()),
    ],
    ids=["consent", "error", "handoff"],
)
def test_the_policy_allows_the_sheet_that_is_sent(html):
    """X12: the hash is of exactly what stands between the tags."""
    style = html.decode().split("<style>")[1].split("</style>")[0]
    assert page_headers(style) == PAGES.headers == PAGE_HEADERS
    assert PAGES.handoff_headers == HANDOFF_HEADERS


def test_a_host_can_replace_a_template_and_the_sheet():
    """A05: its own sheet is hashed, its own template gets the same view."""
    own = Pages(
        "Acme IoT",
        loader=DictLoader(
            {
                "scopegate/style.css": "main>p{color:red}",
                "scopegate/error.html": "{% extends 'scopegate/base.html' %}"
                "{% block content %}<p>Oh: {{ view.code }}{% endblock %}",
            }
        ),
    )
    html = own.error(ErrorPage("cross_site")).decode()
    assert "<p>Oh: cross_site" in html
    assert "<style>main>p{color:red}</style>" in html
    assert own.headers == page_headers("main>p{color:red}") != PAGE_HEADERS
    assert b"Authorize" in own.consent(prompt(), action=ACTION)


def test_a_template_that_names_what_is_not_there_fails():
    """A typing mistake in a template is an error, never an empty place on a consent page."""
    own = Pages("Acme IoT", loader=DictLoader({"scopegate/error.html": "{{ view.misspelt }}"}))
    with pytest.raises(Exception, match="misspelt"):
        own.error(ErrorPage("cross_site"))


def test_without_jinja2_the_views_work_and_the_pages_say_what_to_install():
    """The extra is optional: importing is fine, drawing says how to get it."""
    script = (
        "import sys; sys.modules['jinja2'] = None\n"
        "from scopegate.web.pages import Pages, PAGE_HEADERS, consent_document\n"
        "from scopegate.errors import ConfigurationError\n"
        "try: Pages('Acme IoT')\n"
        "except ConfigurationError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert 'pip install "scopegate[pages]"' in done.stdout
    assert issubclass(ConfigurationError, Exception)
