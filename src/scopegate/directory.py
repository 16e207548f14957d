"""Directories made ready for a server: from one function, or from an object of the host's; each in its colour."""

from collections.abc import Awaitable, Callable, Iterable
from inspect import iscoroutinefunction
from typing import Final, TypeAlias, cast

from scopegate.core.memberships import applications_among, matching, standing_among
from scopegate.core.records import Page
from scopegate.core.standing import Account, Application, Membership, Sandbox, Standing
from scopegate.errors import ConfigurationError, DirectoryUnavailableError
from scopegate.protocols import AsyncDirectory, Directory

Memberships: TypeAlias = Callable[[str], Iterable[Membership]]
AsyncMemberships: TypeAlias = Callable[[str], Awaitable[Iterable[Membership]]]

METHODS: Final = ("account", "standing", "memberships", "applications", "members")
UNAVAILABLE: Final = "the directory did not answer; nothing was decided"
_NO_MEMBERS: Final = (
    "a directory made of one memberships function cannot list members; write a Directory class"
)


class FunctionDirectory:
    """A directory made of one function: user id in, memberships out."""

    def __init__(self, memberships: Memberships) -> None:
        self._memberships = memberships

    def account(self, user: str, /) -> Account | None:
        """The user, named by the id."""
        return Account(user)

    def standing(
        self, user: str, /, *, organization: str | Sandbox | None = None, application: str | None = None
    ) -> Standing:
        """See `Directory.standing`."""
        return standing_among(self._memberships(user), organization=organization, application=application)

    def memberships(self, user: str, /, *, after: str | None = None, search: str = "") -> Page[Membership]:
        """See `Directory.memberships`; always one page."""
        del after
        return Page(matching(self._memberships(user), search))

    def applications(
        self, user: str, organization: str | Sandbox, /, *, after: str | None = None, search: str = ""
    ) -> Page[Application]:
        """See `Directory.applications`; always one page."""
        del after, search
        return Page(applications_among(self._memberships(user), organization))

    def members(self, organization: str, /, *, after: str | None = None) -> Page[str]:
        """Not possible here.

        Raises:
            ConfigurationError: always.
        """
        del organization, after
        raise ConfigurationError(_NO_MEMBERS)


class AsyncFunctionDirectory:
    """A directory made of one coroutine function: user id in, memberships out."""

    def __init__(self, memberships: AsyncMemberships) -> None:
        self._memberships = memberships

    async def account(self, user: str, /) -> Account | None:
        """The user, named by the id."""
        return Account(user)

    async def standing(
        self, user: str, /, *, organization: str | Sandbox | None = None, application: str | None = None
    ) -> Standing:
        """See `Directory.standing`."""
        return standing_among(
            await self._memberships(user), organization=organization, application=application
        )

    async def memberships(
        self, user: str, /, *, after: str | None = None, search: str = ""
    ) -> Page[Membership]:
        """See `Directory.memberships`; always one page."""
        del after
        return Page(matching(await self._memberships(user), search))

    async def applications(
        self, user: str, organization: str | Sandbox, /, *, after: str | None = None, search: str = ""
    ) -> Page[Application]:
        """See `Directory.applications`; always one page."""
        del after, search
        return Page(applications_among(await self._memberships(user), organization))

    async def members(self, organization: str, /, *, after: str | None = None) -> Page[str]:
        """Not possible here.

        Raises:
            ConfigurationError: always.
        """
        del organization, after
        raise ConfigurationError(_NO_MEMBERS)


class _Guarded:
    """A host's directory whose every failure is a `DirectoryUnavailableError` (law 7)."""

    def __init__(self, directory: Directory) -> None:
        self.bare = directory
        for name in METHODS:
            setattr(self, name, _guarded(getattr(directory, name)))


class _AsyncGuarded:
    """`_Guarded`, awaited."""

    def __init__(self, directory: AsyncDirectory) -> None:
        self.bare = directory
        for name in METHODS:
            setattr(self, name, _async_guarded(getattr(directory, name)))


def bare(directory: Directory) -> Directory:
    """The host's own directory inside a guarded one, for the one caller that guards itself: a call costs a call."""
    return directory.bare if isinstance(directory, _Guarded) else directory


def async_bare(directory: AsyncDirectory) -> AsyncDirectory:
    """`bare`, of an asynchronous directory."""
    return directory.bare if isinstance(directory, _AsyncGuarded) else directory


def _guarded(method: Callable[..., object]) -> Callable[..., object]:
    def call(*args: object, **kwargs: object) -> object:
        try:
            return method(*args, **kwargs)
        except ConfigurationError:
            raise
        except Exception as error:
            raise DirectoryUnavailableError(UNAVAILABLE) from error

    return call


def _async_guarded(method: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
    async def call(*args: object, **kwargs: object) -> object:
        try:
            return await method(*args, **kwargs)
        except ConfigurationError:
            raise
        except Exception as error:
            raise DirectoryUnavailableError(UNAVAILABLE) from error

    return call


class _InThreads:
    """A synchronous directory for an asynchronous server; every call takes a thread."""

    def __init__(self, directory: Directory) -> None:
        for name in METHODS:
            setattr(self, name, _threaded(getattr(directory, name)))


def _threaded(method: Callable[..., object]) -> Callable[..., Awaitable[object]]:
    async def call(*args: object, **kwargs: object) -> object:
        from asyncio import to_thread  # noqa: PLC0415 - only who asks for threads loads asyncio

        return await to_thread(method, *args, **kwargs)

    return call


def in_threads(directory: Directory | Memberships) -> AsyncDirectory:
    """A synchronous directory for an asynchronous server: each call runs in a thread, so that it may block.

    Raises:
        TypeError: the directory is asynchronous already.
    """
    return cast("AsyncDirectory", _InThreads(as_directory(directory)))


def _is_async(directory: object) -> bool:
    """Whether a directory's colour is async. `in_threads` and guarded directories hold coroutine functions too."""
    return iscoroutinefunction(getattr(directory, "standing", directory))


def _check_complete(directory: object) -> None:
    missing = [name for name in METHODS if not callable(getattr(directory, name, None))]
    if missing and not (len(missing) == len(METHODS) and callable(directory)):
        msg = f"directory {type(directory).__name__} lacks {', '.join(missing)}: implement them, or give one function"
        raise TypeError(msg)


def as_directory(directory: "Directory | Memberships") -> Directory:
    """The directory of a synchronous server.

    Raises:
        TypeError: it is asynchronous, or not a directory at all.
    """
    _check_complete(directory)
    if _is_async(directory):
        msg = "AuthorizationServer needs a synchronous directory: use AsyncAuthorizationServer, or plain functions"
        raise TypeError(msg)
    known = directory if isinstance(directory, Directory) else FunctionDirectory(directory)
    return cast("Directory", _Guarded(known))


def as_async_directory(directory: "AsyncDirectory | AsyncMemberships") -> AsyncDirectory:
    """The directory of an asynchronous server.

    Raises:
        TypeError: it is synchronous, or not a directory at all.
    """
    _check_complete(directory)
    if not _is_async(directory):
        msg = "AsyncAuthorizationServer needs an asynchronous directory: write 'async def', or use in_threads(...)"
        raise TypeError(msg)
    known = directory if isinstance(directory, AsyncDirectory) else AsyncFunctionDirectory(directory)
    return cast("AsyncDirectory", _AsyncGuarded(known))
