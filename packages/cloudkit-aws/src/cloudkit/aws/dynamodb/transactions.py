"""Transactions: one request for all writes, with a token by which the service knows it again."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from attrs import frozen
from cloudkit.api.kv.operations import Transact
from cloudkit.aws.clients import AwsClients
from cloudkit.aws.dynamodb.answers import (
    CANCELED,
    CONDITION_FAILED,
    code_of,
    reasons_in,
    says_too_large,
)
from cloudkit.aws.dynamodb.carrier import Carrier
from cloudkit.aws.dynamodb.items import item_size
from cloudkit.aws.dynamodb.writes import Request, Writer
from cloudkit.aws.errors import from_answer, translate
from cloudkit.common import (
    CloudError,
    ConflictError,
    NetworkError,
    OperationTimeoutError,
    PayloadTooLargeError,
    RateLimitedError,
    ServiceUnavailableError,
)
from cloudkit.core.writes import ATTEMPTS, contended, pause, with_facts, write_failure
from cloudkit.spi import OperationRunner

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

_UNSURE = (NetworkError, OperationTimeoutError, ServiceUnavailableError)
MAX_BYTES = 4 * 1024 * 1024
"""Bytes of all items of a transaction:
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TransactWriteItems.html."""
_IN_PROGRESS = "TransactionInProgressException"


@frozen
class Transaction:
    """Carries a transaction out.

    Attributes:
        clients: boto3's.
        runner: Knows the retry policy.
        op: What is to be done.
        writers: Of its writes, in order.
    """

    clients: AwsClients
    runner: OperationRunner
    op: Transact
    writers: Sequence[Writer]

    async def carry_out(self) -> list[str | None]:
        """Do it; returns the new versions.

        Raises:
            CloudError: An item does not allow its write, or others were in the way; nothing was
                changed.
        """
        requests = [await self._first(index) for index in range(len(self.writers))]
        _check_size(requests)
        for attempt in range(ATTEMPTS):
            await pause(attempt)
            try:
                await self._send(requests)
            except Exception as error:
                if code_of(error) != CANCELED:
                    raise
                refused = error
            else:
                return [request.version for request in requests]
            await self._revise(requests, refused)
        raise contended()

    async def _first(self, index: int) -> Request:
        writer = self.writers[index]
        try:
            request = writer.first()
            if request is None:
                image = await Carrier(self.clients).read(writer.schema, writer.key)
                request = writer.under(image)
        except CloudError as error:
            raise write_failure(self.op, index, error) from error
        return request

    async def _send(self, requests: Sequence[Request]) -> None:
        token = str(uuid.uuid4())
        attempt = 0
        while True:
            attempt += 1
            try:
                return await self.clients.run("dynamodb", _send, requests, token)
            except Exception as error:
                # The service carries out what it knows by its token only once, so an answer that
                # was lost can be asked for again.
                again = self._repeatable(error)
                if again is None or not await self.runner.wait_to_retry(again, attempt, self.op):
                    raise

    def _repeatable(self, error: Exception) -> CloudError | None:
        failure = self.runner.translate(error, self.op)
        if isinstance(failure, _UNSURE) or code_of(error) == _IN_PROGRESS:
            return ConflictError(str(failure), retryable=True, unprocessed=True)
        return None

    async def _revise(self, requests: list[Request], refused: Exception) -> None:
        """Put other requests in the place of those whose conditions failed without a reason."""
        failed = [
            (index, reason)
            for index, reason in enumerate(reasons_in(refused))
            if reason.get("Code", "None") != "None"
        ]
        if not failed:
            raise refused
        for index, reason in failed:
            if reason["Code"] in CONDITION_FAILED:
                carrier, writer = Carrier(self.clients), self.writers[index]
                image = await carrier.image_in(writer, reason.get("Item") or None)
                try:
                    requests[index] = writer.under(image)
                except CloudError as error:
                    failure = write_failure(self.op, index, error)
                    raise with_facts(failure, translate(refused)) from refused
        for index, reason in failed:
            if reason["Code"] not in CONDITION_FAILED:
                failure = write_failure(self.op, index, _failure(reason))
                raise with_facts(failure, translate(refused)) from refused


def _check_size(requests: Sequence[Request]) -> None:
    size = sum(item_size(request.arguments.get("Item", {})) for request in requests)
    if size > MAX_BYTES:
        raise PayloadTooLargeError(
            f"the items of the transaction have {size:,} bytes as DynamoDB counts them; it takes "
            f"{MAX_BYTES:,}"
        )


def _failure(reason: Mapping[str, Any]) -> CloudError:
    code, message = reason["Code"], str(reason.get("Message") or "")
    if code in {"TransactionConflict", "DuplicateItem"}:
        return ConflictError("another writer was in the way", retryable=True, unprocessed=True)
    if code in {"ThrottlingError", "ProvisionedThroughputExceeded"}:
        return RateLimitedError(message or "the table is busy")
    if says_too_large(message):
        return PayloadTooLargeError("the item would become larger than 400 KB")
    return from_answer(None, code, message)


def _send(client: DynamoDBClient, requests: Sequence[Request], token: str) -> None:
    writes: Any = [{request.kind: request.arguments} for request in requests]
    client.transact_write_items(TransactItems=writes, ClientRequestToken=token)
