"""How to ask MessageQueue for what each of its capabilities stands for."""

from __future__ import annotations

from collections.abc import Mapping

from cloudkit.api.messaging import Source
from cloudkit.api.queue import MessageQueue
from cloudkit.testing.common.suite import ContractSuite
from cloudkit.testing.messaging.refusals import lease_refusals
from cloudkit.testing.suite import Refusal

_QUEUE = "ck-never-sent"


async def _send_attributes(queues: MessageQueue) -> None:
    await queues.send(_QUEUE, b"body", attributes={"name": "value"})


async def _send_later(queues: MessageQueue) -> None:
    await queues.send(_QUEUE, b"body", delay=1)


async def _send_in_a_group(queues: MessageQueue) -> None:
    await queues.send(_QUEUE, b"body", group="group")


async def _send_once(queues: MessageQueue) -> None:
    await queues.send(_QUEUE, b"body", dedup_id="id")


async def _receive(queues: MessageQueue) -> None:
    await queues.receive(_QUEUE)


async def _receive_for(queues: MessageQueue) -> None:
    ContractSuite.restrict(queues, pull=True)  # or that would be refused first
    await queues.receive(_QUEUE, visibility=queues.capabilities.max_visibility_seconds)


async def _create_with_retention(queues: MessageQueue) -> None:
    await queues.create_queue(_QUEUE, retention=queues.capabilities.max_retention_seconds)


async def _read_dead_letters(queues: MessageQueue) -> None:
    ContractSuite.restrict(queues, pull=True)
    await queues.dead_letters(_QUEUE, max_messages=1)


REFUSALS: Mapping[str, Refusal] = {
    **lease_refusals(Source("queue", _QUEUE)),
    "attributes": _send_attributes,
    "delay": _send_later,
    "fifo": _send_in_a_group,
    "dedup": _send_once,
    "pull": _receive,
    "visibility": _receive_for,
    "retention": _create_with_retention,
    "list_dead_letters": _read_dead_letters,
    "redrive": lambda queues: queues.redrive(_QUEUE),
    "purge": lambda queues: queues.purge(_QUEUE),
    "stats": lambda queues: queues.stats(_QUEUE),
}
"""Capability flag → a call that needs it."""
