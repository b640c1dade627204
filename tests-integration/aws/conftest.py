"""The servers that only the tests of AWS need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from aws.clouds import SECRET
from emulators.lambda_double.process import lambda_double as double
from emulators.process import Server


@pytest.fixture(scope="session")
def lambda_double() -> Iterator[Server]:
    """The double of Lambda, with the functions of the suite."""
    with double({"test": SECRET}) as server:
        yield server
