"""What follows from a visitor's wishes how to see, hear and reach the kiosk; pure rules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kiosk.touch import wishes

from . import access as a
from . import reports as r
from .visit import State

Decision = tuple[State, tuple[r.Effect, ...]]


def _with(state: State, **changes: Any) -> Decision:
    return replace(state, access=replace(state.access, **changes)), ()


def opened(state: State, _report: a.AccessOpened) -> Decision:
    return _with(state, open=True, page=0)


def closed(state: State, _report: a.AccessClosed) -> Decision:
    return _with(state, open=False)


def letters_turned(state: State, _report: a.LettersTurned) -> Decision:
    """Another size has other pages: all begin at their first."""
    return replace(state, pages={}, access=wishes.next_letters(state.access)), ()


def contrast_turned(state: State, _report: a.ContrastTurned) -> Decision:
    return _with(state, contrast=not state.access.contrast)


def low_turned(state: State, _report: a.LowTurned) -> Decision:
    return _with(replace(state, pages={}), low=not state.access.low, page=0)


def reading_turned(state: State, report: a.ReadingTurned) -> Decision:
    return _with(state, reading=not state.access.reading if report.on is None else report.on)


def speed_turned(state: State, _report: a.SpeedTurned) -> Decision:
    return replace(state, access=wishes.next_speed(state.access)), ()


def volume_turned(state: State, _report: a.VolumeTurned) -> Decision:
    return replace(state, access=wishes.next_volume(state.access)), ()


def more_time_asked(state: State, report: a.MoreTimeAsked) -> Decision:
    access = wishes.more_patience(state.access)
    return replace(state, touched=report.at, unplugged=None, access=access), ()


def jack_moved(state: State, report: a.JackMoved) -> Decision:
    """In: it reads to her alone. Out: it falls silent, and her visit is over if they stay out."""
    if report.inside:
        return _with(
            replace(state, headphones=True, unplugged=None, touched=report.at), reading=True
        )
    if not state.headphones:
        return state, ()
    silent, _ = _with(replace(state, headphones=False, unplugged=report.at), reading=False)
    return silent, (r.WakeAt(report.at + a.LEAVES_AFTER_MS),)


RULES: dict[type[r.Report], Any] = {
    a.AccessOpened: opened,
    a.AccessClosed: closed,
    a.LettersTurned: letters_turned,
    a.ContrastTurned: contrast_turned,
    a.LowTurned: low_turned,
    a.ReadingTurned: reading_turned,
    a.SpeedTurned: speed_turned,
    a.VolumeTurned: volume_turned,
    a.MoreTimeAsked: more_time_asked,
    a.JackMoved: jack_moved,
}
