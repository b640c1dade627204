"""The double as a process."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from emulators.process import Server, answers, serving

DEPLOYED = "emulators.lambda_double.deployed:HANDLERS"
_FOLDERS = [str(Path(__file__).parents[2]), str(Path(__file__).parents[3])]


@contextmanager
def lambda_double(secrets: Mapping[str, str], *functions: str) -> Iterator[Server]:
    """The double while the block runs.

    Args:
        secrets: Access key → secret key of those who may call.
        *functions: Mappings of handlers as ``module:name``; those of the suite when there is none.
    """
    with serving(
        "lambda double",
        lambda port, folder: [
            *(sys.executable, "-m", "emulators.lambda_double.server", str(port)),
            *(functions or (DEPLOYED,)),
        ],
        lambda url: answers(f"{url}/"),
        environment=lambda port, folder: {
            "PYTHONPATH": os.pathsep.join(_FOLDERS),
            "LAMBDA_DOUBLE_SECRETS": json.dumps(dict(secrets)),
        },
    ) as server:
        yield server
