"""How to wait for a turn, the database or a calculation: blocking, or in an event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, TypeVar

from domain.kit import Stream
from replay.store.append import Append, Appended, Seen
from replay.store.entry import Entry
from replay.store.history import History
from replay.store.lanes import Lanes

T = TypeVar("T")

READERS = 8  # threads that read for commands when what they need is not cached
CALCULATORS = 2  # threads that calculate bills; it takes a processor, and there are not many


class Waits(Protocol):
    """How to wait for the database: a command line blocks, a server does something else."""

    async def read(self, call: Callable[[], T]) -> T: ...

    async def calculate(self, call: Callable[[], T]) -> T: ...

    async def turn(self, lanes: Lanes, stream: Stream) -> bool: ...

    def enter(
        self,
        history: History,
        lanes: Lanes,
        append: Append,
        behind: Sequence[Entry],
        after: Collection[Seen] = (),
    ) -> Entry: ...

    async def outcome(self, entry: Entry) -> Appended: ...

    async def pause(self, seconds: float) -> None: ...


class Blocking:
    """Blocks; a coroutine that waits like this runs to its end in one go."""

    async def read(self, call: Callable[[], T]) -> T:
        return call()

    calculate = read

    async def turn(self, lanes: Lanes, stream: Stream) -> bool:
        """Wait until it is one's turn; whether one had to."""
        waiter = lanes.enter(stream, Future[None])
        if waiter is None:
            return False
        try:
            waiter.result()
        except BaseException:  # interrupted
            lanes.give_up(stream, waiter)
            raise
        return True

    def enter(
        self,
        history: History,
        lanes: Lanes,
        append: Append,
        behind: Sequence[Entry],
        after: Collection[Seen] = (),
    ) -> Entry:
        return history.enter(append, Future(), behind, lanes.settled, after)

    async def outcome(self, entry: Entry) -> Appended:
        assert isinstance(entry.future, Future)
        appended: Appended = entry.future.result()
        return appended

    async def pause(self, seconds: float) -> None:
        time.sleep(seconds)


class Awaiting:
    """Leaves what blocks to a few threads, and the writing to the batcher, and awaits it."""

    def __init__(self) -> None:
        self._readers = ThreadPoolExecutor(READERS, "read")
        self._calculating = ThreadPoolExecutor(CALCULATORS, "calculate")

    async def read(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._readers, call)

    async def calculate(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._calculating, call)

    async def turn(self, lanes: Lanes, stream: Stream) -> bool:
        """Wait until it is one's turn; whether one had to."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] | None = lanes.enter(stream, loop.create_future)
        if waiter is None:
            return False
        try:
            await waiter
        except asyncio.CancelledError:
            lanes.give_up(stream, waiter)
            raise
        return True

    def enter(
        self,
        history: History,
        lanes: Lanes,
        append: Append,
        behind: Sequence[Entry],
        after: Collection[Seen] = (),
    ) -> Entry:
        future = asyncio.get_running_loop().create_future()
        return history.enter(append, future, behind, lanes.settled, after)

    async def outcome(self, entry: Entry) -> Appended:
        assert not isinstance(entry.future, Future)
        appended: Appended = await entry.future
        return appended

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
