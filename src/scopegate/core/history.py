"""What a history tells people: changes of a cap in words, and events as sentences."""

from collections.abc import Iterator, Mapping
from typing import Final, TypeVar, assert_never

from scopegate.core.caps import ApplicationCap, RoleCap
from scopegate.core.events import Event, EventKind
from scopegate.core.roles import RoleLadder
from scopegate.core.tokens import RevocationReason

T = TypeVar("T")

REASONS: Final[Mapping[str, str]] = {
    RevocationReason.CLIENT: "the app gave it back",
    RevocationReason.HOST: "it was ended for you",
    RevocationReason.REFRESH_REUSE: "an old secret of it was used again, as a thief would",
    RevocationReason.CODE_REPLAY: "its code was used twice, as a thief would",
    RevocationReason.LAPSED: "the app did not use it for too long",
}
"""Why a token was disconnected."""


def cap_changes(old: RoleCap, new: RoleCap, ladder: RoleLadder) -> tuple[str, ...]:
    """What differs between two caps, a phrase for each entry: ``default: Editor -> Viewer``.

    Args:
        old: the cap before.
        new: the cap after.
        ladder: has the labels of the roles. A role that it does not know is told by its name.
    """
    return tuple(
        f"{entry}: {_label(before, ladder)} -> {_label(after, ladder)}"
        for entry, before, after in _entries(old, new)
        if before != after
    )


def _entries(old: RoleCap, new: RoleCap) -> Iterator[tuple[str, str | None, str | None]]:
    """Every entry of either cap, with the role that each sets; None: it sets none of its own."""
    yield "default", old.default, new.default
    yield "sandbox", old.sandbox, new.sandbox
    for id_ in _ids(old.organizations, new.organizations):
        yield f"organization {id_}", old.organizations.get(id_), new.organizations.get(id_)
    for id_ in _ids(old.applications, new.applications):
        before, after = old.applications.get(id_), new.applications.get(id_)
        for place in dict.fromkeys(each.organization for each in (before, after) if each is not None):
            where = "the sandbox" if place is None else f"organization {place}"
            yield f"application {id_} in {where}", _role(before, place), _role(after, place)


def _ids(old: Mapping[str, T], new: Mapping[str, T]) -> list[str]:
    return sorted(old.keys() | new.keys())


def _role(own: ApplicationCap | None, place: str | None) -> str | None:
    return own.role if own is not None and own.organization == place else None


def _label(role: str | None, ladder: RoleLadder) -> str:
    if role is None:
        return "no limit of its own"
    return (ladder[role].label if role in ladder.ranks else "") or role


def sentence(event: Event) -> str:  # noqa: C901, PLR0911, PLR0912 - one arm for each kind of event
    """An event in plain English, for lists and mails; no more than the event itself knows."""
    detail = event.detail
    match event.kind:
        case EventKind.AUTHORIZED:
            return f"You authorized it, with at most the role {detail.get('default', '?')} by default."
        case EventKind.ACTIVATED:
            return "The app picked it up and is connected."
        case EventKind.REFRESHED:
            return "The app renewed its access."
        case EventKind.REUSE_DETECTED:
            return f"Misuse was noticed: {_reason(detail)}."
        case EventKind.CHANGED:
            changes = (f"{name}: {value}" for name, value in detail.items())
            return f"It was described anew ({'; '.join(changes)})."
        case EventKind.RECAPPED:
            return f"Its limits were changed ({detail.get('changes', '')})."
        case EventKind.CUT:
            return f"Organization {detail.get('organization', '?')} took itself out of its reach."
        case EventKind.ADMITTED:
            return f"Organization {detail.get('organization', '?')} let it in again."
        case EventKind.PAUSED:
            return "It was switched off."
        case EventKind.RESUMED:
            return "It was switched on again."
        case EventKind.REVOKED:
            what = (
                "An access token of it was ended"
                if detail.get("what") == "access token"
                else "It was disconnected"
            )
            return f"{what}: {_reason(detail)}."
        case EventKind.DELETED:
            return "It was deleted."
        case EventKind.CLIENT_REGISTERED:
            return "The app was registered."
        case EventKind.CLIENT_SECRET_ROTATED:
            return "The app was given a new secret."
        case EventKind.CLIENT_DISABLED:
            return "The app was disabled."
        case EventKind.CLIENT_ENABLED:
            return "The app was enabled again."
    assert_never(event.kind)


def _reason(detail: Mapping[str, str]) -> str:
    if "reason" not in detail:
        return "no reason is known"
    return REASONS.get(detail["reason"], detail["reason"])
