"""Common prefixes of keys, where a service does not find them itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from cloudkit.api.storage import ObjectEntry


def fold(
    entries: Iterable[ObjectEntry], prefix: str, delimiter: str, given: str | None
) -> Iterator[ObjectEntry]:
    """Put common prefixes in place of what begins with them, each once.

    Args:
        entries: A listing of keys that all begin with ``prefix``.
        prefix: What is listed.
        delimiter: Ends a common prefix.
        given: The common prefix that a page before has ended with, if any.
    """
    seen = {given}
    for entry in entries:
        head, separator, _ = entry.key[len(prefix) :].partition(delimiter)
        if not separator:
            yield entry
            continue
        common = prefix + head + separator
        if common not in seen:
            seen.add(common)
            yield ObjectEntry(key=common, is_prefix=True)
