"""The copies of one command: several at once, each on its own."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING

import anyio
from cloudkit.cli.exits import facts
from cloudkit.cli.output import Output, report, size_text
from cloudkit.cli.transfer.copier import Copier, Outcome
from cloudkit.cli.transfer.ends import Job
from cloudkit.cli.transfer.progress import Display

if TYPE_CHECKING:
    from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
    from cloudkit.cli.places import Place
    from cloudkit.cli.transfer.plan import Plan

_AHEAD = 10_000
"""Jobs that are found before they are begun: enough for the bar, and little memory."""
_HOPELESS = 20
"""After so many failures at the start, the rest would fail too: a wrong bucket, a wrong key."""


class Batch:
    """Copies what a plan says, and tells what came of it.

    Args:
        output: Prints results.
        copier: Copies one.
        display: Shows how far it is.
        verbose: Whether every file has a line.
        remember: Whether the targets are wanted afterwards.

    Attributes:
        errors: Why something was not copied.
        targets: What was to be copied to, as it is written; empty when it is not wanted.
    """

    def __init__(
        self,
        output: Output,
        copier: Copier,
        display: Display,
        *,
        verbose: bool,
        remember: bool = False,
    ) -> None:
        self.errors: list[Exception] = []
        self.targets: set[str] = set()
        self._remember = remember
        self._output = output
        self._copier = copier
        self._display = display
        self._verbose = verbose
        self._began = time.monotonic()
        self._counts: Counter[Outcome] = Counter()
        self._bytes = 0
        self._gone: BrokenPipeError | None = None
        self._lost = 0
        self._given_up = False

    async def run(self, plan: Plan, sources: Iterable[Place | str], jobs: int) -> None:
        """Copy all.

        Args:
            plan: Finds what there is to copy.
            sources: Where from.
            jobs: How many at once.

        Raises:
            BrokenPipeError: Nobody reads the results any more.
        """
        send, receive = anyio.create_memory_object_stream[Job](_AHEAD)
        async with anyio.create_task_group() as tasks:
            for _ in range(jobs):
                tasks.start_soon(self._work, receive.clone(), tasks.cancel_scope)
            receive.close()
            await self._find(plan, sources, send)
        if self._gone is not None:
            raise self._gone
        if self._given_up:
            self._tell_end()

    async def _find(
        self, plan: Plan, sources: Iterable[Place | str], send: MemoryObjectSendStream[Job]
    ) -> None:
        async with send:
            for source in sources:
                try:
                    async for job in plan.jobs(source):
                        self._display.found(job.size)
                        if self._remember:
                            self.targets.add(str(job.target))
                        await send.send(job)
                except Exception as error:  # noqa: BLE001  (the other sources are copied)
                    self.refused(str(source), error)

    async def _work(self, jobs: MemoryObjectReceiveStream[Job], scope: anyio.CancelScope) -> None:
        async with jobs:
            async for job in jobs:
                try:
                    await self._one(job)
                except BrokenPipeError as error:
                    self._gone = error
                    scope.cancel()
                if self._lost >= _HOPELESS and not self._counts:
                    self._given_up = True
                    scope.cancel()

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
        except BrokenPipeError:
            raise
        except Exception as error:  # noqa: BLE001  (the others are copied all the same)
            self._lost += 1
            self._failed(error, values)
        else:
            if outcome == "skipped":
                self._display.moved((job.size or 0) - moved)
            else:
                self._bytes += moved
            self._counts[outcome] += 1
            self._succeeded(outcome, values, moved or job.size or 0)
        self._display.done()

    def refused(self, what: str, error: Exception) -> None:
        """Note what cannot be copied, or not be looked at."""
        self._failed(error, {"source": what})

    def ignored(self, what: str, why: str) -> None:
        """Note what is left out on purpose."""
        if self._output.json:
            self._output.result({"source": what, "action": "ignored", "message": why}, "")
        else:
            self._output.note(f"left out: {what}: {why}")

    def _failed(self, error: Exception, values: dict[str, str]) -> None:
        self.errors.append(error)
        if self._output.json:
            self._output.result({**values, "action": "failed", **facts(error)}, "")
        else:
            report(error, as_json=False)

    def _succeeded(self, outcome: Outcome, values: dict[str, str], size: int) -> None:
        text = f"{outcome}: {values['source']} -> {values['target']}"
        if outcome == "would copy" or (self._output.json and values["target"] != "-"):
            self._output.result({**values, "action": outcome, "size": size}, text)
        elif self._verbose:
            self._output.note(text)

    def _tell_end(self) -> None:
        why = f"none of the first {self._lost} could be copied; the rest was not tried"
        if self._output.json:
            self._output.result({"action": "given up", "message": why}, "")
        else:
            self._output.note(f"cloudkit: {why}")

    def summarise(self, deleted: int = 0) -> None:
        """Say what came of all of them.

        Args:
            deleted: How many were deleted besides.
        """
        seconds = time.monotonic() - self._began
        done: Outcome = "would copy" if self._copier.dry_run else "copied"
        parts = [f"{done} {self._counts[done]}"]
        if self.errors:
            parts.append(f"failed {len(self.errors)}")
        if self._counts["skipped"]:
            parts.append(f"skipped {self._counts['skipped']}")
        if deleted:
            parts.append(f"{'would delete' if self._copier.dry_run else 'deleted'} {deleted}")
        self._output.note(", ".join([*parts, size_text(self._bytes), f"{seconds:.1f} s"]))
