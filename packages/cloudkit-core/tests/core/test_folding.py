"""Common prefixes that are found here."""

from __future__ import annotations

from cloudkit.api.storage import ObjectEntry
from cloudkit.core.folding import fold


def folded(*keys: str, prefix: str = "", given: str | None = None) -> list[tuple[str, bool]]:
    entries = [ObjectEntry(key=key, size=1) for key in keys]
    return [(e.key, e.is_prefix) for e in fold(entries, prefix, "/", given)]


def test_what_shares_a_prefix_is_listed_once():
    assert folded("a", "b/1", "b/2", "c/1/2") == [("a", False), ("b/", True), ("c/", True)]


def test_a_prefix_ends_behind_what_is_listed():
    assert folded("b/1", "b/c/2", "b/c/3", prefix="b/") == [("b/1", False), ("b/c/", True)]


def test_a_prefix_that_a_page_before_had_is_not_repeated():
    assert folded("b/2", "c/1", given="b/") == [("c/", True)]
