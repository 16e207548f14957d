"""What every store does with secrets."""

from base64 import b64encode, urlsafe_b64encode
from traceback import format_exception
from typing import ClassVar, Final

import pytest

from scopegate.core.changes import (
    AddCredential,
    AdvanceToken,
    AppendEvent,
    Change,
    CreateToken,
    DropCredential,
    Follower,
    PutClient,
    PutOnce,
    ReviseToken,
    Touch,
)
from scopegate.core.clients import ClientSecret
from scopegate.core.credentials import CredentialKind, digest
from scopegate.errors import ConflictError
from scopegate.protocols import Store
from scopegate.testing._store_cases import furnish
from scopegate.testing._store_rules import holds
from scopegate.testing._store_samples import (
    NOW,
    digest_of,
    make_client,
    make_credential,
    make_event,
    make_settings,
    make_token,
)

CANARY: Final = "canary-quite-unlike-anything-else"
CANARIES: Final = (CANARY.encode(), digest_of(CANARY))
FOLLOWING: Final[tuple[Follower, ...]] = (
    AddCredential(make_credential(CANARY)),
    AppendEvent(make_event(CANARY)),
)
"""Followers that carry what no error may tell."""

LOSING: Final[dict[str, list[Change]]] = {
    "CreateToken": [CreateToken(make_token(code_salt=CANARY)), *FOLLOWING],
    "ReviseToken": [ReviseToken("one", 1, make_settings(CANARY)), *FOLLOWING],
    "AdvanceToken": [AdvanceToken("one", 9, NOW, CANARY.encode()), *FOLLOWING],
    "PutClient": [
        PutClient(make_client(name=CANARY, secrets=(ClientSecret(digest_of(CANARY)),)), 9),
        *FOLLOWING,
    ],
    "PutOnce": [PutOnce("kept", CANARY.encode(), NOW + 1, NOW), *FOLLOWING],
    "DropCredential": [DropCredential("one", digest_of(CANARY)), *FOLLOWING],
    "two guards": [
        ReviseToken("one", 3, make_settings(CANARY)),
        PutOnce("new", CANARY.encode(), NOW + 1, NOW),
    ],
    "a follower first": [*FOLLOWING],
}
"""Commits that are refused, full of what no error may tell."""


class Secrecy:
    """What is stored authenticates nobody."""

    scopegate_group: ClassVar[str] = "H"

    def dump(self, store: Store) -> bytes:
        """All that the store wrote, as raw as it can be had. Override this."""
        raise NotImplementedError(f"{type(store).__name__}: override dump() to give all that the store wrote")

    def test_a_dump_has_digests_and_no_secret(self, store: Store) -> None:
        """In none of the usual encodings."""
        secrets = {kind: f"secret-of-{kind.name}-{'x' * 20}" for kind in CredentialKind}
        store.commit("realm", [CreateToken(make_token())])
        for kind, secret in secrets.items():
            added = make_credential("", kind=kind, digest=digest("realm", kind.value, secret))
            store.commit("realm", [Touch("one", NOW), AddCredential(added)])
        dump = self.dump(store)
        for kind, secret in secrets.items():
            holds(occurs(digest("realm", kind.value, secret), dump), "a dump shows the digests")
            holds(not occurs(secret.encode(), dump), "a dump shows no secret")

    @pytest.mark.parametrize("case", LOSING)
    def test_an_error_tells_nothing_of_what_was_handed_in(self, store: Store, case: str) -> None:
        """Neither in its own words nor in those of its causes: errors end up in logs."""
        furnish(store, "realm")
        try:
            store.commit("realm", LOSING[case])
        except (ConflictError, TypeError) as error:
            quiet(error, case)
        else:
            raise AssertionError(f"{case}: the commit is refused")


def quiet(error: Exception, case: str) -> None:
    """Fail if an error, with all its causes as a log would show them, tells what was handed in."""
    told = "".join(format_exception(error)).encode()
    for value in CANARIES:
        holds(not occurs(value, told), f"{case}: an error tells nothing of what was handed in")


def occurs(value: bytes, dump: bytes) -> bool:
    """Whether a value is somewhere in a dump, as it is or in one of the usual encodings."""
    forms = (
        value,
        value.hex().encode(),
        b64encode(value).rstrip(b"="),
        urlsafe_b64encode(value).rstrip(b"="),
        value.decode("latin-1").encode("utf-16-le"),
    )
    return any(form in dump for form in forms)
