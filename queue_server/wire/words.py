"""The words of the centre: identifiers, times and small values that every program shares."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import dataclass_transform

import msgspec

MINUTE = 60_000
HALF_HOUR = 30 * MINUTE
SECOND = 1_000
DAY = 86_400_000


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(msgspec.field,))
class Frozen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A value that never changes once it is made; defaults are left out on the wire and in the log."""


class Language(StrEnum):
    VI = "vi"
    EN = "en"


class Role(StrEnum):
    """What a person may do (`docs/architecture.md`, People)."""

    OFFICER = "officer"
    GUIDE = "guide"
    MANAGER = "manager"
    TECHNICIAN = "technician"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"


class DeviceKind(StrEnum):
    KIOSK = "kiosk"
    TABLET = "tablet"
    BRIDGE = "bridge"
    BOARD = "board"


class TicketStatus(StrEnum):
    WAITING = "waiting"
    CALLED = "called"
    SERVING = "serving"
    PARKED = "parked"
    OUT = "out"
    NO_SHOW = "no_show"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


IN_LINE = frozenset({TicketStatus.WAITING, TicketStatus.OUT, TicketStatus.PARKED})
AT_COUNTER = frozenset({TicketStatus.CALLED, TicketStatus.SERVING})


class Estimate(Frozen):
    """Minutes still to wait; `low`–`high` is the 80 % interval."""

    minutes: float
    low: float
    high: float


class Names(Frozen):
    """A text in both languages of the centre."""

    vi: str
    en: str

    def say(self, language: str) -> str:
        return self.en if language == Language.EN else self.vi


class PriorityGroup(Frozen):
    """One line of the centre's ordered list of priority groups (domain: Luật Người cao tuổi, …)."""

    id: str
    name: Names
    basis: str = ""
    proof: Names = Names(vi="", en="")


def local(at: int, offset_minutes: int) -> dt.datetime:
    """The wall clock of the centre at `at` (ms UTC) as a naive datetime; Vietnam has no summer time."""
    return dt.datetime.fromtimestamp(at / 1000, dt.UTC).replace(tzinfo=None) + dt.timedelta(
        minutes=offset_minutes
    )


def day_of(at: int, offset_minutes: int) -> str:
    """The centre's calendar day at `at`, as `2026-11-23`."""
    return local(at, offset_minutes).date().isoformat()


def ticket_id(day: str, number: str) -> str:
    """`20261123-A012`: a ticket's name, unique for ever; `day` as `2026-11-23`."""
    return f"{day.replace('-', '')}-{number}"


def half_hour(at: int, offset_minutes: int) -> str:
    """The local half-hour that holds `at`, as `2026-11-23T07:30`."""
    moment = local(at, offset_minutes)
    return moment.replace(minute=moment.minute // 30 * 30, second=0, microsecond=0).isoformat(
        timespec="minutes"
    )


def moment_of(half_hour: str, offset_minutes: int) -> int:
    """When (ms UTC) a local half-hour such as `2026-11-23T07:30` begins."""
    return ms_of(dt.datetime.fromisoformat(half_hour), offset_minutes)


def ms_of(moment: dt.datetime, offset_minutes: int) -> int:
    """What the centre's wall clock shows (naive) as ms UTC; the way back of `local`."""
    return int(moment.replace(tzinfo=dt.UTC).timestamp() * 1000) - offset_minutes * MINUTE
