"""Requests to the management node of an entity. Blocks; one thread at a time."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from cloudkit.azure.service_bus.links import Link, SessionLink
from cloudkit.azure.service_bus.place import Place
from cloudkit.azure.service_bus.values import typed, untyped

REFUSAL_SECONDS = 5.0
"""How long the reason of a refusal is waited for."""


class Requests(Link):
    """Makes requests to an entity's management node."""

    def _make_client(self) -> Any:
        from azure.servicebus._pyamqp.client import AMQPClient

        return untyped(AMQPClient)(self._place.host, **self._options())

    def _await_attached(self, end: float) -> None:
        """The links of the node are attached with the first request."""

    def check(self) -> None:
        """See that the links of the node, once attached, still are.

        Raises:
            AMQPException: One is not, and this is why.
        """
        for operation in self.client._mgmt_links.values():
            for link in _pair(operation):
                link.get_state()

    def ask(self, operation: str, body: Mapping[str, Any], link: SessionLink | None = None) -> Any:
        """Make a request.

        Args:
            operation: Its name, without the service's prefix.
            body: Its arguments.
            link: That of the session that it is about.

        Returns:
            The answer; None for an empty one.

        Raises:
            AMQPException: The service refused, or the connection broke.
        """
        return ask(self.client, self._place, self._path, operation, body, link)


def ask(
    client: Any,
    place: Place,
    path: str,
    operation: str,
    body: Mapping[str, Any],
    link: SessionLink | None,
) -> Any:
    """Make a request with some client of the library; see ``Requests.ask``."""
    from azure.servicebus._pyamqp.error import AMQPLinkError
    from azure.servicebus._pyamqp.message import Message, Properties

    node = f"{path}/$management"
    about: dict[Any, Any] = {
        b"com.microsoft:server-timeout": typed("uint", int(place.timeout * 1000))
    }
    if link is not None:
        about[b"associated-link-name"] = link.name
    request = Message(
        value=dict(body), properties=Properties(reply_to=node), application_properties=about
    )
    try:
        status, description, answer = client.mgmt_request(
            request,
            operation=typed("string", f"com.microsoft:{operation}".encode()),
            operation_type=typed("string", b"entity-mgmt"),
            node=node.encode(),
            timeout=place.timeout,
        )
    except (AMQPLinkError, ValueError) as error:
        raise _why(client, node.encode(), error) from error
    if status in {200, 202}:
        return answer.value
    if status == 204:
        return None
    condition = answer.application_properties.get(b"errorCondition")
    refusal = AMQPLinkError(condition or f"status {status}".encode(), description=description)
    refusal.answered = True  # type: ignore[attr-defined]  # for was_answered
    raise refusal


def was_answered(error: BaseException) -> bool:
    """Whether an error is the service's answer, after which a link can go on."""
    from azure.servicebus._pyamqp.error import MessageException, MessageSettlementUnconfirmed

    if isinstance(error, MessageSettlementUnconfirmed):
        return False
    return isinstance(error, MessageException) or getattr(error, "answered", False)


def _why(client: Any, node: bytes, error: Exception) -> Exception:
    """Why the links to a management node could not be attached, which the library hides."""
    links = client._mgmt_links.pop(node, None)
    if links is None:
        return error
    pair = _pair(links)
    end = time.monotonic() + REFUSAL_SECONDS
    while time.monotonic() < end:
        reasons = [link._error for link in pair if link._error is not None]
        if reasons:
            return reasons[0]  # type: ignore[no-any-return]  # the library tells no types
        with suppress(ValueError):
            client._connection.listen(wait=False)
    return error


def _pair(operation: Any) -> tuple[Any, Any]:
    return operation._mgmt_link._request_link, operation._mgmt_link._response_link
