"""Law 5: no secret at rest, in a log, a repr, an exception, an event, or a URL but the redirect that carries a code."""

import logging
import traceback
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode

import pytest
from tests.support import KEY, OTHER_KEY, REDIRECT_URI, Journey, WatchedStore, World, client_request, form

from scopegate import RoleCap
from scopegate.core.changes import AddCredential
from scopegate.core.credentials import encode
from scopegate.errors import ScopegateError
from scopegate.flows import consent, exchange
from scopegate.flows.client_authentication import credentials
from scopegate.flows.register import RegistrationRequest
from scopegate.flows.requests import ConsentForm
from scopegate.flows.sealing import Sealer
from scopegate.stores import SQLiteStore


def forms_of(secret: bytes):
    """The ways in which a secret may be hidden in text or bytes."""
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    yield b64encode(secret).rstrip(b"=")
    yield urlsafe_b64encode(secret).rstrip(b"=")
    yield secret.decode("latin-1").encode("utf-16-le")
    yield secret.decode("latin-1").encode("utf-16-be")
    yield urlsafe_b64encode(secret).rstrip(b"=").decode().encode("utf-16-le")
    yield repr(secret)[2:-1].encode()


class Haystack:
    """Everything that was written anywhere."""

    def __init__(self):
        self.parts = []

    def add(self, where, what):
        """Add text, bytes, or the representation of a value."""
        text = what if isinstance(what, str | bytes) else repr(what)
        self.parts.append((where, text if isinstance(text, bytes) else text.encode("utf-8", "replace")))

    def search(self, secrets):
        """Where which secret is found, and as what."""
        found = []
        for secret in secrets:
            for number, needle in enumerate(forms_of(secret)):
                found += [(where, number) for where, data in self.parts if len(needle) > 8 and needle in data]
        return found


def needles(world, *journeys):
    """Every secret there was: what was drawn, what travelled, and the keys."""
    keys = {KEY.encode(), OTHER_KEY.encode()}
    found = set(world.entropy.secrets) | keys | {urlsafe_b64decode(key + b"=") for key in keys}
    for journey in journeys:
        found.add(journey.verifier.encode())
        for secret in journey.wire:
            found |= {secret.encode(), secret.rpartition(".")[2].encode()}
    assert len(found) > 20
    return found


def walk(world, haystack):
    """A journey with everything that can happen on it, good and bad; outcomes and exceptions go to the haystack."""
    journeys = [Journey(world, method=method) for method in ("none", "client_secret_post")]
    for journey in journeys:
        for step in steps(journey):
            try:
                haystack.add("outcome", step())
            except ScopegateError as error:
                haystack.add("exception", error)
                haystack.add("traceback", "".join(traceback.format_exception(error)))
            if journey.code:
                haystack.add("record", world.record(journey.token_id))
        haystack.add("journey's page", world.server.tokens("ann"))
    return journeys


def steps(journey):
    """One thing after the other."""
    server = journey.server
    yield journey.register
    yield lambda: journey.authorize(scope="nonsense")
    yield journey.authorize
    yield lambda: journey.decide(default="nonsense")
    yield journey.decide
    yield lambda: journey.redeem(code_verifier="w" * 43)
    yield lambda: journey.redeem(client_secret="wrong" * 9)
    yield journey.redeem
    yield journey.redeem
    yield lambda: journey.access("Application.read", application="rocket")
    yield lambda: journey.access("Organization.write", organization="acme")
    yield lambda: server.challenge(journey.access("Organization.write", organization="acme"))
    old = journey.refresh_token
    yield journey.refresh
    yield lambda: journey.refresh(refresh_token=old)
    yield lambda: server.recap("ann", journey.token_id, RoleCap("viewer"))
    yield lambda: server.recap("ann", journey.token_id, RoleCap("nonsense"))
    yield from later_steps(journey, old)


def later_steps(journey, old):
    """What comes after the first refresh."""
    world, server = journey.world, journey.server
    yield lambda: server.pause("ann", journey.token_id)
    yield journey.access
    yield lambda: server.resume("bob", journey.token_id)
    yield lambda: journey.revoke(journey.access_token)
    world.clock.forward(60)
    yield lambda: journey.refresh(refresh_token=old)
    yield lambda: server.edit("ann", journey.token_id, name="New")
    world.people.trouble = RuntimeError("down")
    yield lambda: journey.refresh(refresh_token=journey.refresh_token)
    yield journey.access
    world.people.trouble = None
    yield from client_steps(journey)


def client_steps(journey):
    """What the operator and a user do to clients; a public one has no secret to replace."""
    server = journey.server
    yield lambda: server.add_client("Mine", [REDIRECT_URI], owner="ann")
    yield lambda: server.rotate_secret(journey.client_id)
    yield lambda: server.rotate_secret(server.clients("ann").items[0].id, owner="ann")
    yield lambda: server.rotate_secret(journey.client_id, overlap=-1.0)
    yield lambda: server.disable_client(journey.client_id)
    yield lambda: journey.redeem(client_secret=journey.client_secret)


