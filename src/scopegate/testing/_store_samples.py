"""Values to put into a store, how to look at all that is in it, and how to race it."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from hashlib import sha256
from itertools import count
from math import inf
from threading import Barrier, Thread
from typing import Any, Final, Protocol, TypeVar

from hypothesis import strategies as st

from scopegate.core.caps import ApplicationCap, RoleCap
from scopegate.core.clients import AuthMethod, Client, ClientSecret, Origin
from scopegate.core.credentials import Credential, CredentialKind
from scopegate.core.events import Event, EventKind
from scopegate.core.records import Page, TokenQuery
from scopegate.core.tokens import Settings, Token
from scopegate.errors import ConflictError
from scopegate.protocols import Store

T = TypeVar("T")

NOW: Final = 1_700_000_000.25
_numbers: Final = count()


class Reader(Protocol[T]):
    """Reads one page of a list."""

    def __call__(self, *, after: str | None, limit: int) -> Page[T]:
        """The page after a cursor."""
        ...


def fresh_realm() -> str:
    """A realm that no other example has used."""
    return f"realm-{next(_numbers)}"


def digest_of(name: str) -> bytes:
    """A digest; the same name gives the same one."""
    return sha256(name.encode()).digest()


def make_settings(name: str = "Laptop", **changes: Any) -> Settings:  # noqa: ANN401 - attrs checks them
    """Settings with a cap on every level."""
    cap = RoleCap("view", {"acme": "edit"}, "admin", {"thermostat": ApplicationCap("view", "acme")}, {"acme"})
    values: dict[str, Any] = {"name": name, "cap": cap}
    return Settings(**(values | changes))


def make_token(token_id: str = "one", **changes: Any) -> Token:  # noqa: ANN401 - any field of it
    """A token that was just approved."""
    values: dict[str, Any] = {
        "id": token_id,
        "user": "ann",
        "client_id": "app",
        "redirect_uri": "https://app.example/callback",
        "scopes": ("all.Application.read",),
        "resources": ("https://acme.example/mcp",),
        "created_at": NOW,
        "settings": make_settings(),
    }
    return Token(**(values | changes))


def make_credential(name: str, token_id: str = "one", **changes: Any) -> Credential:  # noqa: ANN401 - any field of it
    """An access credential with the digest of a name."""
    values: dict[str, Any] = {
        "token_id": token_id,
        "kind": CredentialKind.ACCESS,
        "digest": digest_of(name),
        "generation": 1,
        "created_at": NOW,
    }
    return Credential(**(values | changes))


def make_client(client_id: str = "app", **changes: Any) -> Client:  # noqa: ANN401 - any field of it
    """A client that registered itself."""
    values: dict[str, Any] = {
        "id": client_id,
        "name": "App",
        "redirect_uris": ("https://app.example/callback",),
    }
    return Client(**(values | changes))


def make_event(detail: str = "", **changes: Any) -> Event:  # noqa: ANN401 - any field of it
    """An event of the token ``one``."""
    values: dict[str, Any] = {
        "kind": EventKind.CHANGED,
        "at": NOW,
        "user": "ann",
        "token_id": "one",
        "client_id": "app",
        "detail": {"what": detail},
    }
    return Event(**(values | changes))


def every(read: Reader[T], limit: int = 50) -> list[T]:
    """All the items of a list, page by page."""
    return list(_every(read, limit))


def _every(read: Reader[T], limit: int) -> Iterator[T]:
    after: str | None = None
    while True:
        page = read(after=after, limit=limit)
        yield from page.items
        if page.after is None:
            return
        after = page.after


def snapshot(
    store: Store, realm: str, *, digests: Sequence[bytes] = (), keys: Sequence[str] = (), now: float = NOW
) -> dict[str, object]:
    """All that a realm holds, as far as it can be read: credentials and once rows only by their names."""
    tokens = every(partial(store.tokens, realm, TokenQuery()))
    return {
        "tokens": tokens,
        "records": [store.token(realm, token.id, digest) for token in tokens for digest in (*digests, None)],
        "clients": every(partial(store.clients, realm, owner=None)),
        "events": every(partial(store.events, realm, user=None, token_id=None)),
        "once": [store.once(realm, key, now=now) for key in keys],
    }


def race(runners: Sequence[Callable[[], object]]) -> list[Exception | None]:
    """Run all at once, each in its own thread, and give what each raised.

    Raises:
        Exception: what a runner raised, if it was not a `ConflictError`.
    """
    barrier = Barrier(len(runners))
    results: list[Exception | None] = [None] * len(runners)

    def run(place: int) -> None:
        barrier.wait()
        try:
            runners[place]()
        except Exception as error:  # noqa: BLE001 - it is raised in the thread that waits
            results[place] = error

    threads = [Thread(target=run, args=(place,)) for place in range(len(runners))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in results:
        if error is not None and not isinstance(error, ConflictError):
            raise error
    return results


TEXTS: Final = {
    "empty": "",
    "blanks": " a ",
    "NUL": "\0",
    "NUL within": "a\0b",
    "composed": "\u00c9",
    "decomposed": "E\u0301",
    "beyond the basic plane": "\U0001d11e",
    "last of the basic plane": "\uffff",
    "punctuation": "'\"\\%_{}?:$1",
    "long": "x" * 32_767,
}
"""Texts that stores have lost or changed."""
texts: Final = st.text(max_size=20)
"""Any text: empty, with NUL, beyond the basic plane."""
names: Final = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=20
)
"""Text that a key may be."""
times: Final = st.floats(min_value=0, max_value=1e11)
"""POSIX seconds to the last bit."""
secrets: Final = st.binary(max_size=40)
_counts: Final = st.integers(0, 2**40)
_tuples: Final = st.lists(texts, max_size=3).map(tuple)
_json: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner, max_size=2),
    max_leaves=4,
)

caps: Final = st.builds(
    RoleCap,
    texts,
    st.dictionaries(texts, texts, max_size=3),
    st.none() | texts,
    st.dictionaries(texts, st.builds(ApplicationCap, texts, st.none() | texts), max_size=3),
)
all_settings: Final = st.builds(
    Settings,
    name=texts,
    cap=caps,
    description=texts,
    active=st.booleans(),
    paused_at=st.none() | times,
    paused_for=times,
    verifier_failures=_counts,
    updated_at=st.none() | times,
    cuts=st.frozensets(texts, max_size=3),
)
tokens: Final = st.builds(
    Token,
    id=names,
    user=names,
    client_id=names,
    redirect_uri=texts,
    scopes=_tuples,
    resources=_tuples,
    created_at=times,
    settings=all_settings,
    expires_at=st.none() | times | st.just(inf),
    refreshable=st.booleans(),
    catalogue=texts,
    code_salt=texts,
    version=_counts,
    generation=_counts,
    advanced_at=st.none() | times,
    reply=st.none() | secrets,
    revoked_at=st.none() | times,
    revoked_reason=st.none() | texts,
    last_used_at=st.none() | times,
    last_wrote_at=st.none() | times,
    lapses_at=st.none() | times,
    unknown=st.dictionaries(texts.map("of a newer release: {}".format), _json, max_size=2),
)
credentials: Final = st.builds(
    Credential,
    token_id=names,
    kind=st.sampled_from(CredentialKind),
    digest=st.binary(min_size=32, max_size=32),
    generation=_counts,
    created_at=times,
    expires_at=st.none() | times,
    keep_until=st.none() | times,
    scopes=_tuples,
    resources=_tuples,
    challenge=st.none() | texts,
)
client_secrets: Final = st.builds(ClientSecret, st.binary(min_size=32, max_size=32), times, st.none() | times)
clients: Final = st.builds(
    Client,
    id=names,
    name=texts,
    redirect_uris=_tuples,
    origin=st.sampled_from(Origin),
    auth_method=st.sampled_from(AuthMethod),
    secrets=st.lists(client_secrets, max_size=2).map(tuple),
    grant_types=_tuples,
    scopes=st.none() | _tuples,
    application_type=texts,
    homepage=texts,
    terms=texts,
    privacy=texts,
    logo=texts,
    owner=st.none() | names,
    created_at=times,
    disabled=st.booleans(),
    version=_counts,
)
events: Final = st.builds(
    Event,
    kind=st.sampled_from(EventKind),
    at=times,
    user=st.just("") | names,
    token_id=st.just("") | names,
    client_id=st.just("") | names,
    detail=st.dictionaries(texts, texts, max_size=3),
)
