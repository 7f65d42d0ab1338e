"""A day played with live moves: looks ahead from minute to minute, alarms, and what a willing manager does.

Nothing but what the centre knows at the time decides: changing what comes later changes no earlier alarm or
move. Every move is undone at its end. What the moves cost is counted in counter-minutes as they came out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..line.rule import NOBODY, Weights
from . import baselines, engine, fast, futures
from .advice import Advice, Advising, Leeway, advise, spare, with_move
from .alarms import AHEAD, DROP_AT, RAISE_AT, Alarm, Alarms, Breach, breaches_of
from .day import Day
from .engine import Hall, Run
from .foretell import belief_of
from .learn import Knowledge
from .outlook import HALF_HOUR, HORIZON, MANY, TARGET, Look, Plan, change_skill, look_ahead, plan_of
from .replay import START, Called, Layout, fresh_run, laid_out, read_back

_settle = fast.compiled(engine.settle)


@dataclass(frozen=True)
class Living:
    """How a day is lived. Spans in minutes. `every`: between looks while a chance is `uneasy`, `calm_every` else;
    `tries_every`: between searches for a move; `rest`: a counter is left alone so long after a move.

    `reserve_minutes`: counter-minutes that may be spent in all. `give_back`: idle counters close meanwhile, and
    what they give back (at most `most_saved` ahead) may be spent too, so that with a reserve of 0 the day's
    counter-minutes stay within what they were.
    """

    every: float = 1.0
    calm_every: float = 5.0
    tries_every: float = 3.0
    rest: float = 20.0
    accept: bool = True
    reserve_minutes: float = 0.0
    give_back: bool = False
    most_saved: float = 90.0
    many: int = MANY
    target: float = TARGET
    raise_at: float = RAISE_AT
    drop_at: float = DROP_AT
    named_ahead: float = AHEAD
    uneasy: float = 0.3
    advising: Advising = Advising()


@dataclass(frozen=True)
class Made:
    """A move that was carried out at `at`."""

    at: float
    advice: Advice


@dataclass(frozen=True)
class Moved:
    """The day as it came out. `paid_minutes`: counter-minutes open or serving; compare it with the day unmoved."""

    called: list[list[Called]]
    moves: tuple[Made, ...]
    alarms: tuple[Alarm, ...]
    breaches: tuple[Breach, ...]
    paid_minutes: float
    serves_after: tuple[tuple[str, ...], ...]
    """By counter, as the day ended: what the day's counters serve, since moves are undone."""


def replay_moved(
    day: Day,
    knowledge: Knowledge = START,
    weights: Weights = Weights(),
    living: Living = Living(),
    skills: Mapping[int, Sequence[str]] | None = None,
    policy: str = "balanced",
) -> Moved:
    """The day with moves. `skills`: what each counter (by id) could serve, where that is more than it serves."""
    return _Living(day, knowledge, weights, living, skills or {}, policy).lived()


