"""The page on which a user authorizes an app."""

import pytest
from attrs import evolve
from tests.support import Journey

from scopegate import ApplicationCap, RoleCap
from scopegate.flows.outcomes import ConsentPrompt, TokenReply
from scopegate.web.consent_view import consent_view
from scopegate.web.pages import Pages
from scopegate.web.wording import plain

PAGES = {
    "client_name": "Claude",
    "client_uri": "https://claude.example/",
    "tos_uri": "https://claude.example/terms",
    "policy_uri": "https://claude.example/privacy",
    "logo_uri": "https://claude.example/logo.png",
}


@pytest.fixture
def asked(world):
    """An app with pages of its own sends ann to the consent page."""
    journey = Journey(world, scope="all.Application.bounded only.User.read", **PAGES)
    journey.register()
    return journey, journey.authorize()


def test_the_app_sends_the_user_to_the_consent_page(asked):
    """It is the app that begins."""
    assert isinstance(asked[1], ConsentPrompt)


def test_the_page_names_the_app_and_links_its_pages(asked):
    """Home page, terms and privacy, as far as registered."""
    view = consent_view(asked[1])
    assert view.asker.name == "Claude"
    assert [(link.text, link.url) for link in view.asker.links] == [
        ("Home page", "https://claude.example/"),
        ("Terms", "https://claude.example/terms"),
        ("Privacy", "https://claude.example/privacy"),
    ]
    bare = evolve(asked[1], client=evolve(asked[1].client, homepage="", terms="", privacy=""))
    assert not consent_view(bare).asker.links


def test_the_logo_is_kept_and_not_yet_shown(asked):
    """Open: a logo is fetched by nobody yet, and hot-linked never; a letter stands for it."""
    _, prompt = asked
    assert prompt.client.logo == "https://claude.example/logo.png"
    page = Pages("Acme").consent(prompt, action="/consent").decode()
    assert "<img" not in page
    assert "logo.png" not in page
    assert consent_view(prompt).asker.initial == "C"


def test_each_scope_is_described_in_plain_words(asked):
    """A sentence for each, none for what was not asked for, and the scope's name beside it."""
    permissions = consent_view(asked[1]).permissions.permissions
    assert [each.scope for each in permissions] == ["all.Application.bounded", "only.User.read"]
    assert all(each.sentence.startswith("See ") and each.sentence.endswith(".") for each in permissions)
    assert permissions[0].sentence != permissions[1].sentence


def test_the_page_has_one_selector_for_the_default_maximum_role(asked):
    """With every role, the least that can see something chosen, and what each role can do."""
    limit = consent_view(asked[1]).limit
    assert [each.value for each in limit.default.options] == ["none", "view", "collaborate", "edit", "admin"]
    assert [each.value for each in limit.default.options if each.selected] == ["view"]
    assert len(limit.roles) == 5
    assert all(role.description.endswith(".") for role in limit.roles)


def test_the_default_caps_every_organization_that_it_reaches(connect, may):
    """And the sandbox."""
    journey = connect(default="view")
    for application in ("rocket", "lamp", "toy"):
        assert may(journey, "device.get", application=application)
        assert not may(journey, "device.patch", application=application)


def test_the_page_has_an_override_for_each_organization_and_the_sandbox(asked):
    """With the user's own role and what comes out beside it."""
    places = consent_view(asked[1]).limit.places
    assert [place.field for place in places] == ["organization:acme", "organization:globex", "sandbox"]
    assert plain(places[1].result) == "In Globex you are Viewer; this app will act as Viewer."


def test_an_override_counts_in_place_of_the_default(connect, may):
    """Higher or lower."""
    journey = connect(default="view", organizations={"acme": "collaborate", "globex": "none"}, sandbox="edit")
    assert may(journey, "device.patch", application="rocket")
    assert not may(journey, "device.get", application="lamp")
    assert may(journey, "applications.post", organization="acme") is False
    assert may(journey, "device.patch", application="toy")


def test_it_never_exceeds_what_the_administrators_gave_the_user(connect, may):
    """Whatever cap the user chooses."""
    journey = connect(default="admin")
    assert may(journey, "device.get", application="lamp")
    assert not may(journey, "device.patch", application="lamp")


def test_it_is_reduced_along_with_its_user(connect, world, may):
    """At the next request; the cap stays as it was."""
    journey = connect(default="admin")
    assert may(journey, "device.patch", application="rocket")
    world.people.role("ann", "acme", "view")
    assert not may(journey, "device.patch", application="rocket")
    assert may(journey, "device.get", application="rocket")
    assert journey.token.settings.cap == RoleCap("admin")


def test_authorizing_hands_an_access_token_to_the_app(asked):
    """By a code that only the app can redeem. Our reading: it is short-lived, and renewed beneath the token."""
    journey, _ = asked
    journey.decide(default="view")
    assert isinstance(journey.redeem(), TokenReply)
    assert journey.access().client_name == "Claude"
    assert journey.reply["expires_in"] == 3600
    assert isinstance(journey.refresh(), TokenReply)


def test_what_was_chosen_can_be_changed_later(connect, world):
    """Default, organizations and applications, from the token's own page."""
    journey = connect(default="view", organizations={"acme": "edit"})
    cap = RoleCap("collaborate", {"globex": "none"}, "view", {"rocket": ApplicationCap("none", "acme")})
    world.server.recap("ann", journey.token_id, cap)
    assert journey.token.settings.cap == cap


def test_the_user_cannot_untick_a_scope(asked):
    """Our reading: scopes are granted as they were asked for, and caps narrow them; the form has no field for them."""
    journey, prompt = asked
    page = Pages("Acme").consent(prompt, action="/consent").decode()
    assert 'type="checkbox"' not in page
    journey.decide(default="view")
    assert journey.token.scopes == ("all.Application.bounded", "only.User.read")
