"""What looks wrong about ratings: repeated, nobody served, pressed by the officer, silence, a stuck button.

A mark is a reason and the facts that made it. It is no proof and drops nothing: each press goes on, with its marks
beside it, and is shown apart. Officers stand here as pseudonyms only. Times are ms of the centre's clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from itertools import pairwise
from statistics import median

from ..wire.words import SECOND, Frozen
from .intervals import ENOUGH, Interval, bounded_mean, wilson

AT_THE_COUNTER = frozenset({"tablet", "terminal"})
"""Sources that stand beside the officer; `terminal:box-3` is one. A visitor's own phone is not."""
LIKE_DEVIATION = 1.4826
"""Times this, the median distance from the median is a standard deviation where chance is at work."""


class Suspicion(StrEnum):
    REPEATED = "repeated"
    NOBODY_SERVED = "nobody_served"
    FOR_THE_VISITOR = "for_the_visitor"
    """Pressed seconds after the end, when the next visitor was called already."""
    RATE = "rate"
    """An officer's day with far more answers than is usual for her."""
    SCORES = "scores"
    """An officer's day with far more best answers than is usual for her."""
    SILENCE = "silence"
    """A counter where clearly fewer answer than at the others."""
    STUCK = "stuck"


class Limits(Frozen):
    """From where on something is marked."""

    repeat_ms: int = 8 * SECOND
    """A press this soon after another at its counter; two visitors cannot be so quick."""
    quick_ms: int = 4 * SECOND
    """Hardly anybody has found the button so soon after her errand's end, with the next one called."""
    stuck_presses: int = 6
    stuck_uneven_ms: int = 250
    """A machine's steps differ by no more than this."""
    far: float = 3.5
    """How many of her own spreads from her own median a day is far: by chance about once in 4,000 days."""
    least_days: int = 10
    """Days of her own that a pattern needs."""
    least_offers: int = 10
    """Visitors asked on a day, before it is compared."""
    least: int = ENOUGH
    """Visitors asked at a counter, and at the others together, before silence is spoken of."""


class Press(Frozen):
    """One rating as it came. `at`: when the server had it, `pressed_at`: when it was pressed.

    `served`: somebody was or had just been served there. `finished_at`: when her errand ended,
    `next_called_at`: when the counter called again after it; None: not (yet).
    """

    offer: str
    at: int
    pressed_at: int
    counter: int
    score: int
    source: str
    officer: str = ""
    finished_at: int | None = None
    next_called_at: int | None = None
    served: bool = True

    @property
    def at_the_counter(self) -> bool:
        return self.source.partition(":")[0] in AT_THE_COUNTER


Facts = dict[str, int | float]


class Mark(Frozen):
    """Why something looks wrong. It is about an offer, an officer's `day`, or a counter."""

    reason: Suspicion
    facts: Facts = {}
    offer: str = ""
    officer: str = ""
    day: str = ""
    counter: int | None = None


class Judged(Frozen):
    """A press and what is to be said of it."""

    press: Press
    marks: tuple[Mark, ...] = ()


# --- presses ------------------------------------------------------------------------------------


def judge(presses: Iterable[Press], limits: Limits = Limits()) -> tuple[Judged, ...]:
    """Every press, in the order given, with its marks. None is left out and none changed."""
    given = list(presses)
    order = sorted(range(len(given)), key=lambda i: _when(given[i]))
    marks: dict[int, list[Mark]] = {i: [] for i in order}
    for i in order:
        marks[i] += _alone(given[i], limits)
    for rule in (_repeated, _stuck):
        for i, reason, facts in rule(given, order, limits):
            marks[i].append(_mark(given[i], reason, facts))
    return tuple(Judged(press=given[i], marks=tuple(marks[i])) for i in range(len(given)))


def apart(judged: Iterable[Judged]) -> tuple[list[Press], list[Judged]]:
    """What nothing is said against, and what is shown apart with its reasons."""
    known = list(judged)
    return [j.press for j in known if not j.marks], [j for j in known if j.marks]


Found = Iterable[tuple[int, Suspicion, Facts]]


