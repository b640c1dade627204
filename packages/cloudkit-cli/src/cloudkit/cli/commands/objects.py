"""``ls``, ``cat``, ``rm``, ``mb`` and ``presign``: buckets and objects."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from cloudkit.cli.clouds import Clouds, run
from cloudkit.cli.durations import DURATION
from cloudkit.cli.exits import ReportedError, exit_of_all
from cloudkit.cli.output import (
    Output,
    bytes_field,
    report,
    time_text,
    write_bytes,
)
from cloudkit.cli.places import CloudName, Place, PlaceType
from cloudkit.cli.settings import Command, Settings

if TYPE_CHECKING:
    from cloudkit.api import ObjectStorage

_RANGE = r"(\d*)-(\d*)"
_DELETE_AT_ONCE = 1000


def folder_of(key: str) -> str:
    """The prefix of all that is below a key: it ends with a slash, or is empty."""
    return key if not key or key.endswith("/") else f"{key}/"


@click.command("ls", cls=Command)
@click.argument("place", type=PlaceType())
@click.option("-r", "--recursive", is_flag=True, help="All objects below, not one level.")
@click.pass_obj
def list_objects(settings: Settings, place: Place, recursive: bool) -> int | None:
    """List the buckets of a cloud, or the objects of a bucket whose keys begin with PLACE.

    Without --recursive, keys are shown up to the next slash.
    """
    output = Output(settings)

    async def work() -> None:
        async with Clouds(settings) as clouds:
            storage = (await clouds.get(place.cloud)).storage
            if place.name:
                await _list(storage, place, None if recursive else "/", output)
                return
            async for bucket in storage.list_buckets():
                values = {"url": place.at(bucket.name), "bucket": bucket.name}
                known = {"created_at": bucket.created_at, "region": bucket.region}
                output.result(
                    {**values, **known}, f"{time_text(bucket.created_at):>19}  {bucket.name}"
                )

    return run(work)


async def _list(
    storage: ObjectStorage, place: Place, delimiter: str | None, output: Output
) -> None:
    async for entry in storage.list_objects(place.name, prefix=place.key, delimiter=delimiter):
        values: dict[str, Any] = {
            "url": place.at(place.name, entry.key),
            "bucket": place.name,
            "key": entry.key,
        }
        if entry.is_prefix:
            output.result({**values, "prefix": True}, f"{'':19}  {'-':>12}  {entry.key}")
            continue
        values |= {"size": entry.size, "etag": entry.etag, "last_modified": entry.last_modified}
        output.result(
            {**values, "storage_class": entry.storage_class},
            f"{time_text(entry.last_modified):>19}  {entry.size:>12}  {entry.key}",
        )


@click.command(cls=Command)
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
                        async for chunk in reader:
                            write_bytes(chunk)
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


@click.command("rm", cls=Command)
@click.argument("places", nargs=-1, required=True, type=PlaceType("bucket"))
@click.option("-r", "--recursive", is_flag=True, help="All objects below; also a whole bucket's.")
@click.option("-f", "--force", is_flag=True, help="What is missing already is fine.")
@click.option("--bucket", is_flag=True, help="The empty bucket itself; with -r its objects first.")
@click.pass_obj
def remove(
    settings: Settings, places: tuple[Place, ...], recursive: bool, force: bool, bucket: bool
) -> int | None:
    """Delete objects, or buckets with --bucket."""
    for place in places:
        _check_removal(place, recursive=recursive, bucket=bucket)
    removal = _Removal(Output(settings), force)

    async def work() -> None:
        async with Clouds(settings) as clouds:
            for place in places:
                storage = (await clouds.get(place.cloud)).storage
                try:
                    await removal.remove(storage, place, recursive=recursive, bucket=bucket)
                except Exception as error:  # noqa: BLE001  (the others are removed all the same)
                    removal.failed(error)

    run(work)
    if removal.errors:
        raise ReportedError(exit_of_all(removal.errors))
    return None


def _check_removal(place: Place, *, recursive: bool, bucket: bool) -> None:
    if bucket and place.key:
        raise click.UsageError(f"--bucket takes a bucket, and '{place}' names an object")
    if not place.key and not (recursive or bucket):
        raise click.UsageError(
            f"'{place}' is a bucket: -r deletes its objects, --bucket the bucket itself"
        )


class _Removal:
    """What was removed, and what was not."""

    def __init__(self, output: Output, force: bool) -> None:
        self._output = output
        self._force = force
        self.errors: list[Exception] = []

    async def remove(
        self, storage: ObjectStorage, place: Place, *, recursive: bool, bucket: bool
    ) -> None:
        from cloudkit.common import NotFoundError

        try:
            if recursive:
                await self._below(storage, place)
            elif not bucket:
                await storage.delete_object(place.name, place.key, missing_ok=self._force)
                self._done(place)
            if bucket:
                await storage.delete_bucket(place.name)
                self._done(place)
        except NotFoundError:
            if not self._force:
                raise

    async def _below(self, storage: ObjectStorage, place: Place) -> None:
        found = 0
        keys: list[str] = []
        async for entry in storage.list_objects(place.name, prefix=folder_of(place.key)):
            keys.append(entry.key)
            if len(keys) == _DELETE_AT_ONCE:
                found += len(keys)
                await self._several(storage, place, keys)
                keys = []
        await self._several(storage, place, keys)
        if not found and not keys and place.key and not self._force:
            raise nothing_below(place)

    async def _several(self, storage: ObjectStorage, place: Place, keys: list[str]) -> None:
        if not keys:
            return
        outcomes = await storage.delete_objects(place.name, keys)
        for key, outcome in zip(keys, outcomes, strict=True):
            if outcome.error is None:
                self._done(Place(place.cloud, place.name, key, place.root))
            else:
                self.failed(outcome.error)

    def _done(self, place: Place) -> None:
        self._output.result({"url": str(place), "deleted": True}, f"deleted {place}")

    def failed(self, error: Exception) -> None:
        self.errors.append(error)
        report(error, as_json=self._output.json)


def nothing_below(place: Place) -> Exception:
    """The error for a prefix without objects."""
    from cloudkit.common import NotFoundError

    where = place.at(place.name, folder_of(place.key))
    return NotFoundError(f"there are no objects below {where}")


@click.command(cls=Command)
@click.argument("place", type=PlaceType("bucket", "key"))
@click.option("--put", is_flag=True, help="A URL that writes the object, instead of reading it.")
@click.option(
    "--expires",
    type=DURATION,
    default="1h",
    show_default=True,
    help="For example 900s, 15m, 2h, 1d.",
)
@click.option("--content-type", help="The only content type that may be written.")
@click.option("--serve", is_flag=True, help="Stay until Ctrl-C; what the local provider needs.")
@click.pass_obj
def presign(
    settings: Settings,
    place: Place,
    put: bool,
    expires: float,
    content_type: str | None,
    serve: bool,
) -> int | None:
    """Print a URL that reads (or writes) an object without credentials until it expires.

    The local provider serves its URLs itself, only while this command runs: give --serve.
    """
    if content_type is not None and not put:
        raise click.UsageError("--content-type goes with --put")
    if place.cloud == CloudName("local", folder=place.cloud.folder) and not serve:
        raise click.UsageError("URLs of the local provider end with this command; add --serve")
    output = Output(settings)

    async def work() -> None:
        async with Clouds(settings) as clouds:
            storage = (await clouds.get(place.cloud)).storage
            if put:
                made = await storage.presigned_put_url(
                    place.name, place.key, expires_in=expires, content_type=content_type
                )
            else:
                made = await storage.presigned_get_url(place.name, place.key, expires_in=expires)
            values = {"url": made.url, "method": made.method, "headers": dict(made.headers)}
            output.result({**values, "expires_at": made.expires_at}, made.url)
            for name, value in made.headers.items():
                output.note(f"send with it the header {name}: {value}")
            if serve:
                from anyio import sleep

                await sleep(expires)

    return run(work)
