"""Registration by clients: DCR rows and CLI-2, CLI-4."""

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.support import Journey, World

from scopegate.flows.outcomes import ConsentPrompt, ErrorPage, OAuthFailure, Registered, TokenReply
from scopegate.flows.register import MAXIMUM_REDIRECT_URIS, RegistrationRequest, clean
from scopegate.profiles import DAY, DEFAULT

URI = "https://client.example/callback"


@pytest.fixture
def register(world):
    """Register a client with more members than a redirection URI."""

    def ask(**members):
        return world.server.register(RegistrationRequest({"redirect_uris": [URI]} | members))

    return ask


def refused(outcome, code="invalid_client_metadata"):
    """Whether an outcome is that error, as a 400."""
    return isinstance(outcome, OAuthFailure) and (outcome.code, outcome.status) == (code, 400)


def test_a_registration_is_echoed_as_stored(register):
    """DCR-1: everything that is kept, and nothing that is not: neither a scope nor what nobody knows."""
    document = register(
        client_name="Claude",
        token_endpoint_auth_method="none",
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        scope="only.User.read all.Application.read",
        application_type="web",
        client_uri="https://claude.ai",
        tos_uri="https://claude.ai/terms",
        policy_uri="https://claude.ai/privacy",
        logo_uri="https://claude.ai/logo.png",
        software_id="x",
        contacts=["a@example.com"],
    ).document
    issued = document.pop("client_id_issued_at")
    assert isinstance(issued, int)
    assert len(document.pop("client_id")) == 32
    assert document == {
        "client_name": "Claude",
        "redirect_uris": [URI],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "application_type": "web",
        "client_uri": "https://claude.ai",
        "tos_uri": "https://claude.ai/terms",
        "policy_uri": "https://claude.ai/privacy",
        "logo_uri": "https://claude.ai/logo.png",
    }


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_secret_methods_get_a_secret_that_does_not_expire(register, method):
    """DCR-1: with client_secret_expires_at 0, and its digest alone is stored (CLI-5)."""
    outcome = register(token_endpoint_auth_method=method)
    secret = outcome.document["client_secret"]
    assert secret.startswith("sgs_")
    assert len(secret) == 4 + 43
    assert outcome.document["client_secret_expires_at"] == 0
    (kept,) = outcome.client.secrets
    assert (kept.expires_at, len(kept.digest)) == (None, 32)
    assert secret.encode() not in kept.digest


def test_public_clients_get_none(register):
    """DCR-1: neither secret nor its expiry."""
    document = register(token_endpoint_auth_method="none").document
    assert not {"client_secret", "client_secret_expires_at"} & set(document)


def test_defaults_are_applied_and_told(register):
    """DCR-2: Basic, both grants, code; empty addresses and unknown members do not matter."""
    document = register(logo_uri="", client_uri="", tos_uri="", nonsense=[1], client_name="").document
    assert document["token_endpoint_auth_method"] == "client_secret_basic"
    assert document["grant_types"] == ["authorization_code", "refresh_token"]
    assert document["response_types"] == ["code"]
    assert document["client_name"] == "client.example"
    assert not {"logo_uri", "client_uri", "tos_uri", "nonsense", "scope"} & set(document)


@pytest.mark.parametrize("document", [None, [], "x", 3, True])
def test_only_an_object_registers(world, document):
    """DCR-3: anything else is invalid_client_metadata."""
    assert refused(world.server.register(RegistrationRequest(document)))


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"redirect_uris": None}, "invalid_redirect_uri"),
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": URI}, "invalid_redirect_uri"),
        ({"redirect_uris": [URI, 3]}, "invalid_redirect_uri"),
        ({"redirect_uris": [f"{URI}{number}" for number in range(26)]}, "invalid_redirect_uri"),
        ({"redirect_uris": ["javascript:alert(1)"]}, "invalid_redirect_uri"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": 3}, "invalid_client_metadata"),
        ({"client_name": 3}, "invalid_client_metadata"),
        ({"client_name": "x" * 256}, "invalid_client_metadata"),
        ({"client_name": "x" * 3000}, "invalid_client_metadata"),
        ({"application_type": "service"}, "invalid_client_metadata"),
        ({"client_uri": "javascript:alert(1)"}, "invalid_client_metadata"),
        ({"logo_uri": "data:image/png;base64,x"}, "invalid_client_metadata"),
        ({"tos_uri": "/terms"}, "invalid_client_metadata"),
        ({"policy_uri": "https://[::1"}, "invalid_client_metadata"),
        ({"policy_uri": "https://a.example/ x"}, "invalid_client_metadata"),
        ({"policy_uri": "https://a.example/\u202e"}, "invalid_client_metadata"),
        ({"software_statement": "ey"}, "unapproved_software_statement"),
    ],
)
def test_each_cause_has_its_error(register, members, code):
    """DCR-3: the codes of RFC 7591 section 3.2.2, with words for the developer."""
    outcome = register(**members)
    assert refused(outcome, code)
    assert outcome.description


