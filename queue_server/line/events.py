"""Facts of the line: what has happened, in the past tense; the log holds nothing else.

Personal data never stands in an event: `sealed` fields are references into the vault.
"""

from __future__ import annotations

import msgspec

from ..dossiers.calendar import ProcessingTime
from ..dossiers.feedback import FeedbackKind, FeedbackStatus
from ..dossiers.life import DossierStatus
from ..dossiers.passing import PassedOn
from ..satisfaction.triggers import Alert, AlertStatus, Trigger
from ..wire.words import Estimate, Frozen, Language
from .moves import Move
from .scores import Score
from .setup import Setup, SurveyUse
from .times import Times


class Actor(Frozen):
    """Who acted: the device (or door) that spoke, and the account logged in there, if any."""

    device: str
    account: str = ""


class Reason(Frozen):
    """Why: a key under `[reason]` in the texts and its values."""

    code: str
    values: dict[str, str | int] = {}


class Fact(Frozen, tag_field="t"):
    pass


class SetupChanged(Fact, tag=True):
    setup: Setup
    why: str = ""


class DayStarted(Fact, tag=True):
    day: str


class DayEnded(Fact, tag=True):
    reason: str = ""


class EpochOpened(Fact, tag=True):
    """After a restore: each service's next ordinal jumps past all that may have been given out.

    `leased_from`: new leases lie below this ordinal; what is above may be out in a kiosk.
    """

    epoch: int
    next_ordinal: dict[str, int]
    leased_from: dict[str, int] = {}
    why: str = ""
    dossiers_from: int = 0
    """Today's dossier serials go on above this one."""
    feedback_from: int | None = None
    """The same of feedback's numbers; None in logs of before, where they jumped by the rules' margin."""


class CounterOpened(Fact, tag=True):
    counter: int
    officer: str
    serves: tuple[str, ...]


class CounterClosed(Fact, tag=True):
    counter: int


class CounterPaused(Fact, tag=True):
    counter: int
    reason: str


class CounterResumed(Fact, tag=True):
    counter: int


class ServesChanged(Fact, tag=True):
    """A counter takes other services for now. `move`: by that move's beginning or end, else by a person."""

    counter: int
    serves: tuple[str, ...]
    why: str = ""
    move: str = ""


class ServiceSuspended(Fact, tag=True):
    service: str
    reason: str


class ServiceResumed(Fact, tag=True):
    service: str


class TicketIssued(Fact, tag=True):
    """`ticket` is `<day>-<number>`, unique for ever; `token` the hash of the visitor's own key.

    `first`: of several errands (`service` and `then`) the one that goes first, if not `service`.
    `told`: the wait that she was told. `prepared`: dossier made ready at the kiosk; `supplement`:
    she returns with what was missing.

    `offline`: a cut off kiosk gave it from its lease, at `arrived` (ms); the event's own time is when it
    was handed over. `late`: its day was over by then, and it joins no line. `doubled`: the ticket with
    the same number of that day that was there before (possible after a restore alone).
    """

    ticket: str
    number: str
    ordinal: int
    service: str
    visit: str
    token: str
    language: Language = Language.VI
    priority: str | None = None
    procedure: str | None = None
    booked: int | None = None
    dossiers: int = 1
    then: tuple[str, ...] = ()
    first: str = ""
    source: str = ""
    ask: str = ""
    sealed: str = ""
    why: str = ""
    told: Estimate | None = None
    prepared: bool = False
    copies: int = 0
    supplement: bool = False
    offline: bool = False
    arrived: int | None = None
    late: bool = False
    doubled: str = ""
    appointment: str = ""
    """The appointment that she checked in for."""


class NumbersLeased(Fact, tag=True):
    """Ordinals `first` … `last` of a service are `device`'s to give while it is cut off, on `day` alone.

    `again`: the kiosk told of it and the log, which was restored, did not.
    """

    device: str
    service: str
    first: int
    last: int
    day: str
    again: bool = False


class AppointmentBooked(Fact, tag=True):
    """A half-hour of a day to come. `token`: the hash of the visitor's own key; `visit`: whose number it
    will be, under which her contact is sealed."""

    appointment: str
    service: str
    starts: int
    token: str
    visit: str = ""
    procedure: str | None = None
    language: Language = Language.VI
    priority: str | None = None
    sealed: str = ""
    source: str = ""


class AppointmentCancelled(Fact, tag=True):
    appointment: str
    reason: str = ""


class AppointmentMissed(Fact, tag=True):
    """Its day is over and nobody came."""

    appointment: str


class AskWithdrawn(Fact, tag=True):
    """The visitor left before her number was made: that ask will never be answered with one."""

    ask: str


class TicketCalled(Fact, tag=True):
    ticket: str
    counter: int
    reason: Reason
    passed: tuple[str, ...] = ()
    after: str = ""
    """The ticket that the officer followed when she pressed (a double press names the same)."""


class TicketRecalled(Fact, tag=True):
    ticket: str
    counter: int


class ServiceStarted(Fact, tag=True):
    """`since` (ms): the officer pressed only *finish*, so service began with the call."""

    ticket: str
    counter: int
    since: int = 0


