"""The Python blocks of README and documentation run as they stand.

A block that cannot run by itself says so in its first line: ```` ```python {test="skip"} ````. Blocks
with a title, ```` ```toml title="cloudkit.toml" ````, are files that lie beside every block of their
page; one that is called ``test_*.py`` is run by pytest. A file that another block of its page runs says
so as well: ```` ```{.python title="worker.py" test="skip"} ````.
"""

from __future__ import annotations

import re
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
FILE = re.compile(r'^```[^\n`]*title="([^"]+)"[^\n]*\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def _name(example: CodeExample) -> str:
    return f"{example.path.relative_to(ROOT)}:{example.start_line}"


def _command(example: CodeExample, folder: Path) -> list[str]:
    """How a reader would run the block, with the titled blocks of its page in the folder."""
    for name, content in FILE.findall(example.path.read_text()):
        (folder / name).write_text(content)
    script = folder / example.prefix_settings().get("title", "example.py")
    script.write_text(example.source)
    if script.name.startswith("test_"):
        options = ["-W", "error", "-p", "no:cacheprovider", "-p", "no:xdist"]
        return [sys.executable, "-m", "pytest", *options, str(script)]
    return [sys.executable, "-W", "error", str(script)]


@pytest.mark.parametrize("example", EXAMPLES, ids=_name)
def test_block_runs(example: CodeExample, tmp_path: Path) -> None:
    # A process of its own, as a reader's would be: blocks may start event loops of both kinds.
    done = subprocess.run(
        _command(example, tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr or done.stdout


def test_blocks_are_found() -> None:
    assert any(example.path.name == "README.md" for example in EXAMPLES)


def test_files_lie_beside_the_block(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        '```toml title="cloudkit.toml"\n[profiles]\n```\n\n'
        '```python title="test_it.py"\ndef test_it() -> None: ...\n```\n\n```python\nimport test_it\n```\n'
    )
    folder = tmp_path / "work"
    folder.mkdir()
    test, script = find_examples(str(page))
    assert "pytest" in _command(test, folder)
    assert _command(script, folder)[-1] == str(folder / "example.py")
    assert (folder / "cloudkit.toml").read_text() == "[profiles]\n"
    assert (folder / "test_it.py").read_text() == "def test_it() -> None: ...\n"
