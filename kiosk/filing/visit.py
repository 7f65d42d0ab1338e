"""One visit of self-filing as the child knows it, and what is to be seen of it: pure questions to a frozen state."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kiosk.access import LEAVES_AFTER_MS, Access
from queue_server.dossiers.catalogue import Component, ComponentKind
from queue_server.dossiers.forms.fill import Answers, Problem, Question, value_at
from queue_server.dossiers.forms.model import FieldType, Form
from queue_server.dossiers.forms.offered import OfferedForm
from queue_server.dossiers.identity import age
from queue_server.dossiers.search import fold
from queue_server.wire.filing import FeedbackFiled, Filed, shown_key
from queue_server.wire.words import Language

from . import talk
from .drafts import Draft
from .reports import Consent, HeldPaper, How, LookFor, Page

HELP_AGAIN_AFTER_MS = 30_000
ELDERLY_YEARS = 60
ELDERLY = "elderly"
"""The priority group's id (Luật Người cao tuổi)."""
MOST_PAGES = 30
OWN_SHEETS = ("to khai", "don ", "phieu ", "giay de nghi", "van ban de nghi", "mau ")
IDENTITY = ("giay to tuy than", "the can cuoc", "can cuoc cong dan", "ho chieu")


class Errand(StrEnum):
    FILE = "file"
    FEEDBACK = "feedback"
    LOOKUP = "lookup"


class Step(StrEnum):
    """Where the visitor is; `HIDDEN`: nobody is here."""

    HIDDEN = "hidden"
    FORMS = "forms"
    START = "start"
    CONSENT = "consent"
    CARD = "card"
    QUESTION = "question"
    PAPERS = "papers"
    PAPER = "paper"
    SCAN = "scan"
    PAGES = "pages"
    REVIEW = "review"
    SENDING = "sending"
    DONE = "done"
    REFUSED = "refused"
    FULL = "full"
    CODE = "code"
    LOOKING = "looking"
    FOUND = "found"


class Over(StrEnum):
    """What may stand over the step."""

    HELP = "over_help"
    ACCESS = "over_access"
    LEAVE = "over_leave"
    IDLE = "over_idle"


class Help(StrEnum):
    NONE = "none"
    CALLING = "calling"
    COMING = "coming"
    UNHEARD = "unheard"


@dataclass(frozen=True)
class Wanted:
    """A paper that the procedure asks for. `show`: only to be shown; `own`: the form that is filled in here."""

    index: int
    name: str
    code: str = ""
    show: bool = False
    own: bool = False
    original: int = 0
    copy: int = 0
    group: str = ""


@dataclass(frozen=True)
class Given:
    """How a paper comes in, and its pages."""

    how: How
    pages: tuple[Page, ...] = ()
    held: str = ""


