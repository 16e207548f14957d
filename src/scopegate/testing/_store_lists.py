"""What every store does with lists, and with sweeping."""

from functools import partial
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scopegate.core.changes import (
    AddCredential,
    AdvanceToken,
    AppendEvent,
    CreateToken,
    DeleteToken,
    PutClient,
    PutOnce,
    RevokeToken,
    Touch,
)
from scopegate.core.clients import Origin
from scopegate.core.records import Cutoffs, TokenQuery
from scopegate.errors import ConflictError
from scopegate.protocols import Store
from scopegate.testing._store_rules import equal, examples, holds
from scopegate.testing._store_samples import (
    NOW,
    every,
    fresh_realm,
    make_client,
    make_credential,
    make_event,
    make_token,
)


class Lists:
    """Every list has one order, and pages of it neither repeat nor lose an item."""

    scopegate_group: ClassVar[str] = "L"

    @examples
    @given(
        ages=st.dictionaries(st.text("abcé𝄞", min_size=1, max_size=3), st.sampled_from([1.0, 1.5, 2.0])),
        limit=st.integers(1, 4),
    )
    def test_tokens_are_listed_newest_first_then_by_id(
        self, store: Store, ages: dict[str, float], limit: int
    ) -> None:
        """Whatever the size of a page."""
        realm = fresh_realm()
        for token_id, created_at in ages.items():
            store.commit(realm, [CreateToken(make_token(token_id, created_at=created_at))])
        expected = sorted(ages, key=lambda token_id: (-ages[token_id], token_id))
        for query in (TokenQuery(), TokenQuery(user="ann"), TokenQuery(client_id="app")):
            found = every(partial(store.tokens, realm, query), limit)
            equal([token.id for token in found], expected, "tokens are listed newest first, ties by id")

    def test_a_query_gives_the_tokens_it_names_and_no_others(self, store: Store) -> None:
        """By user, by client, by whether they were redeemed."""
        for token_id, user, client_id in (("a", "ann", "app"), ("b", "ann", "bot"), ("c", "bob", "app")):
            store.commit(
                "realm",
                [CreateToken(make_token(token_id, user=user, client_id=client_id, created_at=ord(token_id)))],
            )
        store.commit("realm", [AdvanceToken("a", 0, NOW)])
        for query, expected in (
            (TokenQuery(user="ann"), "ba"),
            (TokenQuery(user="an"), ""),
            (TokenQuery(client_id="app"), "ca"),
            (TokenQuery(user="ann", client_id="app"), "a"),
            (TokenQuery(pending=True), "cb"),
            (TokenQuery(pending=False), "a"),
            (TokenQuery(user="ann", pending=True), "b"),
            (TokenQuery(pending_after=ord("b")), "ca"),
            (TokenQuery(pending_after=ord("c")), "a"),
            (TokenQuery(pending=True, pending_after=ord("b")), "c"),
        ):
            found = every(partial(store.tokens, "realm", query), 1)
            equal("".join(token.id for token in found), expected, f"{query}")

    def test_a_cursor_stays_valid_while_tokens_come_and_go(self, store: Store) -> None:
        """Even when the token it stands at is deleted."""
        for number in range(6):
            store.commit("realm", [CreateToken(make_token(f"t{number}", created_at=float(number)))])
        page = store.tokens("realm", TokenQuery(user="ann"), after=None, limit=2)
        equal([token.id for token in page.items], ["t5", "t4"], "the first page has the newest")
        store.commit("realm", [DeleteToken("t4")])
        store.commit("realm", [DeleteToken("t3")])
        for name in ("newer", "newest"):
            store.commit("realm", [CreateToken(make_token(name, created_at=9.0))])
        rest = store.tokens("realm", TokenQuery(user="ann"), after=page.after, limit=9)
        equal([token.id for token in rest.items], ["t2", "t1", "t0"], "a cursor stays where it was")
        equal(rest.after, None, "the last page has no cursor")

    def test_the_last_full_page_has_no_cursor(self, store: Store) -> None:
        """Nobody asks for an empty page."""
        for number in range(2):
            store.commit("realm", [CreateToken(make_token(f"t{number}"))])
            store.commit("realm", [PutClient(make_client(f"c{number}"), 0)])
            store.commit("realm", [Touch("t0", NOW), AppendEvent(make_event())])
        for read in (
            partial(store.tokens, "realm", TokenQuery()),
            partial(store.clients, "realm", owner=None),
            partial(store.events, "realm", user=None, token_id=None),
        ):
            page = read(after=None, limit=2)
            equal((len(page.items), page.after), (2, None), "a page that ends the list has no cursor")
            holds(read(after=None, limit=1).after is not None, "a page that does not has one")

    @pytest.mark.parametrize("limit", [1, 2, 50])
    def test_events_are_listed_newest_first_in_the_order_they_were_appended(
        self, store: Store, limit: int
    ) -> None:
        """Whatever time they carry."""
        appended = (("ann", "a"), ("bob", "b"), ("ann", "c"), ("ann", "a"))
        for number, (owner, token) in enumerate(appended):
            event = make_event(str(number), user=owner, token_id=token, at=NOW - number)
            store.commit("realm", [Touch("absent", NOW), AppendEvent(event)])
        for user, token_id, expected in (
            (None, None, "3210"),
            ("ann", None, "320"),
            (None, "a", "30"),
            ("ann", "a", "30"),
            ("bob", "a", ""),
            ("", None, ""),
        ):
            found = every(partial(store.events, "realm", user=user, token_id=token_id), limit)
            equal("".join(event.detail["what"] for event in found), expected, "events are newest first")

    @pytest.mark.parametrize("limit", [1, 2, 50])
    def test_clients_are_listed_in_the_order_of_their_ids(self, store: Store, limit: int) -> None:
        """All of them, or those of one owner."""
        for client_id, owner in (("b", None), ("é", "ann"), ("a", "ann"), ("𝄞", None), ("\uffee", "bob")):
            store.commit("realm", [PutClient(make_client(client_id, owner=owner), 0)])
        for owner, expected in ((None, "abé\uffee𝄞"), ("ann", "aé"), ("eve", "")):
            found = every(partial(store.clients, "realm", owner=owner), limit)
            equal("".join(client.id for client in found), expected, "clients are in the order of their ids")


