"""What past days teach: minutes by service, paces of counters, spread, absences, and when people come.

Only what a centre knows afterwards is read: who was called where, when, and until when. Means are robust (one
endless visit teaches little) and shrunk (few visits teach little).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ..line.rule import HELPS_SLOWER
from .day import Day, DayVisitor

PRIOR_VISITS = 10.0
"""A service's set mean counts like so many visits."""
PRIOR_PACE = 25.0
"""The pace of all counters that help out counts like so many visits of this one."""
PRIOR_HELPS = 40.0
LONGEST = 6.0
"""A visit of more than so many times its service's mean counts as so many."""
START_SIGMA = 0.65
"""Spread (σ of the logarithm) believed of a service before any visit."""
START_ABSENT = 0.05
PASSES = 4


@dataclass(frozen=True)
class Visit:
    """One visit that has been: minutes spent at a counter, and what was known of it beforehand."""

    service: str
    counter: str
    home: bool
    minutes: float
    expected: float | None
    prepared: bool
    copies: int | None


@dataclass(frozen=True)
class Came:
    """Somebody who came on a past day: when, for what, how urgent, and what could be foretold."""

    at: float
    service: str
    priority: bool
    expected: float | None


@dataclass(frozen=True)
class Knowledge:
    """What is believed before the day. `minutes_of` and `pace_of` are what the rule asks."""

    means: dict[str, float] = field(default_factory=dict)
    sigmas: dict[str, float] = field(default_factory=dict)
    foretold_sigmas: dict[str, float] = field(default_factory=dict)
    """Spread that is left when a visit's minutes were foretold."""
    foretold: dict[str, float] = field(default_factory=dict)
    """What visits took ÷ what was foretold of them."""
    prepared: float = 1.0
    per_copy: float = 0.0
    """Share of the mean that one copy more than usual adds."""
    copies: dict[str, float] = field(default_factory=dict)
    paces: dict[tuple[str, str], float] = field(default_factory=dict)
    helps: float = HELPS_SLOWER
    absent: float = START_ABSENT
    came: tuple[tuple[Came, ...], ...] = ()
    """By past day, in order of time."""

    def minutes_of(self, day: Day, place: int, service: str) -> float:
        """Expected minutes of this visitor's errand at a counter of mean pace."""
        visitor = day.visitors[place]
        if visitor.expected is not None and service == visitor.service:
            return visitor.expected * self.foretold.get(service, 1.0)
        mean = self.means.get(service) or next(
            s.mean_minutes for s in day.services if s.id == service
        )
        if service == visitor.service:
            mean *= self.shown(service, visitor.prepared, visitor.copies)
        return mean

    def shown(self, service: str, prepared: bool, copies: int | None) -> float:
        """Factor on the mean for what the kiosk knows of the visit."""
        factor = self.prepared if prepared else 1.0
        if copies is not None and service in self.copies:
            factor *= max(0.2, 1.0 + self.per_copy * (copies - self.copies[service]))
        return factor

    def pace_of(self, day: Day, place: int, service: str) -> float:
        """Factor on the minutes of a service at this counter."""
        counter = day.counters[place]
        known = self.paces.get((counter.officer or str(counter.id), service))
        if known is not None:
            return known
        return 1.0 if service == counter.serves[0] else self.helps

    def sigma_of(self, service: str, foretold: bool) -> float:
        table = self.foretold_sigmas if foretold else self.sigmas
        return table.get(service, START_SIGMA)


