"""The evaluator: may this token do this action here, and if not, why not (laws 1 and 2).

`Evaluator.allows` is the judgement; everything else here is a view of it. None of it asks anybody: who wants to know
about a place brings the user's standing there.
"""

from enum import StrEnum
from typing import Final, TypeAlias, cast

from attrs import evolve, frozen

from scopegate.core.caps import LimitSource, RoleCap, cap_levels, ranked
from scopegate.core.catalogue import MASK_MEMORY, Catalogue, Rule
from scopegate.core.roles import NONE
from scopegate.core.scopes import Target
from scopegate.core.standing import NOWHERE, Sandbox, Standing
from scopegate.core.tokens import Memo, Settings, Token
from scopegate.errors import InvalidValueError

Place: TypeAlias = tuple[str | Sandbox | None, str | None]
"""Where an action happens: organization or sandbox, and application."""


class Layer(StrEnum):
    """The layers of a decision, in the order in which they are judged."""

    CREDENTIAL = "credential"
    AUDIENCE = "audience"
    STATUS = "status"
    SCOPE = "scope"
    ROLE = "role"


class Who(StrEnum):
    """Who may change what stands in the way."""

    USER = "user"
    ORGANIZATION = "organization"
    CLIENT = "client"
    HOST = "host"
    NOBODY = "nobody"


@frozen
class Barrier:
    """A layer before scope and role that a token does not pass, and the stable reason."""

    layer: Layer
    reason: str


@frozen
class Subject:
    """A token as it is judged.

    Args:
        token: the token.
        scopes: what an access token has, where that is less than the token.
        barriers: earlier layers that it does not pass, in their order.
    """

    token: Token
    scopes: tuple[str, ...] = ()
    barriers: tuple[Barrier, ...] = ()


@frozen
class Judged:
    """What one layer said, and the stable reason if it said no."""

    layer: Layer
    passed: bool
    reason: str = ""


@frozen
class Limit:
    """One limit to the role at a place: what sets it, and the role it allows."""

    source: LimitSource
    role: str


@frozen
class Remedy:
    """What would have to change, and who may change it.

    Args:
        who: the one who may.
        what: the layer or limit that stands in the way.
        needs: the least role or the scope that would do; empty where it is neither.
    """

    who: Who
    what: Layer | LimitSource
    needs: str = ""


@frozen
class Explanation:
    """A decision and its reasons, for the user and the host. What a client may know is less: see `Refusal`.

    Args:
        rule: the action that was asked about.
        layers: what each layer said, in the order in which they are judged.
        limits: what limits the role at the place: the live role, the levels of the cap that count, the organization's
            cut and ceiling.
        binding: the first layer or limit that says no; of what is allowed, the limit that sets the role.
        remedies: all that would have to change; empty if it is allowed.
        live_role: the user's own role at the place, now; empty where roles do not apply, as in all that follow.
        cap_role: the maximum that the token's cap sets there.
        cap_source: the level of the cap that set it.
        ceiling_role: the maximum that the organization sets; empty if it sets none.
        effective_role: the lowest of the three, and none where the organization cut itself out: what the token has.
        least_role: what the action needs.
    """

    rule: Rule
    layers: tuple[Judged, ...]
    limits: tuple[Limit, ...] = ()
    binding: Layer | LimitSource | None = None
    remedies: tuple[Remedy, ...] = ()
    live_role: str = ""
    cap_role: str = ""
    cap_source: LimitSource | None = None
    ceiling_role: str = ""
    effective_role: str = ""
    least_role: str = ""

    @property
    def _denial(self) -> Judged | None:
        return next((judged for judged in self.layers if not judged.passed), None)

    @property
    def allowed(self) -> bool:
        """Whether the action may be done."""
        return self._denial is None

    @property
    def denied_by(self) -> Layer | None:
        """The first layer that says no; None: allowed."""
        denial = self._denial
        return None if denial is None else denial.layer

    @property
    def reason(self) -> str:
        """A stable code: ``allowed``, or the reason of the first layer that says no."""
        denial = self._denial
        return "allowed" if denial is None else denial.reason


