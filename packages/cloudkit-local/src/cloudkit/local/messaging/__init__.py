"""Messages in SQLite, for queues, subscriptions and calls of functions alike."""

from cloudkit.local.messaging.leases import LocalLeases
from cloudkit.local.messaging.messages import Messages
from cloudkit.local.messaging.rows import new_id
from cloudkit.local.messaging.runner import InlineRunner
from cloudkit.local.messaging.sources import SCHEMA, SourceRecord

__all__ = ["SCHEMA", "InlineRunner", "LocalLeases", "Messages", "SourceRecord", "new_id"]
