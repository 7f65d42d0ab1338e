"""Numbers for a time to come: which time may be had, and how many of each half-hour are given."""

from __future__ import annotations

from ..wire.words import DAY, HALF_HOUR, MINUTE, TicketStatus, local
from .outcome import Refused
from .state import State

GIVEN_BACK = frozenset({TicketStatus.CANCELLED, TicketStatus.EXPIRED})


def check(state: State, service: str, booked: int, at: int) -> None:
    """Raises Refused: `booked_past`, `booked_outside` today's opening hours, or `slot_full`."""
    if booked < at:
        raise Refused("booked_past")
    if not _is_open(state, booked, at):
        raise Refused("booked_outside")
    rules = state.setup.rules
    if given(state, service, booked) >= rules.booked_per_half_hour:
        time = local(booked, rules.utc_offset_minutes).strftime("%H:%M")
        raise Refused("slot_full", time=time)


def may_have(state: State, service: str, booked: int, at: int) -> bool:
    """Whether a number for this time would be given now."""
    try:
        check(state, service, booked, at)
    except Refused:
        return False
    return True


def given(state: State, service: str, booked: int) -> int:
    """Numbers of a service that are given for the half-hour around `booked` (ms)."""
    offset = state.setup.rules.utc_offset_minutes * MINUTE
    slot = (booked + offset) // HALF_HOUR
    return sum(
        (ticket.booked + offset) // HALF_HOUR == slot
        for ticket in state.tickets.values()
        if ticket.booked is not None
        and (ticket.asked or ticket.service) == service
        and ticket.status not in GIVEN_BACK
    )


def _is_open(state: State, booked: int, at: int) -> bool:
    """Today, and in a session. Where hours only warn, a number taken outside them may be for outside."""
    hours, offset = state.setup.hours, state.setup.rules.utc_offset_minutes * MINUTE
    if (booked + offset) // DAY != (at + offset) // DAY:
        return False
    sessions = hours.today(at, state.setup.rules.utc_offset_minutes)

    def within(moment: int, less: int) -> bool:
        minute = (moment + offset) % DAY // MINUTE
        return any(begin <= minute < end - less for begin, end in sessions)

    return within(booked, hours.cut_off_minutes) or not (hours.enforced or within(at, 0))
