"""Builds the documentation into docs/site; any warning fails.

    python -m tools.documentation

zensical's strict mode counts its own warnings, but not those about docstrings, which the reader
of the sources (griffe) writes to the log: a parameter that is documented and does not exist, say.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OPTIONS = ["build", "--clean", "--strict", "--config-file", "docs/mkdocs.yml"]


def main() -> int:
    """Build; returns the exit status."""
    # On PATH inside hatch; beside the interpreter where that is called by its path.
    program = shutil.which("zensical") or str(Path(sys.executable).with_name("zensical"))
    process = subprocess.Popen(
        [program, *OPTIONS], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    complaints = 0
    with process:
        for line in process.stdout or ():
            print(line, end="")
            complaints += line.startswith("griffe:")
    if complaints:
        print(f"The docstrings have {complaints} faults.")
    return process.returncode or int(complaints > 0)


if __name__ == "__main__":
    sys.exit(main())
