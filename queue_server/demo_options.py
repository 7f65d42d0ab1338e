"""The options of `motcua simulate --demo`, apart from the demo, so that a replay need not load it."""

from __future__ import annotations

import argparse
import datetime as dt
from pathlib import Path

FASTEST = 120.0


def add_options(parser: argparse._ArgumentGroup) -> None:
    """The options of `motcua simulate --demo`; `--seed` and `--language` are the command's own."""
    parser.add_argument(
        "--speed", type=_speed, default=20.0, help="simulated seconds to one real (1-120; 20)"
    )
    parser.add_argument(
        "--data",
        type=Path,
        help="the demo's own folder, wiped at start (var-demo); with --log the centre's (var)",
    )
    parser.add_argument("--settings", type=Path, help="settings file (default: the sample centre)")
    parser.add_argument("--until", type=_minute, help="end by itself at this time, such as 09:00")
    parser.add_argument(
        "--leave", type=_counters, default=(), help="counters left to you, such as 3,5"
    )
    parser.add_argument(
        "--rate",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="change a rate of the visitors' manners, such as no_show=0.2; may be repeated",
    )
    parser.add_argument("--calm", action="store_true", help="a day in which nothing goes wrong")
    parser.add_argument(
        "--manager",
        choices=("accept", "watch"),
        default="accept",
        help="who answers proposals: the simulated manager, or you at /manager (accept)",
    )
    parser.add_argument(
        "--windows",
        action=argparse.BooleanOptionalAction,
        help="kiosk and tablet windows (default: where a display is there)",
    )


def _speed(text: str) -> float:
    speed = float(text)
    if not 1.0 <= speed <= FASTEST:
        raise argparse.ArgumentTypeError(f"from 1 to {FASTEST:g}")
    return speed


def _minute(text: str) -> float:
    try:
        moment = dt.time.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError("a time such as 09:00") from error
    return moment.hour * 60.0 + moment.minute


def _counters(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))
