"""Values and keys that are changed on the way."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from decimal import Decimal
from typing import Any

from cloudkit.api.kv import Key

from .memory import MemoryStore
from .registry import caught_by


def changed(value: Any, change: Any) -> Any:
    """A value with a change made to all that stands in it."""
    if isinstance(value, dict):
        return {name: changed(inner, change) for name, inner in value.items()}
    if isinstance(value, list):
        return [changed(inner, change) for inner in value]
    return change(value)


class ChangesValues(MemoryStore):
    """Base: keeps values as something else."""

    def change(self, value: Any) -> Any:
        raise NotImplementedError

    def loaded(self, document):
        return changed(document, self.change)


SAME_VALUES = "test_values_come_back_equal_and_of_the_same_type"


@caught_by(
    f"{SAME_VALUES}[asyncio-float]",
    "test_an_update_changes_what_it_names[asyncio-increment a float]",
)
class WholeFloatsBecomeInts(ChangesValues):
    def change(self, value):
        return int(value) if type(value) is float and value.is_integer() else value


@caught_by(f"{SAME_VALUES}[asyncio-float]")
class ZeroHasNoSign(ChangesValues):
    def change(self, value):
        return value + 0.0 if type(value) is float else value


@caught_by(f"{SAME_VALUES}[asyncio-int]")
class IntsGoThroughFloats(ChangesValues):
    def change(self, value):
        return int(float(value)) if type(value) is int else value


@caught_by(f"{SAME_VALUES}[asyncio-decimal]", "test_repeated_increments_add_up_exactly")
class DecimalsBecomeFloats(ChangesValues):
    def change(self, value):
        return float(value) if type(value) is Decimal else value


@caught_by("test_a_decimal_keeps_all_its_digits")
class DecimalsAreRounded(ChangesValues):
    def change(self, value):
        return Decimal(f"{value:.27e}") if type(value) is Decimal else value


@caught_by(f"{SAME_VALUES}[asyncio-datetime]")
class MicrosecondsAreLost(ChangesValues):
    def change(self, value):
        if type(value) is not datetime:
            return value
        return value.replace(microsecond=value.microsecond // 1000 * 1000)


@caught_by(f"{SAME_VALUES}[asyncio-bytes]", f"{SAME_VALUES}[asyncio-empty]")
class BytesBecomeText(ChangesValues):
    def change(self, value):
        return value.decode("latin-1") if type(value) is bytes else value


@caught_by(f"{SAME_VALUES}[asyncio-str]")
class TextIsNormalised(ChangesValues):
    def change(self, value):
        return unicodedata.normalize("NFC", value) if type(value) is str else value


@caught_by(f"{SAME_VALUES}[asyncio-empty]")
class EmptyTextIsNone(ChangesValues):
    def change(self, value):
        return None if value == "" else value


@caught_by(f"{SAME_VALUES}[asyncio-tagged]")
class TagsAreTakenForItsOwn(MemoryStore):
    def loaded(self, document):
        return {name: self.untagged(value) for name, value in document.items()}

    def untagged(self, value):
        if isinstance(value, dict):
            if value.keys() == {"$decimal"}:
                return Decimal(value["$decimal"])
            return {name: self.untagged(inner) for name, inner in value.items()}
        return value


@caught_by("test_attributes_of_any_name_are_kept")
class DottedNamesAreSplit(MemoryStore):
    def stored(self, document):
        result: dict[str, Any] = {}
        for name, value in document.items():
            outer, dot, inner = name.partition(".")
            result.update({outer: {inner: value}} if dot and inner else {name: value})
        return result


@caught_by("test_an_attribute_may_be_named_like_the_keys")
class KeysHideAttributes(MemoryStore):
    def loaded(self, document):
        return {name: value for name, value in document.items() if name not in {"pk", "sk"}}


@caught_by(
    "test_documents_are_copied_on_the_way_in_and_out", "test_an_updated_item_is_the_callers_own"
)
class DocumentsAreShared(MemoryStore):
    def stored(self, document):
        return document

    def loaded(self, document):
        return document


@caught_by("test_strange_partition_keys_work_in_every_call")
class KeysAreStripped(MemoryStore):
    def place(self, key):
        return Key(key.partition.strip() or " ", key.sort)


@caught_by(
    "test_strange_partition_keys_work_in_every_call", "test_strange_sort_keys_work_in_every_call"
)
class KeysKnowNoCase(MemoryStore):
    def place(self, key):
        return Key(key.partition.lower(), key.sort and key.sort.lower())


@caught_by("test_partition_and_sort_key_are_not_run_together")
class KeysAreRunTogether(MemoryStore):
    def place(self, key):
        return f"{key.partition}/{key.sort}"
