"""What a pure flow function returns."""

from typing import Generic, TypeVar

from attrs import frozen

from scopegate.core.changes import Change

T_co = TypeVar("T_co", covariant=True)


@frozen(slots=False)
class Decision(Generic[T_co]):
    """An outcome and what must be written before it may be told.

    An error may carry changes: reuse revokes (law 4). A decision whose commit failed is thrown away.

    Args:
        outcome: what to answer.
        changes: one commit; empty when nothing is to be written.
    """

    outcome: T_co
    changes: tuple[Change, ...] = ()
