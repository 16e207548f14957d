"""What every store does when it is asked by one caller after another."""

from contextlib import suppress
from functools import partial
from typing import ClassVar

import pytest
from attrs import evolve
from hypothesis import HealthCheck, given, settings

from scopegate.core.caps import ApplicationCap, RoleCap
from scopegate.core.changes import (
    AddCredential,
    AdvanceToken,
    AppendEvent,
    Change,
    CreateToken,
    DeleteToken,
    DropCredential,
    PutClient,
    PutOnce,
    ReviseToken,
    RevokeToken,
    Touch,
)
from scopegate.core.clients import Client
from scopegate.core.credentials import Credential
from scopegate.core.events import Event
from scopegate.core.records import OnceRow, TokenQuery, TokenRecord
from scopegate.core.tokens import Settings, Token
from scopegate.errors import ConflictError
from scopegate.protocols import Store
from scopegate.testing import _store_samples as samples
from scopegate.testing._store_cases import FALSE, FOLLOWERS, TRUE, everything, furnish
from scopegate.testing._store_samples import (
    NOW,
    digest_of,
    every,
    fresh_realm,
    make_client,
    make_credential,
    make_event,
    make_settings,
    make_token,
)

examples = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)


def equal(actual: object, expected: object, rule: str) -> None:
    """Fail with the rule that was broken, unless both are equal."""
    if actual != expected:
        raise AssertionError(f"{rule}\n  expected: {expected!r}\n  got:      {actual!r}")


def holds(condition: bool, rule: str) -> None:  # noqa: FBT001 - a condition and what it stands for
    """Fail with the rule that was broken, unless the condition is true."""
    if not condition:
        raise AssertionError(rule)


def refused(store: Store, realm: str, change: Change, *followers: Change) -> None:
    """Fail unless the guard of a change is false."""
    try:
        store.commit(realm, [change, *followers])
    except ConflictError:
        return
    raise AssertionError(
        f"the guard of {type(change).__name__} is false, and the commit must raise ConflictError"
    )


