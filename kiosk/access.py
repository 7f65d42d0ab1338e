"""How a visitor sees, hears and reaches the kiosk: what can be wished, and the reports of wishing it.

All of it is hers alone: the next visitor finds the usual size, colours, speed and volume (EN 301 549,
5.1.3.13).
"""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.touch.style import LETTERS

from .reports import Report

SPEEDS = (110, 140, 175, 215)
"""Words a minute."""
USUAL_SPEED = 1
VOLUMES_DB = (-24.0, -16.0, -10.0, -5.0, 0.0)
"""Below the loudest: a range of 24 dB (EN 301 549, 8.2.1.1: 18 or more)."""
USUAL_VOLUME = 2
PATIENCE = (1, 2, 5, 10)
"""How many times the usual idle time a visitor is given (WCAG 2.2, 2.2.1: ten times can be had)."""
LEAVES_AFTER_MS = 8_000
"""Headphones pulled out: so long may somebody put them in again before her visit is over."""


@dataclass(frozen=True)
class Access:
    """The wishes of this visit. `open`: the panel where they are made; `page`: its page."""

    open: bool = False
    page: int = 0
    letters: float = LETTERS[0]
    contrast: bool = False
    low: bool = False
    reading: bool = False
    speed: int = USUAL_SPEED
    volume: int = USUAL_VOLUME
    patience: int = PATIENCE[0]

    @property
    def words_a_minute(self) -> int:
        return SPEEDS[self.speed]

    @property
    def volume_db(self) -> float:
        return VOLUMES_DB[self.volume]


class AccessOpened(Report):
    pass


class AccessClosed(Report):
    pass


class LettersTurned(Report):
    """The next text size; after the largest the usual one."""


class ContrastTurned(Report):
    pass


class LowTurned(Report):
    pass


@dataclass(frozen=True)
class ReadingTurned(Report):
    """Read aloud, or no more; None: the other of both."""

    on: bool | None = None


class SpeedTurned(Report):
    pass


class VolumeTurned(Report):
    """One step louder; after the loudest the softest, since a keypad may have one key for it."""


class MoreTimeAsked(Report):
    pass


@dataclass(frozen=True)
class JackMoved(Report):
    """Headphones were put in, or pulled out."""

    inside: bool
