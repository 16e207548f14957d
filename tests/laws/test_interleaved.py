"""Law 3 over the whole server while others commit in between: two shells, two users, two clients, two organizations.

Every operation may be overtaken: right before its commit another one is done, through the other shell, over the same
store. What the test knows of each token it knows from the answers alone, and from nothing that the server stores.
"""

import json

from attrs import Factory, define, evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.support import Clock, Journey, People, RecordedEntropy, WatchedStore, World

from scopegate import Access, RoleCap, Status
from scopegate.errors import InvalidValueError, NotFoundError, ReadOnlyError
from scopegate.flows.outcomes import OAuthFailure, TokenReply
from scopegate.profiles import DAY, DEFAULT, HOUR

PROFILE = evolve(
    DEFAULT, lifetimes=(2 * DAY,), pending_limit=1000, idle_registration=None, consumed_memory=10_000 * DAY
)
MOMENTS = (0.0, 1e-6, 20.0, 31.0, HOUR, DAY, 3 * DAY)
ROLES = ("none", "viewer", "editor", "admin")
RANKS = {role: rank for rank, role in enumerate(ROLES)}
APPLICATIONS = {"acme": "rocket", "globex": "lamp"}
SCOPE = "all.Organization.bounded"
FEW = 4


@define(eq=False)
class Known:
    """What the test knows of one token."""

    user: str
    client: int
    token_id: str
    code: str
    created_at: float
    expires_at: float | None
    role: str
    overrides: dict = Factory(dict)
    cuts: set = Factory(set)
    generation: int = 0
    advanced_at: float = 0.0
    paused: bool = False
    revoked: bool = False
    deleted: bool = False
    access: dict = Factory(dict)
    refresh: list = Factory(list)


