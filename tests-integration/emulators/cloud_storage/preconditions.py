"""Conditions on generation, metageneration and ETag."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from emulators.cloud_storage.errors import invalid, not_modified, precondition_failed
from emulators.cloud_storage.store import StoredObject
from emulators.web import Request

_XML_HEADERS = {
    "x-goog-if-generation-match": "GenerationMatch",
    "x-goog-if-metageneration-match": "MetagenerationMatch",
}
_NAMES = (
    "GenerationMatch",
    "GenerationNotMatch",
    "MetagenerationMatch",
    "MetagenerationNotMatch",
)


@dataclass(frozen=True)
class Preconditions:
    """What must hold for a request to be done.

    Attributes:
        numbers: By name without ``if``: ``{"GenerationMatch": 0}``.
        etag_match: The ETags one of which the object must have; ``"*"`` for any.
        etag_not_match: The ETags none of which it may have.
    """

    numbers: Mapping[str, int]
    etag_match: frozenset[str] = frozenset()
    etag_not_match: frozenset[str] = frozenset()

    @classmethod
    def of_json(cls, request: Request, prefix: str = "if") -> Preconditions:
        """Those of a request to the JSON API.

        Args:
            request: The request.
            prefix: ``"ifSource"`` for those on the source of a copy.

        Raises:
            StorageError: One is no number (400).
        """
        numbers = {}
        for name in _NAMES:
            text = request.param(prefix + name)
            if text is not None:
                numbers[name] = _number(prefix + name, text)
        return cls(numbers, *(_etags(request) if prefix == "if" else ()))

    @classmethod
    def of_xml(cls, request: Request) -> Preconditions:
        """Those of a request to the XML API.

        Raises:
            StorageError: One is no number (400).
        """
        numbers = {
            name: _number(header, request.headers[header])
            for header, name in _XML_HEADERS.items()
            if header in request.headers
        }
        return cls(numbers, *_etags(request))

    def check_read(self, stored: StoredObject, etag: str) -> None:
        """Check before something is given out.

        Args:
            stored: What would be.
            etag: Its ETag in the API that is used.

        Raises:
            StorageError: 412 where something should match; 304 where it should not.
        """
        match self._broken(stored, etag):
            case None:
                return
            case broken if broken.endswith("NotMatch"):
                raise not_modified()
            case broken:
                raise precondition_failed(_header(broken))

    def check_write(self, stored: StoredObject | None, etag: str = "") -> None:
        """Check before something is changed.

        Args:
            stored: What would be changed or replaced, if it is there.
            etag: Its ETag in the API that is used.

        Raises:
            StorageError: 412.
        """
        if broken := self._broken(stored, etag):
            raise precondition_failed(_header(broken))

    def _broken(self, stored: StoredObject | None, etag: str) -> str | None:
        """Name of a condition that does not hold; those on matches come first."""
        generation = stored.generation if stored else 0
        metageneration = stored.metageneration if stored else 0
        found = {"Generation": generation, "Metageneration": metageneration}
        for name in sorted(self.numbers, key=lambda name: name.endswith("NotMatch")):
            subject = name.removesuffix("NotMatch").removesuffix("Match")
            equal = self.numbers[name] == found[subject]
            if equal == name.endswith("NotMatch"):
                return name
        if self.etag_match and not self._has(self.etag_match, stored, etag):
            return "ETagMatch"
        if self.etag_not_match and self._has(self.etag_not_match, stored, etag):
            return "ETagNotMatch"
        return None

    @staticmethod
    def _has(etags: frozenset[str], stored: StoredObject | None, etag: str) -> bool:
        return stored is not None and ("*" in etags or etag.strip('"') in etags)


def _etags(request: Request) -> tuple[frozenset[str], frozenset[str]]:
    match = request.headers.get("if-match", "")
    not_match = request.headers.get("if-none-match", "")
    return _listed(match), _listed(not_match)


def _listed(header: str) -> frozenset[str]:
    return frozenset(part.strip().strip('"') for part in header.split(",") if part.strip())


def _number(name: str, text: str) -> int:
    if not text.removeprefix("-").isdigit():
        raise invalid(f"Invalid value '{text}' for: {name}", location=name)
    return int(text)


def _header(broken: str) -> str:
    return "If-None-Match" if broken.endswith("NotMatch") else "If-Match"
