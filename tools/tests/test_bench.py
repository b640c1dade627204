"""The benchmark of cloud clients runs, and measures every client that is installed."""

import os
import subprocess
import sys
from pathlib import Path

from tools.bench.contenders import CONTENDERS, OPERATIONS

ROOT = Path(__file__).parents[2]


def test_the_quick_form_has_a_row_for_each_client_that_is_installed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.bench", "storage", "--quick"],
        check=False,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    for operation in OPERATIONS:
        assert operation in done.stdout
    lines = [line.split("│") for line in done.stdout.splitlines()]
    rows = {cells[1].strip() for cells in lines if len(cells) > 1}
    for contender in CONTENDERS:
        if contender.installed():
            assert {f"{contender.name}, {loop}" for loop in contender.loops} <= rows
        else:
            assert contender.module in rows
    assert "24 MiB sent" in done.stdout
    assert "24 MiB fetched" in done.stdout


def test_the_quick_form_of_copying_measures_both_ways() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tools.bench", "copying", "--quick"],
        check=False,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr
    for row in ("cp -r", "rclone", "cloudkit cp, to the cloud", "cloudkit cp, back", "unchanged"):
        assert done.stdout.count(row) >= 2
