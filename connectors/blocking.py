"""For libraries that wait for their answers: a thread of its own for each ear, and answers that cannot grow for ever.

A call that hangs holds back nobody but the source it was for: the house's other threads stay free.
"""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from requests import RequestException
from requests.adapters import HTTPAdapter

P = ParamSpec("P")
T = TypeVar("T")
MOST_HANGING = 3  # calls of one ear, given up and not over
MOST_BYTES = 15 * 1024 * 1024  # of an answer, unpacked


class Thread:
    """One call at a time. A call that was given up may hang on in its thread; the next has another."""

    def __init__(self, name: str):
        self._name = name
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._hanging: list[asyncio.Future[Any]] = []

    async def run(self, patience: float, work: Callable[P, T], *args: P.args, **given: P.kwargs) -> T:
        """Raises TimeoutError when there is no result within `patience` seconds, or too many calls hang already."""
        self._hanging = [call for call in self._hanging if not call.done()]
        if len(self._hanging) >= MOST_HANGING:
            raise TimeoutError
        call = asyncio.get_running_loop().run_in_executor(self._pool, lambda: work(*args, **given))
        try:
            return await asyncio.wait_for(asyncio.shield(call), patience)
        except (TimeoutError, asyncio.CancelledError):
            self._give_up(call)
            raise

    def _give_up(self, call: asyncio.Future[Any]) -> None:
        call.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody asks any more
        self._hanging.append(call)
        self.close()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=self._name)

    def close(self) -> None:
        self._pool.shutdown(wait=False)


class TooLarge(RequestException):
    """No answer of this platform is as large as that."""


class Bounded(HTTPAdapter):
    """Counts an answer as it is unpacked."""

    def send(self, *args: Any, **given: Any) -> Any:
        response = super().send(*args, **given)
        response.raw = _Counted(response.raw)
        return response


class _Counted:
    def __init__(self, raw: Any):
        self._raw = raw

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, *args: Any, **given: Any) -> Iterator[bytes]:
        size = 0
        for piece in self._raw.stream(*args, **given):
            size += len(piece)
            if size > MOST_BYTES:
                raise TooLarge(f"an answer of more than {MOST_BYTES >> 20} MB")
            yield piece
