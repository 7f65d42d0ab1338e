"""What a visitor takes home on thermal paper: the receipt of her dossier, or the number of her words. No name on it."""

from __future__ import annotations

from PIL import Image

from kiosk.paper.receipt import ReceiptPaper
from kiosk.paper.strip import Strip
from queue_server.wire.filing import Filed
from queue_server.wire.words import local

from .talk import Devices
from .visit import State, follow_key, is_handed_in, is_prepared, is_sample, title, to_give
from .words import Words


def strip_of(state: State) -> Image.Image:
    """The paper as a 1-bit image."""
    opened = state.opened
    assert opened is not None
    if state.feedback is not None or state.errand == "feedback":
        return _feedback(state, opened.devices)
    filed = state.filed or Filed(
        dossier="",
        received_at=state.now + opened.offset_ms,
        provisional=state.provisional,
        prepared=is_prepared(state),
        sample=is_sample(state),
    )
    paper = ReceiptPaper(opened.devices.dots, opened.devices.dpi)
    given = [p.name for p in to_give(state) if is_handed_in(state, p)]
    return paper.draw(
        filed, opened.setup, title(state), given, state.language, number=state.provisional
    )


def _feedback(state: State, devices: Devices) -> Image.Image:
    opened, words = state.opened, Words()
    assert opened is not None
    known = state.feedback
    number = known.number if known else state.provisional
    by = known.answer_by if known else None
    key = follow_key(state)
    offset = opened.setup.utc_offset_minutes

    def say(key: str) -> str:
        return words.say(key, state.language)

    strip = Strip("slip.typ", devices.dots, devices.dpi)
    day = f"{local(by, offset):%d/%m/%Y}" if by else ""
    return strip.draw(
        {
            "language": state.language,
            "centre": opened.setup.name.vi.upper(),
            "title": say("feedback.title"),
            "time": "",
            "day": f"{say('done.answer_by')} {day}" if day else "",
            "service": say("done.follow"),
            "code": number,
            "help": say("feedback.three"),
            "foot": f"{say('done.key')}: {key}" if key else "",
        }
        | strip.qr(known.url if known else "")
    )
