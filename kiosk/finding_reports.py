"""What is heard and wanted while a visitor looks for her procedure: data only (see `reports.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from .reports import Report
from .shelf import Shelf

if TYPE_CHECKING:
    import numpy as np


class Errand(StrEnum):
    """What a visitor may want beside a number. The last three are done in a process of their own."""

    SEARCH = "search"
    FIELDS = "fields"
    LOOKUP = "lookup"
    CHECK_IN = "check_in"
    BOOK = "book"
    FEEDBACK = "feedback"
    FILE = "file"


class Part(StrEnum):
    """The parts of a procedure's page."""

    PAPERS = "papers"
    COST = "cost"
    STEPS = "steps"
    RULES = "rules"
    SAMPLE = "sample"
    """The centre's own guides, sheet by sheet; only where it has some."""


@dataclass(frozen=True)
class Sheet:
    """One picture of the centre's own guides to a procedure; `kind` as in `wire.guides`.

    `file`: its name among what the kiosk keeps; a film has none. `page` of `pages`: of a sample.
    """

    kind: str
    caption: str
    file: str = ""
    page: int = 1
    pages: int = 1


@dataclass(frozen=True, eq=False)
class Drawn:
    """The pixels of a sheet: rows from above, blue green red."""

    file: str
    pixels: np.ndarray[Any, Any]


# --- reports ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ShelfCame(Report):
    shelf: Shelf


@dataclass(frozen=True)
class ErrandAsked(Report):
    """On the first screen: something else than a number, in this language."""

    language: str


@dataclass(frozen=True)
class ErrandChosen(Report):
    errand: Errand


@dataclass(frozen=True)
class KeyPressed(Report):
    """A key of the keyboard on the glass, as `vietnamese.press` takes it."""

    key: str


class QueryCleared(Report):
    pass


class TypingTurned(Report):
    pass


@dataclass(frozen=True)
class FieldChosen(Report):
    field: str


@dataclass(frozen=True)
class ProcedureFound(Report):
    code: str


@dataclass(frozen=True)
class PartShown(Report):
    part: Part


@dataclass(frozen=True)
class KeptOnPhone(Report):
    """`shown`: the code for the phone; False takes it away again."""

    shown: bool


class ChecklistAsked(Report):
    pass


@dataclass(frozen=True)
class ChecklistCame(Report):
    """How the paper of this procedure's checklist came out: `confirmed`, `unknown` or `failed`."""

    code: str
    outcome: str


@dataclass(frozen=True)
class GuidesCame(Report):
    """What there is of the centre's guides to a procedure; again when there is more, or less."""

    code: str
    sheets: tuple[Sheet, ...]


@dataclass(frozen=True)
class SheetDrawn(Report):
    """`drawn`: None when it cannot be shown."""

    code: str
    file: str
    drawn: Drawn | None


class ReadAsked(Report):
    pass


class NumberAsked(Report):
    pass


class FilingAsked(Report):
    pass


# --- effects ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OpenErrand:
    """Open what runs in a process of its own; `code`: the procedure of a filing."""

    errand: Errand
    language: str
    code: str = ""


@dataclass(frozen=True)
class PrintChecklist:
    code: str
    language: str


@dataclass(frozen=True)
class ReadAdvice:
    """Read the procedure's page aloud."""

    code: str
    language: str


@dataclass(frozen=True)
class FetchGuides:
    """Somebody reads about this procedure: its guides are wanted."""

    code: str


@dataclass(frozen=True)
class DrawSheet:
    code: str
    file: str


Effect = OpenErrand | PrintChecklist | ReadAdvice | FetchGuides | DrawSheet
