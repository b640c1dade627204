"""Runs a command of the repository on every supported Python that this machine has.

    python -m tools.pythons test -x

hatch would fetch a Python that is missing, or fail without a word about it; here it is reported as
not found, and the others run.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence

SUPPORTED = ("3.11", "3.12", "3.13")
SHOW_VERSION = "import sys; print('%d.%d' % sys.version_info[:2])"


def installed(version: str) -> bool:
    """Whether a Python of a version is on PATH, and starts: a version manager's stand-in may not."""
    for name in (f"python{version}", "python3", "python"):
        path = shutil.which(name)
        if path is None:
            continue
        command = [path, "-c", SHOW_VERSION]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0 and done.stdout.strip() == version:
            return True
    return False


def run(version: str, command: Sequence[str], hatch: str) -> str:
    """Run a command of hatch.toml on one Python; returns the outcome in words."""
    if not installed(version):
        return "not found on PATH, skipped"
    print(f"== Python {version}", flush=True)
    arguments = [hatch, "run", f"pythons.py{version}:{command[0]}", *command[1:]]
    code = subprocess.run(arguments, check=False).returncode
    return "passed" if code == 0 else f"failed with exit status {code}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status."""
    command = list(sys.argv[1:] if arguments is None else arguments) or ["test"]
    hatch = shutil.which("hatch")
    if hatch is None:
        print("pythons: hatch is not on PATH", file=sys.stderr)
        return 2
    outcomes = {version: run(version, command, hatch) for version in SUPPORTED}
    print(*(f"Python {version}: {outcome}" for version, outcome in outcomes.items()), sep="\n")
    ran = [outcome for outcome in outcomes.values() if "skipped" not in outcome]
    return 0 if ran and all(outcome == "passed" for outcome in ran) else 1


if __name__ == "__main__":
    sys.exit(main())
