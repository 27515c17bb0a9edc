"""Several whole numbers side by side in one, so that one addition adds them all (Kronecker substitution). Pure.

Python adds long numbers about as fast as short ones; to add up columns one by one takes as many times longer as there
are columns.
"""

import struct
from collections.abc import Sequence
from functools import cache

LANE = 64  # bits
_HALF = 1 << (LANE - 1)


@cache
def _lanes(count: int) -> tuple[int, struct.Struct]:
    """What raises every lane above zero, and how the lanes are written one by one.

    A number that is raised and turned in its highest bit is its two's complement, as `struct` writes and reads it.
    """
    return sum(_HALF << LANE * lane for lane in range(count)), struct.Struct(f"<{count}q")


def packed(numbers: Sequence[int]) -> int:
    """The first in the lowest bits. Packed numbers are added and multiplied by whole numbers like any other."""
    raised, lanes = _lanes(len(numbers))
    return (int.from_bytes(lanes.pack(*numbers), "little") ^ raised) - raised


def unpacked(side_by_side: int, count: int) -> tuple[int, ...]:
    """As `packed` had them, or their sums: each between -2**63 and 2**63."""
    raised, lanes = _lanes(count)
    return lanes.unpack(((side_by_side + raised) ^ raised).to_bytes(lanes.size, "little"))
