"""When a page is taken: found, whole, still and sharp; and not again before it was changed. Pure rules, time is given.

looking → steady → taken → (the sheet is lifted or changed) → looking.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np

from .finder import Outline
from .judge import Fault
from .shapes import Points, diagonal

STILL_S = 0.6
"""So long the corners must stay where they are."""
STILL_PART = 0.006
"""… within this part of the sheet's diagonal."""
HINT_AFTER_S = 0.7
"""A fault is said when it has been there so long, and stays said so long: words do not flicker."""
GONE_S = 0.8
MOVED_PART = 0.06
"""A sheet that lies so much elsewhere, in parts of its diagonal, is another one."""
SURE = 0.5
FORGIVEN = frozenset({Fault.SIDEWAYS, Fault.UPSIDE_DOWN})
"""Said, but no reason not to take the page: it can be turned afterwards."""
CHANGED_PART = 0.12


class Phase(StrEnum):
    LOOKING = "looking"
    STEADY = "steady"
    TAKEN = "taken"


@dataclass(frozen=True)
class Taker:
    """`hint`: what is said now, empty for nothing. `take`: this very frame is the one to take."""

    phase: Phase = Phase.LOOKING
    hint: str = Fault.NO_PAGE
    take: bool = False
    corners: tuple[tuple[float, float], ...] = ()
    since: float = 0.0
    seen_at: float = 0.0
    faults_since: dict[str, float] = field(default_factory=dict)
    hint_at: float = 0.0
    print: tuple[float, ...] = ()
    """How the taken sheet looked, coarsely: the next one looks otherwise."""


def seen(
    taker: Taker,
    now: float,
    outline: Outline | None,
    faults: Sequence[Fault],
    look: Sequence[float] = (),
) -> Taker:
    """What follows from a frame. `now`: seconds by a clock that does not jump; `look`: see `look_of`."""
    found = outline is not None and outline.confidence >= SURE
    taker = _said(replace(taker, take=False), now, faults if found else (Fault.NO_PAGE,))
    if taker.phase is Phase.TAKEN:
        return _after(taker, now, outline if found else None, look)
    if not found or outline is None or any(f not in FORGIVEN for f in faults):
        return replace(taker, phase=Phase.LOOKING, corners=(), since=now)
    corners = _tuples(outline.corners)
    if not taker.corners or _moved(taker.corners, outline.corners) > STILL_PART:
        return replace(taker, phase=Phase.LOOKING, corners=corners, since=now)
    if now - taker.since < STILL_S:
        return replace(taker, phase=Phase.STEADY, hint=Fault.HOLD_STILL)
    return replace(
        taker,
        phase=Phase.TAKEN,
        take=True,
        seen_at=now,
        hint="",
        print=tuple(look),
        corners=corners,
    )


def _after(taker: Taker, now: float, outline: Outline | None, look: Sequence[float]) -> Taker:
    """A page was taken: it is lifted, moved away or another lies on it before the next is."""
    if outline is None:
        gone = now - taker.seen_at >= GONE_S
        return Taker(since=now, hint=Fault.NO_PAGE) if gone else replace(taker, hint="")
    other = bool(taker.print) and len(look) == len(taker.print)
    changed = other and float(np.abs(np.subtract(look, taker.print)).mean()) > CHANGED_PART
    if changed or _moved(taker.corners, outline.corners) > MOVED_PART:
        return Taker(since=now, hint="", corners=_tuples(outline.corners))
    return replace(taker, seen_at=now, hint="")


def again(taker: Taker, now: float) -> Taker:
    """The page that was taken is not wanted: take it once more as it lies."""
    return Taker(since=now, hint="")


def look_of(
    page: np.ndarray[tuple[int, ...], np.dtype[np.uint8]], side: int = 12
) -> tuple[float, ...]:
    """A straightened page in a few numbers 0 … 1, to tell it from the next."""
    rows = np.array_split(np.asarray(page, np.float32).mean(axis=2), side)
    cells = [part.mean() for row in rows for part in np.array_split(row, side, axis=1)]
    values = np.array(cells) / 255
    return tuple(float(v) for v in (values - values.mean()) / (values.std() + 0.02) / 4)


def _said(taker: Taker, now: float, faults: Sequence[Fault]) -> Taker:
    """The first fault that has been there long enough; one that is said stays a while."""
    since: dict[str, float] = {f: taker.faults_since.get(f, now) for f in faults}
    lasting = [f for f in Fault if f in since and now - since[f] >= HINT_AFTER_S]
    wished = lasting[0] if lasting else ("" if not faults else taker.hint)
    if wished != taker.hint and now - taker.hint_at >= HINT_AFTER_S:
        return replace(taker, faults_since=since, hint=wished, hint_at=now)
    return replace(taker, faults_since=since)


def _tuples(corners: Points) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in corners)


def _moved(before: tuple[tuple[float, float], ...], now: Points) -> float:
    """How far the corner that moved most has moved, in parts of the sheet's diagonal."""
    if len(before) != 4:
        return 1.0
    ways = np.linalg.norm(np.asarray(before) - now, axis=1)
    return float(ways.max()) / max(1.0, diagonal(np.asarray(now)))
