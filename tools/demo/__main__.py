"""``hatch run demo``: runs the demo on asyncio, then on trio."""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import anyio
from cloudkit.prelude import CloudError, CloudKit, InMemoryMetrics
from rich.console import Console

from tools.demo.application import FUNCTION, Application, Outcome
from tools.demo.digest import digest
from tools.demo.emulators import emulators_of
from tools.demo.report import print_metrics, print_outcome, what_next

DOCS = Path(__file__).parents[2] / "docs" / "content"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="hatch run demo", description="A small application on all five contracts."
    )
    parser.add_argument(
        "--provider",
        default="local",
        help="any installed provider; aws, azure, gcp and oracle run on emulators unless an option or variable "
        "says otherwise",
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the provider, for example region=eu-west-1",
    )
    parser.add_argument("--folder", type=Path, default=DOCS, help="whose files are worked on")
    parser.add_argument("--backend", choices=["asyncio", "trio", "both"], default="both")
    parser.add_argument("--workers", type=int, default=3, help="consumers that share the queue")
    return parser.parse_args()


def _options(arguments: argparse.Namespace) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for text in arguments.option:
        name, equals, value = text.partition("=")
        if not equals:
            raise SystemExit(f"--option takes NAME=VALUE, not {text!r}")
        options[name] = value
    if arguments.provider == "local":
        # The one thing that only an embedded provider needs: nobody has deployed the function.
        options["functions"] = {FUNCTION: digest}
    return options


async def _run(
    arguments: argparse.Namespace, options: dict[str, Any], metrics: InMemoryMetrics
) -> Outcome:
    async with CloudKit.connect(arguments.provider, metrics=metrics, **options) as cloud:
        return await Application(cloud, arguments.folder, arguments.workers).run()


def _run_on(backend: str, arguments: argparse.Namespace, options: dict[str, Any]) -> None:
    console = Console()
    metrics = InMemoryMetrics()
    began = time.perf_counter()
    outcome = anyio.run(_run, arguments, options, metrics, backend=backend)
    seconds = time.perf_counter() - began
    print_outcome(console, outcome, f"{arguments.provider} on {backend}")
    print_metrics(console, metrics, seconds)


def main() -> int:
    """Run the demo.

    Returns:
        The exit code.
    """
    arguments = _arguments()
    if not arguments.folder.is_dir():
        raise SystemExit(f"{arguments.folder} is not a folder")
    logging.getLogger("cloudkit.consumer").setLevel(logging.CRITICAL)  # it fails once on purpose
    options = _options(arguments)
    backends = ["asyncio", "trio"] if arguments.backend == "both" else [arguments.backend]
    failure: BaseException | None = None
    with tempfile.TemporaryDirectory(prefix="cloudkit-demo-") as folder:
        if arguments.provider == "local":
            options.setdefault("path", folder)
        emulators = emulators_of(arguments.provider, options)
        with emulators or nullcontext(options) as reached:
            try:
                for backend in backends:
                    _run_on(backend, arguments, reached)
            except* CloudError as failures:  # what fails in a task comes in a group
                failure = first_error(failures)
    if failure is not None:
        raise SystemExit(f"the demo failed: {failure}") from failure
    print(what_next(arguments.provider, emulated=emulators is not None))
    return 0


def first_error(failure: BaseException) -> BaseException:
    """The first error of a group, however deep; or the error itself."""
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return failure


if __name__ == "__main__":
    raise SystemExit(main())
