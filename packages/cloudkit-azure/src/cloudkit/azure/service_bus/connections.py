"""Connections to a namespace, kept and used by one thread at a time. Blocks."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from cloudkit.azure.conditions import from_connecting
from cloudkit.azure.service_bus.links import SOCKET_SECONDS, Link, ReceiveLink, SendLink
from cloudkit.azure.service_bus.place import Place
from cloudkit.azure.service_bus.requests import Requests, was_answered
from cloudkit.common import ClientClosedError

LinkT = TypeVar("LinkT", bound=Link)

IDLE_SECONDS = 60.0
"""How long an unused connection is trusted; the service drops it after some minutes."""
MAX_LINKS = 64


class Connection:
    """A connection with its links, made when they are first needed.

    Args:
        place: The namespace.

    Raises:
        NetworkError: There is no way to it.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._links: OrderedDict[tuple[type[Link], str], Link] = OrderedDict()
        self.used_at = time.monotonic()
        self._amqp: Any = _connect(place)

    def has(self, kind: type[Link], path: str) -> bool:
        """Whether there is a link already."""
        return (kind, path) in self._links

    def use(self, kind: type[LinkT], path: str, call: Callable[[LinkT], Any]) -> Any:
        """Do something with a link.

        Args:
            kind: What for.
            path: The entity.
            call: Gets the link. When it raises something else than the service's answer, the link is not
                used again.

        Returns:
            What ``call`` returned.
        """
        link: Any = self._links.pop((kind, path), None) or self._open(
            kind(self._amqp, self.place, path)
        )
        try:
            result = call(link)
        except BaseException as error:
            if not was_answered(error):
                link.close()
                raise
            self._links[kind, path] = link
            raise
        if not link.closed:
            self._links[kind, path] = link
        if len(self._links) > MAX_LINKS:
            self._links.popitem(last=False)[1].close()
        return result

    def attach(self, make: Callable[[Any, Place], LinkT]) -> LinkT:
        """Make a link that this connection does not keep."""
        return self._open(make(self._amqp, self.place))

    def send(self, path: str, call: Callable[[SendLink], Any]) -> Any:
        """Do something with the link to send."""
        return self.use(SendLink, path, call)

    def receive(self, path: str, call: Callable[[ReceiveLink], Any]) -> Any:
        """Do something with the link to receive."""
        return self.use(ReceiveLink, path, call)

    def request(self, path: str, call: Callable[[Requests], Any]) -> Any:
        """Do something with the links for requests."""
        return self.use(Requests, path, call)

    def is_usable(self) -> bool:
        """Take in what came meanwhile, and see that the connection stands and links are attached."""
        if time.monotonic() - self.used_at > IDLE_SECONDS:
            return False
        try:
            while self._has_news():
                with suppress(ValueError):
                    self._amqp.listen(wait=False)
            if self._amqp._error is not None or self._amqp.state.name != _OPENED:
                return False
        except Exception:  # noqa: BLE001  # whatever is wrong with it, another one is made
            return False
        for key, link in list(self._links.items()):
            try:
                link.check()
            except Exception:  # noqa: BLE001  # the entity was removed, or the service wants it so
                self._links.pop(key).close()
        return True

    @property
    def is_broken(self) -> bool:
        """Whether nothing goes through any more."""
        return self._amqp._error is not None or self._amqp.state.name != _OPENED

    def close(self) -> None:
        """Close, without waiting for the service."""
        _close(self._amqp)

    def _open(self, link: LinkT) -> LinkT:
        try:
            link.open()
        except BaseException:
            link.close()
            raise
        return link

    def _has_news(self) -> bool:
        from urllib3.util import wait_for_read

        socket = self._amqp._transport.sock
        if socket is None or self._amqp._error is not None:
            return False
        pending = getattr(socket, "pending", None)
        if pending is not None and pending():
            return True
        # Unlike select(), this also takes sockets whose number is above 1023.
        return bool(wait_for_read(socket, 0))


_OPENED = "OPENED"
"""The library's name of the state."""


class Pool:
    """Connections that nobody uses just now.

    Args:
        place: The namespace.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._idle: list[Connection] = []
        self._lock = threading.Lock()
        self._closed = False
        self._retired = False

    @property
    def closed(self) -> bool:
        """Whether it has been closed."""
        return self._closed

    @contextmanager
    def connection(self, kind: type[Link], path: str) -> Iterator[Connection]:
        """A connection for the block, of this thread alone.

        Args:
            kind: What for, …
            path: … and of which entity: one that has the link is taken first.

        Raises:
            NetworkError: There is no way to the namespace.
        """
        connection = self.take(kind, path)
        try:
            yield connection
        finally:
            self.give_back(connection)

    def take(self, kind: type[Link], path: str) -> Connection:
        """A connection to be given back."""
        while True:
            with self._lock:
                if self._closed:
                    raise ClientClosedError("the client has been closed", hint="Make a new one.")
                if not self._idle:
                    break
                having = [c for c in self._idle if c.has(kind, path)]
                connection = (having or self._idle)[-1]
                self._idle.remove(connection)
            if connection.is_usable():
                return connection
            connection.close()
        return Connection(self._place)

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next, unless it is broken."""
        connection.used_at = time.monotonic()
        if connection.place is self._place and not connection.is_broken:
            with self._lock:
                if not (self._closed or self._retired):
                    self._idle.append(connection)
                    return
        connection.close()

    def retire(self) -> None:
        """Keep no connections any more; who has begun with this pool can still get some."""
        self._retired = True
        self._drop_idle()

    def close(self) -> None:
        """Close those that nobody uses; the others follow when they are given back."""
        self._closed = True
        self._drop_idle()

    def _drop_idle(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()


def _connect(place: Place) -> Any:
    import certifi
    from azure.servicebus._pyamqp._connection import Connection as Amqp
    from azure.servicebus._pyamqp.error import AMQPException
    from azure.servicebus._pyamqp.sasl import SASLAnonymousCredential

    amqp = Amqp(
        f"{'amqps' if place.secure else 'amqp'}://{place.host}",
        sasl_credential=SASLAnonymousCredential(),
        ssl_opts={"ca_certs": certifi.where()},
        properties={"user-agent": place.user_agent},
        socket_timeout=SOCKET_SECONDS,
        connect_timeout=place.connect_timeout,
        use_tls=place.secure,
    )
    try:
        amqp.open()
        end = time.monotonic() + place.timeout
        while amqp.state is None or amqp.state.name != _OPENED:
            amqp.listen(wait=False)
            if amqp._error is not None:
                raise amqp._error
            if time.monotonic() > end:
                raise TimeoutError("Service Bus did not open the connection in time")
    except (AMQPException, OSError, ValueError) as error:
        _close(amqp)
        raise from_connecting(error) from error
    return amqp


def _close(amqp: Any) -> None:
    # After an error, the library leaves the socket open.
    for close in (amqp.close, amqp._transport.close):
        with suppress(Exception):
            close()