@pytest.mark.parametrize(
    ("members", "grants"),
    [
        ({"grant_types": ["authorization_code"]}, ["authorization_code"]),
        ({"grant_types": ["refresh_token", "authorization_code"]}, ["authorization_code", "refresh_token"]),
        ({"grant_types": ["authorization_code", "urn:x"]}, ["authorization_code"]),
        ({"grant_types": ["refresh_token"]}, None),
        ({"grant_types": ["authorization_code", "implicit"]}, None),
        ({"grant_types": ["authorization_code", "password"]}, None),
        ({"grant_types": ["client_credentials"]}, None),
        ({"grant_types": "authorization_code"}, None),
        ({"response_types": ["token"]}, None),
        ({"response_types": ["code", "token"]}, None),
        ({"response_types": ["code"], "grant_types": []}, ["authorization_code", "refresh_token"]),
    ],
)
def test_grants_and_response_types_are_consistent(register, members, grants):
    """DCR-4: refresh_token is kept, implicit and password are refused, unknown grants left out and told so."""
    outcome = register(**members)
    if grants is None:
        assert refused(outcome)
    else:
        assert outcome.document["grant_types"] == grants


@pytest.mark.parametrize(
    ("uris", "asked", "kind"),
    [
        (["http://127.0.0.1:1/cb"], None, "native"),
        (["http://localhost/cb"], None, "native"),
        (["com.example.app:/cb"], None, "native"),
        ([URI], None, "web"),
        ([URI, "http://127.0.0.1/cb"], None, "native"),
        ([URI], "native", "native"),
        (["http://127.0.0.1/cb"], "native", "native"),
    ],
)
def test_the_application_type_is_honoured_or_inferred(register, uris, asked, kind):
    """DCR-5: without one, loopback http is no reason to refuse."""
    members = {"redirect_uris": uris} | ({"application_type": asked} if asked else {})
    assert register(**members).document["application_type"] == kind


def test_a_web_application_needs_https(register):
    """DCR-5: what says web and means loopback is told so."""
    assert refused(
        register(application_type="web", redirect_uris=["http://127.0.0.1/cb"]), "invalid_redirect_uri"
    )


def test_private_schemes_without_a_dot_are_the_operators_choice(make_world):
    """DCR-6: cursor by default; a list of one's own replaces it."""
    document = {"redirect_uris": ["cursor://x/cb"]}
    assert isinstance(make_world().server.register(RegistrationRequest(document)), Registered)
    closed = make_world(private_schemes=["mine"])
    assert refused(closed.server.register(RegistrationRequest(document)), "invalid_redirect_uri")
    mine = {"redirect_uris": ["mine://x/cb"]}
    assert isinstance(closed.server.register(RegistrationRequest(mine)), Registered)


@pytest.mark.parametrize(
    ("authorization", "good"),
    [
        (None, False),
        ("", False),
        ("Bearer wrong", False),
        ("Basic invite", False),
        ("invite", False),
        ("Bearer invite", True),
        ("bearer second", True),
    ],
)
def test_registration_can_need_an_initial_access_token(make_world, authorization, good):
    """DCR-7: 401 invalid_token without one of them."""
    world = make_world(initial_access_tokens=["invite", "second"])
    outcome = world.server.register(RegistrationRequest({"redirect_uris": [URI]}, authorization))
    if good:
        assert isinstance(outcome, Registered)
    else:
        assert (outcome.code, outcome.status) == ("invalid_token", 401)
    assert "invite" not in repr(world.configuration)


def test_keys_by_value_and_by_reference_are_refused(register):
    """DCR-8: not both."""
    assert refused(register(jwks={"keys": []}, jwks_uri="https://a.example/jwks"))
    assert isinstance(register(jwks_uri="https://a.example/jwks"), Registered)


def test_ids_are_ours(register):
    """CLI-2: never chosen by the client, never an address, each fresh."""
    outcomes = [register(client_id="ann", client_id_issued_at=3) for _ in range(3)]
    ids = {outcome.client.id for outcome in outcomes}
    assert len(ids) == 3
    assert all(len(each) == 32 and int(each, 16) for each in ids)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("  Claude \n Desktop ", "Claude Desktop"),
        ("Cla\u202eude", "Claude"),
        ("\u2066Cla\u200bude\u2069\ufeff", "Claude"),
        ("a\x00b\x1b[31m", "a b [31m"),
        ("line\u2028one\u2029two", "line one two"),
        ("Cafe\u0301", "Caf\u00e9"),
        ("\ud800x", "x"),
        ("<script>", "<script>"),
        ("\u00a0\u3000", ""),
    ],
)
def test_names_are_cleaned(sent, shown):
    """CLI-4: one line, nothing invisible, nothing that turns text around; escaping is the page's."""
    assert clean(sent) == shown


