"""MurmurHash3 with 128 bits for 64-bit machines, by its public description."""

from __future__ import annotations

_MASK = 2**64 - 1
_C1 = 0x87C37B91114253D5
_C2 = 0x4CF5AD432745937F


def hash_128(data: bytes) -> bytes:
    """The hash of some bytes, with the most significant byte first.

    Args:
        data: What to hash, with a seed of 0.
    """
    low = high = 0
    whole = len(data) // 16 * 16
    for begin in range(0, whole, 16):
        first, second = _words(data[begin : begin + 16])
        low ^= _mixed(first, _C1, 31, _C2)
        low = ((_rotated(low, 27) + high) * 5 + 0x52DCE729) & _MASK
        high ^= _mixed(second, _C2, 33, _C1)
        high = ((_rotated(high, 31) + low) * 5 + 0x38495AB5) & _MASK
    first, second = _words(data[whole:])
    low ^= _mixed(first, _C1, 31, _C2) ^ len(data)
    high ^= _mixed(second, _C2, 33, _C1) ^ len(data)
    low = (low + high) & _MASK
    high = (high + low) & _MASK
    low, high = _finished(low), _finished(high)
    low = (low + high) & _MASK
    high = (high + low) & _MASK
    return ((high << 64) | low).to_bytes(16, "big")


def _words(block: bytes) -> tuple[int, int]:
    return int.from_bytes(block[:8], "little"), int.from_bytes(block[8:], "little")


def _rotated(word: int, bits: int) -> int:
    return ((word << bits) | (word >> (64 - bits))) & _MASK


def _mixed(word: int, before: int, bits: int, behind: int) -> int:
    return (_rotated((word * before) & _MASK, bits) * behind) & _MASK


def _finished(word: int) -> int:
    word = ((word ^ (word >> 33)) * 0xFF51AFD7ED558CCD) & _MASK
    word = ((word ^ (word >> 33)) * 0xC4CEB9FE1A85EC53) & _MASK
    return word ^ (word >> 33)
