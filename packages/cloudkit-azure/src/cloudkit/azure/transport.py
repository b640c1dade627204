"""How the SDKs send HTTP requests: on connections that all services share, and never twice."""

from __future__ import annotations

from typing import Any

import requests
from azure.core.pipeline import PipelineRequest, PipelineResponse
from azure.core.pipeline.policies import HTTPPolicy
from azure.core.pipeline.transport import RequestsTransport
from cloudkit.azure.config import AzureConfig
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

SOCKET_BLOCK = 256 * 1024
"""Bytes that a socket is given at once; the default, 16 KiB, costs time."""

BODY_BLOCK = 256 * 1024
"""Bytes of a body that are read at once."""

HOSTS = 8
"""Hosts that connections are kept to: of the services, of other accounts, of the sign-in."""


class SharedTransport(RequestsTransport):  # type: ignore[misc]  # azure-core loads it lazily
    """A transport that clients cannot close; ``shut`` does.

    Args:
        session: Has the connections.
        config: The settings of the cloud.
    """

    def __init__(self, session: requests.Session, config: AzureConfig) -> None:
        super().__init__(
            session=session,
            session_owner=False,
            connection_timeout=config.connect_timeout,
            read_timeout=config.timeout,
            connection_data_block_size=BODY_BLOCK,
        )

    def __exit__(self, *_: object) -> None:
        """Nothing: the other clients go on."""

    def shut(self) -> None:
        """Close the connections."""
        self.session.close()


class NoRetries(HTTPPolicy[Any, Any]):
    """Stands where the SDKs have their retries."""

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send once."""
        options = request.context.options
        # Storage leaves these for its own policy, and looks for the mode in the answer.
        options.pop("hosts", None)
        options.pop("retry_to_secondary", None)
        mode = options.pop("location_mode", None)
        response = self.next.send(request)
        setattr(response.http_response, "location_mode", mode)  # noqa: B010  # not declared
        return response


def make_transport(config: AzureConfig) -> SharedTransport:
    """A transport that keeps as many connections to a host as calls may be under way.

    Args:
        config: The settings of the cloud.
    """
    connections = config.max_concurrency
    session = requests.Session()
    session.headers.clear()  # what is asked for, and nothing that would have a body compressed
    session.auth = _unchanged
    adapter = HTTPAdapter(
        pool_connections=HOSTS,
        pool_maxsize=connections,
        max_retries=Retry(total=False, redirect=False, raise_on_status=False),
    )
    adapter.init_poolmanager(HOSTS, connections, blocksize=SOCKET_BLOCK)
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return SharedTransport(session, config)


def _unchanged(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keeps requests from looking into ~/.netrc: the SDK has signed already."""
    return request
