"""Pushes to endpoints: in threads of their own, again and again until the endpoint takes it."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

from emulators.oracle.notifications.store import Subscription
from emulators.oracle.routing import timestamp

HTTP_PROTOCOLS = frozenset({"CUSTOM_HTTPS", "HTTPS", "PAGERDUTY", "SLACK"})
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
DEFAULT_DURATION = 7_200_000
"""Milliseconds that a message is tried."""

_opener = build_opener(ProxyHandler({}))


def push(
    subscription: Subscription,
    topic: Mapping[str, Any],
    message: str,
    headers: Mapping[str, str],
    body: bytes,
    state: str = "ACTIVE",
) -> None:
    """Post something to an endpoint, until it takes it or its time is over.

    Args:
        subscription: Whose endpoint.
        topic: Its topic.
        message: Name of the message.
        headers: Besides those that everything has.
        body: What is posted.
        state: The state of the subscription that this is for; it ends with that.
    """
    common = {
        "X-OCI-NS-SignatureVersion": "1.0",
        # Nobody can check it here: the certificate would be Oracle's.
        "X-OCI-NS-Signature": secrets.token_hex(32),
        "X-OCI-NS-TopicOcid": topic["topicId"],
        "X-OCI-NS-TopicName": topic["name"],
        "X-OCI-NS-MessageId": message,
        "X-OCI-NS-SubscriptionId": subscription.description["id"],
        "X-OCI-NS-Timestamp": timestamp(datetime.now(UTC)),
    }
    request = Request(
        subscription.description["endpoint"], body, {**common, **headers}, method="POST"
    )
    policy = (subscription.description.get("deliveryPolicy") or {}).get("backoffRetryPolicy") or {}
    end = time.monotonic() + policy.get("maxRetryDuration", DEFAULT_DURATION) / 1000

    def deliver() -> None:
        pause = FIRST_PAUSE
        while subscription.description["lifecycleState"] == state and time.monotonic() < end:
            if _taken(request):
                return
            time.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    threading.Thread(target=deliver, daemon=True).start()


def _taken(request: Request) -> bool:
    try:
        with _opener.open(request, timeout=10) as response:
            return bool(response.status < 300)
    except (URLError, OSError):
        return False
