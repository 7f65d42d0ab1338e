"""A day as a file: its services, counters and visitors, in minutes after midnight (`motcua simulate --day`).

What stands in it is what the simulator may know; what a rule may know is less, and `engine.py` keeps
the two apart.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from ..wire.words import Frozen

Span = tuple[float, float]
LONGEST_FILE = 200_000
"""A day of more visitors than this is no day of one centre."""
LATEST = 10_000.0
"""No time lies beyond this minute: a week, far past any day."""


class WrongDay(Exception):
    """The file is not a day that can be replayed; the text says where and why, in one line."""


class DayService(Frozen):
    id: str
    name: str = ""
    mean_minutes: float = 8.0


class DayCounter(Frozen):
    """A counter; the first of `serves` is its home service. `speed` divides the minutes there."""

    id: int
    serves: tuple[str, ...]
    open: tuple[Span, ...] = ()
    priority: bool = False
    speed: dict[str, float] = {}
    officer: str = ""


class Further(Frozen):
    """A further transaction of a visit, as it was replayed."""

    service: str
    counter: int | None = None
    called: float | None = None
    finished: float | None = None
    wait: float | None = None


class DayVisitor(Frozen):
    """One visit. `called`, `counter` and `finished` stand only in days that have been (history)."""

    arrives: float
    service: str
    minutes: float | None = None
    priority: str | bool | None = None
    shows: bool = True
    booked: float | None = None
    expected: float | None = None
    then: tuple[str, ...] = ()
    prepared: bool = False
    copies: int | None = None
    called: float | None = None
    counter: int | None = None
    finished: float | None = None
    was: str = ""
    """The errand that `called` … `finished` tell of, where a visit of several did not begin with `service`."""
    further: tuple[Further, ...] = ()


class Day(Frozen):
    services: tuple[DayService, ...]
    counters: tuple[DayCounter, ...]
    visitors: tuple[DayVisitor, ...] = ()
    no_show_minutes: float = 1.0
    day: str = ""


class RosterCounter(Frozen):
    """A counter of tomorrow's plan: what it serves and when it is open."""

    id: int
    serves: tuple[str, ...]
    open: tuple[Span, ...]
    officer: str = ""
    priority: bool = False


class Roster(Frozen):
    counters: tuple[RosterCounter, ...]


def read_day(path: Path, past: bool = False) -> Day:
    """A checked day. `past`: its visitors were called, so their `minutes` may be missing.

    Raises WrongDay, in one line that names the place, for whatever cannot be replayed.
    """
    return checked(_decoded(path, Day), past, path.name)


def read_roster(path: Path, day: Day) -> Day:
    """The day with the counters of a roster in place of its own. Raises WrongDay."""
    return with_roster(day, _decoded(path, Roster))


def with_roster(day: Day, roster: Roster) -> Day:
    """The day with these counters open instead: speeds and priority stay those of the day's counters."""
    known = {c.id: c for c in day.counters}
    counters = []
    for planned in roster.counters:
        own = known.get(planned.id)
        if own is None:
            raise WrongDay(f"roster: counter {planned.id} is not one of the day's counters")
        for service in planned.serves:
            if service not in own.serves:
                raise WrongDay(f"roster: counter {planned.id} has no skill for {service}")
        counters.append(
            DayCounter(
                id=own.id,
                serves=planned.serves,
                open=planned.open,
                priority=planned.priority or own.priority,
                speed=own.speed,
                officer=planned.officer or own.officer,
            )
        )
    changed = msgspec.structs.replace(day, counters=tuple(counters))
    return checked(changed, False, "roster")


def _decoded(path: Path, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise WrongDay(f"{path.name}: {error.strerror or error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise WrongDay(f"{path.name}: {error}") from error


def checked(day: Day, past: bool, name: str) -> Day:
    """The same day, if it can be replayed. Raises WrongDay."""
    services = _unique(name, "service", [s.id for s in day.services])
    _unique(name, "counter", [c.id for c in day.counters])
    if len(day.visitors) > LONGEST_FILE:
        raise WrongDay(f"{name}: {len(day.visitors)} visitors, more than {LONGEST_FILE}")
    for service in day.services:
        _within(name, f"mean_minutes of service {service.id}", service.mean_minutes, 0.0, 600.0)
    _within(name, "no_show_minutes", day.no_show_minutes, -1e-9, 600.0)
    for counter in day.counters:
        _check_counter(name, counter, services)
    for place, visitor in enumerate(day.visitors):
        _check_visitor(name, place, visitor, services, past)
    return day


def _unique(name: str, what: str, ids: Sequence[Any]) -> set[Any]:
    found: set[Any] = set()
    for one in ids:
        if one in found:
            raise WrongDay(f"{name}: {what} {one} stands there twice")
        found.add(one)
    return found


def _within(name: str, what: str, value: float, low: float, high: float) -> None:
    if not math.isfinite(value) or not low < value <= high:
        raise WrongDay(f"{name}: {what} is {value:g}")


def _check_counter(name: str, counter: DayCounter, services: set[str]) -> None:
    where = f"counter {counter.id}"
    if not counter.serves:
        raise WrongDay(f"{name}: {where} serves nothing")
    _known(name, where, counter.serves, services)
    _unique(name, f"{where}: service", counter.serves)
    for service, speed in counter.speed.items():
        _within(name, f"{where}: speed of {service}", speed, 0.0, 100.0)
    before = -1.0
    for begin, end in counter.open:
        if not (0 <= begin < end <= LATEST) or not math.isfinite(end):
            raise WrongDay(f"{name}: {where} is open from {begin:g} to {end:g}")
        if begin < before:
            raise WrongDay(f"{name}: {where}: open spans overlap or stand out of order")
        before = end


def _check_visitor(
    name: str, place: int, visitor: DayVisitor, services: set[str], past: bool
) -> None:
    where = f"visitor {place}"
    _known(name, where, (visitor.service, *visitor.then), services)
    _within(name, f"{where}: arrives", visitor.arrives, -1e-9, LATEST)
    if visitor.booked is not None:
        _within(name, f"{where}: booked", visitor.booked, -1e-9, LATEST)
    if visitor.expected is not None:
        _within(name, f"{where}: expected", visitor.expected, 0.0, 1_440.0)
    if visitor.minutes is not None:
        _within(name, f"{where}: minutes", visitor.minutes, -1e-9, 1_440.0)
    elif not past:
        raise WrongDay(f"{name}: {where} has no minutes")
    if past and visitor.called is not None and visitor.finished is not None:
        _within(name, f"{where}: called", visitor.called, -1e-9, LATEST)
        if not visitor.finished >= visitor.called:
            raise WrongDay(f"{name}: {where} finished before she was called")


def _known(name: str, where: str, asked: Iterable[str], services: set[str]) -> None:
    for service in asked:
        if service not in services:
            raise WrongDay(f"{name}: {where}: unknown service {service}")


def written(day: Day | Roster) -> bytes:
    return msgspec.json.format(msgspec.json.encode(day), indent=1)
