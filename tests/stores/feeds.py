"""What every change feed does: it hears what others commit, tells when it is alive, and says when it was lost."""

import asyncio
from itertools import islice

import pytest

from scopegate.core.changes import (
    AddCredential,
    AdvanceToken,
    AppendEvent,
    CreateToken,
    DeleteToken,
    DropCredential,
    PutClient,
    RevokeToken,
    Touch,
)
from scopegate.core.records import Cutoffs
from scopegate.errors import StoreUnavailableError
from scopegate.protocols import AsyncFollowedStore, Changed, FollowedStore
from scopegate.testing._store_samples import (
    NOW,
    digest_of,
    make_client,
    make_credential,
    make_event,
    make_token,
)

BEAT = 0.05

STORY = (
    ([PutClient(make_client(), 0)], [Changed("realm", client_id="app")]),
    (
        [CreateToken(make_token()), AddCredential(make_credential("first"))],
        [Changed("realm", token_id="one")],
    ),
    ([Touch("one", NOW)], []),
    ([AdvanceToken("one", 0, NOW), AppendEvent(make_event())], [Changed("realm", token_id="one")]),
    ([DropCredential("one", digest_of("first"))], [Changed("realm", token_id="one")]),
    ([RevokeToken("one", NOW, "over")], [Changed("realm", token_id="one")]),
    ([DeleteToken("one")], [Changed("realm", token_id="one")]),
)
"""Commits, and what is told of each."""


def told(batches):
    """What is told of all these."""
    return [change for _, changes in batches for change in changes]


class FeedContract:
    """Give ``followed``: a store, another one over the same data, and what ends the feed from outside."""

    @pytest.fixture
    def followed(self):
        """Override this."""
        raise NotImplementedError

    def test_what_another_commits_is_heard_in_its_order(self, followed):
        """And a touch is not."""
        store, other, _ = followed
        assert isinstance(store, FollowedStore)
        assert store.capabilities.change_feed
        other.open()
        feed = store.changes(beat=BEAT)
        assert next(feed) is None, "the first item says that it listens"
        for changes, _ in STORY:
            other.commit("realm", changes)
        expected, heard = told(STORY), []
        while len(heard) < len(expected):
            item = next(feed)
            heard += [] if item is None else [item]
        assert heard == expected
        feed.close()

    def test_it_beats_while_nothing_happens(self, followed):
        """Each beat is a sign of life of the server."""
        store, _, _ = followed
        feed = store.changes(beat=BEAT)
        assert [next(feed) for _ in range(4)] == [None] * 4
        feed.close()

    def test_a_sweep_that_freed_something_is_heard(self, followed):
        """It may have been anything."""
        store, other, _ = followed
        other.commit(
            "realm", [CreateToken(make_token(created_at=1.0)), AddCredential(make_credential("first"))]
        )
        feed = store.changes(beat=BEAT)
        next(feed)
        assert other.sweep("realm", Cutoffs(pending_before=2.0), limit=9) == 2
        heard = next(item for item in feed if item is not None)
        assert heard == Changed("realm")
        feed.close()

    def test_a_lost_feed_says_so(self, followed):
        """Soon, and as an outage."""
        store, _, cut = followed
        feed = store.changes(beat=BEAT)
        next(feed)
        cut()
        with pytest.raises(StoreUnavailableError):
            list(islice(feed, 100))

    def test_a_feed_that_missed_something_says_so(self, followed):
        """Although the server is there, and the driver connects anew by itself: nothing is skipped in silence."""
        store, other, _ = followed
        other.open()
        feed = store.changes(beat=BEAT)
        assert next(feed) is None
        self.disconnect_all(other)
        with pytest.raises(StoreUnavailableError):
            list(islice(feed, 100))

    def disconnect_all(self, other):
        """End the connections that listen, while the server lives. Override this."""
        raise NotImplementedError


class AsyncFeedContract:
    """Give ``followed``: an asynchronous store, another one, what ends the feed, and what is awaited at the end."""

    @pytest.fixture
    def followed(self):
        """Override this."""
        raise NotImplementedError

    def test_what_another_commits_is_heard_in_its_order(self, followed):
        """And a touch is not; and it beats."""
        store, other, _, close = followed
        assert isinstance(store, AsyncFollowedStore)

        async def follow():
            feed = store.changes(beat=BEAT)
            assert await anext(feed) is None, "the first item says that it listens"
            for changes, _ in STORY:
                other.commit("realm", changes)
            expected, heard = told(STORY), []
            while len(heard) < len(expected):
                item = await anext(feed)
                heard += [] if item is None else [item]
            assert heard == expected
            assert None in [await anext(feed) for _ in range(2)]
            await feed.aclose()
            await close()

        other.open()
        asyncio.run(follow())

    def test_a_feed_that_missed_something_says_so(self, followed):
        """Although the server is there, and the driver connects anew by itself."""
        store, other, _, close = followed

        async def follow():
            feed = store.changes(beat=BEAT)
            await anext(feed)
            self.disconnect_all(other)
            with pytest.raises(StoreUnavailableError):
                [item async for item in feed]
            await close()

        other.open()
        asyncio.run(follow())

    def disconnect_all(self, other):
        """End the connections that listen, while the server lives. Override this."""
        raise NotImplementedError

    def test_a_lost_feed_says_so(self, followed):
        """Soon, and as an outage."""
        store, _, cut, close = followed

        async def follow():
            feed = store.changes(beat=BEAT)
            await anext(feed)
            cut()
            with pytest.raises(StoreUnavailableError):
                [item async for item in feed]
            await close()

        asyncio.run(follow())
