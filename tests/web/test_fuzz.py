"""Garbage at every endpoint: never an exception or a 5xx, always a reason, and no row changed by what was refused."""

from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.support import REDIRECT_URI
from tests.web.browser import VERIFIER
from tests.web.driver import FORM, Sent
from tests.web.garbage import Known, requests
from tests.web.test_transport import is_explained

from scopegate import SignedIn
from scopegate.core.changes import RevokeToken
from scopegate.core.tokens import RevocationReason

PEOPLE = [SignedIn("ann", "session of ann"), SignedIn("ann", "session of ann"), None, "ann", "nobody"]
EXAMPLES = min(settings().max_examples, 1000)  # by the profile; a night has more than these requests to try
ENDPOINTS = ("authorize", "consent", "token", "revoke", "register")
CODE_REPLAY, REFRESH_REUSE = RevocationReason.CODE_REPLAY.value, RevocationReason.REFRESH_REUSE.value
CHANGING = ("/oauth/consent", "/oauth/token", "/oauth/revoke")


@pytest.fixture(scope="module", params=["asgi", "wsgi", "wsgi over sqlite"])
def known(request, tmp_path_factory):
    """One site for all examples; what succeeds changes it, and says so."""
    kind, _, store = request.param.partition(" over ")
    found = Known(kind, tmp_path_factory.mktemp("fuzz") / "store.db" if store else None)
    yield found
    found.site.close()


def judge(sent, reply):
    """What holds for every answer."""
    if reply is None:
        assert sent.cut
        return
    assert 200 <= reply.status < 500
    assert not [name for name, value in reply.headers if set(name + value) & set("\r\n\0")]
    location = reply.header("Location")
    assert location is None or location.startswith((f"{REDIRECT_URI}?", "/login?next="))
    if reply.status in {204, 304} or sent.method == "HEAD":
        assert reply.body == b""
    elif reply.status >= 400:
        assert is_explained(reply)


def facts(site):
    """What people and the protocol know of every token, how long the history is, and how many secrets are known."""
    tokens = {token.id: (token.generation, token.revoked_reason) for token in site.tokens()}
    return tokens, *site.counts()


def may_write(sent, reply):
    """Whether the answer says that something was done."""
    return reply is not None and (
        reply.status == 201 or (reply.status in {200, 303} and sent.path in CHANGING)
    )


def judge_writes(known, sent, reply, before):
    """A refusal writes in two cases only, and no more than this; everything else that is refused writes nothing."""
    assert (sent.path, reply.status) == ("/oauth/token", 400), "this refusal writes nothing"
    assert reply.json["error"] == "invalid_grant", "this refusal writes nothing"
    body = b"".join(sent.pieces)
    (tokens, history, secrets), (tokens_now, history_now, secrets_now) = before, facts(known.site)
    assert secrets_now == secrets, "nothing is issued"
    changed = {name for name in tokens | tokens_now if tokens.get(name) != tokens_now.get(name)}
    if not changed:
        assert known.live.encode() in body, "only of a live code"
        assert VERIFIER.encode() not in body, "only a wrong one"
        assert history_now == history
        return "a wrong verifier is counted"
    (name,) = changed
    assert name.encode() in body, "only the token that was named"
    assert tokens[name][1] is None
    used = {CODE_REPLAY: known.spent, REFRESH_REUSE: known.used}[tokens_now[name][1]]
    assert used.encode() in body, "only for what was used already"
    assert known.moved > 0, "never within the time in which a client may try again"
    assert history_now == history + 2
    return f"revoked: {tokens_now[name][1]}"


@pytest.mark.law
@pytest.mark.parametrize("endpoint", [None, *ENDPOINTS])
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_no_garbage_breaks_an_endpoint_or_changes_a_row(known, endpoint, data):
    """GEN-3, GEN-4, GEN-6, GEN-8, law 7: every path and method, any bytes."""
    known.site.who = data.draw(st.sampled_from(PEOPLE))
    later = data.draw(st.sampled_from([0, 0, 0, 0, 31])) if endpoint == "token" else 0
    sent = data.draw(requests(known, endpoint))
    known.wait(later)
    rows, before = known.site.rows(), facts(known.site)
    reply = known.site.send(sent)
    event(f"{sent.path}: {reply and reply.status}")
    judge(sent, reply)
    changed = known.site.rows() != rows
    try:
        if changed and not may_write(sent, reply):
            event(judge_writes(known, sent, reply, before))
    finally:
        if known.moved or (changed and facts(known.site)[0] != before[0]):
            known.renew()


def post(known, what, **changes):
    """Send one of the right requests, with changes."""
    parameters = known.whole["token"][what] | changes
    return Sent("POST", "/oauth/token", headers=(FORM,), body=urlencode(parameters).encode())


LIVE_WRONG, SPENT_RIGHT, REFRESH_USED = 1, 2, 5


@pytest.mark.parametrize(
    ("what", "later", "writes"),
    [
        (LIVE_WRONG, 0, True),
        (SPENT_RIGHT, 0, False),
        (SPENT_RIGHT, 31, True),
        (SPENT_RIGHT + 1, 31, False),
        (REFRESH_USED, 31, True),
    ],
)
def test_what_a_refusal_may_write(known, what, later, writes):
    """CODE-7, CODE-8, REF-2: a count of wrong verifiers, or a revocation for reuse; and the judge knows them."""
    known.renew()
    known.wait(later)
    rows, before = known.site.rows(), facts(known.site)
    sent = post(known, what)
    reply = known.site.send(sent)
    assert (reply.status, reply.json["error"]) == (400, "invalid_grant")
    assert (known.site.rows() != rows) == writes
    if writes:
        judge_writes(known, sent, reply, before)


@pytest.mark.parametrize("what", [SPENT_RIGHT, SPENT_RIGHT + 1])
def test_a_refusal_that_writes_more_would_be_seen(known, what):
    """Say, if a code that was used a moment ago disconnected its token, or its failures were counted."""
    known.renew()
    before = facts(known.site)
    sent = post(known, what)
    reply = known.site.send(sent)
    with pytest.raises(AssertionError, match="only of a live code"):
        judge_writes(known, sent, reply, before)
    name = known.spent.partition("_")[2].partition(".")[0]
    known.site.world.store.commit(
        known.site.world.realm, [RevokeToken(name, known.site.world.clock.now, CODE_REPLAY)]
    )
    with pytest.raises(AssertionError, match="never within the time"):
        judge_writes(known, sent, reply, before)
