"""Estimates of the wait, scored on what really happened in the municipal offices.

For each visitor who found somebody waiting, three answers stand beside her real wait: what the office's
own system would have told (its minutes and its queue), the wait of whoever was called last, and ours,
learned on earlier days. All see the same: her number, and the last five-minute snapshot before she came.
Nothing that became known later enters (a test proves it). Real waits are known to ±5 minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .trees import Forest, grow
from .visits import Queue, Snapshot, Visit

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

HALF = 2.5
"""A ticket's times are half a snapshot's five minutes before the snapshot that first shows them."""
SHARES = (0.1, 0.5, 0.9)
PRIOR = 20.0
"""A group's own history counts against the mean of all groups once it has so many tickets."""
BENT = 0.8
"""Waits grow with people ahead to this power (others give up their number, counters are added)."""
FOLDS = 3


@dataclass(frozen=True)
class Asked:
    """n visitors who found somebody waiting, each with what could be seen then; times in minutes.

    `queue`, `day`: numbers of her queue group and of her date, from 0 up by name; there are `queues`
    groups. `table` n × columns, as `COLUMNS` names them. `wait`: what came.
    """

    queues: int
    queue: Ints
    day: Ints
    table: Floats
    wait: Floats

    def where(self, rows: Bools) -> Asked:
        """These visitors only."""
        return Asked(
            self.queues, self.queue[rows], self.day[rows], self.table[rows], self.wait[rows]
        )

    def first_days(self, count: int) -> tuple[Asked, Asked]:
        """Who came on the first so many dates, and who came after."""
        return self.where(self.day < count), self.where(self.day >= count)

    def column(self, name: str) -> Floats:
        found: Floats = self.table[:, COLUMNS.index(name)]
        return found


COLUMNS = (
    "waiting",  # people in the group's line
    "before_her",  # numbers given since the snapshot, before hers
    "open",  # counters of the group
    "shown",  # minutes in the office's own system
    "calls_15",
    "calls_30",
    "calls_60",
    "calls_120",
    "open_30",  # counters, mean of the last half hour
    "last_wait",  # of the number called last; −1: nobody yet
    "last_waits",  # mean of the last three
    "head_waits",  # how long the next to be called has waited
    "since_call",
    "arrivals_30",
    "called",  # numbers called today
    "minute",
    "since_start",
    "office_waiting",  # in all groups of the office
    "office_open",
    "office_calls_60",
)


def asked(visits: dict[Queue, list[Visit]], snapshots: dict[Queue, list[Snapshot]]) -> Asked:
    """Who found somebody waiting, of all visits whose queue has snapshots. Raises ValueError if none has."""
    dates = sorted({date for _, date, _ in visits})
    groups = sorted({(office, group) for office, _, group in visits})
    offices = _offices(snapshots)
    parts = []
    for (office, date, group), own in sorted(visits.items()):
        seen = snapshots.get((office, date, group))
        if seen:
            table, wait = _seen(own, seen, offices[office, date])
            queue, day = groups.index((office, group)), dates.index(date)
            parts.append((np.full(len(wait), queue), np.full(len(wait), day), table, wait))
    if not parts:
        raise ValueError("no queue has both visits and snapshots")
    queues, days, tables, waits = (np.concatenate(column) for column in zip(*parts, strict=True))
    together = Asked(len(groups), queues, days, tables, waits)
    return together.where(together.column("waiting") >= 1)


def _offices(snapshots: dict[Queue, list[Snapshot]]) -> dict[tuple[str, str], Floats]:
    """Of each office and date: minute, people waiting, counters open, numbers called, over all groups."""
    sums: dict[tuple[str, str], dict[float, list[float]]] = {}
    for (office, date, _), seen in snapshots.items():
        own = sums.setdefault((office, date), {})
        for one in seen:
            row = own.setdefault(one.minute, [0.0, 0.0, 0.0])
            row[0] += one.waiting
            row[1] += one.open
            row[2] += one.called
    return {
        key: np.array([(minute, *row) for minute, row in sorted(own.items())])
        for key, own in sums.items()
    }


