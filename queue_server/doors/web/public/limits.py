"""How much the public may ask for: so many in so many seconds, by address and in all."""

from __future__ import annotations

import time
from collections import OrderedDict, deque

_REMEMBERED = 10_000


class Limit:
    """At most `most` in any `seconds`, for each key apart. Old keys are forgotten."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def wait(self, key: str, now: float) -> float:
        """Seconds until one more is allowed; 0 when it is now."""
        times = self._recent(key, now)
        return times[0] + self._seconds - now if len(times) >= self._most else 0.0

    def count(self, key: str, now: float) -> None:
        """One more has happened."""
        times = self._recent(key, now)
        times.append(now)
        self._times[key] = times
        self._times.move_to_end(key)
        while len(self._times) > _REMEMBERED:
            self._times.popitem(last=False)

    def _recent(self, key: str, now: float) -> deque[float]:
        times = self._times.get(key) or deque(maxlen=self._most)
        while times and times[0] <= now - self._seconds:
            times.popleft()
        return times


def must_wait(*asked: tuple[Limit, str]) -> float:
    """Seconds until all of these limits, each with its key, allow one more; counted by all when it is now."""
    now = time.monotonic()
    wait = max(limit.wait(key, now) for limit, key in asked)
    if wait <= 0:
        for limit, key in asked:
            limit.count(key, now)
    return wait
