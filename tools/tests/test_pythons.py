"""The tests run on the Pythons that are there, and the others are named."""

import sys
from pathlib import Path

import pytest

from tools import pythons

HERE = "{}.{}".format(*sys.version_info[:2])


def executable(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with Python 3.11, a stand-in for 3.12 that does not start, and no 3.13."""
    executable(tmp_path / "python3.11", "echo 3.11")
    executable(tmp_path / "python3.12", "echo 'not installed' >&2; exit 127")
    executable(tmp_path / "hatch", f'echo "$@" >> {tmp_path}/calls')
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def test_what_is_missing_is_reported(programs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert pythons.main(["test", "-x"]) == 0
    assert (programs / "calls").read_text() == "run pythons.py3.11:test -x\n"
    assert capfd.readouterr().out.splitlines()[-3:] == [
        "Python 3.11: passed",
        "Python 3.12: not found on PATH, skipped",
        "Python 3.13: not found on PATH, skipped",
    ]


def test_a_failure_is_a_failure(programs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    executable(programs / "hatch", "exit 3")
    assert pythons.main(["test"]) == 1
    assert "Python 3.11: failed with exit status 3" in capfd.readouterr().out


def test_no_python_at_all_is_a_failure(programs: Path) -> None:
    (programs / "python3.11").unlink()
    assert pythons.main(["test"]) == 1
    assert not (programs / "calls").exists()


def test_hatch_is_needed(programs: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (programs / "hatch").unlink()
    assert pythons.main([]) == 2
    assert "hatch is not on PATH" in capfd.readouterr().err


def test_this_python_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert pythons.installed(HERE)
