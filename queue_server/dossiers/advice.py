"""What a visitor is told about a procedure: its record in plain lines, for screen, paper, voice and phone.

Nothing here is invented: lines come from the record, and what the record does not say is said to be unsaid.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..wire.words import Frozen, Language
from .calendar import TimeUnit
from .catalogue import (
    Channel,
    Component,
    ComponentKind,
    Fee,
    Procedure,
    Say,
    Way,
    called,
    fee_line,
    fee_text,
    time_line,
    time_text,
)
from .search import fold

LONGEST_NAME = 220
"""A component's name is cut at the end of a sentence after so many signs; the whole stands on the phone's page."""
PRESENCE = re.compile(r"co mat(?! nuoc| bang)|truc tiep ky(?! hop dong)|(?:ky|diem chi) truoc mat")
SENTENCE = re.compile(r"(?<=[.;])\s+")


class PaperLine(Frozen):
    """One paper. `place` among the record's components; `show`: the original is shown and taken home again."""

    place: int
    name: str
    whole: str
    sheets: str
    show: bool = False
    required: bool = False
    code: str = ""


class PaperGroup(Frozen):
    """Papers of one case; `title` is empty where the record has no cases."""

    title: str
    papers: tuple[PaperLine, ...]


class WayLine(Frozen):
    """One way to file, in words."""

    channel: Channel
    name: str
    time: str
    fees: tuple[str, ...]


class Advice(Frozen):
    """All that is told. `who`, `steps`, `rules` are whole sentences; `dated` says from when the fees hold."""

    code: str
    name: str
    official: str
    field: str
    agency: str
    time: str
    fee: str
    dated: str
    who: tuple[str, ...]
    ways: tuple[WayLine, ...]
    papers: tuple[PaperGroup, ...]
    remarks: tuple[str, ...]
    steps: tuple[str, ...]
    rules: tuple[str, ...]
    results: tuple[str, ...]
    legal: tuple[str, ...]
    presence: bool = False
    """The record itself says that the persons must be there."""


def advise(procedure: Procedure, say: Say, language: str = Language.VI) -> Advice:
    """The record in plain lines. What exists in Vietnamese only stays Vietnamese."""
    return Advice(
        code=procedure.code,
        name=called(procedure),
        official=procedure.name,
        field=procedure.field,
        agency=procedure.agency,
        time=time_text(procedure, say, language),
        fee=fee_text(procedure, say, language),
        dated=_dated(procedure, say, language),
        who=procedure.audience,
        ways=tuple(_way(w, say, language) for w in _known_ways(procedure)),
        papers=_groups(procedure, say, language),
        remarks=tuple(c.name for c in procedure.components if c.kind is ComponentKind.NOTE),
        steps=_steps(procedure, say, language),
        rules=_lines(procedure.conditions),
        results=procedure.results,
        legal=procedure.legal,
        presence=needs_presence(procedure),
    )


def needs_presence(procedure: Procedure) -> bool:
    """Whether its own text says that somebody must be there, or sign before the officer."""
    told = fold(f"{procedure.conditions} {' '.join(procedure.steps)}")
    return PRESENCE.search(told) is not None


def originals(procedure: Procedure) -> tuple[Component, ...]:
    """The papers that are shown in the original."""
    return tuple(c for c in procedure.components if c.kind is ComponentKind.SHOW)


def spoken(advice: Advice, say: Say, language: str = Language.VI) -> tuple[str, ...]:
    """The advice as sentences for the ear, the shortest useful order: what, time, fee, papers."""
    told = [
        f"{advice.name}.",
        say("advice.spoken_time", language, time=advice.time),
        say("advice.spoken_fee", language, fee=advice.fee),
    ]
    papers = [paper for group in advice.papers for paper in group.papers]
    told.append(say("advice.spoken_papers", language, papers=len(papers)))
    told += [f"{place}. {paper.name}" for place, paper in enumerate(papers, 1)]
    return tuple(told)


