"""One visitor's way through self-filing: pure rules from state and report to state and effects.

start → consent → card → a question a screen → papers → review → sending → done. A suggestion is the same without
papers; looking a dossier up is one code. Whatever comes, idle ends the visit, and with it all that was said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, cast

from kiosk import access as a
from kiosk import access_rules
from kiosk.touch.vietnamese import PLAIN, WAYS
from queue_server.dossiers.forms.model import Form
from queue_server.dossiers.forms.read import read_form
from queue_server.wire.words import Language, local

from . import filling, papers, sending, talk
from . import reports as r
from .reports import Effect
from .visit import HELP_AGAIN_AFTER_MS, Errand, Help, State, Step, forms, idle_left, view

Decision = tuple[State, tuple[Effect, ...]]


def decide(state: State, report: r.Report) -> Decision:
    """What follows from `report`. A report that does not suit the step changes nothing."""
    before = state
    state = replace(state, now=max(state.now, report.at))
    rule = _RULES.get(type(report))
    state, effects = rule(state, report) if rule else (state, ())
    if state.step is not before.step:
        state = replace(state, since=state.now)
    if state.step is Step.PAPERS and before.step is not Step.PAPERS:
        asking = papers.asks_held(state)
        state = replace(state, held_asked=state.held_asked or bool(asking))
        effects = (*effects, *asking)
    return _watched(state, effects)


def _watched(state: State, effects: tuple[Effect, ...]) -> Decision:
    """The camera runs on the screens that look through it, and on no other."""
    wanted = _looked_for(state)
    if wanted is state.watching:
        return state, effects
    return replace(state, watching=wanted, hint=""), (*effects, r.Watch(wanted))


def _looked_for(state: State) -> r.LookFor:
    """A scanner goes on feeding while she looks at the pages that came."""
    given = state.given.get(state.paper)
    if state.step in papers.SCANNING and given is not None and given.how is r.How.FLAT:
        return r.LookFor.FILES
    if papers.by_phone(state):
        return r.LookFor.PHONE
    return {
        Step.CARD: r.LookFor.CODES,
        Step.CODE: r.LookFor.CODES,
        Step.SCAN: r.LookFor.PAGES,
    }.get(state.step, r.LookFor.NOTHING)


# --- the world ----------------------------------------------------------------------------------


def _heard(state: State, report: r.Heard) -> Decision:
    message = report.message
    if isinstance(message, talk.Open):
        return _opened(message, report.at), ()
    if isinstance(message, talk.Close):
        return state, (r.End("closed"),)
    if isinstance(message, talk.HelpComes):
        called = state.help_called if message.heard else -HELP_AGAIN_AFTER_MS
        state = replace(state, help_called=called)
        if state.help is Help.NONE:
            return state, ()
        return replace(state, help=Help.COMING if message.heard else Help.UNHEARD), ()
    return sending.heard(state, message)


def _opened(opened: talk.Open, at: int) -> State:
    now = at + opened.offset_ms
    state = State(
        opened=opened,
        now=at,
        touched=at,
        language=opened.language,
        access=opened.access,
        headphones=opened.headphones,
        typing=WAYS[0] if opened.language == Language.VI else PLAIN,
        today=local(now, opened.setup.utc_offset_minutes).date(),
        camera=bool(opened.devices.camera),
    )
    if state.errand is Errand.LOOKUP:
        return replace(state, step=Step.CODE, since=at)
    if state.errand is Errand.FEEDBACK:
        return replace(filling.with_form(state, feedback_form()), step=Step.START, since=at)
    offered = forms(state)
    if len(offered) == 1:
        return replace(filling.with_form(state, offered[0].form), step=Step.START, since=at)
    return replace(state, step=Step.FORMS, since=at)


@cache
def feedback_form() -> Form:
    """What who leaves a complaint or suggestion is asked; a form like any other."""
    name = "feedback.toml"
    return read_form(Path(__file__).with_name(name).read_text("utf-8"), name)


def _tick(state: State, _report: r.Tick) -> Decision:
    if idle_left(state) == 0:
        return state, (r.End("idle"),)
    return state, ()


def _touched(state: State, report: r.Touched) -> Decision:
    return replace(state, touched=report.at, unplugged=None), ()


def _jack_moved(state: State, report: a.JackMoved) -> Decision:
    """In: it reads to her alone. Out: it falls silent, and her visit is over if they stay out."""
    access = replace(state.access, reading=report.inside)
    if report.inside:
        return replace(state, access=access, headphones=True, unplugged=None), ()
    if not state.headphones:
        return state, ()
    return replace(state, access=access, headphones=False, unplugged=report.at), ()


# --- the beginning ------------------------------------------------------------------------------


def _form_chosen(state: State, report: r.FormChosen) -> Decision:
    found = next((x.form for x in forms(state) if x.form.id == report.form), None)
    if state.step is not Step.FORMS or found is None:
        return state, ()
    return replace(filling.with_form(state, found), step=Step.START), ()


def _began(state: State, _report: r.Began) -> Decision:
    """On from the start, and on from the consent once it is given for what cannot be done without."""
    if state.step is Step.START:
        if state.errand is Errand.FEEDBACK:
            return filling.first(state), ()
        return replace(state, step=Step.CONSENT), ()
    if state.step is Step.CONSENT:
        state = replace(state, consents=state.consents | {r.Consent.USE})
        if filling.takes_cards(state):
            return replace(state, step=Step.CARD, card_from=Step.CONSENT, card_for=""), ()
        return filling.first(state), ()
    return state, ()


def _consent_set(state: State, report: r.ConsentSet) -> Decision:
    if state.step is not Step.CONSENT:
        return state, ()
    purpose = {report.purpose}
    consents, refused = state.consents - purpose, state.refused - purpose
    if report.given:
        return replace(state, consents=consents | purpose, refused=refused), ()
    return replace(state, consents=consents, refused=refused | purpose), ()


# --- ways aside ---------------------------------------------------------------------------------


def _went_back(state: State, _report: r.WentBack) -> Decision:
    """One step back; what was said stays said."""
    step = state.step
    if state.access.open:
        return replace(state, access=replace(state.access, open=False)), ()
    if step is Step.QUESTION:
        return filling.back(state), ()
    if step is Step.CARD:
        return filling.after_card(state, onward=False), ()
    if step in papers.STEPS:
        return papers.back(state), ()
    if step is Step.REVIEW:
        return sending.before_review(state), ()
    before = {
        Step.CONSENT: Step.START,
        Step.REFUSED: Step.REVIEW,
        Step.FULL: Step.REVIEW,
        Step.FOUND: Step.CODE,
    }.get(step)
    if before is not None:
        return replace(state, step=before), ()
    if step is Step.START and len(forms(state)) > 1:
        return replace(state, step=Step.FORMS, form=None, answers={}, asked=()), ()
    return _leave_asked(state, _report)


def _leave_asked(state: State, _report: r.Report) -> Decision:
    """Nothing is thrown away without a question, unless there is nothing yet."""
    if state.step is Step.SENDING:
        return state, ()
    if state.step is Step.DONE:
        return state, (r.End("done"),)
    typed = bool(state.draft.text) or any(state.draft.date)
    has_pages = any(given.pages for given in state.given.values())
    if state.errand is Errand.LOOKUP or not (state.answers or typed or has_pages):
        return state, (r.End("left"),)
    return replace(state, leaving=True), ()


def _stayed(state: State, _report: r.Stayed) -> Decision:
    return replace(state, leaving=False), ()


def _left(state: State, _report: r.Left) -> Decision:
    return (state, ()) if state.step is Step.SENDING else (state, (r.End("left"),))


def _help_called(state: State, report: r.HelpCalled) -> Decision:
    screen = view(state)
    if state.help is not Help.NONE:
        return state, ()
    if report.at - state.help_called < HELP_AGAIN_AFTER_MS:
        return replace(state, help=Help.COMING, touched=report.at), ()
    called = replace(state, help=Help.CALLING, help_called=report.at, touched=report.at)
    return called, (r.Say(talk.CallHelp(screen=f"filing-{screen.value}")),)


def _help_closed(state: State, _report: r.HelpClosed) -> Decision:
    return replace(state, help=Help.NONE), ()


def _page_turned(state: State, report: r.PageTurned) -> Decision:
    page = max(0, report.page)
    if state.access.open:
        return replace(state, access=replace(state.access, page=page)), ()
    turned = {**state.turned, state.step: max(page, state.turned.get(state.step, 0))}
    return replace(state, pages={**state.pages, state.step: page}, turned=turned), ()


def _key_pressed(state: State, report: r.KeyPressed) -> Decision:
    rule = sending.key_pressed if state.step is Step.CODE else filling.key_pressed
    return rule(state, report)


def _code_read(state: State, report: r.CodeRead) -> Decision:
    rule = sending.code_read if state.step is Step.CODE else filling.card_read
    return rule(state, report)


_ACCESS: dict[type[r.Report], Callable[[State, Any], Any]] = {
    kind: cast(Any, access_rules.RULES[kind])
    for kind in (
        a.AccessOpened,
        a.AccessClosed,
        a.LettersTurned,
        a.ContrastTurned,
        a.LowTurned,
        a.ReadingTurned,
        a.SpeedTurned,
        a.VolumeTurned,
        a.MoreTimeAsked,
    )
}
"""How the screen is seen, heard and reached follows the kiosk's own rules: they touch `access` and `pages` only."""
_RULES: dict[type[r.Report], Callable[[State, Any], Decision]] = {
    **_ACCESS,
    **filling.RULES,
    **papers.RULES,
    **sending.RULES,
    r.Heard: _heard,
    r.Tick: _tick,
    r.Touched: _touched,
    a.JackMoved: _jack_moved,
    r.FormChosen: _form_chosen,
    r.Began: _began,
    r.ConsentSet: _consent_set,
    r.WentBack: _went_back,
    r.LeaveAsked: _leave_asked,
    r.Stayed: _stayed,
    r.Left: _left,
    r.HelpCalled: _help_called,
    r.HelpClosed: _help_closed,
    r.PageTurned: _page_turned,
    r.KeyPressed: _key_pressed,
    r.CodeRead: _code_read,
}
