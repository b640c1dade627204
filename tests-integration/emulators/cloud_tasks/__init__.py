"""A double of Cloud Tasks: queues over gRPC, and tasks that are posted over HTTP when they are due."""

from emulators.cloud_tasks.server import CloudTasksServer, cloud_tasks

__all__ = ["CloudTasksServer", "cloud_tasks"]
