"""MessageQueue on Pub/Sub, as Google's emulator has it."""

from __future__ import annotations

from cloudkit.testing.queue import MessageQueueSuite
from emulators import pubsub
from gcp.messaging import PubSubClouds


class TestPubSubQueue(PubSubClouds, MessageQueueSuite):
    known_defects = pubsub.QUEUE_DEFECTS
