"""What type checkers must say of the packages, as files with typing assertions.

The files are those of packages/*/tests/typing. A line there that must be an error carries the
``type: ignore`` with its code: both checkers complain of one that silences nothing.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools.release import ROOT

FOLDERS = sorted(ROOT.glob("packages/*/tests/typing"))
WRONG = {
    "a false assertion": "from typing import assert_type\n\nassert_type(1, str)\n",
    "an error that is expected and does not come": "len([])  # type: ignore[arg-type]\n",
}


def mypy(folder: Path) -> subprocess.CompletedProcess[str]:
    files = [str(path) for path in sorted(folder.glob("*.py"))]
    command = [sys.executable, "-m", "mypy", "--config-file", str(ROOT / ".mypy.ini"), *files]
    return _run(command, {"MYPYPATH": str(folder)})


def pyright(folder: Path, scratch: Path) -> subprocess.CompletedProcess[str]:
    config = {
        "extends": str(ROOT / "tools/pyrightconfig.json"),
        "include": [str(folder)],
        "reportUnnecessaryTypeIgnoreComment": "error",
    }
    path = scratch / "pyrightconfig.json"
    path.write_text(json.dumps(config))
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "-p", str(path)]
    return _run(command, {"PYRIGHT_PYTHON_IGNORE_WARNINGS": "1"})


def _run(command: list[str], variables: dict[str, str]) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=110
    )


def test_there_are_type_tests() -> None:
    assert any(folder.glob("*.py") for folder in FOLDERS)


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parts[-3])
def test_the_checkers_agree_with_the_type_tests(folder: Path, tmp_path: Path) -> None:
    for done in (mypy(folder), pyright(folder, tmp_path)):
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("text", WRONG.values(), ids=WRONG)
def test_a_wrong_type_test_is_seen(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "typing"
    folder.mkdir()
    (folder / "check_wrong.py").write_text(text)
    for done in (mypy(folder), pyright(folder, tmp_path)):
        assert done.returncode == 1, done.stdout + done.stderr
