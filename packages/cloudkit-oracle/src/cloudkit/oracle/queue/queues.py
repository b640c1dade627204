"""Queues by name: found once, then known. Everything here blocks and runs in a worker thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from attrs import frozen
from cloudkit.api.messaging import DeadLetterPolicy
from cloudkit.common import NotFoundError
from cloudkit.oracle.clients import OracleClients, ServiceAt
from cloudkit.oracle.errors import status_of
from cloudkit.oracle.queue.names import dead_name

T = TypeVar("T")

LIVE = frozenset({"ACTIVE", "UPDATING"})
COMING = LIVE | {"CREATING"}
MAX_RECEIVES_TAG = "cloudkit-max-receives"
"""Tag of a queue with a dead-letter policy."""
SETTINGS_SECONDS = 60.0
"""How long settings of a queue are believed."""
PAGE_SIZE = 1000


@frozen(kw_only=True)
class Address:
    """Where a queue is, and what is set for it.

    Attributes:
        name: Its display name.
        id: OCID.
        endpoint: URL of its messages.
        visibility: Length of a lease in seconds.
        retention: Seconds that a message is kept.
        max_receives: Of its dead-letter policy; None for none.
        own_limit: After how many receives the service itself sets messages aside; 0 for never.
        read_at: When this was asked for, by the monotonic clock.
    """

    name: str
    id: str
    endpoint: str
    visibility: int
    retention: float
    max_receives: int | None
    own_limit: int
    read_at: float

    @property
    def dead_letter(self) -> DeadLetterPolicy | None:
        """When messages are set aside, by whomever."""
        receives = self.max_receives or self.own_limit
        return DeadLetterPolicy(max_receives=receives) if receives else None


def is_missing(error: Exception) -> bool:
    """Whether Queue says that there is no such queue."""
    return not isinstance(error, NotFoundError) and status_of(error) == 404


class Queues:
    """What is known of queues.

    Names need not be unique there. Of several queues of one name, the oldest is meant.

    Args:
        clients: The SDK's clients.
    """

    def __init__(self, clients: OracleClients) -> None:
        self._clients = clients
        self._addresses: dict[str, Address] = {}

    def using(self, admin: Any, name: str, call: Callable[[Address], T]) -> T:
        """Make a call about a queue.

        Args:
            admin: The client that manages queues.
            name: The queue.
            call: Makes the call; again when the queue is known but not there any more, for there
                may be another of its name by now.

        Raises:
            NotFoundError: There is no queue of this name.
            Exception: Whatever the SDK raised.
        """
        known = self._addresses.get(name)
        if known is not None and time.monotonic() - known.read_at < SETTINGS_SECONDS:
            try:
                return call(known)
            except Exception as error:
                if not is_missing(error):
                    raise
        return call(self.find(admin, name))

    def find(self, admin: Any, name: str) -> Address:
        """Ask where a queue is.

        Raises:
            NotFoundError: There is none.
        """
        self.forget(name)
        answer = self._named(admin, name)
        for summary in _oldest_first(answer.data.items):
            if summary.lifecycle_state in LIVE:
                return self.learn(admin, summary.id)
        raise NotFoundError(f"there is no queue {name!r}", request_id=answer.request_id)

    def learn(self, admin: Any, identity: str) -> Address:
        """Ask for the settings of a queue by its OCID."""
        address = _address(admin.get_queue(identity).data)
        self._addresses[address.name] = address
        return address

    def all_named(self, admin: Any, name: str) -> list[Any]:
        """All queues of a name that are there or will be, the oldest first."""
        self.forget(name)
        found = _oldest_first(self._named(admin, name).data.items)
        return [summary for summary in found if summary.lifecycle_state in COMING]

    def names(self, admin: Any) -> list[str]:
        """The names of all queues, in order."""
        return sorted({each.display_name for each in self._all(admin)})

    def forget(self, name: str) -> None:
        """Ask anew when the queue is next needed."""
        self._addresses.pop(name, None)
        self._addresses.pop(dead_name(name), None)

    def messages(self, address: Address) -> Any:
        """The client of a queue's messages."""
        return self._clients.client(ServiceAt("queue", address.endpoint))

    def dead_letters(self, admin: Any, address: Address) -> Address | None:
        """Where the dead letters of a queue are; None when it has no place for them."""
        if address.max_receives is None:
            return None
        return self.using(admin, dead_name(address.name), lambda dead: dead)

    def _named(self, admin: Any, name: str) -> Any:
        # More than a thousand queues of one name are not expected.
        return admin.list_queues(
            compartment_id=self._clients.compartment(), display_name=name, limit=PAGE_SIZE
        )

    def _all(self, admin: Any) -> Iterator[Any]:
        page: dict[str, str] = {}
        while True:
            answer = admin.list_queues(
                compartment_id=self._clients.compartment(), limit=PAGE_SIZE, **page
            )
            yield from (each for each in answer.data.items if each.lifecycle_state in LIVE)
            if not answer.next_page:
                return
            page = {"page": answer.next_page}


def _oldest_first(summaries: list[Any]) -> list[Any]:
    return sorted(summaries, key=lambda each: (each.time_created, each.id))


def _address(queue: Any) -> Address:
    receives = (queue.freeform_tags or {}).get(MAX_RECEIVES_TAG, "")
    return Address(
        name=queue.display_name,
        id=queue.id,
        endpoint=queue.messages_endpoint,
        visibility=queue.visibility_in_seconds,
        retention=float(queue.retention_in_seconds),
        max_receives=int(receives) if receives.isdecimal() else None,
        own_limit=queue.dead_letter_queue_delivery_count or 0,
        read_at=time.monotonic(),
    )
