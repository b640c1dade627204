"""What queues of Cloud Tasks can do: https://cloud.google.com/tasks/docs/quotas."""

from __future__ import annotations

from cloudkit.common import NameRule, QueueCapabilities

DAY = 86400.0
MAX_TASK_BYTES = 1_000_000
"""Largest task, with its address and headers."""
RESERVE = 16 * 1024
"""Bytes of it that are kept for what is not the user's."""
SHORTEST_DEADLINE, LONGEST_DEADLINE = 15, 1800
"""Seconds that an application may be given for a task."""

QUEUE = NameRule(
    r"(?=.*[A-Za-z0-9])[A-Za-z0-9-]{1,100}",
    "1 to 100 letters, digits and hyphens, at least one of them a letter or digit",
    max_bytes=100,
)

_PUSHED = (
    "Cloud Tasks posts messages to an application, which answers for each whether it is done: "
    "see consume and application."
)

TASKS_CAPABILITIES = QueueCapabilities(
    pull=False,
    visibility=False,
    extend=False,
    nack_delay=False,
    fifo=False,
    dead_letter=False,
    list_dead_letters=False,
    redrive=False,
    stats=False,
    retention=False,
    max_message_bytes=MAX_TASK_BYTES - RESERVE,
    max_attributes=100,
    min_visibility_seconds=SHORTEST_DEADLINE,
    max_visibility_seconds=LONGEST_DEADLINE,
    send_batch=20,
    max_delay_seconds=30 * DAY,
    queue_name=QUEUE,
    reasons={
        "pull": _PUSHED,
        "visibility": _PUSHED,
        "extend": "Cloud Tasks waits for the answer as long as tasks_deadline says, and not longer.",
        "nack_delay": "The queue's own retry configuration says when a message is posted again.",
        "fifo": "Cloud Tasks keeps no order.",
        "dead_letter": "Cloud Tasks has no place for them: it posts a message for 31 days, then drops it.",
        "list_dead_letters": "Cloud Tasks has no dead letters.",
        "redrive": "Cloud Tasks has no dead letters.",
        "stats": "Cloud Tasks counts nothing for its clients. list_tasks gives what is there.",
        "retention": "Cloud Tasks keeps every message for 31 days.",
    },
)
"""Flags and limits."""