def _known_ways(procedure: Procedure) -> Iterable[Way]:
    """In person first; a channel comes as often as the record has times or fees for it.

    Not in person what is paid in foreign money alone: that is a consulate's way.
    """
    order = (Channel.DIRECT, Channel.ONLINE, Channel.POSTAL)
    known = [w for w in procedure.ways if not _is_consular(w)]
    return sorted(known, key=lambda way: order.index(way.channel))


def _is_consular(way: Way) -> bool:
    paid = {fee.currency for fee in way.fees}
    return way.channel is Channel.DIRECT and bool(paid) and "VND" not in paid


def _way(way: Way, say: Say, language: str) -> WayLine:
    fees = tuple(dict.fromkeys(_fee(fee, say, language) for fee in way.fees))
    time = time_line(way.time, say, language)
    return WayLine(
        channel=way.channel,
        name=say(f"advice.channel.{way.channel}", language),
        time=time if way.time.unit is not TimeUnit.UNSTATED else say("time.unstated", language),
        fees=fees or (say("fee.unstated", language),),
    )


def _fee(fee: Fee, say: Say, language: str) -> str:
    text = fee_line(fee, say, language)
    return text if fee.certain else say("fee.unsure", language, fee=text)


def _groups(procedure: Procedure, say: Say, language: str) -> tuple[PaperGroup, ...]:
    groups: dict[str, list[PaperLine]] = {}
    for place, component in enumerate(procedure.components):
        if component.kind is not ComponentKind.NOTE:
            line = _paper(place, component, say, language)
            groups.setdefault(component.group, []).append(line)
    return tuple(PaperGroup(title=title, papers=tuple(lines)) for title, lines in groups.items())


def _paper(place: int, component: Component, say: Say, language: str) -> PaperLine:
    sheets = [
        say(f"advice.{kind}.{'one' if count == 1 else 'many'}", language, n=count)
        for kind, count in (("original", component.original), ("copy", component.copy))
        if count
    ]
    show = component.kind is ComponentKind.SHOW
    if show:
        sheets.append(say("advice.show", language))
    return PaperLine(
        place=place,
        name=_short(component.name),
        whole=component.name,
        sheets=", ".join(sheets),
        show=show,
        required=component.required,
        code=component.code,
    )


def _short(name: str) -> str:
    """The name's first sentences, as many as a screen's line holds."""
    if len(name) <= LONGEST_NAME:
        return name
    kept = ""
    for part in SENTENCE.split(name):
        if kept and len(kept) + len(part) > LONGEST_NAME:
            break
        kept = f"{kept} {part}".strip()
    if len(kept) <= LONGEST_NAME:
        return kept.rstrip(";.") + " …"
    return kept[:LONGEST_NAME].rsplit(" ", 1)[0] + " …"


def _steps(procedure: Procedure, say: Say, language: str) -> tuple[str, ...]:
    """The way in four plain sentences; the rules' own long text stays under `rules` and at the counter."""
    papers = sum(c.kind is not ComponentKind.NOTE for c in procedure.components)
    steps = [
        say("advice.step.prepare", language, papers=papers)
        if papers
        else say("advice.step.come", language),
        say("advice.step.file", language),
        say("advice.step.receipt", language, time=time_text(procedure, say, language)),
    ]
    if procedure.results:
        steps.append(say("advice.step.result", language, result=procedure.results[0].rstrip(".")))
    return tuple(steps)


def _lines(text: str) -> tuple[str, ...]:
    lines = (line.strip(" -+*\t") for line in text.splitlines())
    return tuple(line for line in lines if line)


def _dated(procedure: Procedure, say: Say, language: str) -> str:
    if procedure.valid_from is None:
        return say("advice.undated", language)
    return say("advice.dated", language, day=f"{procedure.valid_from:%d/%m/%Y}")
