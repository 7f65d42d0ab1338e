"""The centre's clock: never goes back, whatever happens to the machine's."""

from __future__ import annotations

import time
from collections.abc import Callable

JUMP_MS = 2_000


class Clock:
    """Milliseconds since 1970 UTC that only grow.

    A wall clock set back is not followed: time goes on from where it was at its normal pace until
    the wall has caught up. `behind_ms` says by how much the wall is behind (0 when all is well).
    `speed` > 1 runs the demo's day faster, counted from `origin` (ms) so that all processes of a
    centre agree; `ahead_ms` starts it at another hour.
    """

    def __init__(
        self,
        not_before: int = 0,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = time.monotonic,
        speed: float = 1.0,
        ahead_ms: int = 0,
        origin: int = 0,
    ) -> None:
        self._wall, self._steady = wall, steady
        self._speed, self._ahead = speed, ahead_ms
        self._origin = origin or wall() * 1000
        self._last = max(not_before, 0)
        self._last_steady = steady()
        self.behind_ms = 0

    @property
    def speed(self) -> float:
        """Centre's seconds to one of the machine's."""
        return self._speed

    def now(self) -> int:
        steady = self._steady()
        passed = (steady - self._last_steady) * 1000 * self._speed
        wall = self._origin + (self._wall() * 1000 - self._origin) * self._speed + self._ahead
        self.behind_ms = max(0, int(self._last - wall))
        if self.behind_ms > JUMP_MS:
            self._last = int(self._last + passed)
        else:
            self._last = max(self._last, int(wall))
        self._last_steady = steady
        return self._last
