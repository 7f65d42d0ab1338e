"""What happened in a simulated day: what the players did, and what the server's own log says of it."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...line import events as e
from ...line.state import State
from ...store.log import load, rows
from ...store.schema import connect
from ...wire.texts import Texts
from ...wire.words import MINUTE, Estimate, Frozen, TicketStatus
from .timing import clock_text

TEXTS = Texts(Path(__file__).parent / "texts")
BEHIND_MS = 1_000.0
"""Players that are later than this (P95, real time) do not keep up."""


@dataclass
class Tally:
    """The players' own notes. Answer times in real ms."""

    happened: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)
    """Tickets that visitors were told, in order."""
    promised: dict[str, Estimate] = field(default_factory=dict)
    """The estimate that came with a ticket."""
    mqtt: list[float] = field(default_factory=list)
    http: list[float] = field(default_factory=list)


class Figures(Frozen):
    """The log's own word. Waits in minutes, by visit that was served; shares 0–1."""

    issued: int
    by_door: dict[str, int]
    doubled: int
    lost: int
    statuses: dict[str, int]
    waits: tuple[float, ...]
    rated: int
    silent: int
    rated_twice: int
    mean_score: float
    estimated: int = 0
    """Visits whose wait had been estimated when they came."""
    within: float = 0.0
    """Share of them that waited as long as the 80 % interval said, give or take the minute it is told in."""
    off_by: float = 0.0
    """By how many minutes the estimates were wrong, on average."""
    moves: dict[str, int] = {}
    """Moves by how they stand."""
    effects: tuple[tuple[float, float, float], ...] = ()
    """Of moves that have ended: the mean wait foretold, the one without it, and the one that came."""

    @property
    def mean_wait(self) -> float:
        return mean(self.waits)

    def over(self, minutes: float) -> float:
        """Share of visits that waited longer."""
        return mean([w > minutes for w in self.waits])


def figures(database: Path, tally: Tally) -> Figures:
    """Read the log of a centre, running or not, and hold it against what visitors were told."""
    conn = connect(database, read_only=True)
    try:
        return _read(conn, tally)
    finally:
        conn.close()


def _read(conn: sqlite3.Connection, tally: Tally) -> Figures:
    told = tally.told
    facts = [row.entry().event for row in rows(conn)]
    issued = [f for f in facts if isinstance(f, e.TicketIssued)]
    given = Counter(f.offer for f in facts if isinstance(f, e.RatingGiven))
    scores = [f.score for f in facts if isinstance(f, e.RatingGiven)]
    state, _ = load(conn)
    known = {f.ticket for f in issued}
    first = {t.id: t.waits[0] / MINUTE for t in state.tickets.values() if t.waits}
    both = [(p, first[t]) for t, p in tally.promised.items() if t in first]
    return Figures(
        issued=len(issued),
        by_door=dict(Counter(_door(f.source) for f in issued)),
        doubled=len(issued) - len(known) + len(told) - len(set(told)),
        lost=len(set(told) - known),
        statuses=dict(Counter(str(t.status) for t in state.tickets.values())),
        waits=tuple(_waits(state)),
        rated=len(scores),
        silent=sum(isinstance(f, e.RatingSilent) for f in facts),
        rated_twice=sum(1 for times in given.values() if times > 1),
        mean_score=mean(scores),
        estimated=len(both),
        within=mean([p.low - 1 <= waited <= p.high + 1 for p, waited in both]),
        off_by=mean([abs(p.minutes - waited) for p, waited in both]),
        moves=dict(Counter(str(x.status) for x in state.moves.values())),
        effects=tuple(
            (x.move.expected, x.move.without, x.came)
            for x in state.moves.values()
            if x.came is not None
        ),
    )


def _door(source: str) -> str:
    """kiosk · phone · guide · other, from the device that asked."""
    if source.startswith("kiosk"):
        return "kiosk"
    return {"take": "phone", "web": "guide"}.get(source, "other")


