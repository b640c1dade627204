"""PubSub on Event Grid: topics of a namespace, or a basic topic to publish to."""

from cloudkit.azure.event_grid.pubsub import EventGridPubSub

__all__ = ["EventGridPubSub"]