def learned(past: Sequence[Day]) -> Knowledge:
    """Knowledge from past days; from none, a sane start."""
    set_means = {s.id: s.mean_minutes for day in past for s in day.services}
    visits = [visit for day in past for visit in _visits(day)]
    if not visits:
        return Knowledge(came=tuple(_came(day) for day in past))
    means, helps = dict(set_means), HELPS_SLOWER
    paces: dict[tuple[str, str], float] = {}
    prepared, per_copy, copies = 1.0, 0.0, _usual_copies(visits)
    knowledge = Knowledge(means=means, copies=copies)
    for _ in range(PASSES):
        shown = [knowledge.shown(v.service, v.prepared, v.copies) for v in visits]
        here = [_pace(paces, helps, v) for v in visits]
        means = _means(visits, set_means, shown, here)
        norms = [means[v.service] * s for v, s in zip(visits, shown, strict=True)]
        helps, paces = _paces(visits, norms)
        here = [_pace(paces, helps, v) for v in visits]
        left = [
            _capped(v, means) / (means[v.service] * p) for v, p in zip(visits, here, strict=True)
        ]
        prepared = _prepared(visits, left)
        per_copy = _per_copy(visits, left, copies)
        knowledge = Knowledge(means=means, prepared=prepared, per_copy=per_copy, copies=copies)
    here = [_pace(paces, helps, v) for v in visits]
    shown = [knowledge.shown(v.service, v.prepared, v.copies) for v in visits]
    plain = [means[v.service] * s * p for v, s, p in zip(visits, shown, here, strict=True)]
    ratios = _foretold(visits, here)
    told = [
        None if v.expected is None else v.expected * ratios.get(v.service, 1.0) * p
        for v, p in zip(visits, here, strict=True)
    ]
    everyone = [visitor for day in past for visitor in day.visitors if visitor.called is not None]
    return Knowledge(
        means=means,
        sigmas=_sigmas(visits, plain),
        foretold_sigmas=_sigmas(visits, told),
        foretold=ratios,
        prepared=prepared,
        per_copy=per_copy,
        copies=copies,
        paces=paces,
        helps=helps,
        absent=(sum(not v.shows for v in everyone) + 2.0) / (len(everyone) + 2.0 / START_ABSENT),
        came=tuple(_came(day) for day in past),
    )


def _visits(day: Day) -> Iterator[Visit]:
    counters = {c.id: c for c in day.counters}
    for visitor in day.visitors:
        if not visitor.shows:
            continue
        for service, counter, called, finished, first in _served(visitor):
            where = counters.get(counter)
            if where is None or finished <= called:
                continue
            yield Visit(
                service=service,
                counter=where.officer or str(where.id),
                home=where.serves[0] == service,
                minutes=finished - called,
                expected=visitor.expected if first else None,
                prepared=visitor.prepared and first,
                copies=visitor.copies if first else None,
            )


def _served(visitor: DayVisitor) -> Iterator[tuple[str, int, float, float, bool]]:
    if visitor.called is not None and visitor.finished is not None and visitor.counter is not None:
        service = visitor.was or visitor.service
        yield service, visitor.counter, visitor.called, visitor.finished, service == visitor.service
    for f in visitor.further:
        if f.called is not None and f.finished is not None and f.counter is not None:
            yield f.service, f.counter, f.called, f.finished, f.service == visitor.service


def _came(day: Day) -> tuple[Came, ...]:
    found = [
        Came(
            at=max(v.arrives, v.booked or 0.0),
            service=v.service,
            priority=bool(v.priority),
            expected=v.expected,
        )
        for v in day.visitors
    ]
    return tuple(sorted(found, key=lambda c: c.at))


def _pace(paces: dict[tuple[str, str], float], helps: float, visit: Visit) -> float:
    return paces.get((visit.counter, visit.service), 1.0 if visit.home else helps)


def _capped(visit: Visit, means: dict[str, float]) -> float:
    return min(visit.minutes, LONGEST * means[visit.service])


def _means(
    visits: Sequence[Visit],
    set_means: dict[str, float],
    shown: Sequence[float],
    here: Sequence[float],
) -> dict[str, float]:
    sums: dict[str, list[float]] = {
        s: [PRIOR_VISITS * m, PRIOR_VISITS] for s, m in set_means.items()
    }
    for visit, factor, pace in zip(visits, shown, here, strict=True):
        total = sums[visit.service]
        total[0] += _capped(visit, set_means) / (factor * pace)
        total[1] += 1.0
    return {s: total / count for s, (total, count) in sums.items()}


