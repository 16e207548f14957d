"""Law 3: whatever is done, in whatever order, at whatever time.

A code is never redeemed twice, a token has at most one live refresh family, and nothing that is paused, expired,
pending, revoked or deleted is accepted; what was consumed, revoked or deleted stays so, also when the clock goes back.
"""

import json
from base64 import b64encode
from pathlib import Path
from tempfile import TemporaryDirectory

from attrs import Factory, define, evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from tests.support import Journey, World, answered, client_request

from scopegate import Refusal, RoleCap, SignedIn
from scopegate.core.credentials import digest, locate
from scopegate.core.tokens import Status
from scopegate.errors import NotFoundError, ReadOnlyError
from scopegate.flows.outcomes import Done, ErrorPage, OAuthFailure, Redirect, TokenReply
from scopegate.profiles import DAY, DEFAULT, HOUR, STRICT
from scopegate.stores import SQLiteStore

MOMENTS = (0.0, 1e-6, 1.0, 9.0, 10.0, 29.0, 30.0, 31.0, 60.0, HOUR / 2, HOUR, DAY / 2, DAY, 100 * DAY)
ROLES = ("none", "viewer", "editor", "admin")


@define(eq=False)
class Issued:
    """A secret that was handed out; for a refresh token, the one answer it may give."""

    secret: str
    generation: int
    at: float
    expires_at: float | None = None
    answer: bytes | None = None
    dropped: bool = False


@define(eq=False)
class Grant:
    """What the test knows of one token."""

    user: str
    client: Journey
    transaction: str
    role: str
    location: str
    created_at: float
    token_id: str = ""
    code: str = ""
    code_dropped: bool = False
    generation: int = 0
    redemptions: int = 0
    advanced_at: float = 0.0
    wrong_verifiers: int = 0
    recapped: bool = False
    paused: bool = False
    revoked: bool = False
    deleted: bool = False
    access: list[Issued] = Factory(list)
    refresh: list[Issued] = Factory(list)


