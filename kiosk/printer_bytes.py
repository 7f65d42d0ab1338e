"""ESC/POS in bytes: a ticket as raster strips, the questions to a printer, and what its answers mean.

The bits are those of Epson's DLE EOT, GS r and automatic status back (GS a), which clones follow.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from escpos.constants import DLE, EOT, GS, HW_INIT
from escpos.printer import Dummy
from PIL import Image

from queue_server.wire.words import Frozen

STRIP_ROWS = 248
"""Rows a raster block: cheap printers lose blocks over 256 rows, and print garbage after one whose
height is a multiple of 48 (python-escpos issues 367 and 424)."""
UNLUCKY_ROWS = 48
PAD_ROWS = 8

ASK_PAPER_IN_TURN = GS + b"r\x01"
REPORT_CHANGES = GS + b"a\x0e"
ONLINE, OFFLINE_CAUSE, ERROR_CAUSE, PAPER = 1, 2, 3, 4
"""The n of DLE EOT n."""


class Cause(StrEnum):
    """Why a ticket did not come out, or cannot now."""

    PAPER_OUT = "paper_out"
    COVER_OPEN = "cover_open"
    CUTTER = "cutter"
    ERROR = "error"
    OFFLINE = "offline"
    NO_PRINTER = "no_printer"
    TIMEOUT = "timeout"


class Condition(Frozen):
    """What a printer said about itself."""

    cover_open: bool = False
    paper_out: bool = False
    cutter: bool = False
    error: bool = False
    offline: bool = False
    near_end: bool = False

    @property
    def cause(self) -> Cause | None:
        """The first thing to put right. An open cover comes first: it mostly reads as paper out too."""
        if self.cover_open:
            return Cause.COVER_OPEN
        if self.paper_out:
            return Cause.PAPER_OUT
        if self.cutter:
            return Cause.CUTTER
        if self.error:
            return Cause.ERROR
        return Cause.OFFLINE if self.offline else None


class Heard(Frozen):
    """One answer: to DLE EOT (`now`), to GS r (`in_turn`), or unasked (`change`, four bytes)."""

    kind: Literal["now", "in_turn", "change"]
    body: bytes


def ask_now(n: int) -> bytes:
    """DLE EOT n: answered at once, even when the printer is off-line."""
    return b"".join((DLE, EOT, bytes([n])))


def ticket_bytes(image: Image.Image, cut: str = "part") -> bytes:
    """The whole print job, from reset to cut; ASK_PAPER_IN_TURN behind it tells when the cut is done.

    Raises escpos.exceptions.Error when the image cannot be printed.
    """
    paper = Dummy()
    media = {"dpi": "Unknown", "width": {"mm": "Unknown", "pixels": image.width}}
    paper.profile.profile_data = {**paper.profile.profile_data, "media": media}
    paper._raw(HW_INIT + REPORT_CHANGES)
    paper.image(padded(image), fragment_height=STRIP_ROWS)
    paper.cut(mode=cut.upper())
    return bytes(paper.output)


def padded(image: Image.Image) -> Image.Image:
    """The image with white rows below, where its last strip would have an unlucky height."""
    last = image.height % STRIP_ROWS
    if last == 0 or last % UNLUCKY_ROWS:
        return image
    taller = Image.new("1", (image.width, image.height + PAD_ROWS), 1)
    taller.paste(image, (0, 0))
    return taller


def understand(data: bytes) -> tuple[list[Heard], bytes]:
    """The answers in `data`, told apart by their fixed bits, and the rest that is not yet whole."""
    heard: list[Heard] = []
    at = 0
    while at < len(data):
        byte = data[at]
        if byte & 0x93 == 0x10:
            if len(data) - at < 4:
                break
            heard.append(Heard(kind="change", body=data[at : at + 4]))
            at += 4
            continue
        if byte & 0x93 == 0x12:
            heard.append(Heard(kind="now", body=bytes([byte])))
        elif byte & 0x90 == 0x00:
            heard.append(Heard(kind="in_turn", body=bytes([byte])))
        at += 1
    return heard, data[at:]


def condition_of_answers(answers: dict[int, int]) -> Condition:
    """From the answers to DLE EOT 1 … 4; one that is missing tells nothing.

    A hot head (40 in the third) stops the printer for a while and is no error.
    """
    online, why = answers.get(ONLINE, 0), answers.get(OFFLINE_CAUSE, 0)
    error, paper = answers.get(ERROR_CAUSE, 0), answers.get(PAPER, 0)
    hot = bool(error & 0x40)
    return Condition(
        cover_open=bool(why & 0x04),
        paper_out=bool(why & 0x20 or paper & 0x60),
        cutter=bool(error & 0x08),
        error=bool(error & 0x24 or (why & 0x40 and not hot)),
        offline=bool(online & 0x08),
        near_end=bool(paper & 0x0C),
    )


def condition_of_change(body: bytes) -> Condition:
    """From the four bytes sent unasked. A hot head (40 in byte 2) recovers by itself and is no fault."""
    printer, error, paper, _ = body
    return Condition(
        cover_open=bool(printer & 0x20),
        paper_out=bool(paper & 0x0C),
        cutter=bool(error & 0x08),
        error=bool(error & 0x24),
        near_end=bool(paper & 0x03),
    )


def condition_in_turn(body: bytes) -> Condition:
    """From the answer to GS r 1. Epson is silent at paper end; some clones answer 0F."""
    paper = body[0]
    return Condition(paper_out=bool(paper & 0x0C), near_end=bool(paper & 0x03))
