"""``cp`` and ``sync``: between files and clouds, and from cloud to cloud."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from attrs import frozen
from cloudkit.cli.clouds import Clouds, run
from cloudkit.cli.exits import ReportedError, exit_of_all
from cloudkit.cli.inputs import given_pairs
from cloudkit.cli.output import Output
from cloudkit.cli.places import EndType, Place, name_of
from cloudkit.cli.removal import Removal
from cloudkit.cli.selection import Selection, selecting
from cloudkit.cli.settings import Command, Settings

if TYPE_CHECKING:
    from cloudkit.api.storage import WriteOptions
    from cloudkit.cli.transfer.copier import Copier
    from cloudkit.cli.transfer.plan import Aim

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
_SIZES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


@frozen
class Manner:
    """How things are moved, and what is shown of it.

    Attributes:
        jobs: Files under way at once.
        parts: Parts of a large object under way at once.
        part_size: Bytes of a part, as text; None for the default.
        verbose: Whether every file has a line.
        progress: Whether a bar may be shown.
        trust_times: Whether newer targets are unchanged where nothing else tells.
    """

    jobs: int
    parts: int
    part_size: str | None
    verbose: bool
    progress: bool
    trust_times: bool


def _moving(command: FunctionT) -> FunctionT:
    """Give a command the options of a Manner."""
    for decorate in (
        click.option(
            "--trust-times", is_flag=True,
            help="Where the contents cannot be compared, a target that is newer is unchanged.",
        ),
        click.option("--progress/--no-progress", default=True, help="The bar, on a terminal."),
        click.option("-v", "--verbose", is_flag=True, help="A line for every file."),
        click.option("--part-size", metavar="SIZE", help="Bytes of a part, such as 16m."),
        click.option(
            "--parts", type=click.IntRange(1, 64), default=4, show_default=True,
            help="Parts of one large object under way at once.",
        ),
        click.option(
            "-j", "--jobs", type=click.IntRange(1, 256), default=8, show_default=True,
            help="Files under way at once.",
        ),
    ):  # fmt: skip
        command = decorate(command)
    return command


@click.command("cp", cls=Command, short_help="Copy files and objects, also between clouds.")
@click.argument("sources", nargs=-1, required=True, type=EndType())
@click.argument("target", type=EndType())
@click.option("-r", "--recursive", is_flag=True, help="Folders, and all objects below a prefix.")
@selecting
@click.option(
    "-u", "--skip-unchanged", is_flag=True,
    help="Skip what is there already with the same size and checksum or ETag.",
)  # fmt: skip
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be copied.")
@click.option("--content-type", help="Of the objects; by default guessed, or that of the source.")
@click.option("--cache-control", help="Of the objects.")
@click.option("--metadata", multiple=True, metavar="NAME=VALUE", help="Of the objects.")
@click.option("--storage-class", help="Of the objects, as the service names it.")
@_moving
@click.pass_obj
def copy(
    settings: Settings,
    /,
    sources: tuple[Place | str, ...],
    target: Place | str,
    recursive: bool,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    skip_unchanged: bool,
    dry_run: bool,
    content_type: str | None,
    cache_control: str | None,
    metadata: tuple[str, ...],
    storage_class: str | None,
    **manner: Any,
) -> None:
    """Copy files to a cloud, objects to files, or objects from cloud to cloud.

    A target that ends with a slash is a folder that things are put into; so is one that exists as a
    folder, and any when there are several sources. With -r, what is below the source comes below the
    target; of several sources, each below its own name there. - is standard input or output. Each
    object and file is replaced as a whole or not at all.
    """
    _check(sources, target, recursive=recursive)
    selection = Selection(include, exclude)
    if selection and not recursive:
        raise click.UsageError("--include and --exclude choose from what -r finds")
    attributes = _attributes(content_type, cache_control, metadata, storage_class)
    if attributes and not isinstance(target, Place):
        raise click.UsageError(f"a file has no {' and no '.join(attributes)}".replace("_", " "))

    from cloudkit.cli.transfer.copier import Copier
    from cloudkit.cli.transfer.plan import Aim

    several = len(sources) > 1
    how = Manner(**manner)
    if how.trust_times and not skip_unchanged:
        raise click.UsageError("--trust-times goes with --skip-unchanged")
    copier = Copier(
        skip_unchanged,
        _size(how.part_size),
        how.parts,
        dry_run,
        attributes,
        trust_times=how.trust_times,
    )
    aim = Aim(target, several or _is_folder(target), recursive, several, selection)
    _run(settings, sources, aim, copier, how)


@click.command("sync", cls=Command, short_help="Copy what differs, and delete with --delete.")
@click.argument("source", type=EndType())
@click.argument("target", type=EndType())
@click.option("--delete", is_flag=True, help="Delete below TARGET what is not below SOURCE.")
@selecting
@click.option("-n", "--dry-run", is_flag=True, help="Only say what would be done.")
@_moving
@click.pass_obj
def synchronise(
    settings: Settings,
    /,
    source: Place | str,
    target: Place | str,
    delete: bool,
    include: tuple[str, ...],
    exclude: tuple[str, ...],
    dry_run: bool,
    **manner: Any,
) -> None:
    """Copy what differs from below SOURCE to below TARGET; both are folders, buckets or prefixes.

    The same as cp -r --skip-unchanged. --delete makes them alike: what else is below TARGET is
    deleted once all is copied, and nothing when anything failed. What --include and --exclude leave
    out is neither copied nor deleted.
    """
    _check((source,), target, recursive=True)
    _check_folders(source, target)

    from cloudkit.cli.transfer.copier import Copier
    from cloudkit.cli.transfer.plan import Aim

    how = Manner(**manner)
    copier = Copier(True, _size(how.part_size), how.parts, dry_run, trust_times=how.trust_times)
    selection = Selection(include, exclude)
    aim = Aim(target, recursive=True, selection=selection, delete=delete)
    _run(settings, (source,), aim, copier, how)


def _run(
    settings: Settings,
    sources: tuple[Place | str, ...],
    aim: Aim,
    copier: Copier,
    how: Manner,
) -> None:
    from cloudkit.cli.transfer.batch import Batch
    from cloudkit.cli.transfer.plan import Plan
    from cloudkit.cli.transfer.progress import make_display
    from cloudkit.cli.transfer.surplus import delete_surplus

    display = make_display(wanted=how.progress and not copier.dry_run and not settings.json)
    output = Output(settings)
    batch = Batch(output, copier, display, verbose=how.verbose, remember=aim.delete)
    removal = Removal(output, force=True, dry_run=copier.dry_run)

    async def work() -> None:
        async with Clouds(settings) as clouds:
            plan = Plan(clouds, aim, refuse=batch.refused, ignore=batch.ignored)
            with display:
                await batch.run(plan, sources, how.jobs)
            if aim.delete and not batch.errors:
                with removal.noting():
                    await delete_surplus(clouds, aim, batch.targets, removal)

    run(work)
    if aim.target != "-":
        batch.summarise(removal.count)
    if errors := [*batch.errors, *removal.errors]:
        raise ReportedError(exit_of_all(errors))


def _check(sources: tuple[Place | str, ...], target: Place | str, *, recursive: bool) -> None:
    if target == "-" and (recursive or len(sources) > 1):
        raise click.UsageError("standard output takes one object; for several there is 'cat'")
    for end in (*sources, target):
        if isinstance(end, Place) and not end.name:
            raise click.UsageError(f"'{end}' names no bucket")
        if not isinstance(target, Place) and not isinstance(end, Place) and end is not target:
            raise click.UsageError(f"'{end}' and '{target}' are both paths; one must be in a cloud")
    if sources.count("-") > 1:
        raise click.UsageError("standard input can be read once only")
    _check_names(sources)


def _check_names(sources: tuple[Place | str, ...]) -> None:
    """Of two sources with one name, the second would replace the first."""
    names = Counter(name_of(source) for source in sources)
    name, count = names.most_common(1)[0]
    if count > 1:
        raise click.UsageError(
            f"{count} sources are called '{name}', and would be one in the target"
        )


def _check_folders(source: Place | str, target: Place | str) -> None:
    if source == "-":
        raise click.UsageError("'sync' takes folders; standard input is copied with 'cp'")
    if isinstance(source, str) and not Path(source).is_dir():
        missing = not Path(source).exists()
        raise click.UsageError(f"'{source}' {'does not exist' if missing else 'is no folder'}")
    if isinstance(target, str) and Path(target).exists() and not Path(target).is_dir():
        raise click.UsageError(f"'{target}' is no folder")


def _is_folder(target: Place | str) -> bool:
    if isinstance(target, Place):
        return not target.key or target.key.endswith("/")
    return target != "-" and (target.endswith("/") or Path(target).is_dir())


def _attributes(
    content_type: str | None,
    cache_control: str | None,
    metadata: tuple[str, ...],
    storage_class: str | None,
) -> WriteOptions:
    given: WriteOptions = {}
    if content_type is not None:
        given["content_type"] = content_type
    if cache_control is not None:
        given["cache_control"] = cache_control
    if metadata:
        given["metadata"] = given_pairs(metadata, "--metadata")
    if storage_class is not None:
        given["storage_class"] = storage_class
    return given


def _size(text: str | None) -> int | None:
    if text is None:
        return None
    number, unit = text[:-1], text[-1:].lower()
    if unit.isdigit():
        number, unit = text, ""
    if not number.isdecimal() or unit not in _SIZES or not int(number):
        raise click.UsageError(f"--part-size takes a number with k, m or g, not {text!r}")
    return int(number) * _SIZES[unit]
