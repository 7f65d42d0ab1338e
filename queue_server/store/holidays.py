"""Days off of Vietnam from the `holidays` package (no network), put right by the centre's own list.

The Prime Minister fixes Tết, 2 September and swapped working days (hoán đổi) each year; until the
package has them, and for the centre's own closing days, the local list has the last word.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from ..wire.words import Frozen


class LocalDays(Frozen):
    """Dates that differ here: `closed` besides the public holidays, `worked` in spite of them or the week."""

    closed: tuple[dt.date, ...] = ()
    worked: tuple[dt.date, ...] = ()


AS_PUBLISHED = LocalDays()


class DaysOff(Frozen):
    """The days of some years: off, with their Vietnamese names, and worked though the week says off."""

    names: dict[dt.date, str]
    worked: frozenset[dt.date]

    @property
    def holidays(self) -> frozenset[dt.date]:
        return frozenset(self.names)


def days_off(years: Iterable[int], local: LocalDays = AS_PUBLISHED) -> DaysOff:
    """Public holidays with their substitutes and swaps for `years`, corrected by `local`."""
    import holidays  # 0.4 s: only when a calendar is made

    wanted = set(years)
    public = holidays.country_holidays("VN", years=wanted, language="vi")
    names = {day: name for day, name in public.items() if day.year in wanted}
    names |= {day: names.get(day, "Ngày nghỉ của trung tâm") for day in local.closed}
    swapped = {day for day in public.weekend_workdays if day.year in wanted}
    worked = (swapped - set(local.closed)) | set(local.worked)
    return DaysOff(
        names={day: name for day, name in sorted(names.items()) if day not in worked},
        worked=frozenset(worked),
    )
