"""Topics by name: found once, then known. Everything here blocks and runs in a worker thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import frozen
from cloudkit.aws.clients import AwsClients
from cloudkit.aws.errors import code_of
from cloudkit.aws.sqs.names import FIFO, candidates

if TYPE_CHECKING:
    from types_boto3_sns.client import SNSClient

T = TypeVar("T")

MISSING = frozenset({"NotFound", "NotFoundException"})


@frozen
class Topic:
    """Where a topic is.

    Attributes:
        arn: Its name among all resources.
    """

    arn: str

    @property
    def name(self) -> str:
        """The service's name."""
        return self.arn.rpartition(":")[2]

    @property
    def fifo(self) -> bool:
        """Whether it keeps the order inside a group."""
        return self.name.endswith(FIFO)


def is_missing(error: Exception) -> bool:
    """Whether SNS says that there is no such topic or subscription."""
    return code_of(error) in MISSING


class Topics:
    """What is known of topics.

    SNS names them by ARNs, which hold the account; STS tells which one that is, to everybody.

    Args:
        clients: boto3's clients.
    """

    def __init__(self, clients: AwsClients) -> None:
        self._clients = clients
        self._account: str | None = None
        self._topics: dict[str, Topic] = {}

    def using(self, client: SNSClient, name: str, call: Callable[[Topic], T]) -> T:
        """Make a call about a topic, again when it is known but not there any more.

        Args:
            client: The client.
            name: The user's name of the topic.
            call: Makes the call.
        """
        known = self._topics.get(name)
        if known is not None:
            try:
                return call(known)
            except Exception as error:
                if not is_missing(error):
                    raise
                self.forget(name)
        return call(self.find(client, name))

    def find(self, client: SNSClient, name: str, *, fresh: bool = False) -> Topic:
        """Where a topic is.

        Args:
            client: The client.
            name: The user's name of the topic.
            fresh: Whether to ask in any case.
        """
        known = self._topics.get(name)
        if fresh or known is None:
            self.forget(name)
            known = self._topics[name] = self._look_for(client, name)
        return known

    def exists(self, client: SNSClient, name: str) -> bool:
        """Whether there is a topic now."""
        try:
            self.find(client, name, fresh=True)
        except Exception as error:
            if is_missing(error):
                return False
            raise
        return True

    def forget(self, name: str) -> None:
        """Ask anew when the topic is next needed."""
        self._topics.pop(name, None)

    def _look_for(self, client: SNSClient, name: str) -> Topic:
        first: Exception | None = None
        for candidate in candidates(name):
            topic = Topic(self._arn(client, candidate))
            try:
                client.get_topic_attributes(TopicArn=topic.arn)
            except Exception as error:
                if not is_missing(error):
                    raise
                first = first or error
            else:
                return topic
        assert first is not None  # noqa: S101  (there is always a candidate)
        raise first

    def _arn(self, client: SNSClient, name: str) -> str:
        if self._account is None:
            self._account = str(self._clients.client("sts").get_caller_identity()["Account"])
        meta: Any = client.meta
        return f"arn:{meta.partition}:sns:{meta.region_name}:{self._account}:{name}"


def list_topic_names(client: SNSClient) -> list[str]:
    """The service's names of all topics."""
    pages: Any = client.get_paginator("list_topics").paginate()
    return [topic["TopicArn"].rpartition(":")[2] for page in pages for topic in page["Topics"]]
