"""Draws the paper ticket: words from texts/, layout from ticket.typ, one bit per printer dot."""

from __future__ import annotations

import importlib.util
import io
import math
from pathlib import Path
from typing import Any

import msgspec
import typst
import zxingcpp
from PIL import Image

from queue_server.wire.messages import CentreSetup, TicketTaken
from queue_server.wire.texts import Texts
from queue_server.wire.words import Estimate, Language, Names, local

HERE = Path(__file__).parent
POINTS_PER_INCH = 72
MM_PER_INCH = 25.4
QR_MM = 32.0
"""Wanted edge of the QR with its quiet zone: a module is then some 0.7 mm, enough for a cheap phone."""
LEAST_QR_MODULE_DOTS = 4
INK_BELOW = 150
"""Grey (0 black … 255) below which a dot is burnt. Over the middle, so that the thin strokes and
tone marks of small letters, which cover a dot by half only, stay whole."""


class TicketPaper:
    """Draws tickets for one printer: `width_dots` printable dots across, at `dpi` dots an inch.

    Not for two threads at once: the compiler is kept warm between tickets.
    """

    def __init__(self, width_dots: int = 576, dpi: int = 203) -> None:
        self.width_dots, self.dpi = width_dots, dpi
        self.texts = Texts(HERE / "texts")
        fonts = typst.Fonts(
            include_system_fonts=False,
            include_embedded_fonts=False,
            font_paths=[str(fonts_folder())],
        )
        self._compiler = typst.Compiler(HERE / "ticket.typ", root=HERE, font_paths=fonts)

    def draw(
        self,
        taken: TicketTaken,
        setup: CentreSetup,
        language: str = Language.VI,
        procedure: Names | None = None,
    ) -> Image.Image:
        """The ticket as a 1-bit image, `width_dots` wide. Takes some 40 ms, the first one longer."""
        words = ticket_words(taken, setup, self.texts, language, procedure)
        return self._set(words | self._qr(taken.url))

    def _qr(self, url: str) -> dict[str, Any]:
        if not url:
            return {"qr": "", "qr_dots": 0}
        code = zxingcpp.create_barcode(url, zxingcpp.BarcodeFormat.QRCode, ec_level="M")
        modules = code.to_image().shape[0]
        module_dots = max(
            LEAST_QR_MODULE_DOTS, math.floor(QR_MM / MM_PER_INCH * self.dpi / modules)
        )
        return {"qr": code.to_svg(), "qr_dots": modules * module_dots}

    def _set(self, words: dict[str, Any]) -> Image.Image:
        point_per_dot = POINTS_PER_INCH / self.dpi
        pages = self._compiler.compile(
            format="png",
            ppi=float(self.dpi),
            sys_inputs={
                "ticket": msgspec.json.encode(words).decode(),
                "width": str(self.width_dots * point_per_dot),
                "dot": str(point_per_dot),
            },
        )
        pictures = [pages] if isinstance(pages, bytes) else pages or []
        return _strip([_burnt(picture) for picture in pictures], self.width_dots)


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
    """The lines of the ticket as (name, value). Cut off from the server nobody knows who is ahead."""

    def say(key: str, **values: object) -> str:
        return texts.say(f"ticket.{key}", language, **values)

    facts = []
    if taken.counters:
        facts.append((say("counters"), ", ".join(map(str, taken.counters))))
    if not taken.offline and taken.comes_at is None:
        ahead = say("ahead_people", people=taken.ahead) if taken.ahead else say("ahead_none")
        facts.append((say("ahead"), ahead))
    wait = "wait" if taken.comes_at is None else "wait_from"
    facts.append((say(wait), _wait(taken.estimate, texts, language)))
    issued = local(taken.issued_at, setup.utc_offset_minutes)
    facts.append((say("issued"), f"{issued:%H:%M %d/%m/%Y}"))
    return facts


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


def fonts_folder() -> Path:
    """Roboto, which the kivy wheel carries and which has every Vietnamese letter; kivy is not imported."""
    kivy = importlib.util.find_spec("kivy")
    if kivy is None or not kivy.submodule_search_locations:
        raise FileNotFoundError("the fonts of the kivy package")
    return Path(kivy.submodule_search_locations[0]) / "data" / "fonts"


def _burnt(png: bytes) -> Image.Image:
    grey = Image.open(io.BytesIO(png)).convert("L")
    return grey.point(lambda level: 0 if level < INK_BELOW else 255).convert(
        "1", dither=Image.Dither.NONE
    )


def _strip(pages: list[Image.Image], width: int) -> Image.Image:
    """The pages under each other, at exactly the printer's width."""
    strip = Image.new("1", (width, sum(page.height for page in pages)), 1)
    top = 0
    for page in pages:
        strip.paste(page, (0, top))
        top += page.height
    return strip