class Sweeps:
    """A sweep frees what is dead, no more, and not too much at once."""

    scopegate_group: ClassVar[str] = "P"

    def furnish(self, store: Store) -> None:
        """Four dead rows before time 10, two of them credentials; living rows beside each."""
        store.commit(
            "realm",
            [
                CreateToken(make_token("stale", created_at=10.0)),
                AddCredential(make_credential("code", "stale", keep_until=None)),
            ],
        )
        store.commit("realm", [CreateToken(make_token("waiting", created_at=10.5))])
        store.commit("realm", [CreateToken(make_token("redeemed", created_at=1.0))])
        store.commit(
            "realm",
            [
                AdvanceToken("redeemed", 0, 2.0),
                AddCredential(make_credential("old", "redeemed", generation=0, keep_until=10.0)),
                AddCredential(make_credential("young", "redeemed", generation=0, keep_until=10.5)),
                AddCredential(
                    make_credential("kept", "redeemed", generation=0, keep_until=None, expires_at=1.0)
                ),
                AddCredential(make_credential("current", "redeemed", generation=1, keep_until=10.0)),
            ],
        )
        store.commit("realm", [PutOnce("old", b"", 10.0, 0.0)])
        store.commit("realm", [PutOnce("young", b"", 10.5, 0.0)])

    def sweep(self, store: Store, limit: int) -> int:
        """Sweep what is dead at 10."""
        return store.sweep("realm", Cutoffs(pending_before=10.0, kept_before=10.0), limit=limit)

    def left(self, store: Store) -> tuple[list[str], list[str], list[str]]:
        """The tokens, credentials and once rows that are left."""
        tokens = [token.id for token in every(partial(store.tokens, "realm", TokenQuery()))]
        names = (
            ("stale", "code"),
            ("redeemed", "old"),
            ("redeemed", "young"),
            ("redeemed", "kept"),
            ("redeemed", "current"),
        )
        records = [
            (name, store.token("realm", token_id, make_credential(name).digest)) for token_id, name in names
        ]
        credentials = [name for name, record in records if record is not None and record.credential]
        once = [key for key in ("old", "young") if store.once("realm", key, now=0.0) is not None]
        return tokens, credentials, once

    def test_a_sweep_frees_what_is_dead_and_nothing_else(self, store: Store) -> None:
        """Tokens that were never redeemed, credentials and once rows past their time."""
        self.furnish(store)
        equal(self.sweep(store, 100), 4, "a sweep says how many rows it freed")
        expected = (["waiting", "redeemed"], ["young", "kept", "current"], ["young"])
        equal(self.left(store), expected, "a sweep frees what is dead and nothing else")
        equal(self.sweep(store, 100), 0, "a second sweep finds nothing")

    @pytest.mark.parametrize("limit", [1, 2, 3])
    def test_a_sweep_frees_at_most_what_it_was_asked_to(self, store: Store, limit: int) -> None:
        """Small sweeps add up to a large one."""
        self.furnish(store)
        freed = [self.sweep(store, limit) for _ in range(5)]
        holds(max(freed) <= limit, "a sweep keeps to its limit")
        equal(sum(freed), 4, "small sweeps add up")
        expected = (["waiting", "redeemed"], ["young", "kept", "current"], ["young"])
        equal(self.left(store), expected, "small sweeps free what a large one frees")

    def test_a_sweep_without_an_allowance_frees_nothing(self, store: Store) -> None:
        """Zero is zero."""
        self.furnish(store)
        before = self.left(store)
        equal((self.sweep(store, 0), self.left(store)), (0, before), "a limit of 0 frees nothing")

    def test_a_sweep_frees_nothing_that_ended_but_was_redeemed(self, store: Store) -> None:
        """Expired and disconnected tokens stay in their user's list."""
        store.commit("realm", [CreateToken(make_token(created_at=1.0, expires_at=2.0))])
        store.commit("realm", [AdvanceToken("one", 0, 1.0)])
        store.commit("realm", [RevokeToken("one", 2.0, "over")])
        equal(self.sweep(store, 100), 0, "a sweep leaves what its user should see")

    def test_a_registration_that_stays_idle_goes(self, store: Store) -> None:
        """From the first sweep that finds it without a token; not those of the operator, nor what is used again."""
        origins = {"idle": Origin.SELF_REGISTERED, "used": Origin.SELF_REGISTERED, "ours": Origin.REGISTERED}
        for client_id, origin in origins.items():
            store.commit("realm", [PutClient(make_client(client_id, origin=origin, created_at=1.0), 0)])
        store.commit("realm", [CreateToken(make_token("one", client_id="used", created_at=8.0))])
        store.commit("realm", [AdvanceToken("one", 0, 8.0)])
        equal(self._idle(store, 10.0, 9.0), (0, ["idle", "ours", "used"]), "idleness is noticed by a sweep")
        store.commit("realm", [DeleteToken("one")])
        equal(
            self._idle(store, 11.0, 9.5), (0, ["idle", "ours", "used"]), "a noticed client stays for its time"
        )
        equal(self._idle(store, 12.0, 10.0), (1, ["ours", "used"]), "and then it goes")
        store.commit("realm", [CreateToken(make_token("two", client_id="used", created_at=12.0))])
        equal(self._idle(store, 13.0, 13.0), (0, ["ours", "used"]), "a client that a token refers to stays")
        store.commit("realm", [DeleteToken("two")])
        equal(self._idle(store, 14.0, 13.5), (0, ["ours", "used"]), "its idleness is noticed anew")
        store.commit("realm", [PutClient(make_client("used", version=2), 1)])
        equal(self._idle(store, 15.0, 14.0), (0, ["ours", "used"]), "so it is of a client that was put again")
        equal(self._idle(store, 16.0, 15.0), (1, ["ours"]), "a client goes for being idle, not for being old")
        equal(self._idle(store, 99.0, 99.0), (0, ["ours"]), "a client of the operator stays")

    def test_idle_registrations_go_within_the_limit(self, store: Store) -> None:
        """A flood of them is freed bit by bit."""
        for number in range(5):
            store.commit("realm", [PutClient(make_client(f"c{number}"), 0)])
        freed = [self._idle(store, 10.0, 10.0, limit=2)[0] for _ in range(4)]
        equal(freed, [2, 2, 1, 0], "a sweep keeps to its limit with clients, too")
        store.commit("realm", [PutClient(make_client("c0"), 0)])
        equal(self._idle(store, 11.0, 10.0), (0, ["c0"]), "a client of the same id begins anew")

    def test_a_token_that_was_refused_delays_no_sweep(self, store: Store) -> None:
        """Of a token of the same id: its own time counts, whatever time somebody else came with."""
        store.commit("realm", [CreateToken(make_token("first", created_at=5.0))])
        for created_at in (1.0, 9.0):
            with pytest.raises(ConflictError):
                store.commit("realm", [CreateToken(make_token("first", created_at=created_at))])
        freed = [store.sweep("realm", Cutoffs(pending_before=time), limit=100) for time in (4.0, 5.0)]
        equal(freed, [0, 1], "it goes when it is due")

    def test_a_token_that_was_refused_keeps_its_client_idle(self, store: Store) -> None:
        """A commit whose guard is false changes nothing, and so not since when a client is idle."""
        store.commit("realm", [PutClient(make_client("idle"), 0)])
        store.commit("realm", [CreateToken(make_token("first", client_id="other", generation=1))])
        equal(self._idle(store, 10.0, 9.0), (0, ["idle"]), "idleness is noticed")
        with pytest.raises(ConflictError):
            store.commit("realm", [CreateToken(make_token("first", client_id="idle"))])
        equal(self._idle(store, 12.0, 10.0), (1, list[str]()), "and goes on")

    def test_a_client_whose_last_token_is_swept_is_noticed_by_the_next_sweep(self, store: Store) -> None:
        """A sweep notices first, and frees then."""
        store.commit("realm", [PutClient(make_client("left"), 0)])
        store.commit("realm", [CreateToken(make_token("stale", client_id="left", created_at=9.0))])
        cutoffs = Cutoffs(pending_before=10.0, kept_before=10.0, idle_before=10.0)
        freed = [store.sweep("realm", cutoffs, limit=100) for _ in range(2)]
        equal(freed, [1, 1], "the token goes with the one sweep, and its client with the next")

    def test_a_sweep_without_a_time_notices_nothing(self, store: Store) -> None:
        """Idleness counts from the first sweep that says what time it is."""
        store.commit("realm", [PutClient(make_client("idle"), 0)])
        equal(store.sweep("realm", Cutoffs(forgotten="nobody"), limit=9), 0, "there is nothing to forget")
        equal(self._idle(store, 10.0, 9.0), (0, ["idle"]), "idleness is not noticed at no time")
        equal(self._idle(store, 11.0, 10.0), (1, list[str]()), "but at the next sweep, and from then on")

    def _history(self, store: Store) -> None:
        """Two users' events at 1 to 4, and some of another realm."""
        for at in (1.0, 2.0, 3.0, 4.0):
            for user in ("user", "other"):
                event = make_event(user=user, token_id=f"of {user}", at=at)
                store.commit("realm", [Touch("no token", at), AppendEvent(event)])
                store.commit("elsewhere", [Touch("no token", at), AppendEvent(event)])

    def _times(self, store: Store, realm: str = "realm", user: str | None = "user") -> list[float]:
        """When the events happened that are left."""
        return [event.at for event in every(partial(store.events, realm, user=user, token_id=None))]

    def test_old_events_go(self, store: Store) -> None:
        """At the time or before it; younger ones stay in their order, and so do other realms."""
        self._history(store)
        equal(store.sweep("realm", Cutoffs(events_before=2.0), limit=100), 4, "two events of two users")
        equal(self._times(store), [4.0, 3.0], "the younger ones are left, the newest first")
        by_token = every(partial(store.events, "realm", user=None, token_id="of other"))
        equal([event.at for event in by_token], [4.0, 3.0], "also in the history of a token")
        equal(self._times(store, "elsewhere"), [4.0, 3.0, 2.0, 1.0], "another realm is left alone")
        equal(store.sweep("realm", Cutoffs(events_before=2.0), limit=100), 0, "a second sweep finds nothing")

    def test_old_events_go_within_the_limit(self, store: Store) -> None:
        """Together with all else."""
        self._history(store)
        freed = [store.sweep("realm", Cutoffs(events_before=9.0), limit=3) for _ in range(4)]
        equal(freed, [3, 3, 2, 0], "a sweep keeps to its limit with events, too")

    def test_a_cursor_outlives_a_sweep_of_what_it_has_not_shown(self, store: Store) -> None:
        """Who reads on misses nothing that is there, and sees nothing twice."""
        self._history(store)
        first = store.events("realm", user="user", token_id=None, after=None, limit=2)
        store.sweep("realm", Cutoffs(events_before=1.0), limit=100)
        store.commit("realm", [Touch("no token", 5.0), AppendEvent(make_event(user="user", at=5.0))])
        rest = store.events("realm", user="user", token_id=None, after=first.after, limit=9)
        equal([event.at for event in (*first.items, *rest.items)], [4.0, 3.0, 2.0], "the list stays stable")

    def test_a_cursor_outlives_a_sweep_of_what_it_has_shown(self, store: Store) -> None:
        """Also of the event it stands at; what is appended since is newer than all that was, swept or not."""
        for user in ("user", "other", "other"):
            store.commit("realm", [Touch("no token", NOW), AppendEvent(make_event(user, user=user))])
        first = store.events("realm", user=None, token_id=None, after=None, limit=1)
        equal(store.sweep("realm", Cutoffs(forgotten="other"), limit=100), 2, "the newest two events go")
        store.commit("realm", [Touch("no token", NOW), AppendEvent(make_event("since", user="user"))])
        rest = store.events("realm", user=None, token_id=None, after=first.after, limit=9)
        equal([event.detail["what"] for event in rest.items], ["user"], "a cursor stays where it was")

    def test_a_user_is_forgotten(self, store: Store) -> None:
        """The whole history, whatever its time, and nobody else's; bit by bit if wanted."""
        self._history(store)
        freed = [store.sweep("realm", Cutoffs(forgotten="user"), limit=3) for _ in range(3)]
        equal(freed, [3, 1, 0], "forgetting keeps to its limit")
        equal(self._times(store), [], "nothing of the user is left")
        equal(self._times(store, user="other"), [4.0, 3.0, 2.0, 1.0], "another user's history stays")
        equal(self._times(store, "elsewhere"), [4.0, 3.0, 2.0, 1.0], "another realm is left alone")
        left = every(partial(store.events, "realm", user=None, token_id="of user"))
        equal(left, [], "nor is it found by its token")

    def _idle(self, store: Store, now: float, idle_before: float, limit: int = 100) -> tuple[int, list[str]]:
        """Sweep, and say how many rows were freed and which clients are left."""
        freed = store.sweep("realm", Cutoffs(kept_before=now, idle_before=idle_before), limit=limit)
        return freed, [client.id for client in every(partial(store.clients, "realm", owner=None))]