USER: Final = "user"
ORGANIZATION: Final = "organization"
APPLICATION: Final = "application"
CAPS: Final = frozenset(LimitSource) - {LimitSource.LIVE_ROLE, LimitSource.CEILING, LimitSource.CUT}
TOO_LOW: Final = dict.fromkeys(CAPS, "cap_too_low") | {
    LimitSource.LIVE_ROLE: "role_too_low",
    LimitSource.CEILING: "ceiling_too_low",
    LimitSource.CUT: "cut_out",
}
ROLE_REASONS: Final = frozenset({"not_a_member", *TOO_LOW.values()})
MAY_RAISE: Final = dict.fromkeys(CAPS, Who.USER) | {
    LimitSource.LIVE_ROLE: Who.ORGANIZATION,
    LimitSource.CEILING: Who.ORGANIZATION,
    LimitSource.CUT: Who.ORGANIZATION,
}
MAY_LIFT: Final = {
    "inactive": Who.USER,
    "pending": Who.CLIENT,
    "expired": Who.CLIENT,
    "revoked": Who.CLIENT,
    "insufficient_scope": Who.CLIENT,
    "closed_to_tokens": Who.NOBODY,
    "not_offered": Who.HOST,
    "unreachable": Who.NOBODY,
    "client_disabled": Who.HOST,
    "account_disabled": Who.HOST,
}
"""Who may change what stands in the way, by the reason of the layer. A limit of the role has its own."""


