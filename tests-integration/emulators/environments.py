"""Virtual environments for emulators whose dependencies must not meet those of the tests.

    python -m emulators.environments [name ...]    (in tests-integration; makes those that are missing)

An environment is made when it is first needed, from the pinned requirements beside this file, and
kept in the repository's ``.cache``, which git ignores. When the requirements or the Python change, a
new one takes its place.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "emulators"
REQUIREMENTS = Path(__file__).with_name("requirements")
INSTALL_SECONDS = 600


def python_of(name: str) -> Path:
    """The Python of an environment, which is made when it is missing.

    Args:
        name: Name of a file in ``requirements``, without its suffix.

    Raises:
        RuntimeError: It could not be made; the message holds what the installer said.
    """
    requirements = REQUIREMENTS / f"{name}.txt"
    digest = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()[:12]
    folder = CACHE / f"{name}-{digest}"
    python = folder / "bin" / "python"
    done = folder / "complete"
    CACHE.mkdir(parents=True, exist_ok=True)
    with _locked(CACHE / f"{name}.lock"):  # two runs of pytest may start at once
        if not done.is_file():
            _remove_others(name)
            _install(folder, requirements)
            done.touch()
    return python


def _install(folder: Path, requirements: Path) -> None:
    python = str(folder / "bin" / "python")
    _uv("venv", "--quiet", "--python", sys.executable, str(folder))
    _uv("pip", "install", "--quiet", "--python", python, "--requirements", str(requirements))


def _uv(*arguments: str) -> None:
    environment = {"UV_SYSTEM_CERTS": "1", **os.environ}
    result = subprocess.run(
        [sys.executable, "-m", "uv", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=INSTALL_SECONDS,
        text=True,
        check=False,
    )
    if result.returncode:
        raise RuntimeError(f"uv {' '.join(arguments)} failed:\n{result.stdout}")


def _remove_others(name: str) -> None:
    for old in CACHE.glob(f"{name}-????????????"):
        shutil.rmtree(old)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def main(names: list[str]) -> None:
    """Make the environments of these names, or all; prints how long each took."""
    for name in names or sorted(path.stem for path in REQUIREMENTS.glob("*.txt")):
        begin = time.monotonic()
        python = python_of(name)
        print(f"{name}: {python} ({time.monotonic() - begin:.1f} s)")


if __name__ == "__main__":
    main(sys.argv[1:])
