"""What every part of a server has: its parts, one way to commit, and one way to read a list."""

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TypeVar

from scopegate import presets
from scopegate.core.catalogue import Catalogue
from scopegate.core.changes import Change, Touch
from scopegate.core.credentials import Entropy
from scopegate.core.records import Page
from scopegate.directory import AsyncMemberships, as_async_directory, async_bare
from scopegate.errors import ConflictError, UnavailableError
from scopegate.flows.access import gates
from scopegate.flows.configuration import PRIVATE_SCHEMES, Configuration, Resource, configure
from scopegate.profiles import DEFAULT, Profile
from scopegate.protocols import AsyncDirectory, Throttle
from scopegate.stores import AsyncGivenStore, as_async_store
from scopegate.subscribers import AsyncSubscriber, as_async_subscribers, async_tell
from scopegate.throttle import WindowThrottle

T = TypeVar("T")

ATTEMPTS = 3
PAGE = 100


class AsyncShell:
    """What every part of a server has: its parts, one way to commit, and one way to read a list."""

    def __init__(  # noqa: PLR0913 - one argument per thing the operator decides, all named
        self,
        *,
        issuer: str,
        product: str,
        directory: AsyncDirectory | AsyncMemberships,
        resources: Sequence[Resource],
        store: AsyncGivenStore,
        sealing_keys: Sequence[str],
        catalogue: Catalogue | None = None,
        profile: Profile = DEFAULT,
        realm: str = "default",
        registration: bool = True,
        initial_access_tokens: Sequence[str] = (),
        private_schemes: Sequence[str] = tuple(PRIVATE_SCHEMES),
        throttle: Throttle | None = None,
        subscribers: Sequence[AsyncSubscriber] = (),
        clock: Callable[[], float] = time.time,
        entropy: Entropy = os.urandom,
    ) -> None:
        self.configuration: Configuration = configure(
            issuer=issuer,
            product=product,
            catalogue=catalogue or presets.simple(),
            resources=resources,
            sealing_keys=sealing_keys,
            profile=profile,
            realm=realm,
            registration=registration,
            initial_access_tokens=initial_access_tokens,
            private_schemes=private_schemes,
        )
        self._store = as_async_store(store)
        self._directory = as_async_directory(directory)
        self._throttle = throttle or WindowThrottle()
        self._subscribers = as_async_subscribers(subscribers)
        self._clock = clock
        self._entropy = entropy
        self._realm = realm
        self._gates = gates(self.configuration)
        self._allows = self.configuration.evaluator.allows
        self._place = self.configuration.evaluator.place
        self._account, self._stands = (
            async_bare(self._directory).account,
            async_bare(self._directory).standing,
        )

    async def open(self) -> None:
        """Open the store and bring its schema up to date; the first request does it otherwise."""
        await self._store.open()

    async def close(self) -> None:
        """Let go of the store's resources."""
        await self._store.close()

    async def _committed(self, changes: Sequence[Change]) -> bool:
        """Commit; False when somebody else was first, so that one must read and decide again."""
        if not changes:
            return True
        try:
            await self._store.commit(self._realm, changes)
        except ConflictError:
            return False
        if self._subscribers:
            await async_tell(self._subscribers, changes)
        return True

    async def _touch(self, token_id: str, at: float, *, wrote: bool = False) -> None:
        """Note the use of a token; a store that is in trouble just now loses it."""
        with suppress(UnavailableError):
            await self._store.commit(self._realm, (Touch(token_id, at, wrote),))

    async def _each(self, read: Callable[[str | None], Awaitable[Page[T]]]) -> AsyncIterator[T]:
        """All of a list, page by page."""
        page = await read(None)
        while True:
            for item in page.items:
                yield item
            if page.after is None:
                return
            page = await read(page.after)
