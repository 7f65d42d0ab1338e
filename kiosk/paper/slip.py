"""Draws the slip of a booked time: when, for what, and the code to come with."""

from __future__ import annotations

from PIL import Image

from queue_server.wire import messages as m
from queue_server.wire.texts import Texts
from queue_server.wire.words import Language, local

from .strip import HERE, Strip


class SlipPaper:
    """For one printer: `width_dots` printable dots across, at `dpi` dots an inch."""

    def __init__(self, width_dots: int = 576, dpi: int = 203) -> None:
        self._texts = Texts(HERE / "texts")
        self._strip = Strip("slip.typ", width_dots, dpi)

    def draw(
        self, booked: m.TimeBooked, setup: m.CentreSetup, language: str = Language.VI
    ) -> Image.Image:
        """The slip as a 1-bit image; nothing on it of the visitor but her code."""

        def say(key: str, **values: object) -> str:
            return self._texts.say(f"slip.{key}", language, **values)

        starts = local(booked.starts, setup.utc_offset_minutes)
        names = {info.id: info.name.say(language) for info in setup.services}
        words = {
            "language": language,
            "centre": setup.name.vi.upper(),
            "title": say("title"),
            "time": f"{starts:%H:%M}",
            "day": say(
                "day", weekday=say(f"weekday.{starts.isoweekday()}"), day=f"{starts:%d/%m/%Y}"
            ),
            "service": names.get(booked.service, ""),
            "code": f"{booked.token[:5]} {booked.token[5:]}",
            "help": say("help"),
            "foot": say("foot", hotline=setup.hotline),
        }
        return self._strip.draw(words | self._strip.qr(booked.url or booked.token))
