"""Secrets: their wire form, their digests, and taking apart what somebody presents."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support import KEY, RecordedEntropy

from scopegate.core.credentials import (
    MAXIMUM_PRESENTED,
    CredentialKind,
    digest,
    encode,
    locate,
    new_id,
    new_secret,
    wire,
)
from scopegate.flows.sealing import Sealer, new_key

PURPOSES = st.text(max_size=9)


def test_ids_and_secrets_are_drawn_from_the_entropy_given():
    """128 and 256 bits, each draw once."""
    entropy = RecordedEntropy()
    identifier, secret = new_id(entropy), new_secret(entropy)
    assert bytes.fromhex(identifier) == entropy.drawn[0]
    assert secret == encode(entropy.drawn[1])
    assert [len(drawn) for drawn in entropy.drawn] == [16, 32]
    assert len(new_key(entropy)) == 43


@given(
    st.sampled_from(CredentialKind), st.binary(min_size=16, max_size=16), st.binary(min_size=32, max_size=32)
)
def test_what_travels_can_be_taken_apart(kind, identifier, secret):
    """Kind, id and secret come back as they went."""
    text = wire(kind, identifier.hex(), encode(secret))
    assert locate(text) == (kind.value, identifier.hex(), encode(secret))
    assert len(text) <= MAXIMUM_PRESENTED


@given(st.text(max_size=40))
def test_whatever_is_presented_is_taken_apart_or_not(text):
    """Nothing raises; what comes out was in the text."""
    found = locate(text)
    assert found is None or f"{found[0]}_{found[1]}.{found[2]}" == text


@pytest.mark.parametrize(
    "text", ["", "sga", "sga_", "sga_x", "sga_x.", ".", "_", "\u00e9_a.b", "sga_a." + "b" * 256]
)
def test_what_has_no_such_form_is_nothing(text):
    """Too short, too long, or not ASCII."""
    assert locate(text) is None


def test_a_digest_depends_on_realm_kind_and_secret():
    """One secret is another digest under another realm or as another kind."""
    assert digest("default", "sga", "x") == sha256(b"default\0sga\0x").digest()
    digests = {
        digest(realm, kind, secret)
        for realm in ("a", "b")
        for kind in ("sga", "sgr")
        for secret in ("x", "y")
    }
    assert len(digests) == 8


@given(PURPOSES, PURPOSES, st.binary(max_size=99))
def test_a_seal_opens_for_its_purpose_only(purpose, other, payload):
    """What was sealed comes back, with the key that sealed it, and for nothing else."""
    sealer = Sealer([KEY])
    sealed = sealer.seal(purpose, payload, RecordedEntropy())
    assert sealer.open(purpose, sealed).payload == payload
    assert (sealer.open(other, sealed) is None) is (other != purpose)


@given(st.text(max_size=99))
def test_what_was_not_sealed_does_not_open(text):
    """Any text."""
    assert Sealer([KEY]).open("purpose", text) is None


@given(st.binary(min_size=1, max_size=40), st.integers(0, 10_000), st.integers(1, 255))
def test_a_seal_that_was_touched_does_not_open(payload, place, flip):
    """Every byte counts, in both kinds of seal."""
    sealer = Sealer([KEY])
    sealed = bytearray(sealer.seal_reply("secret", "name", payload, RecordedEntropy()))
    assert sealer.open_reply("secret", "name", bytes(sealed)) == payload
    sealed[place % len(sealed)] ^= flip
    assert sealer.open_reply("secret", "name", bytes(sealed)) is None


def test_a_derived_secret_is_the_same_again():
    """From the same key and name; another key or name gives another."""
    derived = {
        Sealer.derive(key, name) for key in (b"a" * 32, b"b" * 32) for name in ("x", "y") for _ in range(2)
    }
    assert len(derived) == 4
    assert {len(each) for each in derived} == {43}


def test_a_sealer_does_not_show_its_keys():
    """Law 5."""
    assert repr(Sealer([KEY, KEY])) == "<Sealer with 2 keys>"
