"""Access to protected resources: RS rows, and law 2 (the order of the layers, one evaluator)."""

import json
import re

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st
from tests.support import API, MCP, Journey, World

from scopegate import AccessClass, Action, Refusal, RoleCap, presets
from scopegate.core.changes import PutClient
from scopegate.core.permissions import Layer
from scopegate.core.records import TokenRecord
from scopegate.errors import ConfigurationError, InvalidValueError
from scopegate.flows import access
from scopegate.flows.access import TWO_CREDENTIALS, Access
from scopegate.profiles import DEFAULT, STRICT

METADATA = 'resource_metadata="https://acme.example/.well-known/oauth-protected-resource/api"'
MCP_METADATA = 'resource_metadata="https://mcp.acme.example/.well-known/oauth-protected-resource/mcp"'


def told(world, refusal):
    """Status, header and body of the answer to a refusal."""
    answer = world.server.challenge(refusal)
    return answer.status, answer.www_authenticate, json.loads(answer.body)


# RS rows


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "bEaReR ", "Bearer   "])
def test_the_scheme_is_read_in_any_case_with_any_spaces(connected, scheme):
    """RS-1: one or more spaces."""
    assert isinstance(connected.server.access(scheme + connected.access_token), Access)


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearerx", "Token x", "DPoP x", "\u00e9"])
def test_without_a_bearer_credential_the_challenge_has_no_error(world, header):
    """RS-4: 401 with scope and resource_metadata, so that a client can start."""
    refusal = world.server.access(header, "Application.read", application="rocket")
    status, challenge, body = told(world, refusal)
    assert status == 401
    assert challenge == f'Bearer scope="all.Application.read", {METADATA}'
    assert body == {"reason": "no_credentials"}


@pytest.mark.parametrize(
    "header", ["Bearer", "bearer ", "Bearer x", "Bearer x y", "Bearer sga_x.y z", "BEARER  x"]
)
def test_a_bearer_credential_that_is_none_of_ours_is_invalid(world, header):
    """RS-4, RS-5: by the first word of the header, whatever follows."""
    assert told(world, world.server.access(header))[2]["reason"] == "invalid_token"


def test_a_challenge_names_the_resource_that_was_called(world, connected):
    """RS-4, PRM-6: two resources, two metadata documents, also for bad tokens and wrong audiences."""
    empty = world.server.access(None, resource=MCP)
    assert told(world, empty)[1] == f'Bearer scope="only.Organization.read only.User.read", {MCP_METADATA}'
    for header in ("Bearer nonsense", "Bearer sga_x.y", f"Bearer {connected.access_token}"):
        refusal = world.server.access(header, resource=MCP)
        assert told(world, refusal)[1].startswith(f'Bearer {MCP_METADATA}, error="invalid_token"')
    assert told(world, TWO_CREDENTIALS.at(MCP))[1].startswith(
        f'Bearer {MCP_METADATA}, error="invalid_request"'
    )


def test_two_credentials_are_an_invalid_request(world):
    """RS-3: 400."""
    status, challenge, body = told(world, TWO_CREDENTIALS)
    assert (status, body["error"]) == (400, "invalid_request")
    assert 'error="invalid_request"' in challenge


def test_every_dead_token_is_an_invalid_token(connected, world):
    """RS-5: unknown, expired, revoked, deleted, of a closed account: 401 invalid_token, in the same words."""
    good = f"Bearer {connected.access_token}"
    answers = [
        world.server.access(header) for header in ("Bearer x", "Bearer ", "Bearer sga_x.y", good[:-1] + "_")
    ]
    world.people.disabled.add("ann")
    answers.append(world.server.access(good))
    world.people.disabled.clear()
    world.clock.forward(3600)
    answers.append(world.server.access(good))
    world.clock.back(3600)
    connected.revoke(connected.refresh_token)
    answers.append(world.server.access(good))
    world.server.delete("ann", connected.token_id)
    answers.append(world.server.access(good))
    assert len(set(answers)) == 1
    status, challenge, body = told(world, answers[0])
    assert (status, body["error"]) == (401, "invalid_token")
    assert (
        challenge
        == f'Bearer {METADATA}, error="invalid_token", error_description="the access token is not valid"'
    )


