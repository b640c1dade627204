"""Topics by name: found once, then known. Everything here blocks and runs in a worker thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from attrs import frozen
from cloudkit.common import AlreadyExistsError, NotFoundError
from cloudkit.oracle.clients import OracleClients, ServiceAt
from cloudkit.oracle.errors import status_of

T = TypeVar("T")

GONE = frozenset({"DELETING", "DELETED"})
PAGE_SIZE = 50


@frozen
class Topic:
    """Where a topic is.

    Attributes:
        name: Its name.
        id: OCID.
        endpoint: URL for its subscriptions and messages.
        active: Whether it can be used yet.
    """

    name: str
    id: str
    endpoint: str
    active: bool


class Topics:
    """What is known of topics.

    Args:
        clients: The SDK's clients.
    """

    def __init__(self, clients: OracleClients) -> None:
        self._clients = clients
        self._topics: dict[str, Topic] = {}

    def using(self, control: Any, name: str, call: Callable[[Any, Topic], T]) -> T:
        """Call ``call(client, topic)`` with the client of a topic's messages.

        It is called again when the topic is known but not there any more, for there may be another
        of its name by now.

        Args:
            control: The client that manages topics.
            name: The topic.
            call: Makes the call.

        Raises:
            NotFoundError: There is no topic of this name.
            Exception: Whatever the SDK raised.
        """
        known = self._topics.get(name)
        if known is not None:
            try:
                return call(self._data(known), known)
            except Exception as error:
                if not is_missing(error):
                    raise
        topic = self.find(control, name)
        return call(self._data(topic), topic)

    def find(self, control: Any, name: str) -> Topic:
        """Ask where a topic is.

        Raises:
            NotFoundError: There is none.
        """
        self.forget(name)
        answer = control.list_topics(self._clients.compartment(), name=name)
        for summary in answer.data:
            if summary.lifecycle_state not in GONE:
                topic = self._topics[name] = _topic(summary)
                return topic
        raise NotFoundError(f"there is no topic {name!r}", request_id=answer.request_id)

    def create(self, control: Any, name: str) -> Topic:
        """Make a topic.

        Raises:
            AlreadyExistsError: There is one of this name.
        """
        from oci.ons.models import CreateTopicDetails  # type: ignore[import-untyped]

        details = CreateTopicDetails(name=name, compartment_id=self._clients.compartment())
        try:
            return _topic(control.create_topic(details).data)
        except Exception as error:
            if status_of(error) == 409:
                raise AlreadyExistsError(
                    f"the tenancy has a topic {name!r}", code=getattr(error, "code", None)
                ) from error
            raise

    def names(self, control: Any) -> list[str]:
        """The names of all topics, in order."""
        return sorted({each.name for each in self._all(control)})

    def forget(self, name: str) -> None:
        """Ask anew when the topic is next needed."""
        self._topics.pop(name, None)

    def _data(self, topic: Topic) -> Any:
        return self._clients.client(ServiceAt("notifications", topic.endpoint))

    def _all(self, control: Any) -> Iterator[Topic]:
        page: dict[str, str] = {}
        while True:
            answer = control.list_topics(self._clients.compartment(), limit=PAGE_SIZE, **page)
            yield from (_topic(each) for each in answer.data if each.lifecycle_state not in GONE)
            if not answer.next_page:
                return
            page = {"page": answer.next_page}


def is_missing(error: Exception) -> bool:
    """Whether Notifications says that there is no such topic or subscription."""
    return not isinstance(error, NotFoundError) and status_of(error) == 404


def _topic(found: Any) -> Topic:
    active = found.lifecycle_state == "ACTIVE"
    return Topic(found.name, found.topic_id, found.api_endpoint, active)
