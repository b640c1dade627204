"""PubSub on SNS, with a queue of SQS for each subscription."""

from cloudkit.aws.sns.pubsub import SnsPubSub

__all__ = ["SnsPubSub"]
