"""Working days, opening sessions and due dates of dossiers. All moments are the centre's wall clock.

Counting follows the civil code (Bộ luật Dân sự 2015): the first day is not counted (art. 147), an
end on a day off moves to the next working day (art. 148). What civil status and certification
finish on the day of receipt is due on the next working day when received after 15:00.
"""

from __future__ import annotations

import calendar as months
import datetime as dt
import math
from collections.abc import Iterator
from enum import StrEnum

from ..wire.words import Frozen

CUT_OFF = dt.time(15)
HOURS_A_DAY = 8
SATURDAY = 5
WEEK = 7
LONGEST_CLOSURE = 400


class TimeUnit(StrEnum):
    """`day` is a calendar day; `unstated`: the source gives no number, so nothing is promised."""

    SAME_DAY = "same_day"
    HOUR = "hour"
    WORKING_DAY = "working_day"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    UNSTATED = "unstated"


class ProcessingTime(Frozen, forbid_unknown_fields=True):
    """How long a procedure may take. `certain` is false where the source leaves room; `note` is its text."""

    unit: TimeUnit = TimeUnit.UNSTATED
    value: float = 0
    certain: bool = True
    note: str = ""


class Session(Frozen):
    """One opening of a day, from `opens` up to `closes`."""

    opens: dt.time
    closes: dt.time


def sessions(text: str) -> tuple[Session, ...]:
    """`07:30-11:30 13:30-17:00` as sessions; an empty text is a closed day; else `ValueError`."""
    found: list[Session] = []
    for part in text.replace(",", " ").split():
        opens, _, closes = part.partition("-")
        session = Session(opens=dt.time.fromisoformat(opens), closes=dt.time.fromisoformat(closes))
        if session.closes <= session.opens or (found and session.opens < found[-1].closes):
            raise ValueError(f"sessions out of order: {text}")
        found.append(session)
    return tuple(found)


OFFICE_DAY = sessions("07:30-11:30 13:30-17:00")
OFFICE_WEEK = (*[OFFICE_DAY] * SATURDAY, (), ())


class NeverOpen(ValueError):
    """A calendar in which no day is worked for longer than a year."""


class WorkCalendar(Frozen):
    """When a centre receives (`week`, Monday first) and which days count as working days.

    A Saturday morning on which a counter opens is not a working day: it is open, but no deadline
    counts it. `holidays` are days off; `worked` are days off by the week that are worked in
    exchange (hoán đổi), with the sessions of the week's first open day.
    """

    week: tuple[tuple[Session, ...], ...] = OFFICE_WEEK
    holidays: frozenset[dt.date] = frozenset()
    worked: frozenset[dt.date] = frozenset()

    def is_working_day(self, day: dt.date) -> bool:
        if day in self.worked or day in self.holidays:
            return day in self.worked and any(self.week)
        return day.weekday() < SATURDAY and bool(self._hours(day))

    def sessions_on(self, day: dt.date) -> tuple[Session, ...]:
        """The openings of `day`, none on a holiday."""
        if day in self.worked:
            return next((hours for hours in self.week if hours), ())
        return () if day in self.holidays else self._hours(day)

    def _hours(self, day: dt.date) -> tuple[Session, ...]:
        return self.week[day.weekday()]


def is_open(moment: dt.datetime, calendar: WorkCalendar) -> bool:
    today = calendar.sessions_on(moment.date())
    return any(s.opens <= moment.time() < s.closes for s in today)


def next_opening(moment: dt.datetime, calendar: WorkCalendar) -> dt.datetime:
    """`moment` itself when the centre is open, else when it opens next: after lunch, or another day."""
    for session in calendar.sessions_on(moment.date()):
        if moment.time() < session.closes:
            return max(moment, dt.datetime.combine(moment.date(), session.opens))
    for day in _days_after(moment.date()):
        for session in calendar.sessions_on(day):
            return dt.datetime.combine(day, session.opens)
    raise NeverOpen


def next_working_day(day: dt.date, calendar: WorkCalendar) -> dt.date:
    """The first working day after `day`."""
    return next(_working_days_after(day, calendar))


def working_day_before(day: dt.date, calendar: WorkCalendar) -> dt.date:
    """The last working day before `day`: an apology for a late dossier goes out by then (NĐ 61, art. 19)."""
    for back in range(1, LONGEST_CLOSURE):
        earlier = day - dt.timedelta(days=back)
        if calendar.is_working_day(earlier):
            return earlier
    raise NeverOpen


def add_working_days(day: dt.date, count: int, calendar: WorkCalendar) -> dt.date:
    """The `count`-th working day after `day`, which itself is not counted; 0 gives `day`."""
    following = _working_days_after(day, calendar)
    for _ in range(count):
        day = next(following)
    return day


