"""A whole life of a token by the pure functions alone, with the world taken away: a script.

Clock, randomness, environment, sockets and files raise when they are touched, and so does making a store. With
an argument, the named part of the world is touched on purpose, in the middle of the journey.
"""

import builtins
import json
import os
import random
import secrets
import socket
import sys
import threading
import time
import uuid
from hashlib import sha256

from attrs import evolve

from scopegate.core.caps import RoleCap
from scopegate.core.clients import AuthMethod
from scopegate.core.credentials import digest, encode, locate
from scopegate.core.records import Page, TokenRecord
from scopegate.core.standing import Account, Membership, Organization, Standing
from scopegate.flows import (
    _oauthlib,
    access,
    authorize,
    consent,
    exchange,
    manage,
    metadata,
    reach,
    register,
    revoke,
    sealing,
    throttling,
)
from scopegate.flows.challenges import challenge
from scopegate.flows.configuration import Resource, configure
from scopegate.flows.outcomes import OAuthFailure, Redirect, SignedIn, TokenReply
from scopegate.flows.register import RegistrationRequest
from scopegate.flows.requests import ClientRequest, ConsentForm, Parameters
from scopegate.presets import simple
from scopegate.profiles import DEFAULT
from scopegate.stores import MemoryStore

API = "https://acme.example/api"
VERIFIER = "v" * 43
USER = SignedIn("ann", "session")
assert _oauthlib
assert sealing


class WorldTouchedError(Exception):
    """A pure function reached for the world."""


def refuse(*_, **__):
    """What is left of the world."""
    raise WorldTouchedError


class NoEnvironment(dict):
    """An environment in which every look is refused."""

    __getitem__ = get = __contains__ = __iter__ = refuse


TAKEN = {
    "time": (
        time,
        ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "gmtime", "localtime", "sleep"),
    ),
    "os": (os, ("urandom", "getenv", "getpid", "open", "stat", "getrandom")),
    "random": (random, ("random", "getrandbits", "choice", "randint", "SystemRandom", "Random")),
    "secrets": (secrets, ("token_bytes", "token_hex", "token_urlsafe", "choice", "randbits")),
    "uuid": (uuid, ("uuid1", "uuid4")),
    "socket": (socket, ("socket", "create_connection", "getaddrinfo")),
    "threading": (threading, ("Thread", "Lock", "RLock", "local")),
}
TOUCH = {
    "time": lambda: time.time() + 1,
    "os": lambda: os.urandom(1),
    "random": lambda: random.random() + 1,
    "secrets": lambda: secrets.token_bytes(1),
    "environment": lambda: os.environ.get("HOME"),
    "open": lambda: open(__file__),  # noqa: PTH123, SIM115 - it is refused
    "store": MemoryStore,
}


def take_the_world_away():
    """From here on, nothing but arguments."""
    for module, names in TAKEN.values():
        for name in names:
            setattr(module, name, refuse)
    vars(os)["environ"] = NoEnvironment()
    MemoryStore.__init__ = refuse
    builtins.open = refuse


class Bytes:
    """Entropy as a function of a counter."""

    count = 0

    def __call__(self, wanted):
        """The next bytes."""
        self.count += 1
        return (sha256(str(self.count).encode()).digest() * 2)[:wanted]


class Rows:
    """What a store would keep, in two dictionaries, without any rule."""

    def __init__(self):
        self.token = self.client = None
        self.credentials = {}
        self.events = []

    def apply(self, changes):
        """Write what was decided."""
        for change in changes:
            getattr(self, type(change).__name__)(change)

    def CreateToken(self, change):  # noqa: N802 - named like the change
        """Keep the token."""
        self.token = change.token

    def PutClient(self, change):  # noqa: N802
        """Keep the client."""
        self.client = change.client

    def AddCredential(self, change):  # noqa: N802
        """Keep the credential."""
        self.credentials[change.credential.digest] = change.credential

    def DropCredential(self, change):  # noqa: N802
        """Forget the credential."""
        del self.credentials[change.digest]

    def AdvanceToken(self, change):  # noqa: N802
        """Next generation."""
        number = self.token.generation
        assert number == change.expected_generation
        self.token = evolve(self.token, generation=number + 1, advanced_at=change.at, reply=change.reply)

    def ReviseToken(self, change):  # noqa: N802
        """New settings."""
        number = self.token.version
        assert number == change.expected_version
        self.token = evolve(self.token, settings=change.settings, version=number + 1)

    def RevokeToken(self, change):  # noqa: N802
        """Disconnect."""
        self.token = evolve(self.token, revoked_at=change.at, revoked_reason=change.reason)

    def DeleteToken(self, _change):  # noqa: N802
        """Nothing is left."""
        self.token, self.credentials = None, {}

    def AppendEvent(self, change):  # noqa: N802
        """Remember what happened."""
        self.events.append(change.event)

    def record(self, wanted=None):
        """What one read would give."""
        if self.token is None:
            return None
        return TokenRecord.of(self.token, self.client, self.credentials.get(wanted))


