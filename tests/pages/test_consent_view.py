"""What the consent page says, before anything is drawn."""

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from page_samples import (
    CATALOGUE,
    PLACES,
    client,
    evaluator,
    loopback,
    mistaken,
    overridden,
    private_scheme,
    prompt,
    registered,
)

from scopegate.core.caps import ApplicationCap, RoleCap
from scopegate.core.clients import Origin
from scopegate.core.permissions import proposed
from scopegate.core.redirects import match
from scopegate.core.roles import Role, RoleLadder
from scopegate.core.sentences import describe
from scopegate.core.standing import SANDBOX, Membership, Standing
from scopegate.profiles import DAY, HOUR, MINUTE, YEAR
from scopegate.web.consent_view import consent_document, consent_view, is_safe_link
from scopegate.web.wording import Wording, plain

LADDER = CATALOGUE.roles
NAMES = [role.name for role in LADDER.roles]
LABELS = [role.label for role in LADDER.roles]
ROLES = st.sampled_from([*NAMES, "retired"])
IDS = ["a", "b", "c"]
CAPS = st.builds(RoleCap, ROLES, st.dictionaries(st.sampled_from(IDS), ROLES), st.none() | ROLES, st.just({}))
MEMBERSHIPS = st.lists(
    st.builds(Membership, st.sampled_from([*IDS, SANDBOX]), st.sampled_from(["Northwind", ""]), ROLES),
    max_size=4,
    unique_by=lambda place: str(place.organization),
)


def ranks(cap, standing, *, lower_only):
    """The rank that the evaluator gives."""
    return evaluator(lower_only=lower_only).rank(proposed(cap, "c_1"), standing)


@given(CAPS, MEMBERSHIPS, st.booleans())
def test_the_page_shows_for_every_place_the_role_that_the_rule_gives(cap, places, lower_only):
    """C30: what is printed is min(live role, cap), by the same rule that later decides."""
    view = consent_view(prompt(cap=cap, places=tuple(places), lower_only=lower_only))
    assert len(view.limit.places) == len(places)
    for place, shown in zip(places, view.limit.places, strict=True):
        rank = ranks(cap, place.standing(), lower_only=lower_only)
        assert shown.role == LABELS[rank]
        assert shown.own == LADDER[place.role].label
        assert rank <= LADDER.rank(place.role)
        assert (LABELS[rank] if rank else "no") in plain(shown.result)


@given(CAPS, MEMBERSHIPS)
def test_the_reach_counts_every_place_once(cap, places):
    """C22: the one-line summary agrees with the places beneath it."""
    view = consent_view(prompt(cap=cap, places=tuple(places)))
    for role, number in Counter(each.role for each in view.limit.places).items():
        assert f"{role} in {number} place" in view.limit.reach


@given(CAPS, MEMBERSHIPS, st.booleans())
def test_the_page_never_denies_a_role_that_the_app_could_get(cap, places, lower_only):
    """C23: a role in the list of what it cannot do is out of reach at every place."""
    asked = prompt(cap=cap, places=tuple(places), lower_only=lower_only)
    denied = " ".join(text for text in consent_view(asked).permissions.nots if text.startswith("Act as"))
    for place in places:
        for role in NAMES[1:]:
            rank = ranks(cap, Standing(place.owner, role), lower_only=lower_only)
            assert not rank or LABELS[rank] not in denied


@given(CAPS, MEMBERSHIPS)
def test_the_selects_say_what_is_chosen(cap, places):
    """E03: what came from the form goes back into it; an unknown role is never shown as another one."""
    limit = consent_view(prompt(cap=cap, places=tuple(places))).limit
    for place, shown in zip(places, limit.places, strict=True):
        own = cap.sandbox if place.organization is SANDBOX else cap.organizations.get(place.organization)
        assert [option.value for option in shown.options] == ["", *NAMES]
        assert [option.value for option in shown.options if option.selected] == (
            [""] if own is None else [own] if own in NAMES else []
        )
        assert shown.field == (
            "sandbox" if place.organization is SANDBOX else f"organization:{place.organization}"
        )
    assert [option.value for option in limit.default.options] == NAMES
    assert [option.value for option in limit.default.options if option.selected] == (
        [cap.default] if cap.default in NAMES else []
    )


@given(CAPS, MEMBERSHIPS)
def test_the_same_data_is_there_as_json(cap, places):
    """A02: a host that draws its own page gets everything that ours says."""
    asked = prompt(cap=cap, places=tuple(places))
    written = json.dumps(consent_document(asked))
    document = json.loads(written)
    assert json.dumps(document) == written
    assert document["transaction"] == asked.transaction
    assert [place["role"] for place in document["limit"]["places"]] == [
        place.role for place in consent_view(asked).limit.places
    ]


