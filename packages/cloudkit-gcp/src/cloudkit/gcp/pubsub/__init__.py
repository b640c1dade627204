"""PubSub on Google Cloud Pub/Sub."""

from cloudkit.gcp.pubsub.pubsub import GcpPubSub

__all__ = ["GcpPubSub"]
