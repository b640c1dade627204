"""PubSub and MessageQueue on Streaming."""

from cloudkit.oracle.streaming.pubsub import StreamingPubSub
from cloudkit.oracle.streaming.queue import StreamingMessageQueue

__all__ = ["StreamingMessageQueue", "StreamingPubSub"]
