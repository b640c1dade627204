"""What a copy comes to: one job an object, found while the first of them are under way."""

from __future__ import annotations

import os
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import click
from anyio import to_thread
from attrs import frozen
from cloudkit.cli.clouds import Clouds
from cloudkit.cli.places import Place, folder_of, name_of, nothing_below
from cloudkit.cli.selection import Selection
from cloudkit.cli.transfer.ends import End, FileEnd, Job, ObjectEnd, StreamEnd
from cloudkit.common import ValidationError

Refuse = Callable[[str, Exception], None]
"""Told what is not copied, and why."""
Ignore = Callable[[str, str], None]
"""Told what is left out on purpose, and why."""


@frozen
class Aim:
    """Where all goes, and how.

    Attributes:
        target: Place or path.
        into: Whether the target is a folder or prefix that things are put into.
        recursive: Whether folders and prefixes are copied.
        several: Whether there are several sources; each folder keeps its own name then, as what is
            below them would be mixed up otherwise.
        selection: What of a folder or prefix is meant.
        delete: Whether what else is in the target is deleted afterwards.
    """

    target: Place | str
    into: bool = False
    recursive: bool = False
    several: bool = False
    selection: Selection = Selection()
    delete: bool = False


class Plan:
    """The jobs of a copy.

    Args:
        clouds: Connects.
        aim: Where all goes.
        refuse: Told what cannot be copied.
        ignore: Told what is left out.
    """

    def __init__(self, clouds: Clouds, aim: Aim, *, refuse: Refuse, ignore: Ignore) -> None:
        self._clouds = clouds
        self._aim = aim
        self._refuse = refuse
        self._ignore = ignore

    async def jobs(self, source: Place | str) -> AsyncIterator[Job]:
        """The jobs of one source.

        Raises:
            CloudError: A bucket cannot be listed, or there is nothing.
            OSError: A file cannot be looked at.
            UsageError: A folder or prefix is to be copied without ``--recursive``.
        """
        if isinstance(source, Place):
            found = self._below(source) if self._aim.recursive else self._object(source)
        elif source == "-":
            found = self._standard_input()
        else:
            found = self._files(source)
        async for job in found:
            yield job

    async def _standard_input(self) -> AsyncIterator[Job]:
        yield Job(StreamEnd(), await self._whole_target(None))

    async def _object(self, source: Place) -> AsyncIterator[Job]:
        cloud = await self._clouds.get(source.cloud)
        name = source.key.rpartition("/")[2]
        if not name:
            raise click.UsageError(f"'{source}' is a folder of objects; copy it with -r")
        end = ObjectEnd(cloud, source.name, source.key, str(source))
        yield Job(end, await self._whole_target(name))

    async def _below(self, source: Place) -> AsyncIterator[Job]:
        cloud = await self._clouds.get(source.cloud)
        prefix, found = folder_of(source.key), False
        await self._check_apart(source, prefix)
        above = self._above(name_of(source))
        async for entry in cloud.storage.list_objects(source.name, prefix=prefix):
            found = True
            relative = entry.key[len(prefix) :]
            if not entry.size and (not relative or relative.endswith("/")):
                continue  # what consoles leave behind to show a folder that is empty
            if not self._aim.selection.takes(relative):
                continue
            url = source.at(source.name, entry.key)
            try:
                target = await self._target_below(above + relative)
            except ValidationError as error:
                self._refuse(url, error)
                continue
            yield Job(ObjectEnd(cloud, source.name, entry.key, url), target, entry.size)
        if source.key and not found:
            raise nothing_below(source)

    async def _check_apart(self, source: Place, prefix: str) -> None:
        target = self._aim.target
        if not isinstance(target, Place) or target.name != source.name:
            return
        if await self._clouds.get(target.cloud) is not await self._clouds.get(source.cloud):
            return
        below = folder_of(target.key)
        if self._aim.delete and prefix.startswith(below):
            raise click.UsageError(f"'{source}' is inside '{target}': it would be deleted")
        if below.startswith(prefix):
            raise click.UsageError(f"'{target}' is inside '{source}': it would be copied for ever")

    async def _files(self, source: str) -> AsyncIterator[Job]:
        top = Path(source)
        facts = await to_thread.run_sync(top.stat)
        if not stat.S_ISDIR(facts.st_mode):
            _check_regular(top, facts)
            yield Job(FileEnd(top), await self._whole_target(top.name), facts.st_size)
            return
        if not self._aim.recursive:
            raise click.UsageError(f"'{source}' is a folder; copy it with -r")
        above = self._above(name_of(source))
        for path in self._walk(top):
            relative = path.relative_to(top).as_posix()
            if not self._aim.selection.takes(relative):
                continue
            try:
                facts = path.stat()
                _check_regular(path, facts)
            except (OSError, ValidationError) as error:
                self._refuse(str(path), error)
                continue
            yield Job(FileEnd(path), await self._target_below(above + relative), facts.st_size)

    def _walk(self, folder: Path) -> Iterator[Path]:
        """The files below, in order; links to folders are not followed, as they may go in circles."""

        def unreadable(error: OSError) -> None:
            self._refuse(str(error.filename), error)

        for base, folders, names in os.walk(folder, onerror=unreadable):
            folders.sort()
            for name in folders:
                link = Path(base, name)
                if link.is_symlink():
                    self._ignore(str(link), "links to folders are not followed")
            yield from (Path(base, name) for name in sorted(names))

    def _above(self, name: str) -> str:
        return f"{name}/" if self._aim.several else ""

    async def _whole_target(self, name: str | None) -> End:
        """The target of something that is copied alone, with a name to put it into a folder by."""
        target = self._aim.target
        if self._aim.into:
            if name is None:
                raise click.UsageError("what comes from standard input needs a key to go to")
            return await self._target_below(name)
        if isinstance(target, Place):
            return await self._at(target, target.key)
        return StreamEnd() if target == "-" else FileEnd(Path(target))

    async def _target_below(self, relative: str) -> End:
        target = self._aim.target
        if isinstance(target, Place):
            return await self._at(target, folder_of(target.key) + relative)
        parts = relative.split("/")
        if not all(part and part not in {".", ".."} for part in parts) or "\0" in relative:
            raise ValidationError(f"the key {relative!r} cannot be the path of a file")
        return FileEnd(Path(target, *parts))

    async def _at(self, place: Place, key: str) -> ObjectEnd:
        cloud = await self._clouds.get(place.cloud)
        return ObjectEnd(cloud, place.name, key, place.at(place.name, key))


def _check_regular(path: Path, facts: os.stat_result) -> None:
    if not stat.S_ISREG(facts.st_mode):
        raise ValidationError(f"{path} is not a regular file")
