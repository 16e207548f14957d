"""A failure after any write leaves all or nothing."""

from contextlib import AbstractContextManager
from typing import ClassVar, Final

import pytest

from scopegate.core.changes import AdvanceToken, Change
from scopegate.errors import StoreUnavailableError
from scopegate.protocols import Store
from scopegate.testing._store_cases import FOLLOWERS, TRUE, everything, furnish
from scopegate.testing._store_hygiene import CANARY, FOLLOWING, quiet
from scopegate.testing._store_rules import equal, holds
from scopegate.testing._store_samples import NOW, fresh_realm

MOST: Final = 40


class Failures:
    """Give `failing`, or decline the group with a reason."""

    scopegate_group: ClassVar[str] = "A"

    def failing(self, store: Store, step: int) -> AbstractContextManager[object]:
        """Let the driver fail at its ``step``-th write (1 is the first) while the context lasts. Override this."""
        raise NotImplementedError(
            f"{type(self).__name__}: override failing() so that write {step} of {type(store).__name__} fails, or "
            f"decline the group A and say why"
        )

    @pytest.mark.parametrize("case", TRUE)
    def test_a_failure_after_any_write_leaves_all_or_nothing(self, store: Store, case: str) -> None:
        """At the first write, at the second, ..., until a commit meets none; and the same commit can be made then."""
        realm = fresh_realm()
        furnish(store, realm)
        before = everything(store, realm)
        changes: list[Change] = [TRUE[case].change, *FOLLOWERS]
        for step in range(1, MOST):
            failed = self._fails(store, realm, changes, step)
            found = everything(store, realm)
            if not failed:
                break
            equal(found, before, f"{case}: a failure at write {step} leaves nothing behind")
        else:
            raise AssertionError(f"{case}: a commit has fewer than {MOST} writes")
        holds(TRUE[case].written(store, realm), f"{case}: the commit was made in the end")
        holds(step > 1, f"{case}: at least one write failed")

    def test_a_failure_tells_nothing_of_what_was_to_be_written(self, store: Store) -> None:
        """Drivers like to show the values of the statement that failed."""
        furnish(store, "realm")
        changes: list[Change] = [AdvanceToken("one", 2, NOW, CANARY.encode()), *FOLLOWING]
        for step in range(1, MOST):
            with self.failing(store, step):
                try:
                    store.commit("realm", changes)
                except StoreUnavailableError as error:
                    quiet(error, f"a failure at write {step}")
                else:
                    return
        raise AssertionError(f"a commit has fewer than {MOST} writes")

    def _fails(self, store: Store, realm: str, changes: list[Change], step: int) -> bool:
        with self.failing(store, step):
            try:
                store.commit(realm, changes)
            except StoreUnavailableError:
                return True
        return False
