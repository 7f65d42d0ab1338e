"""A morning that goes wrong: an officer calls in sick, another comes late, a bus brings a crowd. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import msgspec

from ...line.setup import Counter, Setup
from ...wire.words import Frozen
from .day import KIOSK, Shift, Visit, visit
from .manners import Manners

GETTING_OFF = 4.0
"""Minutes from the first to the last of the bus at the door."""


class Mishap(Frozen):
    """What goes wrong, to be said at `at` (minutes after midnight). `what`: a key under `[news]` in the texts."""

    at: float
    what: str
    counter: int = 0
    account: str = ""
    service: str = ""
    until: float = 0.0
    people: int = 0


class Morning(Frozen):
    """The day's plan with all that goes wrong in it."""

    visits: tuple[Visit, ...]
    shifts: tuple[Shift, ...]
    mishaps: tuple[Mishap, ...] = ()


def go_wrong(setup: Setup, manners: Manners, seed: int, morning: Morning) -> Morning:
    """The same day with the trouble that `manners` tell; a centre too small for it has the less of it."""
    service = crowded(setup)
    if service is None or not morning.shifts:
        return morning
    shifts, mishaps = list(morning.shifts), []
    opens = min(s.opens for s in shifts)
    sick = _whose_home(setup, shifts, service)
    if sick is not None and manners.sick:
        shifts.remove(sick)
        mishaps.append(Mishap(at=opens, what="sick", counter=sick.counter, account=sick.account))
    late = _another(setup, shifts, service)
    if late is not None and manners.late:
        came = late.opens + manners.late
        rests = tuple(r for r in late.rests if r.begins > came)
        shifts[shifts.index(late)] = msgspec.structs.replace(late, opens=came, rests=rests)
        mishaps.append(
            Mishap(at=opens, what="late", counter=late.counter, account=late.account, until=came)
        )
    crowd = list(_crowd(setup, manners, seed, service))
    if crowd:
        mishaps.append(Mishap(at=manners.bus_at, what="bus", service=service, people=len(crowd)))
    visits = sorted([*morning.visits, *crowd], key=lambda v: v.at)
    return Morning(visits=tuple(visits), shifts=tuple(shifts), mishaps=tuple(mishaps))


def crowded(setup: Setup) -> str | None:
    """The service that trouble comes to: the one that most officers may take on beside their counter's."""
    more = {s.id: 0 for s in setup.services}
    for officer in setup.officers:
        counter = setup.counter(officer.counter or 0)
        for skill in officer.skills:
            more[skill] += counter is not None and skill not in counter.serves
    homes = {c.serves[0] for c in setup.counters}
    wanted = [s for s in more if s in homes]
    return max(wanted, key=lambda s: more[s], default=None)


def _whose_home(setup: Setup, shifts: list[Shift], service: str) -> Shift | None:
    return next((s for s in shifts if _counter(setup, s).serves[0] == service), None)


def _another(setup: Setup, shifts: list[Shift], service: str) -> Shift | None:
    """Somebody whose counter does not serve it: the line of that service is bad enough."""
    others = (s for s in shifts if not _counter(setup, s).priority)
    return next((s for s in others if service not in _counter(setup, s).serves), None)


def _counter(setup: Setup, shift: Shift) -> Counter:
    counter = setup.counter(shift.counter)
    assert counter is not None
    return counter


def _crowd(setup: Setup, manners: Manners, seed: int, service: str) -> Iterator[Visit]:
    chance = Random(f"{seed} bus")
    for _ in range(round(manners.bus)):
        at = manners.bus_at + chance.uniform(0.0, GETTING_OFF)
        one = visit(setup, manners, chance, at, service)
        yield msgspec.structs.replace(one, asks=service, door=KIOSK)
