"""The desk's part in appointments: keys and seals, days off, and what the visitor is told."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from ..line import appointments
from ..line import orders as o
from ..line.outcome import Booked, Issued, Refused
from ..store.vault import new_ref
from ..wire import messages as m
from ..wire.words import DAY, Frozen, local

if TYPE_CHECKING:
    from .desk import Changed, Desk, Request

LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Of a key: none that is taken for another when it is read out or typed."""
KEY_LENGTH = 10
CONTACT_DAYS_AFTER = 2


def free(desk: Desk, request: Request, ask: m.FreeTimes, changed: Changed) -> Frozen:
    """What can be booked, by day."""
    now = desk.clock.now()
    if desk.state.setup.service(ask.service) is None:
        raise Refused("unknown_service", service=ask.service)
    days = appointments.free_days(desk.state, ask.service, now, closed_days(desk, now))
    return m.TimesFree(
        days={
            day: tuple(m.FreeTime(starts=time.starts, left=time.left) for time in times)
            for day, times in days.items()
        }
    )


def closed_days(desk: Desk, now: int) -> tuple[str, ...]:
    """Local days on which nobody works, by the centre's calendar."""
    calendar = desk.terms_at(now).calendar
    today = local(now, desk.state.setup.rules.utc_offset_minutes).date()
    return tuple(day.isoformat() for day in sorted(calendar.holidays) if day >= today)


def book(desk: Desk, request: Request, ask: m.BookTime, changed: Changed) -> Frozen:
    from .desk import is_phone, token_hash

    desk.allowed(request, o.BookAppointment)
    if ask.phone and not is_phone(ask.phone):
        raise Refused("bad_phone")
    now = desk.clock.now()
    token = "".join(secrets.choice(LETTERS) for _ in range(KEY_LENGTH))
    visit, ref = secrets.token_hex(12), new_ref() if ask.phone else ""
    order = o.BookAppointment(
        service=ask.service,
        starts=ask.starts,
        token_hash=token_hash(token),
        visit=visit,
        procedure=ask.procedure,
        language=ask.language,
        priority=ask.priority,
        sealed=ref,
        closed=closed_days(desk, now),
    )
    reply = desk.do(request, order, changed)
    assert isinstance(reply, Booked)
    if ask.phone:
        until = ask.starts + CONTACT_DAYS_AFTER * DAY
        desk.vault.seal(visit, "contact", m.encode({"phone": ask.phone}), until, ref)
    base = desk.public_url.rstrip("/")
    return m.TimeBooked(
        appointment=reply.appointment,
        service=reply.service,
        starts=reply.starts,
        token=token,
        url=f"{base}/a/{token}" if base else "",
        procedure=ask.procedure,
    )


def check_in(desk: Desk, request: Request, ask: m.CheckIn, changed: Changed) -> Frozen:
    """Her number, called from her time on; a second time she is told which number she has."""
    from .desk import token_hash

    desk.allowed(request, o.CheckIn)
    now = desk.clock.now()
    due = appointments.due(desk.state, token_hash(normal(ask.token)), now)
    token = secrets.token_urlsafe(16)
    order = o.CheckIn(
        token_hash=due.token,
        ticket_token=token_hash(token),
        ask=request.key,
        expires=desk.expiry(request, ask, now),
    )
    reply = desk.do(request, order, changed)
    assert isinstance(reply, Issued)
    priority = desk.state.setup.known_priority(due.priority)
    return desk.taken(reply, due.service, priority, due.starts, token, now, None)


def cancel(desk: Desk, request: Request, ask: m.CancelTime, changed: Changed) -> Frozen:
    from .desk import token_hash

    desk.allowed(request, o.CancelAppointment)
    desk.do(request, o.CancelAppointment(token_hash=token_hash(normal(ask.token))), changed)
    return m.Done()


def normal(token: str) -> str:
    """A key as it is kept: typed in small letters, with blanks, or scanned with the whole address."""
    last = token.strip().rsplit("/", 1)[-1]
    return "".join(letter for letter in last.upper() if letter in LETTERS)[:40]
