"""Form 01, *Giấy tiếp nhận hồ sơ và hẹn trả kết quả*, as an A5 PDF. Takes some 100 ms: not for an event loop."""

from __future__ import annotations

from typing import Any

from ...line.setup import Setup
from ...store.dossiers import Dossier
from ...wire.filing import Filing
from ...wire.words import Language, local
from . import typeset
from .typeset import TEXTS


def receipt_pdf(
    dossier: Dossier,
    filing: Filing,
    setup: Setup,
    procedure: str,
    time: str,
    url: str,
    at: int,
    language: str = Language.VI,
) -> bytes:
    """`procedure`, `time`: their names in words; `url`: of the look-up, without any person's number; `at` in ms."""
    words = receipt_words(dossier, filing, setup, procedure, time, at, language)
    words |= {"qr": typeset.code(url, "QRCode"), "bars": typeset.code(dossier.code, "Code128")}
    return typeset.pdf("receipt", words)


def receipt_words(
    dossier: Dossier,
    filing: Filing,
    setup: Setup,
    procedure: str,
    time: str,
    at: int,
    language: str = Language.VI,
) -> dict[str, Any]:
    """All that stands on the sheet but its codes."""

    def say(key: str, **values: object) -> str:
        return TEXTS.say(f"receipt.{key}", language, **values)

    offset = setup.rules.utc_offset_minutes
    today = local(at, offset)
    centre = setup.name.say(language)
    facts = [
        (say("owner"), filing.owner_name),
        (say("number"), filing.owner_number),
        (say("phone"), filing.phone),
        (say("request"), procedure),
    ]
    lines = [
        say("sets"),
        *([say("time", time=time)] if time else []),
        say("received", **_moment(dossier.received_at, offset)),
        _due(dossier, offset, language),
        say("collect", centre=centre),
    ]
    note = say("self_filed", place=dossier.place) if dossier.place else say("self_filed_plain")
    return {
        "authority": setup.authority.say(language).upper(),
        "centre": centre.upper(),
        "nation": say("nation"),
        "motto": say("motto"),
        "title": say("title_prepared" if dossier.prepared and not dossier.code else "title"),
        "sample": say("sample") if dossier.sample else "",
        "code": _called(dossier, language),
        "desk": say("desk", centre=centre),
        "facts": [(name, value) for name, value in facts if value],
        "papers_title": say("papers"),
        "head": [say("place"), say("paper"), say("pages"), say("form")],
        "papers": [
            [str(n), p.name, str(p.pages), say(f"kind_{'held' if p.held else p.kind}")]
            for n, p in enumerate(filing.papers, 1)
        ],
        "lines": lines,
        "note": note,
        "date": say("date", day=today.day, month=today.month, year=today.year),
        "submitter": say("submitter"),
        "officer": say("officer"),
        "sign": say("sign"),
        "scan": say("scan"),
    }


def _called(dossier: Dossier, language: str) -> str:
    if dossier.code:
        return TEXTS.say("receipt.code", language, code=dossier.code)
    if dossier.provisional:
        return TEXTS.say("receipt.provisional", language, number=dossier.provisional)
    return ""


def _due(dossier: Dossier, offset: int, language: str) -> str:
    if dossier.due_at is not None:
        return TEXTS.say("receipt.due", language, **_moment(dossier.due_at, offset))
    waits = dossier.prepared and not dossier.code
    return TEXTS.say("receipt.due_counter" if waits else "receipt.due_unknown", language)


def _moment(at: int, offset: int) -> dict[str, str]:
    moment = local(at, offset)
    return {"hour": f"{moment:%H}", "minute": f"{moment:%M}", "day": f"{moment:%d/%m/%Y}"}
