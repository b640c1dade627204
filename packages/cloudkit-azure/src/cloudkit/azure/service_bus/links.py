"""Links of AMQP: to send and to receive. Blocks; one thread at a time.

The SDK's senders and receivers each make a connection of their own, sleep while they open, and leave
credit behind a receive that came back, so that messages go where nobody waits for them. So the
library of AMQP inside the SDK is used here directly: links share connections, open as fast as the
service answers, and a receive ends by draining its credit. Besides this module, ``requests`` and
``connections`` know the SDK's inside; ``messages``, ``values`` and others its types only.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from attrs import frozen
from cloudkit.azure.service_bus.place import Place
from cloudkit.azure.service_bus.values import typed, untyped
from cloudkit.common import OperationTimeoutError

if TYPE_CHECKING:
    from azure.servicebus._pyamqp.message import Message

SOCKET_SECONDS = 0.2
"""Longest read; what is waited for is looked at as often."""
DRAIN_SECONDS = 5.0
BATCH_BYTES = 256 * 1024
SESSION_FILTER = b"com.microsoft:session-filter"
SESSION_UNTIL = b"com.microsoft:locked-until-utc"
TICKS_OF_1970 = 621355968000000000
ATTACHED = 3
COUNTS = 2**32
"""Deliveries are counted in 32 bits."""


class Unwanted(Exception):  # noqa: N818  (no error)
    """Nobody waits for the link any more."""


@frozen
class Delivery:
    """A message that came in.

    Attributes:
        number: Its number on the link.
        tag: Its lock token, as bytes in .NET's order.
        message: The message, as the library has it.
    """

    number: int
    tag: bytes
    message: Message

    @property
    def token(self) -> str:
        """The lock token."""
        return str(uuid.UUID(bytes_le=self.tag))


class Link:
    """Base: a link on a connection that it shares with others.

    Args:
        amqp: The library's connection.
        place: The namespace.
        path: The entity.
    """

    def __init__(self, amqp: Any, place: Place, path: str) -> None:
        self._amqp = amqp
        self._place = place
        self._path = path
        self.client: Any = None
        self.closed = False

    def open(self) -> None:
        """Sign in for the entity, and attach.

        Raises:
            AMQPException: The service refused, or the connection broke.
        """
        end = time.monotonic() + self._patience
        self.client = self._make_client()
        self.client.open(connection=self._amqp)
        while not self._ready():
            self._check(end)
        self._await_attached(end)

    def close(self) -> None:
        """Detach; the connection stays."""
        self.closed = True
        if self.client is not None:
            with suppress(Exception):
                self.client.close()

    def listen(self) -> None:
        """Take in what comes next, or nothing for a moment."""
        # Who is turned away gets an attach without termini first, which the library takes for wrong.
        with suppress(ValueError):
            self._amqp.listen(wait=False)

    def check(self) -> None:
        """See that the link is still attached.

        Raises:
            AMQPException: It is not, and this is why.
        """
        self.client._link.get_state()

    def _make_client(self) -> Any:
        raise NotImplementedError

    @property
    def _patience(self) -> float:
        """Seconds until it must be attached."""
        return self._place.timeout

    def _ready(self) -> bool:
        return bool(self.client.client_ready())

    def _await_attached(self, end: float) -> None:
        while self.client._link.get_state().value != ATTACHED:
            self.listen()
            self._check(end)

    def _check(self, end: float) -> None:
        if time.monotonic() > end:
            raise OperationTimeoutError(f"Service Bus did not answer about {self._path} in time")

    def _options(self) -> dict[str, Any]:
        from azure.servicebus._pyamqp.authentication import JWTTokenAuth
        from azure.servicebus._pyamqp.error import RetryPolicy

        audience = f"sb://{self._place.host}/{self._path}"
        return {
            "auth": untyped(JWTTokenAuth)(
                audience,
                audience,
                partial(self._place.access, audience),
                token_type=self._place.token_type,
            ),
            "retry_policy": untyped(RetryPolicy)(retry_total=0),  # one retry loop: the executor's
            "auth_timeout": int(self._place.timeout),
            "socket_timeout": SOCKET_SECONDS,
            "use_tls": self._place.secure,
        }

    @property
    def _address(self) -> str:
        return f"amqps://{self._place.host}/{self._path}"


class SendLink(Link):
    """Sends to a queue or topic."""

    def _make_client(self) -> Any:
        from azure.servicebus._pyamqp.client import SendClient

        return untyped(SendClient)(self._place.host, self._address, **self._options())

    @property
    def limit(self) -> int:
        """Bytes that the service takes at once."""
        limit: int | None = self.client._link.remote_max_message_size
        return limit or BATCH_BYTES

    def send(self, message: Message) -> None:
        """Send, and wait until the service has it.

        Args:
            message: A message, or a batch.

        Raises:
            AMQPException: The service refused, or the connection broke.
            TimeoutError: It did not answer.
        """
        self.client.send_message(message, timeout=self._place.timeout)


class ReceiveLink(Link):
    """Receives from a queue, a subscription, or the dead letters of one."""

    def _make_client(self) -> Any:
        return self._receive_client(self._address)

    def _receive_client(self, source: Any, **options: Any) -> Any:
        from azure.servicebus._pyamqp.client import ReceiveClient

        return untyped(ReceiveClient)(
            self._place.host, source, link_credit=1, **options, **self._options()
        )

    def open(self) -> None:
        """Sign in for the entity, and attach without asking for messages."""
        super().open()
        self.client._link._incoming_flow = self._on_flow  # the library passes over it

    def _on_flow(self, frame: Sequence[Any]) -> None:
        # Only the answer to a drain has used up all the credit; others may come late.
        link = self.client._link
        if frame[5] == (link.delivery_count + link.current_link_credit) % COUNTS:
            link.delivery_count, link.current_link_credit = frame[5], 0

    def take(self, count: int, wait: float, unwanted: Callable[[], bool]) -> list[Delivery]:
        """Receive.

        Args:
            count: At most so many.
            wait: Seconds to wait for the first.
            unwanted: Whether to stop waiting.

        Returns:
            What came: all that was there, when anything was.
        """
        link, came = self.client._link, self.client._received_messages
        while not self.client.client_ready():  # the token may be due
            self.check()
        end = time.monotonic() + wait
        if wait > 0:
            link.flow(link_credit=count)
            while came.empty() and time.monotonic() < end and not unwanted():
                self.listen()
                self.check()
        self._drain(count if wait <= 0 else link.current_link_credit)
        return [self._delivery(*came.get()) for _ in range(came.qsize())]

    def _drain(self, credit: int) -> None:
        """Have the service send what it has, up to a number, and take the rest of the credit back."""
        if credit <= 0:
            return
        link, end = self.client._link, time.monotonic() + DRAIN_SECONDS
        link.flow(link_credit=credit, drain=True)
        while link.current_link_credit > 0:
            self.listen()
            self.check()
            if time.monotonic() > end:
                self.close()  # or messages would still come here, where nobody looks
                break

    @staticmethod
    def _delivery(frame: Sequence[Any], message: Message) -> Delivery:
        return Delivery(frame[1], bytes(frame[2]), message)

    def release(self, deliveries: Iterable[Delivery]) -> None:
        """Give messages back as if they had never come."""
        for delivery in deliveries:
            self.client.settle_messages(delivery.number, delivery.tag, "released")

    def settle(self, delivery: Delivery, outcome: str, **details: Any) -> None:
        """Say what became of a message, and wait until the service has heard.

        Args:
            delivery: The message.
            outcome: AMQP's word: ``accepted``, ``modified`` or ``rejected``.
            **details: What belongs to the outcome.

        Raises:
            AMQPException: The lock has ended, or the connection broke.
        """
        self.client.settle_messages(
            delivery.number,
            delivery.tag,
            outcome,
            await_outcome=True,
            outcome_timeout=self._place.timeout,
            **details,
        )


class SessionLink(ReceiveLink):
    """Receives from the next session that nobody has.

    Args:
        amqp: The library's connection.
        place: The namespace.
        path: The entity.
        wait: Seconds to wait for a session.
        unwanted: Whether to stop waiting.
    """

    def __init__(
        self, amqp: Any, place: Place, path: str, wait: float, unwanted: Callable[[], bool]
    ) -> None:
        super().__init__(amqp, place, path)
        self._wait = wait
        self._unwanted = unwanted
        self.session = ""
        self.until = 0.0

    def _make_client(self) -> Any:
        from azure.servicebus._pyamqp.endpoints import Source

        return self._receive_client(
            untyped(Source)(address=self._address, filters={SESSION_FILTER: None}),
            on_attach=self._on_attach,
            link_properties={b"com.microsoft:timeout": typed("uint", int(self._wait * 1000))},
        )

    @property
    def _patience(self) -> float:
        return self._place.timeout + self._wait

    def _check(self, end: float) -> None:
        super()._check(end)
        if self._unwanted():
            raise Unwanted

    def _on_attach(self, frame: Any) -> None:
        self.session = frame.source.filters[SESSION_FILTER].decode()
        ticks = (frame.properties or {}).get(SESSION_UNTIL)
        self.until = time.time() if ticks is None else (ticks - TICKS_OF_1970) / 10_000_000

    @property
    def name(self) -> str:
        """Of the link, for requests about the session."""
        return str(self.client._link.name)
