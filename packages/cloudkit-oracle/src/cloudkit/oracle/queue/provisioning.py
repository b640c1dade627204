"""Making and removing queues, each with a place for its dead letters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cloudkit.api.queue.operations import CreateQueue
from cloudkit.api.tasks import flat_task_group
from cloudkit.common import AlreadyExistsError
from cloudkit.oracle.clients import OracleClients
from cloudkit.oracle.queue.names import dead_name
from cloudkit.oracle.queue.queues import MAX_RECEIVES_TAG, Address, Queues, is_missing
from cloudkit.oracle.works import finished

LONGEST_RETENTION = 604_800


class Provisioning:
    """Makes and removes queues. Their places for dead letters come and go with them.

    Args:
        clients: The SDK's clients.
        queues: What is known of queues.
    """

    def __init__(self, clients: OracleClients, queues: Queues) -> None:
        self._clients = clients
        self._queues = queues

    async def create(self, op: CreateQueue) -> Address:
        """Make a queue, and its place for dead letters if it has a policy.

        Raises:
            AlreadyExistsError: There is a queue of this name.
        """
        run = self._clients.run
        if await run("queue_admin", self._queues.all_named, op.queue):
            raise _taken(op.queue)
        await self._delete_named(dead_name(op.queue))  # what an attempt has left
        plans = [self._plan(op)]
        if op.dead_letter is not None:
            plans.append(self._dead_plan(op))
        made = await self._create_all(plans)
        # Names need not be unique there: of two who make one at once, the first has it.
        first = (await run("queue_admin", self._queues.all_named, op.queue))[0]
        if first.id != made[0]:
            await self._delete_all(made)
            raise _taken(op.queue)
        return await run("queue_admin", self._queues.learn, made[0])

    async def delete(self, name: str) -> None:
        """Remove a queue with its place for dead letters.

        Raises:
            NotFoundError: There is none.
        """
        address = await self._clients.run("queue_admin", self._queues.find, name)
        try:
            # First, so that a removal that fails in between can be made again by the queue's name.
            await self._delete_named(dead_name(name))
            await self._delete_all([address.id])
        finally:
            self._queues.forget(name)
            self._queues.forget(dead_name(name))

    def _plan(self, op: CreateQueue) -> dict[str, Any]:
        plan: dict[str, Any] = {
            "display_name": op.queue,
            "visibility_in_seconds": math.ceil(op.visibility),
            "dead_letter_queue_delivery_count": 0,
        }
        if op.retention is not None:
            plan["retention_in_seconds"] = math.ceil(op.retention)
        if op.dead_letter is not None:
            plan["freeform_tags"] = {MAX_RECEIVES_TAG: str(op.dead_letter.max_receives)}
        return plan

    def _dead_plan(self, op: CreateQueue) -> dict[str, Any]:
        return {
            "display_name": dead_name(op.queue),
            "visibility_in_seconds": math.ceil(op.visibility),
            "dead_letter_queue_delivery_count": 0,
            "retention_in_seconds": LONGEST_RETENTION,
        }

    async def _create_all(self, plans: Sequence[dict[str, Any]]) -> list[str]:
        """OCIDs of new queues; made side by side, for each takes the service a while."""
        made: dict[int, str] = {}

        async def create(index: int) -> None:
            work = await self._clients.run("queue_admin", self._create_one, plans[index])
            made[index] = await finished(self._clients, "queue_admin", work)

        try:
            async with flat_task_group() as tasks:
                for index in range(len(plans)):
                    tasks.start_soon(create, index)
        except Exception:
            await self._delete_all(list(made.values()))
            raise
        return [made[index] for index in range(len(plans))]

    def _create_one(self, admin: Any, plan: dict[str, Any]) -> str:
        from oci.queue.models import CreateQueueDetails  # type: ignore[import-untyped]

        details = CreateQueueDetails(compartment_id=self._clients.compartment(), **plan)
        return str(admin.create_queue(details).headers["opc-work-request-id"])

    async def _delete_named(self, name: str) -> None:
        found = await self._clients.run("queue_admin", self._queues.all_named, name)
        await self._delete_all([summary.id for summary in found])

    async def _delete_all(self, identities: Sequence[str]) -> None:
        for identity in identities:
            work = await self._clients.run("queue_admin", _delete_one, identity)
            if work is not None:
                await finished(self._clients, "queue_admin", work)


def _delete_one(admin: Any, identity: str) -> str | None:
    """The work request; None when the queue is not there."""
    try:
        return str(admin.delete_queue(identity).headers["opc-work-request-id"])
    except Exception as error:
        if is_missing(error):
            return None
        raise


def _taken(name: str) -> AlreadyExistsError:
    return AlreadyExistsError(f"there is a queue {name!r}")
