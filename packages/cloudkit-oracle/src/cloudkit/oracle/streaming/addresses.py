"""What is known of a stream, and what its tags say."""

from __future__ import annotations

import json
from collections.abc import Mapping

from attrs import field, frozen
from cloudkit.api.messaging import DeadLetterPolicy

KIND_TAG = "cloudkit-kind"
"""Tag that says what a stream is used for: ``queue``, ``topic`` or ``dead-letters``."""
SETTINGS_TAG = "cloudkit-settings"
SUBSCRIPTION_TAG = "cloudkit-sub-"
"""What the tags of a topic's subscriptions begin with. Streaming lists no groups."""
MAX_TAGS = 10
"""https://docs.oracle.com/en-us/iaas/Content/Tagging/Concepts/taggingoverview.htm"""
DEAD = "_cloudkit-dead"


@frozen(kw_only=True)
class Settings:
    """What is set for a queue or a subscription.

    Attributes:
        visibility: Length of a lease in seconds.
        max_receives: Of the dead-letter policy; None for none.
        ordered: Whether it was made to keep the order of groups.
    """

    visibility: float = 30.0
    max_receives: int | None = None
    ordered: bool = False

    @property
    def dead_letter(self) -> DeadLetterPolicy | None:
        """When messages are set aside."""
        return (
            None if self.max_receives is None else DeadLetterPolicy(max_receives=self.max_receives)
        )

    def to_tag(self) -> str:
        """As the value of a tag."""
        return json.dumps({"v": self.visibility, "r": self.max_receives, "o": self.ordered})

    @classmethod
    def from_tag(cls, text: str | None) -> Settings:
        """From the value of a tag; the defaults when there is none, or one of somebody else."""
        try:
            found = json.loads(text or "{}")
            return cls(visibility=found["v"], max_receives=found["r"], ordered=found["o"])
        except (ValueError, LookupError, TypeError):
            return cls()


@frozen(kw_only=True)
class Address:
    """Where a stream is, and what is set for it.

    Attributes:
        name: Its name.
        id: OCID.
        endpoint: URL of its messages.
        retention: Seconds that a message is kept.
        tags: Free-form tags.
        etag: Of the stream's settings.
        request_id: The service's name for the request that told.
        read_at: When this was asked for, by the monotonic clock.
    """

    name: str
    id: str
    endpoint: str
    retention: float
    tags: Mapping[str, str] = field(repr=False)
    etag: str | None
    request_id: str | None
    read_at: float

    @property
    def kind(self) -> str | None:
        """What it is used for; None for a stream of somebody else."""
        return self.tags.get(KIND_TAG)

    @property
    def settings(self) -> Settings:
        """Of the queue or topic."""
        return Settings.from_tag(self.tags.get(SETTINGS_TAG))

    @property
    def subscriptions(self) -> dict[str, Settings]:
        """Of the topic, by name."""
        found = {
            name.removeprefix(SUBSCRIPTION_TAG): Settings.from_tag(value)
            for name, value in self.tags.items()
            if name.startswith(SUBSCRIPTION_TAG)
        }
        return dict(sorted(found.items()))
