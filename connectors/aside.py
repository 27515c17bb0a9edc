"""Long work is done aside, in a thread, so that whoever waits for the event loop gets their turn.

A large document is long work: a page of a megabyte takes a second, one of the largest that are read takes several.
"""

import asyncio
from collections.abc import Callable, Sized
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
LARGE = 300_000  # bytes or characters: some ten milliseconds


async def aside(read: Sized, work: Callable[P, T], *args: P.args, **given: P.kwargs) -> T:
    """What `work` makes of `read`, which decides how long it takes."""
    return work(*args, **given) if len(read) < LARGE else await asyncio.to_thread(work, *args, **given)
