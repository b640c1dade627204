"""Properties that are made when they are first asked for, and kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # Type checkers know how a property overrides an inherited one; of cached_property they do not.
    lazy_property = property
else:
    from functools import cached_property as lazy_property

__all__ = ["lazy_property"]
