"""The client of Cloud Tasks, on a channel that sends nothing twice."""

from __future__ import annotations

from typing import Any

from cloudkit.common import ConfigurationError
from cloudkit.gcp.transport import ClientSettings, make_channel
from google.cloud.tasks_v2 import CloudTasksClient
from google.cloud.tasks_v2.services.cloud_tasks.transports import CloudTasksGrpcTransport


class TasksClient:
    """The client, and the names of what is asked for.

    Args:
        settings: Who signs, where the service is, and in which project and region.

    Attributes:
        service: The SDK's own client.
        parent: The place of the queues.
        options: Keyword arguments of its calls: a timeout, and no retries.

    Raises:
        ConfigurationError: Nobody names the project, or the region.
    """

    def __init__(self, settings: ClientSettings) -> None:
        region = settings.config.region
        if region is None:
            raise ConfigurationError(
                "the queues of Cloud Tasks are in a region, and none is given",
                hint="Give the option 'region', for example 'europe-west1'.",
            )
        self.parent = f"projects/{settings.named_project}/locations/{region.name}"
        self._channel = make_channel(settings)
        self.service = CloudTasksClient(transport=CloudTasksGrpcTransport(channel=self._channel))
        self.options: dict[str, Any] = {"retry": None, "timeout": settings.config.timeout}

    def queue(self, name: str) -> str:
        """A queue's name as requests give it."""
        return f"{self.parent}/queues/{name}"

    def task(self, queue: str, name: str) -> str:
        """A task's name as requests give it."""
        return f"{self.queue(queue)}/tasks/{name}"

    def close(self) -> None:
        """End the connections."""
        self._channel.close()


def make_client(settings: ClientSettings) -> TasksClient:
    """The client of Cloud Tasks.

    Args:
        settings: Who signs, where the service is, and in which project and region.
    """
    return TasksClient(settings)
