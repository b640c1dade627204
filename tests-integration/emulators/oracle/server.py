"""The doubles as a process of their own, and the keys of their users."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from emulators.process import Server, answers, serving

_FOLDERS = [str(Path(__file__).resolve().parents[level]) for level in (2, 3)]


@contextmanager
def oracle(*functions: str) -> Iterator[Server]:
    """The doubles while the block runs.

    Args:
        *functions: Mappings of functions to deploy besides those of the suite, as ``module:name``.
    """
    deployed = [argument for each in functions for argument in ("--functions", each)]
    with serving(
        "oracle",
        lambda port, folder: [
            *(sys.executable, "-m", "emulators.oracle", "--port", str(port)),
            *deployed,
        ],
        lambda url: answers(f"{url}/n"),
        environment=lambda port, folder: {"PYTHONPATH": os.pathsep.join(_FOLDERS)},
    ) as server:
        yield server


def new_key() -> tuple[str, str]:
    """A private and its public key, in PEM."""
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


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
