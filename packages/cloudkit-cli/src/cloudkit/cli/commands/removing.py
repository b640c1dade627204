"""``rm``: deletes objects and buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click
from cloudkit.cli.clouds import Clouds, run
from cloudkit.cli.exits import ReportedError, exit_of_all
from cloudkit.cli.output import Output
from cloudkit.cli.places import Place, PlaceType
from cloudkit.cli.removal import Removal
from cloudkit.cli.selection import Selection, selecting
from cloudkit.cli.settings import Command, Settings

if TYPE_CHECKING:
    from cloudkit.api import ObjectStorage


@click.command("rm", cls=Command)
@click.argument("places", nargs=-1, required=True, type=PlaceType("bucket"))
@click.option("-r", "--recursive", is_flag=True, help="All objects below; also a whole bucket's.")
@selecting
@click.option("-f", "--force", is_flag=True, help="What is missing already is fine.")
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be deleted.")
@click.option("--bucket", is_flag=True, help="The empty bucket itself; with -r its objects first.")
@click.pass_obj
def remove(
    settings: Settings,
    places: tuple[Place, ...],
    recursive: bool,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    force: bool,
    dry_run: bool,
    bucket: bool,
) -> int | None:
    """Delete objects, or buckets with --bucket. There is no question before, and no way back.

    With -r, what is below PLACE/ is deleted: rm -r s3://photos/2026 leaves 2026b alone.
    """
    selection = Selection(include, exclude)
    for place in places:
        _check(place, recursive=recursive, bucket=bucket)
    if selection and (bucket or not recursive):
        raise click.UsageError("--include and --exclude choose from what -r finds")
    removal = Removal(Output(settings), force=force, dry_run=dry_run)

    async def one(storage: ObjectStorage, place: Place) -> None:
        if recursive:
            await removal.below(storage, place, selection.takes)
        elif not bucket:
            await removal.object(storage, place)
        if bucket:
            await removal.bucket(storage, place)

    async def work() -> None:
        async with Clouds(settings) as clouds:
            for place in places:
                with removal.noting():
                    await one((await clouds.get(place.cloud)).storage, place)

    run(work)
    if removal.errors:
        raise ReportedError(exit_of_all(removal.errors))
    return None


def _check(place: Place, *, recursive: bool, bucket: bool) -> None:
    if bucket and place.key:
        raise click.UsageError(f"--bucket takes a bucket, and '{place}' names an object")
    if not place.key and not (recursive or bucket):
        raise click.UsageError(
            f"'{place}' is a bucket: -r deletes its objects, --bucket the bucket itself"
        )
