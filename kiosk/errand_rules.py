"""A visit goes on in the kiosk's child for self-filing, and comes back: what the kiosk itself hears of it; pure rules.

While the child has the screen the kiosk knows nothing of the visitor but how she wants the screen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from . import access as a
from .reports import Report
from .visit import State, Step

Decision = tuple[State, tuple[Any, ...]]


class ErrandShown(Report):
    """The child has the screen."""


@dataclass(frozen=True)
class ErrandEnded(Report):
    """The screen is the kiosk's again. `reason`: `crashed` when the visitor was not done."""

    reason: str
    access: a.Access = a.Access()
    headphones: bool = False
    """They are in; what the child heard of it, the kiosk has not."""


@dataclass(frozen=True)
class TicketWanted(Report):
    """The visit ends with a number. `ask` is a fresh id; the rest as in `TakeTicket`."""

    ask: str
    service: str
    procedure: str | None = None
    priority: str | None = None
    prepared: bool = False
    copies: int = 0
    dossier: str | None = None
    language: str = "vi"


def shown(state: State, _report: ErrandShown) -> Decision:
    """What she looked for is forgotten here."""
    if state.step is not Step.OPENING:
        return state, ()
    state = replace(state, query="", found="", field="", code="", kept=False, pages={})
    return replace(state, guides=(), drawn=None), ()


def ended(state: State, report: ErrandEnded) -> Decision:
    from .journey import home

    state = replace(state, headphones=report.headphones)
    if state.step is not Step.OPENING:
        is_hers = report.reason == "ticket"
        return (replace(state, access=report.access) if is_hers else state), ()
    fresh = home(state)
    if report.reason == "crashed":
        return replace(fresh, step=Step.LOST, language=state.language, access=state.access), ()
    return fresh, ()


def ticket_wanted(state: State, report: TicketWanted) -> Decision:
    """As if she had confirmed it here: the same ask, the same paper, the same way without a server."""
    from . import reports as r
    from .journey import decide, home

    if state.step is not Step.OPENING:
        return state, ()
    chosen = replace(
        home(state),
        step=Step.CONFIRM,
        language=report.language,
        access=replace(state.access, open=False),
        service=report.service,
        procedure=report.procedure,
        priority=report.priority,
        prepared=report.prepared,
        copies=report.copies,
        dossier=report.dossier,
    )
    return decide(chosen, r.Confirmed(report.at, report.ask))


RULES: dict[type[Report], Any] = {
    ErrandShown: shown,
    ErrandEnded: ended,
    TicketWanted: ticket_wanted,
}
