"""The Python blocks of README and documentation run as they stand.

A block that cannot run by itself says so in its first line: ```` ```python {test="skip"} ````.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pytest_examples import CodeExample, find_examples

ROOT = Path(__file__).parents[2]
# Its blocks are the files of one program; the tests of cloudkit-testing put it together and run it.
PROGRAMS = {"writing-a-provider.md"}
EXAMPLES = [
    example
    for example in find_examples(
        str(ROOT / "README.md"),
        str(ROOT / "docs" / "content"),
        *map(str, sorted(ROOT.glob("packages/*/README.md"))),
    )
    if example.prefix_settings().get("test") != "skip" and example.path.name not in PROGRAMS
]


def _name(example: CodeExample) -> str:
    return f"{example.path.relative_to(ROOT)}:{example.start_line}"


@pytest.mark.parametrize("example", EXAMPLES, ids=_name)
def test_block_runs(example: CodeExample, tmp_path: Path) -> None:
    # A process of its own, as a reader's would be: blocks may start event loops of both kinds.
    script = tmp_path / "example.py"
    script.write_text(example.source)
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_blocks_are_found() -> None:
    assert any(example.path.name == "README.md" for example in EXAMPLES)
