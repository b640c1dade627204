"""Emulators written for Node, each in a folder of its own in the repository's ``.cache``."""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "emulators"
PACKAGES = Path(__file__).with_name("node_packages")
INSTALL_SECONDS = 600


def program_of(name: str) -> Path:
    """The program of a Node package, which is installed when it is missing.

    Args:
        name: Name of a file in ``node_packages``, without its suffix, and of the program.

    Raises:
        RuntimeError: It could not be installed; the message holds what npm said.
    """
    package = PACKAGES / f"{name}.json"
    digest = hashlib.sha256(package.read_bytes()).hexdigest()[:12]
    folder = CACHE / f"{name}-{digest}"
    done = folder / "complete"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two runs of pytest may start at once
        if not done.is_file():
            folder.mkdir(exist_ok=True)
            shutil.copy(package, folder / "package.json")
            _install(folder)
            done.touch()
    return folder / "node_modules" / ".bin" / name


def _install(folder: Path) -> None:
    result = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=INSTALL_SECONDS,
        text=True,
        check=False,
    )
    if result.returncode:
        raise RuntimeError(f"npm install in {folder} failed:\n{result.stdout}")
