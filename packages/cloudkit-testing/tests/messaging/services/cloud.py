"""A cloud of the services in memory, or of mutants of them."""

from __future__ import annotations

from functools import cached_property, partial

from cloudkit.common import (
    Capabilities,
    CloudConfig,
    PubSubCapabilities,
    QueueCapabilities,
)
from cloudkit.core import BaseCloud

from .functions import MemoryFunctions
from .line import Line
from .pubsub import MemoryPubSub
from .queue import MemoryQueue

WHAT_IT_CAN = Capabilities(
    queue=QueueCapabilities(min_visibility_seconds=0.05),
    pubsub=PubSubCapabilities(
        min_visibility_seconds=0.05, push=False, reasons={"push": "it only shows how it looks"}
    ),
)


class MemoryCloud(BaseCloud[CloudConfig]):
    """The least that is a cloud."""

    provider = "memory"
    config_type = CloudConfig
    native = None
    capabilities = WHAT_IT_CAN

    def __init__(self, mutant: type | None = None, **options):
        super().__init__(options)
        self._mutant = mutant

    @cached_property
    def queue(self):
        return self._make(MemoryQueue)(self._runner, self.capabilities.queue)

    @cached_property
    def pubsub(self):
        return self._make(MemoryPubSub)(self._runner, self.capabilities.pubsub)

    @cached_property
    def functions(self):
        return self._make(MemoryFunctions)(self._runner, self.capabilities.functions)

    def _make(self, kind):
        mutant = self._mutant
        if mutant is None:
            return kind
        if issubclass(mutant, Line):
            return type(kind.__name__, (kind,), {"line_type": mutant})
        return mutant if issubclass(mutant, kind) else kind


def maker(mutant: type | None = None):
    """What the fixture make_cloud gives."""
    return partial(MemoryCloud, mutant)
