"""Transactions: one transactional batch for all writes, inside one partition.

What stands at the keys is read and judged first; the batch asks that it is still the same. Conditions
of the service are ETags of what is written, so a check of an item writes a note into it (which leaves
its version, see ``items.seen``), and a check that there is none creates it and deletes it again.

Source: https://learn.microsoft.com/azure/cosmos-db/nosql/transactional-batch
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import anyio
from attrs import frozen
from cloudkit.api.kv import Put, TransactWrite
from cloudkit.api.kv.operations import Transact
from cloudkit.azure.clients import AzureClients
from cloudkit.azure.cosmos.carrier import Carrier
from cloudkit.azure.cosmos.client import CosmosAccount
from cloudkit.azure.cosmos.items import MAX_ITEM_BYTES, Image, json_size
from cloudkit.azure.cosmos.requests import Request
from cloudkit.azure.cosmos.writes import Writer
from cloudkit.azure.errors import from_answer, translate
from cloudkit.common import CloudError, PayloadTooLargeError
from cloudkit.core.writes import ATTEMPTS, contended, pause, with_facts, write_failure

_CONTESTED = frozenset({404, 409, 412})


@frozen
class Transaction:
    """Carries a transaction out.

    Attributes:
        clients: Makes the calls.
        op: What is to be done.
        writers: Of its writes, in order; all of one partition.
    """

    clients: AzureClients
    op: Transact
    writers: Sequence[Writer]

    async def carry_out(self) -> list[str | None]:
        """Do it; returns the new versions.

        Raises:
            CloudError: An item does not allow its write, or others were in the way; nothing was
                changed.
        """
        refused: Exception | None = None
        for attempt in range(ATTEMPTS):
            await pause(attempt)
            requests = await self._requests(refused)
            steps = [
                (index, step) for index, r in enumerate(requests) for step in self._steps(index, r)
            ]
            self._check_size(steps)
            try:
                answers = await self.clients.run("cosmos", _send, self.op, [s for _, s in steps])
            except Exception as error:
                failure = self._failure(error, [index for index, _ in steps])
                if failure is not None:
                    raise failure from error
                refused = error
            else:
                return self._versions(requests, [index for index, _ in steps], answers)
        raise contended()

    async def _requests(self, refused: Exception | None) -> list[Request]:
        """The requests of the writes, by what stands at their keys now."""
        found: dict[int, Image] = {}
        failures: dict[int, Exception] = {}

        async def look(index: int) -> None:
            writer = self.writers[index]
            try:
                found[index] = await Carrier(self.clients).read(writer.schema, writer.write.key)
            except Exception as error:  # noqa: BLE001  # raised below
                failures[index] = error

        async with anyio.create_task_group() as tasks:
            for index, writer in enumerate(self.writers):
                if not _is_plain(writer.write):
                    tasks.start_soon(look, index)
        for error in failures.values():
            raise error
        return [
            self._request(index, found.get(index), refused) for index in range(len(self.writers))
        ]

    def _request(self, index: int, image: Image | None, refused: Exception | None) -> Request:
        writer = self.writers[index]
        try:
            return writer.anew() if image is None else writer.under(image)
        except CloudError as error:
            known = None if refused is None else translate(refused)
            raise with_facts(write_failure(self.op, index, error), known) from error

    def _steps(self, index: int, request: Request) -> list[tuple[Any, ...]]:
        if request.kind != "nothing":
            return [request.step()]
        writer = self.writers[index]
        body = dict(writer.schema.fields(writer.write.key))
        return [("create", (body,)), ("delete", (request.id,))]  # fails when there is one now

    def _check_size(self, steps: Sequence[Any]) -> None:
        size = json_size([step for _, step in steps])
        if size > MAX_ITEM_BYTES:
            raise PayloadTooLargeError(
                f"the transaction has {size:,} bytes as JSON; the limit is {MAX_ITEM_BYTES:,}"
            )

    def _failure(self, error: Exception, places: Sequence[int]) -> Exception | None:
        """Why the batch failed; None when it is to be made anew."""
        answers = getattr(error, "operation_responses", None)
        if answers is None:
            return error
        position = int(getattr(error, "error_index", 0))
        status = int(answers[position]["statusCode"])
        if status in _CONTESTED:
            return None
        waits = answers[position].get("retryAfterMilliseconds")
        failure = from_answer(
            status,
            None,
            None,
            retry_after=None if waits is None else waits / 1000,
            substatus=answers[position].get("subStatusCode"),
        )
        failure = write_failure(self.op, places[position], failure)
        return with_facts(failure, translate(error))

    def _versions(
        self,
        requests: Sequence[Request],
        places: Sequence[int],
        answers: Sequence[Mapping[str, Any]],
    ) -> list[str | None]:
        versions: list[str | None] = [None] * len(self.writers)
        for index, answer in zip(places, answers, strict=True):
            if "eTag" in answer and requests[index].body is not None:
                versions[index] = self.writers[index].version_in(requests[index], answer["eTag"])
        return versions


def _is_plain(write: TransactWrite) -> bool:
    return isinstance(write, Put) and not write.conditional


def _send(account: CosmosAccount, op: Transact, steps: Sequence[Any]) -> list[dict[str, Any]]:
    table, key = op.place(op.writes[0])
    return account.batch(table, steps, key.partition)
