"""Posts the messages of subscriptions that have a push_endpoint."""

from __future__ import annotations

from collections.abc import Callable
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from urllib.parse import quote, urlsplit

from cloudkit.api.messaging import ConsumeOptions, Message
from cloudkit.common import CloudError
from cloudkit.core import WorkerThreads
from cloudkit.local.database import Database
from cloudkit.local.messaging.fleet import Fleet
from cloudkit.local.messaging.sources import PUSH_CHANNEL, SourceRecord, push_sources

CONCURRENCY = 4
"""Requests to one endpoint at once."""

_THREADS = 16
_MARGIN = 5.0
_RETRY_DELAY = 0.5


class PushFailedError(Exception):
    """The endpoint did not take a message."""


class Pusher:
    """Posts messages, in a background task of the process that publishes or looks at the topic.

    A request is a POST of the body, byte for byte, with these headers; all values are
    percent-encoded UTF-8::

        cloudkit-message-id, cloudkit-topic, cloudkit-subscription
        cloudkit-receive-count      1 at the first attempt
        cloudkit-sent-at            ISO 8601, in UTC
        cloudkit-ordering-key       if it has one
        cloudkit-attribute-NAME     for each attribute

    A status of 2xx acknowledges the message. Anything else, and no answer within the subscription's
    ``visibility``, gives it back: it is posted again after 0.5 seconds, then twice as long each
    time up to 60 seconds, or becomes a dead letter by the subscription's policy. Redirects are not
    followed. Messages of one ordering key are posted one after the other. What was not posted when
    the client was closed, or the process died, is posted by the next process that uses the topic;
    a message may so be posted twice.

    Args:
        database: Where the messages are.
        translate: Turns errors of SQLite into CloudErrors.
    """

    def __init__(
        self, database: Database, translate: Callable[[Exception], CloudError | None]
    ) -> None:
        self._threads = WorkerThreads(_THREADS)
        self._fleet = Fleet(database, translate, PUSH_CHANNEL, push_sources, _options, self._push)

    def start(self) -> None:
        """Start pushing, in this event loop, unless it is done already."""
        self._fleet.start()

    async def aclose(self) -> None:
        """Stop pushing."""
        await self._fleet.aclose()
        self._threads.close()

    async def _push(self, record: SourceRecord, message: Message) -> None:
        await self._threads.run(_post, record, message)


def _options(record: SourceRecord) -> ConsumeOptions:
    return ConsumeOptions(
        concurrency=CONCURRENCY,
        # Longer than a request may take: who leases a message has either given it back or is gone.
        visibility=record.visibility + _MARGIN,
        retry_delay=_RETRY_DELAY,
        drain_timeout=0,
    )


def _post(record: SourceRecord, message: Message) -> None:
    parts = urlsplit(record.push_endpoint or "")
    connect = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = connect(parts.hostname or "", parts.port, timeout=record.visibility)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    try:
        connection.request("POST", target, message.body, _headers(record, message))
        status = connection.getresponse().status
    except (OSError, HTTPException) as error:
        raise PushFailedError(f"{record.push_endpoint}: {error!r}") from error
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise PushFailedError(f"{record.push_endpoint} answered with status {status}")


def _headers(record: SourceRecord, message: Message) -> dict[str, str]:
    facts = {
        "message-id": message.id,
        "topic": record.topic,
        "subscription": record.name,
        "receive-count": str(message.receive_count),
        "sent-at": "" if message.sent_at is None else message.sent_at.isoformat(),
        **{f"attribute-{name}": value for name, value in message.attributes.items()},
    }
    if message.group is not None:
        facts["ordering-key"] = message.group
    headers = {f"cloudkit-{name}": quote(value, safe=":+") for name, value in facts.items()}
    return {"Content-Type": "application/octet-stream", **headers}
