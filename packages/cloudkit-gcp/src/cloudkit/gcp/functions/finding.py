"""Which functions there are. The functions here block; they run in worker threads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cloudkit.api.functions import FunctionInfo
from cloudkit.gcp.errors import status_of
from cloudkit.gcp.functions.client import FunctionsClient

PAGE_SIZE = 1000


def exists(client: FunctionsClient, function: str) -> bool:
    """Whether there is a function of this name."""
    try:
        client.service.get_function(
            name=client.resource_name(function), retry=None, timeout=client.timeout
        )
    except Exception as error:
        if status_of(error) == 404:
            return False
        raise
    return True


def list_all(client: FunctionsClient) -> Mapping[str, FunctionInfo]:
    """All functions of the region, by name; without a region, those of all by resource name."""
    pager = client.service.list_functions(
        {"parent": client.parent, "page_size": PAGE_SIZE}, retry=None, timeout=client.timeout
    )
    functions = (_info(client, found) for found in pager)
    return {function.name: function for function in functions}


def _info(client: FunctionsClient, found: Any) -> FunctionInfo:
    everywhere = client.settings.config.region is None
    changed: datetime | None = found.update_time
    return FunctionInfo(
        name=found.name if everywhere else found.name.rpartition("/")[2],
        runtime=found.build_config.runtime or None,
        modified_at=None if changed is None else changed.astimezone(UTC),
    )
