"""`python -m bench.roster`: what moving counter-hours gains, on days that no plan has learned from.

History is twenty days called in strict order on twelve counters open all day; plans have the same
counter-minutes. All plans meet the same forty other days, also with a busload that none of them knows.
Load is expected work, those who will not show counted as if they came, over counter-minutes.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec.structs import replace

from queue_server.line.rule import NOBODY, ORDINARY, Weights
from queue_server.twin import baselines, fast
from queue_server.twin.day import Day, Roster, RosterCounter, with_roster
from queue_server.twin.generate import FAMILIES, centre_of, day_of_centre
from queue_server.twin.history import as_history
from queue_server.twin.learn import Knowledge, learned
from queue_server.twin.replay import fresh_run, laid_out, replay
from queue_server.twin.roster.plan import Effort, plan_roster
from queue_server.twin.roster.trial import MEAN, ORDINARY_95, PRIORITY

VOLUME = 95 * 60.0
HISTORY, UNSEEN = range(20), range(100, 140)
FIXED = 12
Row = tuple[str, str, str]
AIM = "mean ≤ 15, ordinary P95 ≤ 45, priority P95 ≤ 15"


def made_day(load: float, seed: int, counters: int = 24, surge: bool = False) -> Day:
    """A day of the centre with so many counters that may be opened."""
    name = "roster" if counters == 24 else f"roster{counters}"
    FAMILIES.setdefault(name, dataclasses.replace(FAMILIES["roster"], counters=counters))
    centre = centre_of(name)
    family = dataclasses.replace(centre.family, surge=surge)
    return day_of_centre(dataclasses.replace(centre, family=family), load, seed, VOLUME)


def fixed_roster(day: Day) -> Roster:
    """The first counters, which serve each service at home, open all day; the last of them a little less."""
    found, left = [], VOLUME
    for counter in day.counters[:FIXED]:
        begin, end = counter.open[0]
        end = min(end, begin + left)
        left -= end - begin
        found.append(RosterCounter(id=counter.id, serves=counter.serves, open=((begin, end),)))
    return Roster(counters=tuple(found))


def past_day(load: float, seed: int, counters: int = 24) -> Day:
    day = made_day(load, seed, counters)
    opened = with_roster(day, fixed_roster(day))
    been = as_history(opened, replay(opened, "strict"))
    closed = [replace(c, open=()) for c in day.counters[FIXED:]]
    return replace(been, counters=(*been.counters, *closed))


def played(
    days: Sequence[Day], roster: Roster, policy: str, knowledge: Knowledge
) -> dict[str, float]:
    """Waits pooled over the days, and the mean minutes past closing."""
    waits, priority, late, long = [], [], [], []
    for day in days:
        layout = laid_out(with_roster(day, roster), policy, knowledge, fast.array)
        hall, line = layout.hall, layout.line
        run = fresh_run(layout.rows, hall.counters, hall.services, fast.array)
        kind = baselines.KINDS[policy]
        fast.play(hall, line, layout.truth, layout.arrivals, run, kind, Weights(), np.inf, NOBODY)
        wait = run.called - line.since
        waits.append(wait)
        priority.append(line.rank < ORDINARY)
        late.append(max(0.0, run.finished.max() - layout.last_closing))
        bins = (line.since // 30).astype(int)
        many = np.bincount(bins)
        sums = np.bincount(bins, weights=wait)
        long.append((sums[many > 0] > MEAN * many[many > 0]).mean())
    every, first = np.concatenate(waits), np.concatenate(priority)
    return {
        "mean": float(every.mean()),
        "ordinary_95": float(np.percentile(every[~first], 95)),
        "priority_95": float(np.percentile(every[first], 95)),
        "half_hours": float(np.mean(long)),
        "late": float(np.mean(late)),
    }


def told(found: dict[str, float]) -> str:
    kept = (
        found["mean"] <= MEAN
        and found["ordinary_95"] <= ORDINARY_95
        and found["priority_95"] <= PRIORITY
    )
    return (
        f"mean {found['mean']:.1f}, {found['ordinary_95']:.0f}, {found['priority_95']:.1f}; "
        f"{found['half_hours']:.0%} of half-hours over 15; closes {found['late']:.0f} min late"
        f"{'' if kept else '  ✗'}"
    )


def measure_roster(
    loads: Sequence[float] = (0.9, 0.95),
    counters: Sequence[int] = (24,),
    seconds: float = 25.0,
    policies: Sequence[str] = ("balanced",),
) -> tuple[dict[str, Any], list[Row]]:
    """Fixed hours, the first plan and the final plan, as numbers and as rows."""
    found: dict[str, Any] = {}
    rows: list[Row] = []
    for many in counters:
        for load in loads:
            history = [past_day(load, seed, many) for seed in HISTORY]
            begun = time.monotonic()
            planned = plan_roster(history, VOLUME, effort=Effort(seconds=seconds))
            took = time.monotonic() - begun
            knowledge = learned(history)
            rosters = {
                "fixed hours": fixed_roster(history[0]),
                "first plan": planned.first,
                "plan": planned.roster,
            }
            for surge in (False, True):
                days = [made_day(load, seed, many, surge) for seed in UNSEEN]
                for policy in policies:
                    for name, roster in rosters.items():
                        came = played(days, roster, policy, knowledge)
                        came["plan_seconds"] = took
                        where = f"load {load:.2f}, {many} counters{', surge' if surge else ''}"
                        found[f"{where}: {name}, {policy}"] = came
                        aim = AIM if name == "plan" else "–"
                        rows.append((f"roster {where}: {name}, {policy}", told(came), aim))
    return found, rows


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench.roster", description=__doc__)
    parser.add_argument("--loads", type=float, nargs="+", default=[0.9, 0.95])
    parser.add_argument("--counters", type=int, nargs="+", default=[24])
    parser.add_argument("--seconds", type=float, default=25.0, help="for each plan")
    parser.add_argument("--policies", nargs="+", default=["balanced"])
    args = parser.parse_args(arguments)
    _, rows = measure_roster(args.loads, args.counters, args.seconds, args.policies)
    for row in rows:
        print("  ".join(row))
    return 0


if __name__ == "__main__":
    sys.exit(main())
