"""Several servers in one store: a realm sees nothing of another."""

import pytest
from tests.support import Journey, RecordedEntropy

from scopegate.core.changes import AddCredential, CreateToken, PutClient
from scopegate.errors import NotFoundError
from scopegate.flows.outcomes import Done, ErrorPage, OAuthFailure, Redirect
from scopegate.flows.requests import ConsentForm
from scopegate.stores import MemoryStore, SQLiteStore


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    """Both embedded stores."""
    found = MemoryStore() if request.param == "memory" else SQLiteStore(tmp_path / "store.db")
    yield found
    found.close()


def test_nothing_of_a_realm_is_known_in_another(make_world, store):
    """Clients, codes, tokens, lists and pages: with the same keys, in the same store."""
    one = make_world(store=store, realm="one")
    two = make_world(
        store=store, realm="two", clock=one.clock, people=one.people, entropy=RecordedEntropy("two")
    )
    journey = Journey(one).connect()
    used = journey.refresh_token
    journey.refresh()
    one.clock.forward(60)
    assert len(one.server.tokens("ann").items) == 1
    form = ConsentForm(journey.transaction, "approve", "editor")
    journey.server = two.server
    assert journey.access().reason == "invalid_token"
    assert journey.refresh().code == "invalid_client"
    assert journey.authorize() == ErrorPage("unknown_client")
    assert two.server.consent(form, journey.signed_in) == ErrorPage("expired_transaction")
    assert two.server.tokens("ann").items == []
    with pytest.raises(NotFoundError):
        two.server.delete("ann", journey.token_id)
    stranger = Journey(two)
    stranger.register()
    for secret in (used, journey.refresh_token):
        assert isinstance(stranger.refresh(refresh_token=secret), OAuthFailure)
        assert stranger.revoke(secret) == Done()
    two.server.sweep()
    journey.server = one.server
    assert journey.access().user == "ann"
    assert [event.user for event in two.events(user="ann")] == []


def test_the_same_rows_under_another_realm_open_nothing(make_world, store):
    """A digest belongs to its realm: who copies rows from one to the other gains no secret that works."""
    one = make_world(store=store, realm="one")
    two = make_world(
        store=store, realm="two", clock=one.clock, people=one.people, entropy=RecordedEntropy("two")
    )
    journey = Journey(one).connect()
    journey.authorize()
    granted = journey.access()
    two.store.commit("two", [PutClient(granted.record.client, 0)])
    two.store.commit("two", [CreateToken(granted.token), AddCredential(granted.credential)])
    journey.server = two.server
    assert journey.access().reason == "invalid_token"
    assert journey.decide() == ErrorPage("expired_transaction")
    assert [view.token.id for view in two.server.tokens("ann").items] == [granted.token_id]


def test_an_open_page_belongs_to_its_server(make_world):
    """CON-2: not to another one with the same keys, realm, users, clients and resources, such as a rehearsal's."""
    one = make_world()
    two = make_world(clock=one.clock, people=one.people, issuer="https://rehearsal.example")
    journey = Journey(one)
    journey.register()
    journey.authorize()
    two.store.commit("default", [PutClient(one.store.client("default", journey.client_id), 0)])
    journey.server = two.server
    assert journey.decide() == ErrorPage("expired_transaction")
    journey.server = one.server
    assert isinstance(journey.decide(), Redirect)