def test_the_heading_is_a_sentence_with_both_names():
    """C01: who wants to use what."""
    frame = consent_view(prompt()).frame
    assert plain(frame.heading) == "Allow Claude to use your Acme IoT account?"
    assert frame.title == plain(frame.heading)


def test_a_client_without_a_visible_name_is_called_so():
    """C10: an empty name is no way to hide."""
    view = consent_view(prompt(asks=client(name="\u200b\u202e")))
    assert plain(view.frame.heading) == "Allow An app without a name to use your Acme IoT account?"


@pytest.mark.parametrize(
    ("origin", "owner", "publisher"),
    [
        (Origin.SELF_REGISTERED, None, "Unverified app, registered itself. Not made by Acme IoT."),
        (Origin.REGISTERED, None, "Registered by Acme IoT."),
        (Origin.REGISTERED, "u1", "Registered by a user of Acme IoT. Not made by Acme IoT."),
    ],
)
def test_the_publisher_line_says_how_far_the_name_can_be_believed(origin, owner, publisher):
    """C02, C14, CON-10: a famous name on a stranger's app does not look verified."""
    assert consent_view(prompt(asks=client(origin=origin, owner=owner))).asker.publisher == publisher


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("https://claude.ai/cb", "claude.ai"),
        ("https://claude.ai:8443/cb?x=1", "claude.ai:8443"),
        ("https://xn--bcher-kva.example/cb", "xn--bcher-kva.example"),
        ("http://127.0.0.1:33418/cb", "a program on this device (127.0.0.1)"),
        ("http://[::1]:1/cb", "a program on this device (::1)"),
        ("http://localhost/cb", "a program on this device (localhost)"),
        ("cursor://anysphere.cursor-mcp/cb", "the app that opens cursor: links on this device"),
        ("com.example.app:/cb", "the app that opens com.example.app: links on this device"),
    ],
)
def test_the_page_says_in_words_where_one_returns_to(uri, place):
    """C03, C04: three kinds of places, and the whole address beneath."""
    asker = consent_view(prompt(redirect=match((uri,), uri))).asker
    assert plain(asker.returns) == place
    assert asker.address == uri


def test_there_is_a_warning_for_a_program_on_this_device_only():
    """C05, C06, CON-10: a web host is told apart by its name, a local program is not."""
    assert consent_view(prompt()).warning == ()
    assert consent_view(registered()).warning == ()
    assert plain(consent_view(loopback()).warning).startswith(
        "Any program on this device can call itself Claude."
    )
    assert plain(consent_view(private_scheme()).warning).startswith(
        "Any program on this device can call itself"
    )


def test_the_strongest_role_is_named_once_it_would_be_used():
    """C35: a choice of the top role, where the user has it, says so in the place of the one warning."""
    powerful = prompt(cap=RoleCap("admin"))
    assert (
        plain(consent_view(powerful).warning) == "With this choice, Claude will act as Administrator for you."
    )
    assert "call itself" in plain(consent_view(loopback(cap=RoleCap("admin"))).warning)
    assert consent_view(prompt(cap=RoleCap("admin"), places=(PLACES[1],))).warning == ()


def test_the_only_role_there_is_needs_no_warning():
    """C35: where there is one role, choosing it says nothing."""
    ladder = RoleLadder.of(["member"])
    places = (Membership("a", "Northwind", "member"),)
    assert consent_view(prompt(roles=ladder, cap=RoleCap("member"), places=places)).warning == ()


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "http://claude.ai/",
        "//claude.ai/",
        "https:",
        "https:///path",
        "https://user@claude.ai/",
        "https://acme.example\\@evil.example/",
        "https://claude.ai/ x",
        "https://claude.ai/\n",
        "\x01https://claude.ai/",
        "https://b\u00fccher.example/",
        "https://[::1/",
        "",
    ],
)
def test_only_a_plain_https_address_becomes_a_link(url):
    """C09: anything else is left out."""
    assert not is_safe_link(url)
    assert consent_view(prompt(asks=client(homepage=url, terms=url, privacy=url))).asker.links == ()


def test_the_registered_addresses_become_links():
    """C09: home page, terms and privacy."""
    assert [(link.text, link.url) for link in consent_view(prompt()).asker.links] == [
        ("Home page", "https://claude.ai/"),
        ("Terms", "https://claude.ai/terms"),
        ("Privacy", "https://claude.ai/privacy"),
    ]


def test_each_scope_is_a_sentence_with_a_tag_and_its_name():
    """C20: words first, the name of the scope last."""
    shown = consent_view(
        prompt(scopes=("only.User.read", "all.Organization.bounded"))
    ).permissions.permissions
    assert [each.scope for each in shown] == ["only.User.read", "all.Organization.bounded"]
    assert [each.tag for each in shown] == ["Read", "Read and write"]
    assert [each.strong for each in shown] == [False, True]
    assert [each.sentence for each in shown] == [describe(CATALOGUE, each.scope).text for each in shown]


