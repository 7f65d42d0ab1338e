"""What is heard and wanted while a visitor books a time, or comes for one: data only (see `reports.py`)."""

from __future__ import annotations

from dataclasses import dataclass

from queue_server.wire import messages as m

from .reports import Report

# --- reports ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BookingService(Report):
    """The service for which a time is wanted."""

    service: str


@dataclass(frozen=True)
class TimesCame(Report):
    """What is free for `service`; None: no answer came."""

    service: str
    free: m.TimesFree | None


@dataclass(frozen=True)
class DayPicked(Report):
    """A local day, as `2026-11-27`."""

    day: str


@dataclass(frozen=True)
class TimePicked(Report):
    """`ask` is a fresh id: a second touch books nothing more."""

    starts: int
    ask: str = ""


@dataclass(frozen=True)
class TimeCame(Report):
    """The answer to the ask of this id."""

    ask: str
    booked: m.TimeBooked


@dataclass(frozen=True)
class TimeRefused(Report):
    """`refusal` None: no answer came."""

    ask: str
    refusal: m.Refusal | None


@dataclass(frozen=True)
class CodeKey(Report):
    """A key of the code that is typed in place of scanning."""

    key: str


@dataclass(frozen=True)
class CodeGiven(Report):
    """The code of an appointment, scanned (whole address) or typed. `ask` is a fresh id."""

    code: str
    ask: str = ""


@dataclass(frozen=True)
class SlipCame(Report):
    """How the paper of this appointment's slip came out."""

    token: str
    outcome: str


# --- effects ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AskTimes:
    service: str


@dataclass(frozen=True)
class AskTime:
    message: m.BookTime


@dataclass(frozen=True)
class AskCheckIn:
    message: m.CheckIn


@dataclass(frozen=True)
class PrintSlip:
    booked: m.TimeBooked
    language: str


@dataclass(frozen=True)
class GiveBack:
    """A time was booked whose visitor has left and does not know it."""

    token: str


Effect = AskTimes | AskTime | AskCheckIn | PrintSlip | GiveBack
"""Wanted while booking or coming for a time."""
