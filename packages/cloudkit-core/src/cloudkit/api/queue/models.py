"""What MessageQueue gives besides messages."""

from __future__ import annotations

from attrs import frozen
from cloudkit.api.messaging import DeadLetterPolicy


@frozen(kw_only=True)
class QueueInfo:
    """A queue.

    Attributes:
        name: Its name.
        fifo: Whether it keeps the order inside a group.
        visibility: Length of a lease in seconds, where nothing else is asked for.
        retention: Seconds that a message is kept, where the service tells.
        dead_letter: When messages are set aside; None for never.
    """

    name: str
    fifo: bool = False
    visibility: float = 30.0
    retention: float | None = None
    dead_letter: DeadLetterPolicy | None = None


@frozen(kw_only=True)
class QueueStats:
    """How many messages a queue holds. None where the service does not tell.

    Attributes:
        available: Visible now.
        leased: Received and not settled yet.
        delayed: Not visible yet.
        dead: Dead letters.
        exact: Whether the numbers are exact; many services estimate them.
    """

    available: int | None = None
    leased: int | None = None
    delayed: int | None = None
    dead: int | None = None
    exact: bool = False
