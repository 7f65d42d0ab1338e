"""The simulated day's time for the players: minutes after midnight, and how late they are in real time."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from ...desk.clock import Clock
from ...wire.words import DAY, MINUTE


@dataclass
class Timing:
    """`midnight`: the local midnight of the day that is played (ms UTC). `late` holds real ms."""

    clock: Clock
    midnight: int
    late: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, clock: Clock, utc_offset_minutes: int) -> Timing:
        """The day that it is at the centre now."""
        offset = utc_offset_minutes * MINUTE
        return cls(clock, (clock.now() + offset) // DAY * DAY - offset)

    @property
    def minute(self) -> float:
        return (self.clock.now() - self.midnight) / MINUTE

    def seconds(self, minutes: float) -> float:
        """Real seconds of so many simulated minutes."""
        return minutes * 60 / self.clock.speed

    async def until(self, minute: float) -> None:
        """Sleep until then; at once when it is past."""
        await self._sleep(self.seconds(minute - self.minute))

    async def rest(self, minutes: float) -> None:
        await self._sleep(self.seconds(minutes))

    async def _sleep(self, seconds: float) -> None:
        due = time.monotonic() + max(0.0, seconds)
        await asyncio.sleep(max(0.0, seconds))
        self.late.append((time.monotonic() - due) * 1000)


def clock_text(minute: float) -> str:
    """`07:25`."""
    whole = int(minute)
    return f"{whole // 60 % 24:02d}:{whole % 60:02d}"