@dataclass(frozen=True)
class State:
    """Nothing of it outlives the visit: the process ends with it."""

    opened: talk.Open | None = None
    now: int = 0
    touched: int = 0
    step: Step = Step.HIDDEN
    language: str = Language.VI
    access: Access = Access()
    headphones: bool = False
    unplugged: int | None = None
    typing: str = "telex"
    pages: dict[Step, int] = field(default_factory=dict)
    turned: dict[Step, int] = field(default_factory=dict)
    """The last page to which she has turned on each step."""

    form: Form | None = None
    today: dt.date = dt.date(2026, 1, 1)
    answers: Answers = field(default_factory=dict)
    asked: tuple[Question, ...] = ()
    at: str = ""
    """The path of the question on the screen."""
    draft: Draft = Draft()
    pending: Any = None
    """An answer about which there is a doubt."""
    problems: tuple[Problem, ...] = ()
    certain: frozenset[tuple[str, str]] = frozenset()
    """Doubts that the visitor has looked at: path and answer."""
    returning: bool = False
    """She came from the review, and goes back there."""

    consents: frozenset[Consent] = frozenset()
    refused: frozenset[Consent] = frozenset()
    """Those to which she has said no; to the others she has said nothing, which is no consent."""
    card_for: str = ""
    card_from: Step = Step.CONSENT
    card_fault: str = ""
    filled: tuple[str, ...] = ()
    """Paths that a card has filled in."""
    watching: LookFor = LookFor.NOTHING
    since: int = 0
    """When the step was reached."""
    camera: bool = True
    hint: str = ""

    given: dict[int, Given] = field(default_factory=dict)
    paper: int = -1
    phone: str | None = None
    """Where her phone hands in; empty: it cannot now; None: not asked yet."""
    held: tuple[HeldPaper, ...] = ()
    held_asked: bool = False
    warned: bool = False
    """She was told that papers are missing."""

    provisional: str = ""
    filed: Filed | None = None
    kept: bool = False
    feedback: FeedbackFiled | None = None
    key: str = ""
    """With the number it opens the answer to what she wrote."""
    refusal: talk.Refused | None = None
    fault: str = ""
    priority: bool = True
    """She takes the priority that her age gives her."""
    strip: str = ""
    looked_up: talk.Answered | None = None

    help: Help = Help.NONE
    help_called: int = -HELP_AGAIN_AFTER_MS
    leaving: bool = False

    @property
    def page(self) -> int:
        return self.access.page if self.access.open else self.pages.get(self.step, 0)

    @property
    def furthest(self) -> int:
        """The last page that she has seen here."""
        return max(self.page, self.turned.get(self.step, 0))

    @property
    def errand(self) -> Errand:
        return Errand(self.opened.errand) if self.opened else Errand.FILE

    @property
    def question(self) -> Question | None:
        return next((q for q in self.asked if q.path == self.at), None)


# --- what is seen -------------------------------------------------------------------------------


def view(state: State) -> Step | Over:
    """What to draw: mostly the step, unless something stands above it."""
    if state.help is not Help.NONE:
        return Over.HELP
    if idle_left(state) is not None:
        return Over.IDLE
    if state.access.open:
        return Over.ACCESS
    return Over.LEAVE if state.leaving else state.step


def idle_left(state: State) -> int | None:
    """Ms until all is thrown away, once the visitor is asked whether she is there; else None."""
    if state.opened is None or state.step in (Step.HIDDEN, Step.SENDING):
        return None
    if state.unplugged is not None:
        return max(0, state.unplugged + LEAVES_AFTER_MS - state.now)
    left = state.touched + idle_ms(state) + state.opened.warn_ms - state.now
    return max(0, left) if left <= state.opened.warn_ms else None


def idle_ms(state: State) -> int:
    """How long she may do nothing before she is asked."""
    usual = state.opened.idle_ms if state.opened else 120_000
    return usual * state.access.patience


# --- the procedure ------------------------------------------------------------------------------


def forms(state: State) -> tuple[OfferedForm, ...]:
    return state.opened.forms.forms if state.opened else ()


def title(state: State) -> str:
    """What this visit is about."""
    record = state.opened.record if state.opened else None
    if record is not None:
        return record.short or record.name
    return state.form.title.say(state.language) if state.form else ""


def wanted(state: State) -> tuple[Wanted, ...]:
    """The papers that the procedure asks for, remarks left out."""
    record = state.opened.record if state.opened else None
    if record is None or state.errand is not Errand.FILE:
        return ()
    own = own_sheets(record.components)
    return tuple(
        _wanted(index, part, index in own)
        for index, part in enumerate(record.components)
        if part.kind is not ComponentKind.NOTE
    )


def own_sheets(components: Sequence[Component]) -> tuple[int, ...]:
    """Places of those that are filled in here: those with a form; where none has one, the first so called."""
    given = [n for n, part in enumerate(components) if part.kind is ComponentKind.HAND_IN]
    with_form = tuple(n for n in given if components[n].form)
    named = [n for n in given if fold(components[n].name).startswith(OWN_SHEETS)]
    return with_form or tuple(named[:1])


def _wanted(index: int, part: Component, own: bool) -> Wanted:
    return Wanted(
        index=index,
        name=part.name,
        code=part.code,
        show=part.kind is ComponentKind.SHOW,
        own=own,
        original=part.original,
        copy=part.copy,
        group=part.group,
    )


