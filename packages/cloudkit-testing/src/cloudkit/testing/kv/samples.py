"""The values, names and keys that the behaviours are tried with."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

from cloudkit.api.kv import Value

NEW_YEAR: Final = datetime(2026, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)
LATER: Final = NEW_YEAR + timedelta(microseconds=1)
_EAST: Final = timezone(timedelta(hours=5, minutes=45))

VALUES: Final[dict[str, tuple[Value, ...]]] = {
    "none": (None,),
    "bool": (True, False),
    "int": (0, 1, -1, 2**31, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)),
    "float": (
        *(0.0, -0.0, 1.0, -1.0, 1.5, 0.1 + 0.2, 1e16, 2.0**53, 123456.789),
        *(1e300, -1e300, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308),
    ),
    "decimal": tuple(
        map(Decimal, ("0", "1", "-1", "1.10", "0.1", "-0.000001", "1E+100", "1E-100", "12345.6789"))
    ),
    "str": (
        *("text", " ", " around ", "\t\r\n", "a\x00b", "\x7f", "'\"`\\", "äöü€", "😀", "e\u0301"),
        *(
            "\ufeff",
            "\uffff",
            "null",
            "true",
            "1",
            "1.0",
            "2026-01-01T12:30:15.123456Z",
            "x" * 9999,
        ),
    ),
    "bytes": (b"\x00", b"text", b"\xff\xfe", bytes(range(256)), b"\x00" * 9999),
    "datetime": (
        NEW_YEAR,
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
    ),
    "list": (
        [1, 1.0, Decimal(1), True, None, "1", b"1", NEW_YEAR],
        [[1], [[2.0], []], [{"a": [3]}]],
        [{"kind": "a"}, {"kind": "b", "n": 1.0}],
    ),
    "dict": (
        {"a": 1, "b": 1.0, "c": Decimal(1), "d": True, "e": None, "f": "1", "g": b"1"},
        {"when": NEW_YEAR, "inner": {"when": [NEW_YEAR, {"when": NEW_YEAR}]}},
    ),
    "empty": (
        "",
        b"",
        [],
        {},
        [""],
        [[]],
        [{}],
        {"a": ""},
        {"a": []},
        {"a": {}},
        {"a": {"b": b""}},
    ),
    "tagged": (
        {"$decimal": "1.10"},
        {"$bytes": "AAE="},
        {"$datetime": "2026-01-01T00:00:00.000000Z"},
        {"$int": "1"},
        {"$float": "1.0"},
        {"$map": {"$map": {"$int": "1"}}},
        {"$unknown": None},
        {"S": "text"},
        {"M": {"N": "1"}},
        {"integerValue": "1"},
        {"__type__": "x", "value": "y"},
    ),
}
"""What may stand in a document, by what is tried with it."""

ABROAD: Final = NEW_YEAR.astimezone(_EAST)
"""The same moment as NEW_YEAR by another clock."""

NAMES: Final = (
    *("name", "status", "data", "order", "size", "value", "key", "count", "date", "time", "type"),
    *("pk", "sk", "id", "ttl", "version", "_id", "_ts", "_etag", "_rid", "_self", "__name__"),
    *("select", "from", "where", "group", "by", "limit", "table", "index", "null", "true", "and"),
    *("a.b", ".", "..", "a..b", "a/b", "a b", " ", "a-b", "#a", ":a", "$a", "$decimal", "@a", "?"),
    *("a[0]", "[*]", "*", "~", "`a`", "'a'", '"a"', "a\\b", "1", "-1", "a=b", "{a}", "%s", "a\nb"),
    *("ä", "名前", "😀", "e\u0301", "A", "a", "x" * 200),
)
"""Names of attributes: reserved by some service, or strange."""

KEYS: Final = (
    *("plain", "Plain", "PLAIN", "a/b", "/a", "a/", "//", "a\\b", "..", ".", "../a", "a.b"),
    *("#", "?", "%", "%2F", "a#b?c%d", "+", "&a=b", "a b", " a", "a ", " ", "\t", "a\nb", "a\x00b"),
    *("'", '"', "`", "$", "$decimal", "{}", "[0]", "*", "__a__", "_cloudkit", "~", "|", ":", ";"),
    *("1", "01", "-1", "null", "true", "ä", "a\u0308", "名前", "😀", "\ufeff", "\uffff"),
)
"""Keys that a store without care would refuse, mangle or mix up."""

NOT_VALUES: Final[dict[str, Any]] = {
    "NaN": float("nan"),
    "infinity": float("inf"),
    "minus infinity": float("-inf"),
    "Decimal NaN": Decimal("NaN"),
    "Decimal signalling NaN": Decimal("sNaN"),
    "Decimal infinity": Decimal("Infinity"),
    "Decimal too large": Decimal("1E+126"),
    "Decimal too small": Decimal("1E-126"),
    "int above 64 bits": 2**63,
    "int below 64 bits": -(2**63) - 1,
    "datetime without a zone": NEW_YEAR.replace(tzinfo=None),
    "date": NEW_YEAR.date(),
    "timedelta": timedelta(1),
    "tuple": (1, 2),
    "set": {1, 2},
    "bytearray": bytearray(b"a"),
    "complex": 1j,
    "object": object(),
    "lone surrogate": "\ud800",
    "name that is no text": {1: "a"},
    "empty name": {"": "a"},
}
"""What would not come back as it is, or cannot be stored at all."""
