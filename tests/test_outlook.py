"""Looks ahead: a line about to break is foretold, a calm one alarms nobody, and nothing unseen is read."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest

from queue_server.line.rule import NOBODY, Weights
from queue_server.twin import fast
from queue_server.twin.alarms import Alarm, Alarms, Breach, breaches_of, scored
from queue_server.twin.day import Day, DayCounter, DayService, DayVisitor
from queue_server.twin.foretell import belief_of
from queue_server.twin.learn import Knowledge
from queue_server.twin.outlook import Look, later_waits, look_ahead
from queue_server.twin.replay import Layout, fresh_run, laid_out

SERVICES = (DayService(id="S0", mean_minutes=5.0), DayService(id="S1", mean_minutes=5.0))


def made_day(arrivals: list[tuple[float, str]], minutes: float = 5.0) -> Day:
    """Two counters, one a service, from 8:00 to 12:00."""
    return Day(
        services=SERVICES,
        counters=tuple(
            DayCounter(id=k + 1, serves=(f"S{k}",), open=((480.0, 720.0),)) for k in (0, 1)
        ),
        visitors=tuple(
            DayVisitor(arrives=at, service=s, minutes=minutes) for at, s in sorted(arrivals)
        ),
    )


def played(day: Day, now: float) -> tuple[Layout, Any]:
    layout = laid_out(day, array=fast.array)
    run = fresh_run(layout.rows, layout.hall.counters, layout.hall.services, fast.array)
    fast.play(
        layout.hall, layout.line, layout.truth, layout.arrivals, run, 0, Weights(), now, NOBODY
    )  # fmt: skip
    return layout, run


def looked(day: Day, now: float, knowledge: Knowledge = Knowledge()) -> Look:
    layout, run = played(day, now)
    belief = belief_of(day, layout, knowledge)
    return look_ahead(layout.hall, layout.line, run, 0, Weights(), now, belief)


RUSH = [(500.0 + 0.1 * k, "S0") for k in range(12)] + [(500.5, "S1")]


def test_a_line_that_grows_over_what_its_counter_can_do_is_foretold() -> None:
    look = looked(made_day(RUSH), 502.0)
    half_past = look.chance[0, 1]
    assert half_past > 0.9 and look.wait[0, 1] > 20
    assert look.breaches(0.5)[0][:2] in {(0, 17), (0, 18)}
    told = {(a.service, a.minutes_ahead): a for a in look.ahead}
    assert set(told) == {(s, m) for s in (0, 1) for m in (15, 30, 60)}
    assert told[0, 30].wait is not None and 15 < told[0, 30].wait < 45 and told[0, 30].chance > 0.9


def test_an_empty_hall_is_calm() -> None:
    look = looked(made_day([(500.0, "S0")]), 520.0)
    assert look.chance.max() == 0.0 and not look.breaches(0.05)
    assert all(a.wait is None for a in look.ahead)


def test_those_already_called_in_this_half_hour_count() -> None:
    day = made_day([(480.0, "S0"), (480.0, "S0")], minutes=40.0)
    layout, run = played(day, 521.0)  # the second was called at 520, having waited 40 minutes
    look = look_ahead(
        layout.hall, layout.line, run, 0, Weights(), 521.0, belief_of(day, layout, Knowledge())
    )
    assert look.first == 17 and look.chance[0, 0] == 1.0 and look.wait[0, 0] == 40.0


def test_equal_numbers_draw_equal_futures() -> None:
    first, second = looked(made_day(RUSH), 502.0), looked(made_day(RUSH), 502.0)
    assert np.array_equal(first.tally.waited, second.tally.waited)


def test_a_look_reads_nothing_that_is_not_known_yet() -> None:
    now = 502.0
    other = [DayVisitor(arrives=at, service=s, minutes=17.0, shows=at < 501.0) for at, s in RUSH]
    coming = [DayVisitor(arrives=now + 1 + k, service="S1", minutes=9.0) for k in range(20)]
    changed = Day(
        SERVICES, made_day(RUSH).counters, tuple(sorted([*other, *coming], key=lambda v: v.arrives))
    )
    assert np.array_equal(looked(made_day(RUSH), now).chance, looked(changed, now).chance)


def test_a_look_does_not_know_the_true_speed_of_a_counter() -> None:
    day = made_day(RUSH)
    slow = tuple(msgspec.structs.replace(c, speed={"S0": 0.2}) for c in day.counters)
    slower = msgspec.structs.replace(day, counters=slow)
    assert np.array_equal(looked(day, 500.05).chance, looked(slower, 500.05).chance)


def test_later_waits_tell_when_the_line_will_be_short() -> None:
    came = tuple((float(at), "S0") for at in range(485, 715, 10))
    day = made_day(RUSH)
    past = made_day(list(came))
    from queue_server.twin.learn import learned

    layout, run = played(day, 502.0)
    belief = belief_of(day, layout, learned([past]))
    later = later_waits(layout.hall, layout.line, run, 0, Weights(), 502.0, belief, 720.0)
    minutes = {w.half_hour: w.minutes for w in later if w.service == 0}
    assert set(minutes) == set(range(16, 24))
    assert minutes[16] > 20 > 12 > minutes[23]


# --- alarms ---------------------------------------------------------------------------------------


def test_a_breach_is_a_half_hour_by_call_and_tells_when_its_mean_passed() -> None:
    day = made_day([(480.0, "S0")] * 6, minutes=8.0)
    layout, run = played(day, math.inf)
    # Called at 0, 8, 16, 24 | 32, 40 after eight: means 12 in the first half-hour, 36 in the second.
    assert breaches_of(layout.line, run, 2) == [Breach(0, 17, 512.0, 36.0)]


def look_of(now: float, chance: float) -> Look:
    column = np.array([[0.0, chance, 0.0]])
    nothing: Any = None
    return Look(now, int(now // 30), (), column, column, nothing)


def test_an_alarm_stands_until_the_chance_is_clearly_lower() -> None:
    alarms = Alarms(raise_at=0.5, drop_at=0.3, ahead=30.0)
    raised = [
        bool(alarms.hear(look_of(480.0 + k, c))) for k, c in enumerate((0.6, 0.4, 0.55, 0.2, 0.3))
    ]
    assert raised == [True, False, False, False, False]
    assert alarms.all() == [Alarm(0, 17, 480.0, 0.6, withdrawn=483.0)]


@pytest.mark.parametrize(
    "raised, withdrawn, foretold", [(490.0, math.inf, 1), (505.0, math.inf, 0), (490.0, 500.0, 0)]
)
def test_foretold_means_standing_ten_minutes_before(
    raised: float, withdrawn: float, foretold: int
) -> None:
    breach = Breach(0, 17, 514.0, 20.0)
    score = scored([breach], [Alarm(0, 17, raised, 0.6, withdrawn)])
    assert (score.foretold, score.false_alarms) == (foretold, 0)


def test_a_half_hour_is_named_only_when_it_is_near() -> None:
    alarms = Alarms(ahead=15.0)
    assert not alarms.hear(look_of(490.0, 0.9)) and alarms.hear(look_of(495.0, 0.9))


def test_an_alarm_for_a_half_hour_that_came_out_well_is_false() -> None:
    score = scored(
        [Breach(0, 17, 514.0, 20.0)], [Alarm(0, 18, 490.0, 0.6), Alarm(1, 17, 490.0, 0.6)]
    )
    assert (score.alarms, score.false_alarms) == (2, 2)
    assert (score.episodes, score.false_episodes) == (2, 1)
