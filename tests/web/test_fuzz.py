"""Garbage at every endpoint: never an exception or a 5xx, always a reason, and no row changed by what was refused."""

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from tests.support import REDIRECT_URI
from tests.web.garbage import Known, requests
from tests.web.test_transport import is_explained

from scopegate import SignedIn

PEOPLE = [SignedIn("ann", "session of ann"), SignedIn("ann", "session of ann"), None, "ann", "nobody"]
EXAMPLES = min(settings().max_examples, 3000)  # by the profile; a night has more than these requests to try
ENDPOINTS = ("authorize", "consent", "token", "revoke", "register")
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


@pytest.mark.law
@pytest.mark.parametrize("endpoint", [None, *ENDPOINTS])
@settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_no_garbage_breaks_an_endpoint_or_changes_a_row(known, endpoint, data):
    """GEN-3, GEN-4, GEN-6, GEN-8, law 7: every path and method, any bytes."""
    known.site.who = data.draw(st.sampled_from(PEOPLE))
    sent = data.draw(requests(known, endpoint))
    before = known.site.rows()
    reply = known.site.send(sent)
    event(f"{sent.path}: {reply and reply.status}")
    judge(sent, reply)
    may_change = reply is not None and (
        reply.status == 201 or (reply.status in {200, 303} and sent.path in CHANGING)
    )
    if not may_change:
        assert known.site.rows() == before