def to_give(state: State) -> tuple[Wanted, ...]:
    """Those that she has to give: not what she fills in here."""
    return tuple(paper for paper in wanted(state) if not paper.own)


def is_settled(state: State, paper: Wanted) -> bool:
    given = state.given.get(paper.index)
    if given is None:
        return paper.show
    return given.how not in (How.SCAN, How.FLAT, How.PHONE) or bool(given.pages)


def is_handed_in(state: State, paper: Wanted) -> bool:
    """It comes with the dossier, from here or by her own hand."""
    given = state.given.get(paper.index)
    return given is not None and (bool(given.pages) or given.how in (How.HELD, How.SHOW))


def missing(state: State) -> tuple[Wanted, ...]:
    return tuple(paper for paper in to_give(state) if not is_settled(state, paper))


def is_prepared(state: State) -> bool:
    """Prepared only, and finished at a counter: the law asks for her presence or signature, an original other
    than her identity paper is to be shown, or she brings papers herself.

    An identity paper that is only shown holds nothing up: she shows it where she collects the result.
    """
    if state.errand is not Errand.FILE:
        return False
    if state.form is not None and state.form.presence:
        return True
    return any(_needs_counter(state, paper) for paper in to_give(state))


def _needs_counter(state: State, paper: Wanted) -> bool:
    given = state.given.get(paper.index)
    if given is not None and given.how is How.SHOW:
        return True
    is_identity = any(words in fold(paper.name) for words in IDENTITY)
    return paper.show and not is_identity and (given is None or given.how is not How.NONE)


def asks_presence(state: State) -> bool:
    """What she is told at the start: this cannot be finished here alone."""
    if any(offered.form.presence for offered in forms(state)):
        return True
    return any(_needs_counter(state, paper) for paper in to_give(state))


def is_sample(state: State) -> bool:
    """It is filed under the word MẪU."""
    if state.opened is None or state.form is None or state.errand is not Errand.FILE:
        return False
    return state.opened.forms.is_sample(state.form.id, state.form.version)


# --- the person ---------------------------------------------------------------------------------


def applicant(state: State, prefill: str) -> Any:
    """What the first person of the form said for `card.name`, `card.born` or `card.number`."""
    for section in state.form.sections if state.form else ():
        if not any(each.prefill for each in section.fields):
            continue
        for each in section.fields:
            path, said = f"{section.id}.{each.id}", None
            if each.prefill == prefill and each.type is not FieldType.ID_DOCUMENT:
                said = value_at(state.answers, path)
            elif prefill == "card.number" and each.type is FieldType.ID_DOCUMENT:
                said = value_at(state.answers, f"{path}/number")
            if said:  # else it is perhaps asked in another way: of copies only the number
                return said
        return None
    return None


def phone(state: State) -> str:
    """The first telephone number that was given."""
    for section in state.form.sections if state.form else ():
        for each in section.fields:
            if each.type is FieldType.PHONE:
                return str(value_at(state.answers, f"{section.id}.{each.id}") or "")
    return ""


def is_elderly(state: State) -> bool:
    """She was born 60 years ago or more, by what she says or her card."""
    born = applicant(state, "card.born")
    return bool(born) and isinstance(born, str) and age(born, state.today) >= ELDERLY_YEARS


def follow_key(state: State) -> str:
    """The key to follow her words by, as it is written; empty where she left none."""
    known = state.feedback.key if state.feedback is not None else ""
    return shown_key(known or state.key)


def offers_priority(state: State) -> bool:
    groups = state.opened.setup.priorities if state.opened else ()
    return is_elderly(state) and any(group.id == ELDERLY for group in groups)


def copies(state: State) -> int:
    """How many certified copies are asked for: what the queue's wait depends on."""
    return sum(
        line.get("copies") or 0
        for value in state.answers.values()
        if isinstance(value, list)
        for line in value
        if isinstance(line, dict) and isinstance(line.get("copies"), int)
    )
