"""The doubles as a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emulators.process import Server, answers, serving

_FOLDERS = [str(Path(__file__).parents[2]), str(Path(__file__).parents[3])]


@contextmanager
def google_cloud(project: str, location: str, *handlers: str) -> Iterator[Server]:
    """Cloud Storage and Cloud Functions while the block runs.

    Args:
        project: Where the functions are deployed. Its service accounts may invoke them.
        location: Likewise: ``"europe-west1"``.
        *handlers: Mappings of function names to ``Callable[[bytes], bytes]``, as ``module:name``.
    """
    with serving(
        "google-cloud",
        lambda port, folder: [
            *(sys.executable, "-m", "emulators.google_cloud"),
            *("--port", str(port), "--project", project, "--location", location),
            *handlers,
        ],
        lambda url: answers(f"{url}/oauth2/v3/certs"),
        environment=lambda port, folder: {"PYTHONPATH": os.pathsep.join(_FOLDERS)},
    ) as server:
        yield server
