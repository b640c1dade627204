"""Worker threads. Nothing here waits for time to pass: events say when a function has begun."""

from __future__ import annotations

import contextvars
import gc
import os
import subprocess
import sys
import threading
from functools import partial

import anyio
import anyio.lowlevel
import anyio.to_thread
import pytest
from cloudkit.common import ClientClosedError
from cloudkit.core import WorkerThreads

pytestmark = pytest.mark.anyio

PATIENCE = 20.0
"""Seconds until a test that hangs fails."""


class Blocker:
    """A function that tells when it has begun and ends when it is let."""

    def __init__(self):
        self.begun = threading.Event()
        self.may_end = threading.Event()
        self.ended = threading.Event()

    def __call__(self):
        self.begun.set()
        assert self.may_end.wait(PATIENCE)
        self.ended.set()
        return "done"


@pytest.fixture
def threads():
    made = WorkerThreads(2)
    yield made
    made.close()


async def until(event):
    """Wait for a threading event without a thread of the subject's."""
    with anyio.fail_after(PATIENCE):
        await anyio.to_thread.run_sync(event.wait, PATIENCE)
    assert event.is_set()


async def abandon(threads, blocker):
    """Have a task begin a blocking call and be cancelled while it runs."""
    async with anyio.create_task_group() as group:
        group.start_soon(threads.run, blocker)
        await until(blocker.begun)
        group.cancel_scope.cancel()
    assert not blocker.ended.is_set()


async def test_result_and_arguments(threads):
    assert await threads.run(divmod, 7, 2) == (3, 1)
    assert await threads.run(partial(int, "ff", base=16)) == 255
    assert threads.limit == 2


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
async def test_an_exception_is_raised_in_the_task(threads, kind):
    def fail():
        raise kind("boom")

    with pytest.raises(kind, match="boom"):
        await threads.run(fail)
    assert await threads.run(int, "1") == 1


async def test_an_exception_leaves_no_cycle_behind(threads):
    class Payload:
        pass

    def fail(payload):
        raise ValueError("boom")

    payload = Payload()
    gone = threading.Event()
    import weakref

    weakref.finalize(payload, gone.set)
    gc.disable()
    try:
        with pytest.raises(ValueError, match="boom"):
            await threads.run(fail, payload)
        del payload
        await until(gone)
    finally:
        gc.enable()


async def test_it_runs_in_another_thread_that_is_a_daemon(threads):
    thread = await threads.run(threading.current_thread)
    assert thread is not threading.current_thread()
    assert thread.daemon


async def test_threads_are_reused(threads):
    assert len({await threads.run(threading.get_ident) for _ in range(20)}) == 1


async def test_context_variables_are_seen_and_not_changed(threads):
    variable = contextvars.ContextVar("variable", default="default")
    variable.set("task")

    def look():
        seen = variable.get()
        variable.set("thread")
        return seen

    assert await threads.run(look) == "task"
    assert variable.get() == "task"


async def test_a_function_may_run_an_event_loop_of_its_own(threads):
    async def inner():
        await anyio.lowlevel.checkpoint()
        return "inner"

    assert await threads.run(anyio.run, inner) == "inner"


async def test_no_more_than_the_limit_run_at_once(threads):
    running, highest, lock = 0, 0, threading.Lock()
    both = threading.Barrier(2)

    def work():
        nonlocal running, highest
        with lock:
            running += 1
            highest = max(highest, running)
        both.wait(PATIENCE)  # proves that two do run at once
        with lock:
            running -= 1

    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            for _ in range(64):
                group.start_soon(threads.run, work)
    assert highest == 2


async def test_cancelling_returns_at_once_but_keeps_the_slot():
    threads = WorkerThreads(1)
    blocker, second = Blocker(), Blocker()
    second.may_end.set()
    await abandon(threads, blocker)
    async with anyio.create_task_group() as group:
        group.start_soon(threads.run, second)
        for _ in range(5):
            await anyio.wait_all_tasks_blocked()
        assert not second.begun.is_set()
        blocker.may_end.set()
        await until(second.ended)
    assert blocker.ended.is_set()
    threads.close()


def workers():
    return {thread for thread in threading.enumerate() if thread.name == "cloudkit-worker"}


async def test_abandoned_calls_add_no_threads(threads):
    before = workers()
    blockers = [Blocker() for _ in range(2)]
    for blocker in blockers:
        await abandon(threads, blocker)
    with anyio.move_on_after(0):
        await threads.run(int)
    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(threads.run, int)
        await anyio.wait_all_tasks_blocked()
        assert len(workers() - before) == 2
        for blocker in blockers:
            blocker.may_end.set()


