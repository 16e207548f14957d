"""Write the generated parts of docs/lifecycle.md anew: the diagram, the table and the events, out of the code."""

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from docs_tables import code, regenerated, table

from scopegate import Status
from scopegate.core.events import Event, EventKind
from scopegate.core.history import REASONS, sentence
from scopegate.core.lifecycle import BIRTH, TRANSITIONS, Cause

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "lifecycle.md"
CAUSES: Final[Mapping[Cause, str]] = {
    Cause.APPROVED: "the user approves at the consent page",
    Cause.REDEEMED: "the client redeems its code",
    Cause.REFRESHED: "the client refreshes",
    Cause.EDITED: "the user renames it, describes it, or changes its cap",
    Cause.PAUSED: "the user, or the host for them, switches it off",
    Cause.RESUMED: "the user, or the host for them, switches it on",
    Cause.CUT: "an organization takes itself out of its reach, or lets it in again",
    Cause.REVOKED: "the client gives it back, a secret is used twice, or the host ends it",
    Cause.LAPSED: "time: its credentials can no longer be used, and nothing can renew them",
    Cause.EXPIRED: "time: its date has come",
    Cause.UNREDEEMED: "time: 24 hours, and its code was not redeemed",
    Cause.DELETED: "the user, or the host for them, deletes it",
}
SHOWN: Final[Mapping[Status, str]] = {
    Status.PENDING: "Pending",
    Status.ACTIVE: "Active",
    Status.INACTIVE: "Inactive",
    Status.EXPIRED: "Expired",
    Status.REVOKED: "Disconnected",
    Status.GONE: "[*]",
}


def main() -> int:
    """Write the page anew, and answer with 0."""
    PAGE.write_text(regenerated(PAGE.read_text("utf-8"), TABLES), "utf-8")
    return 0


def diagram() -> str:
    """The lifecycle as a state diagram; what leads from a status to itself is left to the table."""
    arrows = [f"    [*] --> {SHOWN[BIRTH[1]]}: {BIRTH[0]}"]
    ways: dict[tuple[Status, Status], list[str]] = {}
    for (before, cause), after in TRANSITIONS.items():
        if before is not after:
            ways.setdefault((before, after), []).append(cause.value)
    arrows += [
        f"    {SHOWN[before]} --> {SHOWN[after]}: {', '.join(causes)}"
        for (before, after), causes in ways.items()
    ]
    return "\n".join(["```mermaid", "stateDiagram-v2", *arrows, "```", ""])


def transitions() -> str:
    """What each cause makes of each status; what is empty does not happen."""
    statuses = [status for status in Status if status is not Status.GONE]
    rows = [
        [code(cause.value), CAUSES[cause], *(_cell(status, cause) for status in statuses)]
        for cause in Cause
        if cause is not BIRTH[0]
    ]
    return table(["cause", "what happens", *(code(status.value) for status in statuses)], rows)


def _cell(status: Status, cause: Cause) -> str:
    after = TRANSITIONS.get((status, cause))
    return "" if after is None else after.value


def events() -> str:
    """Each kind of event, and what a person reads of it."""
    return table(
        ["kind", "as a sentence"], [[code(kind.value), sentence(Event(kind, 0.0))] for kind in EventKind]
    )


def reasons() -> str:
    """Why a token is disconnected."""
    return table(
        ["reason", "what a person reads"], [[code(str(reason)), words] for reason, words in REASONS.items()]
    )


TABLES: Final[Mapping[str, Callable[[], str]]] = {
    "diagram": diagram,
    "transitions": transitions,
    "reasons": reasons,
    "events": events,
}

if __name__ == "__main__":
    sys.exit(main())
