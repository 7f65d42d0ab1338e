"""`python -m bench.capacity`: the highest load at which each rule keeps the promise, beside the limit.

Tuned on seeds below 100 and other variants of the centres; measured on seeds from 100 on, the same days for all.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

import numpy as np

from queue_server.line.rule import Weights
from queue_server.twin.bound import bound

from .days import capacity, capacity_between, day_of, forget, play_days, pooled

FAMILIES = (
    "siloed",
    "paired",
    "mixed",
    "full",
    "appointments",
    "surge",
    "priority5",
    "priority30",
    "slower",
    "foretold",
)
RULES = {
    "balanced": "ours",
    "static": "one service a counter",
    "groups": "three groups",
    "fifo": "pooled first come (FQM, MADO, queuesg, V)",
    "strict": "strict priority (novosga 2, OpenMRS)",
    "round-robin": "weighted round robin",
    "longest-queue": "longest queue",
    "accumulating-2": "accumulating priority 2 (novosga 1.5)",
    "accumulating-3": "accumulating priority 3",
    "deadline": "earliest deadline",
    "cmu": "cµ",
    "general-cmu": "generalised cµ",
    "max-weight": "MaxWeight",
    "novosga-2.2dev": "novosga 2.2 dev (last come first)",
    "novosga-2.3-swap": "novosga 2.3, swap after 1",
    "zms": "ZMS",
    "theq": "home service first (TheQ, QSystem)",
    "qms-t": "one chosen line (T)",
    "qmatic": "ratio 2:1 (Qmatic)",
    "vn-counter": "bound to one counter (Vietnamese draft)",
}
SEEDS = range(100, 140)
BOUND_DAYS = range(100, 110)
Row = tuple[str, str, str]


def measure_capacity(
    families: tuple[str, ...] = FAMILIES, seeds: range = SEEDS
) -> tuple[dict[str, Any], list[Row]]:
    """Capacities by family and rule, with ours, the best other, and what no rule can pass."""
    found: dict[str, Any] = {}
    rows: list[Row] = []
    weights = Weights()
    for family in families:
        forget()
        table = {rule: capacity(family, rule, seeds, weights) for rule in RULES}
        best = max((r for r in RULES if r != "balanced"), key=lambda r: table[r])
        ours = table["balanced"]
        between = capacity_between(family, "balanced", seeds, weights, ours)
        at = pooled(play_days(family, ours, seeds, "balanced", weights))
        strict = pooled(play_days(family, ours, seeds, "strict", weights))
        found[family] = {
            "capacity": table,
            "between": between,
            "at_capacity": vars(at),
            "strict_priority_p95_there": strict.priority,
        }
        rows.append(
            (
                f"(f) {family}: capacity, ours",
                f"{ours:.2f} ({between[0]:.2f}–{between[1]:.2f}); best other {table[best]:.2f} ({best})",
                "no other above",
            )
        )
        rows.append(
            (
                f"(f) {family}: priority P95 there",
                f"{at.priority:.1f} min; strict priority {strict.priority:.1f}",
                "≤ 5" if family in ("mixed", "full") else "≤ 1.1 × strict",
            )
        )
    return found, rows


def measure_limit(
    families: tuple[str, ...] = ("mixed", "full"), seeds: range = BOUND_DAYS
) -> tuple[dict[str, Any], list[Row]]:
    """How far the mean of ours is from what no rule can pass, and the load at which no rule keeps 15."""
    found, rows = {}, []
    for family in families:
        load = capacity(family, "balanced", seeds, Weights())
        ours = pooled(play_days(family, load, seeds, "balanced", Weights())).mean
        limits = [bound(day_of(family, load, seed)) for seed in seeds]
        least = float(np.mean([b.mean for b in limits]))
        reached = float(np.mean([b.reached for b in limits]))
        found[family] = {"load": load, "ours": ours, "bound": least, "all_known": reached}
        rows.append(
            (
                f"(f) {family}: mean wait at load {load:.2f}",
                f"{ours:.1f} min; shortest first knowing all {reached:.1f}; no rule below {least:.1f}",
                "–",
            )
        )
    return found, rows


def print_capacities(found: dict[str, Any]) -> None:
    families = list(found)
    print("capacity".ljust(46) + "".join(f.rjust(13) for f in families))
    for rule, name in RULES.items():
        cells = "".join(f"{found[f]['capacity'][rule]:.2f}".rjust(13) for f in families)
        print(f"{name} [{rule}]".ljust(46)[:46] + cells)


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.capacity", description=__doc__)
    parser.add_argument("--family", nargs="+", default=list(FAMILIES), choices=FAMILIES)
    parser.add_argument("--days", type=int, default=len(SEEDS))
    args = parser.parse_args()
    began = time.monotonic()
    found, rows = measure_capacity(tuple(args.family), range(100, 100 + args.days))
    print_capacities(found)
    _, more = measure_limit()
    for row in [*rows, *more]:
        print("  ".join(row))
    print(f"{time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
