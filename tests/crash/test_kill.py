"""kill -9 at every step of the flow: nothing is ever half done, and trying again, or starting anew, works (law 3)."""

import random
import threading

import pytest
from tests.crash.processes import DiedError, Process
from tests.hygiene.plugin import ISSUED, TOLD
from tests.hygiene.search import Secrets
from tests.web.browser import Walk

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

POINTS = ("before", "inside", "after")
REDIRECT = "http://127.0.0.1:7/callback"
SECRETS = ("access_token", "refresh_token")


@pytest.fixture(params=["async", "sync"])
def process(request, tmp_path):
    """A host process: the asynchronous server behind ASGI, and the synchronous one behind WSGI."""
    found = Process(tmp_path, request.param)
    yield found
    found.close()


@pytest.fixture
def walk(process):
    """A client at the start of its way."""
    return Walk(process, redirect_uris=[REDIRECT])


def dies(process, point, step):
    """Whether the process dies at the point while the step waits for its answer; it is started again."""
    process.die_at(point)
    with pytest.raises(DiedError):
        step()
    died = process.died()
    process.start()
    return died


def alive(process, replies, name="access_token"):
    """How many of the access tokens in these replies still open the resource."""
    return sum(process.me(reply[name]) == 200 for reply in replies)


def fresh_flow_works(process):
    """Whether a client that knows nothing of the past gets a token that opens the resource."""
    other = Walk(process, redirect_uris=[REDIRECT]).connect()
    return process.me(other.reply["access_token"]) == 200


def test_the_flow_survives_a_kill_after_every_answer(process, walk):
    """Law 3: six kills, one flow; page, cookie, code and tokens are worth the same afterwards."""
    assert walk.register().status == 201
    process.restart()
    assert walk.authorize().status == 200
    assert process.count("tokens") == 0
    process.restart()
    assert walk.decide().status == 303
    process.restart()
    assert walk.token().status == 200
    first = walk.reply
    process.restart()
    assert process.me(first["access_token"]) == 200
    assert walk.refresh().status == 200
    process.restart()
    again = walk.refresh(refresh_token=first["refresh_token"])
    assert (again.status, again.json) == (200, walk.reply)
    assert alive(process, [first, walk.reply]) == 2
    assert process.count("tokens") == 1


@pytest.mark.parametrize("point", POINTS)
def test_killed_while_registering(process, walk, point):
    """DCR-1: the client exists or does not; a second try gives one that works."""
    assert dies(process, f"{point} PutClient", walk.register)
    existing = {"before": 0, "inside": 0, "after": 1}[point]
    assert (process.count("clients"), process.count("events")) == (existing, existing)
    walk.connect()
    assert process.me(walk.reply["access_token"]) == 200
    assert process.count("clients") == existing + 1


@pytest.mark.parametrize("point", POINTS)
def test_killed_while_approving(process, walk, point):
    """CON-4: the page is sent again, as a browser does on reload; one token, one code, and it can be redeemed."""
    walk.register()
    walk.authorize()
    assert dies(process, f"{point} CreateToken", walk.decide)
    existing = {"before": 0, "inside": 0, "after": 1}[point]
    assert (process.count("tokens"), process.count("credentials")) == (existing, existing)
    first, second = walk.decide(), walk.decide()
    assert (first.status, first.header("Location")) == (303, second.header("Location"))
    assert (process.count("tokens"), process.count("credentials")) == (1, 1)
    assert walk.token().status == 200
    assert process.me(walk.reply["access_token"]) == 200


@pytest.mark.parametrize("point", POINTS)
def test_killed_while_redeeming_a_code(process, walk, point):
    """CODE-1, CODE-7: redeemed or not, never in between; nobody holds a secret of the answer that was lost."""
    walk.register()
    walk.approve()
    assert dies(process, f"{point} AdvanceToken", walk.token)
    lost = point == "after"
    assert process.count("credentials") == (3 if lost else 1)
    again = walk.token()
    if lost:
        assert (again.status, again.json["error"]) == (400, "invalid_grant")
        walk.approve()
        assert walk.token().status == 200
    else:
        assert again.status == 200
    assert walk.token().json["error"] == "invalid_grant"
    assert process.me(walk.reply["access_token"]) == 200


