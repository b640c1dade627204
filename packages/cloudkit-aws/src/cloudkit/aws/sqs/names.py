"""Names of queues: the user's, the service's, and those of the places that belong to others."""

from __future__ import annotations

import re
from hashlib import sha256

FIFO = ".fifo"
DEAD = "_cloudkit-dead"
MAX_LENGTH = 80
MAX_SUBSCRIPTION_LENGTH = 66
"""Characters of a topic and a subscription together."""

_SUBSCRIPTION = re.compile(r"cksub(\d{1,2})_(.+)")


def service_name(name: str, fifo: bool) -> str:
    """The service's name of a queue or topic: one that keeps order has a suffix there."""
    return name + FIFO if fifo and not name.endswith(FIFO) else name


def plain_name(name: str) -> str:
    """A name without the service's suffix."""
    return name.removesuffix(FIFO)


def candidates(name: str) -> tuple[str, ...]:
    """The service's names that a user's name may stand for."""
    return (name,) if name.endswith(FIFO) else (name, name + FIFO)


def dead_name(name: str) -> str:
    """Where the dead letters of a queue go.

    Args:
        name: The service's name of the queue.
    """
    fifo = FIFO if name.endswith(FIFO) else ""
    stem = plain_name(name)
    room = MAX_LENGTH - len(DEAD) - len(FIFO)
    if len(stem) > room:
        digest = sha256(stem.encode()).hexdigest()[:12]
        stem = f"{stem[: room - 13]}-{digest}"
    return stem + DEAD + fifo


def subscription_queue(topic: str, subscription: str) -> str:
    """The queue of a subscription, as a user would name it; the topic and subscription can be read from it.

    Args:
        topic: The topic, without the service's suffix.
        subscription: The subscription.
    """
    return f"cksub{len(topic)}_{topic}_{subscription}"


def subscription_prefix(topic: str) -> str:
    """What the names of the queues of a topic's subscriptions begin with."""
    return subscription_queue(topic, "")


def read_subscription(name: str) -> tuple[str, str] | None:
    """Topic and subscription that a queue belongs to; None when it belongs to none.

    Args:
        name: The service's name of the queue.
    """
    match = _SUBSCRIPTION.fullmatch(plain_name(name))
    if match is None or is_dead(name):
        return None
    length, rest = int(match[1]), match[2]
    if rest[length : length + 1] != "_" or len(rest) <= length + 1:
        return None
    return rest[:length], rest[length + 1 :]


def is_dead(name: str) -> bool:
    """Whether a queue is a place of dead letters."""
    return plain_name(name).endswith(DEAD)


def is_hidden(name: str) -> bool:
    """Whether a queue belongs to another queue or to a subscription."""
    return is_dead(name) or read_subscription(name) is not None


def shown_names(names: list[str]) -> dict[str, str]:
    """For the service's names of all queues or topics: the user's name → the service's, in order.

    The suffix is left out, unless there is another without it.
    """
    plain = set(names)
    shown = {(name if plain_name(name) in plain else plain_name(name)): name for name in plain}
    return dict(sorted(shown.items()))
