"""What type checkers must say of results; a line with an ignore comment must be an error."""

from typing import assert_type

from cloudkit.common import CloudError, CloudResult


def results(result: CloudResult[int]) -> None:
    assert_type(result.value, int)
    assert_type(result.error, CloudError | None)
    result.value.upper()  # type: ignore[attr-defined]
