"""Shift rules: which openings of the counters a roster may have, and which of the rules a plan breaks.

Times are cells of a grid counted from midnight, so that a plan is whole numbers; minutes come in and go out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from ...wire.words import Frozen
from ..day import Day, DayCounter, Roster, RosterCounter

Cells = tuple[int, int]
"""From this cell on, up to but without that one."""
Shift = tuple[Cells, ...]
"""The opened spans of one counter, in order."""


class NoPlan(Exception):
    """No plan can be made; the text is one line that says what is missing."""


class ShiftRules(Frozen, forbid_unknown_fields=True):
    """`--rules`: what a day's work may look like. All but the numbers of counters are minutes.

    `lunch_*`: a counter that is open before `lunch_from` and after `lunch_to` (minutes after midnight) is
    closed for `lunch_break` minutes together between them; 0 is no such rule. `longest_shift`: from an
    officer's first opening to the last closing. `most_open`: counters open at once, 0 is no limit.
    """

    grid_minutes: int = 15
    shortest_span: int = 120
    most_spans: int = 2
    shortest_break: int = 30
    lunch_from: int = 690
    lunch_to: int = 780
    lunch_break: int = 0
    home_changes: int = 2
    least_per_service: int = 1
    least_priority: int = 1
    most_open: int = 0
    paid_minutes: int = 480
    longest_shift: int = 600


class RosterOfficer(Frozen, forbid_unknown_fields=True):
    """`[[officers]]` of `--officers`: whose counters these are, and when she may work (0: as the rules say)."""

    name: str
    counters: tuple[int, ...]
    paid_minutes: int = 0
    earliest: int = 0
    latest: int = 0


class Officers(Frozen, forbid_unknown_fields=True):
    officers: tuple[RosterOfficer, ...] = ()


@dataclass(frozen=True)
class Plan:
    """By counter of the site: when it opens, and which of its services is its home (a place in `serves`)."""

    shifts: tuple[Shift, ...]
    homes: tuple[int, ...]

    @property
    def cells(self) -> int:
        return sum(end - begin for shift in self.shifts for begin, end in shift)


@dataclass(frozen=True)
class Crew:
    """The counters (places in the site) that one officer holds, one at a time, and her limits in cells."""

    name: str
    counters: tuple[int, ...]
    paid: int
    longest: int
    first: int
    last: int


@dataclass(frozen=True)
class Site:
    """What may be opened, and when: the counters, the centre's hours, and the rules."""

    counters: tuple[DayCounter, ...]
    services: tuple[str, ...]
    hours: tuple[Cells, ...]
    """Sessions of the centre, in order; nothing is open outside them."""
    crews: tuple[Crew, ...]
    rules: ShiftRules

    @property
    def first(self) -> int:
        return self.hours[0][0]

    @property
    def last(self) -> int:
        return self.hours[-1][1]

    @cached_property
    def skills(self) -> np.ndarray:
        """Services × counters: who may serve what."""
        return np.array([[s in c.serves for c in self.counters] for s in self.services], dtype=int)

    @cached_property
    def asked(self) -> np.ndarray:
        """By cell from the first opening to the last closing: whether the centre is open."""
        found = np.zeros(self.last - self.first, dtype=bool)
        for begin, end in self.hours:
            found[begin - self.first : end - self.first] = True
        return found

    @cached_property
    def preferring(self) -> np.ndarray:
        return np.array([c.priority for c in self.counters], dtype=bool)

    def cells(self, minutes: float) -> int:
        """Whole cells that hold so many minutes."""
        return -int(-minutes // self.rules.grid_minutes)

    def opened(self, plan: Plan) -> np.ndarray:
        """Counters × cells from the first opening on: 1 where open."""
        found = np.zeros((len(self.counters), self.last - self.first), dtype=int)
        for place, shift in enumerate(plan.shifts):
            for begin, end in shift:
                found[place, begin - self.first : end - self.first] = 1
        return found


def site_of(history: Sequence[Day], rules: ShiftRules, officers: Officers = Officers()) -> Site:
    """What the past days' counters allow. Raises NoPlan."""
    if not history:
        raise NoPlan("no history: give at least one past day")
    _check_rules(rules)
    counters = {c.id: c for day in history for c in day.counters}
    if not counters:
        raise NoPlan("the history has no counters")
    services = tuple(dict.fromkeys(s.id for day in history for s in day.services))
    served = {s for c in counters.values() for s in c.serves}
    for day in history:
        for visitor in day.visitors:
            for service in (visitor.service, *visitor.then):
                if service not in served:
                    raise NoPlan(f"no counter of the history serves {service}, which is asked for")
    hours = tuple(_hours(history, rules))
    if not hours:
        raise NoPlan("no counter of the history was open for a whole cell of the grid")
    own = tuple(counters[k] for k in sorted(counters))
    crews = tuple(_crews(own, hours, rules, officers))
    return Site(own, tuple(s for s in services if s in served), hours, crews, rules)


def _check_rules(rules: ShiftRules) -> None:
    if rules.grid_minutes not in (15, 30):
        raise NoPlan(f"rules: grid_minutes is {rules.grid_minutes}, not 15 or 30")
    if rules.most_spans not in (1, 2):
        raise NoPlan(f"rules: most_spans is {rules.most_spans}, not 1 or 2")
    for name in rules.__struct_fields__:
        if getattr(rules, name) < 0:
            raise NoPlan(f"rules: {name} is {getattr(rules, name)}, less than 0")
    if rules.lunch_break > rules.lunch_to - rules.lunch_from:
        raise NoPlan("rules: lunch_break is longer than from lunch_from to lunch_to")


def _hours(history: Sequence[Day], rules: ShiftRules) -> Iterator[Cells]:
    """Runs of cells in which some counter of the past was open, all the cell long."""
    spans = sorted(span for day in history for c in day.counters for span in c.open)
    runs: list[list[float]] = []
    for begin, end in spans:
        if runs and begin <= runs[-1][1]:
            runs[-1][1] = max(runs[-1][1], end)
        else:
            runs.append([begin, end])
    for begin, end in runs:
        first, last = -int(-begin // rules.grid_minutes), int(end // rules.grid_minutes)
        if first < last:
            yield first, last


def _crews(
    counters: Sequence[DayCounter], hours: Sequence[Cells], rules: ShiftRules, officers: Officers
) -> Iterator[Crew]:
    """Named officers with their counters; a counter of nobody has an officer of its own."""
    place = {c.id: k for k, c in enumerate(counters)}
    named = {o.name: o for o in officers.officers}
    holds: dict[str, list[int]] = {}
    for officer in officers.officers:
        for counter in officer.counters:
            if counter not in place:
                raise NoPlan(f"officers: {officer.name}: counter {counter} is not in the history")
            if any(place[counter] in taken for taken in holds.values()):
                raise NoPlan(f"officers: counter {counter} has two officers")
            holds.setdefault(officer.name, []).append(place[counter])
    given = {k for taken in holds.values() for k in taken}
    for k, own in enumerate(counters):
        if k not in given:
            holds.setdefault(own.officer or f"#{own.id}", []).append(k)
    grid = rules.grid_minutes
    for name, taken in holds.items():
        one = named.get(name, RosterOfficer(name=name, counters=()))
        yield Crew(
            name="" if name.startswith("#") else name,
            counters=tuple(taken),
            paid=(one.paid_minutes or rules.paid_minutes) // grid,
            longest=rules.longest_shift // grid,
            first=max(-(-one.earliest // grid), hours[0][0]),
            last=min(one.latest // grid if one.latest else hours[-1][1], hours[-1][1]),
        )


def shift_keeps(site: Site, shift: Shift) -> bool:
    """Whether one counter's spans keep the rules that concern it alone."""
    rules, before = site.rules, -1
    if len(shift) > rules.most_spans:
        return False
    for begin, end in shift:
        if (end - begin) * rules.grid_minutes < rules.shortest_span or end <= begin:
            return False
        if before >= 0 and not _rests(site, before, begin):
            return False
        if not any(first <= begin and end <= last for first, last in site.hours):
            return False
        before = end
    return not rules.lunch_break or _has_lunch(rules, shift)


def _rests(site: Site, ends: int, begins: int) -> bool:
    """Whether a break is long enough; the centre's own closing always is."""
    if not any(first <= ends and begins <= last for first, last in site.hours):
        return ends < begins
    return (begins - ends) * site.rules.grid_minutes >= max(site.rules.shortest_break, 1)


def _has_lunch(rules: ShiftRules, shift: Shift) -> bool:
    grid = rules.grid_minutes
    if not shift or shift[0][0] * grid >= rules.lunch_from or shift[-1][1] * grid <= rules.lunch_to:
        return True
    for (_, ends), (begins, _) in pairwise(shift):
        closed = min(begins * grid, rules.lunch_to) - max(ends * grid, rules.lunch_from)
        if closed >= rules.lunch_break:
            return True
    return False


def crew_keeps(crew: Crew, shifts: Sequence[Shift]) -> bool:
    """Whether an officer can be where the plan wants her, within her hours."""
    spans = sorted(span for k in crew.counters for span in shifts[k])
    if not spans:
        return True
    if spans[0][0] < crew.first or spans[-1][1] > crew.last:
        return False
    if sum(end - begin for begin, end in spans) > crew.paid:
        return False
    if spans[-1][1] - spans[0][0] > crew.longest:
        return False
    return all(one[1] <= two[0] for one, two in pairwise(spans))


def covers(site: Site, opened: np.ndarray) -> bool:
    """Whether each service, and priority, has its counters at every open hour."""
    rules = site.rules
    if (site.skills @ opened)[:, site.asked].min() < rules.least_per_service:
        return False
    if rules.most_open and opened.sum(axis=0).max() > rules.most_open:
        return False
    return not site.preferring.any() or bool(
        opened[site.preferring].sum(axis=0)[site.asked].min() >= least_priority(site)
    )


def least_priority(site: Site) -> int:
    """So many priority counters stay open; no more than there are."""
    return min(site.rules.least_priority, int(site.preferring.sum()))


def broken(site: Site, plan: Plan, minutes: float) -> str:
    """The first rule that the plan breaks, in words; nothing if it keeps them all."""
    if plan.cells * site.rules.grid_minutes > minutes:
        return "more counter-minutes than given"
    for place, shift in enumerate(plan.shifts):
        if not shift_keeps(site, shift):
            return f"the spans of counter {site.counters[place].id}"
    for crew in site.crews:
        if not crew_keeps(crew, plan.shifts):
            return f"the hours of officer {crew.name or site.counters[crew.counters[0]].id}"
    if sum(home != 0 for home in plan.homes) > site.rules.home_changes:
        return "too many changes of home service"
    return "" if covers(site, site.opened(plan)) else "a service without a counter"


def roster_of(site: Site, plan: Plan) -> Roster:
    """The plan as it is written down; a counter that stays closed does not stand in it."""
    grid = site.rules.grid_minutes
    officer = {k: crew.name for crew in site.crews for k in crew.counters}
    found = []
    for place, counter in enumerate(site.counters):
        if not plan.shifts[place]:
            continue
        home = counter.serves[plan.homes[place]]
        found.append(
            RosterCounter(
                id=counter.id,
                serves=(home, *(s for s in counter.serves if s != home)),
                open=tuple((float(a * grid), float(b * grid)) for a, b in plan.shifts[place]),
                officer=officer[place],
                priority=counter.priority,
            )
        )
    return Roster(counters=tuple(found))
