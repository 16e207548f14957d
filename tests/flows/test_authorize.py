"""The authorization request and its answer: AZ and RSP rows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import API, ISSUER, MCP, REDIRECT_URI, Journey, World, answered, form

from scopegate import Resource
from scopegate.flows.outcomes import ConsentPrompt, ErrorPage, Redirect, SignInFirst


def error_of(outcome):
    """The code of an error that is told to the client."""
    assert isinstance(outcome, Redirect), outcome
    return answered(outcome)["error"]


@pytest.fixture
def registered(journey):
    """A journey whose client is registered."""
    journey.register()
    return journey


# AZ rows


def test_client_and_redirect_are_judged_before_everything_else(registered):
    """AZ-1: what is wrong with them is a page; what is wrong with the rest is told to the client."""
    assert registered.authorize(client_id="nobody", scope="nonsense") == ErrorPage("unknown_client")
    assert registered.authorize(client_id=None) == ErrorPage("unknown_client")
    bad = registered.authorize(redirect_uri="https://evil.example/", scope="nonsense")
    assert bad == ErrorPage("bad_redirect_uri")
    assert error_of(registered.authorize(scope="nonsense")) == "invalid_scope"


@pytest.mark.parametrize(
    ("response_type", "code"),
    [
        (None, "invalid_request"),
        ("", "invalid_request"),
        ("token", "unsupported_response_type"),
        ("code token", "unsupported_response_type"),
        ("xcode", "unsupported_response_type"),
        ("codex", "unsupported_response_type"),
        ("Code", "unsupported_response_type"),
        ("none", "unsupported_response_type"),
    ],
)
def test_only_the_response_type_code_is_served(registered, response_type, code):
    """AZ-2: compared whole and exactly."""
    assert error_of(registered.authorize(response_type=response_type)) == code


@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post"])
def test_everybody_needs_a_challenge(world, method):
    """AZ-3: confidential clients too."""
    journey = Journey(world, method=method)
    journey.register()
    for challenge in (None, ""):
        assert error_of(journey.authorize(code_challenge=challenge)) == "invalid_request"


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge_method": "s256"},
        {"code_challenge_method": "S512"},
        {"code_challenge": "a" * 42},
        {"code_challenge": "a" * 44},
        {"code_challenge": "a" * 42 + "="},
        {"code_challenge": "a" * 42 + "+"},
        {"code_challenge": "a" * 42 + "\u00e9"},
        {"code_challenge": "a" * 43 + "\n"},
    ],
)
def test_only_s256_challenges_are_taken(registered, changes):
    """AZ-4: 43 characters of base64url and the method S256, said in so many words."""
    assert error_of(registered.authorize(**changes)) == "invalid_request"


STATES = [
    "x",
    "a+b&c%d=e f",
    "\u00fcn\u00ef \U0001f600",
    "%25+%2B",
    "+&%" * 700,
    "a=b#c?d",
    "\r\nX: y",
    "'\"<>\\",
]


@pytest.mark.parametrize("state", STATES)
def test_the_state_comes_back_unchanged(registered, state):
    """AZ-5: on success, on denial and on error."""
    assert answered(registered.authorize(state=state, scope="nonsense"))["state"] == state
    registered.authorize(state=state)
    assert answered(registered.decide("deny"))["state"] == state
    assert answered(registered.decide("approve"))["state"] == state


def test_no_state_gives_no_state(registered):
    """AZ-5: absent, or empty, it is left out."""
    for state in (None, ""):
        registered.authorize(state=state)
        assert set(answered(registered.decide())) == {"code", "iss"}


def test_no_scope_means_the_least_of_the_resource(registered):
    """AZ-6: what the resource names as worth asking for; unknown scopes are invalid_scope."""
    for resource, expected in (
        (None, ["all.Application.read"]),
        (MCP, ["only.Organization.read", "only.User.read"]),
    ):
        prompt = registered.authorize(scope=None, resource=resource)
        assert [sentence.scope for sentence in prompt.sentences] == expected
    assert error_of(registered.authorize(scope="all.Application.read offline_access")) == "invalid_scope"


@pytest.mark.parametrize(
    "scope",
    [
        "All.Application.read",
        "all.application.read",
        "all.Application.read,only.User.read",
        "all.Application.read\tonly.User.read",
        "all.Application.read\nonly.User.read",
        "all.Application.read\u00a0only.User.read",
        'all."Application".read',
        "all.Instance.read",
        "all.Application.",
        "*",
        "\U0001f600",
    ],
)
def test_scopes_are_exact(registered, scope):
    """AZ-7: case-sensitive, separated by spaces; anything else is invalid_scope, in clean ASCII."""
    outcome = registered.authorize(scope=scope)
    assert error_of(outcome) == "invalid_scope"
    description = answered(outcome)["error_description"]
    assert all(
        char in "\x20\x21" or "\x23" <= char <= "\x5b" or "\x5d" <= char <= "\x7e" for char in description
    )


def test_repeated_scopes_and_spaces_are_folded(registered):
    """AZ-7: each scope once, in the order asked."""
    prompt = registered.authorize(scope="  only.User.read  all.Application.read only.User.read ")
    assert [sentence.scope for sentence in prompt.sentences] == ["only.User.read", "all.Application.read"]


@pytest.mark.parametrize(
    "resource",
    [
        "https://elsewhere.example/api",
        API + "#part",
        API + "/",
        API + "/deeper",
        API + "?x=1",
        "/api",
        "acme.example/api",
        [API, "https://elsewhere.example/"],
        [API] * 11,
        "urn:x",
        "\u00e9",
    ],
)
def test_an_unknown_resource_is_an_invalid_target(registered, resource):
    """AZ-8: absolute, without fragment, one of ours, and not too many."""
    assert error_of(registered.authorize(resource=resource)) == "invalid_target"


def test_resources_may_repeat(registered):
    """AZ-8: several are granted together, each once."""
    prompt = registered.authorize(resource=[MCP, API, MCP])
    assert prompt.resources == (MCP, API)


def test_without_a_resource_the_default_is_meant(registered):
    """AZ-9: clients leave it out; the token works at the first resource."""
    assert registered.authorize().resources == (API,)
    registered.decide()
    registered.redeem()
    assert registered.access().user == "ann"


def test_a_resource_is_compared_without_case_of_scheme_and_host(registered, make_world):
    """AZ-10: nor with the slash of an empty path; the token holds it as configured."""
    assert registered.authorize(resource="HTTPS://Acme.Example/api").resources == (API,)
    assert error_of(registered.authorize(resource="https://acme.example/API")) == "invalid_target"
    for configured, asked in (
        ("https://h.example", "https://h.example/"),
        ("https://h.example/", "https://H.example"),
    ):
        world = make_world(resources=[Resource(configured, ["only.User.read"])])
        journey = Journey(world)
        journey.register()
        assert journey.authorize(resource=asked).resources == (configured,)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"scope": "nonsense"},
        {"response_type": "token"},
        {"code_challenge": None},
        {"resource": "https://x.example"},
        {"request": "x"},
        {"prompt": "none"},
        {"state": ["a", "b"]},
    ],
)
def test_nothing_goes_to_a_client_before_sign_in(registered, changes):
    """AZ-11: signed out, every request of a good client leads to the sign-in page of the host, and nowhere else."""
    assert registered.authorize(signed_in=None, **changes) == SignInFirst()


def test_signed_out_requests_of_bad_clients_are_pages(registered):
    """AZ-11: they do not even lead to the sign-in page."""
    assert registered.authorize(signed_in=None, client_id="x") == ErrorPage("unknown_client")
    bad = registered.authorize(signed_in=None, redirect_uri="https://evil.example/")
    assert bad == ErrorPage("bad_redirect_uri")


@pytest.mark.parametrize(
    "changes", [{"prompt": "consent"}, {"login_hint": "ann"}, {"prompt": "login consent"}]
)
def test_prompts_that_ask_for_what_happens_anyway_are_accepted(registered, changes):
    """AZ-12: both big client libraries send prompt=consent."""
    assert isinstance(registered.authorize(**changes), ConsentPrompt)


def test_prompt_none_is_told_that_the_user_must_be_asked(registered):
    """AZ-12: there is no silent consent."""
    assert error_of(registered.authorize(prompt="none")) == "consent_required"


def test_request_objects_are_refused(registered):
    """AZ-13: and nothing is fetched."""
    assert error_of(registered.authorize(request="ey")) == "request_not_supported"
    assert error_of(registered.authorize(request_uri="https://x.example")) == "request_uri_not_supported"


def test_looking_stores_nothing(registered, world):
    """AZ-14: a thousand link previews, and as many visits of signed-in people, leave no row."""
    before = len(world.events())
    for number in range(500):
        registered.authorize(signed_in=None)
        registered.authorize(state=f"{number}")
    assert world.server.tokens("ann").items == []
    assert len(world.events()) == before


@pytest.mark.parametrize("name", ["client_id", "redirect_uri"])
def test_a_repeated_client_or_redirect_is_a_page(registered, name):
    """GEN-4: it is not clear whom to tell."""
    values = [registered.query()[name], "https://evil.example/"]
    for pair in (values, values[::-1]):
        assert registered.authorize(**{name: pair}) == ErrorPage("repeated_parameter")


@pytest.mark.parametrize(
    "name", ["state", "scope", "code_challenge", "response_type", "code_challenge_method"]
)
def test_other_repeated_parameters_are_told(registered, name):
    """GEN-4: invalid_request; a repeated state is not sent back."""
    outcome = registered.authorize(**{name: ["a", "b"]})
    assert error_of(outcome) == "invalid_request"
    if name == "state":
        assert "state" not in answered(outcome)


def test_unknown_parameters_are_ignored(registered):
    """GEN-3: foo=1 changes nothing."""
    assert isinstance(registered.authorize(foo="1", audience="x"), ConsentPrompt)


# RSP rows


def test_a_success_has_code_state_and_issuer_once_each(registered):
    """RSP-1: in the query, and nothing else."""
    parameters = answered(registered.approve())
    assert set(parameters) == {"code", "state", "iss"}
    assert registered.code.startswith("sgc_")


@pytest.mark.parametrize("issuer", [ISSUER, "https://acme.example/tenant/A%20b", "http://127.0.0.1:8000"])
def test_the_issuer_is_told_byte_for_byte(make_world, issuer):
    """RSP-2: on success, denial and error, as in the metadata."""
    journey = Journey(make_world(issuer=issuer))
    journey.register()
    assert answered(journey.authorize(scope="nonsense"))["iss"] == issuer
    journey.authorize()
    assert answered(journey.decide("deny"))["iss"] == issuer
    assert answered(journey.decide("approve"))["iss"] == issuer


@pytest.mark.parametrize("mode", ["fragment", "form_post", "web_message", "query.jwt"])
def test_other_response_modes_are_refused(registered, mode):
    """RSP-4: only the query is served, and the refusal comes in it."""
    outcome = registered.authorize(response_mode=mode)
    assert error_of(outcome) == "invalid_request"
    assert "#" not in outcome.location
    assert isinstance(registered.authorize(response_mode="query"), ConsentPrompt)


def test_an_error_never_carries_a_code(registered):
    """RSP-4: it is one or the other, and the code of the error is a listed one."""
    for changes in ({"scope": "x"}, {"response_type": "x"}, {"resource": "x"}, {"code_challenge": "x"}):
        parameters = answered(registered.authorize(**changes))
        assert "code" not in parameters
        assert parameters["error"] in {
            "invalid_request",
            "invalid_scope",
            "invalid_target",
            "unsupported_response_type",
        }
    registered.authorize()
    assert set(answered(registered.decide("deny"))) == {"error", "error_description", "state", "iss"}


def test_an_answer_holds_nothing_of_the_user(registered):
    """RSP-5: no challenge, no name, no cap."""
    location = registered.approve().location
    for word in ("ann", "Ann", registered.query()["code_challenge"], registered.verifier, "editor"):
        assert word not in location


def test_a_user_without_account_cannot_approve(registered, world):
    """AZ-11: who is signed in but unknown to the directory, or disabled, is told so on a page of ours."""
    world.people.disabled.add("ann")
    assert registered.authorize() == ErrorPage("sign_in_required", 403)
    world.people.places.pop("ann")
    assert registered.authorize() == ErrorPage("sign_in_required", 403)


NAMES = st.sampled_from([
    "client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method",
    "resource", "prompt", "response_mode", "request", "request_uri", "x",
])  # fmt: skip


@given(
    st.dictionaries(NAMES, st.none() | st.text(max_size=50) | st.lists(st.text(max_size=9), max_size=3)),
    st.booleans(),
)
def test_no_query_breaks_the_endpoint(changes, signed_in):
    """Whatever is sent, there is one of four answers, and a redirect goes to the registered URI."""
    with World() as world:
        journey = Journey(world)
        journey.register()
        who = journey.signed_in if signed_in else None
        outcome = world.server.authorize(form(journey.query(**changes)), who)
        assert isinstance(outcome, ErrorPage | SignInFirst | ConsentPrompt | Redirect)
        if isinstance(outcome, Redirect):
            assert signed_in
            assert outcome.location.startswith(REDIRECT_URI + "?")
            assert outcome.location.isascii()
            assert outcome.location.isprintable()
