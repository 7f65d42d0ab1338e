"""What the kiosk's journey hears (reports) and what it wants done (effects): data only.

Every report carries `at`: ms by a clock of the kiosk's own that never jumps.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from queue_server.wire import messages as m
from queue_server.wire.words import Names


class PrinterCondition(StrEnum):
    """What is known of the printer before a ticket is asked for."""

    READY = "ready"
    PAPER_LOW = "paper_low"
    PAPER_OUT = "paper_out"
    COVER_OPEN = "cover_open"
    ABSENT = "absent"
    FAULT = "fault"

    @property
    def prints(self) -> bool:
        return self in (PrinterCondition.READY, PrinterCondition.PAPER_LOW)


@dataclass(frozen=True)
class Procedure:
    """A procedure (TTHC) as a visitor chooses it; `service` is the queue that does it."""

    code: str
    name: Names
    service: str


# --- reports ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Report:
    at: int


class Tick(Report):
    """Time went by: once a second, and when an effect `WakeAt` asked for it."""


class Touched(Report):
    """A finger came down somewhere."""


@dataclass(frozen=True)
class SetupCame(Report):
    setup: m.CentreSetup


@dataclass(frozen=True)
class LineCame(Report):
    line: m.LineState


@dataclass(frozen=True)
class CatalogueCame(Report):
    procedures: tuple[Procedure, ...]


@dataclass(frozen=True)
class ConnectionChanged(Report):
    up: bool


@dataclass(frozen=True)
class PrinterChanged(Report):
    condition: PrinterCondition


@dataclass(frozen=True)
class Started(Report):
    """A language was touched on the first screen."""

    language: str


@dataclass(frozen=True)
class ServiceChosen(Report):
    service: str


@dataclass(frozen=True)
class ProcedureChosen(Report):
    """`code` None: just a number."""

    code: str | None


@dataclass(frozen=True)
class PriorityChosen(Report):
    """`group` None: no priority."""

    group: str | None


@dataclass(frozen=True)
class TimeChosen(Report):
    """`later`: a number for the quieter time that was offered; else one for now."""

    later: bool


@dataclass(frozen=True)
class Confirmed(Report):
    """`ask` is a fresh id; the journey uses one a ticket, however often the button is hit."""

    ask: str


class WentBack(Report):
    pass


class WentHome(Report):
    pass


@dataclass(frozen=True)
class PageTurned(Report):
    page: int


class HelpCalled(Report):
    pass


class HelpClosed(Report):
    pass


class ReprintAsked(Report):
    pass


@dataclass(frozen=True)
class TicketCame(Report):
    ask: str
    taken: m.TicketTaken


@dataclass(frozen=True)
class TicketRefused(Report):
    ask: str
    refusal: m.Refusal


@dataclass(frozen=True)
class NoAnswerCame(Report):
    ask: str


@dataclass(frozen=True)
class LeaseChanged(Report):
    """How many numbers of each service this kiosk may give by itself today."""

    left: dict[str, int]


@dataclass(frozen=True)
class LeasedCame(Report):
    """A number of the lease, taken out of it and told to nobody yet."""

    ask: str
    taken: m.TicketTaken


@dataclass(frozen=True)
class NoneLeft(Report):
    """The lease had no number for this ask."""

    ask: str


@dataclass(frozen=True)
class Untold(Report):
    """This ticket could not be kept, and must not be shown."""

    ticket: str


@dataclass(frozen=True)
class UpdateCame(Report):
    update: m.TicketUpdate


@dataclass(frozen=True)
class PaperCame(Report):
    """How printing ended: `confirmed`, `unknown` or `failed`."""

    ticket: str
    outcome: str
    detail: str = ""
    reprint: bool = False


@dataclass(frozen=True)
class HelpAnswered(Report):
    heard: bool


# --- effects ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AskTicket:
    message: m.TakeTicket


@dataclass(frozen=True)
class Withdraw:
    """Take back the ticket of an ask whose visitor does not know it; until the server answers."""

    ask: str


@dataclass(frozen=True)
class TakeLeased:
    """A number of this kiosk's own lease; with what was last known of the line, and when (ms; None: never)."""

    message: m.TakeTicket
    ahead: int = 0
    known_at: int | None = None
    counters: tuple[int, ...] = ()


@dataclass(frozen=True)
class Tell:
    """The leased number of this ask is about to stand on the screen: keep that on the disk, before it does."""

    ask: str
    ticket: str


@dataclass(frozen=True)
class Print:
    taken: m.TicketTaken
    language: str
    procedure: Procedure | None
    reprint: bool = False


@dataclass(frozen=True)
class TellPrint:
    """Tell the server how the paper of a ticket came out."""

    ticket: str
    outcome: str
    detail: str = ""
    reprint: bool = False


@dataclass(frozen=True)
class AskHelp:
    screen: str


@dataclass(frozen=True)
class WakeAt:
    """A `Tick` is wanted at this time by the journey's clock, finer than the second's beat."""

    at: int


Effect = AskTicket | Withdraw | TakeLeased | Tell | Print | TellPrint | AskHelp | WakeAt
