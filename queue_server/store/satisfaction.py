"""What the rules of satisfaction read, from the read tables: for whole days, each group cut to whole fives.

A group's newest answers that do not make five are left out, so that nobody sees one answer come: neither in a sum
that grows by one, nor in the difference of two readings. Days are local, as `2026-11-20`; `until` is not included.
"""

from __future__ import annotations

import datetime as dt
import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator

from ..satisfaction.drivers import Tally
from ..satisfaction.suspicion import Asked, OfficerDay, Press
from ..wire.words import DAY, Frozen
from .ratings import LEVELS, levels

STEP = 5
SATISFIED = 4
LATEST = 15 * DAY
"""No answer comes so long after its visit."""
NEWEST = 5_000
"""Among so many of the newest answers are those that are left out, but for groups seldom heard of."""

DRIVEN_BY = tuple(by for by in LEVELS if by)


def fives(count: int) -> int:
    """`count` without what does not make five."""
    return count // STEP * STEP


def month_after(day: dt.date) -> dt.date:
    """The first day of the next month."""
    return (day.replace(day=1) + dt.timedelta(days=32)).replace(day=1)


def month_before(day: dt.date) -> dt.date:
    """The first day of the month before."""
    return (day.replace(day=1) - dt.timedelta(days=1)).replace(day=1)


class Group(Frozen):
    """Answers of one level, in whole fives: how many gave each score (1–5); `asked` and `silent` are whole."""

    level: str
    within: str = ""
    scores: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)
    asked: int = 0
    silent: int = 0

    @property
    def answers(self) -> int:
        return sum(self.scores)

    @property
    def satisfied(self) -> int:
        return sum(self.scores[SATISFIED - 1 :])

    def tally(self) -> Tally:
        return Tally(
            level=self.level, answers=self.answers, satisfied=self.satisfied, within=self.within
        )


class Days(Frozen):
    """Whole local days from `since` to before `until`."""

    since: str
    until: str


def groups(conn: sqlite3.Connection, days: Days, by: str = "") -> tuple[Group, ...]:
    """One for each level of `by` (one of DRIVEN_BY), or one for all.

    Each month is cut to fives by itself, so that periods which share a month tell the same of it, and no answer
    is had by taking one period from another.
    """
    found: dict[Key, Group] = {}
    for month in months(days):
        for group in _of_month(conn, month, by):
            key = (group.level, group.within)
            found[key] = _together(found[key], group) if key in found else group
    return tuple(found[key] for key in sorted(found))


def months(days: Days) -> list[Days]:
    """The days cut where a month begins."""
    found, since = [], days.since
    while since < days.until:
        until = min(month_after(dt.date.fromisoformat(since)).isoformat(), days.until)
        found.append(Days(since=since, until=until))
        since = until
    return found


def _together(one: Group, other: Group) -> Group:
    return Group(
        level=one.level,
        within=one.within,
        scores=_five([a + b for a, b in zip(one.scores, other.scores, strict=True)]),
        asked=one.asked + other.asked,
        silent=one.silent + other.silent,
    )


def _of_month(conn: sqlite3.Connection, days: Days, by: str) -> tuple[Group, ...]:
    rows = conn.execute(
        "SELECT level, within, sum(s1), sum(s2), sum(s3), sum(s4), sum(s5), sum(offers),"
        " sum(silent) FROM rating_sums WHERE by = ? AND day >= ? AND day < ? GROUP BY 1, 2",
        (by, days.since, days.until),
    ).fetchall()
    found = {
        (str(row[0]), str(row[1])): Group(
            level=str(row[0]),
            within=str(row[1]),
            scores=tuple(row[2:7]),
            asked=row[7],
            silent=row[8],
        )
        for row in rows
    }
    return tuple(_stepped(conn, days, by, found).values())


Key = tuple[str, str]


def _stepped(
    conn: sqlite3.Connection, days: Days, by: str, found: dict[Key, Group]
) -> dict[Key, Group]:
    """Each without its newest answers that do not make five."""
    over = {key: group.answers % STEP for key, group in found.items() if group.answers % STEP}
    scores = {key: list(group.scores) for key, group in found.items()}
    for level, within, score in _newest(conn, days, by):
        if not over:
            break
        key = (level, within)
        if over.get(key, 0):
            scores[key][score - 1] -= 1
            over[key] -= 1
            if not over[key]:
                del over[key]
    for key in over:  # seldom heard of: nothing of it is told
        scores[key] = [0] * 5
    return {
        key: Group(
            level=group.level,
            within=group.within,
            scores=_five(scores[key]),
            asked=group.asked,
            silent=group.silent,
        )
        for key, group in found.items()
    }


def _five(scores: list[int]) -> tuple[int, int, int, int, int]:
    one, two, three, four, five = scores
    return one, two, three, four, five