class Evaluator:
    """Judges actions by a catalogue.

    Args:
        catalogue: the catalogue.
        lower_only: whether an override counts at most as the level above it.
    """

    __slots__ = ("_any", "_mark", "_opened", "_quick", "_ranks", "catalogue", "lower_only")

    def __init__(self, catalogue: Catalogue, *, lower_only: bool = False) -> None:
        self.catalogue = catalogue
        self.lower_only = lower_only
        self._ranks = catalogue.roles.ranks
        self._any = 1 << len(catalogue.scopes)
        self._quick: dict[object, tuple[int, int, bool, Target]] = {
            name: self._made_quick(rule) for name, rule in catalogue.rules.items()
        }
        for rank in range(len(catalogue.roles.roles)):
            self._quick[rank, ORGANIZATION] = self._any, rank, False, ORGANIZATION
            self._quick[rank, APPLICATION] = self._any, rank, True, APPLICATION
        self._opened: dict[tuple[int, int, Target], tuple[str, ...]] = {}
        self._mark = object()

    def _made_quick(self, rule: Rule) -> tuple[int, int, bool, Target]:
        """Mask, least rank and where an action is judged; nobody has the rank of what cannot be reached."""
        nobodys = len(self.catalogue.roles.roles)
        least = rule.rank if rule.has_place else 0 if rule.target == USER else nobodys
        return rule.mask, least, rule.target == APPLICATION, rule.target

    def place(self, action: str, organization: str | Sandbox | None, application: str | None) -> Place | None:
        """Where an action is judged: what the directory is asked about. None: nowhere, for it has no role layer.

        Args:
            action: the name of the action.
            organization: where it happens, for actions on organizations.
            application: where it happens, for actions on applications.

        Raises:
            ConfigurationError: the catalogue has no such action.
            InvalidValueError: the application or the organization is missing.
        """
        try:
            target = self._quick[action][3]
        except KeyError:
            raise self.catalogue.unknown_action(action) from None
        if target == APPLICATION:
            if application is None:
                raise _missing(APPLICATION, action)
            return organization, application
        if target == ORGANIZATION:
            if organization is None:
                raise _missing(ORGANIZATION, action)
            return organization, None
        return None

    def allows(  # noqa: C901, PLR0912 - law 1 and the end of law 2 in one piece: it is asked at every request
        self,
        token: Token,
        action: str,
        standing: Standing | None = None,
        application: str | None = None,
        scopes: tuple[str, ...] = (),
    ) -> bool:
        """Whether scope and role of a token allow an action. This is the judgement that all the others show.

        Args:
            token: the token; its status is not looked at.
            action: the name of the action.
            standing: the user's standing at the organization or application, now; None for user-level actions.
            application: the application, for actions on one.
            scopes: what an access token has, where that is less than the token.

        Raises:
            ConfigurationError: the catalogue has no such action.
            InvalidValueError: the application is missing.
        """
        try:
            mask, least, at_application, _ = self._quick[action]
        except KeyError:
            raise self.catalogue.unknown_action(action) from None
        memo = token.memo
        if memo is None or memo[0] is not self._mark:
            memo = self._remembered(token)
        _, granted, elsewhere, owners, applications = memo
        if not granted & mask or (scopes and not self.catalogue.mask(scopes) & mask):
            return False
        if standing is None or not least:
            return not least
        owner = standing.owner
        if owner is None:
            return False
        live, own = standing.role, None
        if at_application:
            if application is None:
                raise _missing(APPLICATION, action)
            if standing.application_role is not None:
                live = standing.application_role
            own = applications.get(application)
        if self._ranks.get(live, 0) < least:
            return False
        # An override is void where its application has moved.
        most = own[1] if own is not None and own[0] == owner.id else owners.get(owner.id, elsewhere)
        if most < least:
            return False
        if standing.ceiling is None:
            return True
        ceiling = standing.ceiling.of(token.client_id)
        return ceiling is None or self._ranks.get(ceiling, 0) >= least

    def _remembered(self, token: Token) -> Memo:
        """What does not change while this state of the token stands, worked out once."""
        settings = token.settings
        cap = ranked(settings.cap, settings.cuts, self._ranks, lower_only=self.lower_only)
        memo = (self._mark, self.catalogue.mask(token.scopes) | self._any, *cap)
        object.__setattr__(token, "memo", memo)  # no part of its value: two equal tokens stay equal
        return memo

    def rank(self, token: Token, standing: Standing, application: str | None = None) -> int:
        """The effective rank of a token at a place: the highest that `allows` grants (law 1).

        Args:
            token: the token.
            standing: the user's standing there, now.
            application: the application; None: the organization or sandbox itself.
        """
        target = ORGANIZATION if application is None else APPLICATION
        for rank in range(len(self.catalogue.roles.roles) - 1, 0, -1):
            probe = cast(
                "str", (rank, target)
            )  # no action has such a name, so that nobody else can ask for it
            if self.allows(token, probe, standing, application):
                return rank
        return 0

    def explain(
        self,
        subject: Token | Subject,
        action: str,
        standing: Standing | None = None,
        application: str | None = None,
    ) -> Explanation:
        """The judgement of `allows` with its reasons, after the layers that come before.

        Args and errors are those of `allows`.
        """
        rule = self.catalogue.rule(action)
        if rule.target != "application":
            application = None
        elif application is None:
            raise _missing("application", action)
        given = subject if isinstance(subject, Subject) else Subject(subject)
        barred = [Judged(barrier.layer, passed=False, reason=barrier.reason) for barrier in given.barriers]
        covered = bool(self.catalogue.mask(given.scopes or given.token.scopes) & rule.mask)
        layers = [*barred, Judged(Layer.SCOPE, covered, "" if covered else _shortage(rule))]
        if not rule.has_place:
            return _without_role(rule, layers)
        return self._with_role(given.token, rule, layers, standing or NOWHERE, application)

    def _with_role(
        self, token: Token, rule: Rule, layers: list[Judged], at: Standing, application: str | None
    ) -> Explanation:
        roles = self.catalogue.roles.roles
        rank = self.rank(token, at, application)
        live, caps, own = self._limits(token, at, application)
        limits = [live, *caps, *own]
        low = [limit for limit in limits if self._height(limit) < rule.rank]
        reason = "not_a_member" if at.owner is None else TOO_LOW[low[0].source] if low else ""
        layers.append(Judged(Layer.ROLE, rank >= rule.rank, reason))
        decisive = low[0] if low else min(limits, key=self._height)
        cap = min(caps, key=self._height, default=None)
        least = roles[rule.rank].name
        return Explanation(
            rule=rule,
            layers=tuple(layers),
            limits=tuple(limits),
            binding=_binding(layers, decisive),
            remedies=(
                *_remedies(rule, layers),
                *(Remedy(_may_raise(limit, at), limit.source, _needed(limit, least)) for limit in low),
            ),
            live_role=live.role,
            cap_role=NONE if cap is None else cap.role,
            cap_source=None if cap is None else cap.source,
            ceiling_role=next((each.role for each in own if each.source is LimitSource.CEILING), ""),
            effective_role=roles[rank].name,
            least_role=least,
        )

    def _limits(
        self, token: Token, at: Standing, application: str | None
    ) -> tuple[Limit, list[Limit], list[Limit]]:
        """What limits the role at a place: live role, levels of the cap, organization. A stranger has none to limit."""
        if at.owner is None:
            return Limit(LimitSource.LIVE_ROLE, NONE), [], []
        live = at.role if application is None or at.application_role is None else at.application_role
        levels = cap_levels(token.settings.cap, at.owner, application)
        counted = levels if self.lower_only else levels[:1]
        cut = [Limit(LimitSource.CUT, NONE)] if at.owner.id in token.settings.cuts else []
        ceiling = None if at.ceiling is None else at.ceiling.of(token.client_id)
        return (
            Limit(LimitSource.LIVE_ROLE, live),
            [Limit(source, role) for source, role in counted],
            cut if ceiling is None else [*cut, Limit(LimitSource.CEILING, ceiling)],
        )

    def _height(self, limit: Limit) -> int:
        return self._ranks.get(limit.role, 0)

    def opened(
        self, subject: Subject, standing: Standing | None, application: str | None = None
    ) -> tuple[str, tuple[str, ...]]:
        """The effective role at a place, and the names of the actions that are open there.

        Args:
            subject: the token.
            standing: the user's standing there; None: what belongs to the user alone, where there is no role.
            application: the application; None: the organization or sandbox itself.
        """
        role, rank = "", len(self.catalogue.roles.roles)  # where no role counts, none is too low
        target: Target = USER
        if standing is not None:
            rank = self.rank(subject.token, standing, application)
            role = self.catalogue.roles.roles[rank].name
            target = ORGANIZATION if application is None else APPLICATION
        if subject.barriers:
            return role, ()
        return role, self._open(self.catalogue.mask(subject.scopes or subject.token.scopes), rank, target)

    def _open(self, mask: int, rank: int, target: Target) -> tuple[str, ...]:
        """The actions open to scopes and a rank, by the name they have now: the same few combinations come again."""
        key = mask, rank, target
        found = self._opened.get(key)
        if found is None:
            found = tuple(
                name
                for name, rule in self.catalogue.rules.items()
                if rule.target == target
                and name == rule.action.name
                and mask & rule.mask
                and rank >= rule.rank
            )
            if len(self._opened) >= MASK_MEMORY:
                self._opened.clear()
            self._opened[key] = found
        return found