class Lifecycle(RuleBasedStateMachine):
    """Two users, a public and a confidential client, one server, and a clock that goes both ways."""

    colour = "sync"
    profile = evolve(DEFAULT, idle_registration=None)

    grants = Bundle("grants")

    @initialize()
    def start(self):
        """Everybody is there, and nothing is authorized."""
        self.world = self.new_world()
        self.server, self.clock = self.world.server, self.world.clock
        self.clients = [Journey(self.world), Journey(self.world, method="client_secret_basic")]
        for client in self.clients:
            client.register()
        self.known: list[Grant] = []

    def new_world(self):
        """A server over a store in memory."""
        return World(self.colour, profile=self.profile)

    def teardown(self):
        """Close the store and the event loop."""
        if hasattr(self, "world"):
            self.world.close()

    # What happens

    @rule(seconds=st.sampled_from(MOMENTS))
    def time_passes(self, seconds):
        """The clock goes on."""
        self.clock.forward(seconds)

    @rule(seconds=st.sampled_from(MOMENTS))
    def the_clock_is_set_back(self, seconds):
        """The host's clock was wrong."""
        self.clock.back(seconds)

    @rule(user=st.sampled_from(["ann", "bob"]), off=st.booleans())
    def an_account_is_switched(self, user, off):
        """The host disables or enables a user."""
        (self.world.people.disabled.add if off else self.world.people.disabled.discard)(user)

    @rule(
        target=grants,
        user=st.sampled_from(["ann", "bob"]),
        which=st.sampled_from([0, 1]),
        role=st.sampled_from(ROLES),
    )
    def a_user_approves(self, user, which, role):
        """A token is born, pending; more than ten of them are not kept."""
        client = self.clients[which]
        signed_in = SignedIn(user, user)
        shown = client.authorize(signed_in=signed_in)
        if user in self.world.people.disabled:
            assert shown == ErrorPage("sign_in_required", 403)
            return multiple()
        transaction = client.transaction
        redirect = client.decide(default=role, signed_in=signed_in)
        grant = Grant(user, client, transaction, role, redirect.location, self.clock.now)
        grant.code = client.code
        grant.token_id = grant.code[4:].partition(".")[0]
        self.known.append(grant)
        self._oldest_pending_go(user, grant)
        return grant

    def _oldest_pending_go(self, user, newest):
        """Only those that still wait now are counted, and the one just approved stays, whatever the clock did."""
        waiting = [
            grant
            for grant in self.known
            if grant.user == user and not grant.deleted and self._status(grant) is Status.PENDING
        ]
        waiting.sort(key=lambda grant: (grant is newest, grant.created_at, grant.token_id), reverse=True)
        for grant in waiting[self.profile.pending_limit :]:
            grant.deleted = True

    @rule(grant=grants, role=st.sampled_from(ROLES), decision=st.sampled_from(["approve", "approve", "deny"]))
    def the_form_is_sent_again(self, grant, role, decision):
        """Back and a second click: at most the same redirect again, never another token."""
        signed_in = SignedIn(grant.user, grant.user)
        outcome = grant.client.decide(
            decision, default=role, signed_in=signed_in, transaction=grant.transaction
        )
        same = decision == "approve" and not (grant.recapped or grant.revoked or grant.deleted)
        if isinstance(outcome, Redirect):
            assert same
            assert outcome.location == grant.location
            assert answered(outcome)["code"] == grant.code

    def _ask(self, grant, parameters, *, impostor=False):
        client = self.clients[1 - self.clients.index(grant.client)] if impostor else grant.client
        authorization = None
        if client.client_secret is None:
            parameters = parameters | {"client_id": client.client_id}
        else:
            authorization = (
                "Basic " + b64encode(f"{client.client_id}:{client.client_secret}".encode()).decode()
            )
        return client_request(parameters, authorization)

    @rule(grant=grants, wrong=st.sampled_from(["", "", "", "verifier", "client", "redirect_uri"]))
    def a_code_is_redeemed(self, grant, wrong):
        """The first right attempt in time wins; all others get invalid_grant, and late right ones revoke."""
        parameters = {
            "grant_type": "authorization_code",
            "code": grant.code,
            "code_verifier": "w" * 43 if wrong == "verifier" else grant.client.verifier,
            "redirect_uri": "https://client.example/other"
            if wrong == "redirect_uri"
            else grant.client.redirect_uri,
        }
        before = self._status(grant)
        outcome = self.server.token(self._ask(grant, parameters, impostor=wrong == "client"))
        age = self.clock.now - grant.created_at
        burned = grant.wrong_verifiers >= self.profile.verifier_attempts
        allowed = not grant.deleted and grant.user not in self.world.people.disabled
        if isinstance(outcome, TokenReply):
            assert not wrong
            assert before is Status.PENDING
            assert allowed
            assert age < self.profile.code_lifetime
            assert not burned
            grant.redemptions += 1
            self._issued(grant, outcome.body)
            return
        assert isinstance(outcome, OAuthFailure)
        assert (outcome.code, outcome.status) == ("invalid_grant", 400)
        fresh = not wrong and not burned and allowed and age < self.profile.code_lifetime
        assert not (fresh and before is Status.PENDING), "a good code was refused"
        if (
            wrong == "verifier"
            and before is Status.PENDING
            and age < self.profile.code_lifetime
            and not burned
        ):
            grant.wrong_verifiers += not grant.deleted
        replayed = not wrong and grant.redemptions and not grant.code_dropped and not self._has_ended(grant)
        moment = grant.generation == 1 and self.clock.now - grant.advanced_at < self.profile.replay_tolerance
        if replayed and not moment:
            grant.revoked = True

    def _issued(self, grant, body):
        reply = json.loads(body)
        grant.generation += 1
        grant.advanced_at = now = self.clock.now
        stored = self.world.token(grant.token_id)
        expires_at = (
            now + reply["expires_in"] if stored.expires_at is None else min(now + HOUR, stored.expires_at)
        )
        grant.access.append(Issued(reply["access_token"], grant.generation, now, expires_at))
        grant.refresh.append(Issued(reply["refresh_token"], grant.generation, now))

    def _has_ended(self, grant):
        """Whether nothing can happen to the grant any more, not even a disconnection."""
        return grant.deleted or self._status(grant) in {Status.REVOKED, Status.EXPIRED, Status.GONE}

    def _is_closed(self, grant):
        """Whether nothing is given now: it has ended, its user is off, or it is paused under a strict profile."""
        paused = self._status(grant) is Status.INACTIVE and self.profile.paused == "reject"
        return self._has_ended(grant) or paused or grant.user in self.world.people.disabled

    @rule(
        grant=grants,
        back=st.sampled_from([0, 0, 0, 1, 1, 2, 4]),
        narrow=st.booleans(),
        impostor=st.booleans(),
    )
    def a_refresh_token_is_used(self, grant, back, narrow, impostor):
        """The newest rotates, the one before may be told the same again, all others revoke."""
        if len(grant.refresh) <= back:
            return
        used = grant.refresh[-1 - back]
        parameters = {"grant_type": "refresh_token", "refresh_token": used.secret}
        parameters |= {"scope": "only.User.read"} if narrow else {}
        closed, ended = self._is_closed(grant), self._has_ended(grant)
        outcome = self.server.token(self._ask(grant, parameters, impostor=impostor))
        if isinstance(outcome, TokenReply):
            assert not impostor
            assert not closed
            if back:
                assert back == 1
                assert self.clock.now - grant.advanced_at < self.profile.retry_window
                assert outcome.body == used.answer
            else:
                assert used.answer is None, "one refresh token gave two answers"
                used.answer = outcome.body
                self._issued(grant, outcome.body)
            return
        assert (outcome.code, outcome.status) == ("invalid_grant", 400)
        window = self.profile.retry_window  # without one, not even a clock that was set back opens it
        within = back == 1 and bool(window) and self.clock.now - grant.advanced_at < window
        if back and not within and not impostor and not ended and not used.dropped:
            grant.revoked = True

    @rule(
        grant=grants,
        kind=st.sampled_from(["access", "refresh"]),
        back=st.sampled_from([0, 0, 1, 2]),
        impostor=st.booleans(),
    )
    def a_client_gives_a_secret_back(self, grant, kind, back, impostor):
        """A refresh token ends the token; an access token only itself; a stranger's ends nothing."""
        issued = getattr(grant, kind)
        if len(issued) <= back:
            return
        secret = issued[-1 - back]
        outcome = self.server.revoke(self._ask(grant, {"token": secret.secret}, impostor=impostor))
        assert outcome == Done()
        if impostor or secret.dropped:
            return
        if kind == "access":
            secret.dropped = True
        else:
            grant.revoked = True

    @rule(
        grant=grants,
        deed=st.sampled_from(["pause", "resume", "recap", "delete"]),
        by_owner=st.sampled_from([True, True, True, False]),
    )
    def a_user_changes_a_token(self, grant, deed, by_owner):
        """Only the owner, and only what the status allows."""
        other = "bob" if grant.user == "ann" else "ann"
        arguments = (grant.user if by_owner else other, grant.token_id)
        arguments += (RoleCap("viewer"),) if deed == "recap" else ()
        found = self._status(grant)
        try:
            view = getattr(self.server, deed)(*arguments)
        except NotFoundError:
            assert not by_owner or grant.deleted or found is Status.GONE
        except ReadOnlyError:
            assert deed != "delete"
            assert found in {Status.EXPIRED, Status.REVOKED} or (
                found is Status.PENDING and deed in {"pause", "resume"}
            )
        else:
            assert by_owner
            assert not grant.deleted
            assert deed == "delete" or found in {Status.PENDING, Status.ACTIVE, Status.INACTIVE}
            grant.paused = {"pause": True, "resume": False}.get(deed, grant.paused)
            grant.recapped = grant.recapped or view.version > 1
            grant.deleted = deed == "delete"

    @rule(grant=consumes(grants))
    def a_grant_is_left_alone_from_here(self, grant):
        """It stays watched."""

    @rule(limit=st.sampled_from([1, 1000]))
    def the_store_is_swept(self, limit):
        """Sweeping frees space and changes no answer, at this time."""
        self.server.sweep(limit)
        for grant in self.known:
            record = self.world.record(grant.token_id)
            if record is None:
                grant.deleted = grant.deleted or self._status(grant) is Status.GONE
                continue
            grant.code_dropped = not self._is_kept(grant.code)
            for issued in (*grant.access, *grant.refresh):
                if not issued.dropped and not self._is_kept(issued.secret):
                    assert issued.generation < grant.generation or self._is_over(issued)
                    issued.dropped = True

    def _is_kept(self, presented):
        kind, token_id, secret = locate(presented)
        return self.world.store.token(
            self.world.realm, token_id, digest(self.world.realm, kind, secret)
        ).credential

    def _is_over(self, issued):
        return issued.expires_at is not None and self.clock.now >= issued.expires_at

    # What must hold

    def _status(self, grant):
        """The status as the laws have it, worked out from what the test knows."""
        if grant.revoked:
            return Status.REVOKED
        now = self.clock.now
        if not grant.generation and now >= grant.created_at + self.profile.pending_lifetime:
            return Status.GONE
        if self.profile.token_lifetime is not None and now >= grant.created_at + self.profile.token_lifetime:
            return Status.EXPIRED
        if not grant.generation:
            return Status.PENDING
        return Status.INACTIVE if grant.paused else Status.ACTIVE

    @invariant()
    def what_is_stored_is_what_happened(self):
        """No token comes back, advances, pauses or is disconnected behind anybody's back."""
        for grant in getattr(self, "known", ()):
            record = self.world.record(grant.token_id)
            assert (record is None) is grant.deleted
            assert grant.redemptions <= 1
            if record is not None:
                token = record.token
                assert (token.revoked_at is not None) is grant.revoked
                assert token.generation == grant.generation
                assert token.settings.active is not grant.paused
                assert token.settings.verifier_failures == grant.wrong_verifiers

    @invariant()
    def exactly_the_living_is_accepted(self):
        """Every access token ever issued is presented: those of living tokens pass, all others do not."""
        for grant in getattr(self, "known", ()):
            found = self._status(grant)
            for issued in grant.access:
                outcome = self.server.access(f"Bearer {issued.secret}")
                alive = (
                    not grant.deleted
                    and not issued.dropped
                    and grant.generation - issued.generation in {0, 1}
                    and self.clock.now < issued.expires_at
                    and grant.user not in self.world.people.disabled
                    and found in {Status.ACTIVE, Status.INACTIVE}
                )
                if isinstance(outcome, Refusal):
                    told = self.profile.paused == "forbid" and alive and found is Status.INACTIVE
                    expected = "paused" if told else "invalid_token"
                    assert outcome.reason == expected
                    assert not (alive and found is Status.ACTIVE)
                else:
                    assert alive
                    assert found is Status.ACTIVE

    @invariant()
    def the_list_shows_what_is_there(self):
        """Each user sees their tokens that are not gone, with their status, and nobody else's."""
        if not hasattr(self, "known"):
            return
        for user in ("ann", "bob"):
            shown = {view.token.id: view.status for view in self.server.tokens(user, limit=1000).items}
            assert shown == {
                grant.token_id: self._status(grant)
                for grant in self.known
                if grant.user == user and not grant.deleted and self._status(grant) is not Status.GONE
            }


