"""Finding functions: whether one exists, and which there are."""

from __future__ import annotations

import pytest
from cloudkit.api.functions import Functions
from cloudkit.common import ValidationError
from cloudkit.testing.faults import Faults
from cloudkit.testing.functions.suite import FunctionsBase
from cloudkit.testing.outcome import behaviour
from cloudkit.testing.suite import MakeCloud

DEPLOYED = ("echo", "nothing", "unicode", "add", "fail", "slow")


class FindingBehaviours(FunctionsBase):
    """Functions are known by name."""

    __test__ = False

    async def test_a_deployed_function_exists_and_another_does_not(
        self, functions: Functions
    ) -> None:
        for function in DEPLOYED:
            assert await functions.function_exists(self.name_of(function))
        assert not await functions.function_exists(self.fresh_name("missing"))

    @behaviour("list_functions")
    async def test_functions_are_listed_by_name(self, functions: Functions) -> None:
        listed = await functions.list_functions().to_list()
        names = [info.name for info in listed]
        assert {self.name_of(function) for function in DEPLOYED} <= set(names)
        assert names == sorted(set(names))
        for info in listed:
            assert info.modified_at is None or info.modified_at.utcoffset() is not None

    @behaviour("list_functions")
    async def test_functions_are_listed_page_by_page(self, functions: Functions) -> None:
        names = [info.name async for info in functions.list_functions(page_size=2)]
        assert {self.name_of(function) for function in DEPLOYED} <= set(names)
        assert len(names) == len(set(names))
        first = await anext(functions.list_functions(page_size=1).pages())
        assert len(first.items) == 1
        assert first.next_token is not None
        rest = functions.list_functions(page_token=first.next_token)
        assert [info.name async for info in rest] == names[1:]

    @pytest.mark.parametrize(
        "name", ["", "two words", "nul\x00", "ä", "x" * 300, "a\nb"], ids=ascii
    )
    async def test_an_invalid_name_is_refused_before_sending(
        self, make_cloud: MakeCloud, name: str
    ) -> None:
        faults = Faults()
        async with make_cloud(interceptors=[faults]) as cloud:
            functions: Functions = cloud.functions
            for call in (functions.invoke(name), functions.function_exists(name)):
                with pytest.raises(ValidationError):
                    await call
        assert faults.count() == 0

    @behaviour("list_functions")
    @pytest.mark.parametrize("size", [0, -1])
    async def test_a_wrong_size_of_a_page_is_refused(self, functions: Functions, size: int) -> None:
        with pytest.raises(ValidationError):
            functions.list_functions(page_size=size)
