"""The centre's time while nobody can be asked for it: steady through a wrong or jumping clock.

What is kept is how the server's clock stood when it last answered. Within one run of the machine only
the clock that counts from its start is believed; after a power cut the machine's own clock is, by how
far it was off before, and never back before what a visitor was told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from .words import Frozen

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Anchor(Frozen):
    """The server's clock stood at `at` when the machine's stood at `wall`, `steady` after start `boot` (ms)."""

    at: int
    wall: int
    steady: int
    boot: str
    speed: float = 1.0


class Moment(Frozen):
    """When something was: by the machine's start and by what was believed then (ms)."""

    boot: str
    steady: int
    told: int


def _boot() -> str:
    try:
        return BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""


@dataclass(frozen=True)
class Machine:
    """The machine's clocks in ms: the one on the wall, and the one that runs since its start `boot`."""

    wall: Callable[[], float] = lambda: time.time() * 1000
    steady: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME) * 1000
    boot: str = field(default_factory=_boot)


class CentreTime:
    """`kept`: the last anchor, of this start or an earlier one; `not_before`: the last time that was told."""

    def __init__(self, machine: Machine, kept: Anchor | None = None, not_before: int = 0) -> None:
        self._machine = machine
        self._heard = kept is not None and kept.boot == machine.boot
        self._anchor = kept if kept is not None and self._heard else self._guessed(kept, not_before)

    def _guessed(self, kept: Anchor | None, not_before: int) -> Anchor:
        wall, steady = int(self._machine.wall()), int(self._machine.steady())
        at, speed = wall, 1.0
        if kept is not None:
            at, speed = kept.at + int(max(0, wall - kept.wall) * kept.speed), kept.speed
        at = max(at, not_before)
        return Anchor(at=at, wall=wall, steady=steady, boot=self._machine.boot, speed=speed)

    @property
    def known(self) -> bool:
        """The server has said what time it is since this machine's start."""
        return self._heard

    @property
    def boot(self) -> str:
        return self._machine.boot

    def steady(self) -> int:
        """Ms since this machine's start."""
        return int(self._machine.steady())

    def skew(self) -> int:
        """How far (ms) the machine's own clock is ahead of the centre's; 0 while that is not known."""
        own = int(self._machine.wall())
        return own - self.now() if self._heard and self._anchor.speed == 1.0 else 0

    def heard(self, at: int, speed: float) -> Anchor:
        """The server has said what time it is; the anchor to keep."""
        wall, steady = int(self._machine.wall()), int(self._machine.steady())
        self._heard = True
        self._anchor = Anchor(at=at, wall=wall, steady=steady, boot=self._machine.boot, speed=speed)
        return self._anchor

    def now(self) -> int:
        """Ms UTC, as the server would say."""
        return self._at(self._machine.steady())

    def moment(self) -> Moment:
        steady = self._machine.steady()
        return Moment(boot=self._machine.boot, steady=int(steady), told=self._at(steady))

    def when(self, moments: Sequence[Moment]) -> list[int]:
        """When moments were, which came in this order: exact for those of this start of the machine."""
        latest = self.now()
        found = []
        for moment in reversed(moments):
            exact = self._heard and moment.boot == self._machine.boot
            latest = min(latest, self._at(moment.steady) if exact else moment.told)
            found.append(latest)
        return found[::-1]

    def _at(self, steady: float) -> int:
        return self._anchor.at + int((steady - self._anchor.steady) * self._anchor.speed)
