"""Every topic of the centre, written once: who says it, QoS, retained or not, and its message."""

from __future__ import annotations

import re
from dataclasses import dataclass

from . import messages as m
from .words import DeviceKind

SAFE = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}\Z")
"""Centre and device names: no dot, slash, blank or wildcard (NATS turns dots into levels)."""


@dataclass(frozen=True)
class Topic:
    """`path` below `motcua/<centre>/`; `{device}` and `{counter}` are filled in."""

    path: str
    message: type
    says: str
    retained: bool
    qos: int = 1
    reply: type | None = None
    kinds: tuple[DeviceKind, ...] = ()

    def at(self, centre: str, **names: str | int) -> str:
        return f"motcua/{centre}/{self.path.format(**names)}"


_EVERY = (DeviceKind.KIOSK, DeviceKind.TABLET, DeviceKind.BRIDGE, DeviceKind.BOARD)
_RATERS = (DeviceKind.TABLET, DeviceKind.BRIDGE)


def _ask(
    verb: str, message: type, reply: type = m.Done, kinds: tuple[DeviceKind, ...] = _EVERY
) -> Topic:
    return Topic(f"ask/{{device}}/{verb}", message, "device", False, reply=reply, kinds=kinds)


ASKS: dict[str, Topic] = {
    "hello": _ask("hello", m.Hello, m.Welcome),
    "take_ticket": _ask("take_ticket", m.TakeTicket, m.TicketTaken, (DeviceKind.KIOSK,)),
    "free_times": _ask("free_times", m.FreeTimes, m.TimesFree, (DeviceKind.KIOSK,)),
    "book_time": _ask("book_time", m.BookTime, m.TimeBooked, (DeviceKind.KIOSK,)),
    "check_in": _ask("check_in", m.CheckIn, m.TicketTaken, (DeviceKind.KIOSK,)),
    "cancel_time": _ask("cancel_time", m.CancelTime, kinds=(DeviceKind.KIOSK,)),
    "withdraw_ticket": _ask("withdraw_ticket", m.WithdrawTicket, kinds=(DeviceKind.KIOSK,)),
    "lease_numbers": _ask("lease_numbers", m.LeaseNumbers, m.Leased, (DeviceKind.KIOSK,)),
    "hand_over": _ask("hand_over", m.HandOver, m.HandedOver, (DeviceKind.KIOSK,)),
    "report_print": _ask("report_print", m.ReportPrint, kinds=(DeviceKind.KIOSK,)),
    "call_help": _ask("call_help", m.CallHelp),
    "rate": _ask("rate", m.Rate, kinds=_RATERS),
    "rate_pressed": _ask("rate_pressed", m.RatePressed, kinds=(DeviceKind.BRIDGE,)),
    "press_key": _ask("press_key", m.KeyPressed, kinds=(DeviceKind.BRIDGE,)),
    "stay_silent": _ask("stay_silent", m.StaySilent, kinds=_RATERS),
}

ANSWER = Topic("answer/{device}", m.Answer, "server", False)
TICKET_UPDATE = Topic("update/{device}", m.TicketUpdate, "server", False, qos=0)
PRESENCE = Topic("presence/{device}", m.Presence, "device", True, kinds=_EVERY)
CONFIG = Topic("config/{device}", m.DeviceConfig, "server", True)
SETUP = Topic("setup", m.CentreSetup, "server", True)
LINE = Topic("line", m.LineState, "server", True)
CALLS = Topic("calls", m.Call, "server", False)
COUNTER = Topic("counter/{counter}", m.CounterState, "server", True)
OFFER = Topic("offer/{counter}", m.Offer, "server", True)

SAID = {
    "answer": ANSWER,
    "update": TICKET_UPDATE,
    "presence": PRESENCE,
    "config": CONFIG,
    "setup": SETUP,
    "line": LINE,
    "calls": CALLS,
    "counter": COUNTER,
    "offer": OFFER,
}


def split(centre: str, topic: str) -> list[str]:
    """The levels below `motcua/<centre>/`, or [] when the topic is not of this centre."""
    levels = topic.split("/")
    return levels[2:] if levels[:2] == ["motcua", centre] else []


def may_publish(centre: str, device: str, kind: DeviceKind) -> list[str]:
    """The topics that a device may publish to."""
    own = [t.at(centre, device=device) for t in ASKS.values() if kind in t.kinds]
    return [*own, PRESENCE.at(centre, device=device)]


def may_subscribe(centre: str, device: str, kind: DeviceKind, counter: int | None) -> list[str]:
    """The topics that a device may subscribe to; a tablet or bridge with a counter only to that one's.

    A bridge hears how the others are, for the technician's own tools (Home Assistant).
    """
    public = [t.at(centre) for t in (SETUP, LINE, CALLS)]
    own = [t.at(centre, device=device) for t in (ANSWER, TICKET_UPDATE, CONFIG)]
    where: str | int = "+" if counter is None else counter
    if kind in (DeviceKind.TABLET, DeviceKind.BRIDGE):
        own += [COUNTER.at(centre, counter=where), OFFER.at(centre, counter=where)]
    if kind is DeviceKind.BRIDGE:
        own.append(PRESENCE.at(centre, device="+"))
    if kind is DeviceKind.BOARD:
        own += [COUNTER.at(centre, counter="+")]
    return public + own