@pytest.fixture
def log(caplog):
    """Everything that is logged, of our loggers and the engine's, at the finest level."""
    for name in ("", "scopegate", "oauthlib"):
        caplog.set_level(logging.DEBUG, logger=name)
    return caplog


def test_no_secret_is_in_a_log_a_repr_an_exception_or_an_event(world, log):
    """Law 5: in process, over both colours; the engine is at DEBUG."""
    haystack = Haystack()
    journeys = walk(world, haystack)
    for record in log.records:
        haystack.add("log", record.getMessage())
        haystack.add("log", record.args)
    assert any(record.name.startswith("oauthlib") for record in log.records)
    for event in world.events():
        haystack.add("event", event)
    assert len(world.events()) > 10
    haystack.add("configuration", world.configuration)
    haystack.add("server", world.bare)
    assert haystack.search(needles(world, *journeys)) == []


def test_no_secret_is_in_the_files_of_the_database(make_world, tmp_path):
    """Law 5: raw bytes of the database and its write-ahead log, before and after it is closed."""
    store = SQLiteStore(tmp_path / "store.db")
    world = make_world(store=store)
    haystack = Haystack()
    journeys = walk(world, Haystack())
    read_files(haystack, tmp_path)
    assert {where for where, _ in haystack.parts} >= {"store.db", "store.db-wal"}
    world.server.close()
    read_files(haystack, tmp_path)
    assert any(journeys[0].token_id.encode() in data for _, data in haystack.parts)
    assert haystack.search(needles(world, *journeys)) == []


def read_files(haystack, folder):
    """Every file there is."""
    for path in folder.iterdir():
        haystack.add(path.name, path.read_bytes())


def test_the_search_finds_what_is_there():
    """The needle is found in every form, so that finding nothing means something."""
    secret = b"0123456789abcdef\xff\x00\xfe-more than enough"
    for needle in forms_of(secret):
        haystack = Haystack()
        haystack.add("here", b"before " + needle + b" after")
        assert haystack.search([secret])
    haystack = Haystack()
    haystack.add("here", b"nothing of the kind")
    assert haystack.search([secret]) == []


def test_values_that_hold_secrets_do_not_show_them(world):
    """Law 5: requests, forms and what is read out of them, and opened seals."""
    journey = Journey(world, method="client_secret_post").connect()
    config = world.configuration
    sent = client_request(
        {
            "grant_type": "refresh_token",
            "client_id": journey.client_id,
            "client_secret": journey.client_secret,
            "refresh_token": journey.refresh_token,
        }
    )
    header = "Basic " + b64encode(b"id:" + journey.client_secret.encode()).decode()
    sent_form = ConsentForm(journey.transaction, "approve")
    shown = [
        sent,
        sent.parameters,
        credentials(sent),
        client_request({}, header),
        exchange.read(config, sent),
        sent_form,
        consent.resume(config, sent_form, journey.signed_in, now=world.clock.now),
        config.sealer.open(consent.purpose(config), journey.transaction),
        config.sealer,
        RegistrationRequest({}, "Bearer " + journey.refresh_token),
        form({"code": journey.code}),
        journey.refresh(),
        journey.register(),
        journey.authorize(),
        journey.decide(),
        journey.access(),
    ]
    haystack = Haystack()
    for value in shown:
        haystack.add(type(value).__name__, value)
    haystack.add("sealer", Sealer([KEY]))
    assert haystack.search(needles(world, journey) | {header.encode(), b64encode(KEY.encode())}) == []


def test_a_dump_authenticates_nobody():
    """Law 5: with every row in hand, and an old secret, no request passes; not even with the digests as secrets."""
    written = []
    store = WatchedStore(after=lambda name, args: written.extend(args[1] if name == "commit" else ()))
    with World(store=store) as world:
        journey = Journey(world).connect()
        old = journey.refresh_token.rpartition(".")[2]
        journey.refresh()
        token = journey.token
        digests = [change.credential.digest for change in written if isinstance(change, AddCredential)]
        guesses = {encode(digest) for digest in digests} | {digest.hex() for digest in digests}
        guesses |= {encode(token.reply), token.code_salt}
        assert len(guesses) > 7
        for guess in (*guesses, old):
            assert journey.access(secret=f"sga_{token.id}.{guess}").reason == "invalid_token"
        for guess in guesses:
            assert journey.refresh(refresh_token=f"sgr_{token.id}.{guess}").code == "invalid_grant"
        assert journey.token.revoked_at is None
        name = f"default {token.id} {token.generation - 1}"
        assert world.configuration.sealer.open_reply(old, name, token.reply) is not None
        assert Sealer([OTHER_KEY]).open_reply(old, name, token.reply) is None
