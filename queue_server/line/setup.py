"""How a centre is set up: services, counters, officers, hours and the rules of its line."""

from __future__ import annotations

from ..satisfaction.triggers import Trigger, negative_share
from ..wire.words import MINUTE, Frozen, Names, PriorityGroup, local

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOVES = ("propose", "harmless", "off")
POLICIES = ("balanced", "first")


class Service(Frozen):
    """A queue for one field of procedures. Numbers are `letter` and three digits, `first`…`last`.

    When `last` is given out the numbers go on with a fourth digit (A1000 … A9999): a number is never
    given twice in a day. `mean_minutes` and `cv` (spread ÷ mean) are the start until enough was seen.
    """

    id: str
    letter: str
    name: Names
    first: int = 1
    last: int = 999
    mean_minutes: float = 8.0
    cv: float = 0.7


class Counter(Frozen):
    """A counter; the first of `serves` is its home service."""

    id: int
    name: Names
    serves: tuple[str, ...]
    priority: bool = False


class Officer(Frozen):
    """A person at a counter: her account, the name on her tag, and the services she may serve."""

    account: str
    name: str
    skills: tuple[str, ...]
    counter: int | None = None


class Hours(Frozen):
    """Opening sessions by weekday, in minutes after midnight.

    `enforced`: numbers are given only from `early_minutes` before a session until `cut_off_minutes`
    before the last one ends; otherwise the hours only warn.
    """

    sessions: dict[str, tuple[tuple[int, int], ...]] = {}
    enforced: bool = False
    early_minutes: int = 30
    cut_off_minutes: int = 0

    def today(self, at: int, offset_minutes: int) -> tuple[tuple[int, int], ...]:
        return self.sessions.get(WEEKDAYS[local(at, offset_minutes).weekday()], ())


class SurveyUse(Frozen):
    """What is asked beyond the five faces, of whom: a `share` (0–1) of the visits that fit all else.

    No services, counters or times: of all. `from_time` and `to_time` are local, as `13:00`; `since` and
    `until` local days.
    """

    survey: str
    share: float = 1.0
    services: tuple[str, ...] = ()
    counters: tuple[int, ...] = ()
    from_time: str = ""
    to_time: str = ""
    since: str = ""
    until: str = ""


class Rules(Frozen):
    """The numbers that the line lives by (defaults: `docs/architecture.md`, Numbers).

    You are *passed* when a counter that may serve you calls somebody who came later: at most
    `max_passed_by_priority` times by priority visitors and `max_passed` times in all; after
    `max_wait_minutes` nobody passes you any more but priority visitors.
    """

    policy: str = "balanced"
    """`balanced` weighs waits against what each visit takes; `first`: priority, then the longest wait."""
    balance_due_minutes: float = 20.0
    """Around this wait a long visit's claim overtakes a short one's (`line/rule.py`, Weights)."""
    balance_level_minutes: float = 36.0
    """From this wait on a claim grows no further, and eases."""
    balance_fade: float = 0.5
    """By what power of the wait it eases then; 0: not at all."""
    balance_apart: float = 0.5
    """How much a counter that is slow at a service leaves it to its colleagues; 0: not at all."""
    target_minutes: float = 15.0
    max_passed_by_priority: int = 30
    max_passed: int = 60
    max_wait_minutes: float = 70.0
    priority_at: str = "every"
    """`every` counter calls priority visitors first, or only `priority` counters do."""
    appointment_early_minutes: float = 0.0
    """How long before her time a booked visitor may be called."""
    appointment_late_minutes: float = 15.0
    """Who comes no later than this keeps the place of her time; later, the place of her coming."""
    appointment_days: int = 0
    """How many days ahead a time can be booked; 0: none can."""
    appointments_per_half_hour: int = 2
    """Appointments of one service that are given for one half-hour."""
    appointment_credit_minutes: float = 8.0
    """A booked visitor in time counts as having waited so much more, so that her time is nearly kept."""
    supplement_factor: float = 0.7
    """Who returns with what was missing is foretold this share of the usual minutes."""
    recalls: int = 2
    absences: int = 3
    """A visitor who was absent so often is not put back any more: she takes a new number."""
    offer_minutes: float = 2.0
    """How long the tablet's offer stands."""
    phone_offer_days: float = 7.0
    seal_roles: tuple[str, ...] = ("manager", "auditor")
    """Who may open which visit a rating belongs to, with a reason, each time as an event; nobody if empty."""
    utc_offset_minutes: int = 420
    restore_margin: int = 20
    lease_numbers: int = 20
    """Numbers of each service that a kiosk holds for when it is cut off, good for the day; 0: none."""
    moves: str = "propose"
    """`propose` them to the manager, let `harmless` ones go by themselves, or `off`."""
    move_answer_minutes: float = 10.0
    """A proposal that nobody answered is withdrawn after this."""
    move_rest_minutes: float = 20.0
    """After a move ended or was refused its counter is left alone for this long."""
    booked_per_half_hour: int = 6
    """Numbers of one service that are given for one half-hour to come, so that a quiet time stays quiet."""


class Setup(Frozen):
    """All of it; changed only by the event `SetupChanged`."""

    centre: str = "motcua"
    name: Names = Names(vi="Trung tâm Phục vụ hành chính công", en="Public Service Centre")
    authority: Names = Names(vi="", en="")
    hotline: str = "1022"
    services: tuple[Service, ...] = ()
    counters: tuple[Counter, ...] = ()
    officers: tuple[Officer, ...] = ()
    priorities: tuple[PriorityGroup, ...] = ()
    hours: Hours = Hours()
    rules: Rules = Rules()
    surveys: tuple[SurveyUse, ...] = ()
    """In this order; the first that fits a visit is asked, and the quick one where none does."""
    triggers: tuple[Trigger, ...] = (negative_share(),)
    """What calls a manager when the last minutes' answers are poor."""

    def service(self, service_id: str) -> Service | None:
        return next((s for s in self.services if s.id == service_id), None)

    def counter(self, counter_id: int) -> Counter | None:
        return next((c for c in self.counters if c.id == counter_id), None)

    def officer(self, account: str) -> Officer | None:
        return next((o for o in self.officers if o.account == account), None)

    def priority_rank(self, group: str | None) -> int:
        """Place of a group in the ordered list; an ordinary visitor, or a group no longer listed, is last."""
        for rank, known in enumerate(self.priorities):
            if known.id == group:
                return rank
        return len(self.priorities)

    def known_priority(self, group: str | None) -> str | None:
        """None for a group that is not, or no longer, listed."""
        return group if self.priority_rank(group) < len(self.priorities) else None


def minutes_to_closing(hours: Hours, at: int, offset_minutes: int) -> tuple[int | None, int | None]:
    """Minutes until (this session ends, the day ends); None when no session holds `at` / none is left."""
    now = ((at + offset_minutes * MINUTE) // MINUTE) % 1440
    sessions = hours.today(at, offset_minutes)
    here = next((end - now for start, end in sessions if start <= now < end), None)
    last = max((end for _, end in sessions), default=None)
    return here, (last - now if last is not None and last > now else None)
