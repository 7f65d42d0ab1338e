"""What a visitor may wish of a touch screen: how she sees it, hears it and how long it waits for her.

All of it is hers alone: the next visitor finds the usual size, colours, speed and volume (EN 301 549,
5.1.3.13).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .style import LETTERS

SPEEDS = (110, 140, 175, 215)
"""Words a minute."""
USUAL_SPEED = 1
VOLUMES_DB = (-24.0, -16.0, -10.0, -5.0, 0.0)
"""Below the loudest: a range of 24 dB (EN 301 549, 8.2.1.1: 18 or more)."""
USUAL_VOLUME = 2
PATIENCE = (1, 2, 5, 10)
"""How many times the usual idle time a visitor is given (WCAG 2.2, 2.2.1: ten times can be had)."""


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

    @property
    def size(self) -> int:
        """Which of `LETTERS`, from 1."""
        return LETTERS.index(self.letters) + 1 if self.letters in LETTERS else 1


def next_letters(wishes: Access) -> Access:
    """The next text size; after the largest the usual one."""
    return replace(wishes, letters=LETTERS[wishes.size % len(LETTERS)], page=0)


def next_speed(wishes: Access) -> Access:
    return replace(wishes, speed=(wishes.speed + 1) % len(SPEEDS))


def next_volume(wishes: Access) -> Access:
    """One step louder; after the loudest the softest, since a keypad may have one key for it."""
    return replace(wishes, volume=(wishes.volume + 1) % len(VOLUMES_DB))


def more_patience(wishes: Access) -> Access:
    """Twice, five times, ten times the usual; it stays at ten."""
    more = next((p for p in PATIENCE if p > wishes.patience), PATIENCE[-1])
    return replace(wishes, patience=more)
