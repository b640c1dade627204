"""The client of a namespace's data plane, or of a basic topic.

The SDK has one client for each topic and each subscription, takes no signatures for namespaces, and
drops its options for basic topics. So requests are sent here, on azure-core's pipeline.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cloudkit.azure.clients import ClientSettings
from cloudkit.azure.event_grid.inbox import Inbox, Received
from cloudkit.azure.rest import RestClient, bearer, checked, header
from cloudkit.common import (
    AccountKeyCredentials,
    ConfigurationError,
    SharedAccessSignatureCredentials,
    utc_now,
)

if TYPE_CHECKING:
    from azure.core.pipeline.policies import HTTPPolicy, SansIOHTTPPolicy

VERSION = "2024-06-01"
BASIC_VERSION = "2018-01-01"
SCOPE = "https://eventgrid.azure.net/.default"
BATCH = "application/cloudevents-batch+json; charset=utf-8"
JSON = "application/json"
ANSWER_SECONDS = 30.0
"""Seconds after the end of a long poll in which its answer must come."""
MANY = 100
"""Subscriptions from which on those are forgotten that are not used."""
CLOSE_SECONDS = 2.0
"""Seconds for each request that is made while closing."""


class EventGridClient:
    """Sends requests to one namespace or basic topic.

    Args:
        rest: Makes requests that are answered at once.
        polls: Makes those that are answered when there is something; on connections of its own.
        break_polls: Ends the latter at once.
        basic: Whether it is a basic topic.
        sdk: The arguments of the SDK's own clients.
    """

    def __init__(
        self,
        rest: RestClient,
        polls: RestClient,
        break_polls: Callable[[], None],
        *,
        basic: bool,
        sdk: Mapping[str, Any],
    ) -> None:
        self.sdk = sdk
        self._rest = rest
        self._polls = polls
        self._break_polls = break_polls
        self._basic = basic
        self._lock = threading.Lock()
        self._inboxes: dict[tuple[str, str], Inbox] = {}

    def publish(self, topic: str, events: Sequence[bytes]) -> None:
        """Publish events. Blocks.

        Args:
            topic: The topic; none needs to be named for a basic one.
            events: In JSON.
        """
        path = "" if self._basic else f"/topics/{quote(topic)}:publish"
        version = BASIC_VERSION if self._basic else VERSION
        response = self._rest.send(
            "POST",
            path,
            query={"api-version": version},
            headers={"Content-Type": BATCH},
            body=b"[" + b",".join(events) + b"]",
        )
        checked(response)

    def settle(
        self,
        topic: str,
        subscription: str,
        action: str,
        tokens: Sequence[str],
        query: Mapping[str, str] | None = None,
        read_timeout: float | None = None,
    ) -> dict[str, Mapping[str, Any]]:
        """Do something about locked events. Blocks.

        Args:
            topic: Their topic.
            subscription: Their subscription.
            action: ``acknowledge``, ``release``, ``reject`` or ``renewLock``.
            tokens: Of their locks.
            query: Further arguments.
            read_timeout: Seconds to wait for the answer, where the usual ones do not do.

        Returns:
            Token → error, for those that it failed with.
        """
        response = self._rest.send(
            "POST",
            f"{_path(topic, subscription)}:{action}",
            query={"api-version": VERSION, **(query or {})},
            headers={"Content-Type": JSON},
            body=json.dumps({"lockTokens": list(tokens)}).encode(),
            read_timeout=read_timeout,
        )
        body: Any = checked(response).json()
        return {failed["lockToken"]: failed for failed in body.get("failedLockTokens") or ()}

    def inbox(self, topic: str, subscription: str) -> Inbox:
        """What comes in for a subscription."""
        with self._lock:
            key = (topic, subscription)
            found = self._inboxes.get(key)
            if found is None:
                if len(self._inboxes) >= MANY:
                    self._inboxes = {k: one for k, one in self._inboxes.items() if not one.idle}
                found = self._inboxes[key] = Inbox(
                    lambda count, seconds: self._fetch(topic, subscription, count, seconds),
                    lambda tokens: self._give_back(topic, subscription, tokens),
                )
            return found

    def close(self) -> None:
        """Give back what nobody has taken, and end the polls."""
        with self._lock:
            inboxes, self._inboxes = list(self._inboxes.values()), {}
        for inbox in inboxes:
            inbox.close()
        self._break_polls()

    def _fetch(self, topic: str, subscription: str, count: int, seconds: int) -> list[Received]:
        response = self._polls.send(
            "POST",
            f"{_path(topic, subscription)}:receive",
            query={
                "api-version": VERSION,
                "maxEvents": str(count),
                "maxWaitTime": str(seconds),
            },
            read_timeout=seconds + ANSWER_SECONDS,
        )
        body: Any = checked(response).json()
        at = utc_now()
        return [
            Received(
                event=item["event"],
                token=item["brokerProperties"]["lockToken"],
                count=item["brokerProperties"].get("deliveryCount", 1),
                at=at,
            )
            for item in body.get("value") or ()
        ]

    def _give_back(self, topic: str, subscription: str, tokens: Sequence[str]) -> None:
        self.settle(topic, subscription, "release", tokens, read_timeout=CLOSE_SECONDS)


def make_client(settings: ClientSettings) -> EventGridClient:
    """The client of what ``event_grid_endpoint`` names. Blocks: imports azure-core.

    Raises:
        ConfigurationError: It is not known where that is.
    """
    from cloudkit.azure.event_grid.polling import make_breakable

    config = settings.config
    url = config.event_grid_endpoint
    if url is None:
        raise ConfigurationError(
            "no Event Grid namespace is configured",
            hint="Give 'event_grid_endpoint': https://name.region-1.eventgrid.azure.net",
        )
    authentication = _authentication(settings, basic=config.event_grid_is_basic)
    transport, break_polls = make_breakable(config)
    return EventGridClient(
        RestClient(url, authentication, settings.http),
        RestClient(url, authentication, settings.http, transport=transport),
        break_polls,
        basic=config.event_grid_is_basic,
        sdk={"endpoint": url, "credential": _credential(settings), **settings.http},
    )


def _credential(settings: ClientSettings) -> Any:
    """The credentials as the SDK's constructors take them."""
    from azure.core.credentials import AzureKeyCredential, AzureSasCredential

    credentials = settings.credentials
    if isinstance(credentials, AccountKeyCredentials):
        return AzureKeyCredential(credentials.key)
    if isinstance(credentials, SharedAccessSignatureCredentials):
        return AzureSasCredential(credentials.signature)
    return settings.token


def _authentication(
    settings: ClientSettings, *, basic: bool
) -> HTTPPolicy[Any, Any] | SansIOHTTPPolicy[Any, Any]:
    credentials = settings.credentials
    if isinstance(credentials, AccountKeyCredentials):
        if basic:
            return header("aeg-sas-key", credentials.key)
        return header("Authorization", credentials.key, "SharedAccessKey")
    if isinstance(credentials, SharedAccessSignatureCredentials):
        return header("aeg-sas-token", credentials.signature)
    return bearer(settings.token, SCOPE)


def _path(topic: str, subscription: str) -> str:
    return f"/topics/{quote(topic)}/eventsubscriptions/{quote(subscription)}"