NOT_THERE_YET: Final = Token(
    id="", user="", client_id="", redirect_uri="", scopes=(), resources=(), created_at=0.0,
    settings=Settings(name="", cap=RoleCap()),
)  # fmt: skip


def proposed(cap: RoleCap, client_id: str, scopes: tuple[str, ...] = ()) -> Token:
    """A token that is not there yet, to be judged like one that is."""
    settings = evolve(NOT_THERE_YET.settings, cap=cap)
    return evolve(NOT_THERE_YET, client_id=client_id, scopes=scopes, settings=settings)


def _without_role(rule: Rule, layers: list[Judged]) -> Explanation:
    """The explanation of an action that no role decides about: the user's own things, or nobody's."""
    if rule.target == "unreachable":
        layers.append(Judged(Layer.ROLE, passed=False, reason="unreachable"))
    return Explanation(rule, tuple(layers), binding=_binding(layers, None), remedies=_remedies(rule, layers))


def _missing(place: str, action: str) -> InvalidValueError:
    return InvalidValueError(place, f"{action} is judged at an {place}: name it")


def _needed(limit: Limit, least: str) -> str:
    """The role to which a limit must be raised; a cut is no role, and can only be lifted."""
    return "" if limit.source is LimitSource.CUT else least


def _may_raise(limit: Limit, at: Standing) -> Who:
    """Who may raise a limit; nobody but the host gives roles in a sandbox."""
    in_sandbox = at.owner is not None and at.owner.id is None
    return Who.HOST if in_sandbox and limit.source is LimitSource.LIVE_ROLE else MAY_RAISE[limit.source]


def _shortage(rule: Rule) -> str:
    if rule.scopes:
        return "insufficient_scope"
    return "closed_to_tokens" if rule.action.closed else "not_offered"


def _binding(layers: list[Judged], limit: Limit | None) -> Layer | LimitSource | None:
    """The first layer that says no, and where that is the role or none, the limit."""
    denial = next((judged.layer for judged in layers if not judged.passed), None)
    return limit.source if limit is not None and denial in {None, Layer.ROLE} else denial


def _remedies(rule: Rule, layers: list[Judged]) -> tuple[Remedy, ...]:
    """What would have to change, the limits of the role aside."""
    found: list[Remedy] = []
    for judged in layers:
        if judged.passed or judged.reason in ROLE_REASONS:
            continue
        needs = rule.scopes[0] if judged.reason == "insufficient_scope" else ""
        found.append(Remedy(MAY_LIFT.get(judged.reason, Who.HOST), judged.layer, needs))
    return tuple(found)
