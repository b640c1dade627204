"""``hatch run bench``: runs all benchmarks, or those that are named."""

from __future__ import annotations

import argparse
from importlib import import_module

BENCHMARKS = ("imports", "executor", "local", "storage", "copying")
QUICK = ("storage", "copying")
"""Those that have a quick form."""


def main() -> int:
    """Run the benchmarks.

    Returns:
        The exit code: 1 when a target was missed.
    """
    parser = argparse.ArgumentParser(
        prog="hatch run bench", description="Speed and memory, as ratios within one run."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument(
        "--quick", action="store_true", help=f"only see whether it runs ({', '.join(QUICK)})"
    )
    arguments = parser.parse_args()
    names = arguments.names or (QUICK if arguments.quick else BENCHMARKS)
    for name in names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
        if arguments.quick and name not in QUICK:
            parser.error(f"{name} has no quick form")
    options = {"quick": True} if arguments.quick else {}
    met = [import_module(f"tools.bench.{name}").run(**options) for name in names]
    return 0 if all(met) else 1


if __name__ == "__main__":
    raise SystemExit(main())
