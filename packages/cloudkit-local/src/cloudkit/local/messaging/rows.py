"""A message as it stands in the database, and who holds it."""

from __future__ import annotations

import os
import random
from typing import Final, NamedTuple

from cloudkit.common import ValidationError

READY: Final = 0
"""Can be received. Of a group of a fifo source, only the first message ever is."""
WAITING: Final = 1
"""Behind another message of its group."""
DELAYED: Final = 2
"""Hidden until ``hidden_until``: sent, or given back, with a delay."""
LEASED: Final = 3
"""Hidden until ``hidden_until``: received. ``lease`` is the lease's token, kept until the next one."""
DEAD: Final = 4
"""A dead letter; hidden until ``hidden_until`` when one has received it to look at it."""


class MessageRow(NamedTuple):
    """A message as it stands in the database."""

    sequence: int
    id: str
    body: bytes
    attributes: str | None
    grp: str | None
    dedup_id: str | None
    sent_at: float
    receive_count: int
    lease: str | None
    hidden_until: float | None
    dead_reason: str | None


class Held(NamedTuple):
    """A message that somebody claims to hold: its number, and the token of the lease."""

    sequence: int
    token: str

    @classmethod
    def parse(cls, lease: str) -> Held:
        """From the text that the caller has.

        Raises:
            ValidationError: No lease of ours looks like this.
        """
        sequence, _, token = lease.partition(".")
        if not (sequence.isascii() and sequence.isdigit() and len(sequence) < 19 and token):
            raise ValidationError("the message's lease does not come from this provider")
        return cls(int(sequence), token)


# os.urandom gives up the interpreter's lock each time, which is a quarter of what a send costs. A
# generator of our own, as the program may have seeded the common one.
_ids = random.Random()  # noqa: S311  (no secret: it only has to differ)
os.register_at_fork(after_in_child=_ids.seed)


def new_id() -> str:
    """A name for a message that no other has."""
    return f"{_ids.getrandbits(128):032x}"
