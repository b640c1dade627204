"""The place where a service runs."""

from __future__ import annotations

import re
from typing import Any

from attrs import field, frozen
from cloudkit.common.errors import ValidationError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}")


def _check_name(instance: object, attribute: object, value: Any) -> None:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValidationError(
            f"{value!r} is not a region name: letters, digits and hyphens are expected, "
            "for example 'eu-west-1'"
        )


@frozen
class Region:
    """A region by the provider's own name for it.

    Attributes:
        name: For example ``eu-west-1``, ``westeurope``, ``europe-west1``, ``eu-frankfurt-1``.

    Raises:
        ValidationError: The name holds something other than letters, digits and hyphens.
    """

    name: str = field(validator=_check_name)

    @classmethod
    def of(cls, value: str | Region) -> Region:
        """A region from its name, or the region itself."""
        return value if isinstance(value, Region) else cls(value)

    def __str__(self) -> str:
        return self.name
