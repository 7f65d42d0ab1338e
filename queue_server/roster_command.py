"""`motcua roster`: plans tomorrow's counters and their hours from past days, within the shift rules."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .wire.settings import SettingsError

if TYPE_CHECKING:
    from .twin.roster.plan import Planned


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "roster",
        help="plan tomorrow's counters from past days",
        description="Plans which counters open when, and what they serve, from past days, and writes "
        "what `motcua simulate --roster` reads.",
    )
    parser.add_argument(
        "--history", type=Path, nargs="*", default=[], metavar="DAY.json", help="past days"
    )
    parser.add_argument(
        "--counter-minutes", type=float, required=True, metavar="N", help="open minutes, at most"
    )
    parser.add_argument("--json", type=Path, required=True, help="the roster is written here")
    parser.add_argument("--rules", type=Path, metavar="RULES.toml", help="shift rules")
    parser.add_argument("--officers", type=Path, metavar="OFFICERS.toml", help="who works when")
    parser.add_argument("--seconds", type=_seconds, default=45.0, help="to plan (%(default)s)")
    parser.add_argument(
        "--evaluations", type=int, default=0, help="end after so many plans tried, not by the clock"
    )
    parser.add_argument("--seed", type=int, default=0, help="another number, another search")
    parser.set_defaults(run=run)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 1.0 <= seconds <= 3_600.0:
        raise argparse.ArgumentTypeError("from 1 to 3600")
    return seconds


def run(args: argparse.Namespace) -> int:
    """Plan and write; 0, or 1 after one line on stderr that says what is missing."""
    from .twin.day import WrongDay, written
    from .twin.roster.shifts import NoPlan

    try:
        planned = _planned(args)
        args.json.write_bytes(written(planned.roster))
    except (NoPlan, WrongDay, SettingsError) as error:
        print(f"motcua roster: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"motcua roster: {args.json}: {error.strerror or error}", file=sys.stderr)
        return 1
    print(_told(planned))
    return 0


def _planned(args: argparse.Namespace) -> Planned:
    from .twin.day import read_day
    from .twin.roster.plan import Effort, plan_roster
    from .twin.roster.shifts import Officers, ShiftRules
    from .wire.settings import read

    rules = read(ShiftRules, args.rules)
    officers = read(Officers, args.officers)
    history = [read_day(path, past=True) for path in args.history]
    effort = Effort(seconds=args.seconds, evaluations=args.evaluations, seed=args.seed)
    return plan_roster(history, args.counter_minutes, rules, officers, effort)


def _told(planned: Planned) -> str:
    came = planned.expected
    return (
        f"{len(planned.roster.counters)} counters, {planned.minutes} counter-minutes; "
        f"on drawn days: mean wait {came.mean:.1f} minutes, 95 % of ordinary visitors within "
        f"{came.ordinary_95:.0f}, of priority visitors within {came.priority_95:.0f}"
    )
