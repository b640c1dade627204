"""MessageQueue on SQS, and what SNS's subscriptions share with it."""

from cloudkit.aws.sqs.queue import SqsMessageQueue

__all__ = ["SqsMessageQueue"]
