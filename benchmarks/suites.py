"""Which rows make up which suite, and what scopegate is to reach in it."""

from collections.abc import Callable
from typing import Final

from benchmarks import access_suites, decision_suites, limit_rows, scopegate_rows, store_suites, workload
from benchmarks.asgi import Exchange, caller, get
from benchmarks.limits import metadata_document
from benchmarks.peers import authlib_peer, mcp_peer, oauthlib_peer
from benchmarks.rows import Row, Share, Suite, Target, Verdict

HOT: Final = 100
OURS: Final = ("scopegate", "scopegate, async")
RULERS: Final = ("LIMIT", "LIMIT, all duties")
VERIFY_TARGETS: Final = (
    Target("scopegate", "LIMIT", 2.0),
    Target("scopegate", "LIMIT, all duties", 2.0),
    Target("scopegate", "Authlib ResourceProtector", 1.0),
    Target("scopegate, async", "LIMIT, async", 2.0),
    Target("scopegate, async", "LIMIT, all duties", 2.0),
    Target("scopegate, async", "Authlib ResourceProtector", 1.0),
)
MANY: Final = 100_000
GRANTED: Final = Verdict(200, (workload.USER,))
ISSUED: Final = Verdict(200, workload.TOKEN_FIELDS)
JUDGEMENT: Final = "oauthlib, judgement alone"
OWN_SHARE: Final = Share("scopegate, own share", "scopegate", JUDGEMENT)
TOKEN_TARGETS: Final = (
    Target("scopegate", "Authlib", 0.8),
    *(Target(OWN_SHARE.name, ruler, 2.5) for ruler in RULERS),
)


def verify(stored: int) -> Suite:
    """Return the bearer check over that many stored tokens."""
    return Suite(
        name="verify" if stored == HOT else "verify-many",
        title=f"Bearer check: Authorization header -> user, scope granted; {stored} tokens stored",
        rows=[
            limit_rows.bearer(stored),
            limit_rows.bearer(stored, awaits=True),
            limit_rows.dutiful_bearer(stored),
            authlib_peer.bearer(stored),
            mcp_peer.bearer(stored),
            mcp_peer.bearer(stored, audience=True),
            oauthlib_peer.bearer(stored),
            scopegate_rows.bearer(stored),
            scopegate_rows.async_bearer(stored),
        ],
        expected=GRANTED,
        size=10_000,
        targets=VERIFY_TARGETS if stored == HOT else (),
    )


def unknown() -> Suite:
    """Return the refusal of a token that nobody issued."""
    return Suite(
        name="unknown",
        title="Unknown token: Authorization header -> refused; 100 other tokens stored",
        rows=[
            limit_rows.unknown(),
            authlib_peer.unknown(),
            mcp_peer.unknown(),
            oauthlib_peer.unknown(),
            scopegate_rows.unknown(),
            scopegate_rows.foreign(),
        ],
        expected=Verdict(401),
        size=10_000,
        targets=[Target("scopegate", "LIMIT", 2.0)],
    )


def exchange() -> Suite:
    """Return the code exchange."""
    return Suite(
        name="exchange",
        title="Code + PKCE S256 -> access and refresh token, public client",
        rows=[
            limit_rows.exchange(),
            limit_rows.dutiful_exchange(),
            mcp_peer.exchange("mcp SDK handler", mcp_peer.bare),
            mcp_peer.exchange("mcp SDK routes", mcp_peer.routed),
            authlib_peer.exchange(),
            oauthlib_peer.exchange("oauthlib", None),
            oauthlib_peer.exchange("oauthlib, quick secrets", oauthlib_peer.quick),
            oauthlib_peer.engine_exchange(JUDGEMENT),
            scopegate_rows.exchange(),
        ],
        expected=ISSUED,
        shares=[OWN_SHARE],
        targets=TOKEN_TARGETS,
        size=600,
        once=True,
    )


def refresh() -> Suite:
    """Return the refresh with rotation."""
    return Suite(
        name="refresh",
        title="Refresh token -> new access and refresh token, rotating, public client",
        rows=[
            limit_rows.refresh(),
            limit_rows.dutiful_refresh(),
            mcp_peer.refresh("mcp SDK handler", mcp_peer.bare),
            mcp_peer.refresh("mcp SDK routes", mcp_peer.routed),
            authlib_peer.refresh(),
            oauthlib_peer.refresh("oauthlib", None),
            oauthlib_peer.refresh("oauthlib, quick secrets", oauthlib_peer.quick),
            oauthlib_peer.engine_refresh(JUDGEMENT),
            scopegate_rows.refresh(),
            scopegate_rows.strict_refresh(),
        ],
        expected=ISSUED,
        shares=[OWN_SHARE],
        targets=TOKEN_TARGETS,
        size=600,
        once=True,
    )


def metadata() -> Suite:
    """Return the metadata document."""
    ruler: Row[Exchange] = Row(
        name="LIMIT",
        prepare=lambda count: [get("/.well-known/oauth-authorization-server") for _ in range(count)],
        call=caller(metadata_document),
        read=lambda answer: Verdict(answer.status),
        awaits=True,
    )
    return Suite(
        name="metadata",
        title="GET /.well-known/oauth-authorization-server, whole ASGI application",
        rows=[ruler, mcp_peer.metadata(), scopegate_rows.metadata()],
        expected=Verdict(200),
        size=2_000,
    )


SUITES: Final[dict[str, Callable[[], list[Suite]]]] = {
    "verify": lambda: [verify(HOT), verify(MANY)],
    "access": lambda: [access_suites.access(HOT), access_suites.access(MANY)],
    "access-sqlite": lambda: [
        access_suites.sqlite(stored) for stored in (access_suites.FEW, access_suites.MANY)
    ],
    "decide": lambda: [decision_suites.decide()],
    "decide-organizations": lambda: [decision_suites.by_organizations()],
    "decide-actions": lambda: [decision_suites.by_actions()],
    "unknown": lambda: [unknown()],
    "exchange": lambda: [exchange()],
    "refresh": lambda: [refresh()],
    "metadata": lambda: [metadata()],
    "exchange-sqlite": lambda: [
        store_suites.sqlite_exchange("FULL"),
        store_suites.sqlite_exchange("NORMAL"),
    ],
    "lookup-postgresql": lambda: [
        store_suites.lookup(used) for used in (store_suites.HOT, store_suites.WARM, store_suites.COLD)
    ],
    "verify-cached": lambda: [store_suites.cached()],
    "exchange-postgresql": lambda: [store_suites.postgresql_exchange()],
}
