"""Names of queues, and of the places for their dead letters."""

from __future__ import annotations

from hashlib import sha256

DEAD = "_cloudkit-dead"
MAX_LENGTH = 255


def dead_name(name: str) -> str:
    """Where the dead letters of a queue go."""
    room = MAX_LENGTH - len(DEAD)
    if len(name) > room:
        digest = sha256(name.encode()).hexdigest()[:12]
        name = f"{name[: room - 13]}-{digest}"
    return name + DEAD


def is_dead(name: str) -> bool:
    """Whether a queue is a place of dead letters."""
    return name.endswith(DEAD)
