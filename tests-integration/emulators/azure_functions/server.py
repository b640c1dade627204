"""The host as a process of its own."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emulators.process import Server, answers, serving

MASTER_KEY = "the-master-key-of-the-host-of-azure-functions"  # it opens nothing else
HOST_KEY = "a-host-key-of-the-host-of-azure-functions"
FUNCTION_KEY = "the-key-of-each-function-of-the-host"
TOKEN = "a-token-for-the-host-of-azure-functions"
DEPLOYED = "emulators.azure_functions.deployed:app"

_FOLDERS = [str(Path(__file__).parents[2]), str(Path(__file__).parents[3])]


@contextmanager
def azure_functions(app: str = DEPLOYED, *, sign_in: bool = False) -> Iterator[Server]:
    """An app while the block runs.

    Args:
        app: Where the ``FunctionApp`` is, as ``module:name``; that of the suite by default.
        sign_in: Whether every request must have a token as well, as App Service can be told to.
    """
    with serving(
        "azure-functions",
        lambda port, folder: [
            *(sys.executable, "-m", "emulators.azure_functions", app, "--port", str(port)),
            *("--master-key", MASTER_KEY, "--host-key", HOST_KEY),
            *("--function-key", FUNCTION_KEY),
            *(("--token", TOKEN) if sign_in else ()),
        ],
        answers,
        environment=lambda port, folder: {"PYTHONPATH": os.pathsep.join(_FOLDERS)},
    ) as server:
        yield server
