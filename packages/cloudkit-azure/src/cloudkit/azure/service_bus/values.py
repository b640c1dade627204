"""Values of AMQP's own types."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal


def typed(kind: Literal["array", "int", "long", "string", "timestamp", "uint"], value: Any) -> Any:
    """A value of a type that Python does not have.

    Args:
        kind: AMQP's name of the type.
        value: The value.
    """
    from azure.servicebus._pyamqp.types import TYPE, VALUE, AMQPTypes

    return {TYPE: getattr(AMQPTypes, kind), VALUE: value}


def array(values: Iterable[Any]) -> Any:
    """Values of one type.

    Args:
        values: The values.
    """
    return typed("array", list(values))


def untyped(made: Any) -> Any:
    """A class of the library, whose hints are none or wrong.

    Args:
        made: The class.
    """
    return made
