"""The month's satisfaction as an A3 poster for the wall, with method and numbers (PDF). Not for an event loop."""

from __future__ import annotations

import contextlib
from functools import lru_cache
from typing import Any

import msgspec
from pypdfium2 import PdfDocument

from ...line.setup import Setup
from ...wire.words import Language
from ..numbers import decimal
from ..web.published import METHOD, Month, OfIndex, Told
from . import typeset
from .typeset import TEXTS

MOST_REASONS = 4
DENSEST = 4


def poster_pdf(month: Month, setup: Setup, url: str, language: str = Language.VI) -> bytes:
    """`url`: where the same stands as open data; empty: no code on the sheet.

    Set as dense as it takes to be one sheet.
    """
    words = poster_words(month, setup, language)
    words["qr"] = typeset.code(url, "QRCode")
    return _one_sheet(msgspec.json.encode(words))


@lru_cache(8)
def _one_sheet(encoded: bytes) -> bytes:
    """Kept, since everybody may ask for it and it is tried several times."""
    words = msgspec.json.decode(encoded)
    for dense in range(DENSEST + 1):
        pdf = typeset.pdf("poster", {**words, "dense": dense})
        with contextlib.closing(PdfDocument(pdf)) as document:
            if len(document) == 1:
                break
    return pdf


def poster_words(month: Month, setup: Setup, language: str) -> dict[str, Any]:
    """All that stands on the sheet but its code."""

    def say(key: str, **values: object) -> str:
        return TEXTS.say(f"poster.{key}", language, **values)

    year, number = month.month.split("-")
    whole = month.satisfied
    return {
        "authority": setup.authority.say(language).upper(),
        "centre": setup.name.say(language),
        "title": say("title"),
        "month": say("month", month=number, year=year),
        "value": percent(whole.value, language) if whole.value is not None else say("few"),
        "is_known": whole.value is not None,
        "below": _interval(whole, language),
        "answered": say("answered", share=percent(month.answered, language))
        if month.answered is not None
        else "",
        "services_title": say("services"),
        "services": [
            [
                s.name.say(language),
                s.satisfied.value or 0,
                percent(s.satisfied.value, language)
                if s.satisfied.value is not None
                else say("few"),
                say("n", n=s.satisfied.n) if s.satisfied.n else "",
            ]
            for s in month.services
        ],
        "indices_title": say("indices"),
        "indices": [
            [say(key), _figure(one, language), one.source if one else ""]
            for key, one in _chosen(month)
        ],
        "reasons_title": say("reasons") if month.reasons else "",
        "reasons": [
            [say(f"why_{name}"), str(n)]
            for name, n in sorted(month.reasons.items(), key=lambda x: -x[1])[:MOST_REASONS]
        ],
        "method_title": say("method"),
        "method": [say(f"method_{name}") for name in METHOD],
        "scan": say("scan"),
    }


def _chosen(month: Month) -> list[tuple[str, OfIndex | None]]:
    known = {one.id: one for one in (*month.circular, *month.decision, *month.sipas)}
    return [(key, known.get(f"{key}")) for key in ("tt01.total", "qd766.5.4", "sipas.whole")]


def _figure(one: OfIndex | None, language: str) -> str:
    if one is None or one.value is None:
        return TEXTS.say("poster.few", language)
    if one.unit == "share":
        return percent(one.value, language)
    number = decimal(one.value, language)
    if one.most is not None:
        return f"{number} / {one.most:g}"
    return f"{number} %" if one.unit == "percent" else number


def _interval(told: Told, language: str) -> str:
    if told.low is None or told.high is None:
        return ""
    low, high = (decimal(100 * x, language) for x in (told.low, told.high))
    return TEXTS.say("poster.interval", language, low=low, high=high, n=told.n)


def percent(share: float | None, language: str) -> str:
    return "" if share is None else f"{decimal(100 * share, language)} %"