def _seen(
    visits: Sequence[Visit], snapshots: Sequence[Snapshot], office: Floats
) -> tuple[Floats, Floats]:
    """Table and waits of a queue's day; a visitor before the first snapshot is left out."""
    number, arrives, wait = np.array(visits, dtype=float).T
    minute, opened, waiting, called, shown = np.array(snapshots, dtype=float).T
    at = np.searchsorted(minute, arrives, side="right") - 1
    came = np.sort(arrives)
    number, arrives, wait, at = (x[at >= 0] for x in (number, arrives, wait, at))
    now = minute[at]
    mean_open = np.concatenate([[0.0], np.cumsum(opened)])
    half_hour = np.searchsorted(minute, now - 30)
    calls = [called[at] - _until(minute, called, now - back) for back in (15, 30, 60, 120)]
    last, lasts, head = _called_last(visits, called[at], now)
    total = np.searchsorted(office[:, 0], now, side="right") - 1
    columns = (
        waiting[at],
        np.maximum(0.0, number - 1 - called[at] - waiting[at]),
        opened[at],
        shown[at],
        *calls,
        (mean_open[at + 1] - mean_open[half_hour]) / (at + 1 - half_hour),
        last,
        lasts,
        head,
        now - minute[np.searchsorted(called, called[at])],
        np.searchsorted(came, now - HALF, side="right")
        - np.searchsorted(came, now - HALF - 30, side="right"),
        called[at],
        arrives,
        now - minute[0],
        office[total, 1],
        office[total, 2],
        office[total, 3] - _until(office[:, 0], office[:, 3], now - 60),
    )
    return np.column_stack(columns).astype(float), wait


def _until(minute: Floats, called: Floats, at: Floats) -> Floats:
    """Numbers called up to then: 0 before the first snapshot."""
    place = np.searchsorted(minute, at, side="right") - 1
    return np.where(place >= 0, called[np.maximum(place, 0)], 0.0)


def _called_last(
    visits: Sequence[Visit], called: Floats, now: Floats
) -> tuple[Floats, Floats, Floats]:
    """By then: the wait of the number called last, the mean of the last three, and the wait of the next so far."""
    number, arrives, wait = np.array(visits, dtype=float).T
    done = np.searchsorted(number, called, side="right")
    sums = np.concatenate([[0.0], np.cumsum(wait)])
    first = np.maximum(0, done - 3)
    last = np.where(done > 0, wait[np.maximum(done - 1, 0)], -1.0)
    lasts = np.where(done > 0, (sums[done] - sums[first]) / np.maximum(1, done - first), -1.0)
    following = arrives[np.minimum(done, len(arrives) - 1)]
    head = np.where(done < len(arrives), np.maximum(0.0, now - following), 0.0)
    return last, lasts, head


def office_estimates(seen: Asked) -> dict[str, Floats]:
    """What the office's system can have told, by the way it is worked out: minutes, n each."""
    minutes, waiting = seen.column("shown"), seen.column("waiting")
    return {
        "minutes shown": minutes,
        "people × minutes": waiting * minutes,
        "people × minutes ÷ counters": waiting * minutes / np.maximum(1.0, seen.column("open")),
    }


def last_wait(seen: Asked) -> Floats:
    """The wait of whoever was called last in the group; 0 while nobody was."""
    return np.maximum(0.0, seen.column("last_wait"))


@dataclass(frozen=True)
class History:
    """What past days say of each queue group: minutes a person ahead (to the power BENT), mean wait, calls a minute."""

    each: Floats
    wait: Floats
    pace: Floats


@dataclass(frozen=True)
class Learned:
    """What was learned on past days: `forests` foretell log(1 + wait); p10 and p90 lie `wider` apart in it."""

    history: History
    forests: tuple[Forest, ...]
    wider: float = 0.0


def learn(past: Asked, seed: int = 0) -> Learned:
    """Learn from past days, of which there is at least one visitor; `seed`: of the draw of rows and columns.

    The interval is set right on days that were left out by turns (conformal quantiles: Romano,
    Patterson and Candès 2019; by folds: Vovk 2015), so that a wait unseen falls in it four times in five.
    """
    misses = []
    for fold in range(min(FOLDS, len(np.unique(past.day)))):
        out = past.day % FOLDS == fold
        if out.any() and not out.all():
            rest = _grown(past.where(~out), seed, (SHARES[0], SHARES[2]))
            low, high = _logs(rest, past.where(out)).T
            came = np.log1p(past.wait[out])
            misses.append(np.maximum(low - came, came - high))
    learned = _grown(past, seed, SHARES)
    if not misses:
        return learned
    wider = float(np.quantile(np.concatenate(misses), SHARES[2] - SHARES[0]))
    return Learned(learned.history, learned.forests, wider)


