"""Rules of filling a form: the next question, back without loss, doubts that are looked at, a card that fills in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from kiosk.touch.vietnamese import WAYS
from queue_server.dossiers.forms import fill
from queue_server.dossiers.forms.ask import Question
from queue_server.dossiers.forms.model import Form
from queue_server.dossiers.identity import NotACard, numbers_only, read_card

from . import drafts
from . import reports as r
from .drafts import Draft
from .reports import Effect
from .visit import Errand, State, Step, to_give

Decision = tuple[State, tuple[Effect, ...]]


def with_form(state: State, form: Form) -> State:
    """`form` is to be filled in; what its rules preset is not answered for her."""
    return _with_answers(replace(state, form=form), {})


def first(state: State) -> State:
    """The first question that is still open."""
    return _onward(replace(state, at=""))


def _with_answers(state: State, answers: fill.Answers) -> State:
    assert state.form is not None
    asked = fill.questions(state.form, answers, state.today)
    return replace(state, answers=answers, asked=asked)


def _put(state: State, question: Question) -> State:
    """Put `question` on the screen with what was said to it."""
    pages = {**state.pages, Step.QUESTION: 0}
    return replace(
        state,
        step=Step.QUESTION,
        at=question.path,
        draft=drafts.begin(question),
        pending=None,
        problems=(),
        pages=pages,
    )


def _onward(state: State) -> State:
    """The next open question after the one on the screen, then any open one, then what comes after."""
    paths = [q.path for q in state.asked]
    here = paths.index(state.at) if state.at in paths else -1
    ordered = (*state.asked[here + 1 :], *state.asked[: here + 1])
    open_ = next((q for q in ordered if q.value is None), None)
    if open_ is not None:
        return _put(state, open_)
    wrong = _wrong(state)
    if wrong is not None and wrong.path != state.at:
        return _shown(_put(state, wrong), wrong.value)
    return _after(state)


def _wrong(state: State) -> Question | None:
    """A question whose answer does not hold (any more): a card's, or one that another answer has overtaken."""
    assert state.form is not None
    for question in state.asked:
        found = fill.check(state.form, state.answers, question, question.value, state.today)
        if any(problem.blocks for problem in found):
            return question
    return None


def _shown(state: State, value: Any) -> State:
    """What is wrong with the answer stands at the field at once."""
    assert state.form is not None and state.question is not None
    found = fill.check(state.form, state.answers, state.question, value, state.today)
    return replace(state, problems=found)


def _after(state: State) -> State:
    """All questions are answered."""
    if not state.returning and to_give(state):
        return replace(state, step=Step.PAPERS)
    return replace(state, step=Step.REVIEW, returning=False)


def last(state: State) -> State:
    """Back from what comes after the questions."""
    return _put(state, state.asked[-1]) if state.asked else replace(state, step=Step.CONSENT)


def back(state: State) -> State:
    """The question before; from the first one to what came before the questions."""
    if state.returning:
        return replace(state, step=Step.REVIEW, returning=False)
    if state.draft.own and state.question is not None and state.question.options:
        return replace(state, draft=Draft(), problems=())
    paths = [q.path for q in state.asked]
    here = paths.index(state.at) if state.at in paths else 0
    if here > 0:
        return _put(state, state.asked[here - 1])
    if state.errand is Errand.FEEDBACK:
        return replace(state, step=Step.START)
    return replace(state, step=Step.CARD if takes_cards(state) else Step.CONSENT, card_for="")


# --- answers ------------------------------------------------------------------------------------


def _answer(state: State, value: Any) -> Decision:
    """`value` for the question on the screen: taken, or said what is the matter with it."""
    question = state.question
    if state.step is not Step.QUESTION or question is None or state.form is None:
        return state, ()
    found = fill.check(state.form, state.answers, question, value, state.today)
    if any(problem.blocks for problem in found):
        blocking = tuple(problem for problem in found if problem.blocks)
        return replace(state, problems=blocking, pending=None), ()
    if found and (question.path, _key(value)) not in state.certain:
        return replace(state, problems=found, pending=value), ()
    return _take(state, question, value), ()


def _take(state: State, question: Question, value: Any) -> State:
    assert state.form is not None
    answers = fill.answered(state.form, state.answers, question, value)
    state = replace(state, filled=tuple(path for path in state.filled if path != question.path))
    return _onward(_with_answers(state, answers))


def _key(value: Any) -> str:
    return repr(value)


def _entered(state: State, _report: r.Entered) -> Decision:
    question = state.question
    if question is None:
        return state, ()
    return _answer(state, drafts.value_of(question, state.draft))


def _chosen(state: State, report: r.Chosen) -> Decision:
    return _answer(state, report.value)


def _skipped(state: State, _report: r.Skipped) -> Decision:
    question = state.question
    if state.step is not Step.QUESTION or question is None or question.required:
        return state, ()
    return _take(state, question, ""), ()


def _certain(state: State, _report: r.Certain) -> Decision:
    question = state.question
    if state.step is not Step.QUESTION or question is None or state.pending is None:
        return state, ()
    known = state.certain | {(question.path, _key(state.pending))}
    return _take(replace(state, certain=known), question, state.pending), ()