def test_a_code_that_comes_back_much_later_ends_what_it_began(process, walk):
    """CODE-7: after the moment in which a client may try again, over a kill."""
    walk.register()
    walk.approve()
    assert walk.token().status == 200
    process.restart(ahead=60)
    assert walk.token().json["error"] == "invalid_grant"
    assert process.me(walk.reply["access_token"]) == 401
    process.restart()
    assert process.me(walk.reply["access_token"]) == 401
    assert walk.refresh().json["error"] == "invalid_grant"
    assert fresh_flow_works(process)


@pytest.mark.parametrize("point", POINTS)
def test_killed_while_refreshing(process, walk, point):
    """REF-7, REF-8: trying again gives one successor, always the same; there is never a second family."""
    walk.connect()
    first = walk.reply
    assert dies(process, f"{point} AdvanceToken", walk.refresh)
    assert process.count("credentials") == (5 if point == "after" else 3)
    replies = [walk.refresh(refresh_token=first["refresh_token"]) for _ in range(3)]
    assert [reply.status for reply in replies] == [200] * 3
    assert len({reply.body for reply in replies}) == 1
    assert process.count("credentials") == 5
    assert alive(process, [first, walk.reply]) == 2
    assert walk.refresh().status == 200
    assert alive(process, [first, walk.reply]) == 1
    process.restart(ahead=60)
    assert walk.refresh(refresh_token=first["refresh_token"]).json["error"] == "invalid_grant"
    assert alive(process, [first, walk.reply]) == 0
    assert fresh_flow_works(process)


@pytest.mark.parametrize("point", POINTS)
def test_killed_while_revoking(process, walk, point):
    """REV-5: revoked or not; a second try is done either way, and then nothing authenticates."""
    walk.connect()
    given = {"client_id": walk.client_id, "token": walk.reply["refresh_token"]}
    assert dies(process, f"{point} RevokeToken", lambda: process.post("/oauth/revoke", given))
    assert process.me(walk.reply["access_token"]) == (401 if point == "after" else 200)
    assert process.post("/oauth/revoke", given).status == 200
    assert process.me(walk.reply["access_token"]) == 401
    assert walk.refresh().json["error"] == "invalid_grant"
    assert fresh_flow_works(process)


def storm(process, walk, seconds):
    """Refresh without a pause while the process is killed and started again; the replies, None for a lost one."""
    killer = threading.Timer(seconds, process.restart)
    killer.start()
    replies = []
    while killer.is_alive():
        try:
            assert walk.refresh().status == 200
            replies.append(walk.reply)
        except DiedError:
            replies.append(None)
    return replies


def test_killed_at_any_moment_of_a_storm_of_refreshes(process, walk):
    """REF-7, REF-8: a client that tries again after every crash never loses its authorization, and has only one."""
    moments = random.Random(5)
    walk.connect()
    replies = [walk.reply]
    while replies.count(None) < 3:
        replies += storm(process, walk, moments.uniform(0.02, 0.25))
    assert walk.refresh().status == 200
    told = [reply for reply in [*replies, walk.reply] if reply is not None]
    assert len(told) > 8
    assert len({reply["refresh_token"] for reply in told}) == len(told)
    assert alive(process, told) == 2
    assert process.count("tokens") == 1


def test_nothing_that_was_issued_is_in_the_log_or_the_file(process, walk):
    """Law 5: of a host that logs everything, also when it is killed in the middle."""
    walk.connect()
    first = walk.reply
    dies(process, "after AdvanceToken", walk.refresh)
    walk.refresh()
    process.kill()
    secrets = Secrets()
    for wire in (walk.code, *(reply[name] for reply in (first, walk.reply) for name in SECRETS)):
        secrets.add(wire.partition(".")[2])
    for cookie in process.cookies.values():
        secrets.add(cookie)
    assert len(secrets) == 6
    TOLD.learn()
    assert secrets <= ISSUED  # so that the guard finds them anywhere else, too
    files = [path for path in process.folder.iterdir() if path.is_file()]
    assert {path.name for path in files} >= {"store.db", "host.log"}
    assert [(path.name, secrets.found_in(path.read_bytes())) for path in files] == [
        (path.name, []) for path in files
    ]
