"""A subscription with push delivery: its endpoint is asked for its consent, then events are posted to it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from emulators.event_grid.errors import invalid
from emulators.event_grid.events import Event
from emulators.event_grid.filters import admits, check_filters
from emulators.event_grid.subscriptions import MAX_DELIVERIES

ORIGIN = "eventgrid.azure.net"
ANSWER_SECONDS = 30.0
RETRY_SECONDS = (10.0, 30.0, 60.0, 300.0, 600.0, 1800.0, 3600.0)
"""Seconds until an event is posted again, by how often it was."""

_opener = build_opener(ProxyHandler({}))


@dataclass(eq=False)
class _Pushed:
    event: Event
    due: float
    attempts: int = 0


class PushSubscription:
    """What a subscription does; its events are posted by a thread of its own.

    Args:
        properties: As the resource manager got them.
        hurry: What the seconds between attempts are divided by; the service's own take too long for
            tests.

    Raises:
        EventGridError: 400: they are wrong.
    """

    def __init__(self, properties: Any, hurry: float) -> None:
        push = properties["deliveryConfiguration"].get("push") or {}
        destination = push.get("destination") or {}
        self.url = str((destination.get("properties") or {}).get("endpointUrl") or "")
        if destination.get("endpointType") != "WebHook" or not self.url:
            raise invalid("The double of Event Grid pushes to web hooks only.")
        # The service takes https only; here, this machine is trusted as well.
        if not self.url.startswith(("https://", "http://127.0.0.1:")):
            raise invalid("The endpoint must use https.")
        self._most = push.get("maxDeliveryCount", MAX_DELIVERIES)
        if not isinstance(self._most, int) or not 1 <= self._most <= MAX_DELIVERIES:
            raise invalid(f"maxDeliveryCount is from 1 to {MAX_DELIVERIES}.")
        check_filters(properties.get("filtersConfiguration"))
        self._filters = properties.get("filtersConfiguration")
        self._container = push.get("deadLetterDestinationWithResourceIdentity")
        self.properties = self._described(push)
        self.dead_letters: list[Any] = []
        self.state = "Creating"
        self._hurry = hurry
        self._changed = threading.Condition()
        self._waiting: list[_Pushed] = []
        self._gone = False
        threading.Thread(target=self._work, daemon=True).start()

    def _described(self, push: Any) -> dict[str, Any]:
        # The query of the URL may be a secret, and is not shown.
        shown = {"endpointBaseUrl": self.url.partition("?")[0]}
        destination = {"endpointType": "WebHook", "properties": shown}
        return {
            "deliveryConfiguration": {
                "deliveryMode": "Push",
                "push": {**push, "maxDeliveryCount": self._most, "destination": destination},
            },
            "eventDeliverySchema": "CloudEventSchemaV1_0",
            **({"filtersConfiguration": self._filters} if self._filters else {}),
        }

    def configure(self, properties: Any, shortest_lock: int) -> None:
        """The double cannot change what it pushes to."""
        raise invalid("The delivery mode of a subscription cannot be changed.")

    def offer(self, events: Sequence[Event]) -> None:
        """Take those events that the filters let through."""
        now = time.monotonic()
        with self._changed:
            self._waiting += [
                _Pushed(event, now) for event in events if admits(self._filters, event)
            ]
            self._changed.notify_all()

    def close(self) -> None:
        """The subscription is deleted."""
        with self._changed:
            self._gone = True
            self._changed.notify_all()

    def _work(self) -> None:
        self.state = "Succeeded" if self._consents() else "CreateFailed"
        while self.state == "Succeeded" and (pushed := self._next()) is not None:
            pushed.attempts += 1
            body = json.dumps(pushed.event).encode()
            headers = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
            status, _ = self._send(Request(self.url, body, headers, method="POST"))
            if status in {200, 201, 202, 203, 204}:
                continue
            if pushed.attempts < self._most:
                pause = RETRY_SECONDS[min(pushed.attempts, len(RETRY_SECONDS)) - 1] / self._hurry
                pushed.due = time.monotonic() + pause
                with self._changed:
                    self._waiting.append(pushed)
            elif self._container is not None:
                self.dead_letters.append({"event": pushed.event})

    def _next(self) -> _Pushed | None:
        with self._changed:
            while not self._gone:
                now = time.monotonic()
                first = min(self._waiting, key=lambda pushed: pushed.due, default=None)
                if first is not None and first.due <= now:
                    self._waiting.remove(first)
                    return first
                self._changed.wait(None if first is None else first.due - now)
            return None

    def _consents(self) -> bool:
        headers = {"WebHook-Request-Origin": ORIGIN}
        status, allowed = self._send(Request(self.url, headers=headers, method="OPTIONS"))
        return status == 200 and allowed in {ORIGIN, "*"}

    @staticmethod
    def _send(request: Request) -> tuple[int, str | None]:
        try:
            with _opener.open(request, timeout=ANSWER_SECONDS) as response:
                return response.status, response.headers.get("WebHook-Allowed-Origin")
        except HTTPError as error:
            return error.code, None
        except OSError:
            return 0, None
