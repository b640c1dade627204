"""What queues and subscriptions share: messages, leases, the consumer."""

from cloudkit.api.messaging.consumer import ConsumeOptions, Consumer, Handler, RejectMessage
from cloudkit.api.messaging.leases import Leases
from cloudkit.api.messaging.models import (
    DeadLetterPolicy,
    Message,
    MessageBody,
    OutgoingMessage,
    SentMessage,
    Source,
)
from cloudkit.api.messaging.operations import (
    Ack,
    DeadLetter,
    Extend,
    Nack,
    Receive,
    ReceiveDeadLetters,
)

__all__ = [
    "Ack",
    "ConsumeOptions",
    "Consumer",
    "DeadLetter",
    "DeadLetterPolicy",
    "Extend",
    "Handler",
    "Leases",
    "Message",
    "MessageBody",
    "Nack",
    "OutgoingMessage",
    "Receive",
    "ReceiveDeadLetters",
    "RejectMessage",
    "SentMessage",
    "Source",
]