class ServiceFinished(Fact, tag=True):
    """`then`: the visit goes on in that service's line. `dossiers` says how many; their codes are sealed."""

    ticket: str
    counter: int
    dossiers: int = 0
    sealed: str = ""
    then: str = ""


class TicketNoShow(Fact, tag=True):
    ticket: str
    counter: int


class TicketPutBack(Fact, tag=True):
    ticket: str
    reason: str = ""


class TicketTransferred(Fact, tag=True):
    """Wrong service: she keeps her place (she is ordered by her first arrival)."""

    ticket: str
    service: str
    reason: str = ""


class TicketParked(Fact, tag=True):
    ticket: str
    counter: int
    reason: str = ""


class TicketResumed(Fact, tag=True):
    """Back from parking: at a counter at once, or (None) in the line at her old place."""

    ticket: str
    counter: int | None = None


class TicketSteppedOut(Fact, tag=True):
    ticket: str


class TicketSteppedBack(Fact, tag=True):
    ticket: str


class TicketCancelled(Fact, tag=True):
    ticket: str
    reason: str = ""


class TicketExpired(Fact, tag=True):
    ticket: str


class PriorityGranted(Fact, tag=True):
    ticket: str
    group: str
    reason: str


class PriorityWithdrawn(Fact, tag=True):
    ticket: str
    reason: str


class StepUndone(Fact, tag=True):
    """`offer`: the rating that the step asked for, which is asked for no more."""

    counter: int
    ticket: str
    step: str
    offer: str = ""


class TicketPrinted(Fact, tag=True):
    ticket: str
    outcome: str
    detail: str = ""
    reprint: bool = False


class MoveProposed(Fact, tag=True):
    move: Move


class MoveAccepted(Fact, tag=True):
    """`auto`: harmless, and the rules let such moves go by themselves."""

    move: str
    auto: bool = False


class MoveRefused(Fact, tag=True):
    move: str
    reason: str = ""


class MoveExpired(Fact, tag=True):
    """Nobody answered in time."""

    move: str


class MoveEnded(Fact, tag=True):
    """`came`: the mean wait (minutes) of those of its service who were called while it lasted."""

    move: str
    came: float | None = None


class TimesLearned(Fact, tag=True):
    times: Times


class DayScored(Fact, tag=True):
    """How well waits were foretold on that day, by service."""

    day: str
    scores: dict[str, Score]


class HelpCalled(Fact, tag=True):
    place: str
    screen: str = ""


class HelpAnswered(Fact, tag=True):
    place: str


class FormMarked(Fact, tag=True):
    """Somebody compared that form with the official sheet; `sha`: of what it said then. Else the mark is taken away."""

    form: str
    version: str
    sha: str
    checked: bool = True


class Paper(Frozen):
    """A digitised paper of a dossier. `code`: its type; `held`: one that the centre held already was used again."""

    code: str = ""
    kind: str = ""
    pages: int = 1
    held: bool = False


class DossierFiled(Fact, tag=True):
    """A dossier came in. Who files, what she answered and the papers are sealed behind `sealed`.

    `received_at` (ms): of submitting, by the centre's clock; `due_at`: None while it cannot be promised.
    `agency` and `serial` made the code of that day; a provisional number has serials of its own (`agency` empty).
    `place`: in the officers' list of dossiers to check. `prepared`: kept for the counter, not filed yet.
    """

    dossier: str
    procedure: str
    service: str
    received_at: int
    code: str = ""
    provisional: str = ""
    agency: str = ""
    serial: int = 0
    time: ProcessingTime = ProcessingTime()
    due_at: int | None = None
    papers: tuple[Paper, ...] = ()
    form: str = ""
    form_version: str = ""
    sample: bool = False
    prepared: bool = False
    place: int = 0
    sealed: str = ""
    source: str = ""


class DossierCodeCame(Fact, tag=True):
    """A dossier got its code: from the province, or from us when a prepared one was taken over at a counter.

    `received_at`: of the one that was only prepared until now.
    """

    dossier: str
    code: str = ""
    provisional: str = ""
    agency: str = ""
    serial: int = 0
    received_at: int = 0
    due_at: int | None = None


class DossierMoved(Fact, tag=True):
    """`sealed`: the officer's words (reasons, what is missing), which may name people. `due_at`: as it is now."""

    dossier: str
    status: DossierStatus
    sealed: str = ""
    due_at: int | None = None


class DossierPassed(Fact, tag=True):
    """How a dossier stands between us and the province. `cause`: a word of docs/province-port.md; `sealed`: the
    province's own words, or the reason why it may go again, in round `round`. `due_at`: as the province said."""

    dossier: str
    passed: PassedOn
    round: int = 1
    cause: str = ""
    code: str = ""
    due_at: int | None = None
    sealed: str = ""


class ProvinceSaid(Fact, tag=True):
    """`away`: why the province cannot be spoken to since now; empty: it answers again."""

    away: str = ""