def _when(press: Press) -> tuple[int, int, str]:
    return press.pressed_at, press.at, press.offer


def _mark(press: Press, reason: Suspicion, facts: Facts) -> Mark:
    return Mark(
        reason=reason,
        facts=facts,
        offer=press.offer,
        officer=press.officer,
        counter=press.counter,
    )


def _alone(press: Press, limits: Limits) -> list[Mark]:
    """What a press says of itself."""
    if not press.served:
        return [_mark(press, Suspicion.NOBODY_SERVED, {"pressed_at": press.pressed_at})]
    if press.finished_at is None or press.next_called_at is None or not press.at_the_counter:
        return []
    after, called = press.pressed_at - press.finished_at, press.pressed_at - press.next_called_at
    if called < 0 or not 0 <= after <= limits.quick_ms:
        return []
    facts: Facts = {"after_finish_ms": after, "after_next_call_ms": called}
    return [_mark(press, Suspicion.FOR_THE_VISITOR, facts)]


def _repeated(presses: Sequence[Press], order: Sequence[int], limits: Limits) -> Found:
    """The same offer again, or a press soon after another at the same counter; the first one is none."""
    offers: dict[str, int] = {}
    last: dict[int, int] = {}
    for i in order:
        press = presses[i]
        since = [press.pressed_at - offers[press.offer]] if press.offer in offers else []
        offers[press.offer] = press.pressed_at
        if press.at_the_counter:
            after = press.pressed_at - last.get(press.counter, -limits.repeat_ms - 1)
            if press.counter in last and after <= limits.repeat_ms:
                since.append(after)
            last[press.counter] = press.pressed_at
        if since:
            yield i, Suspicion.REPEATED, {"after_ms": min(since)}


def _stuck(presses: Sequence[Press], order: Sequence[int], limits: Limits) -> Found:
    """The same answer again and again, in steps as even as only a machine's are."""
    devices: dict[tuple[int, str], list[int]] = {}
    for i in order:
        devices.setdefault((presses[i].counter, presses[i].source), []).append(i)
    for rows in devices.values():
        in_runs: dict[int, Facts] = {}
        for run in _even_runs([presses[i] for i in rows], limits.stuck_uneven_ms):
            if len(run) >= limits.stuck_presses:
                facts = _of_run([presses[rows[k]] for k in run])
                in_runs.update({rows[k]: facts for k in run})
        for i, facts in in_runs.items():
            yield i, Suspicion.STUCK, facts


def _even_runs(presses: Sequence[Press], uneven: int) -> list[range]:
    """The longest stretches of one answer whose steps lie within `uneven` ms of each other."""
    runs, start = [], 0
    shortest = longest = 0
    for k in range(1, len(presses)):
        step = presses[k].pressed_at - presses[k - 1].pressed_at
        same = presses[k].score == presses[k - 1].score
        if same and k - start > 1 and max(longest, step) - min(shortest, step) <= uneven:
            shortest, longest = min(shortest, step), max(longest, step)
            continue
        if same and k - start == 1:
            shortest = longest = step
            continue
        runs.append(range(start, k))
        start = k - 1 if same else k
        shortest = longest = step
    runs.append(range(start, len(presses)))
    return runs


def _of_run(run: Sequence[Press]) -> Facts:
    steps = [b.pressed_at - a.pressed_at for a, b in pairwise(run)]
    return {
        "presses": len(run),
        "score": run[0].score,
        "every_ms": round(median(steps)),
        "uneven_ms": max(steps) - min(steps),
    }


# --- an officer against her own days ------------------------------------------------------------


class OfficerDay(Frozen):
    """One day of one officer: so many visitors asked, so many answers, so many of these the best."""

    officer: str
    day: str
    offers: int
    answers: int
    best: int


