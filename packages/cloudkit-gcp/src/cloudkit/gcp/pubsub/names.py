"""Names of topics and subscriptions: the user's, the service's, and those of places that belong to others.

Subscriptions of Pub/Sub have names in their project, not in their topic, and queues are topics and
subscriptions too. So what is made here is told apart by tildes, which names of users have not::

    news                 the topic "news"
    news~mail            its subscription "mail"
    news~mail~dead       topic and subscription of the dead letters of that
    work~~queue          topic and subscription of the queue "work"
    work~~queue~dead     the same of its dead letters
    work~~queue~delayed  the same of its messages that come later
"""

from __future__ import annotations

SEPARATOR = "~"
QUEUE = "~~queue"
DEAD = "~dead"
DELAYED = "~delayed"
MAX_LENGTH = 255
"""Longest id that the service takes (https://cloud.google.com/pubsub/docs/pubsub-basics)."""
MAX_SUBSCRIPTION_LENGTH = MAX_LENGTH - len(SEPARATOR) - len(DEAD)
"""Characters of a topic and a subscription together."""
MAX_QUEUE_LENGTH = MAX_LENGTH - len(QUEUE) - len(DELAYED)


def subscription_id(topic: str, subscription: str) -> str:
    """The service's name of a subscription.

    Args:
        topic: The user's name of the topic.
        subscription: That of the subscription.
    """
    return f"{topic}{SEPARATOR}{subscription}"


def queue_id(queue: str) -> str:
    """The service's name of a queue's topic and subscription."""
    return queue + QUEUE


def dead_id(subscription: str) -> str:
    """Topic and subscription of the dead letters of a subscription.

    Args:
        subscription: The service's name of it.
    """
    return subscription + DEAD


def delayed_id(queue: str) -> str:
    """Topic and subscription of the messages of a queue that come later.

    Args:
        queue: The service's name of its subscription.
    """
    return queue + DELAYED


def read_subscription(name: str) -> tuple[str, str] | None:
    """Topic and subscription that a service's name stands for; None when it is another's."""
    parts = name.split(SEPARATOR)
    return (parts[0], parts[1]) if len(parts) == 2 and all(parts) else None


def read_queue(name: str) -> str | None:
    """The queue that a service's name stands for; None when it is of something else."""
    stem = name.removesuffix(QUEUE)
    return stem if stem != name and stem and SEPARATOR not in stem else None


def is_topic(name: str) -> bool:
    """Whether a service's name is that of a user's topic."""
    return SEPARATOR not in name


def last_part(resource: str) -> str:
    """The id in ``projects/p/topics/t``."""
    return resource.rpartition("/")[2]