@pytest.mark.parametrize(
    ("scopes", "summary", "never"),
    [
        (("only.User.read",), "It can look, but not change anything.", "Change anything"),
        (
            ("only.User.read", "all.Application.bounded"),
            "It can look at things and change them, as far as its role below allows.",
            "Manage members, credentials or other sensitive settings",
        ),
    ],
)
def test_what_it_cannot_do_follows_the_strongest_scope(scopes, summary, never):
    """C22, C23: the summary and the list agree with the sentences."""
    permissions = consent_view(prompt(scopes=scopes)).permissions
    assert permissions.summary == summary
    assert permissions.nots[0] == never


def test_full_access_is_called_so():
    """C22, C23: a scope that covers everything leaves nothing out by its class."""
    catalogue_scope = "all.Organization"
    sentence = describe(
        CATALOGUE.__class__(CATALOGUE.roles, CATALOGUE.levels, CATALOGUE.least_roles, (catalogue_scope,)),
        catalogue_scope,
    )
    permissions = consent_view(prompt(sentences=(sentence,))).permissions
    assert permissions.summary == "It can do everything there, as far as its role below allows."
    assert permissions.permissions[0].tag == "Full access"
    assert permissions.nots[0] == "Act as Collaborator / Editor / Administrator anywhere"


def test_what_it_cannot_do_follows_the_chosen_role():
    """C23: with overrides, the highest of them counts."""
    assert "Act as Administrator anywhere" in consent_view(overridden()).permissions.nots
    assert (
        "Act as Collaborator / Editor / Administrator anywhere"
        in consent_view(overridden(lower_only=True)).permissions.nots
    )
    nothing = consent_view(prompt(cap=RoleCap("none"))).permissions.nots
    assert "Do anything in your organizations, because its role is No access" in nothing
    single = RoleCap("none", applications={"app": ApplicationCap("edit", "northwind")})
    assert "Act as Administrator anywhere" in consent_view(prompt(cap=single)).permissions.nots
    assert not [
        each for each in consent_view(prompt(cap=RoleCap("admin"))).permissions.nots if "Act as" in each
    ]


def test_every_role_says_what_it_can_do():
    """C27: the ladder's own descriptions."""
    lines = consent_view(prompt()).limit.roles
    assert [(line.label, line.description) for line in lines] == [
        (role.label, role.description) for role in LADDER.roles
    ]


def test_a_role_without_a_label_or_description_is_still_named():
    """C27: a host that gives only names gets readable options."""
    ladder = RoleLadder((Role("none"), Role("super_user")))
    limit = consent_view(prompt(roles=ladder, cap=RoleCap("super_user"), places=())).limit
    assert [option.label for option in limit.default.options] == ["None", "Super user"]
    assert limit.roles == ()


def test_the_hint_covers_organizations_joined_later():
    """C28: no surprise afterwards."""
    hint = consent_view(prompt()).limit.hint
    assert "also in those that you join later" in hint
    assert "can never exceed your own role" in hint


def test_a_place_can_follow_the_default_or_be_closed():
    """C29: the first option follows the default, the second is no access."""
    for place in consent_view(prompt()).limit.places:
        assert [option.label for option in place.options[:2]] == ["Use the default (Viewer)", "No access"]


def test_the_places_are_counted_and_open_once_one_is_set():
    """C29: closed at first, open when it matters."""
    assert consent_view(prompt()).limit.places_summary == "Choose place by place (3 places)"
    assert not consent_view(prompt()).limit.open
    assert consent_view(overridden()).limit.places_summary == "Choose place by place (3 places, 3 set)"
    assert consent_view(overridden()).limit.open
    assert consent_view(prompt(errors=(("sandbox", "choose one of the roles"),))).limit.open
    assert not consent_view(prompt(errors=(("default", "choose one of the roles"),))).limit.open


def test_the_result_of_a_place_is_said_in_words():
    """C30: the three kinds of results."""
    results = [plain(place.result) for place in consent_view(overridden()).limit.places]
    assert results == [
        "In Northwind you are Administrator; this app will act as Editor.",
        "In Contoso Labs you are Viewer; this app will act as Viewer.",
        "In Your sandbox you are Administrator; this app will have no access.",
    ]
    (stranger,) = consent_view(prompt(places=(Membership("x", "Fabrikam"),))).limit.places
    assert plain(stranger.result) == "In Fabrikam you have no access yourself, so this app has none."


