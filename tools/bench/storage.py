"""CloudKit on AWS beside other clients, all against one fast server on this machine.

Time a call of S3's, DynamoDB's and SQS's small operations, and time and memory of large objects, as
ratios to boto3: called in threads with the very clients that CloudKit makes, and through boto3's own
transfer manager. All that is compared takes turns in one run.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

import anyio
from attrs import frozen

from tools.bench.calls import Effort, Times, measure, ratio
from tools.bench.contenders import BASELINE, CONTENDERS, OPERATIONS, CloudKitAws, Contender
from tools.bench.report import Cell, Row, print_grid, print_rows
from tools.bench.service import Service, serving
from tools.bench.service.answers import PIECE
from tools.bench.transfers import MIB, WARM_UP, Direction, Moved, mover, race

LOOPS = ("asyncio", "trio")
DIRECTIONS: tuple[Direction, ...] = ("up", "down")
CALL_TARGET = 1.10
LARGE_TARGET = 1.05
"""As fast, within what two measurements of the same differ by."""
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "127.0.0.1",
    "no_proxy": "127.0.0.1",
}


@frozen(kw_only=True)
class Plan:
    """How much is measured.

    Attributes:
        tasks: Numbers of tasks that call at once.
        effort: For small operations.
        large: Bytes of the large object.
        parts: Numbers of parts moved at once; None for as many as each client likes.
        rounds: For large objects.
        judged: Whether the numbers are good enough to be judged.
    """

    tasks: tuple[int, ...]
    effort: Effort
    large: int
    parts: tuple[int | None, ...]
    rounds: int
    judged: bool


WHOLE = Plan(
    tasks=(1, 16, 64),
    effort=Effort(sample=0.06, calls=20, rounds=5, limit=0.8, most=15),
    large=256 * MIB,
    parts=(None, 1, 16, 64),
    rounds=5,
    judged=True,
)
QUICK = Plan(
    tasks=(1, 2),
    effort=Effort(sample=0.0, calls=1, rounds=1, limit=0.0, most=1),
    large=24 * MIB,
    parts=(None, 2),
    rounds=1,
    judged=False,
)


def run(*, quick: bool = False) -> bool:
    """Measure and print.

    Args:
        quick: Only show that everything runs; the numbers mean nothing.

    Returns:
        Whether all targets were met.
    """
    plan = QUICK if quick else WHOLE
    installed = [contender for contender in CONTENDERS if contender.installed()]
    with patch.dict(os.environ, ENVIRONMENT), serving() as service:
        judgements = _calls(service, installed, plan) + _transfers(service, installed, plan)
    _print_missing()
    return print_rows("CloudKit against boto3", judgements) or not plan.judged


def _print_missing() -> None:
    missing = dict.fromkeys(one.module for one in CONTENDERS if not one.installed())
    if missing:
        rows = [Row(module, "not installed") for module in missing]
        print_rows("not measured; 'hatch run bench:run storage' installs them", rows)


# Small operations


def _calls(service: Service, installed: list[type[Contender]], plan: Plan) -> list[Row]:
    results: dict[tuple[str, int], Times] = {}
    for loop in LOOPS:
        contenders = [one for one in installed if loop in one.loops]
        for tasks in plan.tasks:
            results[loop, tasks] = anyio.run(
                measure, service, contenders, tasks, plan.effort, backend=loop
            )
    for operation in OPERATIONS:
        grid = {
            f"{one.name}, {loop}": [
                _call_cell(results[loop, tasks][operation], one.name) for tasks in plan.tasks
            ]
            for loop in LOOPS
            for one in installed
            if one.name in results[loop, plan.tasks[0]][operation]
        }
        columns = [f"{tasks} {'task' if tasks == 1 else 'tasks'}" for tasks in plan.tasks]
        print_grid(f"{operation}: time a call, and ratio to {BASELINE.name}", columns, grid)
    return [
        _judge_calls(results, operation, loop, plan) for operation in OPERATIONS for loop in LOOPS
    ]


def _call_cell(times: Mapping[str, Sequence[float]], name: str) -> Cell:
    return Cell(
        f"{statistics.median(times[name]) * 1e6:,.0f} µs", ratio(times[name], times[BASELINE.name])
    )


def _judge_calls(
    results: Mapping[tuple[str, int], Times], operation: str, loop: str, plan: Plan
) -> Row:
    ratios = []
    for tasks in plan.tasks:
        times = results[loop, tasks][operation]
        ratios.append(ratio(times[CloudKitAws.name], times[BASELINE.name]))
    return Row(
        f"{operation}, {loop}",
        " / ".join(f"{one:.2f}" for one in ratios),
        max(ratios),
        f"at most {CALL_TARGET:.2f} of boto3 in threads",
        max(ratios) <= CALL_TARGET if plan.judged else None,
    )


# Large objects


def _transfers(service: Service, installed: list[type[Contender]], plan: Plan) -> list[Row]:
    with _files(plan.large) as folder:
        return [
            row
            for direction in DIRECTIONS
            for row in _transfer_rows(service, installed, plan, direction, folder)
        ]


@contextmanager
def _files(size: int) -> Iterator[Path]:
    """A folder, in memory where there is such a thing, with a file as long as each object."""
    memory = Path("/dev/shm")  # noqa: S108
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as name:
        for length in {size, WARM_UP}:
            with Path(name, str(length)).open("wb") as file:
                file.writelines(PIECE for _ in range(length // MIB))
        yield Path(name)


def _transfer_rows(
    service: Service,
    installed: list[type[Contender]],
    plan: Plan,
    direction: Direction,
    folder: Path,
) -> list[Row]:
    results: dict[int | None, dict[str, list[Moved]]] = {}
    with ExitStack() as stack:
        movers = [
            stack.enter_context(mover(one, loop, service, direction, folder))
            for loop in LOOPS
            for one in installed
            if loop in one.loops and _moves(one, service)
        ]
        for parts in plan.parts:
            results[parts] = race(movers, plan.large, parts, plan.rounds)
    columns = ["as it likes" if parts is None else f"{parts} at once" for parts in plan.parts]
    grid = {
        one.name: [_transfer_cell(results[parts], one.name, plan.large) for parts in plan.parts]
        for one in movers
    }
    what = f"{plan.large // MIB} MiB {'sent' if direction == 'up' else 'fetched'}"
    print_grid(
        f"{what}, by the number of parts at once: speed, extra memory, and ratio of the time to that "
        f"of boto3's transfer manager ({BASELINE.name})",
        columns,
        grid,
    )
    return [_judge_transfer(results, what, loop, plan) for loop in LOOPS]


def _moves(contender: type[Contender], service: Service) -> bool:
    return contender(service, 1).upload() is not None


def _baseline_of(name: str) -> str:
    return f"{BASELINE.name}, {name.rpartition(', ')[2]}"


def _transfer_cell(results: Mapping[str, list[Moved]], name: str, size: int) -> Cell | None:
    if name not in results:
        return None
    best = min(one.seconds for one in results[name])
    memory = max(one.memory for one in results[name])
    return Cell(
        f"{size / MIB / best:,.0f} MiB/s, {memory / MIB:.0f} MiB",
        _transfer_ratio(results, name),
    )


def _transfer_ratio(results: Mapping[str, list[Moved]], name: str) -> float:
    own, other = results[name], results[_baseline_of(name)]
    return ratio([one.seconds for one in own], [one.seconds for one in other])


def _judge_transfer(
    results: Mapping[int | None, dict[str, list[Moved]]], what: str, loop: str, plan: Plan
) -> Row:
    name = f"{CloudKitAws.name}, {loop}"
    ratios = [_transfer_ratio(results[parts], name) for parts in plan.parts]
    # Judged as both come. "One part at once" is not the same for both: the transfer manager's one
    # thread hands what it fetches to another that writes it, and compares nothing with a checksum.
    own = ratios[plan.parts.index(None)]
    return Row(
        f"{what}, {loop}",
        " / ".join(f"{one:.2f}" for one in ratios),
        own,
        "as fast as boto3's transfer manager, within 5 %, both as they come",
        own <= LARGE_TARGET if plan.judged else None,
    )
