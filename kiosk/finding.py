"""A visitor looks for her procedure: errands, search, fields, and what a procedure needs; pure rules.

welcome → errand → search or fields → advice → a number, her own filing, paper, phone or voice.
Nothing of it needs the server.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from kiosk.touch.vietnamese import PLAIN, WAYS, press
from queue_server.wire.words import Language

from . import finding_reports as r
from .finding_reports import Errand
from .visit import State, Step

LONGEST_QUERY = 80
Decision = tuple[State, tuple[Any, ...]]


def errands(state: State) -> tuple[Errand, ...]:
    """What is offered beside a number; what needs the server is there only with it."""
    offered = [Errand.SEARCH, Errand.FIELDS]
    if state.connected:
        offered += [Errand.LOOKUP]
        if state.setup is not None and state.setup.appointments:
            offered += [Errand.CHECK_IN, Errand.BOOK]
    return (*offered, Errand.FEEDBACK)


def errand_asked(state: State, report: r.ErrandAsked) -> Decision:
    if state.step is not Step.WELCOME:
        return state, ()
    way = WAYS[0] if report.language == Language.VI else PLAIN
    return replace(state, step=Step.ERRAND, language=report.language, typing=way), ()


def errand_chosen(state: State, report: r.ErrandChosen) -> Decision:
    if state.step is not Step.ERRAND or report.errand not in errands(state):
        return state, ()
    if report.errand is Errand.SEARCH:
        return replace(state, step=Step.SEARCH), ()
    there = {
        Errand.FIELDS: Step.FIELDS,
        Errand.BOOK: Step.BOOK_SERVICE,
        Errand.CHECK_IN: Step.CHECK_IN,
    }
    if report.errand in there:
        return replace(state, step=there[report.errand], refusal=None), ()
    opening = replace(state, step=Step.OPENING)
    return opening, (r.OpenErrand(report.errand, state.language),)


def key_pressed(state: State, report: r.KeyPressed) -> Decision:
    if state.step is not Step.SEARCH:
        return state, ()
    query = press(state.query, report.key, state.typing)[:LONGEST_QUERY]
    return replace(state, query=query, pages={**state.pages, Step.SEARCH: 0}), ()


def query_cleared(state: State, _report: r.QueryCleared) -> Decision:
    if state.step is not Step.SEARCH:
        return state, ()
    return replace(state, query="", pages={**state.pages, Step.SEARCH: 0}), ()


def typing_turned(state: State, _report: r.TypingTurned) -> Decision:
    """Telex, VNI, plain, and round again."""
    at = WAYS.index(state.typing) if state.typing in WAYS else 0
    return replace(state, typing=WAYS[(at + 1) % len(WAYS)]), ()


def field_chosen(state: State, report: r.FieldChosen) -> Decision:
    if state.step is not Step.FIELDS:
        return state, ()
    pages = {**state.pages, Step.FIELD: 0}
    return replace(state, step=Step.FIELD, field=report.field, pages=pages), ()


def procedure_found(state: State, report: r.ProcedureFound) -> Decision:
    """A line of the search or of a field was touched."""
    if state.step not in (Step.SEARCH, Step.FIELD) or state.shelf is None:
        return state, ()
    if state.shelf.line(report.code) is None:
        return state, ()
    pages = {**state.pages, Step.ADVICE: 0}
    found = replace(state, step=Step.ADVICE, found=report.code, found_from=state.step)
    found = replace(found, part=r.Part.PAPERS, kept=False, listed="", pages=pages)
    return replace(found, guides=(), drawn=None), (r.FetchGuides(report.code),)


def part_shown(state: State, report: r.PartShown) -> Decision:
    if state.step is not Step.ADVICE or report.part not in parts(state):
        return state, ()
    return with_sheet(_at_part(state, report.part))


def _at_part(state: State, part: r.Part) -> State:
    return replace(state, part=part, drawn=None, pages={**state.pages, Step.ADVICE: 0})


def parts(state: State) -> tuple[r.Part, ...]:
    """What can be looked at of the procedure that she reads about."""
    return tuple(part for part in r.Part if part is not r.Part.SAMPLE or sheets(state))


# --- the centre's own guides ---


def sheets(state: State) -> tuple[r.Sheet, ...]:
    """What can be shown of the guides: a film only where a phone can be sent to it."""
    reached = state.setup is not None and bool(state.setup.public_url)
    return tuple(sheet for sheet in state.guides if sheet.kind != "film" or reached)


def sheet_of(state: State) -> r.Sheet | None:
    """The sheet whose turn it is, if guides are looked at."""
    there = sheets(state)
    if state.step is not Step.ADVICE or state.part is not r.Part.SAMPLE or not there:
        return None
    return there[min(state.pages.get(Step.ADVICE, 0), len(there) - 1)]


def with_sheet(state: State) -> Decision:
    """Has the sheet whose turn it is drawn; another's picture is let go."""
    sheet = sheet_of(state)
    if sheet is not None and state.drawn is not None and state.drawn.file == sheet.file:
        return state, ()
    wanted = (r.DrawSheet(state.found, sheet.file),) if sheet is not None and sheet.file else ()
    return replace(state, drawn=None), wanted


