"""Real visits to municipal offices as days (`motcua simulate --from-csv`).

Source: open queue data of the City of Warsaw by way of HaZdula/kolejkeR (MIT), five-minute snapshots
of each queue group. Real in a day are the arrivals, the calls (both ±5 minutes) and how many counters
were open. **Inferred are the minutes of each visit**, which the data has not: while a line does not
run empty, the counters open divided by the calls a minute are the mean minutes of a visit; around that
mean each visit is drawn lognormal.
"""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import NamedTuple, TextIO

from ..day import Day, DayCounter, DayService, DayVisitor, Span, WrongDay

SPREAD = 0.7
"""Coefficient of variation of the drawn minutes: the middle of what one-stop services show."""
USUAL, USUAL_CALLS = 8.0, 5.0
"""A group is taken to need 8 minutes a visit, a belief that weighs like five calls."""
SHORTEST, LONGEST = 1.0, 60.0
FLICKER = 10.0
"""A counter that is away for fewer minutes than this has not closed."""

Queue = tuple[str, str, str]
"""Office, date, queue group."""


class Visit(NamedTuple):
    """A ticket: its number in the group, minute of day of its arrival, minutes of wait; both ±5."""

    number: int
    arrives: float
    wait: float


class Snapshot(NamedTuple):
    """A group at one minute: counters open, people waiting, last number called, minutes shown by the office."""

    minute: float
    open: int
    waiting: int
    called: int
    shown: float


def municipal_days(
    tickets: Path,
    queues: Path | None = None,
    office: str | None = None,
    date: str | None = None,
    seed: int = 0,
    groups: Path | None = None,
) -> list[Day]:
    """One day an office and date (ISO), in that order; `None` takes all. Minutes are inferred, by `seed`.

    Services are the queue groups, by the names in `groups` where given. Each of a group's open counters
    is a counter with that one skill; the group's first stays till the office's last closing, so that
    nobody is left. Without `queues` a group has one counter, from its first arrival to its last call.
    `called` of a visitor is when she was really called. Raises WrongDay for a file that is none of these.
    """
    visits = read_visits(tickets, office, date)
    snapshots = read_snapshots(queues, office) if queues else {}
    means = mean_minutes(snapshots)
    names = _names(groups) if groups else {}
    days = sorted({(place, on) for place, on, _ in visits})
    return [_day(place, on, visits, snapshots, means, names, seed) for place, on in days]


def read_visits(
    path: Path, office: str | None = None, date: str | None = None
) -> dict[Queue, list[Visit]]:
    """Visits by queue, in order of their numbers. Raises WrongDay."""
    found: dict[Queue, list[Visit]] = {}
    for row in _rows(path, ("office", "date", "gid", "k", "arr", "wait")):
        if office in (None, row[0]) and date in (None, row[1]):
            number, arrives, wait = _numbers(path, row[3:])
            visit = Visit(int(number), arrives, wait)
            found.setdefault((row[0], row[1], row[2]), []).append(visit)
    return {queue: sorted(visits) for queue, visits in found.items()}


def read_snapshots(path: Path, office: str | None = None) -> dict[Queue, list[Snapshot]]:
    """Snapshots by queue, in order of time; a number once called stays called. Raises WrongDay."""
    found: dict[Queue, list[Snapshot]] = {}
    heads = ("office", "date", "minute", "gid", "open", "waiting", "called", "svc_min")
    for place, date, minute, group, *rest in _rows(path, heads):
        if office not in (None, place):
            continue
        at, opened, waiting, called, shown = _numbers(path, [minute, *rest])
        one = Snapshot(at, int(opened), int(waiting), int(called), shown)
        found.setdefault((place, date, group), []).append(one)
    return {queue: list(_rising(sorted(seen))) for queue, seen in found.items()}


def _rising(seen: Iterable[Snapshot]) -> Iterator[Snapshot]:
    highest = 0
    for one in seen:
        highest = max(highest, one.called)
        yield one._replace(called=highest)


def _rows(path: Path, heads: tuple[str, ...]) -> Iterator[list[str]]:
    try:
        with _opened(path) as file:
            reader = csv.reader(file)
            if tuple(next(reader, ())) != heads:
                raise WrongDay(f"{path.name}: its first line is not {','.join(heads)}")
            for line in reader:
                if len(line) != len(heads):
                    raise WrongDay(
                        f"{path.name}: line {reader.line_num} has not {len(heads)} values"
                    )
                yield line
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise WrongDay(f"{path.name}: {error}") from error


