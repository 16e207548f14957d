"""Rows and values are two forms of the same thing."""

import json
from math import inf

import pytest
from attrs import asdict, evolve, fields
from hypothesis import given

from scopegate.core.clients import Client, ClientSecret
from scopegate.core.credentials import Credential
from scopegate.core.events import Event
from scopegate.core.tokens import Settings, Token
from scopegate.errors import StoreUnavailableError
from scopegate.stores import _codec
from scopegate.testing import _store_samples as samples
from scopegate.testing._store_samples import (
    make_client,
    make_credential,
    make_event,
    make_settings,
    make_token,
)


def exactly(first, second):
    """Equal, and of the same types: 1 is not True, and 0 is not None."""
    return first == second and shown(first) == shown(second)


def shown(value):
    """A value as text, with sets in one order."""
    return repr(asdict(value, value_serializer=lambda _value, _field, each: _ordered(each)))


def _ordered(each):
    return sorted(each) if isinstance(each, frozenset) else each


@given(samples.tokens)
def test_a_token_goes_through_its_row(token):
    """Unknown fields too."""
    again = _codec.token(_codec.token_row(token))
    assert exactly(again, token)
    assert again.unknown == token.unknown


@given(samples.credentials)
def test_a_credential_goes_through_its_row(credential):
    """Every field."""
    assert exactly(_codec.credential(_codec.credential_row(credential)), credential)


@given(samples.clients)
def test_a_client_goes_through_its_row(client):
    """Every field."""
    assert exactly(_codec.client(_codec.client_row(client)), client)


@given(samples.events)
def test_an_event_goes_through_its_row(event):
    """Every field."""
    assert exactly(_codec.event(_codec.event_row(event)), event)


@given(samples.all_settings, samples.all_settings)
def test_settings_replace_settings(before, after):
    """Nothing known shines through from the document before."""
    document = _codec.settings_document(after, _codec.settings_document(before))
    assert exactly(_codec.settings(document), after)


@given(samples.tokens)
def test_documents_are_plain_ascii_without_nul(token):
    """So that any database can keep them."""
    *_, document, settings = _codec.token_row(token)[:6]
    for text in (document, settings):
        assert text.isascii()
        assert text.isprintable()


@pytest.mark.parametrize("number", [0.1, 1e300, 5e-324, 1_700_000_000.123456, inf, -0.0])
def test_times_keep_every_bit(number):
    """They are written so that they read back the same."""
    token = make_token(expires_at=number, settings=make_settings(paused_at=number))
    again = _codec.token(_codec.token_row(token))
    assert (again.expires_at, again.settings.paused_at) == (number, number)


EXAMPLES = {
    Token: (make_token(), _codec.token_row, _codec.token),
    Credential: (make_credential("first"), _codec.credential_row, _codec.credential),
    Client: (make_client(), _codec.client_row, _codec.client),
    Event: (make_event(), _codec.event_row, _codec.event),
    Settings: (make_settings(), _codec.settings_document, _codec.settings),
}


@pytest.mark.parametrize(
    ("kind", "name"), [(kind, field.name) for kind in EXAMPLES for field in fields(kind) if field.init]
)
def test_no_field_is_forgotten(kind, name):
    """A field that is added to a value must be added to its row."""
    value, write, read = EXAMPLES[kind]
    current = getattr(value, name)
    strange = {
        "settings": make_settings("another"),
        "cap": evolve(make_settings().cap, default="admin"),
        "unknown": {"later": 1},
        "detail": {"more": "words"},
        "digest": b"another",
        "reply": b"another",
        "kind": next((each for each in type(current) if each is not current), None)
        if name == "kind"
        else None,
        "origin": next((each for each in type(current) if each is not current), None)
        if name == "origin"
        else None,
        "auth_method": next((each for each in type(current) if each is not current), None)
        if name == "auth_method"
        else None,
        "cuts": frozenset({"another"}),
        "secrets": (ClientSecret(b"another", 1.0, 2.0),),
    }.get(name)
    if strange is None:
        strange = _another(name, current)
    changed = evolve(value, **{name: strange})
    assert getattr(read(write(changed)), name) == strange != current


