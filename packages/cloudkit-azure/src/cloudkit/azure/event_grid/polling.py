"""Connections for long polls: of their own, so that closing the cloud can end what waits on them."""

from __future__ import annotations

import contextlib
import socket
import threading
import weakref
from collections.abc import Callable
from typing import Any

from cloudkit.azure.config import AzureConfig
from cloudkit.azure.transport import SharedTransport, make_transport
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool


class Sockets:
    """The sockets that are open."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._broken = False

    def add(self, opened: socket.socket) -> None:
        """Remember one."""
        with self._lock:
            self._open.add(opened)
            broken = self._broken
        if broken:
            _shut(opened)

    def break_all(self) -> None:
        """End whatever is waited for on any of them, now and later."""
        with self._lock:
            self._broken = True
            opened = list(self._open)
        for one in opened:
            _shut(one)


def make_breakable(config: AzureConfig) -> tuple[SharedTransport, Callable[[], None]]:
    """A transport whose requests can be ended from another thread.

    Args:
        config: The settings of the cloud.

    Returns:
        The transport, and what ends its requests.
    """
    sockets = Sockets()
    transport = make_transport(config)
    for adapter in transport.session.adapters.values():
        if isinstance(adapter, HTTPAdapter):
            adapter.poolmanager.pool_classes_by_scheme = _pools(sockets)

    def break_polls() -> None:
        sockets.break_all()
        transport.shut()

    return transport, break_polls


def _pools(sockets: Sockets) -> dict[str, Any]:
    class Plain(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            sockets.add(self.sock)

    class Secure(HTTPSConnection):
        def connect(self) -> None:
            super().connect()
            sockets.add(self.sock)

    return {
        "http": type("PlainPool", (HTTPConnectionPool,), {"ConnectionCls": Plain}),
        "https": type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": Secure}),
    }


def _shut(opened: socket.socket) -> None:
    # Past the TLS layer, which is not to be used by two threads.
    with contextlib.suppress(OSError):
        socket.socket.shutdown(opened, socket.SHUT_RDWR)
