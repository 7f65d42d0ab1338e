"""Old pictures are thrown away while nobody waits for the screen.

Pictures are full of cycles, which only Python's collector takes away; left alone it comes in the middle of a
touch and walks all that the program ever loaded, three hundred milliseconds of it. So what lasts is set apart
(`gc.freeze`), and the rest is looked through in the pauses between touches.
"""

from __future__ import annotations

import gc

THRESHOLDS = (20_000, 10, 40)
"""The collector's own, for somebody who never pauses."""
PAUSE_S = 1.0
LONG_PAUSE_S = 30.0


class Tidy:
    """Times are seconds of one clock that never goes back."""

    def __init__(self) -> None:
        gc.set_threshold(*THRESHOLDS)
        self._done_at = self._set_apart_at = float("-inf")

    def look(self, touched_at: float, now: float) -> None:
        """Called about once a second, with the time of the last touch: does what the pause has room for."""
        idle = now - touched_at
        if idle >= LONG_PAUSE_S and self._set_apart_at < touched_at + LONG_PAUSE_S:
            self.set_apart()
            self._done_at = self._set_apart_at = now
        elif idle >= PAUSE_S and self._done_at < max(touched_at, now - LONG_PAUSE_S):
            self.throw_away()
            self._done_at = now

    def throw_away(self) -> None:
        """The pictures of the last touches."""
        gc.collect()

    def set_apart(self) -> None:
        """All that lives now is taken to last, until the next time."""
        gc.unfreeze()
        gc.collect()
        gc.freeze()
