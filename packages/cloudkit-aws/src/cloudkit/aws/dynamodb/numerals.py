"""Numbers as DynamoDB keeps them.

DynamoDB has one type of number: decimal, 38 significant digits, from 1E-130 to 9.9…E+125. An int or a
Decimal is one of these. A float is written exactly where 38 digits are enough, and else by its shortest
text, so that 0.1 is 0.1 to every program that reads the table. Two floats never share a number, and
their order is that of their numbers. What remains is that the number of a float may be that of a
Decimal which Python tells apart from it, as it does ``0.1`` and ``Decimal("0.1")``: such operands of
conditions are *touchy*, and have to look at the type marks.
"""

from __future__ import annotations

import math
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, Inexact

from cloudkit.api.kv.values import INT_MAX, INT_MIN, Value

FLOAT, DECIMAL, NEGATIVE_ZERO = "f", "d", "z"
"""Type marks; an int has none."""

MAX_DIGITS = 38
_LARGEST, _SMALLEST = 1e126, 1e-130
_GREATEST, _LEAST = Decimal(f"{'9' * MAX_DIGITS}E+88"), Decimal("1E-130")
_EXACT = Context(prec=MAX_DIGITS, traps=[Inexact])
_DOWN = Context(prec=MAX_DIGITS, rounding=ROUND_FLOOR)
_UP = Context(prec=MAX_DIGITS, rounding=ROUND_CEILING)


def number_text(value: float | Decimal) -> str | None:
    """The number that stands for a value; None for a float beyond the range of DynamoDB."""
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return str(_trimmed(value))
    if value == 0:
        return "0"
    if not _SMALLEST <= abs(value) < _LARGEST:
        return None
    shortest = Decimal(repr(value))
    if shortest == value:  # Python compares exactly
        return str(_trimmed(shortest))
    try:
        return str(_EXACT.create_decimal_from_float(value))
    except Inexact:
        return str(_trimmed(shortest))


def number_mark(value: float | Decimal) -> str | None:
    """The mark that tells the type; None for an int."""
    if isinstance(value, int):
        return None
    if isinstance(value, Decimal):
        return DECIMAL
    return NEGATIVE_ZERO if value == 0 and math.copysign(1, value) < 0 else FLOAT


def read_number(text: str, mark: str | None) -> int | float | Decimal:
    """The value that a number stands for.

    Args:
        text: The number.
        mark: Its type mark. What has none is an int, or a Decimal where it is no 64-bit int.
    """
    if mark == FLOAT:
        return float(text)
    if mark == NEGATIVE_ZERO:
        value = float(text)
        return -0.0 if value == 0 else value
    number = Decimal(text)
    if mark != DECIMAL and number == number.to_integral_value() and INT_MIN <= number <= INT_MAX:
        return int(number)
    return number


def touchy_mark(value: Value) -> str | None:
    """The type from whose values this number cannot be told by the server; None when there is none."""
    if isinstance(value, float):
        text = number_text(value)
        return DECIMAL if text is not None and Decimal(text) != value else None
    if isinstance(value, Decimal):
        return FLOAT if Decimal(float(value)) != value else None
    return None


def is_touchy(value: Value) -> bool:
    """Whether a value is, or holds, a number that the server may take for another."""
    if isinstance(value, dict):
        return any(map(is_touchy, value.values()))
    if isinstance(value, list):
        return any(map(is_touchy, value))
    return touchy_mark(value) is not None


def outer_bounds(value: float | Decimal) -> tuple[str, str]:
    """Numbers such that whatever is at least, or at most, the value is so on the server too.

    Args:
        value: A touchy number.
    """
    if isinstance(value, float):
        shortest, exact = Decimal(repr(value)), Decimal(value)
        low, high = min(shortest, _DOWN.plus(exact)), max(shortest, _UP.plus(exact))
    else:
        near = float(value)
        below, above = math.nextafter(near, -math.inf), math.nextafter(near, math.inf)
        low, high = min(value, Decimal(repr(below))), max(value, Decimal(repr(above)))
        low, high = _DOWN.plus(min(low, Decimal(below))), _UP.plus(max(high, Decimal(above)))
    return str(_trimmed(_at_most(low))), str(_trimmed(_at_most(high.copy_negate()).copy_negate()))


def number_size(text: str) -> int:
    """Bytes of a number as DynamoDB counts them: one for two digits, one more, one for the sign."""
    mantissa = text.upper().partition("E")[0]
    significant = mantissa.replace(".", "").lstrip("-").strip("0")
    return (len(significant) + 1) // 2 + 1 + mantissa.startswith("-")


def _at_most(value: Decimal) -> Decimal:
    """The number itself, or the next below it that the service has."""
    size = value.copy_abs()  # abs() would round it
    if size > _GREATEST:
        return _GREATEST.copy_sign(value)  # no number is beyond it
    if 0 < size < _LEAST:
        return Decimal(0) if value > 0 else _LEAST.copy_negate()
    return value


def _trimmed(value: Decimal) -> Decimal:
    """Without the zeros at its end, which count as digits."""
    if not value:
        return Decimal(0)  # the zero of a Decimal may have an exponent, and a sign
    if len(value.as_tuple().digits) <= MAX_DIGITS:
        return value.normalize(_EXACT)
    return value.normalize(Context(prec=len(value.as_tuple().digits)))
