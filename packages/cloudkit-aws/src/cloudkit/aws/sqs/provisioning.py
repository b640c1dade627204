"""Making and removing queues, each with a place for its dead letters. Blocks."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

from attrs import frozen
from cloudkit.api.messaging import DeadLetterPolicy
from cloudkit.aws.errors import code_of
from cloudkit.aws.sqs.names import dead_name, service_name
from cloudkit.aws.sqs.queues import Address, Queues, is_missing
from cloudkit.common import AlreadyExistsError

if TYPE_CHECKING:
    from types_boto3_sqs.client import SQSClient

LONGEST_RETENTION = 14 * 86400
EXISTS = frozenset({"QueueNameExists", "QueueAlreadyExists"})


@frozen(kw_only=True)
class Plan:
    """A queue to be made.

    Attributes:
        name: The user's name.
        fifo: Whether it keeps the order inside a group.
        visibility: Length of a lease in seconds; rounded up to whole ones.
        retention: Seconds that a message is kept; the service's default when None.
        dead_letter: When messages are set aside.
        sender: ARN of the topic that may send to the queue and to its place for dead letters.
    """

    name: str
    fifo: bool = False
    visibility: float = 30.0
    retention: float | None = None
    dead_letter: DeadLetterPolicy | None = None
    sender: str | None = None


def create(client: SQSClient, queues: Queues, plan: Plan) -> Address:
    """Make a queue, and its place for dead letters if it has a policy.

    Args:
        client: The client.
        queues: What is known of queues.
        plan: The queue.

    Returns:
        Where it is.

    Raises:
        AlreadyExistsError: There is a queue of this name.
    """
    name = service_name(plan.name, plan.fifo)
    attributes = _attributes(plan)
    dead: Address | None = None
    if plan.dead_letter is not None:
        dead = _create_one(client, dead_name(name), _dead_attributes(plan))
        arn = _arn(client, dead)
        attributes["RedrivePolicy"] = _json(
            {"deadLetterTargetArn": arn, "maxReceiveCount": plan.dead_letter.max_receives}
        )
        _allow(client, dead, arn, plan.sender)
    try:
        address = _create_one(client, name, attributes)
    except AlreadyExistsError:
        raise  # somebody else has made it meanwhile, so the place for dead letters is theirs
    except Exception:
        if dead is not None:
            _delete_one(client, dead.url)
        raise
    queues.forget(plan.name)
    _allow(client, address, None, plan.sender)
    return address


def delete(client: SQSClient, queues: Queues, name: str) -> None:
    """Remove a queue with its place for dead letters, if that is its own.

    Args:
        client: The client.
        queues: What is known of queues.
        name: The user's name.
    """

    def delete_both(address: Address) -> None:
        settings = queues.settings(client, address, fresh=True)
        dead = queues.dead_letters(client, address) if _owns(address, settings.dead_arn) else None
        if dead is not None:
            # First, so that a removal that fails in between can be made again by the queue's name.
            _delete_one(client, dead.url)
        client.delete_queue(QueueUrl=address.url)

    try:
        queues.using(client, name, delete_both)
    finally:
        queues.forget(name)


def _owns(address: Address, dead_arn: str | None) -> bool:
    return dead_arn is not None and dead_arn.rpartition(":")[2] == dead_name(address.name)


def _create_one(client: SQSClient, name: str, attributes: Mapping[str, str]) -> Address:
    given: dict[str, str] = dict(attributes)
    try:
        answer = client.create_queue(QueueName=name, Attributes=given)  # type: ignore[arg-type]
    except Exception as error:
        if code_of(error) in EXISTS:
            raise AlreadyExistsError(
                f"there is a queue {name!r} with other settings", code=code_of(error)
            ) from error
        raise
    return Address(name, answer["QueueUrl"])


def _delete_one(client: SQSClient, url: str) -> None:
    try:
        client.delete_queue(QueueUrl=url)
    except Exception as error:
        if not is_missing(error):
            raise


def _attributes(plan: Plan) -> dict[str, str]:
    attributes = {"VisibilityTimeout": str(math.ceil(plan.visibility))}
    if plan.retention is not None:
        attributes["MessageRetentionPeriod"] = str(math.ceil(plan.retention))
    return {**attributes, **_fifo(plan)}


def _dead_attributes(plan: Plan) -> dict[str, str]:
    # The age of a message counts from when it was sent, so its last place keeps it longest.
    return {
        "VisibilityTimeout": str(math.ceil(plan.visibility)),
        "MessageRetentionPeriod": str(LONGEST_RETENTION),
        **_fifo(plan),
    }


def _fifo(plan: Plan) -> dict[str, str]:
    return {"FifoQueue": "true"} if plan.fifo else {}


def _allow(client: SQSClient, address: Address, arn: str | None, sender: str | None) -> None:
    """Let a topic send to a queue, and no other."""
    if sender is None:
        return
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn or _arn(client, address),
        "Condition": {"ArnEquals": {"aws:SourceArn": sender}},
    }
    policy = _json({"Version": "2012-10-17", "Statement": [statement]})
    client.set_queue_attributes(QueueUrl=address.url, Attributes={"Policy": policy})


def _arn(client: SQSClient, address: Address) -> str:
    answer = client.get_queue_attributes(QueueUrl=address.url, AttributeNames=["QueueArn"])
    return answer["Attributes"]["QueueArn"]


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