def test_a_scope_shortage_is_403_with_all_that_it_needs(connected, world):
    """RS-6, RS-8: the least scope that covers the action, in one challenge."""
    refusal = connected.access("Organization.read", organization="acme")
    status, challenge, body = told(world, refusal)
    assert (status, body["error"], body["reason"]) == (403, "insufficient_scope", "insufficient_scope")
    assert challenge.startswith(
        f'Bearer scope="only.Organization.read", {METADATA}, error="insufficient_scope"'
    )


SCOPES_THAT_COVER = {
    "Application.read": {
        "all.Application.read",
        "all.Application.bounded",
        "all.Organization.read",
        "all.Organization.bounded",
    },
    "Application.write": {"all.Application.bounded", "all.Organization.bounded"},
    "Application.sensitive": set(),
    "Organization.read": {
        "only.Organization.read",
        "only.Organization.bounded",
        "all.Organization.read",
        "all.Organization.bounded",
    },
    "Organization.write": {"only.Organization.bounded", "all.Organization.bounded"},
    "Organization.sensitive": set(),
    "User.read": {"only.User.read"},
    "User.write": set(),
    "User.sensitive": set(),
}


@pytest.mark.parametrize("action", SCOPES_THAT_COVER)
@pytest.mark.parametrize("scope", presets.simple().scopes)
def test_the_hierarchy_of_scopes_is_honoured(world, action, scope):
    """RS-7: the whole table: bounded covers read, all covers what is beneath, only does not."""
    journey = Journey(world, scope=scope).connect(default="admin")
    outcome = journey.access(action, organization="acme", application="rocket")
    assert isinstance(outcome, Access) is (scope in SCOPES_THAT_COVER[action])


def test_what_no_scope_covers_is_not_a_scope_shortage(world):
    """RS-6, RS-9: asking for more could not cure it, so clients are not sent into a step-up that never ends."""
    journey = Journey(world).connect(default="admin")
    refusal = journey.access("Application.sensitive", application="rocket")
    status, challenge, body = told(world, refusal)
    assert (status, challenge) == (403, "")
    assert (body["error"], body["reason"]) == ("access_denied", "closed_to_tokens")


@pytest.mark.parametrize(
    ("cap", "action", "place"),
    [
        (RoleCap("viewer"), "Application.write", {"application": "rocket"}),
        (RoleCap("admin", {"acme": "none"}), "Application.read", {"application": "rocket"}),
        (RoleCap("admin"), "Application.write", {"application": "lamp"}),
        (RoleCap("admin"), "Application.write", {"application": "kite"}),
        (RoleCap("admin"), "Application.read", {"application": "of somebody else"}),
        (RoleCap("admin"), "Application.read", {"application": "lamp", "organization": "acme"}),
    ],
    ids=["cap", "override", "live role", "application role", "nowhere", "elsewhere"],
)
def test_a_role_denial_is_403_without_insufficient_scope(connected, world, cap, action, place):
    """RS-9: neither cap nor membership is a matter of scope, and the client cannot tell which it was."""
    world.server.recap("ann", connected.token_id, cap)
    status, challenge, body = told(world, connected.access(action, **place))
    assert (status, challenge) == (403, "")
    assert body == {
        "error": "access_denied",
        "reason": "role_too_low",
        "error_description": "the token's role is too low for this here",
    }


def test_challenges_can_be_read_by_those_who_search_the_raw_header(connected, world):
    """RS-10: each value once, quoted, scope and resource_metadata first, nothing in the text that looks like them."""
    for refusal in (
        world.server.access(None),
        world.server.access("Bearer x"),
        connected.access("Organization.read", organization="acme"),
        connected.access(resource=MCP),
        TWO_CREDENTIALS,
    ):
        header = told(world, refusal)[1]
        names = re.findall(r'([a-z_]+)="([^"\\]*)"', header)
        assert header == "Bearer " + ", ".join(f'{name}="{value}"' for name, value in names)
        assert len({name for name, _ in names}) == len(names)
        order = ["scope", "resource_metadata", "error", "error_description"]
        assert [name for name, _ in names] == [name for name in order if name in dict(names)]
        assert "=" not in dict(names).get("error_description", "")
        assert header.isascii()


