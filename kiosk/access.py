"""How a visitor sees, hears and reaches the kiosk: the reports of wishing it, which last for her visit."""

from __future__ import annotations

from dataclasses import dataclass

from kiosk.touch.wishes import PATIENCE, SPEEDS, VOLUMES_DB, Access

from .reports import Report

__all__ = ["PATIENCE", "SPEEDS", "VOLUMES_DB", "Access"]

LEAVES_AFTER_MS = 8_000
"""Headphones pulled out: so long may somebody put them in again before her visit is over."""


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
