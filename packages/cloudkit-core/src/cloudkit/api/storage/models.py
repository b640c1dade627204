"""What ObjectStorage takes and gives."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import AsyncIterable, Callable, Mapping
from datetime import datetime
from os import PathLike
from typing import IO, Any, Literal, Protocol, TypeAlias, TypedDict

from attrs import field, frozen
from cloudkit.common import ValidationError

Body: TypeAlias = (
    bytes | bytearray | memoryview | str | PathLike[str] | IO[bytes] | AsyncIterable[bytes]
)
"""Content of an object: bytes, the path of a file (as a PathLike), an open binary file, or an async
iterable of bytes. A plain ``str`` is refused: it could be a text or a path."""

Progress: TypeAlias = Callable[[int, int | None], object]
"""Called with the bytes moved so far and the bytes in all (None when that is not known)."""

ChecksumAlgorithm: TypeAlias = Literal["md5", "sha1", "sha256", "crc32", "crc32c"]
_FASTEST_FIRST: tuple[ChecksumAlgorithm, ...] = ("crc32c", "crc32", "md5", "sha1", "sha256")


class Hasher(Protocol):
    """The part of ``hashlib``'s objects that is used here."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        """Take in more bytes."""

    def hexdigest(self) -> str:
        """The checksum so far, in lower-case hex."""
        ...


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        self._value = zlib.crc32(data, self._value)

    def hexdigest(self) -> str:
        return f"{self._value:08x}"


class _Crc32c:
    """By the library that a provider installs whose service keeps such checksums."""

    def __init__(self) -> None:
        try:
            from google_crc32c import extend
        except ImportError:
            raise ValidationError("crc32c needs the package google-crc32c") from None
        self._extend = extend
        self._value = 0

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        self._value = self._extend(self._value, bytes(data))

    def hexdigest(self) -> str:
        return f"{self._value:08x}"


def hasher(algorithm: ChecksumAlgorithm) -> Hasher:
    """A fresh hasher.

    Raises:
        ValidationError: The algorithm is not known, or not installed.
    """
    if algorithm == "crc32":
        return _Crc32()
    if algorithm == "crc32c":
        return _Crc32c()
    if algorithm not in {"md5", "sha1", "sha256"}:
        raise ValidationError(
            f"{algorithm!r} is not a checksum algorithm; use md5, sha1, sha256, crc32 or crc32c"
        )
    return hashlib.new(algorithm, usedforsecurity=False)


@frozen
class Checksum:
    """The checksum of a whole object.

    Attributes:
        algorithm: ``"md5"``, ``"sha1"``, ``"sha256"``, ``"crc32"`` or, with google-crc32c installed,
            ``"crc32c"``.
        digest: In lower-case hex.
    """

    algorithm: ChecksumAlgorithm
    digest: str

    def __attrs_post_init__(self) -> None:
        expected = len(hasher(self.algorithm).hexdigest())
        try:
            size = len(binascii.unhexlify(self.digest)) * 2
        except (binascii.Error, ValueError, TypeError):
            size = -1
        if size != expected or self.digest != self.digest.lower():
            raise ValidationError(
                f"a {self.algorithm} digest has {expected} lower-case hex digits, "
                f"which {self.digest!r} is not"
            )

    @classmethod
    def of(cls, algorithm: ChecksumAlgorithm, data: bytes | bytearray | memoryview) -> Checksum:
        """The checksum of some bytes."""
        state = hasher(algorithm)
        state.update(data)
        return cls(algorithm, state.hexdigest())

    @property
    def base64(self) -> str:
        """The digest in base64, the form of ``Content-MD5``."""
        return base64.b64encode(bytes.fromhex(self.digest)).decode()


@frozen(kw_only=True)
class ObjectAttributes:
    """What is stored beside the bytes of an object.

    Attributes:
        content_type: Media type; sniffed from the key when it is not given, else
            ``application/octet-stream``.
        content_encoding: For example ``gzip``. The bytes are stored and given as they are.
        content_disposition: For example ``attachment; filename="a.txt"``.
        content_language: For example ``en``.
        cache_control: For example ``max-age=3600``.
        metadata: The user's own names (lower-case ASCII) and values.
    """

    content_type: str | None = None
    content_encoding: str | None = None
    content_disposition: str | None = None
    content_language: str | None = None
    cache_control: str | None = None
    metadata: Mapping[str, str] = field(factory=dict)

    def options(self) -> WriteOptions:
        """The same as arguments of a call that writes: ``put_object(..., **attributes.options())``."""
        return {
            "content_type": self.content_type,
            "content_encoding": self.content_encoding,
            "content_disposition": self.content_disposition,
            "content_language": self.content_language,
            "cache_control": self.cache_control,
            "metadata": self.metadata,
        }


@frozen(kw_only=True)
class BucketInfo:
    """A bucket.

    Attributes:
        name: Its name.
        created_at: When it was created, where the service tells.
        region: Where it is, where the service tells.
    """

    name: str
    created_at: datetime | None = None
    region: str | None = None


