"""`motcua simulate`: a day replayed under a rule, days made or taken from data or from a log, or a live demo."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from . import demo_options

if TYPE_CHECKING:
    from .twin.day import Day
    from .twin.learn import Knowledge
    from .twin.replay import Called
    from .wire.texts import Texts

COMPILED_FROM = 1_500
"""A day of more visitors is played by the compiled engine: plain Python would take too long over its lines."""
ALL_DAYS = 400
"""`--log` reaches back so many days."""
SEED = 1


class Estimate(msgspec.Struct, frozen=True):
    p10: float
    p50: float
    p90: float


class Errand(msgspec.Struct, frozen=True):
    """A further transaction of the visit."""

    service: str
    called: float
    counter: int
    finished: float
    wait: float
    passed: int
    reason: str


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """What became of a visitor: of her first errand; the further ones stand in `then`."""

    called: float | None
    counter: int | None
    finished: float | None
    wait: float | None
    estimate: Estimate | None
    passed: int
    reason: str
    service: str = ""
    """The errand that was called first, where it is not the visitor's `service`."""
    then: tuple[Errand, ...] = ()
    total_wait: float | None = None


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "simulate",
        help="replay a day under a rule, make days, or run a live demo",
        description="Replays a day file under a calling rule and says what each visitor waited, what she "
        "would have been told, and why each call was made; or makes day files; or (--demo) runs a whole "
        "centre with simulated visitors through the real doors. Times are minutes after midnight.",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--day", type=Path, metavar="DAY.json", help="the day to replay")
    what.add_argument("--generate", metavar="FAMILY", help="make a day; an unknown name lists them")
    what.add_argument(
        "--from-csv", type=Path, metavar="TICKETS.csv[.gz]", help="make days of municipal visits"
    )
    what.add_argument(
        "--log", metavar="DAY", help="replay a past day of a centre's log (2026-11-23)"
    )
    what.add_argument("--demo", action="store_true", help="a live demonstration")
    parser.add_argument(
        "--json", type=Path, metavar="OUT.json", help="where to write (else: print)"
    )
    parser.add_argument("--seed", type=int, default=SEED, help="another number is another draw")
    _replay_options(parser.add_argument_group("replaying (--day, --log)"))
    _making_options(parser.add_argument_group("making (--generate, --from-csv)"))
    demo_options.add_options(parser.add_argument_group("--demo"))
    parser.set_defaults(run=run)


def _replay_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--policy", default="balanced", help="the rule (balanced); a wrong name lists them"
    )
    group.add_argument(
        "--roster", type=Path, metavar="ROSTER.json", help="counters of `motcua roster`"
    )
    group.add_argument(
        "--history",
        type=Path,
        nargs="+",
        default=[],
        metavar="DAY.json",
        help="past days to learn from",
    )
    group.add_argument(
        "--no-estimates", action="store_true", help="leave out what visitors are told"
    )
    group.add_argument(
        "--language", choices=("vi", "en"), default="vi", help="of reasons and figures"
    )
    group.add_argument(
        "--record",
        type=Path,
        metavar="PAST.json",
        help="write the day as it came out, for --history",
    )


def _making_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--load", type=float, default=0.9, help="work ÷ counter time (0.9)")
    group.add_argument("--variant", type=int, default=0, help="another centre of the same family")
    group.add_argument(
        "--counter-minutes", type=float, default=0.0, help="what the load is measured against"
    )
    group.add_argument(
        "--queues", type=Path, metavar="QUEUES.csv[.gz]", help="snapshots beside the visits"
    )
    group.add_argument("--office", help="only this office")
    group.add_argument("--date", help="only this date (2020-01-14)")


def run(args: argparse.Namespace) -> int:
    """Exit code 0, or 1 with one line why not."""
    if args.demo:
        from . import demo_command

        return demo_command.run(args)
    from .store.schema import CannotOpen
    from .twin.day import WrongDay
    from .twin.generate import UnknownFamily

    doing: Callable[[argparse.Namespace], None] = _replay
    if args.generate is not None:
        doing = _generate
    elif args.from_csv is not None:
        doing = _from_csv
    try:
        doing(args)
    except (WrongDay, UnknownFamily, CannotOpen, OSError) as error:
        print(f"motcua: {error}", file=sys.stderr)
        return 1
    return 0


# --- replaying -----------------------------------------------------------------------------------


def _replay(args: argparse.Namespace) -> None:
    from .twin.baselines import KINDS
    from .twin.day import WrongDay, read_day, read_roster
    from .twin.learn import learned

    if args.policy not in KINDS:
        raise WrongDay(f"unknown policy {args.policy}; known: {', '.join(KINDS)}")
    past = [read_day(path, past=True) for path in args.history]
    if past and not any(v.called is not None for day in past for v in day.visitors):
        raise WrongDay("history: nobody was called in these days; they have no `called`")
    day = read_day(args.day) if args.day is not None else _of_log(args)
    if args.roster is not None:
        day = read_roster(args.roster, day)
    _write_replay(args, day, learned(past))


