"""Dead letters back to their queue. Blocks."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from attrs import field, frozen
from cloudkit.oracle.queue.messages import Encoded, from_entry, without_reason
from cloudkit.oracle.queue.queues import Address
from cloudkit.oracle.queue.sending import BATCH, MAX_REQUEST, delete, hide, put, raise_first

LEASE_SECONDS = 60
WAIT_SECONDS = 1
"""A short poll may miss what is there."""


@frozen(eq=False)
class Redriving:
    """Receives, sends and removes, twenty at a time.

    What fails in between leaves a message twice, and never nowhere.

    Attributes:
        source: Client of the messages of the dead letters' place.
        dead: Where they are.
        target: Client of the messages of their queue.
        queue: Where they go.
        unwanted: Set when nobody waits for it any more: what is under way is brought to its end.
    """

    source: Any
    dead: Address
    target: Any
    queue: Address
    unwanted: threading.Event = field(factory=threading.Event)

    def run(self, limit: int | None) -> int:
        """Move.

        Args:
            limit: At most so many; None for all.

        Returns:
            How many were moved.
        """
        moved = 0
        while not self.unwanted.is_set() and (limit is None or moved < limit):
            messages = self._receive(BATCH if limit is None else min(BATCH, limit - moved))
            if not messages:
                break
            self._move(messages)
            moved += len(messages)
        return moved

    def _receive(self, count: int) -> Mapping[str, Encoded]:
        answer = self.source.get_messages(
            self.dead.id,
            limit=count,
            timeout_in_seconds=WAIT_SECONDS,
            visibility_in_seconds=LEASE_SECONDS,
        )
        return {raw.receipt: from_entry(raw) for raw in answer.data.messages or ()}

    def _move(self, messages: Mapping[str, Encoded]) -> None:
        left = dict(messages)
        try:
            for batch in _batches(messages):
                put(self.target, self.queue, [without_reason(each) for each in batch.values()])
                for receipt in batch:
                    del left[receipt]
                raise_first(delete(self.source, self.dead, list(batch)))
        except Exception:
            if left:
                hide(self.source, self.dead, dict.fromkeys(left, 0))
            raise


def _batches(messages: Mapping[str, Encoded]) -> list[Mapping[str, Encoded]]:
    """All in one batch, or one by one where a batch would be larger than Queue takes."""
    if sum(message.size for message in messages.values()) <= MAX_REQUEST:
        return [messages]
    return [{receipt: message} for receipt, message in messages.items()]
