"""Draws the paper ticket: words from texts/, layout from ticket.typ, one bit per printer dot."""

from __future__ import annotations

import math
from typing import Any

from PIL import Image

from queue_server.wire.messages import CentreSetup, TicketTaken
from queue_server.wire.texts import Texts
from queue_server.wire.words import Estimate, Language, Names, local

from .strip import HERE, Strip


class TicketPaper:
    """Draws tickets for one printer: `width_dots` printable dots across, at `dpi` dots an inch."""

    def __init__(self, width_dots: int = 576, dpi: int = 203) -> None:
        self.texts = Texts(HERE / "texts")
        self._strip = Strip("ticket.typ", width_dots, dpi)

    def draw(
        self,
        taken: TicketTaken,
        setup: CentreSetup,
        language: str = Language.VI,
        procedure: Names | None = None,
    ) -> Image.Image:
        """The ticket as a 1-bit image, `width_dots` wide."""
        words = ticket_words(taken, setup, self.texts, language, procedure)
        return self._strip.draw(words | self._strip.qr(taken.url))


def ticket_words(
    taken: TicketTaken,
    setup: CentreSetup,
    texts: Texts,
    language: str = Language.VI,
    procedure: Names | None = None,
) -> dict[str, Any]:
    """All that stands on the ticket, in the visitor's language; the centre's own name always also in Vietnamese."""

    def say(key: str, **values: object) -> str:
        return texts.say(f"ticket.{key}", language, **values)

    foreign = language != Language.VI
    return {
        "language": language,
        "authority": setup.authority.vi.upper(),
        "centre": setup.name.vi.upper(),
        "centre_too": setup.name.say(language) if foreign else "",
        "title": say("title"),
        "number": taken.number,
        "priority": say("priority") if taken.priority else "",
        "booked": say("booked", at=_clock(taken.comes_at, setup)) if taken.comes_at else "",
        "booked_help": say("booked_help"),
        "service": _service_name(taken, setup, language),
        "procedure": procedure.say(language) if procedure else "",
        "facts": _facts(taken, setup, texts, language),
        "note": say("late") if _may_be_late(taken) else "",
        "offline": say("offline") if taken.offline else "",
        "offline_help": say("offline_help"),
        "scan": say("scan"),
        "scan_help": say("scan_help"),
        "listen": say("listen"),
        "hotline": say("hotline", hotline=setup.hotline) if setup.hotline else "",
    }


def _facts(
    taken: TicketTaken, setup: CentreSetup, texts: Texts, language: str
) -> list[tuple[str, str]]:
    """The lines of the ticket as (name, value). Cut off, only what was last heard of the line is known."""

    def say(key: str, **values: object) -> str:
        return texts.say(f"ticket.{key}", language, **values)

    facts = []
    if taken.counters:
        facts.append((say("counters"), ", ".join(map(str, taken.counters))))
    if taken.offline:
        facts.append((say("ahead"), _last_known(taken, setup, texts, language)))
    elif taken.comes_at is None:
        ahead = say("ahead_people", people=taken.ahead) if taken.ahead else say("ahead_none")
        facts.append((say("ahead"), ahead))
    wait = "wait" if taken.comes_at is None else "wait_from"
    facts.append((say(wait), _wait(taken.estimate, texts, language)))
    issued = local(taken.issued_at, setup.utc_offset_minutes)
    facts.append((say("issued"), f"{issued:%H:%M %d/%m/%Y}"))
    return facts


def _last_known(taken: TicketTaken, setup: CentreSetup, texts: Texts, language: str) -> str:
    if taken.known_at is None:
        return texts.say("ticket.ahead_unknown", language)
    at = _clock(taken.known_at, setup)
    return texts.say("ticket.ahead_last", language, at=at, people=taken.ahead)


def _clock(at: int, setup: CentreSetup) -> str:
    return f"{local(at, setup.utc_offset_minutes):%H:%M}"


def _wait(estimate: Estimate | None, texts: Texts, language: str) -> str:
    """The wait in whole minutes, its interval rounded outwards: nobody is promised a half minute."""
    if estimate is None:
        return texts.say("ticket.wait_unknown", language)
    minutes = max(1, round(estimate.minutes))
    low, high = math.floor(max(0.0, estimate.low)), math.ceil(estimate.high)
    key = "ticket.wait_between" if low < high else "ticket.wait_about"
    return texts.say(key, language, minutes=minutes, low=low, high=high)


def _may_be_late(taken: TicketTaken) -> bool:
    if taken.estimate is None or taken.closes_in_minutes is None:
        return False
    return taken.estimate.high >= taken.closes_in_minutes


def _service_name(taken: TicketTaken, setup: CentreSetup, language: str) -> str:
    for service in setup.services:
        if service.id == taken.service:
            return service.name.say(language)
    return ""
