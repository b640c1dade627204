"""What a result must not be taken for."""

from __future__ import annotations

import pytest
from cloudkit.common import CloudError, CloudResult

RESULTS = [CloudResult.success(1), CloudResult.failure(CloudError("broken"))]


@pytest.mark.parametrize("results", [RESULTS, RESULTS[:1], RESULTS[1:]])
def test_results_are_neither_true_nor_false(results: list[CloudResult[int]]) -> None:
    with pytest.raises(TypeError, match=r"result\.ok"):
        all(results)