@dataclass
class _Living:
    day: Day
    knowledge: Knowledge
    weights: Weights
    living: Living
    skills: Mapping[int, Sequence[str]]
    policy: str
    made: list[Made] = field(default_factory=list)
    edges: list[tuple[float, int, int]] = field(default_factory=list)
    """Openings and closings that have been."""
    tried: float = -math.inf

    def lived(self) -> Moved:
        self._begin()
        now = min((float(at) for at in self.plan.edge_at), default=0.0)
        while now < self.layout.last_closing:
            self._play(now)
            look = self._look(now)
            self.alarms.hear(look)
            if self.living.accept and now >= self.tried + self.living.tries_every:
                self._move(now, look)
            now = self._next(now, look)
        self._play(math.inf)
        return self._told()

    def _next(self, now: float, look: Look) -> float:
        """When to look again; where only alarms count, not before a half-hour may be named."""
        uneasy = float(look.chance.max()) >= self.living.uneasy
        after = now + (self.living.every if uneasy else self.living.calm_every)
        if self.living.accept:
            return after
        named = (look.first + 1) * HALF_HOUR - self.living.named_ahead
        return after if after >= named else named

    def _begin(self) -> None:
        self.layout: Layout = laid_out(self.day, self.policy, self.knowledge, fast.array)
        self.hall: Hall = self.layout.hall
        self.may = _may(self.day, self.layout, self.knowledge, self.skills)
        self.run: Run = fresh_run(
            self.layout.rows, self.hall.counters, self.hall.services, fast.array
        )
        self.kind = baselines.KINDS[self.policy]
        self.belief = belief_of(self.day, self.layout, self.knowledge)
        self.room = futures.room(self.layout.rows, self.hall.counters, self.hall.services)
        self.alarms = Alarms(self.living.raise_at, self.living.drop_at, self.living.named_ahead)
        self.plan: Plan = plan_of(self.hall, self.run)

    def _play(self, until: float) -> None:
        """On to `until`, skills changing on the way at their times."""
        skills = [s for s in zip(*self.plan[3:], strict=True) if s[0] <= until]
        for at, cell, value in skills:
            self._play_on(float(at))
            change_skill(self.hall, int(cell), int(value))
            _settle(
                self.hall, self.layout.line, self.layout.truth, self.run, self.kind,
                self.weights, float(at),
            )  # fmt: skip
        self._play_on(until)
        if skills:
            self.plan = self.plan._replace(
                skill_at=self.plan.skill_at[len(skills) :],
                skill_cell=self.plan.skill_cell[len(skills) :],
                skill_value=self.plan.skill_value[len(skills) :],
            )

    def _play_on(self, until: float) -> None:
        layout = self.layout
        fast.play(
            self.hall, layout.line, layout.truth, layout.arrivals, self.run, self.kind,
            self.weights, until, NOBODY,
        )  # fmt: skip

    def _look(self, now: float) -> Look:
        horizon = HORIZON if self.living.accept else self.living.named_ahead
        return look_ahead(
            self.hall, self.layout.line, self.run, self.kind, self.weights, now, self.belief,
            self.living.many, horizon, target=self.living.target, plan=self._coming(),
            room=self.room, number=_number(now),
        )  # fmt: skip

    def _coming(self) -> Plan:
        """The plan without the edges that have been; these are kept for the count."""
        been, plan = int(self.run.cursor[1]), self.plan
        if been:
            past = (plan.edge_at[:been], plan.edge_counter[:been], plan.edge_opens[:been])
            self.edges += [(float(a), int(c), int(o)) for a, c, o in zip(*past, strict=True)]
            self._put(
                plan._replace(
                    edge_at=plan.edge_at[been:],
                    edge_counter=plan.edge_counter[been:],
                    edge_opens=plan.edge_opens[been:],
                )
            )
        return self.plan

    def _put(self, plan: Plan) -> None:
        """From now on this plan, of which nothing has been."""
        self.plan = plan
        self.run.cursor[1] = 0
        self.hall = self.hall._replace(
            edge_at=plan.edge_at, edge_counter=plan.edge_counter, edge_opens=plan.edge_opens
        )

    # --- moves ----------------------------------------------------------------------------------

    def _move(self, now: float, look: Look) -> None:
        for advice in self._advised(now, look):
            self.made.append(Made(now, advice))
            self._put(with_move(self._coming(), self.hall, advice))
            self.tried = now
        self._play(now)

    def _advised(self, now: float, look: Look) -> list[Advice]:
        columns: Any = (
            self.hall, self.layout.line, self.run, self.kind, self.weights, now, self.belief,
            look, self._leeway(now), self.living.advising,
        )  # fmt: skip
        given: Any = {"plan": self.plan, "room": self.room, "number": _number(now)}
        if look.breaches(self.living.advising.threshold):
            self.tried = now
            return advise(*columns, **given)
        if self.living.give_back and -self._spent() < self.living.most_saved:
            self.tried = now
            closing = spare(*columns, **given)
            return [closing] if closing else []
        return []

    def _leeway(self, now: float) -> Leeway:
        closed = frozenset(c for c in range(self.hall.counters) if not self.run.open[c])
        return Leeway(
            may=self.may,
            reserve=closed if self.living.reserve_minutes or self.living.give_back else frozenset(),
            minutes=self.living.reserve_minutes - self._spent(),
            resting=frozenset(
                m.advice.counter
                for m in self.made
                if m.advice.counter is not None and now < m.advice.until + self.living.rest
            ),
            last_closing=self.layout.last_closing,
        )

    def _spent(self) -> float:
        return sum(m.advice.cost_minutes for m in self.made)

    def _told(self) -> Moved:
        self._coming()
        services, line = self.hall.services, self.layout.line
        return Moved(
            called=read_back(self.day, self.layout, self.run),
            moves=tuple(self.made),
            alarms=tuple(self.alarms.all()),
            breaches=tuple(breaches_of(line, self.run, services, self.living.target)),
            paid_minutes=_paid(self.edges, self.run, self.hall.counters, self.layout.last_closing),
            serves_after=tuple(
                tuple(
                    self.layout.services[s]
                    for s in range(services)
                    if self.hall.can[c * services + s]
                )
                for c in range(self.hall.counters)
            ),
        )


def _number(now: float) -> int:
    """Every look draws futures of its own."""
    return 1 + 1000 * round(now * 2.0)


def _may(
    day: Day, layout: Layout, knowledge: Knowledge, skills: Mapping[int, Sequence[str]]
) -> Any:
    """Cells that are skills; paces believed and true factors are set for those not served now."""
    hall, names = layout.hall, {s: k for k, s in enumerate(layout.services)}
    may = np.array(hall.can) != 0
    for place, counter in enumerate(day.counters):
        for service in skills.get(counter.id, ()):
            cell = place * hall.services + names[service]
            if may[cell]:
                continue
            may[cell] = True
            hall.takes[cell] = 1.0 / counter.speed.get(service, 1.0)
            hall.pace[cell] = hall.believed[cell] = knowledge.pace_of(day, place, service)
    return may


def _paid(
    edges: Sequence[tuple[float, int, int]], run: Run, counters: int, last_closing: float
) -> float:
    """Counter-minutes that were open (up to the last closing) or spent with a visitor."""
    spans: list[list[tuple[float, float]]] = [[] for _ in range(counters)]
    since: dict[int, float] = {}
    for at, counter, opens in sorted(edges, key=lambda e: (e[0], e[2])):
        if opens:
            since.setdefault(counter, at)
        elif counter in since:
            spans[counter].append((since.pop(counter), at))
    for counter, at in since.items():
        spans[counter].append((at, last_closing))
    for row in np.flatnonzero(np.asarray(run.called) >= 0.0):
        spans[int(run.counter[row])].append((float(run.called[row]), float(run.finished[row])))
    return sum(_covered(sorted(of_one)) for of_one in spans)


def _covered(spans: Sequence[tuple[float, float]]) -> float:
    """Length of the union of spans in order of their beginning."""
    total, reached = 0.0, -math.inf
    for begin, end in spans:
        total += max(0.0, end - max(begin, reached))
        reached = max(reached, end)
    return total
