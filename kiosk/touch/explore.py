"""Exploring by touch: what fingers on the glass mean to somebody who does not see it; pure.

One finger moves: what lies beneath is heard. Two taps anywhere act on what was heard last. A finger drawn
to the right or left goes to the next or the one before. A tap with two fingers is silence. One finger rests
and another taps: as two taps. Lifting a finger never acts.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

TAP_S = 0.3
"""A finger that is up again within this has tapped or swiped; one that stays explores."""
SECOND_TAP_S = 0.4
"""From the end of one tap to the beginning of the next; older hands are slower than most systems allow."""
SLOP_MM = 8.0
"""A tap may slide so far."""
SWIPE_MM = 20.0


class Meaning(StrEnum):
    EXPLORE = "explore"
    ACT = "act"
    NEXT = "next"
    PREVIOUS = "previous"
    HUSH = "hush"


@dataclass(frozen=True)
class Gesture:
    """`x`, `y`: where it is, in pixels; of use for EXPLORE only."""

    meaning: Meaning
    x: float = 0.0
    y: float = 0.0


@dataclass
class _Finger:
    down: float
    x: float
    y: float
    at: tuple[float, float]
    explores: bool = False
    used: bool = False
    """It has meant something already and means nothing when it is lifted."""


@dataclass
class Gestures:
    """Tell it fingers; `tick` at least every 50 ms while `waits`. Times in s, places in pixels."""

    pixels_per_mm: float
    _fingers: dict[int, _Finger] = field(default_factory=dict)
    _tapped: tuple[float, float, float] | None = None
    """When and where a single tap ended that may become a double one."""

    @property
    def waits(self) -> bool:
        return bool(self._fingers) or self._tapped is not None

    def forget(self) -> None:
        """The picture is another one: what fingers began on the last one is over."""
        self._tapped = None
        for finger in self._fingers.values():
            finger.used = True

    def down(self, finger: int, x: float, y: float, now: float) -> list[Gesture]:
        found: list[Gesture] = []
        resting = [f for f in self._fingers.values() if f.explores and not f.used]
        new = _Finger(now, x, y, (x, y))
        self._fingers[finger] = new
        if len(self._fingers) == 2 and resting:
            new.used = True
            self._tapped = None
            return [Gesture(Meaning.ACT)]
        if self._tapped is not None and len(self._fingers) == 1:
            ended, _, _ = self._tapped
            self._tapped = None
            if now - ended <= SECOND_TAP_S:
                new.used = True
                return [Gesture(Meaning.ACT)]
        return found

    def move(self, finger: int, x: float, y: float, now: float) -> list[Gesture]:
        known = self._fingers.get(finger)
        if known is None:
            return []
        known.at = (x, y)
        if known.explores and not known.used:
            return [Gesture(Meaning.EXPLORE, x, y)]
        return []

    def up(self, finger: int, x: float, y: float, now: float) -> list[Gesture]:
        known = self._fingers.pop(finger, None)
        if known is None or known.used or known.explores:
            return []
        others = [f for f in self._fingers.values() if not f.used and not f.explores]
        far = self._far(known, x, y)
        if others and far <= SLOP_MM and now - known.down <= TAP_S:
            for other in others:
                other.used = True
            self._tapped = None
            return [Gesture(Meaning.HUSH)]
        if now - known.down > TAP_S:
            return []
        wide, high = x - known.x, y - known.y
        if abs(wide) >= SWIPE_MM * self.pixels_per_mm and abs(wide) > 2 * abs(high):
            return [Gesture(Meaning.NEXT if wide > 0 else Meaning.PREVIOUS)]
        if far <= SLOP_MM:
            self._tapped = (now, known.x, known.y)
        return []

    def tick(self, now: float) -> list[Gesture]:
        """Fingers that stay begin to explore; a single tap is heard once no second can follow."""
        found = []
        for finger in self._fingers.values():
            alone = len(self._fingers) == 1
            if alone and not finger.used and not finger.explores and now - finger.down > TAP_S:
                finger.explores = True
                found.append(Gesture(Meaning.EXPLORE, *finger.at))
        if self._tapped is not None and now - self._tapped[0] > SECOND_TAP_S:
            _, x, y = self._tapped
            self._tapped = None
            found.append(Gesture(Meaning.EXPLORE, x, y))
        return found

    def _far(self, finger: _Finger, x: float, y: float) -> float:
        """Millimetres from where it came down."""
        return max(abs(x - finger.x), abs(y - finger.y)) / self.pixels_per_mm
