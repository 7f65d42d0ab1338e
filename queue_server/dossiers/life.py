"""A dossier's life: how it may stand, what may come next, how far it is, and where its code comes from."""

from __future__ import annotations

from enum import StrEnum

from ..wire.words import Frozen
from .calendar import WorkCalendar
from .codes import SERIAL_DIGITS


class DossierStatus(StrEnum):
    """The status words of provincial one-stop systems (TT 22/2019/TT-BTTTT, Annex I), and `prepared`:
    made ready at a kiosk, kept for the counter, not yet filed."""

    PREPARED = "prepared"
    RECEIVED = "received"
    """Mới tiếp nhận: filed, not yet checked by an officer."""
    PROCESSING = "processing"
    SUPPLEMENT = "supplement"
    """Yêu cầu bổ sung: the owner was asked, once, for all that is missing; the due date stands still."""
    PAUSED = "paused"
    READY = "ready"
    RETURNED = "returned"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


S = DossierStatus
ENDED = frozenset({S.RETURNED, S.REFUSED, S.WITHDRAWN})
STOPPED = frozenset({S.SUPPLEMENT, S.PAUSED})
NEXT: dict[DossierStatus, frozenset[DossierStatus]] = {
    S.PREPARED: frozenset({S.PROCESSING, S.REFUSED, S.WITHDRAWN}),
    S.RECEIVED: frozenset({S.PROCESSING, S.SUPPLEMENT, S.REFUSED, S.WITHDRAWN}),
    S.PROCESSING: frozenset({S.SUPPLEMENT, S.PAUSED, S.READY, S.REFUSED, S.WITHDRAWN}),
    S.SUPPLEMENT: frozenset({S.PROCESSING, S.REFUSED, S.WITHDRAWN}),
    S.PAUSED: frozenset({S.PROCESSING, S.REFUSED, S.WITHDRAWN}),
    S.READY: frozenset({S.RETURNED}),
    S.RETURNED: frozenset(),
    S.REFUSED: frozenset(),
    S.WITHDRAWN: frozenset(),
}
NEEDS_WORDS = frozenset({S.SUPPLEMENT, S.PAUSED, S.REFUSED})
COMPLETION = {
    S.PREPARED: 0,
    S.RECEIVED: 25,
    S.PROCESSING: 50,
    S.SUPPLEMENT: 50,
    S.PAUSED: 50,
    S.READY: 90,
    S.RETURNED: 100,
    S.REFUSED: 100,
    S.WITHDRAWN: 100,
}
"""Degree of completion in percent, as a look-up without log-in may tell it."""


class CodeWay(StrEnum):
    """Where dossier codes come from: `own` serials, the `province` alone, or a `band` that it left to us."""

    OWN = "own"
    PROVINCE = "province"
    BAND = "band"


class CodeRule(Frozen):
    """How this centre's dossiers get their codes. `first` … `last`: the serials of a day in a band."""

    way: CodeWay = CodeWay.OWN
    agency: str = ""
    width: int = SERIAL_DIGITS
    first: int = 1
    last: int = 0


class Terms(Frozen):
    """What the centre lays down when a dossier comes in: its codes, and which days count."""

    codes: CodeRule = CodeRule()
    calendar: WorkCalendar = WorkCalendar()
