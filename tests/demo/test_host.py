"""What the demo's host does beside the story: its own pages are safe, because people copy from them."""

import httpx2
import pytest
from tests.demo.conftest import quiet_port, running

from scopegate.demo.person import DemoError, Person

pytestmark = pytest.mark.slow


def connect(person, programs, **chosen):
    """Connect Weather Bot; says the path of its page at Acme."""
    person.open(programs.weather_bot)
    person.press("Connect")
    person.press("Authorize", **chosen)
    person.open(f"{programs.acme}/connected")
    return next(link for link in person.links if link.startswith("/connected/"))


@pytest.fixture
def page(programs, ada):
    """The page of a connected Weather Bot; removed again afterwards."""
    path = connect(ada, programs)
    yield programs.acme + path
    ada.open(programs.acme + path)
    if ada.status == 200:
        ada.press("Remove it")


def test_the_pages_need_no_script_and_forbid_it(programs, ada, page):
    """One inline style sheet by its hash, and nothing else."""
    del ada
    for address in (programs.acme, f"{programs.acme}/login", page):
        response = httpx2.get(address, follow_redirects=True)
        assert "default-src 'none'" in response.headers["content-security-policy"]
        assert "form-action" not in response.headers["content-security-policy"]
        assert "<script" not in response.text


def test_a_form_without_its_secret_changes_nothing(programs, ada, page):
    """Another site can make a browser post, but not know what the page carries."""
    cookies = {"acme-session": ada.cookies["acme-session"]}
    for what in ("pause", "resume", "limit", "delete"):
        response = httpx2.post(f"{page}/{what}", cookies=cookies, data={"csrf": "guess", "default": "admin"})
        assert response.status_code == 403, what
    response = httpx2.post(f"{programs.acme}/role", cookies=cookies, data={"csrf": "", "role": "none"})
    assert response.status_code == 403
    ada.open(page)
    assert "Active" in ada.text


def test_somebody_else_cannot_see_or_change_a_token(programs, page):
    """To Vic, Ada's token does not exist."""
    with Person() as vic:
        vic.open(f"{programs.acme}/login")
        vic.press("Sign in as Vic")
        vic.open(page)
        assert vic.status == 404
        vic.open(programs.acme)
        csrf = vic.fields("Sign out")["csrf"]
        response = httpx2.post(f"{page}/delete", cookies=vic.cookies, data={"csrf": csrf})
        assert response.status_code == 404


def test_nobody_signed_in_is_sent_to_sign_in_and_back(programs, page):
    """And then sees what belongs to them."""
    with Person() as person:
        person.open(page)
        assert person.address.startswith(f"{programs.acme}/login?next=%2Fconnected%2F")
        person.press("Sign in as Ada")
        assert person.address == page


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example", ""]
)
def test_a_sign_in_never_sends_people_elsewhere(programs, elsewhere):
    """The address to come back to is a path of this host."""
    response = httpx2.post(
        f"{programs.acme}/login", data={"user": "ada@acme.example", "next": elsewhere}, follow_redirects=False
    )
    assert response.status_code == 303
    assert response.headers["location"] == "/"


def test_a_limit_saved_over_a_newer_one_is_refused(ada, page):
    """Two tabs: the second learns that the first was quicker."""
    ada.open(page)
    with Person() as other:
        other.open(page)
        other.press("Sign in as Ada")
        other.press("Save the limit", default="none")
    ada.press("Save the limit", default="admin")
    assert ada.status == 409
    ada.open(page)
    assert "limited to No access" in ada.text


def test_what_a_limit_does_shows_in_the_table(ada, page):
    """One organization lower than the default, the sandbox not at all."""
    ada.open(page)
    ada.press(
        "Save the limit", **{"default": "editor", "organization:northwind": "viewer", "sandbox": "none"}
    )
    assert "Greenhouse Northwind Yes as Viewer No limited to Viewer" in ada.text
    assert "Harbour Southwind Yes as Editor Yes as Editor" in ada.text
    assert "Workbench Ada's sandbox No limited to No access" in ada.text


def test_vic_is_a_viewer_everywhere_and_no_choice_makes_more_of_it(programs):
    """The strongest role is chosen, and in no organization the app may do more than Vic; there is no sandbox."""
    with Person() as vic:
        vic.open(f"{programs.acme}/login")
        vic.press("Sign in as Vic")
        for organization in ("Northwind", "Southwind", "Eastwind"):
            assert vic.fields(f"Change in {organization}")["role"] == "viewer"
        page = programs.acme + connect(vic, programs, default="admin")
        vic.open(page)
        for place in (
            "Greenhouse Northwind",
            "Rooftop station Northwind",
            "Harbour Southwind",
            "Lighthouse Eastwind",
        ):
            assert f"{place} Yes as Viewer No you are Viewer" in vic.text
        assert vic.text.count("No you are Viewer") == 4
        assert "sandbox" not in vic.text
        vic.open(programs.weather_bot)
        vic.press("Add a rain gauge to Greenhouse")
        assert 'POST /api/applications/greenhouse/devices -> 403 {"error": "access_denied"' in vic.text
        vic.open(page)
        vic.press("Remove it")


def test_a_tool_that_the_scopes_do_not_cover_is_refused_before_it_is_called(programs):
    """The endpoint answers like any protected resource."""
    response = httpx2.post(f"{programs.acme}/mcp", json={})
    assert response.status_code == 401
    assert f"{programs.acme}/.well-known/oauth-protected-resource/mcp" in response.headers["www-authenticate"]


def test_a_form_cannot_be_filled_with_what_it_does_not_have(programs):
    """The person of the transcript presses only what is there."""
    with Person() as person:
        person.open(f"{programs.acme}/login")
        with pytest.raises(DemoError, match="no \\['role'\\]"):
            person.press("Sign in as Ada", role="admin")


def test_tokens_survive_a_restart_of_both_programs(tmp_path):
    """The file of each has all that it takes, if both get their addresses again."""
    port = quiet_port()
    with Person() as ada, running(tmp_path, port) as at:
        ada.open(f"{at.acme}/login")
        ada.press("Sign in as Ada")
        connect(ada, at)
    with Person() as ada, running(tmp_path, port) as again:
        assert again == at
        ada.open(again.weather_bot)
        assert "Connected to Acme IoT. It shows 5 applications." in ada.text