def _of_log(args: argparse.Namespace) -> Day:
    """A past day of the centre whose data folder is `--data`. Raises WrongDay, CannotOpen."""
    from .folder import Folder
    from .store.log import load, since_day
    from .store.schema import connect
    from .twin.day import WrongDay, checked
    from .twin.from_log import days_of

    data = args.data or Path("var")
    conn = connect(Folder(data).database, read_only=True)
    try:
        setup = load(conn)[0].setup
        days = days_of((row.entry() for row in since_day(conn, ALL_DAYS)), setup)
    finally:
        conn.close()
    day = next((d for d in days if d.day == args.log), None)
    if day is None:
        known = ", ".join(d.day for d in days[-5:]) or "none"
        raise WrongDay(f"{data}: the log has no day {args.log}; its last ones: {known}")
    return checked(day, False, args.log)


def _write_replay(args: argparse.Namespace, day: Day, knowledge: Knowledge) -> None:
    from .twin.summary import summed_up

    found, seconds = _played(day, args.policy, knowledge)
    told: Sequence[Estimate | None] = [None] * len(day.visitors)
    if not args.no_estimates and day.visitors and any(c.open for c in day.counters):
        told = _told(day, args.policy, knowledge, args.seed)
    summary = summed_up(day, found, told, seconds)
    rows = [
        _row(v.service, c, t, args.language)
        for v, c, t in zip(day.visitors, found, told, strict=True)
    ]
    _write(args.json, {"visitors": rows, "summary": summary})
    if args.record is not None:
        from .twin.day import written
        from .twin.history import as_history

        args.record.write_bytes(written(as_history(day, found)))


def _played(day: Day, policy: str, knowledge: Knowledge) -> tuple[list[list[Called]], list[float]]:
    """What became of each visitor, and the seconds that decisions took."""
    from .line.rule import Weights

    if len(day.visitors) < COMPILED_FROM:
        from .twin.replay import replay_watched

        watched = replay_watched(day, policy, Weights(), knowledge)
        return watched.found, watched.seconds
    from .twin.foretell import replay_fast
    from .twin.replay import with_reasons

    found = replay_fast(day, policy, Weights(), knowledge)
    return with_reasons(day, policy, Weights(), found), []


def _told(day: Day, policy: str, knowledge: Knowledge, seed: int) -> list[Estimate | None]:
    from .line.rule import Weights
    from .twin.foretell import replay_telling

    _, _, told = replay_telling(day, policy, Weights(), knowledge, seed=seed)
    return [
        None if t is None else Estimate(round(t.p10, 1), round(t.p50, 1), round(t.p90, 1))
        for t in told
    ]


def _row(service: str, errands: Sequence[Called], told: Estimate | None, language: str) -> Row:
    if not errands:
        return Row(None, None, None, None, told, 0, _why("nobody_serves", {}, language))
    first, *rest = errands
    return Row(
        called=_minute(first.called),
        counter=first.counter,
        finished=_minute(first.finished),
        wait=_minute(first.wait),
        estimate=told,
        passed=first.passed,
        reason=_reason(first, language),
        service=first.service if first.service != service else "",
        then=tuple(_errand(c, language) for c in rest),
        total_wait=_minute(sum(c.wait for c in errands)) if rest else None,
    )


def _errand(call: Called, language: str) -> Errand:
    return Errand(
        service=call.service,
        called=_minute(call.called),
        counter=call.counter,
        finished=_minute(call.finished),
        wait=_minute(call.wait),
        passed=call.passed,
        reason=_reason(call, language),
    )


def _minute(value: float) -> float:
    return round(value, 6)


def _reason(call: Called, language: str) -> str:
    assert call.reason is not None
    return _why(call.reason.code, dict(call.reason.values), language)


@cache
def _texts() -> Texts:
    from .wire.texts import Texts

    return Texts(Path(__file__).parent / "texts")


def _why(code: str, values: dict[str, object], language: str) -> str:
    return _texts().say(f"reason.{code}", language, **values)


def _write(path: Path | None, value: object) -> None:
    text = msgspec.json.format(msgspec.json.encode(value), indent=1)
    if path is None:
        sys.stdout.write(text.decode() + "\n")
    else:
        path.write_bytes(text)


# --- making --------------------------------------------------------------------------------------


def _generate(args: argparse.Namespace) -> None:
    from .twin.day import WrongDay, checked
    from .twin.generate import generate

    if not 0.0 < args.load <= 5.0 or args.seed < 0 or args.variant < 0 or args.counter_minutes < 0:
        raise WrongDay(
            "--load is over 0 and at most 5; --seed, --variant, --counter-minutes not negative"
        )
    day = generate(args.generate, args.load, args.seed, args.variant, args.counter_minutes)
    _write(args.json, checked(day, False, args.generate))


def _from_csv(args: argparse.Namespace) -> None:
    from .twin.day import WrongDay
    from .twin.municipal.visits import municipal_days

    days = municipal_days(args.from_csv, args.queues, args.office, args.date, seed=args.seed)
    if not days:
        raise WrongDay(f"{args.from_csv.name}: no visits of this office and date")
    if len(days) == 1:
        _write(args.json, days[0])
        return
    if args.json is None:
        raise WrongDay(f"{len(days)} days: name --office and --date, or a --json to number them by")
    for number, day in enumerate(days, 1):
        _write(args.json.with_name(f"{args.json.stem}-{number:03d}{args.json.suffix}"), day)
