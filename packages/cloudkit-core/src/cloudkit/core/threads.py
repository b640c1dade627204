"""Worker threads for SDKs that block, usable from asyncio and trio."""

from __future__ import annotations

import os
import sys
import threading
import weakref
from collections.abc import Callable
from contextvars import Context, copy_context
from queue import SimpleQueue
from typing import Any, TypeVar, TypeVarTuple

import anyio
from anyio.lowlevel import checkpoint_if_cancelled, current_token
from cloudkit.common import ClientClosedError

T = TypeVar("T")
ArgsT = TypeVarTuple("ArgsT")


class WorkerThreads:
    """Runs blocking functions in threads, at most so many at once.

    Each slot is a thread, so a slot is taken until the function has really ended, even when the task
    that asked for it was cancelled long before. The threads are daemons: the process does not wait
    for a hung call when it ends. One instance may serve several event loops, also at the same time.

    Args:
        limit: How many functions may run at once.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._start_afresh()

    def _start_afresh(self) -> None:
        self._pool = _Pool(self._limit)
        # Threads of a client that is dropped without being closed must not stay for ever.
        weakref.finalize(self, self._pool.jobs.put, None).atexit = False

    @property
    def limit(self) -> int:
        """How many functions may run at once."""
        return self._limit

    async def run(self, func: Callable[[*ArgsT], T], *args: *ArgsT) -> T:
        """Run a function in a thread and wait for it.

        Cancellation returns at once. A function that has begun goes on in its thread, and its
        outcome is dropped; one that has not begun never will.

        Args:
            func: The function.
            *args: Its arguments.

        Returns:
            What it returned.

        Raises:
            ClientClosedError: The threads were closed before.
            Exception: Whatever the function raised.
        """
        await checkpoint_if_cancelled()
        if self._pool.process != os.getpid():
            self._start_afresh()  # threads do not survive a fork
        done = anyio.Event()
        job = _Job(func, args, _waker(done))
        self._pool.submit(job)
        try:
            await done.wait()
        except BaseException:
            job.abandon()
            raise
        return job.outcome()  # type: ignore[no-any-return]  # a job does not know T

    def close(self) -> None:
        """Let the idle threads end, and the others when they are done. May be called twice."""
        self._pool.close()


class _Pool:
    """What the threads share with their owner. They do not hold the owner itself."""

    def __init__(self, limit: int) -> None:
        self.jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self.process = os.getpid()
        self._limit = limit
        self._lock = threading.Lock()
        self._load = 0  # jobs that are queued or running
        self._threads = 0
        self._closed = False

    def submit(self, job: _Job) -> None:
        with self._lock:
            if self._closed:
                raise ClientClosedError("the client has been closed", hint="Make a new one.")
            if self._load >= self._threads and self._threads < self._limit:
                threading.Thread(target=self._work, name="cloudkit-worker", daemon=True).start()
                self._threads += 1
            self._load += 1
            self.jobs.put(job)  # under the lock, so that none comes after the end mark

    def close(self) -> None:
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self.jobs.put(None)

    def _work(self) -> None:
        while (job := self.jobs.get()) is not None:
            job.carry_out()
            # The slot is free before the task hears of it: its next job must find it.
            with self._lock:
                self._load -= 1
            job.wake()
            del job
        self.jobs.put(None)  # for the next thread


class _Job:
    """One call, in the context of the task that asked for it."""

    __slots__ = ("_args", "_begun", "_context", "_error", "_func", "_result", "wake")

    def __init__(
        self, func: Callable[..., Any], args: tuple[Any, ...], wake: Callable[[], None]
    ) -> None:
        self._func = func
        self._args = args
        self._context: Context = copy_context()
        self._begun = threading.Lock()  # whoever gets it decides whether the job runs
        self._result: Any = None
        self._error: BaseException | None = None
        self.wake = wake

    def carry_out(self) -> None:
        if not self._begun.acquire(blocking=False):
            return
        try:
            self._context.run(_leave_event_loop)
            self._result = self._context.run(self._func, *self._args)
        except BaseException as error:  # noqa: BLE001  # it is raised in the task
            self._error = error

    def abandon(self) -> None:
        if self._begun.acquire(blocking=False):
            # The job may stay in the queue for long; what it would have worked on need not.
            self._func, self._args = _nothing, ()

    def outcome(self) -> Any:
        if self._error is None:
            return self._result
        try:
            raise self._error
        finally:
            self._error = None  # the traceback holds this frame: no cycle


def _nothing() -> None:
    """What an abandoned job would do."""


def _leave_event_loop() -> None:
    # The copied context says that an event loop runs here, which would forbid to start one.
    sniffio = sys.modules.get("sniffio")
    if sniffio is not None:
        sniffio.current_async_library_cvar.set(None)


def _waker(done: anyio.Event) -> Callable[[], None]:
    """A function that sets the event from any thread, and does nothing once its loop is gone."""
    native: Any = current_token().native_token
    return _TrioWaker(native, done) if hasattr(native, "run_sync_soon") else _Waker(native, done)


class _Waker:
    __slots__ = ("_done", "_loop")

    def __init__(self, loop: Any, done: anyio.Event) -> None:
        self._loop = loop
        self._done = done

    def __call__(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._done.set)
        except RuntimeError:
            if not self._loop.is_closed():
                raise


class _TrioWaker(_Waker):
    __slots__ = ()

    def __call__(self) -> None:
        import trio

        try:
            self._loop.run_sync_soon(self._done.set)
        except trio.RunFinishedError:
            return  # nobody waits any more