class Interleaved(RuleBasedStateMachine):
    """Two servers over one store; ``overtaking`` is done right before the next commit."""

    @initialize()
    def start(self):
        """Everybody is there."""
        self.overtaking = None
        shared = {
            "store": WatchedStore(self._overtaken),
            "clock": Clock(),
            "entropy": RecordedEntropy(),
            "people": People(),
            "profile": PROFILE,
        }
        self.people, self.clock = shared["people"], shared["clock"]
        self.people.join("bob", "globex", "admin", lamp="Lamp")
        self.worlds = [World("sync", **shared), World("async", **shared)]
        self.clients = [Journey(self.worlds[0], scope=SCOPE), Journey(self.worlds[0], scope=SCOPE)]
        for client in self.clients:
            client.register()
        self.known: list[Known] = []

    def teardown(self):
        """Let go of the event loops."""
        for world in getattr(self, "worlds", ()):
            world.close()

    def _overtaken(self, name, _):
        if name == "commit" and self.overtaking is not None:
            deed, self.overtaking = self.overtaking, None
            deed()

    # What people and programs do; each deed tells the test what it was answered

    def journey(self, world, known):
        """The client of a token, at one of the servers."""
        journey = Journey(world, scope=SCOPE)
        journey.client_id, journey.code = self.clients[known.client].client_id, known.code
        return journey

    def _answered(self, known, outcome, presented):
        """Keep what was answered to a secret of the generation ``presented``; a code is of generation 0."""
        if not isinstance(outcome, TokenReply):
            assert isinstance(outcome, OAuthFailure)
            assert outcome.code == "invalid_grant"
            return
        reply = json.loads(outcome.body)
        if reply["access_token"] in known.access:
            return  # told again, to who asked again
        assert known.generation == presented, "a secret that was used gave something new"
        known.generation += 1
        known.advanced_at = self.clock.now
        known.access[reply["access_token"]] = known.generation, self.clock.now + reply["expires_in"]
        known.refresh.append(reply["refresh_token"])

    def redeem(self, world, known, _):
        """Exchange the code; one that was used already disconnects the token, unless it was a moment ago."""
        outcome = self.journey(world, known).redeem()
        self._answered(known, outcome, 0)
        moment = known.generation == 1 and self.clock.now - known.advanced_at < PROFILE.replay_tolerance
        if (
            isinstance(outcome, OAuthFailure)
            and known.generation
            and not moment
            and not self.has_ended(known)
        ):
            known.revoked = True

    def refresh(self, world, known, _):
        """Refresh with the newest refresh token."""
        if known.refresh:
            presented = known.generation
            outcome = self.journey(world, known).refresh(refresh_token=known.refresh[-1])
            self._answered(known, outcome, presented)

    def reuse(self, world, known, _):
        """Refresh with the oldest, as a thief would: it may disconnect the token, and gives nothing new."""
        if len(known.refresh) > 2:
            outcome = self.journey(world, known).refresh(refresh_token=known.refresh[0])
            assert isinstance(outcome, OAuthFailure)
            known.revoked = known.revoked or not self.has_ended(known)

    def give_back(self, world, known, _):
        """The client disconnects."""
        if known.refresh:
            self.journey(world, known).revoke(known.refresh[-1])
            known.revoked = known.revoked or not self.has_ended(known)

    def pause(self, world, known, _):
        """The user switches it off."""
        world.server.pause(known.user, known.token_id)
        known.paused = True

    def resume(self, world, known, _):
        """The user switches it on."""
        world.server.resume(known.user, known.token_id)
        known.paused = False

    def recap(self, world, known, role):
        """The user sets another default, and an override of the first organization."""
        overrides = {"acme": role} if RANKS[role] % 2 else {}
        world.server.recap(known.user, known.token_id, RoleCap(role, overrides))
        known.role, known.overrides = role, overrides

    def delete(self, world, known, _):
        """The user deletes it."""
        world.server.delete(known.user, known.token_id)
        known.deleted = True

    def cut(self, world, known, role):
        """An organization takes itself out, or lets it in again."""
        out = role != "none"
        world.server.cut_out("globex", known.token_id, out=out)
        (known.cuts.add if out else known.cuts.discard)("globex")

    def disconnect(self, world, known, _):
        """The host disconnects it."""
        world.server.revoke_token(known.token_id)
        known.revoked = known.revoked or not self.has_ended(known)

    def pause_all(self, world, known, _):
        """The host pauses whatever is active; what becomes so meanwhile may come before it or after."""
        before = [each for each in self.known if self.status(each) is Status.ACTIVE]
        world.server.pause_all(user=known.user)
        for each in self.known:
            if each.user == known.user and self.status(each) is Status.ACTIVE:
                each.paused = each in before or not self.stored(each).settings.active

    DEEDS = (
        "redeem",
        "redeem",
        "refresh",
        "refresh",
        "reuse",
        "give_back",
        "pause",
        "resume",
        "recap",
        "delete",
        "cut",
        "disconnect",
        "pause_all",
    )

    def do(self, name, world, known, role):
        """Do a deed; where the token does not allow it, it is refused, and the test knows why."""
        try:
            getattr(self, name)(world, known, role)
        except NotFoundError:
            assert known.deleted or self.status(known) is Status.GONE
        except ReadOnlyError:
            assert self.has_ended(known) or (name in {"pause", "resume"} and not known.generation)
        except InvalidValueError:
            assert name == "recap"

    # What happens

    @rule(seconds=st.sampled_from(MOMENTS), back=st.booleans())
    def time_passes(self, seconds, back):
        """The clock goes on, or is set back."""
        (self.clock.back if back else self.clock.forward)(seconds / 2 if back else seconds)

    @rule(
        user=st.sampled_from(["ann", "bob"]),
        organization=st.sampled_from(["acme", "globex"]),
        role=st.sampled_from(ROLES),
    )
    def a_role_changes(self, user, organization, role):
        """The host promotes or demotes somebody."""
        self.people.role(user, organization, role)

    @precondition(lambda self: len(self.known) < FEW)
    @rule(
        which=st.sampled_from([0, 1]),
        user=st.sampled_from(["ann", "bob"]),
        client=st.sampled_from([0, 1]),
        role=st.sampled_from(ROLES[::-1]),
        lifetime=st.sampled_from(["", "172800"]),
        redeemed=st.sampled_from([True, True, False]),
    )
    def a_user_approves(self, which, user, client, role, lifetime, redeemed):
        """A token is born, and most of the time picked up at once."""
        journey = Journey(self.worlds[which], user=user, scope=SCOPE)
        journey.client_id = self.clients[client].client_id
        journey.approve(default=role, lifetime=lifetime)
        now = self.clock.now
        ends = now + 2 * DAY if lifetime else None
        known = Known(user, client, journey.token_id, journey.code, now, ends, role)
        self.known.append(known)
        if redeemed:
            self.redeem(self.worlds[which], known, role)

    @precondition(lambda self: self.known)
    @rule(
        data=st.data(),
        deed=st.sampled_from(DEEDS),
        which=st.sampled_from([0, 1]),
        role=st.sampled_from(ROLES),
    )
    def something_is_done(self, data, deed, which, role):
        """One deed."""
        known = data.draw(st.sampled_from(self.known))
        self._unless_expired(lambda: self.do(deed, self.worlds[which], known, role))

    @precondition(lambda self: self.known)
    @rule(
        data=st.data(),
        deeds=st.tuples(st.sampled_from(DEEDS), st.sampled_from(DEEDS)),
        which=st.sampled_from([0, 1]),
        roles=st.tuples(st.sampled_from(ROLES), st.sampled_from(ROLES)),
    )
    def something_is_overtaken(self, data, deeds, which, roles):
        """One deed, and another to the same token that is done before the first one's commit."""
        known = data.draw(st.sampled_from(self.known))
        # Through the synchronous shell, for an event loop that runs cannot be run again.
        self.overtaking = lambda: self.do(deeds[1], self.worlds[0], known, roles[1])
        self._unless_expired(lambda: self.do(deeds[0], self.worlds[which], known, roles[0]))
        self.overtaking = None

    def _unless_expired(self, deed):
        """Do it, and look whether it changed a token that has expired."""
        expired = [known for known in self.known if self.status(known) is Status.EXPIRED]
        before = [self.stored(known) for known in expired]
        deed()
        for known, stored in zip(expired, before, strict=True):
            assert known.deleted or self.stored(known) == stored, "an expired token has changed"

    @precondition(lambda self: self.known)
    @rule(
        data=st.data(),
        deed=st.sampled_from(["pause", "resume", "recap", "delete"]),
        which=st.sampled_from([0, 1]),
    )
    def a_stranger_tries(self, data, deed, which):
        """Nobody sees or changes another's token, and cannot tell it from one that is not there."""
        known = data.draw(st.sampled_from(self.known))
        stranger = "bob" if known.user == "ann" else "ann"
        before = self.stored(known)
        server = self.worlds[which].server
        more = (RoleCap("admin"),) if deed == "recap" else ()
        told = []
        for attempt, arguments in (
            (getattr(server, deed), more),
            (server.token_detail, ()),
            (server.advice, ()),
        ):
            try:
                attempt(stranger, known.token_id, *arguments)
            except NotFoundError as error:
                told.append(str(error))
        assert told == ["there is no such token"] * 3
        assert not server.history(stranger, known.token_id).items
        assert self.stored(known) == before

    @rule(which=st.sampled_from([0, 1]))
    def the_store_is_swept(self, which):
        """Which changes no answer; what is out of time may be gone for good, if the clock is set back later."""
        self.worlds[which].server.sweep()
        for known in self.known:
            known.deleted = known.deleted or self.status(known) is Status.GONE
            for secret, (_, ends) in list(known.access.items()):
                if self.clock.now >= ends:
                    del known.access[secret]

    # What must hold

    def stored(self, known):
        """What is stored of a token; None: nothing."""
        record = self.worlds[0].record(known.token_id)
        return None if record is None else record.token

    def status(self, known):
        """The status as the test knows it."""
        now = self.clock.now
        if known.deleted or (not known.generation and now >= known.created_at + DAY):
            return Status.GONE
        if known.revoked:
            return Status.REVOKED
        if known.expires_at is not None and now >= known.expires_at:
            return Status.EXPIRED
        if not known.generation:
            return Status.PENDING
        return Status.INACTIVE if known.paused else Status.ACTIVE

    def has_ended(self, known):
        """Whether nothing can be done with it any more."""
        return self.status(known) in {Status.GONE, Status.REVOKED, Status.EXPIRED}

    def may_read(self, known, organization):
        """Whether its user's role, its cap and the organization let it read there."""
        live = next(
            (place.role for place in self.people.places[known.user] if place.organization == organization),
            "none",
        )
        cap = known.overrides.get(organization, known.role)
        return organization not in known.cuts and min(RANKS[live], RANKS[cap]) >= 1

    @invariant()
    def only_what_lives_is_accepted(self):
        """By either shell: a secret of an active token, of its last two generations, in time, and nothing else."""
        for known in getattr(self, "known", ()):
            for secret, (generation, ends) in known.access.items():
                good = (
                    self.status(known) is Status.ACTIVE
                    and self.clock.now < ends
                    and generation >= known.generation - 1
                )
                for world in self.worlds:
                    found = world.server.access(f"Bearer {secret}")
                    assert isinstance(found, Access) is good, (known, found)
                    for organization, application in APPLICATIONS.items():
                        here = world.server.access(f"Bearer {secret}", "Application.read", None, application)
                        assert isinstance(here, Access) is (good and self.may_read(known, organization))

    @invariant()
    def each_user_sees_their_own(self):
        """With the status that it has, through both shells, in both lists."""
        for user in ("ann", "bob") if hasattr(self, "known") else ():
            mine = {
                known.token_id: self.status(known)
                for known in self.known
                if known.user == user and self.status(known) is not Status.GONE
            }
            for world in self.worlds:
                assert {
                    view.token.id: view.status for view in world.server.tokens(user, limit=1000).items
                } == mine


TestInterleaved = Interleaved.TestCase
# Each step asks both shells about every secret there is.
TestInterleaved.settings = settings(
    max_examples=max(10, settings().max_examples // 10), stateful_step_count=30
)
