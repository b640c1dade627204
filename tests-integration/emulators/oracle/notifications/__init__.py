"""Notifications."""

from emulators.oracle.notifications.application import Notifications

__all__ = ["Notifications"]
