"""Small operations: time a call, of all clients in turn, in one event loop and process."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack

import anyio
from attrs import define, field, frozen

from tools.bench.contenders import ANSWERS, BASELINE, OPERATIONS, Call, CloudKitAws, Contender
from tools.bench.service import Service

SHORT = 0.5
"""Seconds that a round of all tasks may take to be made also for warming up."""


@frozen(kw_only=True)
class Effort:
    """How much is measured.

    Attributes:
        sample: Seconds that one measurement should take.
        calls: Fewest calls of one measurement. A listing makes so many objects that every few of
            them Python collects garbage among all that lives, which takes longer than a call: a
            measurement has to hold several such collections, or whom they fall on is luck.
        rounds: Fewest rounds of the two that are judged; of all, there is at least one.
        limit: Seconds after which there are no more rounds than those.
        most: Most rounds.
    """

    sample: float
    calls: int
    rounds: int
    limit: float
    most: int


@define
class Course:
    """One client on one operation.

    Attributes:
        call: The operation.
        count: Calls of one measurement.
        times: Seconds a call, by round.
    """

    call: Call
    count: int = 0
    times: list[float] = field(factory=list)


Times = Mapping[str, Mapping[str, Sequence[float]]]
"""Operation → client → seconds a call, by round."""


async def measure(
    service: Service,
    contenders: Sequence[type[Contender]],
    tasks: int,
    effort: Effort,
) -> Times:
    """Measure all operations.

    Args:
        service: The server.
        contenders: The clients, all of which work on the loop that runs.
        tasks: How many call at once.
        effort: How much is measured.
    """
    results: dict[str, Mapping[str, Sequence[float]]] = {}
    async with AsyncExitStack() as stack:
        calls: dict[str, Mapping[str, Call]] = {}
        for contender in contenders:
            client = contender(service, tasks)
            await stack.enter_async_context(client.opened())
            calls[contender.name] = client.calls()
        for operation in OPERATIONS:
            courses = {
                name: Course(known[operation])
                for name, known in calls.items()
                if operation in known
            }
            await _warm_up(operation, courses, tasks, effort)
            await _race(courses, tasks, effort)
            results[operation] = {name: course.times for name, course in courses.items()}
    return results


async def _warm_up(
    operation: str, courses: Mapping[str, Course], tasks: int, effort: Effort
) -> None:
    for name, course in courses.items():
        answer = await course.call()
        if answer != ANSWERS.get(operation):
            raise AssertionError(f"{name}: {operation} gave {answer!r}")
        # Every task gets its connection and its thread; which the operation before has done where
        # a call takes long.
        once = await _time(course.call, 1, 1)
        if once * tasks < SHORT:
            once = await _time(course.call, 2 * tasks, tasks)
        course.count = max(tasks, effort.calls, min(int(effort.sample / once), 1000))


async def _race(courses: Mapping[str, Course], tasks: int, effort: Effort) -> None:
    await _take_turns(list(courses.values()), tasks, effort, rounds=1)
    # The two that are judged by each other go on for as long again.
    duel = [courses[one.name] for one in (CloudKitAws, BASELINE) if one.name in courses]
    await _take_turns(duel, tasks, effort, rounds=effort.rounds)


async def _take_turns(courses: list[Course], tasks: int, effort: Effort, *, rounds: int) -> None:
    began = time.perf_counter()
    for number in range(effort.most):
        if number >= rounds and time.perf_counter() - began > effort.limit:
            return
        # Nobody always follows the same one.
        turn = number % len(courses)
        for course in courses[turn:] + courses[:turn]:
            course.times.append(await _time(course.call, course.count, tasks))


async def _time(call: Call, count: int, tasks: int) -> float:
    """Seconds a call, of so many calls by so many tasks."""
    numbers = iter(range(count))

    async def work() -> None:
        for _ in numbers:
            await call()

    began = time.perf_counter()
    if tasks == 1:
        await work()
    else:
        async with anyio.create_task_group() as group:
            for _ in range(tasks):
                group.start_soon(work)
    return (time.perf_counter() - began) / count


def ratio(times: Sequence[float], baseline: Sequence[float]) -> float:
    """How many times as long, by the median of the rounds: what slowed a round slowed both.

    Args:
        times: Seconds by round.
        baseline: The same of what it is compared with, which may have had more rounds.
    """
    return statistics.median(own / other for own, other in zip(times, baseline, strict=False))
