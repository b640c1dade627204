"""``ls``, ``stat``, ``cat`` and ``mb``: buckets and objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from cloudkit.cli.clouds import Clouds, run
from cloudkit.cli.output import Output, bytes_field, send_stream, size_text, time_text
from cloudkit.cli.places import Place, PlaceType
from cloudkit.cli.settings import Command, Settings

if TYPE_CHECKING:
    from cloudkit.api import ObjectEntry, ObjectInfo, ObjectStorage

_RANGE = r"(\d*)-(\d*)"


@click.command("ls", cls=Command, short_help="List buckets, or the objects of one.")
@click.argument("place", type=PlaceType())
@click.option("-r", "--recursive", is_flag=True, help="All objects below, not one level.")
@click.option("-H", "--human", is_flag=True, help="Sizes with units, such as 1.5 MiB.")
@click.option("-s", "--summary", is_flag=True, help="At the end, how many and how much; on stderr.")
@click.pass_obj
def list_objects(
    settings: Settings, place: Place, recursive: bool, human: bool, summary: bool
) -> int | None:
    """List the buckets of a cloud, or the objects of a bucket whose keys begin with PLACE.

    Without --recursive, keys are shown up to the next slash. When nothing begins so, it ends with 3.
    """
    listing = _Listing(Output(settings), human=human)

    async def work() -> None:
        async with Clouds(settings) as clouds:
            storage = (await clouds.get(place.cloud)).storage
            if not place.name:
                await _list_buckets(storage, place, listing.output)
                return
            await listing.run(storage, place, None if recursive else "/")
            if summary:
                listing.summarise()

    return run(work)


async def _list_buckets(storage: ObjectStorage, place: Place, output: Output) -> None:
    async for bucket in storage.list_buckets():
        values = {"url": place.at(bucket.name), "bucket": bucket.name}
        known = {"created_at": bucket.created_at, "region": bucket.region}
        output.result({**values, **known}, f"{time_text(bucket.created_at):>19}  {bucket.name}")


class _Listing:
    """The objects of a bucket, as they are printed."""

    def __init__(self, output: Output, *, human: bool) -> None:
        self.output = output
        self._human = human
        self._count = 0
        self._bytes = 0

    async def run(self, storage: ObjectStorage, place: Place, delimiter: str | None) -> None:
        from cloudkit.common import NotFoundError

        found = False
        async for entry in storage.list_objects(place.name, prefix=place.key, delimiter=delimiter):
            found = True
            self._show(place, entry)
        if place.key and not found:
            raise NotFoundError(f"there is nothing whose key begins with {place}")

    def _show(self, place: Place, entry: ObjectEntry) -> None:
        url = place.at(place.name, entry.key)
        values: dict[str, Any] = {"url": url, "bucket": place.name, "key": entry.key}
        if entry.is_prefix:
            text = f"{'':19}  {'-':>12}  {entry.key}"
            self.output.result({**values, "prefix": True}, text)
            return
        self._count += 1
        self._bytes += entry.size or 0
        values |= {"size": entry.size, "etag": entry.etag, "last_modified": entry.last_modified}
        size = size_text(entry.size or 0) if self._human else str(entry.size)
        self.output.result(
            {**values, "storage_class": entry.storage_class},
            f"{time_text(entry.last_modified):>19}  {size:>12}  {entry.key}",
        )

    def summarise(self) -> None:
        what = "object" if self._count == 1 else "objects"
        self.output.note(f"{self._count} {what}, {size_text(self._bytes)}")


@click.command(cls=Command, short_help="Show what is known about an object.")
@click.argument("place", type=PlaceType("bucket", "key"))
@click.pass_obj
def stat(settings: Settings, place: Place) -> int | None:
    """Show what is known about an object: size, time, etag, checksums, headers and metadata."""

    async def work() -> None:
        async with Clouds(settings) as clouds:
            storage = (await clouds.get(place.cloud)).storage
            _show_info(Output(settings), place, await storage.head_object(place.name, place.key))

    return run(work)


def _show_info(output: Output, place: Place, info: ObjectInfo) -> None:
    kept = info.attributes
    values: dict[str, Any] = {
        "url": str(place),
        "size": info.size,
        "etag": info.etag,
        "last_modified": info.last_modified,
        "storage_class": info.storage_class,
        "content_type": kept.content_type,
        "content_encoding": kept.content_encoding,
        "content_disposition": kept.content_disposition,
        "content_language": kept.content_language,
        "cache_control": kept.cache_control,
        "checksums": dict(info.checksums),
        "metadata": dict(kept.metadata),
    }
    lines = [
        (f"{name} {inner}" if inner else name, text)
        for name, value in values.items()
        for inner, text in (value.items() if isinstance(value, dict) else (("", value),))
        if text is not None
    ]
    width = max(len(name) for name, _ in lines)
    if output.json:
        output.result(values, "")
        return
    for name, text in lines:
        output.result({}, f"{name:{width}}  {text}")


@click.command(cls=Command, short_help="Write objects to standard output.")
@click.argument("places", nargs=-1, required=True, type=PlaceType("bucket", "key"))
@click.option("--range", "part", metavar="FIRST-LAST", help="Bytes from 0, or -N for the last N.")
@click.pass_obj
def cat(settings: Settings, places: tuple[Place, ...], part: str | None) -> int | None:
    """Write objects to standard output, one behind the other."""
    byte_range = None if part is None else _range(part)

    async def work() -> None:
        async with Clouds(settings) as clouds:
            for place in places:
                storage = (await clouds.get(place.cloud)).storage
                reader = await storage.open_object(place.name, place.key, byte_range=byte_range)
                async with reader:
                    if not settings.json:
                        await send_stream(reader)
                        continue
                    info = reader.info
                    values = {"url": str(place), "size": info.size, "etag": info.etag}
                    values["content_type"] = info.attributes.content_type
                    values["metadata"] = dict(info.attributes.metadata)
                    Output(settings).result(
                        {**values, **bytes_field("body", await reader.read())}, ""
                    )

    return run(work)


def _range(text: str) -> tuple[int | None, int | None]:
    import re

    found = re.fullmatch(_RANGE, text)
    if found is None or text == "-":
        raise click.UsageError(f"--range takes FIRST-LAST, FIRST- or -N, not {text!r}")
    first, last = (int(number) if number else None for number in found.groups())
    return first, last


@click.command("mb", cls=Command)
@click.argument("place", type=PlaceType("bucket", alone=True))
@click.pass_obj
def make_bucket(settings: Settings, place: Place) -> int | None:
    """Make a bucket."""

    async def work() -> None:
        async with Clouds(settings, make_folder=True) as clouds:
            made = await (await clouds.get(place.cloud)).storage.create_bucket(place.name)
            Output(settings).result(
                {"url": str(place), "bucket": made.name, "region": made.region}, f"made {place}"
            )

    return run(work)