def test_places_that_do_not_fit_are_mentioned():
    """C31, in part: what is not listed follows the default, and the page says so."""
    assert consent_view(prompt()).limit.more == ""
    assert "follow the maximum role above" in consent_view(prompt(more_places=True)).limit.more


def test_a_profile_that_only_lowers_says_so():
    """C29: the hint tells which of the two rules holds."""
    assert (
        consent_view(prompt()).limit.places_hint == "A choice here counts instead of the maximum role above."
    )
    assert "can only be lower" in consent_view(prompt(lower_only=True)).limit.places_hint


def test_the_lifetime_is_said():
    """C34: until it is removed, or until a day."""
    endless, ends = consent_view(prompt()).ending, consent_view(overridden()).ending
    assert (endless.lifetime, endless.lifetime_day) == ("This access lasts until you remove it.", "")
    assert (ends.lifetime, ends.lifetime_day) == ("This access ends on 1 March 2027.", "2027-03-01")


def test_the_lives_on_offer_are_in_words_and_in_order():
    """Beside the longest, which is told as what it is; the choice so far is marked."""
    choice = consent_view(prompt(lifetimes=(YEAR, DAY, 90 * MINUTE), lifetime=DAY)).ending.choice
    assert [(each.value, each.label, each.selected) for each in choice.options] == [
        ("5400", "90 minutes", False),
        ("86400", "1 day", True),
        ("31536000", "1 year", False),
        ("", "Until you remove it", False),
    ]
    limited = consent_view(prompt(lifetimes=(HOUR,), longest=2 * YEAR)).ending.choice
    assert [(each.label, each.selected) for each in limited.options] == [("1 hour", False), ("2 years", True)]
    assert consent_view(prompt()).ending.choice is None


@pytest.mark.parametrize(
    ("existing", "said"),
    [
        (0, "First time you connect this app."),
        (1, "You already have 1 token for it."),
        (2, "You already have 2 tokens for it."),
    ],
)
def test_existing_tokens_are_counted(existing, said):
    """C15: a second connection is no surprise."""
    assert consent_view(prompt(existing=existing)).ending.existing == said


def test_mistakes_lead_to_their_fields():
    """E03: a summary whose links reach the fields, and a title that says Error."""
    view = consent_view(mistaken())
    assert view.frame.title == "Error: Allow Claude to use your Acme IoT account?"
    assert [(each.id, each.text) for each in view.errors] == [
        ("default", "Maximum role: choose one of the roles"),
        ("p1", "Northwind: choose one of the roles"),
        ("lifetime", "How long: choose one of those on the page"),
    ]
    assert view.ending.choice.error == "choose one of those on the page"
    assert view.limit.default.error == view.limit.places[0].error == "choose one of the roles"
    assert view.limit.places[1].error == ""


def test_a_mistake_in_a_place_that_is_not_shown_leads_to_the_default():
    """E03: a problem is never lost, even if its field is not on the page."""
    view = consent_view(prompt(errors=(("organizations[gone]", "choose one of the roles"),)))
    assert [(each.id, each.text) for each in view.errors] == [
        ("default", "organizations[gone]: choose one of the roles")
    ]


def test_another_language_reaches_every_sentence():
    """X10, X11: no text of ours is glued together outside a translatable sentence."""
    pseudo = Wording(
        "en-XA", "rtl", lambda text: f"\u27e6{text}\u27e7", lambda one, many, _: f"\u27e6{one}{many}\u27e7"
    )
    untouched = {
        "en-XA", "rtl", "Acme IoT", "Claude", "C", "Ada Lovelace (ada@example.com)", "https://acme.example/mcp", "",
        "https://claude.ai/api/mcp/auth_callback?kind=mcp", "https://claude.ai/", "https://claude.ai/terms",
        "https://claude.ai/privacy", "default", "sandbox", "p1", "p2", "p3", "organization:northwind", "claude.ai",
        "lifetime", "86400", "2592000", "choose one of those on the page", "organization:contoso", *NAMES, *LABELS,
        *(place.label for place in PLACES), "2027-03-01",
        "c2VhbGVkLXRyYW5zYWN0aW9u", "all.Application.bounded", "only.User.read", "choose one of the roles",
    }  # fmt: skip
    for asked in (prompt(), overridden(), mistaken(), loopback(more_places=True)):
        for text in strings(consent_document(asked, wording=pseudo)):
            assert "\u27e6" in text or text in untouched | {asked.redirect.uri, "127.0.0.1"}, text


def strings(value):
    """Every text in a document, the pieces of a sentence put together."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple) and value and isinstance(value[0], dict) and "isolate" in value[0]:
        yield "".join(piece["text"] for piece in value)
    elif isinstance(value, dict | tuple):
        for each in value.values() if isinstance(value, dict) else value:
            yield from strings(each)