class RoundTrips:
    """What is put comes back as it was."""

    scopegate_group: ClassVar[str] = "R"

    @pytest.mark.parametrize("name", samples.TEXTS)
    def test_every_text_comes_back_as_it_was_put(self, store: Store, name: str) -> None:
        """Neither cut, nor trimmed, nor normalised, nor none."""
        text = samples.TEXTS[name]
        cap = RoleCap(text, {text: text}, text, {text: ApplicationCap(text, text)})
        token = make_token(settings=make_settings(text, description=text, cap=cap), scopes=(text, text))
        client = make_client(name=text, redirect_uris=(text,), homepage=text)
        event = evolve(make_event(), detail={text: text})
        store.commit("realm", [PutClient(client, 0)])
        store.commit("realm", [CreateToken(token), AppendEvent(event)])
        equal(
            store.token("realm", "one"), TokenRecord.of(token, client, None), "text comes back as it was put"
        )
        page = store.events("realm", user="ann", token_id=None, after=None, limit=1)
        equal(list(page.items), [event], "text of events comes back as it was put")

    def test_values_are_copied_in_and_out(self, store: Store) -> None:
        """Whoever changes what was handed in, or read, changes nothing of what is kept."""
        detail, unknown = {"what": "told"}, {"of a newer release": 1}
        event = evolve(make_event(), detail=detail)
        store.commit("realm", [CreateToken(make_token(unknown=unknown)), AppendEvent(event)])
        detail["what"], unknown["of a newer release"] = "changed", 2
        for place in ("put", "read"):
            page = store.events("realm", user=None, token_id=None, after=None, limit=1)
            found = [dict(each.detail) for each in page.items]
            equal(found, [{"what": "told"}], f"an event is kept as it was {place}")
            with suppress(TypeError):
                page.items[0].detail["what"] = "changed"  # type: ignore[index] # pyright: ignore[reportIndexIssue]
        record = store.token("realm", "one")
        equal(record and record.token.unknown, {"of a newer release": 1}, "a token is kept as it was put")

    @examples
    @given(token=samples.tokens)
    def test_a_token_comes_back_as_it_was_put(self, store: Store, token: Token) -> None:
        """Every field, every character, every bit of a time."""
        realm = fresh_realm()
        store.commit(realm, [CreateToken(token)])
        equal(
            store.token(realm, token.id),
            TokenRecord.of(token, None, None),
            "a token comes back as it was put",
        )
        page = store.tokens(realm, TokenQuery(user=token.user), after=None, limit=9)
        equal(list(page.items), [token], "a list gives the token as it was put")

    @examples
    @given(before=samples.all_settings, after=samples.all_settings)
    def test_settings_come_back_as_they_were_revised(
        self, store: Store, before: Settings, after: Settings
    ) -> None:
        """Nothing of the settings before shines through."""
        realm = fresh_realm()
        token = make_token(settings=before)
        store.commit(realm, [CreateToken(token)])
        store.commit(realm, [ReviseToken("one", 1, after)])
        record = store.token(realm, "one")
        expected = evolve(token, settings=after, version=2)
        equal(record and record.token, expected, "revised settings replace those before, and nothing else")

    @examples
    @given(credential=samples.credentials)
    def test_a_credential_comes_back_as_it_was_put(self, store: Store, credential: Credential) -> None:
        """By its token and its digest, and by nothing else."""
        realm = fresh_realm()
        token = make_token(credential.token_id)
        store.commit(realm, [CreateToken(token), AddCredential(credential)])
        record = store.token(realm, token.id, credential.digest)
        equal(record, TokenRecord.of(token, None, credential), "a credential comes back as it was put")
        other = bytes([credential.digest[0] ^ 1]) + credential.digest[1:]
        equal(
            store.token(realm, token.id, other),
            TokenRecord.of(token, None, None),
            "a digest that differs by one bit finds no credential",
        )

    @examples
    @given(client=samples.clients)
    def test_a_client_comes_back_as_it_was_put(self, store: Store, client: Client) -> None:
        """Alone, in a list, and beside its token."""
        realm = fresh_realm()
        token = make_token(client_id=client.id)
        store.commit(realm, [PutClient(client, 0)])
        store.commit(realm, [CreateToken(token)])
        equal(store.client(realm, client.id), client, "a client comes back as it was put")
        equal(store.token(realm, "one"), TokenRecord.of(token, client, None), "a token comes with its client")
        listed = every(partial(store.clients, realm, owner=client.owner))
        equal(listed, [client], "a list gives the client as it was put")

    @examples
    @given(event=samples.events)
    def test_an_event_comes_back_as_it_was_put(self, store: Store, event: Event) -> None:
        """By its user and by its token."""
        realm = fresh_realm()
        store.commit(realm, [Touch("absent", NOW), AppendEvent(event)])
        for user, token_id in ((event.user, None), (None, event.token_id), (event.user, event.token_id)):
            found = every(partial(store.events, realm, user=user, token_id=token_id))
            equal(found, [event], "an event comes back as it was put")

    @examples
    @given(key=samples.names, value=samples.secrets, expires_at=samples.times)
    def test_a_once_row_comes_back_as_it_was_put(
        self, store: Store, key: str, value: bytes, expires_at: float
    ) -> None:
        """Until it expires."""
        realm = fresh_realm()
        store.commit(realm, [PutOnce(key, value, expires_at, expires_at - 1)])
        equal(
            store.once(realm, key, now=expires_at - 1),
            OnceRow(key, value, expires_at),
            "a once row comes back as it was put",
        )

    def test_a_token_comes_with_its_client_as_it_is_now(self, store: Store) -> None:
        """Whether the client came before the token or after it, or changed since."""
        added = make_credential("first")
        store.commit("realm", [CreateToken(make_token()), AddCredential(added)])
        for version in (0, 1, 2):
            if version:
                store.commit("realm", [PutClient(make_client(version=version), version - 1)])
            expected = make_client(version=version) if version else None
            for digest in (added.digest, None, digest_of("nobody's")):
                record = store.token("realm", "one", digest)
                equal(record and record.client, expected, "a token comes with its client as it is now")