def key_pressed(state: State, report: r.KeyPressed) -> Decision:
    """A key for the question on the screen."""
    question = state.question
    if state.step is not Step.QUESTION or question is None:
        return state, ()
    draft = drafts.pressed(question, state.draft, report.key, state.typing)
    return _drafted(state, draft), ()


def _drafted(state: State, draft: Draft) -> State:
    pages = {**state.pages, Step.QUESTION: 0}
    return replace(state, draft=draft, problems=(), pending=None, pages=pages)


def _part_touched(state: State, report: r.PartTouched) -> Decision:
    if state.step is not Step.QUESTION:
        return state, ()
    return _drafted(state, drafts.part_touched(state.draft, report.part)), ()


def _parts_turned(state: State, report: r.PartsTurned) -> Decision:
    question = state.question
    if state.step is not Step.QUESTION or question is None or not question.partial:
        return state, ()
    return _drafted(state, drafts.parts_turned(state.draft, report.parts)), ()


def _typing_turned(state: State, _report: r.TypingTurned) -> Decision:
    at = WAYS.index(state.typing) if state.typing in WAYS else 0
    return replace(state, typing=WAYS[(at + 1) % len(WAYS)]), ()


def _own_words(state: State, _report: r.OwnWords) -> Decision:
    question = state.question
    if state.step is not Step.QUESTION or question is None or not question.other:
        return state, ()
    return _drafted(state, Draft(own=not state.draft.own)), ()


def _line_touched(state: State, report: r.LineTouched) -> Decision:
    """A line of the list on the screen: taken away, or its first question again."""
    question = state.question
    if state.step is not Step.QUESTION or question is None or state.form is None:
        return state, ()
    if report.remove:
        answers = fill.without_line(
            state.form, state.answers, question.list_path, report.index, state.today
        )
        state = _with_answers(state, answers)
        more = next((q for q in state.asked if q.path == question.path), None)
        return (_put(state, more) if more else _onward(state)), ()
    start = f"{question.list_path}[{report.index}]."
    found = next((q for q in state.asked if q.path.startswith(start)), None)
    return (_put(state, found) if found else state), ()


def _row_touched(state: State, report: r.RowTouched) -> Decision:
    """A row of the review: its first question, and after it back to the review."""
    if state.step is not Step.REVIEW:
        return state, ()
    path = report.path
    marks = ("", "/", "[", ".")
    own = [q for q in state.asked if any(_begins(q.path, path, mark) for mark in marks)]
    more = next((q for q in own if q.path == f"{path}/more"), None)
    found = more or (own[0] if own else None)
    return (replace(_put(state, found), returning=True) if found else state), ()


def _begins(path: str, row: str, mark: str) -> bool:
    return path == row if not mark else path.startswith(f"{row}{mark}")


# --- a card -------------------------------------------------------------------------------------


def takes_cards(state: State) -> bool:
    """A card can fill something in here."""
    form = state.form
    return form is not None and any(fill.takes_card(form, f"{s.id}.") for s in form.sections)


def _card_asked(state: State, report: r.CardAsked) -> Decision:
    if state.step is not Step.QUESTION or state.form is None:
        return state, ()
    if not fill.takes_card(state.form, report.path):
        return state, ()
    asked = replace(state, step=Step.CARD, card_from=Step.QUESTION, card_for=report.path)
    return replace(asked, card_fault="", filled=()), ()


def _card_left(state: State, _report: r.CardLeft) -> Decision:
    if state.step is not Step.CARD:
        return state, ()
    return after_card(state, onward=True), ()


def after_card(state: State, *, onward: bool) -> State:
    """On with the questions, or back to where the card was asked for."""
    state = replace(state, card_fault="")
    if state.card_from is Step.QUESTION:
        question = state.question
        if question is not None and (question.value is None or not onward):
            return _put(state, question)
        return _onward(state)
    return first(state) if onward else replace(state, step=Step.CONSENT)


def card_read(state: State, report: r.CodeRead) -> Decision:
    """What the card says of one person goes in where it is asked for; the rest of it is dropped here and now."""
    if state.form is None or state.step not in (Step.CARD, Step.QUESTION):
        return state, ()
    try:
        card = read_card(report.text)
    except NotACard as error:
        return replace(state, card_fault=error.reason.value, touched=report.at), ()
    if report.typed:
        card = numbers_only(card)
    at = state.card_for if state.step is Step.CARD else state.at
    answers = fill.prefill(state.form, state.answers, card, at, state.today)
    filled = _changed(state.answers, answers)
    state = replace(_with_answers(state, answers), filled=filled, card_fault="", touched=report.at)
    if state.step is Step.QUESTION and filled:
        return _onward(state), ()
    return (replace(state, card_fault="" if filled else "nothing")), ()


def _changed(before: fill.Answers, after: fill.Answers) -> tuple[str, ...]:
    return tuple(path for path, value in after.items() if before.get(path) != value)


RULES: dict[type[r.Report], Callable[[State, Any], Decision]] = {
    r.Entered: _entered,
    r.Chosen: _chosen,
    r.Skipped: _skipped,
    r.Certain: _certain,
    r.PartTouched: _part_touched,
    r.PartsTurned: _parts_turned,
    r.TypingTurned: _typing_turned,
    r.OwnWords: _own_words,
    r.LineTouched: _line_touched,
    r.RowTouched: _row_touched,
    r.CardAsked: _card_asked,
    r.CardLeft: _card_left,
}