def test_a_token_is_accepted_at_its_audience_only(world):
    """RS-11: a token of one resource is nothing at another."""
    journey = Journey(world)
    journey.register()
    journey.authorize(resource=MCP)
    journey.decide()
    journey.redeem()
    assert journey.access(resource=API).layer is Layer.AUDIENCE
    assert journey.access().layer is Layer.AUDIENCE
    assert isinstance(journey.access(resource=MCP), Access)


def test_no_other_secret_is_an_access_token(world):
    """Attack 25: a code, a refresh token or a client's secret opens nothing, under its own prefix or a borrowed one."""
    journey = Journey(world, method="client_secret_post").connect()
    for secret in (
        journey.code,
        journey.refresh_token,
        journey.client_secret,
        journey.transaction,
        journey.verifier,
    ):
        for sent in (secret, "sga_" + secret[4:], f"sga_{journey.token_id}.{secret.rpartition('.')[2]}"):
            assert journey.access(secret=sent).reason == "invalid_token"
    assert isinstance(journey.access(), Access)


def test_the_access_says_who_and_with_what(connected):
    """RS-14: user, client, token and scopes."""
    found = connected.access("User.read")
    assert (found.user, found.client_id, found.token_id) == ("ann", connected.client_id, connected.token_id)
    assert found.client_name == "Example"
    assert found.scopes == ("all.Application.bounded", "only.User.read")


def test_an_access_can_be_made_of_a_record(connected, world):
    """For hosts' own tests: like that of a request, but that nothing was asked yet and no use is written."""
    connected.refresh(scope="only.User.read")
    given = connected.access("User.read")
    made = Access.of(given.record)
    for name in ("record", "token", "user", "token_id", "client_id", "client_name", "credential", "narrowed"):
        assert getattr(made, name) == getattr(given, name)
    assert made.scopes == given.scopes == ("only.User.read",)
    assert (made.asked, made.is_stale) == ((), False)
    bare = Access.of(TokenRecord.of(given.token, None, None))
    assert (bare.client_name, bare.narrowed, bare.scopes) == ("", (), given.token.scopes)
    assert world.server.check(bare, "Application.read", application="rocket")


# Law 2


def test_the_layers_are_judged_in_order(world):
    """Law 2: alive, audience, status, scope, role; each refusal names the first layer that says no."""
    journey = Journey(world, scope="only.User.read").connect(default="none")
    server, token_id = world.server, journey.token_id
    server.pause("ann", token_id)
    world.clock.forward(3600)

    def layer(action="Application.write", resource=MCP):
        outcome = journey.access(action, application="rocket", resource=resource)
        return outcome.layer if isinstance(outcome, Refusal) else None

    assert layer() is Layer.CREDENTIAL
    world.clock.back(1)
    assert layer() is Layer.AUDIENCE
    assert layer(resource=API) is Layer.STATUS
    server.resume("ann", token_id)
    assert layer(resource=API) is Layer.SCOPE
    assert layer("User.read", API) is None
    other = Journey(world).connect(default="none")
    assert other.access("Application.write", application="rocket").layer is Layer.ROLE


def test_only_an_otherwise_valid_credential_learns_of_the_pause(connected, world):
    """Law 2: an expired token of a paused token is just not valid, and elsewhere it is for another resource."""
    world.server.pause("ann", connected.token_id)
    assert connected.access().reason == "paused"
    assert (connected.access().status, connected.access().error) == (403, "")
    assert connected.access(resource=MCP).reason == "wrong_audience"
    world.clock.forward(3600)
    assert connected.access().reason == "invalid_token"


