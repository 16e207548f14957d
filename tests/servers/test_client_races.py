"""Two change one client at the same time: both are done, one after the other, and neither is lost (CLI-5, CLI-6)."""

from threading import Barrier, Thread

import pytest
from attrs import evolve
from tests.support import REDIRECT_URI, Journey, WatchedStore, World

from scopegate import AuthMethod
from scopegate.core.changes import PutClient
from scopegate.errors import ContentionError
from scopegate.flows.outcomes import TokenReply

DEEDS = {
    "rotate": lambda world, client_id: world.server.rotate_secret(client_id),
    "disable": lambda world, client_id: world.server.disable_client(client_id),
    "enable": lambda world, client_id: world.server.enable_client(client_id),
}


@pytest.fixture
def meddled():
    """A world in which ``overtaking`` is done right before the next commit, and its client."""
    overtaking = []

    def before(name, _):
        if name == "commit" and overtaking:
            overtaking.pop()()

    with World(store=WatchedStore(before)) as world:
        client_id = world.server.add_client("Mine", [REDIRECT_URI], owner="ann").client.id
        yield world, client_id, overtaking


@pytest.mark.parametrize(
    ("deed", "overtaken_by", "secrets", "disabled"),
    [
        ("rotate", "rotate", 3, False),
        ("rotate", "disable", 2, True),
        ("disable", "rotate", 2, True),
        ("disable", "disable", 1, True),
    ],
)
def test_whoever_comes_second_decides_again(meddled, deed, overtaken_by, secrets, disabled):
    """What the first did stays done."""
    world, client_id, overtaking = meddled
    overtaking.append(lambda: DEEDS[overtaken_by](world, client_id))
    DEEDS[deed](world, client_id)
    client = world.server.client(client_id)
    assert (len(client.secrets), client.disabled) == (secrets, disabled)


def test_whoever_is_overtaken_too_often_says_so(meddled):
    """Nothing was decided, and nothing written."""
    world, client_id, overtaking = meddled

    def overtake():
        client = world.server.client(client_id)
        changed = evolve(client, version=client.version + 1)
        world.store.store.commit(world.realm, [PutClient(changed, client.version)])

    overtaking += [overtake] * 3
    with pytest.raises(ContentionError):
        world.server.rotate_secret(client_id)
    assert (len(world.server.client(client_id).secrets), overtaking) == (1, [])


def test_threads_that_rotate_get_secrets_that_all_work():
    """Two at a time, many times: every secret that was told is accepted at the token endpoint."""
    with World() as world:
        journey = Journey(world)
        mine = world.server.add_client("Mine", [REDIRECT_URI], owner="ann", auth_method=AuthMethod.POST)
        journey.client_id, journey.client_secret = mine.client.id, mine.document["client_secret"]
        journey.approve()
        assert isinstance(journey.redeem(), TokenReply)
        for _ in range(25):
            barrier, told = Barrier(2), []

            def rotate(barrier=barrier, told=told):
                barrier.wait()
                told.append(world.server.rotate_secret(mine.client.id).document["client_secret"])

            threads = [Thread(target=rotate) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(told) == len(set(told)) == 2
            for secret in told:
                assert isinstance(journey.refresh(client_secret=secret), TokenReply)
