"""`python -m bench.waits`: what visitors are told, against what they waited, on unseen days.

Beside ours stands an oracle: the same futures, which know the centre's true means, spreads, paces, absences and
arrivals. Ours knows ten past days. `quick` is the table that a kiosk reads: futures of a newcomer of that line,
made up to ten seconds before she comes. `naive` is people ahead × mean ÷ counters.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np

from queue_server.line.rule import NOBODY, ORDINARY, Weights
from queue_server.twin import baselines, fast, futures
from queue_server.twin.day import Day
from queue_server.twin.everyone import Ghosts, calls_in
from queue_server.twin.foretell import Calibration, belief_of, replay_telling
from queue_server.twin.generate import centre_of, generate
from queue_server.twin.learn import Knowledge, learned
from queue_server.twin.replay import fresh_run, laid_out

from .days import history_of

CASES = (("mixed", 0.86), ("paired", 0.78), ("full", 0.86), ("slower", 0.78), ("foretold", 0.86))
PAST, UNSEEN = range(10), range(100, 110)
ORACLE_FUTURES, ORACLE_DAYS = 40, 40
TABLE_AGE = 10 / 60
QUICK_FUTURES = 24
Row = tuple[str, str, str]


@dataclass
class Scores:
    """By day: absolute errors, errors, whether inside, widths."""

    days: list[list[tuple[float, float, bool, float]]] = field(default_factory=list)

    def add(self, day: list[tuple[float, float, bool, float]]) -> None:
        self.days.append(day)

    def figures(self) -> dict[str, float]:
        rows = np.array([row for day in self.days for row in day], dtype=float)
        error, bias, inside, width = rows.mean(axis=0)
        low, high = self._between()
        return {
            "mae": float(error),
            "mae_low": low,
            "mae_high": high,
            "bias": float(bias),
            "coverage": float(inside),
            "width": float(width),
            "count": float(len(rows)),
        }

    def _between(self) -> tuple[float, float]:
        chance = np.random.default_rng(1)
        sums = np.array([(sum(r[0] for r in day), len(day)) for day in self.days], dtype=float)
        drawn = sums[chance.integers(0, len(sums), (400, len(sums)))].sum(axis=1)
        low, high = np.quantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975))
        return float(low), float(high)


def oracle_of(family: str, load: float) -> Knowledge:
    """What nobody can know: the centre itself."""
    centre = centre_of(family)
    day = generate(family, load, 1)
    spread = np.sqrt(np.log(1 + centre.cvs**2))
    left = math.sqrt(1 - centre.family.foretold)
    services = [s.id for s in day.services]
    past = [generate(family, load, 5_000 + k) for k in range(ORACLE_DAYS)]
    return Knowledge(
        means={s: float(m) for s, m in zip(services, centre.means, strict=True)},
        sigmas={s: float(x) for s, x in zip(services, spread, strict=True)},
        foretold_sigmas={s: float(x) * left for s, x in zip(services, spread, strict=True)},
        paces={(str(c.id), s): 1 / c.speed.get(s, 1.0) for c in day.counters for s in c.serves},
        absent=centre.family.no_show,
        came=learned(past).came,
    )


def told(day: Day, knowledge: Knowledge, many: int, calibration: Calibration) -> list[Any]:
    out, run, said = replay_telling(
        day, "balanced", Weights(), knowledge, many=many, calibration=calibration
    )
    found = []
    for k, visitor in enumerate(day.visitors):
        one = said[k]
        if visitor.shows and one is not None:
            waited = float(run.called[k] - out.line.since[k])
            inside = one.p10 - 0.05 <= waited <= one.p90 + 0.05
            found.append((abs(one.p50 - waited), one.p50 - waited, inside, one.p90 - one.p10))
    return found


def quick(day: Day, knowledge: Knowledge) -> tuple[list[Any], list[Any]]:
    """(the table's, naive) scores of a day."""
    weights, kind, chance = Weights(), baselines.KINDS["balanced"], Random(1)
    out = laid_out(day, "balanced", knowledge, fast.array)
    hall, line = out.hall, out.line
    run = fresh_run(out.rows, hall.counters, hall.services, fast.array)
    belief = belief_of(day, out, knowledge)
    room = futures.room(out.rows, hall.counters, hall.services)
    pace, nobody = np.zeros(len(hall.pace)), np.zeros(0, dtype=np.int64)
    means = [knowledge.means.get(s.id, s.mean_minutes) for s in day.services]
    made, naive = [], []
    for k in sorted(range(len(day.visitors)), key=lambda v: day.visitors[v].arrives):
        at = max(0.0, day.visitors[k].arrives - chance.uniform(0.0, TABLE_AGE))
        fast.play(hall, line, out.truth, out.arrivals, run, kind, weights, at, NOBODY)
        service = int(line.service[k])
        ghost = Ghosts(
            np.array([service]), np.array([int(line.rank[k])]), np.array([float(means[service])])
        )
        calls = np.zeros((QUICK_FUTURES, int(run.count[0])))
        ghosts = np.zeros((QUICK_FUTURES, 1))
        calls_in(
            room, hall, pace, line, run, kind, weights, at, belief, nobody, np.zeros(0), ghost, k,
            QUICK_FUTURES, calls, ghosts,
        )  # fmt: skip
        made.append([float(x) - at for x in np.quantile(ghosts[:, 0], (0.1, 0.5, 0.9))])
        able = [
            c for c in range(hall.counters) if run.open[c] and hall.can[c * hall.services + service]
        ]
        ahead = int(run.in_line[service])
        if int(line.rank[k]) < ORDINARY:
            ahead = sum(
                line.service[r] == service and line.rank[r] < ORDINARY
                for r in run.order[: run.count[0]]
            )
        naive.append(ahead * means[service] / max(1, len(able)))
    fast.play(hall, line, out.truth, out.arrivals, run, kind, weights, math.inf, NOBODY)
    order = sorted(range(len(day.visitors)), key=lambda v: day.visitors[v].arrives)
    table, plain = [], []
    for k, (low, middle, high), guess in zip(order, made, naive, strict=True):
        if day.visitors[k].shows:
            waited = float(run.called[k] - line.since[k])
            inside = low - 0.05 <= waited <= high + 0.05
            table.append((abs(middle - waited), middle - waited, inside, high - low))
            plain.append((abs(guess - waited), guess - waited, False, 0.0))
    return table, plain


def measure_waits(
    cases: tuple[tuple[str, float], ...] = CASES, unseen: range = UNSEEN
) -> tuple[dict[str, Any], list[Row]]:
    found: dict[str, Any] = {}
    rows: list[Row] = []
    for family, load in cases:
        past, truth = history_of(family, load, PAST), oracle_of(family, load)
        scores = {name: Scores() for name in ("ours", "oracle", "quick", "naive")}
        ours, plain = Calibration(), Calibration(step=0.0)
        for seed in unseen:
            day = generate(family, load, seed)
            scores["ours"].add(told(day, past, futures.FUTURES, ours))
            scores["oracle"].add(told(day, truth, ORACLE_FUTURES, plain))
            for name, score in zip(("quick", "naive"), quick(day, past), strict=True):
                scores[name].add(score)
        figures = {name: score.figures() for name, score in scores.items()}
        found[family] = {"load": load, **figures}
        rows += _rows(family, load, figures)
    return found, rows


def _rows(family: str, load: float, of: dict[str, dict[str, float]]) -> list[Row]:
    ours, oracle, table, naive = (of[n] for n in ("ours", "oracle", "quick", "naive"))
    between = f"{ours['mae_low']:.1f}–{ours['mae_high']:.1f}"
    where = f"(g) {family} at {load:.2f}:"
    return [
        (
            f"{where} MAE",
            f"{ours['mae']:.2f} min ({between}) = {ours['mae'] / oracle['mae']:.2f} × oracle",
            "≤ 1.15 × oracle",
        ),
        (
            f"{where} 80 % interval",
            f"covers {ours['coverage']:.1%}, {ours['width']:.1f} wide; oracle {oracle['width']:.1f}",
            "78–82 %, no wider",
        ),
        (
            f"{where} quick table",
            f"{table['mae'] / oracle['mae']:.2f} × oracle; people × mean ÷ counters "
            f"{naive['mae'] / oracle['mae']:.2f} ×",
            "≤ 1.5 × oracle",
        ),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.waits", description=__doc__)
    parser.add_argument("--days", type=int, default=len(UNSEEN))
    args = parser.parse_args()
    began = time.monotonic()
    for row in measure_waits(unseen=range(100, 100 + args.days))[1]:
        print("  ".join(row), flush=True)
    print(f"{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