def test_the_strict_profile_says_invalid_token_for_a_pause(make_world):
    """RS-5: 401, in the words of every other dead token."""
    world = make_world(profile=STRICT)
    connected = Journey(world).connect()
    world.server.pause("ann", connected.token_id)
    status, challenge, _ = told(world, connected.access())
    assert status == 401
    assert 'error="invalid_token"' in challenge


@pytest.mark.parametrize("default", ["none", "viewer", "editor", "admin"])
@pytest.mark.parametrize(
    "action", ["Application.read", "Application.write", "Organization.read", "User.read"]
)
def test_access_explain_and_an_explanation_of_a_page_agree(connected, world, default, action):
    """Law 2: one evaluator, whoever asks it."""
    world.server.recap("ann", connected.token_id, RoleCap(default))
    places = {"organization": "acme", "application": "rocket"}
    granted = connected.access()
    for_host = world.server.explain(granted, action, **places)
    for_user = world.server.explain(world.server.token_detail("ann", connected.token_id), action, **places)
    assert for_host == for_user
    assert isinstance(connected.access(action, **places), Access) is for_host.allowed


def test_what_a_client_is_told_follows_from_the_explanation(connected, world):
    """Law 2: an adapter that has the explanation tells the client what `access` would have told it."""
    granted = connected.access()
    for action, place in (
        ("Application.read", {"application": "rocket"}),
        ("Application.write", {"application": "lamp"}),
        ("Organization.read", {"organization": "acme"}),
        ("Application.sensitive", {"application": "rocket"}),
    ):
        found = world.server.explain(granted, action, **place)
        outcome = connected.access(action, resource=API, **place)
        told = None if found.allowed else access.refused(world.configuration, granted, (action,), API)
        assert told == (outcome if isinstance(outcome, Refusal) else None)
        assert (None if told is None else told.layer) is found.denied_by


def test_an_explanation_of_a_page_names_the_status_first(connected, world):
    """Law 2: what a token that is switched off may do is nothing."""
    ask = ("ann", connected.token_id)
    assert world.server.explain(
        world.server.token_detail(*ask), "Application.read", application="rocket"
    ).allowed
    world.server.pause("ann", connected.token_id)
    found = world.server.explain(world.server.token_detail(*ask), "Application.read", application="rocket")
    assert (found.denied_by, found.reason) == (Layer.STATUS, "inactive")


def test_an_explanation_of_a_page_knows_that_its_client_is_disabled(connected, world):
    """Law 2: what no request of the client passes, is not shown as allowed."""
    client = world.store.client(world.realm, connected.client_id)
    world.store.commit(world.realm, [PutClient(evolve(client, disabled=True, version=2), 1)])
    found = world.server.explain(world.server.token_detail("ann", connected.token_id), "User.read")
    assert (found.denied_by, found.reason, found.allowed) == (Layer.CREDENTIAL, "client_disabled", False)
    assert connected.access("User.read").layer is Layer.CREDENTIAL


def test_the_directory_is_asked_once_about_a_place(connected, world):
    """Law 2: one standing call per decision, remembered for that request and never longer."""
    granted = connected.access()
    world.people.asked.clear()
    for _ in range(3):
        world.server.explain(granted, "Application.read", application="rocket")
        world.server.explain(granted, "User.read")
    assert world.people.asked == ["standing"]
    connected.access("Application.read", application="rocket")
    connected.access("User.read")
    assert world.people.asked == ["standing", "account", "standing", "account"]


def test_a_place_must_be_named(connected):
    """An action on applications is not judged without one."""
    for action, field in (("Application.read", "application"), ("Organization.read", "organization")):
        with pytest.raises(InvalidValueError, match=rf"{action} is judged at an {field}") as caught:
            connected.access(action)
        assert caught.value.field == field
    with pytest.raises(ConfigurationError, match="not in the catalogue"):
        connected.access("Application.rad", application="rocket")


