"""When to take the sheet: found, lain still, sharp; and not again before it is lifted. Pure: time is given."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from .finder import Outline
from .judge import ADVICE, URGENCY, Fault
from .shapes import Floats, Points, diagonal


class Stage(StrEnum):
    NOTHING = "nothing"
    FOUND = "found"
    STILL = "still"
    """Lies still and good; soon it is taken."""
    TAKING = "taking"
    """The still is on its way: `taken` must be told how it came out."""
    LIFT = "lift"
    """Taken; waits for the sheet to be lifted or another to be laid."""


@dataclass(frozen=True)
class TakeRules:
    """Times in ms; distances as parts of the sheet's diagonal."""

    still_for: int = 600
    still_within: float = 0.006
    least_confidence: float = 0.8
    """An outline less sure is shown, but nothing is taken by itself."""
    least_sights: int = 4
    """Pictures that must have shown the sheet while it lay still, however slow the camera."""
    gone_after: int = 400
    other_beyond: float = 0.06
    other_look: float = 0.16
    other_for: int = 350
    hint_after: int = 450
    hint_for: int = 1400
    patience: int = 9000
    """A still that has not come by then is given up."""


@dataclass(frozen=True)
class Step:
    """What the screen shows after a picture; `take` is true once, when the still is to be made.

    `progress`: 0 … 1 of the time that the sheet must lie still.
    """

    stage: Stage
    hint: Fault | None = None
    take: bool = False
    progress: float = 0.0


class Taker:
    """`see` each preview in turn; after a step with `take`, say `taken` when the still has been judged."""

    def __init__(self, rules: TakeRules | None = None) -> None:
        self._rules = rules or TakeRules()
        self._stage = Stage.NOTHING
        self._corners: Points | None = None
        self._since = self._seen_at = self._other_since = self._asked_at = 0
        self._sights = 0
        self._held: tuple[Points, Floats | None] | None = None
        self._hints = _Hints(self._rules)

    def see(
        self,
        now: int,
        outline: Outline | None,
        faults: Iterable[Fault] = (),
        look: Floats | None = None,
    ) -> Step:
        """`faults` as judged on this picture; `look` a small grey picture of the sheet (`page.look`), by which
        another sheet in the same place is told from the one that was taken."""
        if self._stage is Stage.TAKING:
            if now - self._asked_at < self._rules.patience:
                return Step(Stage.TAKING, progress=1.0)
            self._forget(now)
        if outline is None:
            return self._see_nothing(now, faults)
        self._seen_at = now
        if self._stage is Stage.LIFT and not self._is_other(now, outline, look):
            return self._step(now, None)
        moving = self._follow(now, outline)
        known = set(faults) | ({Fault.CUT} if outline.cut else set())
        blocking = known - ADVICE - {Fault.MOVING}
        sure = outline.confidence >= self._rules.least_confidence
        ready = sure and not blocking and not moving
        if blocking or not sure:
            self._since, self._sights = now, 0
        self._stage = Stage.STILL if ready and self._sights > 1 else Stage.FOUND
        lain = now - self._since
        if ready and lain >= self._rules.still_for and self._sights >= self._rules.least_sights:
            self._stage, self._asked_at = Stage.TAKING, now
            self._held = (outline.corners, look)
            self._hints.clear()
            return Step(Stage.TAKING, take=True, progress=1.0)
        if moving and not blocking:
            known.add(Fault.MOVING)
        progress = min(1.0, lain / self._rules.still_for) if ready else 0.0
        return self._step(now, _first(known), progress)

    def taken(self, now: int, faults: Iterable[Fault] = ()) -> Step:
        """How the still came out: without faults it is kept; else the sheet is tried again."""
        bad = set(faults) - ADVICE
        if not bad:
            self._stage, self._seen_at, self._other_since = Stage.LIFT, now, 0
            return Step(Stage.LIFT)
        self._forget(now)
        self._stage = Stage.FOUND
        self._hints.show(now, _first(bad))
        return self._step(now, _first(bad))

    def hold(self, now: int, outline: Outline, look: Floats | None) -> None:
        """The visitor has it taken herself, as it lies: say `taken` as after a step with `take`."""
        self._stage, self._asked_at, self._held = Stage.TAKING, now, (outline.corners, look)
        self._hints.clear()

    def resume(self, now: int) -> None:
        """Looking begins again: the sheet that was taken is not lifted yet, a still on its way comes no more."""
        self._seen_at, self._since, self._sights, self._other_since = now, now, 0, 0
        self._hints.clear()
        if self._stage is Stage.TAKING:
            self._forget(now)

    def retake(self, now: int) -> None:
        """The visitor wants the same sheet once more."""
        self._forget(now)

    def _see_nothing(self, now: int, faults: Iterable[Fault]) -> Step:
        if now - self._seen_at >= self._rules.gone_after:
            self._stage, self._corners, self._held, self._sights = Stage.NOTHING, None, None, 0
        elif self._stage is Stage.STILL:
            self._stage = Stage.FOUND
        self._since, self._sights = now, 0
        if self._stage is Stage.LIFT:
            return self._step(now, None)
        camera = Fault.NO_CAMERA if Fault.NO_CAMERA in set(faults) else Fault.NO_PAGE
        return self._step(now, camera)

    def _follow(self, now: int, outline: Outline) -> bool:
        """Whether the sheet has moved since it was last thought still."""
        within = self._rules.still_within * diagonal(outline.corners)
        if self._corners is not None and _apart(self._corners, outline.corners) <= within:
            self._sights += 1
            return False
        first = self._corners is None
        self._corners, self._since, self._sights = outline.corners, now, 1
        return not first

    def _is_other(self, now: int, outline: Outline, look: Floats | None) -> bool:
        """Whether this is not the sheet that was taken, and has not been for a while."""
        if self._held is None:
            return True
        corners, known = self._held
        other = _apart(corners, outline.corners) > self._rules.other_beyond * diagonal(corners)
        if known is not None and look is not None:
            other = other or _unlike(known, look) > self._rules.other_look
        if not other:
            self._other_since = 0
            return False
        self._other_since = self._other_since or now
        if now - self._other_since < self._rules.other_for:
            return False
        self._forget(now)
        return True

    def _forget(self, now: int) -> None:
        self._stage, self._corners, self._held = Stage.NOTHING, None, None
        self._since, self._sights, self._other_since = now, 0, 0

    def _step(self, now: int, fault: Fault | None, progress: float = 0.0) -> Step:
        return Step(self._stage, self._hints.after(now, fault), progress=progress)


