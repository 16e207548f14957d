"""What earlier releases wrote is read."""

from collections.abc import Callable, Mapping
from typing import ClassVar

from scopegate.protocols import Store
from scopegate.testing._store_cases import everything, furnish
from scopegate.testing._store_rules import equal
from scopegate.testing._store_samples import race


class Migrations:
    """Give `earlier`, or decline the group with a reason: a store without a schema has none."""

    scopegate_group: ClassVar[str] = "M"

    def earlier(self) -> Mapping[str, Callable[[], Store]]:
        """For each schema that was ever released, what restores its dump and opens a store over it.

        A dump holds, in the realm ``realm``, what `furnish` of that release put there. Override this.
        """
        raise NotImplementedError(
            f"{type(self).__name__}: override earlier() to open the dumps of every schema so far, or decline the "
            f"group M and say why"
        )

    def test_what_earlier_releases_wrote_is_read(self, store: Store) -> None:
        """All of it, as this release would have written it."""
        furnish(store, "realm")
        expected = everything(store, "realm")
        earlier = self.earlier()
        if not earlier:
            raise AssertionError("there is a dump of at least one schema")
        for version, restore in earlier.items():
            old, known = restore(), self.known_to(version, expected)
            try:
                equal(everything(old, "realm"), known, f"what schema {version} held is read")
                old.close()
                equal(everything(old, "realm"), known, f"what schema {version} held is read again")
            finally:
                old.close()

    def test_many_can_open_what_an_earlier_release_wrote_at_once(self, store: Store) -> None:
        """One of them brings it up to date."""
        furnish(store, "realm")
        expected = everything(store, "realm")
        for version, restore in self.earlier().items():
            old, known = restore(), self.known_to(version, expected)
            stores = [self.make_another_of(old) for _ in range(4)]
            race([each.open for each in stores])
            for each in stores:
                equal(everything(each, "realm"), known, f"what schema {version} held is read by each")
            for each in (*stores, old):
                each.close()

    def known_to(self, version: str, expected: dict[str, object]) -> dict[str, object]:
        """What this release would have written, without what the release of that schema did not know yet."""
        del version
        return expected

    def make_another_of(self, old: Store) -> Store:
        """Another store over the same restored data; the store itself unless this is overridden."""
        return old
