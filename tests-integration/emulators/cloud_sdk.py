"""Where Google's Cloud SDK keeps its emulators. They are in no registry of packages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

PLACES = (
    "/usr/lib/google-cloud-sdk",
    "/usr/share/google-cloud-sdk",
    "/opt/google-cloud-sdk",
    "/usr/local/google-cloud-sdk",
    "/usr/local/share/google-cloud-sdk",
    "/opt/homebrew/share/google-cloud-sdk",
    "/snap/google-cloud-cli/current",
    "~/google-cloud-sdk",
)
"""Folders that its packages, archives and installers use, where ``gcloud`` itself does not tell."""


def component(pattern: str) -> Path | None:
    """The newest file of an installed component; None when the machine has none.

    Args:
        pattern: Below the folder ``platform``: ``"pubsub-emulator/lib/*.jar"``.
    """
    for root in _roots():
        found = sorted((root / "platform").glob(pattern))
        if found:
            return found[-1]
    return None


def java() -> str | None:
    """The program that runs jars; None when the machine has none."""
    home = os.environ.get("JAVA_HOME")
    own = None if home is None else shutil.which("java", path=str(Path(home) / "bin"))
    return own or shutil.which("java")


def _roots() -> Iterator[Path]:
    gcloud = shutil.which("gcloud")
    if gcloud is not None:
        yield Path(gcloud).resolve().parents[1]
    yield from (Path(place).expanduser() for place in PLACES)
