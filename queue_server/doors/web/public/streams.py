"""Open event streams: each waits until something has changed, and all are woken at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class TooMany(Exception):
    """So many streams are open that a further one must ask again by itself."""


class Streams:
    """At most `most` at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._open: set[asyncio.Event] = set()

    def __len__(self) -> int:
        return len(self._open)

    def full(self) -> bool:
        return len(self._open) >= self._most

    @contextmanager
    def open(self) -> Iterator[asyncio.Event]:
        """Raises TooMany."""
        if self.full():
            raise TooMany
        ear = asyncio.Event()
        self._open.add(ear)
        try:
            yield ear
        finally:
            self._open.discard(ear)

    def wake(self) -> None:
        for ear in self._open:
            ear.set()


async def woken(ear: asyncio.Event, seconds: float) -> bool:
    """True when something changed, False when `seconds` have passed without."""
    try:
        async with asyncio.timeout(seconds):
            await ear.wait()
    except TimeoutError:
        return False
    ear.clear()
    return True
