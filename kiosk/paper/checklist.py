"""Draws the checklist of a procedure: what to bring, to tick off at home; words from texts/."""

from __future__ import annotations

from typing import Any

from PIL import Image

from queue_server.dossiers.advice import Advice
from queue_server.wire.messages import CentreSetup
from queue_server.wire.texts import Texts
from queue_server.wire.words import Language, local

from .strip import HERE, Strip

MOST_PAPERS = 40
"""A strip of more would be metres long: the rest is on the phone page."""


class ChecklistPaper:
    """For one printer: `width_dots` printable dots across, at `dpi` dots an inch."""

    def __init__(self, width_dots: int = 576, dpi: int = 203) -> None:
        self.texts = Texts(HERE / "texts")
        self._strip = Strip("checklist.typ", width_dots, dpi)

    def draw(
        self, advice: Advice, setup: CentreSetup, at: int, language: str = Language.VI
    ) -> Image.Image:
        """The checklist as a 1-bit image. `at`: ms, when it is printed."""
        words = checklist_words(advice, setup, self.texts, at, language)
        return self._strip.draw(words | self._strip.qr(words["url"]))


def checklist_words(
    advice: Advice, setup: CentreSetup, texts: Texts, at: int, language: str = Language.VI
) -> dict[str, Any]:
    """All that stands on the checklist; nothing of the visitor."""

    def say(key: str, **values: object) -> str:
        return texts.say(f"checklist.{key}", language, **values)

    left = MOST_PAPERS
    groups = []
    for group in advice.papers:
        papers = group.papers[: max(0, left)]
        left -= len(papers)
        lines = [{"name": p.name, "sheets": p.sheets} for p in papers]
        groups.append({"title": group.title, "papers": lines})
    base = setup.public_url.rstrip("/")
    printed = f"{local(at, setup.utc_offset_minutes):%H:%M %d/%m/%Y}"
    return {
        "language": language,
        "centre": setup.name.vi.upper(),
        "title": say("title"),
        "name": advice.name,
        "code": say("code", code=advice.code),
        "facts": [(say("time"), advice.time), (say("fee"), advice.fee)],
        "dated": advice.dated,
        "papers_title": say("papers") if any(g["papers"] for g in groups) else say("no_papers"),
        "groups": [g for g in groups if g["papers"]],
        "presence": say("presence") if advice.presence else "",
        "steps_title": say("steps"),
        "steps": list(advice.steps),
        "url": f"{base}/p/{advice.code}" if base else "",
        "scan": say("scan"),
        "foot": say("foot", hotline=setup.hotline, at=printed),
    }
