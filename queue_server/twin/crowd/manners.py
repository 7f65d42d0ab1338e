"""How the people of a simulated day behave: every rate in one table. Shares are 0–1, times in minutes."""

from __future__ import annotations

from typing import Any

import msgspec

from ...wire.words import Frozen


class Manners(Frozen, forbid_unknown_fields=True):
    """The defaults are a busy weekday of a ward's centre."""

    load: float = 0.62
    """Share of the counters' opening minutes that the day's visitors fill; over 1 they cannot all be served."""
    service_factor: float = 1.0
    """All service times by this factor; small ones make a dense day for a test."""
    peaks: tuple[tuple[int, int, float], ...] = ((480, 600, 1.9), (840, 930, 1.7))
    """From, until (minutes after midnight), and how many times as many come as at other hours."""
    early: float = 5.0
    """The first visitors stand at the door so long before an opening."""
    last: float = 20.0
    """Nobody comes any more so long before a session ends."""

    phone: float = 0.12
    """Take their number by phone at `/take`."""
    by_guide: float = 0.08
    """Have the guide at the door take it for them."""
    english: float = 0.03
    touching: float = 0.5
    """How long one visitor stands at the kiosk, on average."""
    walking: float = 0.5
    """From the chair to the counter, on average."""

    priority: float = 0.12
    late_priority: float = 0.02
    """Do not claim their priority at the kiosk; the guide sees it and grants it."""
    no_show: float = 0.05
    """Do not hear their call."""
    comes_back: float = 0.5
    """Of those: ask the guide to be put back into the line, `back_after` their number was taken off."""
    back_after: float = 4.0
    leaves: float = 0.04
    """Lose patience and go before their turn, after `patience` on average."""
    tells: float = 0.5
    """Of those: cancel on their phone; the others just go."""
    patience: float = 12.0
    steps_out: float = 0.03
    """Say on their phone that they are out for a while, and come back."""
    wrong_choice: float = 0.05
    """Took a number for another service than they need: the officer sends them on."""
    abandons: float = 0.02
    """Walk away from the kiosk between the touch and the number."""
    double_tap: float = 0.06
    """Touch twice, so that the same ask (or form, or rating) goes out twice."""
    help: float = 0.03
    """Call for help at the kiosk."""
    accepts_later: float = 0.3
    """Where a quieter half-hour is offered: take a number for it, go, and come back before it."""

    calls_again: float = 1.6
    """How long an officer gives a called visitor before she calls again, or notes her as absent."""
    double_press: float = 0.06
    """Calls of *next* that an officer presses twice."""
    parks: float = 0.03
    """Visitors sent to fetch a paper, and taken again when they are back."""
    undo: float = 0.03
    """Finishes that an officer takes back, since the visitor had one more question."""
    with_dossier: float = 0.7
    """Visits that leave a dossier code behind, often one, at times several."""
    pauses: float = 0.8
    """Short pauses of an officer in a session, on average."""
    pausing: float = 6.0

    answers: float = 0.65
    """Visitors who answer the rating; at the others' tablets nobody does."""
    scores: tuple[float, float, float, float, float] = (0.01, 0.02, 0.05, 0.32, 0.60)
    """How often each score from 1 to 5 is given."""
    survey: float = 0.1
    """Of those who did not answer at the counter: do so later on their phone."""

    sick: float = 1.0
    """Trouble, unless the day is calm: over 0, the officer of the crowded service's own counter stays away."""
    late: float = 45.0
    """An officer of another service comes so many minutes after the opening."""
    bus: float = 16.0
    """So many people come together for one service,"""
    bus_at: float = 495.0
    """at this minute after midnight."""


class WrongRate(ValueError):
    """A rate that cannot be set so; the text is one line."""


def changed(manners: Manners, changes: list[str]) -> Manners:
    """`manners` with each `NAME=VALUE` of `changes`. Raises WrongRate."""
    told: dict[str, Any] = {}
    for change in changes:
        name, _, value = change.partition("=")
        if not isinstance(getattr(manners, name, None), float):
            raise WrongRate(f"no rate {name!r}; there are: {', '.join(names())}")
        try:
            told[name] = float(value)
        except ValueError as error:
            raise WrongRate(f"{name}: {value!r} is no number") from error
        if told[name] < 0:
            raise WrongRate(f"{name}: {value!r} is below 0")
    return msgspec.structs.replace(manners, **told)


def names() -> list[str]:
    """The rates that are plain numbers."""
    return [f.name for f in msgspec.structs.fields(Manners) if f.type is float]
