"""A replayed day in figures: waits, priority and ordinary apart, by service and half-hour; estimates' scores.

A visit's wait is the sum over its errands; who never showed up is counted apart. Percentiles are linearly
interpolated. All spans are minutes.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Protocol

from ..wire.words import Frozen
from .day import Day
from .replay import Called

TARGET = 15.0
HALF_HOUR = 30.0
SLACK = 0.05
"""A wait within three seconds of an interval's end counts as inside."""


class Told(Protocol):
    @property
    def p10(self) -> float: ...
    @property
    def p50(self) -> float: ...
    @property
    def p90(self) -> float: ...


class Waits(Frozen, omit_defaults=False):
    """Of `count` visits: mean, percentiles, share over the target (15), worst. Minutes; zeros where none was."""

    count: int = 0
    mean: float = 0.0
    p90: float = 0.0
    p95: float = 0.0
    over_15: float = 0.0
    worst: float = 0.0


class EstimateScore(Frozen, omit_defaults=False):
    """Told median − waited: mean absolute error, bias; share of waits inside the 80 % interval, its width."""

    count: int
    mae: float
    bias: float
    coverage: float
    width: float


class Summary(Frozen, omit_defaults=False):
    """`count` … `worst` are of all visits; `services` by the errand's service."""

    count: int
    mean: float
    p90: float
    p95: float
    over_15: float
    worst: float
    priority: Waits
    ordinary: Waits
    services: dict[str, Waits]
    half_hours: int
    """Services' half-hours (of the call) in which somebody was called."""
    half_hours_over_15: float
    """Share of them whose mean wait is over the target."""
    passed_most: int
    no_shows: int
    uncalled: int
    """Visitors whom no open counter could serve."""
    counter_minutes: float
    """Minutes that counters are planned to be open."""
    overtime_minutes: float
    """Minutes worked after the last closing time, over all counters."""
    load: float
    """Work that was done ÷ counter minutes."""
    estimates: EstimateScore | None = None
    decision_ms_p99: float | None = None
    decisions: int = 0


def quantile(values: Sequence[float], share: float) -> float:
    """Of sorted values, linearly interpolated; 0 when there are none."""
    if not values:
        return 0.0
    place = share * (len(values) - 1)
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (values[high] - values[low]) * (place - low)


def waits_of(values: Iterable[float], target: float = TARGET) -> Waits:
    ordered = sorted(values)
    if not ordered:
        return Waits()
    return Waits(
        count=len(ordered),
        mean=_round(sum(ordered) / len(ordered)),
        p90=_round(quantile(ordered, 0.90)),
        p95=_round(quantile(ordered, 0.95)),
        over_15=_round(sum(w > target for w in ordered) / len(ordered)),
        worst=_round(ordered[-1]),
    )


def summed_up(
    day: Day,
    found: Sequence[Sequence[Called]],
    told: Sequence[Told | None] = (),
    decisions: Sequence[float] = (),
    target: float = TARGET,
) -> Summary:
    """The day's figures. `decisions` are seconds that single decisions took."""
    visits = [
        (visitor, errands)
        for visitor, errands in zip(day.visitors, found, strict=True)
        if errands and visitor.shows
    ]
    everyone = [(v, sum(c.wait for c in errands)) for v, errands in visits]
    of_all = waits_of((w for _, w in everyone), target)
    shares = _half_hours(visits, target)
    last = max((end for c in day.counters for _, end in c.open), default=0.0)
    minutes = sum(end - begin for c in day.counters for begin, end in c.open)
    calls = [call for errands in found for call in errands]
    return Summary(
        count=of_all.count,
        mean=of_all.mean,
        p90=of_all.p90,
        p95=of_all.p95,
        over_15=of_all.over_15,
        worst=of_all.worst,
        priority=waits_of((w for v, w in everyone if v.priority), target),
        ordinary=waits_of((w for v, w in everyone if not v.priority), target),
        services=_by_service(day, visits, target),
        half_hours=len(shares),
        half_hours_over_15=_round(sum(shares) / len(shares)) if shares else 0.0,
        passed_most=max((c.passed for c in calls), default=0),
        no_shows=sum(not v.shows for v in day.visitors),
        uncalled=sum(not errands for errands in found),
        counter_minutes=_round(minutes),
        overtime_minutes=_round(sum(max(0.0, c.finished - max(c.called, last)) for c in calls)),
        load=_round(sum(c.finished - c.called for c in calls) / minutes) if minutes else 0.0,
        estimates=_scored(day, found, told) if any(told) else None,
        decision_ms_p99=_round(1000 * quantile(sorted(decisions), 0.99)) if decisions else None,
        decisions=len(calls),
    )


def _round(value: float) -> float:
    return round(value, 4)


def _by_service(
    day: Day, visits: Sequence[tuple[object, Sequence[Called]]], target: float
) -> dict[str, Waits]:
    waits: dict[str, list[float]] = {s.id: [] for s in day.services}
    for _, errands in visits:
        for call in errands:
            waits[call.service].append(call.wait)
    return {service: waits_of(values, target) for service, values in waits.items()}


def _half_hours(visits: Sequence[tuple[object, Sequence[Called]]], target: float) -> list[bool]:
    """Whether each service's half-hour, by the moment of the call, was over the target."""
    waits: dict[tuple[str, int], list[float]] = defaultdict(list)
    for _, errands in visits:
        for call in errands:
            waits[(call.service, int(call.called // HALF_HOUR))].append(call.wait)
    return [sum(values) / len(values) > target for values in waits.values()]


def _scored(
    day: Day, found: Sequence[Sequence[Called]], told: Sequence[Told | None]
) -> EstimateScore | None:
    """Estimates against the wait of the first errand, which is what was estimated."""
    pairs = [
        (said, errands[0].wait)
        for visitor, errands, said in zip(day.visitors, found, told, strict=True)
        if said is not None and errands and visitor.shows
    ]
    if not pairs:
        return None
    count = len(pairs)
    return EstimateScore(
        count=count,
        mae=_round(sum(abs(said.p50 - wait) for said, wait in pairs) / count),
        bias=_round(sum(said.p50 - wait for said, wait in pairs) / count),
        coverage=_round(
            sum(said.p10 - SLACK <= wait <= said.p90 + SLACK for said, wait in pairs) / count
        ),
        width=_round(sum(said.p90 - said.p10 for said, _ in pairs) / count),
    )
