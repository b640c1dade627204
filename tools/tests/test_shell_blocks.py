"""The shell blocks of the guide to the command line run as they stand, one after the other.

A block that cannot run by itself says so in its first line: ```` ```bash {test="skip"} ````.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("docs/content/guides/command-line.md",)
BLOCK = re.compile(r"^```bash(?P<settings>[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[str]:
    """The blocks of a page that are to run, in order."""
    found = BLOCK.finditer((ROOT / page).read_text(encoding="utf-8"))
    return [match["code"] for match in found if 'test="skip"' not in match["settings"]]


@pytest.mark.timeout(300)  # dozens of processes, one after the other
@pytest.mark.parametrize("page", PAGES)
def test_blocks_run(page: str, tmp_path: Path) -> None:
    # One shell for all of them, as a reader has: a later block needs what an earlier one made.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("CLOUD_")}
    environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    environ["XDG_CONFIG_HOME"] = str(tmp_path)
    script = "set -euxo pipefail\n" + "\n".join(blocks(page))
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=environ,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_blocks_are_found(page: str) -> None:
    assert len(blocks(page)) > 5