class Guards:
    """All of a commit or nothing of it."""

    scopegate_group: ClassVar[str] = "S"

    @pytest.mark.parametrize("case", FALSE)
    def test_a_false_guard_writes_nothing_at_all(self, store: Store, case: str) -> None:
        """Neither the change nor any of its followers."""
        furnish(store, "realm")
        before = everything(store, "realm")
        refused(store, "realm", FALSE[case], *FOLLOWERS)
        equal(everything(store, "realm"), before, f"{case}: a false guard writes nothing")

    @pytest.mark.parametrize("case", TRUE)
    def test_a_true_guard_writes_the_change_and_its_followers(self, store: Store, case: str) -> None:
        """The change, and each kind of follower."""
        furnish(store, "realm")
        change, written = TRUE[case]
        store.commit("realm", [change, *FOLLOWERS])
        holds(written(store, "realm"), f"{case}: a true guard writes the change")
        added = store.token("realm", "other", digest_of("of a follower"))
        dropped = store.token("realm", "other", digest_of("of another"))
        equal(added and added.credential, FOLLOWERS[0].credential, "AddCredential follows")  # type: ignore[union-attr]  # it is an AddCredential
        equal(dropped and dropped.credential, None, "DropCredential follows")
        equal(added and added.token.last_used_at, NOW + 5, "Touch follows")
        events = every(partial(store.events, "realm", user=None, token_id=None))
        equal([event.detail["what"] for event in events], ["followed", "furnished"], "AppendEvent follows")

    def test_settings_and_protocol_have_counters_of_their_own(self, store: Store) -> None:
        """An advance makes no form stale, and an edit no refresh."""
        store.commit("realm", [CreateToken(make_token())])
        store.commit("realm", [AdvanceToken("one", 0, NOW, b"sealed")])
        store.commit("realm", [Touch("one", NOW)])
        store.commit("realm", [ReviseToken("one", 1, make_settings("Desk"))])
        store.commit("realm", [AdvanceToken("one", 1, NOW + 1, b"next", NOW + 9)])
        store.commit("realm", [Touch("one", NOW + 1, wrote=True)])
        store.commit("realm", [RevokeToken("one", NOW + 2, "over")])
        store.commit("realm", [ReviseToken("one", 2, make_settings("Phone"))])
        expected = make_token(
            settings=make_settings("Phone"),
            version=3,
            generation=2,
            advanced_at=NOW + 1,
            reply=b"next",
            revoked_at=NOW + 2,
            revoked_reason="over",
            last_used_at=NOW + 1,
            last_wrote_at=NOW + 1,
            lapses_at=NOW + 9,
        )
        record = store.token("realm", "one")
        equal(
            record and record.token, expected, "revise, advance, revoke and touch do not disturb each other"
        )

    def test_a_credential_is_never_overwritten(self, store: Store) -> None:
        """Credentials are added and dropped, and nothing else."""
        first = make_credential("first", scopes=("little",))
        store.commit("realm", [CreateToken(make_token()), AddCredential(first)])
        store.commit("realm", [Touch("one", NOW), AddCredential(evolve(first, scopes=("all",)))])
        record = store.token("realm", "one", first.digest)
        equal(record and record.credential, first, "a credential that is there stays as it is")

    def test_a_credential_of_no_token_is_not_kept(self, store: Store) -> None:
        """A token that is made later does not find it."""
        store.commit("realm", [Touch("one", NOW), AddCredential(make_credential("first"))])
        store.commit("realm", [CreateToken(make_token())])
        record = store.token("realm", "one", digest_of("first"))
        equal(record and record.credential, None, "a credential needs a token to hang off")

    def test_a_touch_never_goes_back(self, store: Store) -> None:
        """The later time stays, whatever the order of arrival."""
        store.commit("realm", [CreateToken(make_token())])
        for at in (NOW + 2, NOW + 1):
            store.commit("realm", [Touch("one", at)])
        record = store.token("realm", "one")
        equal(record and record.token.last_used_at, NOW + 2, "a touch never goes back")

    def test_only_a_touch_that_wrote_sets_the_last_change(self, store: Store) -> None:
        """Each time for itself, and neither goes back."""
        store.commit("realm", [CreateToken(make_token())])
        expected = [
            (Touch("one", NOW), NOW, None),
            (Touch("one", NOW + 2, wrote=True), NOW + 2, NOW + 2),
            (Touch("one", NOW + 5), NOW + 5, NOW + 2),
            (Touch("one", NOW + 3, wrote=True), NOW + 5, NOW + 3),
            (Touch("one", NOW + 1, wrote=True), NOW + 5, NOW + 3),
        ]
        for touch, used, wrote in expected:
            store.commit("realm", [touch])
            record = store.token("realm", "one")
            found = record and (record.token.last_used_at, record.token.last_wrote_at)
            equal(found, (used, wrote), "a touch sets the times that it tells")

    @pytest.mark.parametrize("at", [0.0, -1.0])
    def test_the_first_touch_counts_at_any_time(self, store: Store, at: float) -> None:
        """None is earlier than every time, also than the beginning of POSIX time."""
        store.commit("realm", [CreateToken(make_token())])
        store.commit("realm", [Touch("one", at, wrote=True)])
        record = store.token("realm", "one")
        found = record and (record.token.last_used_at, record.token.last_wrote_at)
        equal(found, (at, at), "the first touch counts at any time")

    def test_each_advance_says_anew_when_the_credentials_lapse(self, store: Store) -> None:
        """Also that they do not."""
        store.commit("realm", [CreateToken(make_token())])
        for generation, lapses_at in enumerate((NOW + 1, None, NOW + 3)):
            store.commit("realm", [AdvanceToken("one", generation, NOW, None, lapses_at)])
            record = store.token("realm", "one")
            equal(record and record.token.lapses_at, lapses_at, "an advance sets the end of its credentials")

    def test_a_credential_is_remembered_however_many_generations_ago(self, store: Store) -> None:
        """Until it is dropped, or its token deleted."""
        old = [make_credential(f"g{number}", generation=number) for number in range(6)]
        store.commit("realm", [CreateToken(make_token()), AddCredential(old[0])])
        for number in range(1, 6):
            store.commit("realm", [AdvanceToken("one", number - 1, NOW), AddCredential(old[number])])
        late = make_credential("late", generation=1)
        store.commit(
            "realm", [Touch("one", NOW), AddCredential(late), AddCredential(evolve(old[0], scopes=()))]
        )
        for each in (*old, late):
            record = store.token("realm", "one", each.digest)
            equal(record and record.credential, each, "a consumed credential is remembered")
        store.commit("realm", [DropCredential("one", old[0].digest)])
        refused(store, "realm", DropCredential("one", old[0].digest))
        store.commit("realm", [DeleteToken("one")])
        store.commit("realm", [CreateToken(make_token())])
        for each in (*old, late):
            record = store.token("realm", "one", each.digest)
            equal(record and record.credential, None, "a dropped or deleted credential is forgotten")
