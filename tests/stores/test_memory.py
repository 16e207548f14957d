"""The store in memory keeps the contract."""

from copy import deepcopy

import pytest

from scopegate.core.changes import (
    AddCredential,
    AdvanceToken,
    CreateToken,
    DropCredential,
    PutOnce,
    ReviseToken,
    Touch,
)
from scopegate.core.records import Cutoffs, TokenQuery
from scopegate.stores import AsyncMemoryStore, MemoryStore
from scopegate.testing._store_samples import NOW, digest_of, make_credential, make_settings, make_token
from scopegate.testing.stores import AsyncStoreContract, StoreContract


def dump(store):
    """All that a store in memory keeps."""
    return b"".join(store._rooms["realm"].tokens.values())  # noqa: SLF001 - a dump looks inside


WITHOUT = {
    "A": "a commit is one step under a lock, and nothing in it can fail",
    "M": "it outlives no process, so there is nothing that an earlier release wrote",
}


class TestMemoryStore(StoreContract):
    """The store itself."""

    declined = WITHOUT

    @pytest.fixture
    def store(self):
        """An empty one."""
        return MemoryStore()

    def dump(self, store):
        """Every value in it."""
        return dump(store)


class TestAsyncMemoryStore(AsyncStoreContract):
    """Its twin."""

    declined = WITHOUT

    @pytest.fixture
    def async_store(self):
        """An empty one."""
        self.data = MemoryStore()
        return AsyncMemoryStore(self.data)

    def dump(self, store):
        """Every value in it."""
        del store
        return dump(self.data)


def test_the_twin_shows_the_same_data():
    """What one writes, the other reads; and no call suspends."""
    store = MemoryStore()
    twin = store.asynchronous()
    with pytest.raises(StopIteration):
        twin.commit("realm", [CreateToken(make_token())]).send(None)
    with pytest.raises(StopIteration) as stopped:
        twin.token("realm", "one").send(None)
    assert stopped.value.value == store.token("realm", "one") is not None


def test_a_record_that_was_read_does_not_change():
    """A reader keeps what it saw."""
    store = MemoryStore()
    store.commit("realm", [CreateToken(make_token()), AddCredential(make_credential("first"))])
    before = store.token("realm", "one", digest_of("first"))
    copy = deepcopy(before)
    store.commit("realm", [ReviseToken("one", 1, make_settings("Desk"))])
    assert before == copy


def test_a_touch_shows_both_its_times_at_once():
    """Readers by a secret take no lock, so no record between two states may ever be there."""
    shown = []

    class Noting(dict):
        """The records, which tells of each that is put."""

        def __setitem__(self, digest, record):
            """Put, and note."""
            shown.append((record.token.last_used_at, record.token.last_wrote_at))
            super().__setitem__(digest, record)

    store = MemoryStore()
    store.commit("realm", [CreateToken(make_token()), AddCredential(make_credential("first"))])
    room = store._rooms["realm"]  # noqa: SLF001 - what is inside is what is tested
    room.records = Noting(room.records)
    store.commit("realm", [Touch("one", NOW, wrote=True)])
    assert shown == [(NOW, NOW)]


def test_a_rotation_that_breaks_in_the_middle_changes_no_generation():
    """What it would have put aside is read as before, and so it is once a rotation was made."""
    store = MemoryStore()
    store.commit("realm", [CreateToken(make_token()), AddCredential(make_credential("0", generation=0))])
    for generation in (0, 1):
        added = make_credential(f"{generation + 1}", generation=generation + 1)
        store.commit("realm", [AdvanceToken("one", generation, NOW), AddCredential(added)])
    digests = [digest_of(f"{generation}") for generation in (0, 1, 2)]
    before = [store.token("realm", "one", each) for each in digests]
    with pytest.raises(TypeError):
        store.commit("realm", [AdvanceToken("one", 2, NOW), AddCredential(make_credential("3", digest=[]))])
    with pytest.raises(TypeError):
        store.commit(
            "realm",
            [
                Touch("one", NOW),
                DropCredential("one", digests[2]),
                AddCredential(make_credential("4", digest=[])),
            ],
        )
    assert [store.token("realm", "one", each) for each in digests] == before
    store.commit("realm", [AdvanceToken("one", 2, NOW)])
    after = [store.token("realm", "one", each) for each in digests]
    assert [each.credential for each in after] == [each.credential for each in before]
    assert {each.token.generation for each in after} == {3}


@pytest.mark.parametrize("lead", [CreateToken(make_token("two")), AdvanceToken("one", 0, NOW)])
def test_a_commit_that_breaks_in_the_middle_leaves_nothing_behind(lead):
    """Neither at once nor with the next commit; and what is swept is not stumbled over."""
    store = MemoryStore()
    store.commit("realm", [CreateToken(make_token()), AddCredential(make_credential("first"))])
    before = store.token("realm", "one", digest_of("first"))
    broken = AddCredential(make_credential("broken", getattr(lead, "token_id", "two"), digest=[]))
    with pytest.raises(TypeError):
        store.commit("realm", [lead, broken])
    store.commit("realm", [PutOnce("key", b"value", NOW + 1, NOW)])
    assert store.token("realm", "one", digest_of("first")) == before
    assert store.token("realm", "two") is None
    assert [token.id for token in store.tokens("realm", TokenQuery(), after=None, limit=9).items] == ["one"]
    assert store.sweep("realm", Cutoffs(pending_before=NOW * 2, kept_before=NOW * 2), limit=9) == 3
