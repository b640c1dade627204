"""PubSub on Pub/Sub, as Google's emulator has it."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from cloudkit.testing.pubsub import PubSubSuite, PushRequest
from emulators import pubsub
from gcp.messaging import PubSubClouds


class TestPubSub(PubSubClouds, PubSubSuite):
    known_defects = pubsub.PUBSUB_DEFECTS

    def decode_push(self, request: PushRequest) -> tuple[bytes, Mapping[str, str]] | None:
        """As Pub/Sub's documentation describes what it posts."""
        message = json.loads(request.body)["message"]
        attributes = {
            name: value
            for name, value in message.get("attributes", {}).items()
            if not name.startswith("cloudkit.")
        }
        return base64.b64decode(message.get("data", "")), attributes
