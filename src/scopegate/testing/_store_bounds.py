"""What keeps realms, deleted tokens and broken commits apart, in every store."""

from functools import partial
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scopegate.core.changes import (
    AddCredential,
    AppendEvent,
    Change,
    CreateToken,
    DeleteToken,
    DropCredential,
    RevokeToken,
)
from scopegate.core.records import Cutoffs, TokenQuery
from scopegate.errors import ConflictError, InvalidValueError, StoreUnavailableError
from scopegate.protocols import Store
from scopegate.testing._store_cases import FOLLOWERS, TRUE, everything, furnish
from scopegate.testing._store_rules import equal, examples, holds, refused
from scopegate.testing._store_samples import (
    NOW,
    digest_of,
    every,
    make_credential,
    make_event,
    make_token,
)


class Realms:
    """Nothing is seen or changed across realms."""

    scopegate_group: ClassVar[str] = "L"

    def test_another_realm_is_empty(self, store: Store) -> None:
        """Whatever the names in it."""
        furnish(store, "realm")
        empty = {"tokens": [], "records": [], "clients": [], "events": [], "once": [None] * 3}
        for realm in ("", "REALM", "realm ", "realm2"):
            equal(everything(store, realm), empty, "a realm sees nothing of another")
            equal(store.token(realm, "one"), None, "a realm sees no token of another")
            equal(store.client(realm, "app"), None, "a realm sees no client of another")

    @pytest.mark.parametrize("case", TRUE)
    def test_a_change_leaves_other_realms_alone(self, store: Store, case: str) -> None:
        """Every kind of change, with followers."""
        furnish(store, "here")
        furnish(store, "there")
        before = everything(store, "there")
        store.commit("here", [TRUE[case].change, *FOLLOWERS])
        equal(everything(store, "there"), before, f"{case}: another realm is left alone")

    def test_a_sweep_leaves_other_realms_alone(self, store: Store) -> None:
        """However much there is to free."""
        furnish(store, "here")
        furnish(store, "there")
        before = everything(store, "there")
        cutoffs = Cutoffs(
            pending_before=NOW * 2,
            kept_before=NOW * 2,
            idle_before=NOW * 2,
            events_before=NOW * 2,
            forgotten="user",
        )
        store.sweep("here", cutoffs, limit=1000)
        equal(everything(store, "there"), before, "a sweep leaves other realms alone")


class Deletion:
    """Deleting a token leaves nothing that authenticates."""

    scopegate_group: ClassVar[str] = "D"

    def test_a_deleted_token_takes_its_credentials_along(self, store: Store) -> None:
        """A token of the same id does not find them."""
        furnish(store, "realm")
        store.commit("realm", [DeleteToken("one")])
        equal(store.token("realm", "one", digest_of("first")), None, "a deleted token is gone")
        refused(store, "realm", DropCredential("one", digest_of("first")))
        store.commit("realm", [CreateToken(make_token())])
        for name in ("first", "second"):
            record = store.token("realm", "one", digest_of(name))
            equal(record and record.credential, None, "the credentials of a deleted token are gone with it")

    def test_a_deleted_token_leaves_its_history_and_the_others(self, store: Store) -> None:
        """The history belongs to the user."""
        furnish(store, "realm")
        store.commit("realm", [DeleteToken("one"), AppendEvent(make_event("deleted"))])
        events = every(partial(store.events, "realm", user="ann", token_id="one"))
        equal(
            [event.detail["what"] for event in events], ["deleted", "furnished"], "history outlives a token"
        )
        other = store.token("realm", "other", digest_of("of another"))
        equal(other and other.credential, make_credential("of another", "other"), "other tokens stay")
        left = every(partial(store.tokens, "realm", TokenQuery(user="ann")))
        equal([token.id for token in left], ["ended"], "a deleted token is in no list")


class Errors:
    """A commit of the wrong form is an error of its author, and writes nothing."""

    scopegate_group: ClassVar[str] = "E"

    wrong: ClassVar[dict[str, list[Change]]] = {
        "two guards": [RevokeToken("one", NOW, "x"), DeleteToken("other")],
        "a follower first": [AddCredential(make_credential("third")), RevokeToken("one", NOW, "x")],
        "an event alone": [AppendEvent(make_event())],
    }

    @pytest.mark.parametrize("case", wrong)
    def test_a_commit_has_one_guarded_change_and_it_is_the_first(self, store: Store, case: str) -> None:
        """Anything else is a `TypeError`."""
        furnish(store, "realm")
        before = everything(store, "realm")
        with pytest.raises(TypeError, match="commit"):
            store.commit("realm", self.wrong[case])
        equal(everything(store, "realm"), before, f"{case}: nothing is written")

    def test_a_commit_of_nothing_does_nothing(self, store: Store) -> None:
        """An empty commit raises nothing."""
        store.commit("realm", [])
        equal(store.token("realm", "one"), None, "an empty commit writes nothing")

    @examples
    @given(cursor=st.text(max_size=12))
    def test_a_cursor_from_elsewhere_is_refused_or_harmless(self, store: Store, cursor: str) -> None:
        """Cursors travel in addresses, so anybody may write one: never a failure of the store."""
        for read in (
            partial(store.tokens, "realm", TokenQuery()),
            partial(store.events, "realm", user=None, token_id=None),
            partial(store.clients, "realm", owner=None),
        ):
            try:
                page = read(after=cursor, limit=5)
            except InvalidValueError as error:
                equal(error.field, "after", "the error names the cursor")
            else:
                equal(len(page.items), 0, "an empty realm has no page")

    def test_a_conflict_is_told_from_an_outage(self) -> None:
        """One says to decide again, the other that nothing is known."""
        holds(not issubclass(ConflictError, StoreUnavailableError), "a conflict is no outage")
        holds(not issubclass(StoreUnavailableError, ConflictError), "an outage is no conflict")
