"""When something happened, in a way that survives a wrong wall clock as long as the machine stays up."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Moment:
    """`wall_ms` since 1970 UTC as this machine believes; `boot_ms` since the start named `boot` (exact)."""

    wall_ms: int
    boot_ms: int
    boot: str

    def before(self, ms: int) -> Moment:
        return Moment(self.wall_ms - ms, self.boot_ms - ms, self.boot)


def age_ms(then: Moment, now: Moment) -> int:
    """Milliseconds from `then` to `now`, never negative; across a restart as good as the wall clock is."""
    if then.boot == now.boot:
        return max(0, now.boot_ms - then.boot_ms)
    return max(0, now.wall_ms - then.wall_ms)


def now() -> Moment:
    """This moment by the machine's clocks (time asleep counts)."""
    boot_ms = time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
    return Moment(time.time_ns() // 1_000_000, boot_ms, BOOT_ID.read_text("ascii").strip())
