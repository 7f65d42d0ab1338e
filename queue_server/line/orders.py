"""Orders: what a person or a device wants done, in the imperative. `decide.py` answers each."""

from __future__ import annotations

from ..dossiers.calendar import ProcessingTime, WorkCalendar
from ..dossiers.feedback import FeedbackKind, FeedbackStatus
from ..dossiers.life import DossierStatus, Terms
from ..dossiers.passing import PassedOn
from ..satisfaction.triggers import AlertStatus, Trigger
from ..wire.words import Estimate, Frozen, Language
from .events import Paper
from .moves import Move
from .setup import Setup, SurveyUse
from .times import Times


class Order(Frozen, tag_field="order"):
    """`order` on the wire of the local door is the class name."""


class ChangeSetup(Order, tag=True):
    setup: Setup
    why: str = ""


class StartDay(Order, tag=True):
    pass


class EndDay(Order, tag=True):
    reason: str = ""


class PassTime(Order, tag=True):
    """The clock's own order: starts the new day, expires offers and tickets nobody can serve any more."""


class OpenEpoch(Order, tag=True):
    """`highest`: ordinals that may be out on paper, by service; `margin`: the rules' own, if None.

    `leased`: how many of each service may have been leased to kiosks that nobody knows of any more.
    """

    highest: dict[str, int] = {}
    leased: dict[str, int] = {}
    margin: int | None = None
    why: str = ""
    dossiers: int = 0
    """How many dossier codes of today may be out that nobody knows of any more."""
    feedback: int = 0
    """The same of feedback's numbers."""


class OpenCounter(Order, tag=True):
    counter: int


class CloseCounter(Order, tag=True):
    counter: int


class PauseCounter(Order, tag=True):
    counter: int
    reason: str


class ResumeCounter(Order, tag=True):
    counter: int


class ChangeServes(Order, tag=True):
    counter: int
    serves: tuple[str, ...]
    why: str = ""


class SuspendService(Order, tag=True):
    service: str
    reason: str


class ResumeService(Order, tag=True):
    service: str


class IssueTicket(Order, tag=True):
    """`token_hash` and `visit` are chance, given by the desk; `expires` (ms): too late after it.

    `told`: the desk's own estimate, as it is told to the visitor. `offered`: `booked` is a time to come
    that she chose now (`booking.check`), and not an appointment made elsewhere that she comes for.
    """

    service: str
    visit: str = ""
    token_hash: str = ""
    ask: str = ""
    language: Language = Language.VI
    priority: str | None = None
    procedure: str | None = None
    booked: int | None = None
    dossiers: int = 1
    then: tuple[str, ...] = ()
    sealed: str = ""
    source: str = ""
    expires: int = 0
    why: str = ""
    told: Estimate | None = None
    prepared: bool = False
    copies: int = 0
    supplement: bool = False
    offered: bool = False


class WithdrawTicket(Order, tag=True):
    ask: str


class BookAppointment(Order, tag=True):
    """A time of a day to come (`starts`, ms). `token_hash` and `visit` are chance, given by the desk;
    `closed`: local days on which nobody works, as the desk's calendar says."""

    service: str
    starts: int
    token_hash: str = ""
    visit: str = ""
    procedure: str | None = None
    language: Language = Language.VI
    priority: str | None = None
    sealed: str = ""
    closed: tuple[str, ...] = ()


class CancelAppointment(Order, tag=True):
    """By its own key (`token_hash`), or by its id."""

    appointment: str = ""
    token_hash: str = ""
    reason: str = ""


class CheckIn(Order, tag=True):
    """She has come for her appointment (`token_hash`): her number, please. `ticket_token`: of her ticket."""

    token_hash: str
    ticket_token: str = ""
    ask: str = ""
    expires: int = 0
    source: str = ""


class LeaseNumbers(Order, tag=True):
    """A kiosk asks for numbers to give while it is cut off.

    `have`: how many of each service it can still give. `held`: all numbers of `day` that it was ever
    leased, given or not: a restored server may not know of them.
    """

    have: dict[str, int] = {}
    day: str = ""
    held: dict[str, tuple[str, ...]] = {}


