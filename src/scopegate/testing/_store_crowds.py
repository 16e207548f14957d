"""Two hundred codes and two hundred refresh tokens, four callers each: counted by what still authenticates."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing import get_context
from threading import Barrier, BrokenBarrierError
from traceback import format_exc
from typing import Any, ClassVar, Final

from scopegate.core.changes import AddCredential, AdvanceToken, Change, CreateToken
from scopegate.errors import ConflictError
from scopegate.protocols import Capabilities, Store
from scopegate.testing._groups import group
from scopegate.testing._store_races import Callers
from scopegate.testing._store_rules import equal
from scopegate.testing._store_samples import NOW, digest_of, make_credential, make_token, race

CALLERS: Final = 4
PATIENCE: Final = 120
REALM: Final = "crowd"

Won = list[list[int]]
"""Of each caller, the numbers of the tokens that it redeemed, or refreshed."""


class Crowds(Callers):
    """Nobody redeems twice, and no token is left over."""

    scopegate_group: ClassVar[str] = "O"
    capabilities: ClassVar[Capabilities]
    crowd: ClassVar[int] = 200
    """How many codes and refresh tokens there are. A store that writes everything anew each time may take fewer."""

    def recipe(self, store: Store) -> Callable[[], Store]:
        """What opens a store over the same data in another process. It must be picklable. Override this."""
        raise NotImplementedError(
            f"{type(self).__name__}: override recipe() to say how another process opens what {type(store).__name__} "
            f"keeps, or declare cross_process=False"
        )

    def test_of_threads_that_redeem_two_hundred_codes_one_wins_each(self, store: Store) -> None:
        """By four callers, who set out for each code together."""
        self._judge(store, self._in_threads(store, 0), 0)

    @group("F")
    def test_of_threads_that_use_two_hundred_refresh_tokens_one_wins_each(self, store: Store) -> None:
        """By four callers; the family goes on from the winner's."""
        self._judge(store, self._in_threads(store, 1), 1)

    def test_of_processes_that_redeem_two_hundred_codes_one_wins_each(self, store: Store) -> None:
        """By four processes that have nothing in common but the data."""
        self._judge(store, self._in_processes(store, 0), 0)

    @group("F")
    def test_of_processes_that_use_two_hundred_refresh_tokens_one_wins_each(self, store: Store) -> None:
        """By four processes that have nothing in common but the data."""
        self._judge(store, self._in_processes(store, 1), 1)

    def _in_threads(self, store: Store, generation: int) -> Won:
        _prepare(store, generation, self.crowd)
        won: Won = [[] for _ in range(CALLERS)]
        stores = [self.make_another(store) for _ in range(CALLERS)]
        barrier = Barrier(CALLERS)
        race(
            [
                partial(_advance_all, each, place, generation, self.crowd, won[place], barrier)
                for place, each in enumerate(stores)
            ]
        )
        return won

    def _in_processes(self, store: Store, generation: int) -> Won:
        _prepare(store, generation, self.crowd)
        context = get_context("spawn")
        barrier, answers = context.Barrier(CALLERS), context.Queue()
        recipe = self.recipe(store)
        processes = [
            context.Process(
                target=_take_part, args=(recipe, place, generation, self.crowd, barrier, answers), daemon=True
            )
            for place in range(CALLERS)
        ]
        for process in processes:
            process.start()
        found: dict[int, list[int]] = {}
        failed: list[str] = []
        for _ in processes:
            place, won, trouble = answers.get(timeout=PATIENCE)
            found[place] = won
            failed += [trouble] if trouble else []
        for process in processes:
            process.join(PATIENCE)
        if failed:
            raise AssertionError("a process could not take part: " + "\n".join(failed))
        return [found[place] for place in range(CALLERS)]

    def _judge(self, store: Store, won: Won, generation: int) -> None:
        """Count the answers, and what still authenticates."""
        expected = list(range(self.crowd))
        equal(
            sorted(number for each in won for number in each), expected, "0 double, 0 lost: one answer each"
        )
        alive: Won = [[] for _ in range(CALLERS)]
        for number in expected:
            for place in range(CALLERS):
                record = store.token(REALM, f"t{number}", _made(number, place))
                if record is not None and record.credential is not None:
                    equal(record.token.generation, generation + 1, "a token is advanced once")
                    alive[place].append(number)
        equal(
            alive,
            [sorted(each) for each in won],
            "0 double, 0 lost: what authenticates is what was answered",
        )


def _prepare(store: Store, generation: int, count: int) -> None:
    for number in range(count):
        store.commit(REALM, [CreateToken(make_token(f"t{number}", generation=generation))])


def _made(number: int, place: int) -> bytes:
    return digest_of(f"{number} by {place}")


def _advance_all(
    store: Store,
    place: int,
    generation: int,
    count: int,
    won: list[int],
    barrier: Any,  # noqa: ANN401 - those of threads and of processes have no type in common
) -> None:
    """Try to be the first at each token; all callers set out for each of them together."""
    try:
        for number in range(count):
            barrier.wait(PATIENCE)
            token_id = f"t{number}"
            made = make_credential("", token_id, digest=_made(number, place), generation=generation + 1)
            changes: Sequence[Change] = (AdvanceToken(token_id, generation, NOW), AddCredential(made))
            with suppress(ConflictError):
                store.commit(REALM, changes)
                won.append(number)
    except BrokenBarrierError:
        return  # another caller tells what went wrong
    except BaseException:
        barrier.abort()  # nobody waits for one who is gone
        raise


def _take_part(
    recipe: Callable[[], Store],
    place: int,
    generation: int,
    count: int,
    barrier: Any,  # noqa: ANN401 - it has no public type
    answers: Any,  # noqa: ANN401 - likewise
) -> None:
    """What a process does: it answers with what it won, and with what went wrong."""
    won: list[int] = []
    try:
        store = recipe()
        store.open()
        _advance_all(store, place, generation, count, won, barrier)
        store.close()
    except BaseException:
        barrier.abort()
        answers.put((place, won, format_exc()))
        raise
    answers.put((place, won, ""))
