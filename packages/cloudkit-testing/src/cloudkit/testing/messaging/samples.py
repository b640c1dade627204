"""The bodies and attributes that the behaviours are tried with."""

from __future__ import annotations

from typing import Any, Final

KIB = 1024

BODIES: Final[dict[str, bytes]] = {
    "empty": b"",
    "text": "Grüße, 世界 😀".encode(),
    "NUL": b"a\x00b\x00",
    "only NUL": b"\x00",
    "not UTF-8": b"\xff\xfe\xfa\x80",
    "every byte": bytes(range(256)),
    "line ends": b"a\r\nb\nc\rd\r\n",
    "spaces": b"  a  ",
    "like base64": b"YWJj",
    "like JSON": b'{"a": [1, 2.0, null]}',
    "like XML": b"<a>&amp;<![CDATA[x]]></a>",
    "like an envelope": b'{"body": "YWJj", "attributes": {}, "encoding": "base64"}',
    "byte order mark": b"\xef\xbb\xbftext",
    "control characters": bytes(range(32)) + b"\x7f",
}
"""Bodies that a service, or a provider that encodes them, may mangle."""

STRANGE_TEXTS: Final = (
    *("", " ", "  around  ", "a\tb\r\nc", "a\x00b", "\x01\x1f\x7f", "'\"`\\", "<a>&amp;</a>"),
    *(
        "äöüß",
        "e\u0301",
        "名前",
        "😀👩‍👧",
        "\ufeffa",
        "\uffff",
        "%20+%2F",
        "YWJj",
        '{"a": null}',
        "x" * 999,
    ),
)
"""Values of attributes."""

NAMES: Final = ("name", "Name", "_private", "dotted.name", "with-hyphen", "n1", "x" * 128)
"""Names of attributes."""

NOT_NAMES: Final[tuple[Any, ...]] = (
    *("", "1a", ".a", "-a", "a b", "a/b", "ä", "a\x00", "x" * 129, "cloudkit.a", "CloudKit.b", 1),
)
"""What is no name of an attribute."""

NOT_BODIES: Final[tuple[Any, ...]] = (None, 1, 1.5, ["a"], {"a": 1}, ..., "\ud800")
"""What is no body."""

VALUES: Final[tuple[Any, ...]] = (
    None,
    True,
    0,
    -1.5,
    "ä",
    [],
    {},
    [1, "a", {"b": [None]}],
    {"ä": "😀"},
)
"""What JSON can say."""
