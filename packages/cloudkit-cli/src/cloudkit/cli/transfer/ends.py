"""The ends of a copy: a file, an object, or the standard streams."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from attrs import field, frozen

if TYPE_CHECKING:
    from cloudkit.api import Cloud, ObjectStorage


@frozen
class FileEnd:
    """A file.

    Attributes:
        path: Its path.
    """

    path: Path

    def __str__(self) -> str:
        return str(self.path)


@frozen
class ObjectEnd:
    """An object.

    Attributes:
        cloud: Where it is.
        bucket: Its bucket.
        key: Its key.
        url: How people write it.
    """

    cloud: Cloud = field(repr=False)
    bucket: str
    key: str
    url: str

    def __str__(self) -> str:
        return self.url

    @property
    def storage(self) -> ObjectStorage:
        """The storage that it is in."""
        return self.cloud.storage


@frozen
class StreamEnd:
    """Standard input or output."""

    def __str__(self) -> str:
        return "-"


End: TypeAlias = FileEnd | ObjectEnd | StreamEnd


@frozen
class Job:
    """One object or file to copy.

    Attributes:
        source: From where.
        target: To where.
        size: Bytes, where they are known before.
    """

    source: End
    target: End
    size: int | None = None
