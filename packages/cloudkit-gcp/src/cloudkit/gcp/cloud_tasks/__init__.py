"""Queues of Cloud Tasks, which post their messages to an application."""

from cloudkit.gcp.cloud_tasks.application import TaskApplication
from cloudkit.gcp.cloud_tasks.models import TaskInfo
from cloudkit.gcp.cloud_tasks.queue import CloudTasksQueue

__all__ = ["CloudTasksQueue", "TaskApplication", "TaskInfo"]
