"""A client that is no longer in the store: nothing of it passes, and its tokens stay in sight (DCR-9)."""

import pytest
from tests.support import Journey, WatchedStore, World

from scopegate.core.permissions import Layer
from scopegate.core.records import TokenRecord
from scopegate.core.tokens import Status


@pytest.fixture
def orphan():
    """A connected journey whose client was then removed from the store."""
    store = WatchedStore()
    with World(store=store) as world:
        journey = Journey(world).connect()
        journey.authorize()
        whole = store.token
        store.client = lambda *_: None
        store.token = lambda *args: (record := whole(*args)) and TokenRecord.of(record[0], None, record[2])
        yield journey


def test_its_tokens_open_nothing(orphan):
    """RS-5: invalid_token, as for any other dead token."""
    assert orphan.access("User.read").reason == "invalid_token"


def test_it_is_invalid_client_at_every_endpoint(orphan):
    """DCR-9: client libraries forget it then, and register anew."""
    assert orphan.refresh().code == "invalid_client"
    assert orphan.redeem().code == "invalid_client"
    assert orphan.revoke(orphan.refresh_token).code == "invalid_client"
    assert orphan.token.revoked_at is None


def test_it_gets_no_page(orphan):
    """RED-6: neither a new one, nor the one that is open."""
    assert orphan.authorize().problem == "unknown_client"
    assert orphan.decide().problem == "unknown_client"


def test_another_client_cannot_inherit_its_tokens(orphan):
    """REF-3: whoever asks with its secrets is not their client."""
    heir = Journey(orphan.world)
    registered = heir.register().client
    orphan.world.given_store.client = lambda *_: registered
    assert orphan.refresh(client_id=registered.id).code == "invalid_grant"
    orphan.revoke(orphan.refresh_token, client_id=registered.id)
    assert orphan.token.revoked_at is None


def test_its_tokens_stay_in_the_users_list(orphan):
    """OPS-4: without a client's name, allowed nothing, and to be deleted."""
    server = orphan.server
    (view,) = server.tokens("ann").items
    assert (view.client, view.status) == (None, Status.ACTIVE)
    assert server.token_detail("ann", orphan.token_id).client is None
    assert (
        server.explain(server.token_detail("ann", orphan.token_id), "User.read").denied_by is Layer.CREDENTIAL
    )
    server.delete("ann", orphan.token_id)
    assert server.tokens("ann").items == []
