"""`python -m bench.municipal`: estimates of the wait against the real waits of municipal offices.

Learned on the first nine dates, scored on the others; intervals are 95 %, by drawing whole days again.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from queue_server.twin.municipal.score import (
    Asked,
    Floats,
    asked,
    foretell,
    last_wait,
    learn,
    office_estimates,
    over_days,
    score,
)
from queue_server.twin.municipal.visits import read_snapshots, read_visits

DATA = Path(__file__).parents[2] / "shared" / "data"
PAST_DATES = 9
Row = tuple[str, ...]
HEAD = ("estimate", "MAE, minutes", "bias", "80 % covers", "its width", "ours ÷ this")


def measure_municipal(
    folder: Path = DATA, nightly: bool = False
) -> tuple[dict[str, Any], list[Row]]:
    """Scores as numbers and as rows of a table. Raises WrongDay where the files are absent.

    `nightly`: learned again before each date, from all dates before it (some eight times as slow).
    """
    visits = read_visits(folder / "municipal_tickets_reconstructed.csv.gz")
    seen = asked(visits, read_snapshots(folder / "municipal_queues_5min.csv.gz"))
    past, later = seen.first_days(PAST_DATES)
    ours = _learned_nightly(seen, later) if nightly else foretell(learn(past), later)
    offices = office_estimates(later)
    best = min(offices, key=lambda way: score(offices[way], later.wait).error)
    told = {
        f"office's own: {best} (its best way)": offices[best],
        "last wait": last_wait(later),
        "ours, from earlier days": ours,
    }
    found = {name: asdict(score(estimate, later.wait)) for name, estimate in told.items()}
    rows = [_row(name, estimate, ours, later) for name, estimate in told.items()]
    return {"visitors": len(later.wait), "estimates": found}, rows


def _learned_nightly(seen: Asked, later: Asked) -> Floats:
    told = np.zeros((len(later.wait), 3))
    for day in np.unique(later.day):
        today = later.day == day
        told[today] = foretell(learn(seen.first_days(int(day))[0]), later.where(today))
    return told


def _row(name: str, told: Floats, ours: Floats, later: Asked) -> Row:
    one = score(told, later.wait)
    missed = np.abs((told if told.ndim == 1 else told[:, 1]) - later.wait)
    low, high = over_days(missed, later.day)
    row = (name, f"{one.error:.1f} ({low:.1f}–{high:.1f})", f"{one.bias:+.1f}")
    if one.covered is not None and one.width is not None:
        inside = (told[:, 0] <= later.wait) & (later.wait <= told[:, 2])
        few, many = over_days(inside.astype(float), later.day)
        return (*row, f"{one.covered:.0%} ({few:.0%}–{many:.0%})", f"{one.width:.0f}", "1")
    own = np.abs(ours[:, 1] - later.wait)
    less, more = over_days(own, later.day, missed)
    return (*row, "–", "–", f"{own.sum() / missed.sum():.2f} ({less:.2f}–{more:.2f})")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench.municipal", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA, help="folder of the municipal files")
    parser.add_argument("--nightly", action="store_true", help="learn again before each date")
    args = parser.parse_args(arguments)
    found, rows = measure_municipal(args.data, args.nightly)
    print(
        f"{found['visitors']:,} visitors who found somebody waiting, on the dates not learned from"
    )
    table = [HEAD, *rows]
    widths = [max(len(row[n]) for row in table) for n in range(len(HEAD))]
    for row in [HEAD, tuple("─" * w for w in widths), *rows]:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
