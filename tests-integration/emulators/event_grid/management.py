"""The resource manager: topics and subscriptions of a namespace as resources."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from emulators.event_grid.errors import EventGridError, invalid
from emulators.event_grid.namespace import Namespace, Resource, Subscription, Topic
from emulators.event_grid.pushing import PushSubscription
from emulators.web import Request, Response, segment

VERSION = "2025-02-15"
PAGE_SIZE = 5
"""Small, so that whoever lists must follow the links."""

_NAME = re.compile(r"[A-Za-z0-9-]{3,50}")
_KINDS = ("topics", "eventsubscriptions")


class Management:
    """Answers requests under ``/subscriptions``.

    Args:
        place: ``subscription/group/namespace``.
        namespace: What is managed.
    """

    def __init__(self, place: str, namespace: Namespace) -> None:
        self._subscription, self._group, self._name = place.split("/")
        self._namespace = namespace

    def __call__(self, request: Request) -> Response:
        if request.param("api-version") != VERSION:
            raise EventGridError(400, "InvalidApiVersionParameter", f"Use {VERSION}.")
        parts = [segment(part) for part in request.path.strip("/").split("/")]
        if "operationsstatus" in [part.lower() for part in parts]:
            return self._operation(parts[-1])
        if parts[-1] == "getFullUrl" and request.method == "POST":
            return self._full_url(self._names(parts[:-1]))
        names = self._names(parts)
        if len(names) == 1 and names[0] is None:
            return self._list(request, self._namespace.topics())
        if len(names) == 2 and names[1] is None:
            return self._list(request, self._namespace.topic(str(names[0])).subscriptions)
        for name in names:
            if name is None or not _NAME.fullmatch(name):
                raise invalid(f"{name!r} is no name: 3 to 50 letters, digits and hyphens.")
        return self._resource(request, [str(name) for name in names])

    def _names(self, parts: list[str]) -> list[str | None]:
        """The names of topic and subscription; None where they are to be listed."""
        lower = [part.lower() for part in parts]
        expected = ["subscriptions", "resourcegroups", "providers", "namespaces"]
        if lower[0:8:2][:3] != expected[:3] or lower[5:7] != ["microsoft.eventgrid", "namespaces"]:
            raise EventGridError(404, "InvalidResourceType", "The resource type was not found.")
        if parts[1] != self._subscription:
            raise EventGridError(404, "SubscriptionNotFound", "The subscription was not found.")
        if parts[3].lower() != self._group:
            raise EventGridError(404, "ResourceGroupNotFound", "The group was not found.")
        if parts[7].lower() != self._name:
            raise EventGridError(404, "ParentResourceNotFound", "The namespace was not found.")
        rest, kinds = parts[8:], lower[8::2]
        if not kinds or tuple(kinds) != _KINDS[: len(kinds)]:
            raise EventGridError(404, "InvalidResourceType", "The resource type was not found.")
        names: list[str | None] = list(rest[1::2])
        return names if len(rest) % 2 == 0 else [*names, None]

    def _resource(self, request: Request, names: list[str]) -> Response:
        if request.method == "PUT":
            return self._put(request, names)
        try:
            found = self._find(names)
        except EventGridError:
            if request.method == "DELETE":
                return Response(204)
            raise
        if request.method == "DELETE":
            self._namespace.delete(found)
            return Response(202, headers={"Location": self._operation_url(request)})
        if request.method != "GET":
            raise EventGridError(405, "MethodNotAllowed", f"{request.method} is not allowed.")
        return Response.of_json(self._body(names, found))

    def _put(self, request: Request, names: list[str]) -> Response:
        properties = (request.json() or {}).get("properties") or {}
        found: Resource
        if len(names) == 1:
            found, new = self._namespace.put_topic(names[0], properties)
        else:
            found, new = self._namespace.put_subscription(names[0], names[1], properties)
        headers = {"Azure-AsyncOperation": self._operation_url(request)} if new else {}
        return Response.of_json(self._body(names, found), 201 if new else 200, headers)

    def _full_url(self, names: list[str | None]) -> Response:
        found = self._find([str(name) for name in names])
        if not isinstance(found, Subscription) or not isinstance(found.queue, PushSubscription):
            raise invalid("The event subscription pushes to no endpoint.")
        return Response.of_json({"endpointUrl": found.queue.url})

    def _find(self, names: list[str]) -> Resource:
        topic = self._namespace.topic(names[0])
        if len(names) == 1:
            return topic
        found = topic.subscriptions.get(names[1])
        if found is None:
            message = f"The event subscription {names[1]!r} was not found."
            raise EventGridError(404, "ResourceNotFound", message)
        return found

    def _list(self, request: Request, resources: Mapping[str, Resource]) -> Response:
        names = self._names([segment(part) for part in request.path.strip("/").split("/")])[:-1]
        # In no particular order: the service promises none.
        found = sorted(resources.values(), key=lambda resource: resource.name[::-1])
        start = int(request.param("$skipToken") or 0)
        page = found[start : start + PAGE_SIZE]
        body: dict[str, Any] = {
            "value": [self._body([*map(str, names), item.name], item) for item in page]
        }
        if start + PAGE_SIZE < len(found):
            query = urlencode({"api-version": VERSION, "$skipToken": start + PAGE_SIZE})
            body["nextLink"] = f"{request.base_url}{request.path}?{query}"
        return Response.of_json(body)

    def _body(self, names: list[str], resource: Resource) -> dict[str, Any]:
        path = (
            f"/subscriptions/{self._subscription}/resourceGroups/{self._group}"
            f"/providers/Microsoft.EventGrid/namespaces/{self._name}/topics/{names[0]}"
        )
        kind = "Microsoft.EventGrid/namespaces/topics"
        properties: dict[str, Any]
        if isinstance(resource, Subscription):
            path += f"/eventSubscriptions/{names[1]}"
            kind += "/eventsubscriptions"
            properties = resource.queue.properties
        else:
            assert isinstance(resource, Topic)
            properties = {
                "publisherType": "Custom",
                "inputSchema": "CloudEventSchemaV1_0",
                "eventRetentionInDays": resource.retention,
            }
        state = {"provisioningState": resource.state}
        return {
            "id": path,
            "name": names[-1],
            "type": kind,
            "systemData": None,
            "properties": {**state, **properties},
        }

    def _operation_url(self, request: Request) -> str:
        latest = list(self._namespace.operations)[-1]
        return (
            f"{request.base_url}/subscriptions/{self._subscription}/providers/Microsoft.EventGrid"
            f"/locations/here/operationsStatus/{latest}?api-version={VERSION}"
        )

    def _operation(self, identifier: str) -> Response:
        end = self._namespace.operations.get(identifier)
        if end is None:
            raise EventGridError(404, "ResourceNotFound", "The operation was not found.")
        done = time.monotonic() >= end
        status = "Succeeded" if done else "InProgress"
        return Response.of_json({"name": identifier, "status": status}, 200 if done else 202)