def _numbers(path: Path, values: list[str]) -> list[float]:
    """What is not known in the data stands empty there: 0."""
    try:
        return [float(value or 0) for value in values]
    except ValueError as error:
        raise WrongDay(f"{path.name}: {error}") from error


def _opened(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _names(path: Path) -> dict[tuple[str, str], str]:
    return {(office, gid): name for office, gid, name in _rows(path, ("office", "gid", "name"))}


def mean_minutes(snapshots: dict[Queue, list[Snapshot]]) -> dict[tuple[str, str], float]:
    """Mean minutes of a visit by office and group: minutes of open counters per call, while people wait.

    Over all dates; few calls are shrunk to 8 minutes; between 1 and 60. A counter that serves several
    groups counts in each of them in the data, and so it does here: its minutes come out longer.
    """
    spent: dict[tuple[str, str], float] = {}
    calls: dict[tuple[str, str], float] = {}
    for (office, _, group), seen in snapshots.items():
        key = (office, group)
        for one, then in pairwise(seen):
            if one.waiting and then.waiting and one.open and then.minute - one.minute < FLICKER:
                busy = (then.minute - one.minute) * (one.open + then.open) / 2
                spent[key] = spent.get(key, 0.0) + busy
                calls[key] = calls.get(key, 0.0) + then.called - one.called
    return {
        key: min(LONGEST, max(SHORTEST, (USUAL * USUAL_CALLS + m) / (USUAL_CALLS + calls[key])))
        for key, m in spent.items()
    }


def _day(
    office: str,
    date: str,
    visits: dict[Queue, list[Visit]],
    snapshots: dict[Queue, list[Snapshot]],
    means: dict[tuple[str, str], float],
    names: dict[tuple[str, str], str],
    seed: int,
) -> Day:
    groups = sorted(group for place, on, group in visits if (place, on) == (office, date))
    mean = {group: means.get((office, group), USUAL) for group in groups}
    queues = {group: visits[office, date, group] for group in groups}
    open_then = {g: _spans(snapshots.get((office, date, g), []), queues[g]) for g in groups}
    return Day(
        services=tuple(
            DayService(id=g, name=names.get((office, g), ""), mean_minutes=round(mean[g], 2))
            for g in groups
        ),
        counters=_counters(open_then),
        visitors=_visitors(queues, mean, Random(f"{seed} {office} {date}")),
        day=f"{date} {office} (minutes inferred)",
    )


def _visitors(
    queues: dict[str, list[Visit]], mean: dict[str, float], chance: Random
) -> tuple[DayVisitor, ...]:
    sigma = math.sqrt(math.log(1 + SPREAD**2))
    came = sorted((v.arrives, g, v.number, v.wait) for g, own in queues.items() for v in own)
    return tuple(
        DayVisitor(
            arrives=arrives,
            service=group,
            minutes=round(chance.lognormvariate(math.log(mean[group]) - sigma**2 / 2, sigma), 2),
            called=arrives + wait,
        )
        for arrives, group, _, wait in came
    )


def _spans(seen: Sequence[Snapshot], visits: Sequence[Visit]) -> list[list[Span]]:
    """When each of a group's counters was open, the one that is open longest first."""
    if not any(one.open for one in seen):
        last = max(v.arrives + v.wait for v in visits)
        return [[(visits[0].arrives, max(last, visits[0].arrives + USUAL))]]
    counters: list[list[Span]] = [[] for _ in range(max(one.open for one in seen))]
    for one, then in pairwise([*seen, seen[-1]._replace(minute=seen[-1].minute + 5)]):
        for spans in counters[: one.open]:
            if spans and one.minute - spans[-1][1] < FLICKER:
                spans[-1] = (spans[-1][0], then.minute)
            else:
                spans.append((one.minute, then.minute))
    return counters


def _counters(open_then: dict[str, list[list[Span]]]) -> tuple[DayCounter, ...]:
    last = max(end for counters in open_then.values() for spans in counters for _, end in spans)
    found: list[DayCounter] = []
    for group, counters in open_then.items():
        begin, _ = counters[0][-1]
        counters[0][-1] = (begin, last)
        for spans in counters:
            found.append(DayCounter(id=len(found) + 1, serves=(group,), open=tuple(spans)))
    return tuple(found)
