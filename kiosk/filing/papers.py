"""Rules of the papers: each is scanned, held, brought or not needed; its pages are looked at, moved, taken again."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from . import filling
from . import reports as r
from .reports import Effect, How
from .visit import MOST_PAGES, Given, State, Step, Wanted, applicant, missing, to_give

Decision = tuple[State, tuple[Effect, ...]]
STEPS = frozenset({Step.PAPERS, Step.PAPER, Step.SCAN, Step.PAGES})
SCANNING = frozenset({Step.SCAN, Step.PAGES})
WITH_PAGES = (How.SCAN, How.FLAT, How.PHONE)
WAITS: dict[How, Collection[Step]] = {
    How.SCAN: {Step.SCAN},
    How.FLAT: SCANNING,
    How.PHONE: STEPS,
    How.HELD: (),
    How.SHOW: (),
    How.NONE: (),
}
"""On which screens a page of a paper that comes in so is waited for."""


def ways(state: State, paper: Wanted) -> tuple[How, ...]:
    """How this paper may come in, the best way first."""
    opened = state.opened
    if paper.show or opened is None:
        return (How.SHOW, How.NONE)
    found: list[How] = []
    if held_for(state, paper) is not None:
        found.append(How.HELD)
    if opened.devices.camera:
        found.append(How.SCAN)
    if opened.devices.scan_folder:
        found.append(How.FLAT)
    if opened.setup.phone_upload and opened.online:
        found.append(How.PHONE)
    return (*found, How.SHOW, How.NONE)


def held_for(state: State, paper: Wanted) -> r.HeldPaper | None:
    """What the centre holds that may stand for this paper."""
    return next((held for held in state.held if held.component == paper.index), None)


def the_paper(state: State) -> Wanted | None:
    """The paper on the screen."""
    return next((paper for paper in to_give(state) if paper.index == state.paper), None)


def pages_of(state: State) -> tuple[r.Page, ...]:
    given = state.given.get(state.paper)
    return given.pages if given else ()


def asks_held(state: State) -> tuple[Effect, ...]:
    """What to ask the centre on the way to the papers; only with consent, and once."""
    number, opened = applicant(state, "card.number"), state.opened
    if r.Consent.REUSE not in state.consents or state.held_asked or not number or opened is None:
        return ()
    code = opened.record.code if opened.record else ""
    return (r.AskHeld(number=str(number), procedure=code),)


def back(state: State) -> State:
    if state.step is Step.PAPERS:
        return replace(filling.last(state), warned=False)
    if state.step is Step.SCAN and pages_of(state):
        return replace(state, step=Step.PAGES)
    if state.step is Step.SCAN:
        return replace(_with(state, None), step=Step.PAPER)
    return replace(state, step=Step.PAPERS)


def _with(state: State, given: Given | None) -> State:
    """The paper on the screen comes in so; None: it is open again."""
    rest = {index: each for index, each in state.given.items() if index != state.paper}
    return replace(
        state, given=rest if given is None else {**rest, state.paper: given}, warned=False
    )


def _paper_touched(state: State, report: r.PaperTouched) -> Decision:
    known = {paper.index for paper in to_give(state)}
    if state.step is not Step.PAPERS or report.index not in known:
        return state, ()
    chosen = replace(state, paper=report.index, warned=False)
    return replace(chosen, step=Step.PAGES if pages_of(chosen) else Step.PAPER), ()


def _how_chosen(state: State, report: r.HowChosen) -> Decision:
    paper = the_paper(state)
    if state.step not in (Step.PAPER, Step.PAGES) or paper is None:
        return state, ()
    if report.how not in ways(state, paper):
        return state, ()
    dropped = _dropped(state)
    if report.how in WITH_PAGES:
        given = state.given.get(paper.index)
        state = _with(state, given if given and given.pages else Given(report.how))
        return replace(state, step=Step.SCAN), ()
    held = held_for(state, paper) if report.how is How.HELD else None
    state = _with(state, Given(report.how, held=held.ref if held else ""))
    return replace(state, step=Step.PAPERS), dropped


def _dropped(state: State) -> tuple[Effect, ...]:
    return tuple(r.Forget(page.id) for page in pages_of(state))


def _page_taken(state: State, report: r.PageTaken) -> Decision:
    """A page that comes when nobody waits for it is thrown away.

    A scanner's come one after the other; those by phone also while she looks at another paper.
    """
    paper = state.paper if report.paper is None else report.paper
    given = state.given.get(paper)
    if given is None or state.step not in WAITS[given.how] or len(given.pages) >= MOST_PAGES:
        return state, (r.Forget(report.page.id),)
    more = replace(given, pages=(*given.pages, report.page))
    state = replace(state, given={**state.given, paper: more}, warned=False, touched=report.at)
    if paper != state.paper or state.step not in SCANNING:
        return state, ()
    return replace(state, step=Step.PAGES, hint=""), ()


def _page_touched(state: State, report: r.PageTouched) -> Decision:
    given = state.given.get(state.paper)
    if state.step is not Step.PAGES or given is None:
        return state, ()
    at = next((i for i, page in enumerate(given.pages) if page.id == report.page), None)
    if at is None:
        return state, ()
    pages = list(given.pages)
    page = pages.pop(at)
    if report.wish == "up":
        pages.insert(max(0, at - 1), page)
        return _with(state, replace(given, pages=tuple(pages))), ()
    state = _with(state, replace(given, pages=tuple(pages)))
    if report.wish == "again":
        return replace(state, step=Step.SCAN), (r.Forget(page.id), r.Retake())
    return (state if pages else replace(state, step=Step.PAPER)), (r.Forget(page.id),)


def _pages_done(state: State, _report: r.PagesDone) -> Decision:
    if state.step not in (Step.PAGES, Step.SCAN) or not pages_of(state):
        return state, ()
    return replace(state, step=Step.PAPERS), ()


def _papers_done(state: State, _report: r.PapersDone) -> Decision:
    """On to the review; of papers that are missing she is told once."""
    if state.step is not Step.PAPERS:
        return state, ()
    if missing(state) and not state.warned:
        return replace(state, warned=True), ()
    return replace(state, step=Step.REVIEW, warned=False), ()


def _held_came(state: State, report: r.HeldCame) -> Decision:
    return replace(state, held=report.papers, held_asked=True), ()


def _camera_changed(state: State, report: r.CameraChanged) -> Decision:
    return replace(state, camera=report.works, hint=""), ()


def _hint_came(state: State, report: r.HintCame) -> Decision:
    """Holding a page still is doing something too."""
    moving = state.hint != report.hint and state.step is Step.SCAN
    return replace(state, hint=report.hint, touched=report.at if moving else state.touched), ()


def _shutter(state: State, _report: r.Shutter) -> Decision:
    return state, (r.TakeNow(),) if state.step is Step.SCAN else ()


def _phone_changed(state: State, report: r.PhoneChanged) -> Decision:
    return replace(state, phone=report.url), ()


def by_phone(state: State) -> bool:
    """Pages may come by phone now; while the camera looks at another paper it does that alone."""
    given = state.given.get(state.paper)
    other = state.step is Step.SCAN and given is not None and given.how is not How.PHONE
    sent = any(each.how is How.PHONE for each in state.given.values())
    return sent and state.step in STEPS and not other


def phone_code(state: State) -> str:
    """Where this visitor's phone hands in the pages of this paper; empty where there is no such place."""
    return f"{state.phone}/{state.paper}" if state.phone else ""


RULES: dict[type[r.Report], Callable[[State, Any], Decision]] = {
    r.PaperTouched: _paper_touched,
    r.HowChosen: _how_chosen,
    r.PageTaken: _page_taken,
    r.PhoneChanged: _phone_changed,
    r.PageTouched: _page_touched,
    r.PagesDone: _pages_done,
    r.PapersDone: _papers_done,
    r.HeldCame: _held_came,
    r.CameraChanged: _camera_changed,
    r.HintCame: _hint_came,
    r.Shutter: _shutter,
}
