"""Azurite, Microsoft's emulator of Azure Storage: Blob Storage over real HTTP."""

from __future__ import annotations

import json
import socket
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cloudkit.common import utc_now

from emulators.nodes import program_of
from emulators.process import HOST, Server, answers, serving

ACCOUNT = "cloudkit"
OTHER_ACCOUNT = "elsewhere"
KEY = b64encode(b"the key of the tests, long enough for a key of Azure Storage").decode()
OTHER_KEY = b64encode(b"another key of the tests, of the other storage account").decode()

_DELIMITER = (
    "it takes the first character of a delimiter, which is documented to be a character or a string"
)
_RANGE = (
    "a range that begins at the end of a blob is answered with 206 and nothing, not with "
    "416 InvalidRange"
)

BATCH_WITH_SIGNATURE = "a batch that is signed with a shared access signature is answered with 500"

STORAGE_DEFECTS: Mapping[str, str] = {
    # A backslash stands in names as three characters.
    "test_a_delimiter_folds_what_is_below[\\\\]": _DELIMITER,
    "test_a_delimiter_folds_what_is_below[abc]": _DELIMITER,
    "test_a_range_beyond_the_end_is_refused[(10, None)]": _RANGE,
    "test_a_range_beyond_the_end_is_refused[(10, 20)]": _RANGE,
}
"""Behaviours that it has otherwise than the service's documentation says, and what it does."""


@contextmanager
def azurite() -> Iterator[Server]:
    """Azurite with two accounts while the block runs."""
    with serving("azurite", _command, answers, environment=_environment) as server:
        yield server


@contextmanager
def secure_azurite(certificate: Path, key: Path) -> Iterator[Server]:
    """Azurite over TLS, which takes tokens of Entra ID: any whose claims are right.

    Args:
        certificate: The file of its certificate.
        key: The file of the certificate's key.
    """
    with serving(
        "azurite with TLS",
        lambda port, folder: [
            *_command(port, folder),
            *("--oauth", "basic", "--cert", certificate, "--key", key),
        ],
        _listens,
        environment=_environment,
    ) as server:
        server.url = server.url.replace("http:", "https:")
        yield server


def token(life: timedelta) -> str:
    """A token of Entra ID for storage as far as Azurite looks at it: the signature is none.

    Args:
        life: How long it is valid; negative for one that has expired.
    """
    now = utc_now()
    claims = {
        "aud": "https://storage.azure.com",
        "iss": "https://sts.windows.net/00000000-0000-0000-0000-000000000000/",
        "iat": int((now - timedelta(hours=2)).timestamp()),
        "nbf": int((now - timedelta(hours=2)).timestamp()),
        "exp": int((now + life).timestamp()),
        "oid": "00000000-0000-0000-0000-000000000001",
        "tid": "00000000-0000-0000-0000-000000000000",
    }
    parts = ({"alg": "HS256", "typ": "JWT"}, claims)
    encoded = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts]
    return b".".join([*encoded, urlsafe_b64encode(b"no signature").rstrip(b"=")]).decode()


def _command(port: int, folder: Path) -> list[str | Path]:
    return [
        program_of("azurite").with_name("azurite-blob"),
        *("--blobHost", HOST, "--blobPort", str(port), "--inMemoryPersistence"),
        *("--skipApiVersionCheck", "--disableTelemetry", "--silent"),
    ]


def _environment(port: int, folder: Path) -> dict[str, str]:
    return {"AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY};{OTHER_ACCOUNT}:{OTHER_KEY}"}


def _listens(url: str) -> bool:
    with socket.create_connection((HOST, urlsplit(url).port or 0), timeout=5):
        return True
