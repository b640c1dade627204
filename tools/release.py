"""Moves the version of all distributions in lock-step, and builds them.

python -m tools.release bump 0.2.0
python -m tools.release build [--into dist]
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path

from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parent.parent
VERSION_FILE = Path("packages/cloudkit-core/src/cloudkit/core/_version.py")
VERSION_LINE = re.compile(r'^__version__ = "([^"]+)"$', re.MULTILINE)
CORE_PIN = re.compile(r"(cloudkit-[a-z]+)==[^\"',;\s]+")


class ReleaseError(Exception):
    """The release cannot be made; the message says why."""


def distributions(root: Path) -> list[Path]:
    """The folders of all distributions, by name."""
    return sorted(path.parent for path in root.glob("packages/*/pyproject.toml"))


def current_version(root: Path) -> str:
    """The version that all distributions have.

    Raises:
        ReleaseError: The version file does not hold exactly one version.
    """
    found = VERSION_LINE.findall((root / VERSION_FILE).read_text())
    if len(found) != 1:
        raise ReleaseError(f'{VERSION_FILE} must hold one line like: __version__ = "1.2.3"')
    return str(found[0])


def bump(root: Path, version: str) -> list[Path]:
    """Write a version, and the pins of the distributions on one another.

    Args:
        root: The repository.
        version: The new version; must be later than the current one.

    Returns:
        The files that changed.

    Raises:
        ReleaseError: The version is malformed or not later.
    """
    try:
        new = Version(version)
    except InvalidVersion as error:
        raise ReleaseError(f"{version!r} is not a version: {error}") from error
    old = current_version(root)
    if new <= Version(old):
        raise ReleaseError(f"{new} is not later than the current version, {old}")
    changes = {root / VERSION_FILE: VERSION_LINE.sub(f'__version__ = "{new}"', _version_text(root))}
    for folder in distributions(root):
        path = folder / "pyproject.toml"
        text = path.read_text()
        pinned = CORE_PIN.sub(rf"\g<1>=={new}", text)
        if pinned != text:
            changes[path] = pinned
    for path, text in changes.items():
        path.write_text(text)
    return list(changes)


def _version_text(root: Path) -> str:
    return (root / VERSION_FILE).read_text()


def build(root: Path, into: Path) -> list[Path]:
    """Build the sdist of every distribution, and its wheel from that sdist.

    Args:
        root: The repository.
        into: Folder for the results; older builds of CloudKit in it are removed.

    Returns:
        The sdists and wheels.

    Raises:
        ReleaseError: A build failed, or the wheels cannot be installed together.
    """
    into.mkdir(parents=True, exist_ok=True)
    for stale in [*into.glob("cloudkit_*.whl"), *into.glob("cloudkit_*.tar.gz")]:
        stale.unlink()
    built: list[Path] = []
    for folder in distributions(root):
        sdist = _hatchling(folder, "sdist", into)
        built += [sdist, _wheel_from(sdist, into)]
    problems = wheel_problems(path for path in built if path.suffix == ".whl")
    if problems:
        raise ReleaseError("\n".join(problems))
    return built


def _wheel_from(sdist: Path, into: Path) -> Path:
    with tempfile.TemporaryDirectory() as scratch:
        with tarfile.open(sdist) as archive:
            archive.extractall(scratch, filter="data")
        return _hatchling(Path(scratch) / sdist.name.removesuffix(".tar.gz"), "wheel", into)


def _hatchling(folder: Path, target: str, into: Path) -> Path:
    before = set(into.iterdir())
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(into.resolve())]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ReleaseError(f"the {target} of {folder.name} failed:\n{done.stdout}{done.stderr}")
    made = set(into.iterdir()) - before
    if len(made) != 1:
        raise ReleaseError(f"the {target} of {folder.name} made {sorted(made)}, not one file")
    return made.pop()


def wheel_problems(wheels: Iterable[Path]) -> list[str]:
    """What keeps wheels from living together in one environment.

    Args:
        wheels: The wheels of all distributions.

    Returns:
        One line a problem: a file that two wheels hold, or one that would own the namespace.
    """
    contents = {wheel.name: _files(wheel) for wheel in wheels}
    problems = [
        f"{name} holds cloudkit/__init__.py, which hides every other distribution"
        for name, files in contents.items()
        if "cloudkit/__init__.py" in files
    ]
    problems += [
        f"{name} holds {file}, outside of the namespace cloudkit"
        for name, files in contents.items()
        for file in sorted(files)
        if not file.startswith("cloudkit/")
    ]
    for (left, ours), (right, theirs) in combinations(contents.items(), 2):
        problems += [f"{left} and {right} both hold {file}" for file in sorted(ours & theirs)]
    return problems


def _files(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    return {name for name in names if ".dist-info/" not in name and not name.endswith("/")}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="release", description="Moves and builds the distributions."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("bump", help="move the version").add_argument("version")
    builder = commands.add_parser("build", help="build all sdists and wheels")
    builder.add_argument("--into", type=Path, default=ROOT / "dist")
    options = parser.parse_args(arguments)
    try:
        if options.command == "bump":
            results = bump(ROOT, options.version)
        else:
            results = build(ROOT, options.into)
    except ReleaseError as error:
        print(f"release: {error}", file=sys.stderr)
        return 1
    print(*results, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
