"""Appointments: times of days to come, booked beforehand, and checked in for on their day; pure rules.

An appointment is no place in a line. Who has one takes her number on its day by checking in, and is
then a booked visitor like any other (`booking.py`): called from her time on, whose wait starts then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from ..wire.words import DAY, MINUTE, Frozen, day_of, local
from . import events as e
from . import orders as o
from .outcome import Booked, Refused
from .setup import WEEKDAYS
from .state import AppointmentNow, State


class FreeTime(Frozen):
    """A half-hour that may still be booked: its start (ms) and how many places are left."""

    starts: int
    left: int


def book(
    state: State, order: o.BookAppointment, at: int, source: str
) -> tuple[list[e.Event], Booked]:
    """Raises Refused: `no_appointments`, `unknown_service`, `unknown_priority`, `booked_past`, `booked_outside`,
    `slot_full`."""
    rules = state.setup.rules
    if not rules.appointment_days:
        raise Refused("no_appointments")
    service = state.setup.service(order.service)
    if service is None:
        raise Refused("unknown_service", service=order.service)
    if order.priority is not None and state.setup.known_priority(order.priority) is None:
        raise Refused("unknown_priority", group=order.priority)
    if order.starts < at:
        raise Refused("booked_past")
    if order.starts not in half_hours(state, order.starts, at, order.closed):
        raise Refused("booked_outside")
    if left(state, order.service, order.starts) < 1:
        time = local(order.starts, rules.utc_offset_minutes).strftime("%H:%M")
        raise Refused("slot_full", time=time)
    day = day_of(order.starts, rules.utc_offset_minutes)
    number = 1 + state.appointments_made.get(day, 0)
    booked = e.AppointmentBooked(
        appointment=f"{day}-{number}",
        service=order.service,
        starts=order.starts,
        token=order.token_hash,
        procedure=order.procedure,
        language=order.language,
        priority=order.priority,
        visit=order.visit,
        sealed=order.sealed,
        source=source,
    )
    return [booked], Booked(
        appointment=booked.appointment, service=order.service, starts=order.starts
    )


def cancel(state: State, order: o.CancelAppointment) -> list[e.Event]:
    """Twice is once; one that was used or is unknown is refused."""
    found = find(state, order.token_hash, order.appointment)
    if found.status == "cancelled":
        return []
    if found.status != "booked":
        raise Refused("appointment_used")
    return [e.AppointmentCancelled(appointment=found.id, reason=order.reason[:200])]


def due(state: State, token_hash: str, at: int) -> AppointmentNow:
    """The appointment that is checked in for now. Raises Refused: `unknown_appointment`,
    `appointment_cancelled`, `appointment_used` (and her number), `appointment_other_day` (and which)."""
    offset = state.setup.rules.utc_offset_minutes
    found = find(state, token_hash)
    if found.status == "cancelled":
        raise Refused("appointment_cancelled")
    if found.ticket:
        known = state.tickets.get(found.ticket)
        raise Refused("appointment_used", number=known.number if known else "")
    if day_of(found.starts, offset) != day_of(at, offset):
        raise Refused("appointment_other_day", day=local(found.starts, offset).strftime("%d/%m/%Y"))
    return found


def find(state: State, token_hash: str = "", appointment: str = "") -> AppointmentNow:
    for known in state.appointments.values():
        if (token_hash and known.token == token_hash) or known.id == appointment:
            return known
    raise Refused("unknown_appointment")


def free_days(
    state: State, service: str, at: int, closed: tuple[str, ...] = ()
) -> dict[str, tuple[FreeTime, ...]]:
    """By local day, from today on: the half-hours of `service` that may still be booked."""
    offset = state.setup.rules.utc_offset_minutes
    most, taken = state.setup.rules.appointments_per_half_hour, _taken(state, service)
    found: dict[str, tuple[FreeTime, ...]] = {}
    for ahead in range(state.setup.rules.appointment_days + 1):
        moment = at + ahead * DAY
        times = tuple(
            FreeTime(starts=starts, left=places)
            for starts in half_hours(state, moment, at, closed)
            if starts >= at and (places := most - taken[starts]) > 0
        )
        if times:
            found[day_of(moment, offset)] = times
    return found


def left(state: State, service: str, starts: int) -> int:
    """Places of a service that are left in the half-hour which starts at `starts`."""
    return max(0, state.setup.rules.appointments_per_half_hour - _taken(state, service)[starts])


def _taken(state: State, service: str) -> Counter[int]:
    """How many places of a service are taken, by the start of the half-hour."""
    return Counter(
        known.starts
        for known in state.appointments.values()
        if known.service == service and known.status != "cancelled"
    )


def half_hours(state: State, moment: int, at: int, closed: tuple[str, ...]) -> list[int]:
    """Starts (ms) of the bookable half-hours of the local day of `moment`; none beyond the days ahead,
    on a closed day, or without a session."""
    rules, hours = state.setup.rules, state.setup.hours
    offset = rules.utc_offset_minutes
    midnight = (moment + offset * MINUTE) // DAY * DAY - offset * MINUTE
    today = (at + offset * MINUTE) // DAY * DAY - offset * MINUTE
    if not today <= midnight <= today + rules.appointment_days * DAY:
        return []
    if day_of(moment, offset) in closed:
        return []
    sessions = hours.sessions.get(WEEKDAYS[local(moment, offset).weekday()], ())
    return list(_starts(midnight, sessions, hours.cut_off_minutes))


def _starts(midnight: int, sessions: tuple[tuple[int, int], ...], cut_off: int) -> Iterator[int]:
    for begin, end in sessions:
        first = -(-begin // 30) * 30
        for minute in range(first, end - max(30, cut_off) + 1, 30):
            yield midnight + minute * MINUTE


def missed(state: State, at: int) -> list[e.Event]:
    """Appointments of days gone by for which nobody came, said when the new day starts."""
    offset = state.setup.rules.utc_offset_minutes
    today = day_of(at, offset)
    return [
        e.AppointmentMissed(appointment=known.id)
        for known in state.appointments.values()
        if known.status == "booked" and day_of(known.starts, offset) < today
    ]
