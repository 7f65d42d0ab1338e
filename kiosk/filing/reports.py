"""What self-filing hears (reports) and wants done (effects): data only.

Every report carries `at`: ms by a clock of the child's own that never jumps.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kiosk.reports import HelpCalled, HelpClosed, PageTurned, Report, Tick, Touched, WentBack

from . import talk

__all__ = ["HelpCalled", "HelpClosed", "PageTurned", "Report", "Tick", "Touched", "WentBack"]
"""Those of the kiosk's own reports that the frame around every picture makes here too."""


class How(StrEnum):
    """How a paper comes in. `SHOW`: brought to the counter; `HELD`: the centre has it already."""

    SCAN = "scan"
    FLAT = "flat"
    PHONE = "phone"
    HELD = "held"
    SHOW = "show"
    NONE = "none"
    """Said by the visitor: this one is not for me."""


class Consent(StrEnum):
    """What a visitor agrees to, each by itself; only `USE` is needed to go on."""

    USE = "use"
    REUSE = "reuse"
    KEEP = "keep"
    NOTIFY = "notify"


@dataclass(frozen=True)
class Page:
    """A page that was taken. The picture itself is with the camera's side, under `id`."""

    id: str
    flaws: tuple[str, ...] = ()


@dataclass(frozen=True)
class HeldPaper:
    """A paper that the centre holds for this person already. `at`: ms, when it came."""

    ref: str
    component: int
    name: str = ""
    at: int = 0


# --- reports: the world -------------------------------------------------------------------------


@dataclass(frozen=True)
class Heard(Report):
    """The kiosk says something."""

    message: talk.FromKiosk


@dataclass(frozen=True)
class CodeRead(Report):
    """A camera or reader saw a code. `typed`: by a reader that types like a keyboard, which spoils letters."""

    text: str
    typed: bool = False


@dataclass(frozen=True)
class CameraChanged(Report):
    """`works` False: there is none, or it was pulled out."""

    works: bool


@dataclass(frozen=True)
class HintCame(Report):
    """What the camera's picture asks for: a key under `scan.hint` in the texts."""

    hint: str


@dataclass(frozen=True)
class PageTaken(Report):
    """`paper`: the one that it was handed in for; None: the one on the screen."""

    page: Page
    paper: int | None = None


@dataclass(frozen=True)
class PhoneChanged(Report):
    """Where this visitor's phone hands in; empty: it cannot now."""

    url: str


@dataclass(frozen=True)
class HeldCame(Report):
    """What the centre holds for this person; empty also where it could not be asked."""

    papers: tuple[HeldPaper, ...]


@dataclass(frozen=True)
class Packed(Report):
    """The sealed package lies complete on the disk. `key`: by which she follows what she wrote."""

    id: str
    path: str
    key: str = ""


@dataclass(frozen=True)
class NotPacked(Report):
    """`why`: `disk`, `large` or `error`."""

    why: str


# --- reports: touches ---------------------------------------------------------------------------


@dataclass(frozen=True)
class FormChosen(Report):
    form: str


class Began(Report):
    pass


@dataclass(frozen=True)
class ConsentSet(Report):
    purpose: Consent
    given: bool


@dataclass(frozen=True)
class CardAsked(Report):
    """Fill in from a card; `path`: of the question on the screen, whose person the card is of."""

    path: str = ""


class CardLeft(Report):
    """Without a card, or on with what was filled in."""


@dataclass(frozen=True)
class KeyPressed(Report):
    """A key of the keyboard or the pad on the glass."""

    key: str


@dataclass(frozen=True)
class PartTouched(Report):
    """Day, month, year of a date: 0, 1, 2."""

    part: int


@dataclass(frozen=True)
class PartsTurned(Report):
    """How much of a date is known: 3 whole, 2 month and year, 1 the year only."""

    parts: int


class TypingTurned(Report):
    pass


class OwnWords(Report):
    """None of the choices: write it oneself; and back to the choices."""


@dataclass(frozen=True)
class Chosen(Report):
    """A button is the answer."""

    value: Any


class Entered(Report):
    """What was typed is the answer."""


class Skipped(Report):
    pass


class Certain(Report):
    """I have looked; it is right as it is."""


@dataclass(frozen=True)
class LineTouched(Report):
    """A line of a list: change it, or take it away."""

    index: int
    remove: bool = False


@dataclass(frozen=True)
class RowTouched(Report):
    """A row of the review is to be changed."""

    path: str


@dataclass(frozen=True)
class PaperTouched(Report):
    index: int


@dataclass(frozen=True)
class HowChosen(Report):
    how: How


class Shutter(Report):
    """Take the page now."""


@dataclass(frozen=True)
class PageTouched(Report):
    """`wish`: `remove`, `up`, `again`."""

    page: str
    wish: str


class PagesDone(Report):
    pass


class PapersDone(Report):
    pass


class FilingWanted(Report):
    """Submit."""


class TicketWanted(Report):
    """A number for the counter."""


@dataclass(frozen=True)
class PriorityTouched(Report):
    wanted: bool


class LookedFor(Report):
    """Look the typed code up."""


class StripAsked(Report):
    pass


class LeaveAsked(Report):
    pass


class Stayed(Report):
    pass


class Left(Report):
    pass


# --- effects ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Say:
    """Tell the kiosk."""

    message: Any


@dataclass(frozen=True)
class Pack:
    """Make the package, seal it, put it on the disk. `provisional`: its number if the line is down."""

    provisional: str


@dataclass(frozen=True)
class AskHeld:
    """Ask what the centre holds for this person, sealed both ways."""

    number: str
    procedure: str


@dataclass(frozen=True)
class LookUp:
    code: str


class LookFor(StrEnum):
    """What is looked for: by the camera, in the flat-bed scanner's folder (`FILES`), or sent by phone (`PHONE`)."""

    NOTHING = "nothing"
    CODES = "codes"
    PAGES = "pages"
    FILES = "files"
    PHONE = "phone"


@dataclass(frozen=True)
class Watch:
    """Turn the camera or the scanner's folder to this; `NOTHING` turns both off."""

    what: LookFor


class Retake:
    """The sheet that lies there may be taken once more."""


class TakeNow:
    """Take the page as it is."""


@dataclass(frozen=True)
class Forget:
    """Throw a page's picture away."""

    page: str


@dataclass(frozen=True)
class DrawStrip:
    """Print what the visitor takes home."""


@dataclass(frozen=True)
class End:
    """The visit is over: say so and go, with everything that was said here."""

    reason: str


Effect = Say | Pack | AskHeld | LookUp | Watch | Retake | TakeNow | Forget | DrawStrip | End
