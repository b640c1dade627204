"""How tests get service accounts of a double that runs."""

from __future__ import annotations

import json
from typing import Any
from urllib.request import ProxyHandler, Request, build_opener


def create_service_account(url: str, project: str, name: str) -> dict[str, Any]:
    """The key file of a new service account, or a further one of an account that is there.

    Args:
        url: Where the double listens.
        project: Where the account lives.
        name: Of the account, before the ``@``.
    """
    request = Request(f"{url}/_double/serviceAccounts?project={project}&name={name}", method="POST")
    with build_opener(ProxyHandler({})).open(request, timeout=10) as response:
        info: dict[str, Any] = json.load(response)
        return info