class HandOver(Order, tag=True):
    """A number that a cut off kiosk gave from its lease of `day`. `issued_at` (ms) by the server's clock,
    as well as the kiosk knew it; `visit` is chance, given by the desk; `known`: it is in the log already.
    """

    number: str
    service: str
    day: str
    issued_at: int
    ask: str
    visit: str = ""
    token_hash: str = ""
    language: Language = Language.VI
    priority: str | None = None
    procedure: str | None = None
    dossiers: int = 1
    then: tuple[str, ...] = ()
    prepared: bool = False
    copies: int = 0
    supplement: bool = False
    printed: str = ""
    known: bool = False
    sealed: str = ""


class CallNext(Order, tag=True):
    """`after`: the ticket that she had before ("" for none): a double press calls one person."""

    counter: int
    after: str | None = None
    offer: str = ""


class CallNumber(Order, tag=True):
    counter: int
    ticket: str
    reason: str


class Recall(Order, tag=True):
    counter: int


class Start(Order, tag=True):
    counter: int


class Finish(Order, tag=True):
    """`offer` is chance, given by the desk; `dossiers` how many codes were sealed under `sealed`."""

    counter: int
    ticket: str
    dossiers: int = 0
    sealed: str = ""
    offer: str = ""


class NoShow(Order, tag=True):
    counter: int
    ticket: str


class PutBack(Order, tag=True):
    ticket: str
    reason: str = ""


class Transfer(Order, tag=True):
    ticket: str
    service: str
    reason: str = ""


class Park(Order, tag=True):
    counter: int
    ticket: str
    reason: str = ""


class Resume(Order, tag=True):
    ticket: str
    counter: int | None = None


class StepOut(Order, tag=True):
    ticket: str


class StepBack(Order, tag=True):
    ticket: str


class Cancel(Order, tag=True):
    ticket: str
    reason: str = ""


class ServeWithoutTicket(Order, tag=True):
    """A visitor without a ticket, served at once; the reason is kept."""

    counter: int
    service: str
    reason: str
    visit: str = ""
    token_hash: str = ""


class GrantPriority(Order, tag=True):
    ticket: str
    group: str
    reason: str


class WithdrawPriority(Order, tag=True):
    ticket: str
    reason: str


class Undo(Order, tag=True):
    counter: int


class NotePrint(Order, tag=True):
    ticket: str
    outcome: str
    detail: str = ""
    reprint: bool = False


class ProposeMove(Order, tag=True):
    """The twin's alone."""

    move: Move


class AcceptMove(Order, tag=True):
    """Accept a proposed move (`move`: its id)."""

    move: str


class RefuseMove(Order, tag=True):
    """Refuse a proposed move, or end one that is under way (`move`: its id)."""

    move: str
    reason: str = ""


class LearnTimes(Order, tag=True):
    """The twin's alone."""

    times: Times


class CallHelp(Order, tag=True):
    place: str
    screen: str = ""


class AnswerHelp(Order, tag=True):
    place: str


class MarkForm(Order, tag=True):
    """A version of a form is as the official sheet (`checked`), or is not to be filed any more.

    `sha`: of its content as the web process reads it; the rules know no forms.
    """

    form: str
    version: str
    sha: str
    checked: bool = True


class RegisterDossier(Order, tag=True):
    """A dossier that was handed in, as the rules need it; what is personal lies sealed behind `sealed`.

    `submitted_at` (ms) by the kiosk's clock, put right. `form_sha`: of the form's content as the web process
    reads it, `sample`: this centre files unchecked forms under the word MẪU, `presence`: the form asks for it.
    """

    dossier: str
    procedure: str
    service: str
    submitted_at: int
    terms: Terms
    papers: tuple[Paper, ...] = ()
    time: ProcessingTime = ProcessingTime()
    form: str = ""
    form_version: str = ""
    form_sha: str = ""
    sample: bool = False
    presence: bool = False
    prepare: bool = False
    provisional: str = ""
    sealed: str = ""
    source: str = ""


class TurnDossier(Order, tag=True):
    """A dossier stands otherwise from now on. `sealed`: the officer's words."""

    dossier: str
    status: DossierStatus
    terms: Terms
    sealed: str = ""


class CodeDossier(Order, tag=True):
    """The province's code for a dossier that has a provisional number."""

    dossier: str
    code: str
    terms: Terms
    due_at: int | None = None
    """As the province says; else counted here."""


class PassOn(Order, tag=True):
    """A step of passing a dossier on, by the process that speaks with the province alone. `was`, `round`: how it
    stood, as the desk's table knows."""

    dossier: str
    was: PassedOn
    passed: PassedOn
    round: int = 1
    cause: str = ""
    code: str = ""
    due_at: int | None = None
    sealed: str = ""


