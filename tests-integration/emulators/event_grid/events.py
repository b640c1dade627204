"""CloudEvents as the service takes them: version 1.0, in JSON."""

from __future__ import annotations

import base64
import binascii
import json
import re
from datetime import datetime
from typing import Any

from emulators.event_grid.errors import EventGridError, invalid, too_large
from emulators.web import Request

MAX_BYTES = 1024 * 1024
MAX_EVENTS = 1000
_REQUIRED = ("id", "source", "specversion", "type")
_TEXTS = (*_REQUIRED, "subject", "dataschema", "datacontenttype", "time")
_NAME = re.compile(r"[a-z0-9]+")
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
"""Characters that no attribute may have, by the specification of CloudEvents."""

Event = dict[str, Any]


def events_of(request: Request, *, most: int = MAX_EVENTS) -> list[Event]:
    """The events of a request.

    Args:
        request: What was sent.
        most: How many it may have.

    Raises:
        EventGridError: 400, 413 or 415.
    """
    if len(request.body) > MAX_BYTES:
        raise too_large(f"The maximum size ({MAX_BYTES}) has been exceeded.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        body = request.json()
    except ValueError as error:
        raise invalid("The body is not JSON.") from error
    if kind == "application/cloudevents-batch+json":
        events = body
    elif kind == "application/cloudevents+json":
        events = [body]
    else:
        raise EventGridError(415, "UnsupportedMediaType", f"The content type {kind!r} is wrong.")
    if not isinstance(events, list) or not events:
        raise invalid("There must be at least one event.")
    if len(events) > most:
        raise too_large(f"A request has at most {most} events.")
    for event in events:
        _check(event)
    return events


def _check(event: Any) -> None:
    if not isinstance(event, dict):
        raise invalid("An event is an object.")
    for name in _REQUIRED:
        if not isinstance(event.get(name), str) or not event[name]:
            raise invalid(f"The attribute {name} is missing or empty.")
    if event["specversion"] != "1.0":
        raise invalid("The specversion must be 1.0.")
    if "data" in event and "data_base64" in event:
        raise invalid("An event has data or data_base64, not both.")
    for name, value in event.items():
        _check_member(name, value)


def _check_member(name: str, value: Any) -> None:
    if name == "data":
        return
    if name == "data_base64":
        _check_base64(value)
        return
    if not _NAME.fullmatch(name):
        raise invalid(f"{json.dumps(name)} is no name of an attribute.")
    if value is None:
        return
    if name in _TEXTS and not isinstance(value, str):
        raise invalid(f"The attribute {name} must be a text.")
    if not isinstance(value, (str, bool, int)):
        raise invalid(f"The attribute {name} must be a text, a number or a boolean.")
    if isinstance(value, str) and _FORBIDDEN.search(value):
        raise invalid(f"The attribute {name} has a character that is not allowed.")
    if name == "time":
        _check_time(value)


def _check_base64(value: Any) -> None:
    try:
        base64.b64decode(value, validate=True)
    except (TypeError, binascii.Error, ValueError) as error:
        raise invalid("data_base64 must be base64.") from error


def _check_time(value: Any) -> None:
    try:
        aware = datetime.fromisoformat(value).tzinfo is not None
    except ValueError as error:
        raise invalid("The time must be one of RFC 3339.") from error
    if not aware:
        raise invalid("The time must have an offset.")
