"""JSON that cannot be said or read is an error of CloudKit's."""

from __future__ import annotations

import pytest
from cloudkit.api.json import from_json, to_json
from cloudkit.common import SerializationError


def nested(levels: int) -> list[object]:
    value: list[object] = []
    for _ in range(levels):
        value = [value]
    return value


def test_there_and_back():
    value = {"ü": [1, 2.5, None, True, ""]}
    assert to_json(value) == '{"ü":[1,2.5,null,true,""]}'.encode()
    assert from_json(to_json(value), "it") == value


@pytest.mark.parametrize(
    "value",
    [b"x", {1, 2}, float("nan"), "\ud800", nested(200_000)],
    ids=["bytes", "set", "nan", "surrogate", "too deep"],
)
def test_what_json_cannot_say(value):
    with pytest.raises(SerializationError):
        to_json(value)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff", b"[" * 200_000], ids=["empty", "open", "no text", "too deep"]
)
def test_what_is_no_json(data):
    with pytest.raises(SerializationError, match=r"^the answer is not JSON"):
        from_json(data, "the answer")