class PassAgain(Order, tag=True):
    """A rejected dossier may be sent once more. `sealed`: why."""

    dossier: str
    was: PassedOn
    round: int
    sealed: str = ""


class SayProvince(Order, tag=True):
    """`away`: why the province cannot be spoken to, empty: it answers."""

    away: str = ""


class RegisterFeedback(Order, tag=True):
    """Feedback, as the rules need it; words and person are sealed. `submitted_at` (ms): by the sender's clock,
    put right."""

    feedback: str
    kind: str
    submitted_at: int
    calendar: WorkCalendar
    procedure: str = ""
    service: str = ""
    counter: int | None = None
    language: Language = Language.VI
    token: str = ""
    sealed: str = ""
    source: str = ""
    provisional: str = ""


class SortFeedback(Order, tag=True):
    """Say what a piece of feedback is, and which service it is about."""

    feedback: str
    kind: FeedbackKind
    service: str = ""


class WeighFeedback(Order, tag=True):
    """Say whether it was found to be right, and which dossier it is about; empty: none."""

    feedback: str
    right: bool
    dossier: str = ""


class TurnFeedback(Order, tag=True):
    """Feedback stands otherwise from now on. `sealed`: what is said with it."""

    feedback: str
    status: FeedbackStatus
    calendar: WorkCalendar
    sealed: str = ""


class AddToFeedback(Order, tag=True):
    """What the visitor adds, when she was asked for more."""

    feedback: str
    sealed: str
    calendar: WorkCalendar


class ChooseSurveys(Order, tag=True):
    """Which surveys are asked, of whom; the desk knows which there are."""

    uses: tuple[SurveyUse, ...]


class DeclareOnline(Order, tag=True):
    """Of all dossiers of a month that has ended (`2026-10`), over all channels, so many came online, so many late."""

    month: str
    dossiers: int
    online: int
    late: int


class ChooseTriggers(Order, tag=True):
    """What of the last minutes' answers opens an alert, from now on."""

    triggers: tuple[Trigger, ...]


class TurnAlert(Order, tag=True):
    """Acknowledge, close, or (`open`) only write about an alert. `sealed`: where the words lie."""

    alert: str
    status: AlertStatus
    sealed: str = ""


class GiveRating(Order, tag=True):
    """`answers` by question of the offer's survey; `pressed_at` (ms) by the device's clock put right."""

    offer: str
    score: int
    reasons: tuple[str, ...] = ()
    sealed: str = ""
    source: str = ""
    answers: dict[str, int] = {}
    shown: int = 0
    pressed_at: int = 0


class PressRating(Order, tag=True):
    """A button at a counter: for that counter's open offer, pressed `age_ms` ago."""

    counter: int
    score: int
    terminal: str
    age_ms: int = 0


class StaySilent(Order, tag=True):
    offer: str


class Note(Order, tag=True):
    what: str
    subject: str = ""
    detail: dict[str, str] = {}


AnyOrder = (
    ChangeSetup
    | StartDay
    | EndDay
    | PassTime
    | OpenEpoch
    | OpenCounter
    | CloseCounter
    | PauseCounter
    | ResumeCounter
    | ChangeServes
    | SuspendService
    | ResumeService
    | IssueTicket
    | WithdrawTicket
    | BookAppointment
    | CancelAppointment
    | CheckIn
    | LeaseNumbers
    | HandOver
    | CallNext
    | CallNumber
    | Recall
    | Start
    | Finish
    | NoShow
    | PutBack
    | Transfer
    | Park
    | Resume
    | StepOut
    | StepBack
    | Cancel
    | ServeWithoutTicket
    | GrantPriority
    | WithdrawPriority
    | Undo
    | NotePrint
    | ProposeMove
    | AcceptMove
    | RefuseMove
    | LearnTimes
    | CallHelp
    | AnswerHelp
    | MarkForm
    | RegisterDossier
    | TurnDossier
    | CodeDossier
    | PassOn
    | PassAgain
    | SayProvince
    | RegisterFeedback
    | SortFeedback
    | WeighFeedback
    | TurnFeedback
    | AddToFeedback
    | ChooseSurveys
    | ChooseTriggers
    | DeclareOnline
    | TurnAlert
    | GiveRating
    | PressRating
    | StaySilent
    | Note
)