def _another(name, current):
    if isinstance(current, bool):
        return not current
    if isinstance(current, tuple) or name == "scopes":
        return ("another",)
    if isinstance(current, int | float):
        return current + 1
    if isinstance(current, str):
        return current + "another"
    return "another" if name in {"challenge", "owner", "revoked_reason"} else 7.5


@pytest.mark.parametrize("part", ["token", "settings", "cap", "application"])
def test_unknown_keys_survive_at_every_level(part):
    """What a newer release wrote is written again."""
    token = make_token(unknown={"later": [1, None, "x"]})
    row = _codec.token_row(token)
    document = json.loads(row[4] if part == "token" else row[5])
    place = {
        "token": lambda: document,
        "settings": lambda: document,
        "cap": lambda: document["cap"],
        "application": lambda: document["cap"]["applications"]["thermostat"],
    }[part]()
    place["later"] = {"deep": True}
    if part == "token":
        again = _codec.token((*row[:4], json.dumps(document), *row[5:]))
        assert json.loads(_codec.token_row(again)[4]) == document
        return
    written = _codec.settings_document(make_settings("another"), json.dumps(document))
    document["name"] = "another"
    assert json.loads(written) == document


def test_an_override_that_is_taken_away_takes_its_unknown_keys_along():
    """Only what is still there is kept."""
    document = json.loads(_codec.settings_document(make_settings()))
    document["cap"]["applications"]["thermostat"]["later"] = 1
    less = make_settings(cap=evolve(make_settings().cap, applications={}))
    again = _codec.settings_document(less, json.dumps(document))
    assert "applications" not in json.loads(again)["cap"]


def test_absent_keys_have_the_value_they_had_before_there_were_such_keys():
    """The defaults of old documents never move, whatever becomes of the defaults of the values."""
    row = _codec.token_row(make_token())
    token = _codec.token((*row[:4], "{}", '{"cap": {}}', *row[6:]))
    assert (token.redirect_uri, token.scopes, token.expires_at, token.refreshable) == ("", (), None, True)
    assert (token.settings.active, token.settings.cap.default) == (True, "")
    client = _codec.client(("app", None, 1, "{}"))
    assert (client.auth_method, client.grant_types) == ("none", ("authorization_code", "refresh_token"))


DAMAGED = ["", "{", "[]", "7", "null", '"text"']


@pytest.mark.parametrize("document", [*DAMAGED, '{"scopes": 7}', '{"resources": null}'])
def test_a_damaged_token_is_an_outage_that_shows_nothing(document):
    """Whatever is in the row."""
    row = _codec.token_row(make_token())
    with pytest.raises(StoreUnavailableError, match=r"stored token.*damaged") as caught:
        _codec.token((*row[:4], document, *row[5:]))
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("document", [*DAMAGED, "{}", '{"cap": 7}', '{"cap": {"applications": {"a": 7}}}'])
def test_damaged_settings_are_an_outage_that_shows_nothing(document):
    """A cap above all is never guessed."""
    row = _codec.token_row(make_token())
    with pytest.raises(StoreUnavailableError, match=r"stored token.*damaged") as caught:
        _codec.token((*row[:5], document, *row[6:]))
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "document",
    [*DAMAGED, '{"origin": "moon"}', '{"secrets": [{"digest": "no hex"}]}', '{"secret_digests": ["no hex"]}'],
)
def test_a_damaged_client_is_an_outage_that_shows_nothing(document):
    """Also when only a newer release knows its words."""
    with pytest.raises(StoreUnavailableError, match=r"stored client.*newer release") as caught:
        _codec.client(("app", None, 1, document))
    assert caught.value.__cause__ is None


def test_tokens_with_the_same_settings_share_them():
    """They are decoded once, for many tokens have what the page suggested; and nobody can change them."""
    one, two = (_codec.token(_codec.token_row(samples.make_token(id_))) for id_ in ("one", "two"))
    assert one.settings is two.settings
    with pytest.raises(TypeError):
        one.settings.cap.organizations["acme"] = "owner"
    assert (
        _codec.token(_codec.token_row(samples.make_token("three"))).settings == samples.make_token().settings
    )