def guides_came(state: State, report: r.GuidesCame) -> Decision:
    if not state.found or report.code != state.found:
        return state, ()
    state = replace(state, guides=report.sheets)
    return with_sheet(state if state.part in parts(state) else _at_part(state, r.Part.PAPERS))


def sheet_drawn(state: State, report: r.SheetDrawn) -> Decision:
    """A sheet that cannot be shown is one sheet less."""
    if report.code != state.found:
        return state, ()
    if report.drawn is None:
        left = tuple(sheet for sheet in state.guides if sheet.file != report.file)
        return guides_came(state, r.GuidesCame(report.at, report.code, left))
    sheet = sheet_of(state)
    shown = sheet is not None and sheet.file == report.file
    return (replace(state, drawn=report.drawn) if shown else state), ()


def kept(state: State, report: r.KeptOnPhone) -> Decision:
    """The QR that opens this procedure on her phone, over the page; and away again."""
    return (replace(state, kept=report.shown) if state.step is Step.ADVICE else state), ()


def checklist_asked(state: State, _report: r.ChecklistAsked) -> Decision:
    if state.step is not Step.ADVICE or not state.printer.prints or state.listing:
        return state, ()
    return replace(state, listing=True), (r.PrintChecklist(state.found, state.language),)


def checklist_came(state: State, report: r.ChecklistCame) -> Decision:
    if report.code != state.found:
        return replace(state, listing=False), ()
    return replace(state, listing=False, listed=report.outcome), ()


def read_asked(state: State, _report: r.ReadAsked) -> Decision:
    if state.step is not Step.ADVICE:
        return state, ()
    return state, (r.ReadAdvice(state.found, state.language),)


def filing_asked(state: State, _report: r.FilingAsked) -> Decision:
    if state.step is not Step.ADVICE or not can_file(state):
        return state, ()
    opening = replace(state, step=Step.OPENING)
    return opening, (r.OpenErrand(Errand.FILE, state.language, state.found),)


def can_file(state: State) -> bool:
    """A form of the procedure can be filled here today."""
    return bool(state.shelf and state.found and state.shelf.has_form(state.found))


def back(state: State) -> State:
    """One step back among these steps."""
    if state.step is Step.ADVICE:
        if sheet_of(state) is not None:
            return _at_part(state, r.Part.PAPERS)
        return replace(state, kept=False) if state.kept else replace(state, step=state.found_from)
    before = {Step.SEARCH: Step.ERRAND, Step.FIELDS: Step.ERRAND, Step.FIELD: Step.FIELDS}
    return replace(state, step=before[state.step])


RULES: dict[type, Any] = {
    r.ErrandAsked: errand_asked,
    r.ErrandChosen: errand_chosen,
    r.KeyPressed: key_pressed,
    r.QueryCleared: query_cleared,
    r.TypingTurned: typing_turned,
    r.FieldChosen: field_chosen,
    r.ProcedureFound: procedure_found,
    r.PartShown: part_shown,
    r.GuidesCame: guides_came,
    r.SheetDrawn: sheet_drawn,
    r.KeptOnPhone: kept,
    r.ChecklistAsked: checklist_asked,
    r.ChecklistCame: checklist_came,
    r.ReadAsked: read_asked,
    r.FilingAsked: filing_asked,
}
