"""What the centre lays down for dossiers: where codes come from, which days count, how long they are kept."""

from __future__ import annotations

import datetime as dt
import threading

from ..dossiers.calendar import OFFICE_WEEK, Session, WorkCalendar
from ..dossiers.life import CodeRule, Terms
from ..line.setup import WEEKDAYS, Hours
from ..store.holidays import AS_PUBLISHED, DaysOff, LocalDays, days_off
from ..wire.words import local


class DossierTerms:
    """Makes `Terms`; holidays of a year are looked up once. `keep_days`: from filing, and anew from the end."""

    def __init__(
        self, codes: CodeRule, keep_days: int = 730, own_days: LocalDays = AS_PUBLISHED
    ) -> None:
        self.codes, self.keep_days, self._own_days = codes, keep_days, own_days
        self._lock = threading.Lock()
        self._off: dict[int, DaysOff] = {}

    def at(self, at: int, hours: Hours, offset_minutes: int) -> Terms:
        """As they are at `at` (ms)."""
        off = self._days_off(local(at, offset_minutes).year)
        days = WorkCalendar(week=week_of(hours), holidays=off.holidays, worked=off.worked)
        return Terms(codes=self.codes, calendar=days)

    def warm(self, at: int, offset_minutes: int) -> None:
        """Look the holidays up beforehand: it takes half a second, so from another thread."""
        self._days_off(local(at, offset_minutes).year)

    def _days_off(self, year: int) -> DaysOff:
        """Of this year, the one before (a dossier of a cut off kiosk) and the two to come."""
        with self._lock:
            if year not in self._off:
                self._off = {year: days_off(range(year - 1, year + 3), self._own_days)}
            return self._off[year]


def week_of(hours: Hours) -> tuple[tuple[Session, ...], ...]:
    """The centre's opening hours as a working week; the usual office week where it has set none."""
    week = tuple(
        tuple(Session(opens=_time(a), closes=_time(b)) for a, b in hours.sessions.get(day, ()))
        for day in WEEKDAYS
    )
    return week if any(week) else OFFICE_WEEK


def _time(minutes: int) -> dt.time:
    return dt.time(minutes // 60 % 24, minutes % 60) if minutes < 1440 else dt.time(23, 59)