@frozen(kw_only=True)
class ObjectInfo:
    """An object without its bytes.

    Attributes:
        bucket: Its bucket.
        key: Its key.
        size: Bytes of the whole object, also when only a range of it was asked for.
        etag: Opaque revision token, for conditions. It changes with the content; whether also when
            the same bytes are written again is up to the service (on S3 it may stay).
        last_modified: When it was written.
        attributes: Content headers and metadata.
        storage_class: As the service names it, or None for the default class.
        checksums: Algorithm → lower-case hex digest of the whole object, as far as the service
            keeps them.
    """

    bucket: str
    key: str
    size: int
    etag: str
    last_modified: datetime
    attributes: ObjectAttributes = field(factory=ObjectAttributes)
    storage_class: str | None = None
    checksums: Mapping[str, str] = field(factory=dict)

    @property
    def content_type(self) -> str | None:
        """Media type."""
        return self.attributes.content_type

    @property
    def metadata(self) -> Mapping[str, str]:
        """The user's own names and values."""
        return self.attributes.metadata

    @property
    def checksum(self) -> Checksum | None:
        """One of ``checksums``, for ``put_object(..., checksum=info.checksum)``.

        That which is computed fastest; None where the service keeps none, or none that can be
        computed here.
        """
        for algorithm in _FASTEST_FIRST:
            if algorithm in self.checksums:
                try:
                    return Checksum(algorithm, self.checksums[algorithm])
                except ValidationError:
                    continue  # its library is not installed
        return None


@frozen(kw_only=True)
class StoredObject:
    """What a write left behind.

    Attributes:
        bucket: Where it is.
        key: Its key.
        etag: Its new revision token.
        size: Bytes, where it is known without asking (a copy may not know it).
    """

    bucket: str
    key: str
    etag: str
    size: int | None = None


@frozen(kw_only=True)
class ObjectEntry:
    """A line of a listing: an object, or the common prefix of several.

    Attributes:
        key: Key of the object, or the prefix.
        is_prefix: Whether it stands for all keys that begin so.
        size: Bytes; 0 for a prefix.
        etag: Revision token; empty for a prefix.
        last_modified: When the object was written; None for a prefix.
        storage_class: As the service names it, or None.
    """

    key: str
    is_prefix: bool = False
    size: int = 0
    etag: str = ""
    last_modified: datetime | None = None
    storage_class: str | None = None


@frozen
class ByteRange:
    """A part of an object. Exactly one form: from ``first`` to ``last``, or the last ``suffix`` bytes.

    Attributes:
        first: Offset of the first byte, or None for a suffix.
        last: Offset of the last byte (inclusive), or None for "to the end".
        suffix: How many bytes of the end, or None.
    """

    first: int | None = None
    last: int | None = None
    suffix: int | None = None

    @classmethod
    def of(cls, value: object) -> ByteRange:
        """From ``(first, last)``, ``(first, None)`` or ``(None, suffix)``.

        Raises:
            ValidationError: The numbers make no range.
        """
        if isinstance(value, ByteRange):
            return value
        if not isinstance(value, tuple) or len(value) != 2:
            raise ValidationError("a byte range is (first, last), (first, None) or (None, suffix)")
        first, last = value
        return cls(suffix=last) if first is None else cls(first, last)

    def __attrs_post_init__(self) -> None:
        numbers: list[Any] = [n for n in (self.first, self.last, self.suffix) if n is not None]
        if any(not isinstance(n, int) or isinstance(n, bool) or n < 0 for n in numbers):
            raise ValidationError("the numbers of a byte range are whole and not negative")
        if (self.first is None) == (self.suffix is None):
            raise ValidationError("a byte range has a first byte, or a suffix, but not both")
        if self.first is not None and self.last is not None and self.last < self.first:
            raise ValidationError(
                f"the byte range ends at {self.last}, before it begins at {self.first}"
            )

    def resolve(self, size: int) -> tuple[int, int]:
        """The same as (start, stop), stop exclusive, for an object of ``size`` bytes.

        Raises:
            ValidationError: The range begins at or behind the end. A suffix never does.
        """
        if self.suffix is not None:
            return max(0, size - self.suffix), size
        first = self.first or 0
        if first >= size:
            raise ValidationError(
                f"the byte range begins at {first}, but the object has {size} bytes", status=416
            )
        return first, size if self.last is None else min(size, self.last + 1)

    @property
    def header(self) -> str:
        """As the value of an HTTP ``Range`` header."""
        if self.suffix is not None:
            return f"bytes=-{self.suffix}"
        return f"bytes={self.first}-{'' if self.last is None else self.last}"


@frozen(kw_only=True)
class PresignedUrl:
    """A URL that works without credentials until it expires. Treat it as a secret.

    Attributes:
        url: The URL.
        method: ``"GET"`` or ``"PUT"``.
        headers: Headers that must be sent with it.
        expires_at: When it stops working (aware UTC).
    """

    url: str = field(repr=False)
    method: str
    headers: Mapping[str, str] = field(factory=dict)
    expires_at: datetime

    def __str__(self) -> str:
        return self.url


@frozen(kw_only=True)
class PendingUpload:
    """An upload in parts that was neither completed nor aborted.

    Attributes:
        key: Key of the object that it would become.
        upload_id: The service's name for it.
        started_at: When it began, where the service tells.
    """

    key: str
    upload_id: str
    started_at: datetime | None = None


@frozen(kw_only=True)
class UploadedPart:
    """A part that the service has.

    Attributes:
        number: Its place, from 1.
        etag: The service's token for it.
        size: Bytes.
    """

    number: int
    etag: str
    size: int


class WriteOptions(TypedDict, total=False):
    """Keyword arguments of all calls that write an object."""

    content_type: str | None
    content_encoding: str | None
    content_disposition: str | None
    content_language: str | None
    cache_control: str | None
    metadata: Mapping[str, str] | None
    storage_class: str | None
    if_match: str | None
    if_none_match: str | None


class TransferOptions(TypedDict, total=False):
    """Keyword arguments of all calls that may move an object in parts."""

    part_size: int | None
    concurrency: int
    progress: Progress | None