def _waits(state: State) -> list[float]:
    """A visit's wait is the sum over its transactions."""
    done = (t for t in state.tickets.values() if t.status is TicketStatus.FINISHED)
    return sorted(sum(t.waits) / MINUTE for t in done)


def mean(values: Sequence[float]) -> float:
    """0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def p95(values: list[float] | tuple[float, ...]) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))] if ordered else 0.0


def lines(
    tally: Tally,
    seen: Figures,
    late: list[float],
    minute: float,
    target: float,
    speed: float,
    language: str = "vi",
) -> list[str]:
    """The report, as it is printed at the end. `late`: real ms; `target`: the set wait in minutes."""

    def say(key: str, **values: object) -> str:
        return TEXTS.say(key, language, **values)

    def row(key: str, value: str) -> str:
        return f"  {say(f'tally.{key}') + ':':<24}{value}"

    doors = {d: seen.by_door.get(d, 0) for d in ("kiosk", "phone", "guide", "other")}
    ended = {s: seen.statuses.get(s, 0) for s in ("no_show", "cancelled", "waiting", "expired")}
    waits = {"mean": f"{seen.mean_wait:.1f}", "p95": f"{p95(seen.waits):.1f}"}
    over = {"target": f"{target:g}", "over": f"{100 * seen.over(target):.0f}"}
    estimates = {
        "count": seen.estimated,
        "off": f"{seen.off_by:.1f}",
        "within": f"{100 * seen.within:.0f}",
    }
    score = f"{seen.mean_score:.2f}"
    speeds = {"mqtt": f"{p95(tally.mqtt):.0f}", "http": f"{p95(tally.http):.0f}"}
    lag = {"p95": f"{p95(late):.0f}", "most": f"{max(late, default=0.0):.0f}"}
    told = [
        "",
        f"  {say('tally.title', time=clock_text(minute))}",
        row("tickets", f"{seen.issued} ({say('tally.doors', **doors)})"),
        row("served", f"{seen.statuses.get('finished', 0)} ({say('tally.ended', **ended)})"),
        row("waits", say("tally.wait_values", **waits, **over)),
        row("estimates", say("tally.estimate_values", **estimates)),
        row("moves", moves(seen, language)),
        row(
            "ratings", say("tally.rating_values", rated=seen.rated, silent=seen.silent, score=score)
        ),
        row("manners", happened(tally, language)),
        row("lag", say("tally.lag_values", **lag, **speeds)),
    ]
    if tally.refused:
        row_of = ", ".join(f"{code} {count}" for code, count in sorted(tally.refused.items()))
        told.append(row("refused", row_of))
    if p95(late) > BEHIND_MS:
        told.append(f"  {say('tally.behind', speed=f'{speed:g}')}")
    wrong = {"lost": seen.lost, "doubled": seen.doubled, "twice": seen.rated_twice}
    if any(wrong.values()):
        told.append(row("wrong", say("tally.wrong_values", **wrong)))
    else:
        told.append(f"  {say('tally.right')}")
    return told


def moves(seen: Figures, language: str = "vi") -> str:
    """How many were proposed and accepted, and what came of those that are over."""
    accepted = sum(seen.moves.get(s, 0) for s in ("accepted", "ended"))
    counts = {"proposed": sum(seen.moves.values()), "accepted": accepted}
    words = TEXTS.say("tally.move_counts", language, **counts)
    if not seen.effects:
        return words
    expected, without, came = (f"{mean(x):.0f}" for x in zip(*seen.effects, strict=True))
    values = {"ended": len(seen.effects), "expected": expected, "without": without, "came": came}
    return f"{words}; {TEXTS.say('tally.move_effect', language, **values)}"


def happened(tally: Tally, language: str = "vi") -> str:
    """What the players did, in words."""
    counts = sorted(tally.happened.items())
    said = (TEXTS.say(f"happened.{what}", language, count=count) for what, count in counts)
    return ", ".join(said) or TEXTS.say("tally.none", language)
