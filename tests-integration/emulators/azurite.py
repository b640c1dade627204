"""Azurite, Microsoft's emulator of Azure Storage: Blob Storage over real HTTP."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from emulators.nodes import program_of
from emulators.process import HOST, Server, answers, serving

ACCOUNT = "cloudkit"
OTHER_ACCOUNT = "elsewhere"
KEY = base64.b64encode(b"the key of the tests, long enough for a key of Azure Storage").decode()
OTHER_KEY = base64.b64encode(b"another key of the tests, of the other storage account").decode()

_DELIMITER = (
    "it takes the first character of a delimiter, which is documented to be a character or a string"
)
_RANGE = (
    "a range that begins at the end of a blob is answered with 206 and nothing, not with "
    "416 InvalidRange"
)

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
    program = program_of("azurite").with_name("azurite-blob")
    with serving(
        "azurite",
        lambda port, folder: [
            *(program, "--blobHost", HOST, "--blobPort", str(port), "--inMemoryPersistence"),
            *("--skipApiVersionCheck", "--disableTelemetry", "--silent"),
        ],
        answers,
        environment=lambda port, folder: {
            "AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY};{OTHER_ACCOUNT}:{OTHER_KEY}"
        },
    ) as server:
        yield server
