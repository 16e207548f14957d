"""Changes that can be looked at before they are made: what a preview is asked about."""

from typing import TypeAlias

from attrs import frozen

from scopegate.core.caps import RoleCap
from scopegate.core.standing import Ceiling, Sandbox


@frozen
class Recap:
    """The user replaces the cap."""

    cap: RoleCap


@frozen
class Pause:
    """The user switches the token off."""


@frozen
class Resume:
    """The user switches the token on."""


@frozen
class MemberRole:
    """The user gets another role, in an organization or on one of its applications. None: the user leaves it."""

    organization: str | Sandbox
    role: str | None
    application: str | None = None


@frozen
class NewCeiling:
    """An organization sets another ceiling; None takes it away."""

    organization: str
    ceiling: Ceiling | None


WhatIf: TypeAlias = Recap | Pause | Resume | MemberRole | NewCeiling
