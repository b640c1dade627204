"""Listings of objects against a model of them: what the tests of several providers have in common."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cloudkit.api.storage import ObjectStorage

Case = tuple[str, str | None]
"""Prefix and delimiter."""


def expected(
    keys: Iterable[str], prefix: str, delimiter: str | None, start_after: str | None
) -> list[str]:
    """What S3 would list."""
    found = set()
    for key in keys:
        if not key.startswith(prefix) or key.encode() <= (start_after or "").encode():
            continue
        # Without a delimiter, one that no key holds.
        head, separator, _ = key[len(prefix) :].partition(delimiter or "\ud800")
        found.add(prefix + head + separator)
    return sorted(found, key=str.encode)


async def check_listings(
    storage: ObjectStorage,
    bucket: str,
    keys: Sequence[str],
    cases: Iterable[Case],
    starts: Sequence[str | None],
    page_size: int | None,
    *,
    most: int,
    ordered: bool,
) -> None:
    """All listings of a bucket are those of the model.

    Args:
        storage: Lists.
        bucket: Holds the keys.
        keys: What is in it.
        cases: Prefixes and delimiters.
        starts: Keys to begin behind; with pages of a size, and a prefix, only the first two.
        page_size: Most entries of a page; None for the service's own.
        most: Entries of the service's largest page.
        ordered: Whether pages follow each other in order, however small they are.
    """
    for prefix, delimiter in cases:
        for start_after in starts if page_size is None or prefix == "" else starts[:2]:
            case = (prefix, delimiter, start_after)
            pager = storage.list_objects(
                bucket,
                prefix=prefix,
                delimiter=delimiter,
                start_after=start_after,
                page_size=page_size,
            )
            pages = [[entry.key for entry in page.items] async for page in pager.pages()]
            listed = [key for page in pages for key in page]
            if not ordered and page_size is not None:
                listed.sort(key=str.encode)
            assert listed == expected(keys, *case), case
            assert all(len(page) <= (page_size or most) for page in pages), case