def foretell(learned: Learned, seen: Asked) -> Floats:
    """p10, p50 and p90 of the wait in minutes, n × 3, rising."""
    logs = _logs(learned, seen) + learned.wider * np.array([-1.0, 0.0, 1.0])
    rising: Floats = np.maximum.accumulate(np.maximum(0.0, np.expm1(logs)), axis=1)
    return rising


def _grown(past: Asked, seed: int, shares: Sequence[float]) -> Learned:
    history = _history(past)
    table, logs = _with_history(history, past), np.log1p(past.wait)
    forests = tuple(grow(table, logs, s, np.random.default_rng(seed)) for s in shares)
    return Learned(history, forests)


def _logs(learned: Learned, seen: Asked) -> Floats:
    table = _with_history(learned.history, seen)
    return np.column_stack([forest.at(table) for forest in learned.forests])


def _history(past: Asked) -> History:
    def shrunk(what: Floats, by: Floats) -> Floats:
        sums = np.bincount(past.queue, what, past.queues)
        counts = np.bincount(past.queue, by, past.queues)
        usual = sums.sum() / max(counts.sum(), 1e-9)
        weight = PRIOR * float(by.mean())
        found: Floats = (sums + weight * usual) / (counts + weight)
        return found

    one = np.ones(len(past.wait))
    watched = np.clip(past.column("since_start"), 5, 60)
    return History(
        each=shrunk(past.wait, _ahead(past) ** BENT),
        wait=shrunk(past.wait, one),
        pace=shrunk(past.column("calls_60"), watched),
    )


def _ahead(seen: Asked) -> Floats:
    return seen.column("waiting") + seen.column("before_her")


def _with_history(history: History, seen: Asked) -> Floats:
    """The table, and what history makes of it: people ahead × its minutes each, and ÷ a blended pace."""
    ahead, pace = _ahead(seen), history.pace[seen.queue]
    recent = [
        (seen.column(f"calls_{span}") + PRIOR * pace)
        / (np.minimum(span, seen.column("since_start")) + PRIOR)
        for span in (30, 60)
    ]
    return np.column_stack(
        (
            seen.table,
            history.each[seen.queue] * ahead**BENT,
            history.wait[seen.queue],
            pace,
            *(ahead / np.maximum(rate, 1e-3) for rate in recent),
            seen.column("waiting") / np.maximum(seen.column("open"), 0.5),
            seen.column("office_waiting") / np.maximum(seen.column("office_calls_60"), 1.0),
        )
    )


@dataclass(frozen=True)
class Score:
    """Of an estimate, over visitors: mean absolute error, bias (told − came), share within the interval
    that should hold 80 %, its mean width; minutes. The last two only where there is an interval."""

    error: float
    bias: float
    covered: float | None = None
    width: float | None = None


def score(told: Floats, wait: Floats) -> Score:
    """`told`: n minutes, or n × 3 of p10, p50 and p90."""
    if told.ndim == 1:
        return Score(float(np.abs(told - wait).mean()), float((told - wait).mean()))
    low, middle, high = told.T
    inside = (low - 1e-9 <= wait) & (wait <= high + 1e-9)
    plain = score(middle, wait)
    return Score(plain.error, plain.bias, float(inside.mean()), float((high - low).mean()))


def over_days(
    values: Floats, day: Ints, per: Floats | None = None, draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """95 % interval of mean(values), or of Σ values ÷ Σ per, by drawing whole days again (bootstrap)."""
    base = np.ones(len(values)) if per is None else per
    days = np.unique(day)
    sums = np.array([[values[day == d].sum(), base[day == d].sum()] for d in days])
    chosen = np.random.default_rng(seed).integers(len(days), size=(draws, len(days)))
    drawn = sums[chosen].sum(axis=1)
    low, high = np.quantile(drawn[:, 0] / drawn[:, 1], (0.025, 0.975))
    return float(low), float(high)
