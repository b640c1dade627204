"""The routes of Event Grid."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any

from emulators.event_grid.access import Access
from emulators.event_grid.errors import EventGridError, invalid, missing
from emulators.event_grid.events import events_of
from emulators.event_grid.management import Management
from emulators.event_grid.namespace import Namespace
from emulators.event_grid.pushing import PushSubscription
from emulators.event_grid.subscriptions import DELAYS, PullSubscription
from emulators.web import Request, Response, segment

VERSIONS = ("2023-11-01", "2024-06-01")
BASIC_VERSION = "2018-01-01"
BASIC_EVENTS = 5000
_TOPIC = re.compile(r"/topics/([^/:]+):publish")
_SUBSCRIPTION = re.compile(r"/topics/([^/:]+)/eventsubscriptions/([^/:]+):(\w+)", re.IGNORECASE)
_DOUBLE = re.compile(r"/_double/deadletters/([^/]+)/([^/]+)")


class EventGrid:
    """A namespace, a basic topic and the resource manager, as an application for the server.

    Args:
        access: Checks who sends a request.
        place: ``subscription/group/namespace``.
        namespace: Topics and subscriptions.
    """

    def __init__(self, access: Access, place: str, namespace: Namespace) -> None:
        self._access = access
        self._namespace = namespace
        self._management = Management(place, namespace)
        self._basic: list[Any] = []

    def __call__(self, request: Request) -> Response:
        if not request.complete:
            return Response(400)
        try:
            response = self._answer(request)
        except EventGridError as error:
            response = error.response()
        headers = {"x-ms-request-id": str(uuid.uuid4()), **response.headers}
        return Response(response.status, response.body, headers)

    def _answer(self, request: Request) -> Response:
        if request.path.startswith("/subscriptions/"):
            self._access.check_management(request)
            return self._management(request)
        if request.path == "/_double/basic":
            return Response.of_json(self._basic)
        if match := _DOUBLE.fullmatch(request.path):
            return Response.of_json(self._namespace.queue(*match.groups()).dead_letters)
        if request.method != "POST":
            raise EventGridError(405, "MethodNotAllowed", f"{request.method} is not allowed.")
        if request.path == "/api/events":
            return self._publish_basic(request)
        self._access.check_namespace(request)
        if request.param("api-version") not in VERSIONS:
            raise invalid(f"api-version is one of {', '.join(VERSIONS)}.")
        if match := _TOPIC.fullmatch(request.path):
            return self._publish(request, segment(match[1]))
        if match := _SUBSCRIPTION.fullmatch(request.path):
            return self._deliver(request, segment(match[1]), segment(match[2]), match[3])
        raise missing("The path")

    def _publish(self, request: Request, topic: str) -> Response:
        self._namespace.publish(topic, ())  # it must be there, whatever the events are like
        self._namespace.publish(topic, events_of(request))
        return Response.of_json({})

    def _publish_basic(self, request: Request) -> Response:
        self._access.check_basic(request)
        if request.param("api-version") != BASIC_VERSION:
            raise invalid(f"api-version is {BASIC_VERSION}.")
        self._basic += events_of(request, most=BASIC_EVENTS)
        return Response(200)

    def _deliver(self, request: Request, topic: str, name: str, action: str) -> Response:
        queue = self._namespace.queue(topic, name)
        if isinstance(queue, PushSubscription):
            raise invalid("The event subscription pushes its events.")
        if action == "receive":
            return _receive(request, queue)
        actions: dict[str, Callable[[], Any]] = {
            "acknowledge": lambda: queue.acknowledge,
            "reject": lambda: queue.reject,
            "renewLock": lambda: queue.renew,
            "release": lambda: queue.release(_delay(request)),
        }
        if action not in actions or (action == "renewLock" and _is_old(request)):
            raise missing(f"The operation {action}")
        return Response.of_json(queue.settle(_tokens(request), actions[action]()))


def _receive(request: Request, queue: PullSubscription) -> Response:
    most = _number(request, "maxEvents", 1, 1, 100)
    wait = _number(request, "maxWaitTime", 60, 10, 120)
    value = [
        {
            "brokerProperties": {"lockToken": item.token, "deliveryCount": item.count},
            "event": item.event,
        }
        for item in queue.receive(most, wait)
    ]
    return Response.of_json({"value": value})


def _number(request: Request, name: str, default: int, least: int, most: int) -> int:
    text = request.param(name)
    if text is None:
        return default
    if not text.isdecimal() or not least <= int(text) <= most:
        raise invalid(f"{name} is a number from {least} to {most}.")
    return int(text)


def _delay(request: Request) -> int:
    text = request.param("releaseDelayInSeconds") or "0"
    if not text.isdecimal() or int(text) not in DELAYS or (text != "0" and _is_old(request)):
        raise invalid(f"releaseDelayInSeconds is one of {sorted(DELAYS)}.")
    return int(text)


def _is_old(request: Request) -> bool:
    return request.param("api-version") == VERSIONS[0]


def _tokens(request: Request) -> list[str]:
    try:
        tokens = (request.json() or {}).get("lockTokens")
    except (ValueError, AttributeError) as error:
        raise invalid("The body is not what it should be.") from error
    if not isinstance(tokens, list) or not tokens or len(tokens) > 100:
        raise invalid("lockTokens is a list of 1 to 100 tokens.")
    return [str(token) for token in tokens]
