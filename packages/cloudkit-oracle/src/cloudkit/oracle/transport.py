"""How the SDK sends HTTP requests: on connections that all of its clients share."""

from __future__ import annotations

from typing import Any

from oci._vendor.requests.adapters import (  # type: ignore[import-untyped]  # the SDK brings its own
    HTTPAdapter,
)

SOCKET_BLOCK = 256 * 1024
"""Bytes that a socket is given at once; the default, 16 KiB, costs time."""

HOSTS = 16
"""Hosts that connections are kept to: of the services, of queues, streams and functions."""


class SharedAdapter(HTTPAdapter):  # type: ignore[misc]  # it has no types
    """Connections that clients cannot close; ``shut`` does.

    The SDK closes all of a client's connections after some answers, which would hit calls of other
    threads. It does so for what ``Expect: 100-continue`` can leave on a connection; that header is
    not sent here: it costs a way to the service and back, or three seconds where the service does
    not know it.

    Args:
        connections: How many are kept to a host.
    """

    def __init__(self, connections: int) -> None:
        super().__init__(pool_connections=HOSTS, pool_maxsize=connections, max_retries=0)

    def init_poolmanager(
        self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any
    ) -> None:
        """Make the pools; called by the inherited constructor."""
        super().init_poolmanager(
            connections, maxsize, block=block, blocksize=SOCKET_BLOCK, **pool_kwargs
        )

    def send(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Send once."""
        request.headers.pop("expect", None)  # no part of the signature
        return super().send(request, *args, **kwargs)

    def close(self) -> None:
        """Nothing: the other clients go on."""

    def shut(self) -> None:
        """Close the connections."""
        super().close()