class FeedbackGiven(Fact, tag=True):
    """Feedback (PAKN) came in. Its words, and whose they are, are sealed. Times in ms; `…_by`: until when to refuse
    it, ask for more, answer. `token`: the hash of the key by which it is followed."""

    feedback: str
    number: str
    serial: int
    kind: FeedbackKind
    received_at: int
    refuse_by: int
    ask_by: int
    answer_by: int
    procedure: str = ""
    service: str = ""
    counter: int | None = None
    language: Language = Language.VI
    token: str = ""
    sealed: str = ""
    source: str = ""
    provisional: str = ""
    """What a cut off kiosk called it."""


class FeedbackSorted(Fact, tag=True):
    """What it is and, if known, the field (service) that it is about."""

    feedback: str
    kind: FeedbackKind
    service: str = ""


class FeedbackJudged(Fact, tag=True):
    """Whether it was found to be right, and which dossier it is about (empty: none); the last word counts."""

    feedback: str
    right: bool
    dossier: str = ""


class FeedbackMoved(Fact, tag=True):
    """`sealed`: what was said with it; `late`: after its time."""

    feedback: str
    status: FeedbackStatus
    sealed: str = ""
    late: bool = False
    publish_by: int | None = None


class FeedbackAdded(Fact, tag=True):
    """The visitor said more, as she was asked."""

    feedback: str
    sealed: str
    answer_by: int


class SurveysChosen(Fact, tag=True):
    """Which surveys are asked, of whom, from now on."""

    uses: tuple[SurveyUse, ...]


class OnlineDeclared(Fact, tag=True):
    """How many of a month's dossiers came online, as somebody of the centre says; the last word counts."""

    month: str
    dossiers: int
    online: int
    late: int


class TriggersChosen(Fact, tag=True):
    """What of the last minutes' answers opens an alert, from now on."""

    triggers: tuple[Trigger, ...]


class OfferOpened(Fact, tag=True):
    """A rating is asked for. Which ticket and dossier it belongs to is sealed behind `offer`."""

    offer: str
    service: str
    counter: int
    half_hour: str
    expires: int
    procedure: str = ""
    survey: str = ""
    officer: str = ""
    """The account that served, for what is read of patterns; never shown beside a single rating."""
    waited: int = 0
    """Minutes of waiting over her whole visit, without what she stepped out."""
    priority: str = ""
    language: Language = Language.VI


class OfferWithdrawn(Fact, tag=True):
    offer: str


class RatingGiven(Fact, tag=True):
    offer: str
    score: int
    reasons: tuple[str, ...] = ()
    sealed: str = ""
    source: str = ""
    answers: dict[str, int] = {}
    """Of the survey's questions, those that were answered."""
    shown: int = 0
    """How many of them she was shown."""
    pressed_at: int = 0
    """When it was pressed, by the device's clock put right (ms); 0: not told."""


class AlertOpened(Fact, tag=True):
    """The last minutes' answers want somebody's eye; how many they were, and how it stood in the room."""

    alert: Alert


class AlertTurned(Fact, tag=True):
    """`open` with `sealed` words: somebody wrote about it, and it stands as before."""

    alert: str
    status: AlertStatus
    sealed: str = ""


class RatingSilent(Fact, tag=True):
    offer: str


class Noted(Fact, tag=True):
    """A fact beside the line (account, device, catalogue, a seal opened, an auditor's read)."""

    what: str
    subject: str = ""
    detail: dict[str, str] = {}


Event = (
    SetupChanged
    | DayStarted
    | DayEnded
    | EpochOpened
    | CounterOpened
    | CounterClosed
    | CounterPaused
    | CounterResumed
    | ServesChanged
    | ServiceSuspended
    | ServiceResumed
    | TicketIssued
    | NumbersLeased
    | AppointmentBooked
    | AppointmentCancelled
    | AppointmentMissed
    | AskWithdrawn
    | TicketCalled
    | TicketRecalled
    | ServiceStarted
    | ServiceFinished
    | TicketNoShow
    | TicketPutBack
    | TicketTransferred
    | TicketParked
    | TicketResumed
    | TicketSteppedOut
    | TicketSteppedBack
    | TicketCancelled
    | TicketExpired
    | PriorityGranted
    | PriorityWithdrawn
    | StepUndone
    | TicketPrinted
    | MoveProposed
    | MoveAccepted
    | MoveRefused
    | MoveExpired
    | MoveEnded
    | TimesLearned
    | DayScored
    | HelpCalled
    | HelpAnswered
    | FormMarked
    | DossierFiled
    | DossierCodeCame
    | DossierMoved
    | DossierPassed
    | ProvinceSaid
    | FeedbackGiven
    | FeedbackSorted
    | FeedbackJudged
    | FeedbackMoved
    | FeedbackAdded
    | SurveysChosen
    | TriggersChosen
    | OnlineDeclared
    | OfferOpened
    | OfferWithdrawn
    | RatingGiven
    | RatingSilent
    | AlertOpened
    | AlertTurned
    | Noted
)


class Entry(Frozen):
    """One line of the log."""

    seq: int
    at: int
    actor: Actor
    order: str
    event: Event


encode = msgspec.json.Encoder().encode
decode_event = msgspec.json.Decoder(Event).decode