class _Hints:
    """Words stay long enough to be read, and a fault of a moment says nothing."""

    def __init__(self, rules: TakeRules) -> None:
        self._rules = rules
        self.clear()

    def clear(self) -> None:
        self._shown: Fault | None = None
        self._shown_at = 0
        self._coming: Fault | None = None
        self._coming_at = 0

    def show(self, now: int, fault: Fault | None) -> None:
        self._shown, self._shown_at = fault, now

    def after(self, now: int, fault: Fault | None) -> Fault | None:
        if fault != self._coming:
            self._coming, self._coming_at = fault, now
        held = self._shown is not None and now - self._shown_at < self._rules.hint_for
        if fault == self._shown:
            return self._shown
        if not held and now - self._coming_at >= self._rules.hint_after:
            self._shown, self._shown_at = fault, now
        return self._shown


def _first(faults: Iterable[Fault]) -> Fault | None:
    known = set(faults)
    return next((f for f in URGENCY if f in known), None)


def _apart(one: Points, other: Points) -> float:
    """The farthest that a corner has gone; the corners' order may have turned meanwhile."""
    turns = [np.linalg.norm(np.roll(other, n, axis=0) - one, axis=1).max() for n in range(4)]
    return float(min(turns))


def _unlike(one: Floats, other: Floats) -> float:
    """0 for the same page, about 0.3 and more for another one; light and contrast do not count."""
    a, b = one - one.mean(), other - other.mean()
    size = float(np.sqrt((a * a).sum() * (b * b).sum()))
    flat = max(float(a.std()), float(b.std())) < 2.0
    return 0.0 if flat else (1 - float((a * b).sum()) / max(1e-6, size)) / 2
