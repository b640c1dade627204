"""Queues by name: found once, then known. Everything here blocks and runs in a worker thread."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import frozen
from cloudkit.api.messaging import DeadLetterPolicy
from cloudkit.aws.errors import code_of
from cloudkit.aws.sqs.names import FIFO, candidates

if TYPE_CHECKING:
    from types_boto3_sqs.client import SQSClient

T = TypeVar("T")

MISSING = frozenset(
    {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "NonExistentQueue"}
)
SETTINGS_SECONDS = 60.0
"""How long settings of a queue are believed; SQS itself takes as long to spread a change."""


@frozen
class Address:
    """Where a queue is.

    Attributes:
        name: The service's name.
        url: What requests name it by.
    """

    name: str
    url: str

    @property
    def fifo(self) -> bool:
        """Whether it keeps the order inside a group."""
        return self.name.endswith(FIFO)


@frozen(kw_only=True)
class Settings:
    """What is set for a queue.

    Attributes:
        arn: Its name among all resources.
        visibility: Length of a lease in seconds.
        retention: Seconds that a message is kept.
        dead_arn: Where its dead letters go.
        dead_letter: When.
        read_at: When this was asked for, by the monotonic clock.
    """

    arn: str
    visibility: int
    retention: float
    dead_arn: str | None
    dead_letter: DeadLetterPolicy | None
    read_at: float


def is_missing(error: Exception) -> bool:
    """Whether SQS says that there is no such queue."""
    return code_of(error) in MISSING


class Queues:
    """What is known of queues."""

    def __init__(self) -> None:
        self._addresses: dict[str, Address] = {}
        self._settings: dict[str, Settings] = {}

    def using(self, client: SQSClient, name: str, call: Callable[[Address], T]) -> T:
        """Make a call about a queue.

        Args:
            client: The client.
            name: The user's name of the queue.
            call: Makes the call; again when the queue is known but not there any more, for there
                may be another of its name by now.

        Raises:
            Exception: Whatever boto3 raised; ``is_missing`` when there is no such queue.
        """
        known = self._addresses.get(name)
        if known is not None:
            try:
                return call(known)
            except Exception as error:
                if not is_missing(error):
                    raise
                self.forget(name)
        return call(self.find(client, name))

    def find(self, client: SQSClient, name: str) -> Address:
        """Where a queue is; asks when that is not known."""
        known = self._addresses.get(name)
        if known is None:
            known = self._addresses[name] = self._look_for(client, name)
        return known

    def exists(self, client: SQSClient, name: str) -> bool:
        """Whether there is a queue now."""
        self.forget(name)
        try:
            self.find(client, name)
        except Exception as error:
            if is_missing(error):
                return False
            raise
        return True

    def forget(self, name: str) -> None:
        """Ask anew when the queue is next needed."""
        known = self._addresses.pop(name, None)
        settings = None if known is None else self._settings.pop(known.url, None)
        if settings is not None and settings.dead_arn is not None:
            self._addresses.pop(settings.dead_arn, None)

    def settings(self, client: SQSClient, address: Address, *, fresh: bool = False) -> Settings:
        """What is set for a queue.

        Args:
            client: The client.
            address: The queue.
            fresh: Whether to ask in any case.
        """
        known = self._settings.get(address.url)
        if fresh or known is None or time.monotonic() - known.read_at > SETTINGS_SECONDS:
            known = self._settings[address.url] = _read_settings(client, address.url)
        return known

    def dead_letters(self, client: SQSClient, address: Address) -> Address | None:
        """Where the dead letters of a queue are; None when it has no place for them."""
        arn = self.settings(client, address).dead_arn
        if arn is None:
            return None
        known = self._addresses.get(arn)
        if known is None:
            account, name = arn.split(":")[-2:]
            answer = client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)
            known = self._addresses[arn] = Address(name, answer["QueueUrl"])
        return known

    def _look_for(self, client: SQSClient, name: str) -> Address:
        first: Exception | None = None
        for candidate in candidates(name):
            try:
                answer = client.get_queue_url(QueueName=candidate)
            except Exception as error:
                if not is_missing(error):
                    raise
                first = first or error
            else:
                return Address(candidate, answer["QueueUrl"])
        assert first is not None  # noqa: S101  (there is always a candidate)
        raise first


def list_queue_names(client: SQSClient, prefix: str) -> list[str]:
    """The service's names of all queues that begin with a prefix."""
    names: list[str] = []
    options: dict[str, Any] = {"QueueNamePrefix": prefix} if prefix else {}
    token: str | None = None
    while True:
        more: dict[str, Any] = {} if token is None else {"NextToken": token}
        answer = client.list_queues(MaxResults=1000, **options, **more)
        names += [url.rpartition("/")[2] for url in answer.get("QueueUrls", [])]
        token = answer.get("NextToken")
        if not token:
            return names


def _read_settings(client: SQSClient, url: str) -> Settings:
    asked = time.monotonic()
    # Named one by one, SQS refuses some of them for some queues; all are always fine.
    answer: Any = client.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])
    found: dict[str, str] = answer["Attributes"]
    redrive = json.loads(found.get("RedrivePolicy") or "{}")
    dead_arn: str | None = redrive.get("deadLetterTargetArn")
    receives = int(redrive.get("maxReceiveCount") or 0)
    return Settings(
        arn=found["QueueArn"],
        visibility=int(found.get("VisibilityTimeout", 30)),
        retention=float(found.get("MessageRetentionPeriod", 345600)),
        dead_arn=dead_arn,
        dead_letter=DeadLetterPolicy(max_receives=receives) if dead_arn and receives else None,
        read_at=asked,
    )
