"""Draws the receipt of a filed dossier on thermal paper: code, times, papers; never a person's name or number."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PIL import Image

from queue_server.wire.filing import Filed
from queue_server.wire.messages import CentreSetup
from queue_server.wire.texts import Texts
from queue_server.wire.words import Language, local

from .strip import HERE, Strip

MOST_PAPERS = 40


class ReceiptPaper:
    """For one printer: `width_dots` printable dots across, at `dpi` dots an inch."""

    def __init__(self, width_dots: int = 576, dpi: int = 203) -> None:
        self.texts = Texts(HERE / "texts")
        self._strip = Strip("receipt.typ", width_dots, dpi)

    def draw(
        self,
        filed: Filed,
        setup: CentreSetup,
        procedure: str,
        papers: Sequence[str] = (),
        language: str = Language.VI,
        number: str = "",
    ) -> Image.Image:
        """The receipt as a 1-bit image. `procedure`, `papers`: their names; `number`: of the ticket that goes
        with what was only prepared."""
        words = receipt_words(filed, setup, self.texts, procedure, papers, language, number)
        codes = self._strip.bars(filed.code) | self._strip.qr(filed.url)
        return self._strip.draw(words | codes)


def receipt_words(
    filed: Filed,
    setup: CentreSetup,
    texts: Texts,
    procedure: str,
    papers: Sequence[str],
    language: str = Language.VI,
    number: str = "",
) -> dict[str, Any]:
    """All that stands on the strip but its codes."""

    def say(key: str, **values: object) -> str:
        return texts.say(f"receipt.{key}", language, **values)

    foreign = language != Language.VI
    return {
        "language": language,
        "centre": setup.name.vi.upper(),
        "centre_too": setup.name.say(language) if foreign else "",
        "title": say("title_prepared" if filed.prepared else "title"),
        "sample": say("sample") if filed.sample else "",
        "sample_help": say("sample_help"),
        "code": filed.code or filed.provisional or number,
        "code_title": _code_title(filed, texts, language),
        "provisional": say("provisional_help") if not (filed.code or filed.prepared) else "",
        "prepared": say("prepared_help") if filed.prepared else "",
        "procedure": procedure,
        "facts": _facts(filed, setup, texts, language),
        "papers_title": say("papers_prepared" if filed.prepared else "papers") if papers else "",
        "papers": list(papers[:MOST_PAPERS]),
        "scan": say("scan"),
        "keep": say("keep_prepared" if filed.prepared else "keep"),
        "hotline": texts.say("ticket.hotline", language, hotline=setup.hotline)
        if setup.hotline
        else "",
    }


def _code_title(filed: Filed, texts: Texts, language: str) -> str:
    if filed.prepared:
        return texts.say("receipt.number", language)
    key = "receipt.code" if filed.code else "receipt.provisional"
    return texts.say(key, language)


def _facts(filed: Filed, setup: CentreSetup, texts: Texts, language: str) -> list[tuple[str, str]]:
    """The lines as (name, value)."""

    def say(key: str, **values: object) -> str:
        return texts.say(f"receipt.{key}", language, **values)

    facts = []
    if filed.received_at:
        facts.append((say("received"), _moment(filed.received_at, setup)))
    if filed.due_at is not None:
        facts.append((say("due"), _moment(filed.due_at, setup)))
    elif not filed.prepared:
        facts.append((say("due"), say("due_later")))
    if filed.place:
        facts.append((say("place"), str(filed.place)))
    if filed.reused:
        facts.append((say("reused"), say("sheets", count=filed.reused)))
    return facts


def _moment(at: int, setup: CentreSetup) -> str:
    return f"{local(at, setup.utc_offset_minutes):%H:%M %d/%m/%Y}"
