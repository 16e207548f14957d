"""For each kind of change: how its guard is made true, and how it is made false."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from attrs import evolve

from scopegate.core.changes import (
    AddCredential,
    AdvanceToken,
    AppendEvent,
    Change,
    CreateToken,
    DeleteToken,
    DropCredential,
    Follower,
    PutClient,
    PutOnce,
    ReviseToken,
    RevokeToken,
    TakeOnce,
    Touch,
)
from scopegate.protocols import Store
from scopegate.testing._store_samples import (
    NOW,
    digest_of,
    make_client,
    make_credential,
    make_event,
    make_settings,
    make_token,
    snapshot,
)

DIGESTS: Final = tuple(map(digest_of, ("first", "second", "of another", "of a follower", "nobody's")))
KEYS: Final = ("kept", "expired", "new")


def furnish(store: Store, realm: str) -> None:
    """Put one of everything into a realm.

    The token ``one`` has version 3, generation 2, and the credentials ``first`` and ``second``; ``other`` was never
    redeemed and has a credential; ``ended`` is revoked at generation 1. The client ``app`` has version 4. The once row
    ``kept`` lives for a second after `NOW`, ``expired`` ends at it.
    """
    batches: Sequence[Sequence[Change]] = (
        [PutClient(make_client(version=4), 0)],
        [CreateToken(make_token()), *map(AddCredential, map(make_credential, ("first", "second")))],
        [ReviseToken("one", 1, make_settings("Desk"))],
        [ReviseToken("one", 2, make_settings("Phone"))],
        [AdvanceToken("one", 0, NOW)],
        [AdvanceToken("one", 1, NOW, b"sealed"), AppendEvent(make_event("furnished"))],
        [CreateToken(make_token("other", user="bob")), AddCredential(make_credential("of another", "other"))],
        [CreateToken(make_token("ended"))],
        [AdvanceToken("ended", 0, NOW)],
        [RevokeToken("ended", NOW, "enough")],
        [PutOnce("kept", b"value", NOW + 1, NOW)],
        [PutOnce("expired", b"value", NOW, NOW - 1)],
    )
    for changes in batches:
        store.commit(realm, changes)


def everything(store: Store, realm: str) -> dict[str, object]:
    """All that a furnished realm holds."""
    return snapshot(store, realm, digests=DIGESTS, keys=KEYS)


FOLLOWERS: Final[tuple[Follower, ...]] = (
    AddCredential(make_credential("of a follower", "other")),
    DropCredential("other", digest_of("of another")),
    AppendEvent(make_event("followed")),
    Touch("other", NOW + 5),
)
"""One of each kind, about a token that no guard in these cases is about."""

_PUT: Final = PutClient(make_client(name="Renamed", version=5), 4)

FALSE: Final[dict[str, Change]] = {
    "CreateToken of an id that is there": CreateToken(make_token(user="eve")),
    "CreateToken of an id that is revoked": CreateToken(make_token("ended", user="eve")),
    "ReviseToken from an earlier version": ReviseToken("one", 2, make_settings("Lost")),
    "ReviseToken from a later version": ReviseToken("one", 4, make_settings("Lost")),
    "ReviseToken of no token": ReviseToken("absent", 1, make_settings("Lost")),
    "AdvanceToken from an earlier generation": AdvanceToken("one", 1, NOW, b"lost"),
    "AdvanceToken from a later generation": AdvanceToken("one", 3, NOW, b"lost"),
    "AdvanceToken of a revoked token": AdvanceToken("ended", 1, NOW, b"lost"),
    "AdvanceToken of no token": AdvanceToken("absent", 0, NOW, b"lost"),
    "RevokeToken of a revoked token": RevokeToken("ended", NOW + 1, "lost"),
    "RevokeToken of no token": RevokeToken("absent", NOW, "lost"),
    "DeleteToken of no token": DeleteToken("absent"),
    "DeleteToken at generation 0 of one that was redeemed": DeleteToken("one", 0),
    "DeleteToken at a later generation": DeleteToken("one", 3),
    "PutClient as new over one that is there": evolve(_PUT, expected_version=0),
    "PutClient from an earlier version": evolve(_PUT, expected_version=3),
    "PutClient from a later version": evolve(_PUT, expected_version=5),
    "PutClient of a version where there is none": PutClient(make_client("absent", version=2), 1),
    "PutOnce over one that is kept": PutOnce("kept", b"lost", NOW + 9, NOW),
    "TakeOnce of nothing": TakeOnce("new", NOW),
    "TakeOnce of what expired": TakeOnce("expired", NOW),
    "DropCredential of nothing": DropCredential("one", digest_of("nobody's")),
    "DropCredential of another token's": DropCredential("one", digest_of("of another")),
    "DropCredential of no token": DropCredential("absent", digest_of("first")),
}
"""Changes whose guard is false in a furnished realm."""


class TrueCase(NamedTuple):
    """A change whose guard is true in a furnished realm, and what tells that it was written."""

    change: Change
    written: Callable[[Store, str], bool]


def _token_has(token_id: str, **expected: object) -> Callable[[Store, str], bool]:
    def judge(store: Store, realm: str) -> bool:
        record = store.token(realm, token_id)
        return record is not None and all(
            getattr(record.token, name) == value for name, value in expected.items()
        )

    return judge


def _client_is(version: int) -> Callable[[Store, str], bool]:
    def judge(store: Store, realm: str) -> bool:
        client = store.client(realm, "app")
        return client is not None and client.version == version

    return judge


def _once_is(key: str, value: bytes | None) -> Callable[[Store, str], bool]:
    def judge(store: Store, realm: str) -> bool:
        row = store.once(realm, key, now=NOW)
        return (None if row is None else row.value) == value

    return judge


def _no_token(store: Store, realm: str) -> bool:
    return store.token(realm, "one") is None


def _no_credential(store: Store, realm: str) -> bool:
    record = store.token(realm, "one", digest_of("first"))
    return record is not None and record.credential is None


TRUE: Final[dict[str, TrueCase]] = {
    "CreateToken": TrueCase(CreateToken(make_token("new")), _token_has("new", version=1)),
    "ReviseToken": TrueCase(
        ReviseToken("one", 3, make_settings("Watch")),
        _token_has("one", version=4, generation=2, settings=make_settings("Watch"), reply=b"sealed"),
    ),
    "AdvanceToken": TrueCase(
        AdvanceToken("one", 2, NOW + 1, b"next"),
        _token_has("one", generation=3, version=3, advanced_at=NOW + 1, reply=b"next"),
    ),
    "AdvanceToken without a reply": TrueCase(
        AdvanceToken("one", 2, NOW + 1), _token_has("one", generation=3, reply=None)
    ),
    "RevokeToken": TrueCase(
        RevokeToken("one", NOW + 1, "over"),
        _token_has("one", revoked_at=NOW + 1, revoked_reason="over", version=3, generation=2),
    ),
    "DeleteToken": TrueCase(DeleteToken("one"), _no_token),
    "DeleteToken at its generation": TrueCase(DeleteToken("one", 2), _no_token),
    "PutClient": TrueCase(_PUT, _client_is(5)),
    "PutOnce": TrueCase(PutOnce("new", b"new", NOW + 1, NOW), _once_is("new", b"new")),
    "PutOnce over what expired": TrueCase(
        PutOnce("expired", b"new", NOW + 1, NOW), _once_is("expired", b"new")
    ),
    "TakeOnce": TrueCase(TakeOnce("kept", NOW), _once_is("kept", None)),
    "DropCredential": TrueCase(DropCredential("one", digest_of("first")), _no_credential),
    "Touch": TrueCase(Touch("one", NOW + 1), _token_has("one", last_used_at=NOW + 1)),
}
"""Changes whose guard is true in a furnished realm, one for each kind at least."""
