"""What a copy comes to: one job an object, found while the first of them are under way."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import click
from anyio import to_thread
from cloudkit.cli.clouds import Clouds
from cloudkit.cli.commands.objects import folder_of, nothing_below
from cloudkit.cli.places import Place
from cloudkit.cli.transfer.ends import End, FileEnd, Job, ObjectEnd, StreamEnd
from cloudkit.common import ValidationError

Refuse = Callable[[str, Exception], None]
"""Told what is not copied, and why."""


class Plan:
    """The jobs of a copy.

    Args:
        clouds: Connects.
        target: Where all goes.
        into: Whether the target is a folder or prefix that things are put into.
        recursive: Whether folders and prefixes are copied.
        refuse: Told what cannot be copied.
    """

    def __init__(
        self,
        clouds: Clouds,
        target: Place | str,
        *,
        into: bool,
        recursive: bool,
        refuse: Refuse,
    ) -> None:
        self._clouds = clouds
        self._target = target
        self._into = into
        self._recursive = recursive
        self._refuse = refuse

    async def jobs(self, source: Place | str) -> AsyncIterator[Job]:
        """The jobs of one source.

        Raises:
            CloudError: A bucket cannot be listed, or there is nothing.
            OSError: A file cannot be looked at.
            UsageError: A folder or prefix is to be copied without ``--recursive``.
        """
        if isinstance(source, Place):
            async for job in self._objects(source):
                yield job
        elif source == "-":
            yield Job(StreamEnd(), await self._whole_target(None))
        else:
            async for job in self._files(Path(source)):
                yield job

    async def _objects(self, source: Place) -> AsyncIterator[Job]:
        cloud = await self._clouds.get(source.cloud)
        if not self._recursive:
            name = source.key.rpartition("/")[2]
            if not name:
                raise click.UsageError(f"'{source}' is a folder of objects; copy it with -r")
            end = ObjectEnd(cloud, source.name, source.key, str(source))
            yield Job(end, await self._whole_target(name))
            return
        prefix, found = folder_of(source.key), False
        self._check_apart(source, prefix)
        async for entry in cloud.storage.list_objects(source.name, prefix=prefix):
            found = True
            relative = entry.key[len(prefix) :]
            if not entry.size and (not relative or relative.endswith("/")):
                continue  # what consoles leave behind to show a folder that is empty
            url = source.at(source.name, entry.key)
            try:
                target = await self._target_below(relative)
            except ValidationError as error:
                self._refuse(url, error)
                continue
            yield Job(ObjectEnd(cloud, source.name, entry.key, url), target, entry.size)
        if not found:
            raise nothing_below(source)

    def _check_apart(self, source: Place, prefix: str) -> None:
        target = self._target
        if not isinstance(target, Place) or (target.cloud, target.name) != (
            source.cloud,
            source.name,
        ):
            return
        if folder_of(target.key).startswith(prefix):
            raise click.UsageError(f"'{target}' is inside '{source}': it would be copied for ever")

    async def _files(self, source: Path) -> AsyncIterator[Job]:
        facts = await to_thread.run_sync(source.stat)
        if not stat.S_ISDIR(facts.st_mode):
            _check_regular(source, facts)
            yield Job(FileEnd(source), await self._whole_target(source.name), facts.st_size)
            return
        if not self._recursive:
            raise click.UsageError(f"'{source}' is a folder; copy it with -r")
        for path in _walk(source):
            try:
                facts = path.stat()
                _check_regular(path, facts)
            except (OSError, ValidationError) as error:
                self._refuse(str(path), error)
                continue
            target = await self._target_below(path.relative_to(source).as_posix())
            yield Job(FileEnd(path), target, facts.st_size)

    async def _whole_target(self, name: str | None) -> End:
        """The target of something that is copied alone, with a name to put it into a folder by."""
        if self._into:
            if name is None:
                raise click.UsageError("what comes from standard input needs a key to go to")
            return await self._target_below(name)
        if isinstance(self._target, Place):
            return await self._object(self._target.key)
        return StreamEnd() if self._target == "-" else FileEnd(Path(self._target))

    async def _target_below(self, relative: str) -> End:
        if isinstance(self._target, Place):
            return await self._object(folder_of(self._target.key) + relative)
        if self._target == "-":
            return StreamEnd()
        parts = relative.split("/")
        if not all(part and part not in {".", ".."} for part in parts) or "\0" in relative:
            raise ValidationError(f"the key {relative!r} cannot be the path of a file")
        return FileEnd(Path(self._target, *parts))

    async def _object(self, key: str) -> ObjectEnd:
        assert isinstance(self._target, Place)  # noqa: S101  (asked by all callers)
        place = self._target
        cloud = await self._clouds.get(place.cloud)
        return ObjectEnd(cloud, place.name, key, place.at(place.name, key))


def _walk(folder: Path) -> Iterator[Path]:
    """The files below, in order; links to folders are not followed, as they may go in circles."""
    for base, folders, names in os.walk(folder, onerror=_raise):
        folders.sort()
        yield from (Path(base, name) for name in sorted(names))


def _raise(error: OSError) -> None:
    raise error


def _check_regular(path: Path, facts: os.stat_result) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise ValidationError(f"{path} is not a regular file")