def _newest(conn: sqlite3.Connection, days: Days, by: str) -> Iterator[tuple[str, str, int]]:
    """Newest first; by the time at which they came, which is at most some days after the visit's."""
    level, within = levels(by)
    rows = conn.execute(
        f"SELECT {level}, {within}, score FROM ratings INDEXED BY ratings_given"
        " WHERE given_at IS NOT NULL AND score IS NOT NULL AND given_at < ?"
        " AND half_hour >= ? AND half_hour < ? ORDER BY given_at DESC, offer LIMIT ?",
        (_until_ms(days) + LATEST, days.since, days.until, NEWEST),
    )
    for found_level, found_within, score in rows:
        yield str(found_level), str(found_within), score


def _until_ms(days: Days) -> int:
    return int(dt.datetime.fromisoformat(days.until).replace(tzinfo=dt.UTC).timestamp() * 1000)


# --- what looks wrong ---------------------------------------------------------------------------


def presses(conn: sqlite3.Connection, days: Days) -> tuple[Press, ...]:
    """Single answers, for rules that look at each; shown to nobody as they are."""
    rows = conn.execute(
        "SELECT offer, given_at, pressed_at, counter, score, source, officer, opened_at, next_at"
        " FROM ratings WHERE half_hour >= ? AND half_hour < ? AND score IS NOT NULL",
        (days.since, days.until),
    )
    return tuple(
        Press(
            offer=row[0],
            at=row[1],
            pressed_at=row[2],
            counter=row[3],
            score=row[4],
            source=row[5],
            officer=row[6],
            finished_at=row[7],
            next_called_at=row[8],
        )
        for row in rows
    )


def officer_days(conn: sqlite3.Connection, days: Days) -> tuple[OfficerDay, ...]:
    rows = conn.execute(
        "SELECT officer, substr(half_hour, 1, 10), count(*), sum(score IS NOT NULL),"
        " coalesce(sum(score = 5), 0) FROM ratings"
        " WHERE half_hour >= ? AND half_hour < ? AND officer != '' GROUP BY 1, 2",
        (days.since, days.until),
    )
    return tuple(
        OfficerDay(officer=row[0], day=row[1], offers=row[2], answers=row[3], best=row[4])
        for row in rows
    )


def asked(of: Iterable[Group]) -> tuple[Asked, ...]:
    """Groups by counter, for what silence says."""
    return tuple(
        Asked(
            counter=int(group.level),
            offers=fives(group.asked),
            answers=group.answers,
            total=sum((n + 1) * count for n, count in enumerate(group.scores)),
        )
        for group in of
    )


# --- surveys ------------------------------------------------------------------------------------


class Sheets(Frozen):
    """Answers to one survey in whole fives; `begun`: saw its first question, `ended`: was shown its last."""

    survey: str
    answers: tuple[dict[str, int], ...] = ()
    begun: int = 0
    shown: tuple[int, ...] = ()
    """How many saw the first question, the second …"""


def sheets(conn: sqlite3.Connection, days: Days, survey: str, questions: int) -> Sheets:
    """What was answered to `survey`, and how far its `questions` were followed; each month cut to fives by itself."""
    answers: list[dict[str, int]] = []
    shown = [0] * (questions + 1)
    for month in months(days):
        rows = _sheets_of_month(conn, month, survey)
        answers += _in_fives([json.loads(given) for given, _ in rows if given])
        for _, saw in rows[: fives(len(rows))]:
            for n in range(min(saw, questions)):
                shown[n] += 1
    return Sheets(
        survey=survey, answers=tuple(answers), begun=shown[0], shown=tuple(shown[:questions])
    )


def _sheets_of_month(
    conn: sqlite3.Connection, days: Days, survey: str
) -> list[tuple[str | None, int]]:
    return conn.execute(
        "SELECT answers, shown FROM ratings WHERE survey = ? AND half_hour >= ? AND half_hour < ?"
        " AND score IS NOT NULL ORDER BY given_at, offer",
        (survey, days.since, days.until),
    ).fetchall()


def _in_fives(sheets: list[dict[str, int]]) -> tuple[dict[str, int], ...]:
    """Of each question the newest answers that do not make five are left out."""
    counts: dict[str, int] = {}
    for sheet in sheets:
        for question in sheet:
            counts[question] = counts.get(question, 0) + 1
    left = {question: fives(n) for question, n in counts.items()}
    told = []
    for sheet in sheets:
        kept = {}
        for question, value in sheet.items():
            if left[question] > 0:
                left[question] -= 1
                kept[question] = value
        told.append(kept)
    return tuple(sheet for sheet in told if sheet)


def reasons(conn: sqlite3.Connection, days: Days) -> dict[str, int]:
    """How often each reason was given for a poor rating, in whole fives of each month."""
    found: Counter[str] = Counter()
    for month in months(days):
        rows = conn.execute(
            "SELECT reasons FROM ratings WHERE half_hour >= ? AND half_hour < ? AND reasons != ''",
            (month.since, month.until),
        )
        given = Counter(reason for (reasons,) in rows for reason in reasons.split(","))
        found.update({reason: fives(n) for reason, n in given.items()})
    return {reason: n for reason, n in sorted(found.items()) if n}