def working_days_between(first: dt.date, last: dt.date, calendar: WorkCalendar) -> int:
    """How many working days lie after `first`, up to and with `last`."""
    span = (last - first).days
    return sum(calendar.is_working_day(first + dt.timedelta(days=n)) for n in range(1, span + 1))


def due(
    received: dt.datetime,
    time: ProcessingTime,
    calendar: WorkCalendar,
    cut_off: dt.time = CUT_OFF,
) -> dt.datetime | None:
    """When the result of a dossier submitted at `received` is due; none where no time is stated.

    Submitting outside opening hours counts from the next opening. Days end at the closing of their
    last session, half days at that of their first. Eight hours and more are working days of eight.
    """
    start = next_opening(received, calendar)
    match time.unit:
        case TimeUnit.UNSTATED:
            return None
        case TimeUnit.SAME_DAY:
            return _same_day(start, calendar, cut_off)
        case TimeUnit.HOUR if time.value < HOURS_A_DAY:
            return _after_hours(start, time.value, calendar)
        case TimeUnit.HOUR:
            return _after_working_days(start.date(), time.value / HOURS_A_DAY, calendar)
        case TimeUnit.WORKING_DAY:
            return _after_working_days(start.date(), time.value, calendar)
        case TimeUnit.DAY:
            end = start.date() + dt.timedelta(days=math.ceil(time.value))
        case TimeUnit.MONTH:
            end = _add_months(start.date(), math.ceil(time.value))
        case TimeUnit.YEAR:
            end = _add_months(start.date(), math.ceil(time.value * 12))
    return _closing(_or_next_working_day(end, calendar), calendar)


def extended(
    due_at: dt.datetime,
    unit: TimeUnit,
    stopped: dt.datetime,
    resumed: dt.datetime,
    calendar: WorkCalendar,
) -> dt.datetime:
    """`due_at` after a pause for a supplement: the days from `stopped` to `resumed` are not counted."""
    if resumed <= stopped:
        return due_at
    if unit in (TimeUnit.DAY, TimeUnit.MONTH, TimeUnit.YEAR):
        end = due_at.date() + (resumed.date() - stopped.date())
        day = _or_next_working_day(end, calendar)
    else:
        lost = working_days_between(stopped.date(), resumed.date(), calendar)
        day = add_working_days(due_at.date(), lost, calendar)
    moved = dt.datetime.combine(day, due_at.time())
    return max(moved, next_opening(resumed, calendar))


def _same_day(start: dt.datetime, calendar: WorkCalendar, cut_off: dt.time) -> dt.datetime:
    day = start.date()
    if start.time() > cut_off:
        day = next_working_day(day, calendar)
    return _closing(day, calendar)


def _after_hours(start: dt.datetime, hours: float, calendar: WorkCalendar) -> dt.datetime:
    left = dt.timedelta(hours=hours)
    moment = start
    while True:
        moment = next_opening(moment, calendar)
        closes = next(
            s.closes for s in calendar.sessions_on(moment.date()) if moment.time() < s.closes
        )
        closing = dt.datetime.combine(moment.date(), closes)
        if moment + left <= closing:
            return moment + left
        left -= closing - moment
        moment = closing


def _after_working_days(day: dt.date, count: float, calendar: WorkCalendar) -> dt.datetime:
    end = add_working_days(day, math.ceil(count), calendar)
    if 0 < count % 1 <= 0.5:
        return dt.datetime.combine(end, calendar.sessions_on(end)[0].closes)
    return _closing(end, calendar)


def _add_months(day: dt.date, count: int) -> dt.date:
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    last = months.monthrange(year, month + 1)[1]
    return dt.date(year, month + 1, min(day.day, last))


def _closing(day: dt.date, calendar: WorkCalendar) -> dt.datetime:
    return dt.datetime.combine(day, calendar.sessions_on(day)[-1].closes)


def _or_next_working_day(day: dt.date, calendar: WorkCalendar) -> dt.date:
    return day if calendar.is_working_day(day) else next_working_day(day, calendar)


def _working_days_after(day: dt.date, calendar: WorkCalendar) -> Iterator[dt.date]:
    unworked = 0
    while unworked < LONGEST_CLOSURE:
        day += dt.timedelta(days=1)
        unworked += 1
        if calendar.is_working_day(day):
            unworked = 0
            yield day
    raise NeverOpen


def _days_after(day: dt.date) -> Iterator[dt.date]:
    for ahead in range(1, LONGEST_CLOSURE):
        yield day + dt.timedelta(days=ahead)