def _paces(
    visits: Sequence[Visit], norms: Sequence[float]
) -> tuple[float, dict[tuple[str, str], float]]:
    """How much slower helping counters are on the whole, and each counter's pace by service."""
    took: dict[tuple[str, str, bool], float] = defaultdict(float)
    usual: dict[tuple[str, str, bool], float] = defaultdict(float)
    for visit, norm in zip(visits, norms, strict=True):
        key = (visit.counter, visit.service, visit.home)
        took[key] += min(visit.minutes, LONGEST * norm)
        usual[key] += norm
    mean = sum(norms) / len(norms)
    both = {}
    for home in (True, False):
        start = PRIOR_HELPS * mean
        believed = 1.0 if home else HELPS_SLOWER
        total = sum(t for key, t in took.items() if key[2] == home)
        expected = sum(u for key, u in usual.items() if key[2] == home)
        both[home] = (start * believed + total) / (start + expected)
    paces = {}
    for (counter, service, home), total in took.items():
        norm = PRIOR_PACE * mean
        around = 1.0 if home else both[False] / both[True]
        here = (counter, service, home)
        paces[(counter, service)] = (norm * around + total / both[True]) / (norm + usual[here])
    return both[False] / both[True], paces


def _usual_copies(visits: Sequence[Visit]) -> dict[str, float]:
    counted: dict[str, list[int]] = defaultdict(list)
    for visit in visits:
        if visit.copies is not None:
            counted[visit.service].append(visit.copies)
    return {service: sum(many) / len(many) for service, many in counted.items()}


def _prepared(visits: Sequence[Visit], left: Sequence[float]) -> float:
    ready = [x for v, x in zip(visits, left, strict=True) if v.prepared]
    if not ready:
        return 1.0
    return (PRIOR_PACE + sum(ready)) / (PRIOR_PACE + len(ready))


def _per_copy(visits: Sequence[Visit], left: Sequence[float], copies: dict[str, float]) -> float:
    """Least squares of what is left of the minutes on copies over the usual number, shrunk to nought."""
    above, spread = 0.0, 0.0
    for visit, x in zip(visits, left, strict=True):
        if visit.copies is not None:
            more = visit.copies - copies[visit.service]
            above += more * (x - 1.0)
            spread += more * more
    return above / (spread + PRIOR_PACE)


def _foretold(visits: Sequence[Visit], here: Sequence[float]) -> dict[str, float]:
    sums: dict[str, list[float]] = {}
    for visit, pace in zip(visits, here, strict=True):
        if visit.expected is not None:
            total = sums.setdefault(visit.service, [0.0, 0.0, 0.0])
            total[0] += min(visit.minutes, LONGEST * visit.expected) / pace
            total[1] += visit.expected
            total[2] += 1.0
    found = {}
    for service, (took, expected, count) in sums.items():
        start = PRIOR_PACE * expected / count
        found[service] = (start + took) / (start + expected)
    return found


def _sigmas(visits: Sequence[Visit], expected: Iterable[float | None]) -> dict[str, float]:
    """Spread of the logarithm of minutes ÷ expected, by service, shrunk to the start."""
    logs: dict[str, list[float]] = defaultdict(list)
    for visit, foretold in zip(visits, expected, strict=True):
        if foretold is not None:
            logs[visit.service].append(math.log(max(visit.minutes, 0.05) / foretold))
    found = {}
    for service, values in logs.items():
        mean = sum(values) / len(values)
        variance = sum((x - mean) ** 2 for x in values)
        start = PRIOR_VISITS * START_SIGMA**2
        found[service] = math.sqrt((start + variance) / (PRIOR_VISITS + len(values)))
    return found