class AsyncLifecycle(Lifecycle):
    """The same on the other server."""

    colour = "async"


class StrictLifecycle(Lifecycle):
    """No retries, no tolerance, an end, and a pause that looks like one."""

    profile = evolve(STRICT, token_lifetime=5 * DAY, idle_registration=None)


class AsyncStrictLifecycle(StrictLifecycle):
    """The same on the other server."""

    colour = "async"


class FileLifecycle(Lifecycle):
    """The same over a database file."""

    def new_world(self):
        """A server over a file that goes with the example."""
        self.folder = TemporaryDirectory()
        store = SQLiteStore(Path(self.folder.name) / "store.db", synchronous="NORMAL")
        return World(self.colour, profile=self.profile, store=store)

    def teardown(self):
        """Close and remove the file."""
        super().teardown()
        if hasattr(self, "folder"):
            self.folder.cleanup()


TestLifecycle = Lifecycle.TestCase
TestAsyncLifecycle = AsyncLifecycle.TestCase
TestStrictLifecycle = StrictLifecycle.TestCase
TestAsyncStrictLifecycle = AsyncStrictLifecycle.TestCase
TestFileLifecycle = FileLifecycle.TestCase

# Each example is a hundred requests and more: a tenth of the examples of simpler laws fits the time of a night.
EXAMPLES = max(10, settings().max_examples // 10)
for case_ in (
    TestLifecycle,
    TestAsyncLifecycle,
    TestStrictLifecycle,
    TestAsyncStrictLifecycle,
    TestFileLifecycle,
):
    case_.settings = settings(max_examples=EXAMPLES)
del case_
