"""What the tests of the double of Cosmos DB have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from azure.cosmos import ContainerProxy, exceptions

MakeContainer = Callable[..., ContainerProxy]


@contextmanager
def refused(status: int, substatus: int | None = None) -> Iterator[None]:
    """Expects an answer of this status and substatus."""
    with pytest.raises(exceptions.CosmosHttpResponseError) as refusal:
        yield
    assert (refusal.value.status_code, refusal.value.sub_status) == (status, substatus)
