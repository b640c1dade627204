"""The client of the resource manager, where topics and subscriptions are created.

https://learn.microsoft.com/rest/api/eventgrid/controlplane/namespace-topic-event-subscriptions
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from cloudkit.azure.clients import ClientSettings
from cloudkit.azure.errors import status_of
from cloudkit.azure.rest import RestClient, bearer, checked
from cloudkit.common import AlreadyExistsError, ConfigurationError

VERSION = "2025-02-15"


class ManagementClient:
    """Sends requests about the topics of one namespace.

    Args:
        rest: Makes the requests.
        base: Path of the namespace's topics.
    """

    def __init__(self, rest: RestClient, base: str) -> None:
        self._rest = rest
        self._base = base

    def read(self, *names: str) -> Any:
        """Describe a topic, or one of its subscriptions. Blocks.

        Args:
            *names: The topic, and the subscription.

        Raises:
            HttpResponseError: There is none, with status 404; or the request was refused.
        """
        return self._send("GET", self._path(names))

    def exists(self, *names: str) -> bool:
        """Whether there is a topic or subscription. Blocks."""
        try:
            self.read(*names)
        except Exception as error:
            if status_of(error) == 404:
                return False
            raise
        return True

    def create(self, properties: Mapping[str, Any], *names: str) -> None:
        """Begin to create a topic or subscription. Blocks.

        Args:
            properties: Its settings.
            *names: The topic, and the subscription.

        Raises:
            AlreadyExistsError: There is one. Of two who create it in the same moment, both succeed.
        """
        # The request itself would change one that is there.
        if self.exists(*names):
            raise AlreadyExistsError(f"there is {names[-1]!r} already")
        self._send("PUT", self._path(names), {"properties": properties})

    def delete(self, *names: str) -> None:
        """Begin to delete a topic or subscription. Blocks.

        Raises:
            HttpResponseError: There is none, with status 404.
        """
        self.read(*names)  # the request itself is content when there is none
        self._send("DELETE", self._path(names))

    def children(self, *names: str) -> list[Any]:
        """All topics, or the subscriptions of one. Blocks.

        Raises:
            HttpResponseError: There is no such topic, with status 404.
        """
        page = self._send("GET", self._path(names, children=True))
        found = list(page["value"])
        while link := page.get("nextLink"):
            if not link.startswith(f"{self._rest.url}/"):
                raise ConfigurationError("the resource manager sends the request elsewhere")
            page = self._send("GET", link.removeprefix(self._rest.url))
            found += page["value"]
        if names and not found:
            self.read(*names)  # tells a topic without subscriptions from none
        return found

    def full_url(self, *names: str) -> str:
        """The URL that a subscription pushes to, with its query, which is shown nowhere else. Blocks.

        Args:
            *names: The topic, and the subscription.
        """
        path, _, version = self._path(names).partition("?")
        return str(self._send("POST", f"{path}/getFullUrl?{version}")["endpointUrl"])

    def close(self) -> None:
        """Nothing to close."""

    def _path(self, names: tuple[str, ...], *, children: bool = False) -> str:
        path = self._base
        if names:
            path += f"/{quote(names[0])}"
        if len(names) > 1 or (names and children):
            path += "/eventSubscriptions"
        if len(names) > 1:
            path += f"/{quote(names[1])}"
        return f"{path}?api-version={VERSION}"

    def _send(self, method: str, path: str, body: Any = None) -> Any:
        response = self._rest.send(
            method,
            path,
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            body=None if body is None else json.dumps(body).encode(),
        )
        return checked(response).json() if response.content else None


def make_client(settings: ClientSettings) -> ManagementClient:
    """The client of the configured namespace. Blocks: imports azure-core.

    Raises:
        ConfigurationError: It is not known which one that is.
    """
    config = settings.config
    place = config.event_grid_place
    if place is None:
        raise ConfigurationError(
            "topics and subscriptions of Event Grid are resources of the resource manager, and it is "
            "not said where",
            hint="Give 'subscription_id', 'resource_group' and 'event_grid_endpoint'.",
        )
    subscription, group, namespace = (quote(part) for part in place)
    url = config.management_endpoint.rstrip("/")
    base = (
        f"/subscriptions/{subscription}/resourceGroups/{group}"
        f"/providers/Microsoft.EventGrid/namespaces/{namespace}/topics"
    )
    authentication = bearer(settings.token, f"{url}/.default")
    return ManagementClient(RestClient(url, authentication, settings.http), base)
