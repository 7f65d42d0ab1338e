"""A bound that no calling rule can beat: below every replay, and near the best one."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest

from queue_server.twin.bound import bound, pose, relaxed
from queue_server.twin.day import Day, DayCounter, DayService, DayVisitor

Spans = tuple[tuple[float, float], ...]
SERVICES = ("A", "B", "C")


def day_of(
    visitors: list[tuple[float, str, float]], counters: list[tuple[str, Spans]], **more: object
) -> Day:
    """`visitors`: arrives, service, minutes; `counters`: the services as letters, spans."""
    return Day(
        services=tuple(DayService(id=s) for s in SERVICES),
        counters=tuple(
            DayCounter(id=n, serves=tuple(serves), open=spans)
            for n, (serves, spans) in enumerate(counters, 1)
        ),
        visitors=tuple(DayVisitor(arrives=a, service=s, minutes=m) for a, s, m in visitors),
        **more,  # type: ignore[arg-type]
    )


def random_day(
    chance: Random, visitors: int, counters: list[tuple[str, Spans]], last: float
) -> Day:
    came = sorted(
        (chance.uniform(480, last), chance.choice(SERVICES), chance.lognormvariate(1.8, 0.7))
        for _ in range(visitors)
    )
    return day_of(came, counters)


def start_at(counter: DayCounter, at: float, last: float) -> float:
    """The first minute from `at` at which a visit may start there; inf: none."""
    for begin, end in counter.open:
        if at < end or end == last:
            return max(at, begin)
    return math.inf


def best_of_all(day: Day) -> float:
    """The clairvoyant optimum: every order at every counter, cut where it cannot win any more."""
    last = max(c.open[-1][1] for c in day.counters)
    best = math.inf

    def extend(left: tuple[DayVisitor, ...], free: tuple[float, ...], waited: float) -> None:
        nonlocal best
        if not left:
            best = min(best, waited)
        if waited >= best:
            return
        for n, visitor in enumerate(left):
            for k, counter in enumerate(day.counters):
                if visitor.service not in counter.serves:
                    continue
                start = start_at(counter, max(free[k], visitor.arrives), last)
                if start < math.inf:
                    ends = (*free[:k], start + (visitor.minutes or 0), *free[k + 1 :])
                    extend(left[:n] + left[n + 1 :], ends, waited + start - visitor.arrives)

    extend(day.visitors, (0.0,) * len(day.counters), 0.0)
    return best / len(day.visitors)


def first_come(day: Day) -> float:
    """Each visitor in turn goes where she can start soonest."""
    last = max(c.open[-1][1] for c in day.counters)
    free = dict.fromkeys((c.id for c in day.counters), 0.0)
    waited = 0.0
    for visitor in day.visitors:
        able = [c for c in day.counters if visitor.service in c.serves]
        starts = {c.id: start_at(c, max(free[c.id], visitor.arrives), last) for c in able}
        counter = min(starts, key=lambda one: starts[one])
        free[counter] = starts[counter] + (visitor.minutes or 0)
        waited += starts[counter] - visitor.arrives
    return waited / len(day.visitors)


ALL_DAY: Spans = ((480.0, 960.0),)
PAIRS: dict[str, list[tuple[str, Spans]]] = {
    "full skills": [("ABC", ALL_DAY), ("ABC", ALL_DAY)],
    "mixed skills": [("AB", ALL_DAY), ("BCA", ALL_DAY)],
    "one closes": [("ABC", ((480.0, 492.0),)), ("ABC", ALL_DAY)],
    "a break": [("ABC", ((480.0, 489.0), (510.0, 960.0))), ("ABC", ((485.0, 500.0),))],
    "all close early": [("ABC", ((480.0, 490.0),)), ("ABC", ((480.0, 490.0),))],
}


@pytest.mark.parametrize("counters", PAIRS.values(), ids=PAIRS)
@pytest.mark.parametrize("pooled", [True, False])
def test_it_is_below_the_best_of_all_orders_and_near_it(
    counters: list[tuple[str, Spans]], pooled: bool
) -> None:
    chance, shares = Random(7), []
    for visitors in (5, 6, 6, 7, 7):
        day = random_day(chance, visitors, counters, last=488.0)
        found, best = bound(day, pooled).mean, best_of_all(day)
        assert found <= best + 1e-6
        if best > 2:
            shares.append(found / best)
    assert sum(shares) / len(shares) > 0.6


CROWD: list[tuple[str, Spans]] = [
    ("AB", ((480.0, 600.0), (660.0, 900.0))),
    ("BC", ((480.0, 700.0),)),
    ("ABC", ((500.0, 900.0),)),
    ("CA", ((480.0, 560.0), (590.0, 800.0))),
]


@pytest.mark.parametrize("seed", range(6))
def test_first_come_never_beats_it_and_skills_only_raise_it(seed: int) -> None:
    day = random_day(Random(seed), 130, CROWD, last=880.0)
    pooled, skilled = bound(day), bound(day, pooled=False)
    assert 0 < pooled.mean <= skilled.mean <= skilled.reached < first_come(day)


def test_ample_counters_leave_no_wait() -> None:
    day = random_day(Random(1), 30, [("ABC", ALL_DAY)] * 30, last=900.0)
    assert bound(day).mean == bound(day, pooled=False).mean == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("counters", PAIRS.values(), ids=PAIRS)
@pytest.mark.parametrize("pooled", [True, False])
def test_any_prices_give_a_bound_and_no_price_gives_none(
    counters: list[tuple[str, Spans]], pooled: bool
) -> None:
    day, chance = random_day(Random(3), 6, counters, last=490.0), np.random.default_rng(3)
    problem, first, _ = pose(day, pooled) or pytest.fail("nobody shows")
    over = np.zeros(problem.closes.shape)
    assert relaxed(problem, first * 0, over) == 0.0
    best = best_of_all(day) * len(day.visitors)
    for height in (0.05, 0.2, 0.5, 1.0, 3.0):
        prices, over = height * chance.random(first.shape), 5 * chance.random(over.shape)
        assert relaxed(problem, prices, over) <= best + 1e-6


def test_a_day_of_nobody_or_of_no_counter_waits_for_nothing() -> None:
    assert bound(day_of([], [("A", ALL_DAY)])).mean == 0.0
    assert bound(day_of([(480.0, "A", 5.0)], [("A", ())])).mean == 0.0


@pytest.mark.parametrize("seed", range(4))
def test_a_counter_more_never_raises_it(seed: int) -> None:
    day = random_day(Random(seed), 130, CROWD, last=880.0)
    more = random_day(Random(seed), 130, [*CROWD, ("AB", ((480.0, 700.0),))], last=880.0)
    assert bound(more).mean <= bound(day).mean * 1.02


def test_a_visit_begun_before_closing_is_ended_and_the_next_waits_for_who_stays() -> None:
    """Two long visits begin at once; one counter closes under its visit, so the third waits for the other."""
    counters: list[tuple[str, Spans]] = [("A", ((480.0, 490.0),)), ("A", ALL_DAY)]
    day = day_of([(480.0, "A", 30.0), (480.0, "A", 30.0), (485.0, "A", 60.0)], counters)
    assert best_of_all(day) == pytest.approx(25.0 / 3)
    assert bound(day).mean == pytest.approx(25.0 / 3, rel=0.2)
    assert bound(day).mean <= 25.0 / 3


def test_spans_that_touch_are_one() -> None:
    counters: list[tuple[str, Spans]] = [("A", ALL_DAY), ("A", ((480.0, 700.0),))]
    cut: list[tuple[str, Spans]] = [("A", ALL_DAY), ("A", ((480.0, 490.0), (490.0, 700.0)))]
    visitors = [(480.0, "A", 20.0)] * 6
    assert bound(day_of(visitors, cut)) == bound(day_of(visitors, counters))


def test_who_does_not_show_costs_no_wait_and_who_is_booked_waits_from_then() -> None:
    counters: list[tuple[str, Spans]] = [("A", ALL_DAY)]
    absent = DayVisitor(arrives=480.0, service="A", minutes=50.0, shows=False)
    first = DayVisitor(arrives=480.0, service="A", minutes=20.0)
    booked = DayVisitor(arrives=480.0, service="A", minutes=5.0, booked=500.0)
    day = day_of([], counters)
    day = Day(services=day.services, counters=day.counters, visitors=(absent, first, booked))
    assert bound(day).mean == 0.0
