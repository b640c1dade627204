"""The doubles as a process of their own, and the keys of their users."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from emulators.process import Server, answers, serving

_ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def oracle() -> Iterator[Server]:
    """Object Storage while the block runs."""
    with serving(
        "oracle",
        lambda port, folder: [sys.executable, "-m", "emulators.oracle", "--port", str(port)],
        lambda url: answers(f"{url}/n"),
        environment=lambda port, folder: {"PYTHONPATH": str(_ROOT)},
    ) as server:
        yield server


def register_key(url: str, tenancy: str, user: str, public_key: str) -> str:
    """Let a user sign with a key.

    Args:
        url: Of the double.
        tenancy: OCID.
        user: OCID.
        public_key: RSA, in PEM.

    Returns:
        The fingerprint.
    """
    body = json.dumps({"tenancy": tenancy, "user": user, "publicKey": public_key})
    with closing(HTTPConnection(urlsplit(url).netloc, timeout=20)) as connection:
        connection.request("POST", "/double/keys", body)
        response = connection.getresponse()
        answer = json.loads(response.read())
    if response.status != 200:
        raise ValueError(answer["message"])
    return str(answer["fingerprint"])
