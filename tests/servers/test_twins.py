"""The two servers answer alike: the same script, the same clock and entropy, the same outcomes, byte for byte."""

from hypothesis import given
from hypothesis import strategies as st
from tests.support import MCP, Journey, World

from scopegate import RoleCap, SignedIn
from scopegate.errors import ScopegateError
from scopegate.flows.access import Access
from scopegate.flows.listing import TokenSearch
from scopegate.flows.outcomes import Redirect, Registered, TokenReply

STEPS = {
    "register": lambda journey: journey.register(),
    "authorize": lambda journey: journey.authorize(),
    "ask for too much": lambda journey: journey.authorize(scope="everything"),
    "ask signed out": lambda journey: journey.authorize(signed_in=None),
    "approve": lambda journey: journey.decide(default="viewer", organizations={"acme": "editor"}),
    "approve otherwise": lambda journey: journey.decide(default="admin"),
    "approve as bob": lambda journey: journey.decide(signed_in=SignedIn("bob", "x")),
    "deny": lambda journey: journey.decide("deny"),
    "redeem": lambda journey: journey.redeem(),
    "redeem wrongly": lambda journey: journey.redeem(code_verifier="w" * 43),
    "refresh": lambda journey: journey.refresh(),
    "refresh narrowly": lambda journey: journey.refresh(scope="only.User.read"),
    "refresh again": lambda journey: journey.refresh(refresh_token=journey.used),
    "revoke": lambda journey: journey.revoke(journey.access_token),
    "revoke all": lambda journey: journey.revoke(journey.refresh_token),
    "read": lambda journey: journey.access("Application.read", application="rocket"),
    "write": lambda journey: journey.access("Application.write", application="lamp"),
    "read elsewhere": lambda journey: journey.access(resource=MCP),
    "list": lambda journey: journey.server.tokens("ann", limit=2),
    "pause": lambda journey: journey.server.pause("ann", journey.token_id),
    "resume": lambda journey: journey.server.resume("ann", journey.token_id),
    "recap": lambda journey: journey.server.recap("ann", journey.token_id, RoleCap("none")),
    "explain": lambda journey: journey.server.explain(
        journey.server.token_detail("ann", journey.token_id), "User.read"
    ),
    "delete": lambda journey: journey.server.delete("ann", journey.token_id),
    "add": lambda journey: journey.server.add_client("Partner", ["https://partner.example/"]),
    "add one of ann's": lambda journey: journey.server.add_client(
        "Mine", ["https://mine.example/"], owner="ann"
    ),
    "look at clients": lambda journey: journey.server.clients("ann"),
    "rotate": lambda journey: journey.server.rotate_secret(journey.client_id),
    "rotate ann's": lambda journey: journey.server.rotate_secret(
        journey.server.clients("ann").items[0].id, owner="ann"
    ),
    "disable": lambda journey: journey.server.disable_client(journey.client_id),
    "enable": lambda journey: journey.server.enable_client(journey.client_id),
    "find": lambda journey: journey.server.find_tokens("ann", TokenSearch(sort="name", limit=2)),
    "history": lambda journey: journey.server.history("ann", limit=3),
    "advice": lambda journey: journey.server.advice("ann", journey.token_id),
    "cut out": lambda journey: journey.server.cut_out("acme", journey.token_id),
    "cut out all": lambda journey: journey.server.cut_out_all("acme", limit=2),
    "pause all": lambda journey: journey.server.pause_all(user="ann", limit=1),
    "resume all": lambda journey: journey.server.pause_all(organization="acme", active=True),
    "disconnect": lambda journey: journey.server.revoke_token(journey.token_id),
    "disconnect all": lambda journey: journey.server.revoke_all(client_id=journey.client_id),
    "delete all": lambda journey: journey.server.delete_all("bob"),
    "forget": lambda journey: journey.server.forget_user("bob"),
    "sweep": lambda journey: journey.server.sweep(),
}
TIMES = {"a second": 1.0, "a minute": 60.0, "an hour": 3600.0, "two days": 172_800.0, "back": -45.0}


def shown(outcome):
    """Everything that an outcome says, secrets included."""
    match outcome:
        case TokenReply(body):
            return body
        case Redirect():
            return outcome.location
        case Registered():
            return outcome.document
        case Access():
            return outcome.token_id, outcome.scopes, outcome.standings
    return outcome


def play(colour, script):
    """What every step of a script gives on a server of that colour, and what is in the store in the end."""
    with World(colour) as world:
        journey = Journey(world)
        journey.used, found = None, []
        for name in script:
            if name in TIMES:
                world.clock.forward(TIMES[name])
                continue
            before = journey.refresh_token
            try:
                found.append((name, shown(STEPS[name](journey))))
            except (ScopegateError, AttributeError, IndexError, TypeError) as error:
                found.append((name, type(error), str(error)))
            if journey.refresh_token != before:
                journey.used = before
        drawn = len(world.entropy.drawn)
        return found, world.events(), drawn, world.people.asked


FULL = ["register", "authorize", "approve", "redeem"]


@given(st.booleans(), st.lists(st.sampled_from([*STEPS, *TIMES]), max_size=20))
def test_both_servers_give_the_same_answers(connected, script):
    """Outcomes, exceptions, events, the bytes drawn and the questions asked of the directory are the same."""
    script = [*(FULL if connected else []), *script]
    assert play("sync", script) == play("async", script)


def test_a_script_of_every_step_is_played_alike():
    """Every step is taken at least once after a token is connected."""
    script = [
        *FULL,
        *(name for step in STEPS if step != "delete" for name in (step, "a second")),
        "delete",
        "list",
    ]
    one, other = play("sync", script), play("async", script)
    assert one == other
    assert {name for name, *_ in one[0]} == set(STEPS)
    assert len(one[1]) > 8