async def test_a_task_cancelled_while_it_waits_for_a_slot_never_runs():
    threads = WorkerThreads(1)
    blocker, waiting = Blocker(), Blocker()
    waiting.may_end.set()
    async with anyio.create_task_group() as outer:
        outer.start_soon(threads.run, blocker)
        await until(blocker.begun)
        async with anyio.create_task_group() as group:
            group.start_soon(threads.run, waiting)
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        blocker.may_end.set()
    assert await threads.run(int) == 0  # behind it in the queue
    assert not waiting.begun.is_set()
    threads.close()


async def test_a_cancelled_task_does_not_even_begin(threads):
    blocker = Blocker()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await threads.run(blocker)
    assert scope.cancelled_caught
    assert await threads.run(int) == 0
    assert not blocker.begun.is_set()


async def test_an_abandoned_job_lets_go_of_its_arguments():
    import weakref

    class Payload:
        pass

    threads = WorkerThreads(1)
    blocker = Blocker()
    payload = Payload()
    gone = threading.Event()
    weakref.finalize(payload, gone.set)
    async with anyio.create_task_group() as outer:
        outer.start_soon(threads.run, blocker)
        await until(blocker.begun)
        async with anyio.create_task_group() as group:
            group.start_soon(threads.run, id, payload)
            del payload
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        del group
        gc.collect()
        assert gone.is_set()
        blocker.may_end.set()
    threads.close()


async def test_close_ends_idle_threads_and_refuses_new_work(threads):
    with anyio.fail_after(PATIENCE):
        async with anyio.create_task_group() as group:
            both = threading.Barrier(2)
            workers = []

            def work():
                workers.append(threading.current_thread())
                both.wait(PATIENCE)

            for _ in range(2):
                group.start_soon(threads.run, work)
    threads.close()
    threads.close()
    for worker in workers:
        worker.join(PATIENCE)
        assert not worker.is_alive()
    with pytest.raises(ClientClosedError):
        await threads.run(int)


async def test_close_lets_what_is_under_way_finish():
    threads = WorkerThreads(1)
    blocker = Blocker()
    answers = []

    async def one(func):
        answers.append(await threads.run(func))

    async with anyio.create_task_group() as group:
        group.start_soon(one, blocker)
        await until(blocker.begun)
        group.start_soon(one, int)
        await anyio.wait_all_tasks_blocked()
        threads.close()
        blocker.may_end.set()
    assert set(answers) == {"done", 0}


async def test_threads_of_a_dropped_instance_end():
    threads = WorkerThreads(1)
    worker = await threads.run(threading.current_thread)
    del threads
    gc.collect()
    await anyio.to_thread.run_sync(worker.join, PATIENCE)
    assert not worker.is_alive()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("first", ["asyncio", "trio"])
@pytest.mark.parametrize("second", ["asyncio", "trio"])
def test_one_event_loop_after_another(first, second, anyio_backend):
    threads = WorkerThreads(1)
    blocker = Blocker()

    async def leave_one_behind():
        await abandon(threads, blocker)

    async def use():
        return await threads.run(int, "7")

    anyio.run(leave_one_behind, backend=first)
    blocker.may_end.set()  # it ends when the loop that asked for it is gone
    assert anyio.run(use, backend=second) == 7
    assert blocker.ended.is_set()
    threads.close()


def test_two_event_loops_at_once():
    threads = WorkerThreads(2)
    both = threading.Barrier(2)
    answers = []

    async def use():
        answers.append(await threads.run(both.wait, PATIENCE))
        for number in range(50):
            assert await threads.run(int, str(number)) == number

    loops = [
        threading.Thread(target=anyio.run, args=(use,), kwargs={"backend": backend})
        for backend in ("asyncio", "trio")
    ]
    for loop in loops:
        loop.start()
    for loop in loops:
        loop.join(PATIENCE)
    assert sorted(answers) == [0, 1]
    threads.close()


HUNG = """
import sys, threading, anyio
from cloudkit.core import WorkerThreads
begun = threading.Event()
def hang():
    begun.set()
    threading.Event().wait()
async def main():
    threads = WorkerThreads(1)
    async with anyio.create_task_group() as group:
        group.start_soon(threads.run, hang)
        while not begun.is_set():
            await anyio.sleep(0.001)
        group.cancel_scope.cancel()
    print("main is done")
anyio.run(main, backend=sys.argv[1])
"""


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_process_ends_although_a_call_hangs(backend):
    done = subprocess.run(
        [sys.executable, "-c", HUNG, backend],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout == "main is done\n"
    assert done.stderr == ""


FORK = """
import os, anyio
from cloudkit.core import WorkerThreads
threads = WorkerThreads(1)
async def use():
    assert await threads.run(int, "7") == 7
anyio.run(use)
child = os.fork()
if child == 0:
    anyio.run(use)
    os._exit(0)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_forked_child_gets_threads_of_its_own():
    subprocess.run([sys.executable, "-W", "ignore", "-c", FORK], timeout=60, check=True)
