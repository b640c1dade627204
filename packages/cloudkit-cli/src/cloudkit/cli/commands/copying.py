"""``cp``: between files and clouds, and from cloud to cloud."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from cloudkit.cli.clouds import Clouds, run
from cloudkit.cli.exits import ReportedError, exit_of_all, facts
from cloudkit.cli.output import Output, report, size_text
from cloudkit.cli.places import EndType, Place
from cloudkit.cli.settings import Command, Settings

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from cloudkit.cli.transfer.copier import Copier
    from cloudkit.cli.transfer.ends import Job
    from cloudkit.cli.transfer.plan import Plan
    from cloudkit.cli.transfer.progress import Display

_AHEAD = 10_000
"""Jobs that are found before they are begun: enough for the bar, and little memory."""
_SIZES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


@click.command("cp", cls=Command)
@click.argument("sources", nargs=-1, required=True, type=EndType())
@click.argument("target", type=EndType())
@click.option("-r", "--recursive", is_flag=True, help="Folders, and all objects below a prefix.")
@click.option(
    "-u", "--skip-unchanged", is_flag=True,
    help="Skip what is there already with the same size and checksum or ETag.",
)  # fmt: skip
@click.option(
    "-j", "--jobs", type=click.IntRange(1, 256), default=8, show_default=True,
    help="Files under way at once.",
)  # fmt: skip
@click.option(
    "--parts", type=click.IntRange(1, 64), default=4, show_default=True,
    help="Parts of one large object under way at once.",
)  # fmt: skip
@click.option("--part-size", metavar="SIZE", help="Bytes of a part, such as 16m.")
@click.option("-v", "--verbose", is_flag=True, help="A line for every file.")
@click.option("--progress/--no-progress", default=True, help="The bar, on a terminal.")
@click.pass_obj
def copy(
    settings: Settings,
    sources: tuple[Place | str, ...],
    target: Place | str,
    recursive: bool,
    skip_unchanged: bool,
    jobs: int,
    parts: int,
    part_size: str | None,
    verbose: bool,
    progress: bool,
) -> None:
    """Copy files to a cloud, objects to files, or objects from cloud to cloud.

    A target that ends with a slash is a folder that things are put into; so is one that exists as a
    folder, and any when there are several sources. With -r, what is below the source comes below the
    target. - is standard input or output. Each object and file is replaced as a whole or not at all.
    """
    from cloudkit.cli.transfer.copier import Copier
    from cloudkit.cli.transfer.progress import make_display

    _check(sources, target, recursive=recursive)
    copier = Copier(skip_unchanged, _size(part_size), parts)
    into = recursive or len(sources) > 1 or _is_folder(target)
    display = make_display(wanted=progress and not settings.json)
    copying = _Copying(Output(settings), copier, display, verbose=verbose)

    async def work() -> None:
        async with Clouds(settings) as clouds:
            from cloudkit.cli.transfer.plan import Plan

            plan = Plan(clouds, target, into=into, recursive=recursive, refuse=copying.refused)
            with display:
                await copying.run(plan, sources, jobs)

    run(work)
    if target != "-":
        copying.summarise()
    if copying.errors:
        raise ReportedError(exit_of_all(copying.errors))


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


def _is_folder(target: Place | str) -> bool:
    if isinstance(target, Place):
        return not target.key or target.key.endswith("/")
    return target != "-" and (target.endswith("/") or Path(target).is_dir())


def _size(text: str | None) -> int | None:
    if text is None:
        return None
    number, unit = text[:-1], text[-1:].lower()
    if unit.isdigit():
        number, unit = text, ""
    if not number.isdecimal() or unit not in _SIZES or not int(number):
        raise click.UsageError(f"--part-size takes a number with k, m or g, not {text!r}")
    return int(number) * _SIZES[unit]


class _Copying:
    """The copies of one command: several at once, each on its own."""

    def __init__(self, output: Output, copier: Copier, display: Display, *, verbose: bool) -> None:
        self._output = output
        self._copier = copier
        self._display = display
        self._verbose = verbose
        self._began = time.monotonic()
        self._copied = 0
        self._skipped = 0
        self._bytes = 0
        self.errors: list[Exception] = []

    async def run(self, plan: Plan, sources: tuple[Place | str, ...], jobs: int) -> None:
        import anyio

        send, receive = anyio.create_memory_object_stream["Job"](_AHEAD)
        async with anyio.create_task_group() as tasks:
            for _ in range(jobs):
                tasks.start_soon(self._work, receive.clone())
            receive.close()
            await self._find(plan, sources, send)

    async def _find(
        self, plan: Plan, sources: tuple[Place | str, ...], send: MemoryObjectSendStream[Job]
    ) -> None:
        async with send:
            for source in sources:
                try:
                    async for job in plan.jobs(source):
                        self._display.found(job.size)
                        await send.send(job)
                except Exception as error:  # noqa: BLE001  (the other sources are copied)
                    self.refused(str(source), error)

    async def _work(self, jobs: MemoryObjectReceiveStream[Job]) -> None:
        async with jobs:
            async for job in jobs:
                await self._one(job)

    async def _one(self, job: Job) -> None:
        moved = 0

        def progress(done: int, total: int | None) -> None:
            nonlocal moved
            if total and not moved and job.size is None:
                self._display.sized(total)
            self._display.moved(done - moved)
            moved = done

        values = {"source": str(job.source), "target": str(job.target)}
        try:
            outcome = await self._copier.copy(job, progress)
        except Exception as error:  # noqa: BLE001  (the others are copied all the same)
            self._failed(error, values)
        else:
            if outcome == "skipped":
                self._skipped += 1
                self._display.moved((job.size or 0) - moved)
            else:
                self._copied += 1
                self._bytes += moved
            self._succeeded(outcome, values, moved or job.size or 0)
        self._display.done()

    def refused(self, what: str, error: Exception) -> None:
        """Note what cannot be copied, or not be looked at."""
        self._failed(error, {"source": what})

    def _failed(self, error: Exception, values: dict[str, str]) -> None:
        self.errors.append(error)
        if self._output.json:
            self._output.result({**values, "action": "failed", **facts(error)}, "")
        else:
            report(error, as_json=False)

    def _succeeded(self, outcome: str, values: dict[str, str], size: int) -> None:
        if self._output.json and values["target"] != "-":
            self._output.result({**values, "action": outcome, "size": size}, "")
        elif self._verbose:
            self._output.note(f"{outcome}: {values['source']} -> {values['target']}")

    def summarise(self) -> None:
        """Say what came of all of them."""
        seconds = time.monotonic() - self._began
        parts = [f"copied {self._copied}", size_text(self._bytes), f"{seconds:.1f} s"]
        if self._skipped:
            parts.insert(1, f"skipped {self._skipped}")
        if self.errors:
            parts.insert(1, f"failed {len(self.errors)}")
        self._output.note(", ".join(parts))
