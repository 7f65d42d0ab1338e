"""A visit as the kiosk knows it, and what is to be seen of it: pure questions to a frozen state."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from queue_server.wire import messages as m
from queue_server.wire.words import Language

from .access import LEAVES_AFTER_MS, Access
from .finding_reports import Drawn, Part, Sheet
from .reports import PrinterCondition, Procedure
from .shelf import Shelf

AWAY_AFTER_MS = 2_000
"""A line that comes back sooner was not worth a screen."""
HELP_AGAIN_AFTER_MS = 30_000
MOST_REPRINTS = 2


class Step(StrEnum):
    """Where the visitor is. What is drawn may differ for now: see `view`."""

    WELCOME = "welcome"
    ERRAND = "errand"
    SEARCH = "search"
    FIELDS = "fields"
    FIELD = "field"
    ADVICE = "advice"
    BOOK_SERVICE = "book_service"
    BOOK_DAY = "book_day"
    BOOK_TIME = "book_time"
    BOOKING = "booking"
    BOOKED = "booked"
    CHECK_IN = "check_in"
    SERVICE = "service"
    PROCEDURE = "procedure"
    PRIORITY = "priority"
    TIME = "time"
    CONFIRM = "confirm"
    WAITING = "waiting"
    TICKET = "ticket"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    OPENING = "opening"
    """The visit goes on in the child for self-filing."""
    LOST = "lost"


class View(StrEnum):
    """What the screen draws."""

    STARTING = "starting"
    AWAY = "away"
    CLOSED = "closed"
    STOPPED = "stopped"
    WELCOME = "welcome"
    ERRAND = "errand"
    SEARCH = "search"
    FIELDS = "fields"
    FIELD = "field"
    ADVICE = "advice"
    BOOK_SERVICE = "book_service"
    BOOK_DAY = "book_day"
    BOOK_TIME = "book_time"
    BOOKING = "booking"
    BOOKED = "booked"
    CHECK_IN = "check_in"
    SERVICE = "service"
    PROCEDURE = "procedure"
    PRIORITY = "priority"
    TIME = "time"
    CONFIRM = "confirm"
    WAITING = "waiting"
    TICKET = "ticket"
    REFUSED = "refused"
    NO_ANSWER = "no_answer"
    OPENING = "opening"
    LOST = "lost"
    IDLE = "idle"
    HELP = "help"
    ACCESS = "access"


class Help(StrEnum):
    NONE = "none"
    CALLING = "calling"
    COMING = "coming"
    UNHEARD = "unheard"


class Paper(StrEnum):
    """How far the paper of the shown ticket is."""

    NONE = "none"
    AWAITED = "awaited"
    PRINTING = "printing"
    CONFIRMED = "confirmed"
    UNKNOWN = "unknown"
    FAILED = "failed"


CHOOSING = frozenset({Step.SERVICE, Step.PROCEDURE, Step.PRIORITY, Step.TIME, Step.CONFIRM})
"""Steps before the ask: nothing is in line yet."""
BOOKING = frozenset(
    {
        Step.BOOK_SERVICE,
        Step.BOOK_DAY,
        Step.BOOK_TIME,
        Step.BOOKING,
        Step.BOOKED,
        Step.CHECK_IN,
    }
)
"""Steps of booking a time and of coming for one (`booking.py`)."""
FINDING = frozenset({Step.ERRAND, Step.SEARCH, Step.FIELDS, Step.FIELD, Step.ADVICE})
"""Steps that need no server (`finding.py`)."""
AFTER_SERVICE = CHOOSING - {Step.SERVICE}


@dataclass(frozen=True)
class Rules:
    """Times in ms. `idle`: untouched for so long, a visitor is asked whether she is still there; `warn`:
    and so long that stands before the screen goes home."""

    idle: int = 60_000
    warn: int = 20_000
    ticket: int = 25_000
    ticket_without_paper: int = 60_000
    ttl: int = 30_000
    printer_wait: int = 300
    reprint: int = 60_000
    cut_off: int = 3_000
    """How long an ask may stay without an answer once the line is known to be down."""


@dataclass(frozen=True)
class TimeOffer:
    """A number for now, or for the quieter half-hour that begins at `starts` (ms, the centre's clock).

    `at` is its name on the clock, as `14:30`; the waits are in minutes.
    """

    now_minutes: float
    at: str
    minutes: float
    starts: int


@dataclass(frozen=True)
class LastTicket:
    """The newest ticket, to be printed again within `Rules.reprint` after `came`."""

    taken: m.TicketTaken
    language: str
    procedure: Procedure | None
    came: int
    reprints: int = 0


@dataclass(frozen=True)
class State:
    """The first block is the world and outlives visits; the rest is one visit."""

    rules: Rules = Rules()
    setup: m.CentreSetup | None = None
    line: m.LineState | None = None
    procedures: tuple[Procedure, ...] = ()
    shelf: Shelf | None = None
    connected: bool = False
    connection_changed: int = 0
    leased: dict[str, int] = field(default_factory=dict)
    """Numbers left that this kiosk may give by itself, by service."""
    printer: PrinterCondition = PrinterCondition.READY
    last: LastTicket | None = None
    help_called: int = -HELP_AGAIN_AFTER_MS
    home_language: str = Language.VI
    headphones: bool = False
    """Headphones are in: what is private may be read aloud."""

    now: int = 0
    touched: int = 0
    step: Step = Step.WELCOME
    language: str = Language.VI
    access: Access = Access()
    unplugged: int | None = None
    """When headphones were pulled out, if they were."""
    service: str | None = None
    procedure: str | None = None
    priority: str | None = None
    offer: TimeOffer | None = None
    """As it stood when she was asked: what she chose from does not change under her finger."""
    later: bool = False
    pages: dict[Step, int] = field(default_factory=dict)
    ask: str | None = None
    asked: int = 0
    alone: bool = False
    """The number that she waits for comes from the kiosk's own lease."""
    taken: m.TicketTaken | None = None
    paper: Paper = Paper.NONE
    print_at: int = 0
    refusal: m.Refusal | None = None
    help: Help = Help.NONE

    free: m.TimesFree | None = None
    """The times that can be booked; `unanswered`: nobody answered what they are."""
    unanswered: bool = False
    day: str = ""
    booking: str = ""
    """The ask under which a time is being booked."""
    booked: m.TimeBooked | None = None
    slip: str = ""
    code: str = ""
    prepared: bool = False
    copies: int = 0
    dossier: str | None = None
    """What she has prepared in the child, for a shorter turn."""
    coming: bool = False
    """She asked for the number of her appointment, not for one in the line."""
    query: str = ""
    """What she typed to find her procedure; gone with the visit."""
    typing: str = "telex"
    field: str = ""
    found: str = ""
    """The procedure that she reads about, and the step from which she came to it."""
    found_from: Step = Step.SEARCH
    part: Part = Part.PAPERS
    kept: bool = False
    listing: bool = False
    listed: str = ""
    guides: tuple[Sheet, ...] = ()
    """What the centre shows of this procedure, and the sheet of it that is ready to be seen."""
    drawn: Drawn | None = None

    @property
    def page(self) -> int:
        return self.access.page if self.access.open else self.pages.get(self.step, 0)


# --- what is seen -------------------------------------------------------------------------------


def view(state: State) -> View:
    """What to draw: mostly the step, unless something stands above it."""
    if state.help is not Help.NONE:
        return View.HELP
    if idle_left(state) is not None:
        return View.IDLE
    return View.ACCESS if state.access.open else _beneath(state)


def _beneath(state: State) -> View:
    if state.setup is None:
        return View.STARTING
    if state.step in FINDING or state.step in BOOKING:
        return View(state.step)
    if state.step is not Step.WELCOME and state.step not in CHOOSING:
        return View(state.step)
    if is_away(state) and not any(state.leased.values()):
        return View.AWAY
    if not any(service_state(state, s.id) == "open" for s in state.setup.services):
        return View.CLOSED
    if state.step in AFTER_SERVICE and service_state(state, state.service) != "open":
        return View.STOPPED
    return View(state.step)


def is_away(state: State) -> bool:
    return not state.connected and state.now - state.connection_changed >= AWAY_AFTER_MS


def idle_left(state: State) -> int | None:
    """Ms until the screen goes home, once the visitor is asked whether she is there; else None."""
    if state.step in (Step.WELCOME, Step.WAITING, Step.TICKET, Step.OPENING):
        return None
    left = leaves_at(state) - state.now
    return max(0, left) if left <= state.rules.warn else None


def leaves_at(state: State) -> int:
    """When the screen goes home if nobody touches it; later for whom more time was given."""
    if state.unplugged is not None:
        return state.unplugged + LEAVES_AFTER_MS
    return state.touched + state.rules.idle * state.access.patience + state.rules.warn


def ticket_left(state: State) -> int:
    """Ms for which the ticket stays on the screen; longer where the screen is all that she gets, and
    for whom it is read aloud or more time was given."""
    on_paper = state.paper in (Paper.CONFIRMED, Paper.UNKNOWN) and not state.access.reading
    stay = state.rules.ticket if on_paper else state.rules.ticket_without_paper
    return max(0, state.touched + stay * state.access.patience - state.now)


def service_info(state: State, service: str | None) -> m.ServiceInfo | None:
    services = state.setup.services if state.setup else ()
    return next((s for s in services if s.id == service), None)


def service_line(state: State, service: str | None) -> m.ServiceLine | None:
    services = state.line.services if state.line else ()
    return next((s for s in services if s.id == service), None)


def service_state(state: State, service: str | None) -> str:
    """`open`, `suspended`, `closed` or `cut_off`, by the newer of setup and line.

    `used_up`: the kiosk is alone, and has no number of this service left.
    """
    info, line = service_info(state, service), service_line(state, service)
    if info is None:
        return "closed"
    newer = state.line is not None and state.setup is not None and state.line.at > state.setup.at
    said = line.state if line is not None and newer else info.state
    alone = said == "open" and is_away(state) and not own_numbers(state, service)
    return "used_up" if alone else said


def own_numbers(state: State, service: str | None) -> int:
    """Numbers of a service that this kiosk can give by itself."""
    return state.leased.get(service or "", 0)


def service_reason(state: State, service: str | None) -> str:
    """Why a service is not open, in the centre's own words; empty when nobody has said."""
    info, line = service_info(state, service), service_line(state, service)
    return (line.reason if line else "") or (info.reason if info else "")


def procedures_of(state: State, service: str | None) -> tuple[Procedure, ...]:
    return tuple(p for p in state.procedures if p.service == service)


def procedure_of(state: State) -> Procedure | None:
    return next((p for p in state.procedures if p.code == state.procedure), None)


def time_offer(state: State) -> TimeOffer | None:
    """What she is asked about the time, if the line is long and a quieter half-hour is known.

    Who has priority hardly waits and is not asked.
    """
    if state.offer is not None:
        return state.offer
    line = service_line(state, state.service)
    if line is None or line.estimate is None or line.quieter is None or not line.quieter.starts:
        return None
    if state.priority is not None or not state.connected:
        return None
    quieter = line.quieter
    return TimeOffer(line.estimate.minutes, quieter.at, quieter.minutes, quieter.starts)


def steps(state: State) -> tuple[Step, ...]:
    """The steps of this visit in their order, without those that ask nothing."""
    chain = [Step.SERVICE]
    if state.service is None or procedures_of(state, state.service):
        chain.append(Step.PROCEDURE)
    if state.setup is not None and state.setup.priorities:
        chain.append(Step.PRIORITY)
    if time_offer(state) is not None:
        chain.append(Step.TIME)
    return (*chain, Step.CONFIRM)


def can_reprint(state: State) -> bool:
    last = state.last
    if last is None or not state.printer.prints or last.reprints >= MOST_REPRINTS:
        return False
    if state.step is Step.TICKET and state.paper in (Paper.AWAITED, Paper.PRINTING):
        return False
    return state.now - last.came <= state.rules.reprint
