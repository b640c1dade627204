"""Transactional batches: all of it, or nothing."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from emulators.cosmos.containers import Container
from emulators.cosmos.errors import CosmosError, invalid
from emulators.cosmos.items import Conditions, Items, Outcome
from emulators.cosmos.partitions import Key

MAX_OPERATIONS = 100
_Step = Callable[[Items, Mapping[str, Any], Conditions], Outcome]


def run_batch(container: Container, key: Key, operations: Any) -> tuple[bool, list[dict[str, Any]]]:
    """Carry out a batch.

    Args:
        container: Put back as it was when an operation fails.
        key: The partition key of all of the items.
        operations: As they were sent.

    Returns:
        Whether it was done, and what came of each.

    Raises:
        CosmosError: It is no batch (400).
    """
    if not isinstance(operations, list) or not operations:
        raise invalid("Batch request has no operations.")
    if len(operations) > MAX_OPERATIONS:
        raise invalid("Batch request has more operations than what is supported.")
    kept = copy.copy(container.items), copy.copy(container.writes)
    items = Items(container, key)
    results: list[dict[str, Any]] = []
    for operation in operations:
        try:
            results.append(_result(_run(items, operation)))
        except CosmosError as error:
            container.items, container.writes = kept
            failed = {"statusCode": error.status, "requestCharge": 1.0}
            if error.substatus:
                failed["subStatusCode"] = error.substatus
            others = [_dependent() for _ in operations]
            others[len(results)] = failed
            return False, others
    return True, results


def _run(items: Items, operation: Mapping[str, Any]) -> Outcome:
    step = _STEPS.get(str(operation.get("operationType")))
    if step is None:
        raise invalid(f"Operation {operation.get('operationType')!r} is unknown.")
    conditions = Conditions(operation.get("ifMatch"), operation.get("ifNoneMatch"))
    outcome = step(items, operation, conditions)
    if outcome.status == 304:
        raise CosmosError(304, "Not modified")
    return outcome


_STEPS: dict[str, _Step] = {
    "Create": lambda items, sent, _: items.create(sent.get("resourceBody")),
    "Upsert": lambda items, sent, when: items.upsert(sent.get("resourceBody"), when),
    "Replace": lambda items, sent, when: items.replace(sent["id"], sent.get("resourceBody"), when),
    "Patch": lambda items, sent, when: items.patch(sent["id"], sent.get("resourceBody"), when),
    "Read": lambda items, sent, when: items.read(sent["id"], when),
    "Delete": lambda items, sent, when: items.delete(sent["id"], when),
}


def _result(outcome: Outcome) -> dict[str, Any]:
    result: dict[str, Any] = {"statusCode": outcome.status, "requestCharge": 1.0}
    if outcome.item is not None:
        result["eTag"] = outcome.item.body["_etag"]
        result["resourceBody"] = outcome.item.body
    return result


def _dependent() -> dict[str, Any]:
    return {"statusCode": 424, "requestCharge": 0.0}
