"""``hatch run bench``: runs all benchmarks, or those that are named."""

from __future__ import annotations

import argparse
from importlib import import_module

BENCHMARKS = ("imports", "executor", "local")


def main() -> int:
    """Run the benchmarks.

    Returns:
        The exit code: 1 when a target was missed.
    """
    parser = argparse.ArgumentParser(
        prog="hatch run bench", description="Speed and memory, as ratios within one run."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    names = parser.parse_args().names or BENCHMARKS
    for name in names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
    met = [import_module(f"tools.bench.{name}").run() for name in names]
    return 0 if all(met) else 1


if __name__ == "__main__":
    raise SystemExit(main())
