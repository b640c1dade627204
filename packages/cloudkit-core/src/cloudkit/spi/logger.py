"""Where CloudKit writes what it does."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import Any


class Logger(ABC):
    """Takes structured events. Levels are those of the standard library."""

    @abstractmethod
    def enabled(self, level: int) -> bool:
        """Whether events of this level are wanted; asked before their fields are gathered."""

    @abstractmethod
    def log(self, level: int, event: str, **fields: Any) -> None:
        """Write an event.

        Args:
            level: For example ``logging.INFO``.
            event: What happened, in a few fixed words.
            **fields: Facts about it; never a secret.
        """


class StandardLogger(Logger):
    """Writes to ``logging``: the facts in the message, and each as an attribute of the record.

    Args:
        logger: The logger, or its name.
    """

    def __init__(self, logger: str | logging.Logger = "cloudkit") -> None:
        self._logger = logging.getLogger(logger) if isinstance(logger, str) else logger

    def enabled(self, level: int) -> bool:
        """Whether the logger is on for this level."""
        return self._logger.isEnabledFor(level)

    def log(self, level: int, event: str, **fields: Any) -> None:
        """Write ``event key=value ...`` in one line, with the fields as ``record.cloudkit``."""
        facts = " ".join(
            f"{name}={_in_one_line(value)}" for name, value in fields.items() if value is not None
        )
        self._logger.log(level, "%s %s", event, facts, extra={"cloudkit": fields})


def _in_one_line(value: object) -> str:
    # A key may hold a line break, and what stands behind it must not pass for a line of the log.
    text = str(value)
    return text if text.isprintable() else text.encode("unicode_escape").decode()
