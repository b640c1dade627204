"""MessageQueue on Google Cloud Pub/Sub."""

from cloudkit.gcp.queue.queue import PubSubMessageQueue

__all__ = ["PubSubMessageQueue"]