def judge_days(days: Iterable[OfficerDay], limits: Limits = Limits()) -> tuple[Mark, ...]:
    """Days on which far more answered, or far more gave the best answer, than on her days before.

    Usual is the median of her earlier days; the spread is the median distance from it, made like a deviation,
    but never less than chance alone would give on a day so large. Others' habits play no part.
    """
    hers: dict[str, list[OfficerDay]] = {}
    for day in sorted(days, key=lambda d: (d.officer, d.day)):
        hers.setdefault(day.officer, []).append(day)
    return tuple(
        mark
        for known in hers.values()
        for k in range(len(known))
        for mark in _against(known[:k], known[k], limits)
    )


Part = tuple[int, int]


def _against(before: Sequence[OfficerDay], day: OfficerDay, limits: Limits) -> Iterable[Mark]:
    parts: tuple[tuple[Suspicion, Callable[[OfficerDay], Part]], ...] = (
        (Suspicion.RATE, lambda d: (d.answers, d.offers)),
        (Suspicion.SCORES, lambda d: (d.best, d.answers)),
    )
    for reason, part in parts:
        facts = _far(part(day), [part(d) for d in before], limits)
        if facts is not None:
            yield Mark(reason=reason, facts=facts, officer=day.officer, day=day.day)


def _far(today: Part, before: Sequence[Part], limits: Limits) -> Facts | None:
    """How far above her usual share today is; None: not far, or too little is known."""
    known = [(hits, n) for hits, n in before if n >= limits.least_offers]
    hits, n = today
    if n < limits.least_offers or len(known) < limits.least_days:
        return None
    usual = median(h / m for h, m in known)
    middle = median(abs(h / m - usual) for h, m in known)
    chance = (sum(h for h, _ in known) + 1) / (sum(m for _, m in known) + 2)
    spread = max(LIKE_DEVIATION * middle, math.sqrt(chance * (1 - chance) / n))
    far = (hits / n - usual) / spread
    if far < limits.far:
        return None
    return {
        "share": round(hits / n, 4),
        "usual": round(usual, 4),
        "spread": round(spread, 4),
        "spreads": round(far, 1),
        "days": len(known),
        "n": n,
    }


# --- silence ------------------------------------------------------------------------------------


class Asked(Frozen):
    """One counter: so many asked, so many answers, and the sum of their scores."""

    counter: int
    offers: int
    answers: int
    total: int


class Response(Frozen):
    """Who answered at a counter (`share` with `interval`), beside what they said (`mean` with `mean_interval`).

    `enough`: so many were asked that the share may be compared. A good mean of few answers says little.
    """

    counter: int
    offers: int
    answers: int
    share: float | None = None
    interval: Interval | None = None
    mean: float | None = None
    mean_interval: Interval | None = None
    enough: bool = False
    mark: Mark | None = None


def responses(
    counters: Iterable[Asked], limits: Limits = Limits(), lowest: int = 1, highest: int = 5
) -> tuple[Response, ...]:
    """Each counter's share of answers beside its score, by number of counter; silent ones are marked.

    Silent is a counter whose whole interval lies below that of the other counters together.
    """
    known = sorted(counters, key=lambda c: c.counter)
    offers, answers = sum(c.offers for c in known), sum(c.answers for c in known)
    return tuple(
        _response(c, offers - c.offers, answers - c.answers, limits, lowest, highest) for c in known
    )


def _response(
    asked: Asked, others: int, others_answers: int, limits: Limits, lowest: int, highest: int
) -> Response:
    enough = asked.offers >= limits.least
    rest = wilson(others_answers, others)
    share = wilson(asked.answers, asked.offers)
    mark = None
    if enough and others >= limits.least and share and rest and share.high < rest.low:
        facts: Facts = {
            "share": round(asked.answers / asked.offers, 4),
            "others": round(others_answers / others, 4),
            "n": asked.offers,
        }
        mark = Mark(reason=Suspicion.SILENCE, facts=facts, counter=asked.counter)
    return Response(
        counter=asked.counter,
        offers=asked.offers,
        answers=asked.answers,
        share=asked.answers / asked.offers if asked.offers else None,
        interval=share,
        mean=asked.total / asked.answers if asked.answers else None,
        mean_interval=bounded_mean(asked.total, asked.answers, lowest, highest),
        enough=enough,
        mark=mark,
    )