def test_single_actions_have_their_own_least_role(make_world):
    """A host names an action where its class would be too weak, or closes it to all tokens."""
    actions = (
        Action("application.delete", "Application", AccessClass.WRITE, "admin"),
        Action("application.transfer", "Application", AccessClass.WRITE, None, closed=True),
    )
    world = make_world(catalogue=presets.simple(actions=actions))
    journey = Journey(world).connect(default="editor")
    assert isinstance(journey.access("Application.write", application="rocket"), Access)
    assert journey.access("application.delete", application="rocket").layer is Layer.ROLE
    assert journey.access("application.transfer", application="rocket").layer is Layer.SCOPE
    world.server.recap("ann", journey.token_id, RoleCap("admin"))
    assert isinstance(journey.access("application.delete", application="rocket"), Access)
    assert isinstance(journey.access("application.transfer", application="rocket"), Refusal)


# The directory now


def test_a_change_in_the_directory_bites_at_once(connected, world):
    """OPS-5: a role lowered, an organization left, an application moved, an account closed, between two requests."""
    world.server.recap("ann", connected.token_id, RoleCap("admin", {"globex": "viewer"}))

    def may(action="Application.write"):
        return isinstance(connected.access(action, application="rocket"), Access)

    assert may()
    world.people.role("ann", "acme", "viewer")
    assert not may()
    assert may("Application.read")
    world.people.role("ann", "acme", "editor")
    assert may()
    world.people.move("rocket", "globex")
    assert not may()
    world.people.move("rocket", "acme")
    world.people.leave("ann", "acme")
    assert not may("Application.read")
    world.people.places["ann"] = world.people.places["bob"]
    assert may()
    world.people.disabled.add("ann")
    assert connected.access().reason == "invalid_token"


def test_a_change_of_the_token_bites_at_once(connected, world):
    """OPS-4: a cap lowered, paused, resumed, deleted, between two requests."""
    server, token_id = world.server, connected.token_id

    def may():
        return isinstance(connected.access("Application.write", application="rocket"), Access)

    assert may()
    server.recap("ann", token_id, RoleCap("viewer"))
    assert not may()
    server.recap("ann", token_id, RoleCap("viewer", {"acme": "editor"}))
    assert may()
    server.pause("ann", token_id)
    assert not may()
    server.resume("ann", token_id)
    assert may()
    server.delete("ann", token_id)
    assert not may()


def test_lower_only_also_holds_for_caps_stored_before(make_world):
    """Law 1: a profile that is switched on later is obeyed by old rows."""
    world = make_world()
    journey = Journey(world).connect(default="viewer", organizations={"acme": "admin"})
    assert isinstance(journey.access("Application.write", application="rocket"), Access)
    strict = make_world(
        store=world.given_store,
        clock=world.clock,
        people=world.people,
        profile=evolve(DEFAULT, lower_only=True),
    )
    header = f"Bearer {journey.access_token}"
    assert isinstance(strict.server.access(header, "Application.write", application="rocket"), Refusal)
    assert isinstance(strict.server.access(header, "Application.read", application="rocket"), Access)


# Last use


def test_the_last_use_is_written_coarsely(connected, world):
    """A busy token is not written at every request; the list shows when it was used, to five minutes."""
    assert connected.token.last_used_at is None
    connected.access()
    first = connected.token.last_used_at
    assert first == world.clock.now
    world.clock.forward(299)
    connected.access()
    assert connected.token.last_used_at == first
    world.clock.forward(1)
    connected.access()
    assert connected.token.last_used_at == first + 300
    world.clock.back(1000)
    connected.access()
    assert connected.token.last_used_at == first + 300


def test_a_refused_request_is_no_use(connected, world):
    """What fails leaves no trace on the token."""
    world.server.pause("ann", connected.token_id)
    connected.access()
    assert connected.token.last_used_at is None


@given(st.text(max_size=80) | st.text("Bbearsg_.A \t", max_size=60))
def test_no_header_breaks_the_check(header):
    """Whatever stands in the header, it is refused with 400 or 401."""
    with World() as world:
        for sent in (
            header,
            "Bearer " + header,
            "Bearer sga_" + header,
            "Bearer sga_" + "0" * 32 + "." + header,
        ):
            refusal = world.server.access(sent)
            assert refusal.status == 401
