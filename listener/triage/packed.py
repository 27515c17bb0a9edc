"""Several whole numbers side by side in one, so that one addition adds them all (Kronecker substitution). Pure.

Python adds long numbers about as fast as short ones; to add up columns one by one takes as many times longer as there
are columns.
"""

import struct
from collections.abc import Callable, Sequence
from functools import cache

LANE = 64  # bits
_HALF = 1 << (LANE - 1)


def packed(numbers: Sequence[int]) -> int:
    """The first in the lowest bits. Packed numbers are added and multiplied by whole numbers like any other."""
    side_by_side = 0
    for number in reversed(numbers):
        side_by_side = (side_by_side << LANE) + number
    return side_by_side


@cache
def _lanes(count: int) -> tuple[int, int, Callable[[bytes], tuple[int, ...]]]:
    """What is added so that no lane is below zero and borrows from the next; how many bytes; how they are read."""
    return packed([_HALF] * count), count * LANE // 8, struct.Struct(f"<{count}q").unpack


def unpacked(side_by_side: int, count: int) -> tuple[int, ...]:
    """As `packed` had them, or their sums: each between -2**63 and 2**63."""
    raised, size, read = _lanes(count)
    return read(((side_by_side + raised) ^ raised).to_bytes(size, "little"))  # two's complement is raised and turned
