"""What the server has: names, numbers and sizes that server and clients agree on."""

from __future__ import annotations

BUCKET = "bench"
TABLE = "bench"
QUEUE = "bench"
PREFIX = "folder/"
LISTED = 1000
"""Keys of every listing, all on one page."""

RECEIVED = 10
"""Messages of every receive that asks for so many."""

SMALL = 1024
"""Bytes of a small object, and of a message."""

ITEM_KEY = "2026-01-01/0001"
DOCUMENT = {
    "title": "A document of the usual kind",
    "count": 42,
    "active": True,
    "tags": ["one", "two", "three"],
    "address": {"city": "Lisbon", "code": "1000-001"},
}
