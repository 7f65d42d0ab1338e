"""Which survey a visit is asked: pure, and the same for the same offer each time."""

from __future__ import annotations

import datetime as dt
import hashlib

from ..wire.words import local
from .setup import Setup, SurveyUse

DRAWS = 1 << 32


def survey_of(setup: Setup, offer: str, service: str, counter: int, at: int) -> str:
    """The first survey that fits and whose lot falls on this offer; "" for the quick one. `at` in ms."""
    now = local(at, setup.rules.utc_offset_minutes)
    for place, use in enumerate(setup.surveys):
        if _fits(use, service, counter, now) and _drawn(offer, place) < use.share:
            return use.survey
    return ""


def _fits(use: SurveyUse, service: str, counter: int, now: dt.datetime) -> bool:
    day, time = f"{now:%Y-%m-%d}", f"{now:%H:%M}"
    return (
        (not use.services or service in use.services)
        and (not use.counters or counter in use.counters)
        and (use.from_time or "00:00") <= time
        and (not use.to_time or time < use.to_time)
        and use.since <= day
        and (not use.until or day <= use.until)
    )


def _drawn(offer: str, place: int) -> float:
    """A number in 0 … 1 (1 excluded) from the offer's own chance, another for each use."""
    digest = hashlib.sha256(f"{offer}/{place}".encode()).digest()
    return int.from_bytes(digest[:4]) / DRAWS


def well_timed(use: SurveyUse) -> bool:
    """Its times and days are such, and in order."""
    try:
        times = [dt.time.fromisoformat(x) for x in (use.from_time, use.to_time) if x]
        days = [dt.date.fromisoformat(x) for x in (use.since, use.until) if x]
    except ValueError:
        return False
    texts = [x for x in (use.from_time, use.to_time) if x]
    written = all(len(x) == 5 for x in texts)
    written = written and all(len(x) == 10 for x in (use.since, use.until) if x)
    return written and days == sorted(days) and times == sorted(set(times))
