"""Deleting objects, buckets and files, as ``rm`` and ``sync --delete`` do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cloudkit.cli.output import Output, report
from cloudkit.cli.places import Place, folder_of, nothing_below

if TYPE_CHECKING:
    from cloudkit.api import ObjectStorage

_AT_ONCE = 1000
Meant = Callable[[str], bool]
"""Whether an object is to be deleted, by the path below the prefix."""


class Removal:
    """What was deleted, and what was not.

    Args:
        output: Prints what was.
        force: Whether it is fine that something is missing.
        dry_run: Whether only to say what would be deleted.

    Attributes:
        count: How many were deleted.
        errors: Why something was not.
    """

    def __init__(self, output: Output, *, force: bool = False, dry_run: bool = False) -> None:
        self.count = 0
        self.errors: list[Exception] = []
        self._output = output
        self._force = force
        self._dry_run = dry_run

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note what fails in the block, so that the rest can go on."""
        from cloudkit.common import NotFoundError

        try:
            yield
        except BrokenPipeError:
            raise  # nobody reads what is told
        except Exception as error:  # noqa: BLE001  (the others are deleted all the same)
            if not (self._force and isinstance(error, NotFoundError)):
                self.failed(error)

    async def object(self, storage: ObjectStorage, place: Place) -> None:
        """Delete one object.

        Raises:
            NotFoundError: There is none, and that is not fine.
        """
        if not self._dry_run:
            await storage.delete_object(place.name, place.key, missing_ok=self._force)
        elif not self._force:
            await storage.head_object(place.name, place.key)
        self.done(place)

    async def bucket(self, storage: ObjectStorage, place: Place) -> None:
        """Delete an empty bucket.

        Raises:
            NotFoundError: There is none.
            ConflictError: It is not empty.
        """
        if not self._dry_run:
            await storage.delete_bucket(place.name)
        self.done(place)

    async def below(
        self, storage: ObjectStorage, place: Place, meant: Meant = lambda relative: True
    ) -> None:
        """Delete the objects below a prefix, or those of a whole bucket.

        Raises:
            NotFoundError: There is no such bucket; or there are none, and that is not fine.
        """
        prefix, found = folder_of(place.key), False
        keys: list[str] = []
        async for entry in storage.list_objects(place.name, prefix=prefix):
            found = True
            if meant(entry.key[len(prefix) :]):
                keys.append(entry.key)
            if len(keys) == _AT_ONCE:
                await self._several(storage, place, keys)
                keys = []
        await self._several(storage, place, keys)
        if not found and place.key and not self._force:
            raise nothing_below(place)

    def file(self, path: Path) -> None:
        """Delete a file."""
        try:
            if not self._dry_run:
                path.unlink()
        except OSError as error:
            self.failed(error)
        else:
            self.done(str(path))

    async def _several(self, storage: ObjectStorage, place: Place, keys: list[str]) -> None:
        places = [Place(place.cloud, place.name, key, place.root) for key in keys]
        if self._dry_run:
            for one in places:
                self.done(one)
        elif keys:
            outcomes = await storage.delete_objects(place.name, keys)
            for one, outcome in zip(places, outcomes, strict=True):
                if outcome.error is None:
                    self.done(one)
                else:
                    self.failed(outcome.error)

    def done(self, what: Place | str) -> None:
        """Tell that something was deleted."""
        self.count += 1
        word = "would delete" if self._dry_run else "deleted"
        values = {"url": str(what), "deleted": not self._dry_run}
        self._output.result(values, f"{word} {what}")

    def failed(self, error: Exception) -> None:
        """Tell that something was not deleted."""
        self.errors.append(error)
        report(error, as_json=self._output.json)