def test_a_name_of_nothing_visible_becomes_the_host(register):
    """CLI-4: the user always reads something."""
    assert register(client_name="\u200b\u202e").client.name == "client.example"
    assert (
        register(client_name=" ", redirect_uris=["com.example.app:/cb"]).client.name == "Unnamed application"
    )


@pytest.mark.parametrize("scope", ["only.User.read", "openid offline_access", ["only.User.read"], ""])
def test_the_scope_of_a_registration_is_no_limit(world, register, scope):
    """DCR-2: libraries register with the scopes of their first request, and ask for more when they need it."""
    outcome = register(scope=scope, token_endpoint_auth_method="none")
    assert outcome.client.scopes is None
    journey = Journey(world)
    journey.client_id = outcome.client.id
    assert isinstance(journey.authorize(redirect_uri=URI, scope="all.Application.read"), ConsentPrompt)


def test_the_limit_of_redirect_uris_can_be_reached(register):
    """DCR-3: as many as are allowed are allowed; duplicates count once."""
    uris = [f"{URI}{number}" for number in range(MAXIMUM_REDIRECT_URIS)]
    assert register(redirect_uris=[*uris, uris[0]]).client.redirect_uris == tuple(uris)


def test_a_registration_is_in_the_history(world, register):
    """OPS-8: that a client registered itself."""
    client = register().client
    (event,) = world.events()
    assert (event.kind, event.client_id, event.detail) == (
        "client.registered",
        client.id,
        {"origin": "self_registered"},
    )


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=20)
    | st.sampled_from([URI, "code", "none", "native"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
MEMBERS = st.sampled_from([
    "redirect_uris", "client_name", "token_endpoint_auth_method", "grant_types", "response_types", "scope",
    "application_type", "client_uri", "logo_uri", "tos_uri", "policy_uri", "jwks", "jwks_uri", "software_statement",
])  # fmt: skip


@given(st.dictionaries(MEMBERS, JSON), st.booleans())
def test_no_document_breaks_the_endpoint(members, good_uri):
    """DCR-3: whatever JSON is sent, it is a registration or an error of RFC 7591."""
    members = members | ({"redirect_uris": [URI]} if good_uri else {})
    with World() as world:
        outcome = world.server.register(RegistrationRequest(members))
        assert isinstance(outcome, Registered) or (
            outcome.status == 400
            and outcome.code
            in {"invalid_redirect_uri", "invalid_client_metadata", "unapproved_software_statement"}
        )


def swept(world, seconds=0.0):
    """Let time pass, sweep, and say which clients are left."""
    world.clock.forward(seconds)
    world.server.sweep()
    page = world.store.clients(world.realm, owner=None, after=None, limit=1000)
    return {client.id for client in page.items}


def test_an_idle_registration_goes_after_its_time(world):
    """DCR-7: ninety days after a sweep noticed that nobody has a token of it; then the client registers again."""
    journey = Journey(world)
    journey.register()
    ours = world.server.add_client("Ours", [URI]).client.id
    assert swept(world) == {journey.client_id, ours}
    assert swept(world, 90 * DAY - 1) == {journey.client_id, ours}
    assert isinstance(journey.authorize(), ConsentPrompt)
    assert swept(world, 1) == {ours}
    assert journey.authorize() == ErrorPage("unknown_client")
    assert journey.connect().access().user == "ann"


def test_a_registration_that_a_token_refers_to_stays(connected, world):
    """DCR-7: however old, also while the token is paused; a deleted one leaves it its time, to come again."""
    world.server.pause("ann", connected.token_id)
    assert swept(world, 1000 * DAY) == swept(world, 1000 * DAY) == {connected.client_id}
    connected.revoke(connected.refresh_token)
    assert swept(world, 1000 * DAY) == {connected.client_id}
    world.server.delete("ann", connected.token_id)
    assert swept(world) == swept(world, 89 * DAY) == {connected.client_id}
    connected.approve()
    assert isinstance(connected.redeem(), TokenReply)
    assert swept(world, DAY) == swept(world, 90 * DAY) == {connected.client_id}
    world.server.delete("ann", connected.token_id)
    swept(world)
    assert swept(world, 90 * DAY) == set()


def test_an_approval_that_is_never_redeemed_keeps_no_registration(world):
    """DCR-7, CODE-9: it is gone after a day, and the registration ninety days after that was noticed."""
    journey = Journey(world)
    journey.register()
    journey.approve()
    assert swept(world, DAY) == swept(world) == swept(world, 89 * DAY) == {journey.client_id}
    assert swept(world, DAY) == set()


def test_a_profile_may_keep_registrations_forever(make_world):
    """DCR-7: where the operator wants it so."""
    world = make_world(profile=evolve(DEFAULT, idle_registration=None))
    journey = Journey(world)
    journey.register()
    assert swept(world) == swept(world, 10_000 * DAY) == {journey.client_id}