class Life:
    """The journey, one method a stage."""

    def __init__(self, config):
        self.config = config
        self.entropy = Bytes()
        self.rows = Rows()
        self.now = 1000.0
        self.account = Account("Ann")

    def ask(self, parameters):
        """A token request, judged and written."""
        parameters = {"client_id": self.rows.client.id, **parameters}
        presented = exchange.read(self.config, ClientRequest(Parameters.of(parameters.items())))
        decision = exchange.decide(
            self.config,
            presented,
            record=self.rows.record(presented.digest),
            client=None,
            account=self.account,
            now=self.now,
            entropy=self.entropy,
        )
        self.rows.apply(decision.changes)
        return decision.outcome

    def register(self):
        """A client registers, and the documents that it read before."""
        assert metadata.document(metadata.authorization_server(self.config)).body
        assert metadata.document(metadata.protected_resource(self.config, self.config.resources[0])).etag
        document = {
            "redirect_uris": ["https://client.example/cb"],
            "token_endpoint_auth_method": AuthMethod.NONE.value,
        }
        decision = register.decide(
            self.config, RegistrationRequest(document), now=self.now, entropy=self.entropy
        )
        self.rows.apply(decision.changes)

    def approve(self):
        """A user approves."""
        challenge_of_it = encode(sha256(VERIFIER.encode()).digest())
        query = {
            "client_id": self.rows.client.id,
            "response_type": "code",
            "scope": "all.Application.read",
            "code_challenge": challenge_of_it,
            "code_challenge_method": "S256",
        }
        valid = authorize.check(self.config, Parameters.of(query.items()), self.rows.client, USER)
        transaction = consent.begin(self.config, valid, now=self.now, entropy=self.entropy)
        sealed = consent.seal(self.config, transaction, self.entropy)
        form = ConsentForm(sealed, "approve", "viewer")
        transaction = consent.resume(self.config, form, USER, now=self.now)
        shown = consent.prompt(
            self.config,
            transaction,
            sealed,
            client=self.rows.client,
            account=self.account,
            places=Page([Membership("acme", "Acme", "admin")]),
            siblings=[],
            now=self.now,
        )
        decision = consent.decide(
            self.config,
            transaction,
            form,
            shown,
            record=None,
            history=[],
            now=self.now,
            entropy=self.entropy,
        )
        self.rows.apply(decision.changes)
        assert isinstance(decision.outcome, Redirect)
        return dict(decision.outcome.parameters)["code"]

    def use(self, secret):
        """A call of the API, allowed or not."""
        gate = access.Gate(self.config, API)
        found = gate.locate(f"Bearer {secret}")
        granted = gate.judge(self.rows.record(found[1]), self.account, self.now)
        if isinstance(granted, access.Refusal):
            return challenge(self.config, granted).status
        standing = Standing(Organization("acme"), "admin")
        held, asked = reach.subject(granted, None), ("Application.read", standing, "rocket")
        found = reach.explain(self.config, held, *asked)
        assert found.allowed is reach.check(self.config, held, *asked)
        spot = reach.Spot("acme", "rocket", "Rocket", standing)
        compared = reach.Comparison(self.config, held, reach.Pause()).at(spot)
        assert compared.lost == reach.reached(self.config, held, spot).actions
        return found.effective_role

    def manage(self):
        """The user's own page."""
        for wanted in (
            manage.Edit(active=False),
            manage.Edit(active=True),
            manage.Edit(cap=RoleCap("editor")),
        ):
            self.rows.apply(manage.edit(self.config, self.rows.record(), "ann", wanted, now=self.now).changes)

    def give_back(self, secret):
        """Revocation by the client."""
        pairs = [("client_id", self.rows.client.id), ("token", secret)]
        presented = revoke.read(self.config, ClientRequest(Parameters.of(pairs)))
        decision = revoke.decide(
            self.config, presented, record=self.rows.record(presented.digest), client=None, now=self.now
        )
        self.rows.apply(decision.changes)


def configuration():
    """What a server would make of its arguments."""
    return configure(
        issuer="https://acme.example",
        product="Acme",
        catalogue=simple(),
        resources=[Resource(API, ["all.Application.read"])],
        sealing_keys=[encode(b"k" * 32)],
        profile=DEFAULT,
        realm="default",
        registration=True,
        initial_access_tokens=[],
        private_schemes=[],
    )


def live(touched):
    """From registration to deletion; the number of events is printed."""
    life = Life(configuration())
    life.register()
    code = life.approve()
    redeem = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
    assert isinstance(life.ask(redeem | {"code_verifier": "w" * 43}), OAuthFailure)
    first = life.ask(redeem)
    assert isinstance(first, TokenReply)
    reply = json.loads(first.body)
    assert life.use(reply["access_token"]) == "viewer"
    refresh = {"grant_type": "refresh_token", "refresh_token": reply["refresh_token"]}
    answer = life.ask(refresh)
    assert life.ask(refresh) == answer
    TOUCH.get(touched, lambda: None)()
    life.manage()
    life.give_back(reply["access_token"])
    assert life.use(reply["access_token"]) == 401
    life.now += 31
    assert throttling.is_guess(life.ask(refresh)) is False
    assert life.rows.token.revoked_reason == "refresh_token_reused"
    life.rows.apply(manage.delete(life.config, life.rows.record(), "ann", now=life.now).changes)
    assert life.rows.token is None
    assert locate(code)
    assert digest("default", "sgc", "x")
    return len(life.rows.events)


if __name__ == "__main__":
    take_the_world_away()
    number = live(sys.argv[1] if len(sys.argv) > 1 else "")
    sys.stdout.write(f"{number} events\n")
