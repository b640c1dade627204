"""How to ask Functions for what each of its capabilities stands for."""

from __future__ import annotations

from collections.abc import Mapping

from cloudkit.api.functions import Functions
from cloudkit.testing.suite import Refusal

_FUNCTION = "ck-never-sent"


async def _list(functions: Functions) -> None:
    await functions.list_functions().to_list()


REFUSALS: Mapping[str, Refusal] = {
    "invoke_async": lambda functions: functions.invoke_async(_FUNCTION),
    "list_functions": _list,
    "qualifiers": lambda functions: functions.invoke(_FUNCTION, qualifier="1"),
    "logs": lambda functions: functions.invoke(_FUNCTION, logs=True),
}
"""Capability flag → a call that needs it."""
