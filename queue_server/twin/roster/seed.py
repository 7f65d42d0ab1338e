"""A first roster by mixed-integer programming (HiGHS): spans that keep the rules, and least work left waiting.

Work comes by service and cell and flows to open counters with the skill, now or later; what is left waiting
costs, and costs more the longer the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import highspy
import numpy as np
from highspy._core import _Highs as Solver  # highspy.Highs greets on stdout as it is made

from .shifts import Cells, NoPlan, Plan, Shift, Site, crew_keeps, least_priority

USED = 0.95
"""An open counter works at most this share of a cell: the rest is left to chance."""
LONG_WAIT = 15.0
"""Minutes of waiting beyond which waiting work costs more."""
LONG_COST = 3.0
MISSED = 1e5
"""Cost of a cell in which a service has no counter, where that is only asked to say what is missing."""
GAP = 0.01
LEAST_SECONDS = 15.0


@dataclass
class Model:
    """Columns and rows as HiGHS takes them."""

    cost: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)
    starts: list[int] = field(default_factory=lambda: [0])
    index: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)

    def column(self, cost: float, upper: float = highspy.kHighsInf, whole: bool = False) -> int:
        self.cost.append(cost)
        self.upper.append(upper)
        self.whole.append(whole)
        return len(self.cost) - 1

    def row(self, low: float, high: float, terms: Sequence[tuple[int, float]]) -> None:
        self.low.append(low)
        self.high.append(high)
        self.index += [k for k, _ in terms]
        self.value += [v for _, v in terms]
        self.starts.append(len(self.index))

    def solved(self, seconds: float, nodes: int) -> list[float] | None:
        """Values of the columns, or None when no solution was found."""
        solver: Any = Solver()
        solver.setOptionValue("output_flag", False)
        solver.setOptionValue("mip_rel_gap", GAP)
        solver.setOptionValue("time_limit", float(seconds))
        if nodes:
            solver.setOptionValue("mip_max_nodes", nodes)
        solver.passModel(self._lp())
        solver.run()
        if (
            solver.getInfo().primal_solution_status
            != highspy.SolutionStatus.kSolutionStatusFeasible
        ):
            return None
        return list(solver.getSolution().col_value)

    def _lp(self) -> highspy.HighsLp:
        lp = highspy.HighsLp()
        lp.num_col_, lp.num_row_ = len(self.cost), len(self.low)
        lp.col_cost_ = np.array(self.cost)
        lp.col_lower_ = np.zeros(len(self.cost))
        lp.col_upper_ = np.array(self.upper)
        lp.row_lower_, lp.row_upper_ = np.array(self.low), np.array(self.high)
        lp.integrality_ = [
            highspy.HighsVarType.kInteger if w else highspy.HighsVarType.kContinuous
            for w in self.whole
        ]
        lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        lp.a_matrix_.start_ = np.array(self.starts)
        lp.a_matrix_.index_ = np.array(self.index)
        lp.a_matrix_.value_ = np.array(self.value)
        return lp


@dataclass
class Frame:
    """The site in steps of one or two cells, and the model's columns: open[counter][step]."""

    site: Site
    width: int
    steps: list[Cells]
    """Cells of each step of an open hour."""
    sessions: list[Cells]
    """Steps of each session."""
    open: list[list[int]] = field(default_factory=list)


def first_plan(
    site: Site, work: np.ndarray, pace: np.ndarray, minutes: float, seconds: float, nodes: int = 0
) -> Plan:
    """A plan that keeps all rules with at most so many counter-minutes open. Raises NoPlan.

    `work`: services × cells, expected minutes; `pace`: services × counters, factor on the minutes there.
    """
    for width in (2, 1):
        if width == 2 and not _fits_double(site):
            continue
        frame, model = _framed(site, width), Model()
        _shift_rules(frame, model, minutes)
        _coverage(frame, model, None)
        _flows(frame, model, work, pace)
        values = model.solved(seconds, nodes)
        if values is not None:
            return Plan(_read(frame, values), (0,) * len(site.counters))
    return _least_plan(site, minutes)


def _fits_double(site: Site) -> bool:
    grid, rules = site.rules.grid_minutes, site.rules
    edges = [edge for session in site.hours for edge in session]
    edges += [edge for crew in site.crews for edge in (crew.first, crew.last)]
    lunch = [rules.lunch_from, rules.lunch_to] if rules.lunch_break else []
    return (
        grid == 15
        and all((edge - site.first) % 2 == 0 for edge in edges)
        and all((edge - site.first * grid) % (2 * grid) == 0 for edge in lunch)
    )


def _framed(site: Site, width: int) -> Frame:
    frame = Frame(site, width, [], [])
    for begin, end in site.hours:
        start = len(frame.steps)
        frame.steps += [(c, c + width) for c in range(begin, end, width)]
        frame.sessions.append((start, len(frame.steps)))
    return frame


def _shift_rules(frame: Frame, model: Model, minutes: float) -> None:
    site, grid = frame.site, frame.site.rules.grid_minutes * frame.width
    frame.open = [[model.column(0.0, 1.0, True) for _ in frame.steps] for _ in site.counters]
    everything = [(column, 1.0) for row in frame.open for column in row]
    model.row(0.0, minutes // grid, everything)
    for row in frame.open:
        _spans(frame, model, row)
        _lunch(frame, model, row)
    for crew in site.crews:
        _crew(frame, model, crew.counters, crew.paid // frame.width)
        _presence(frame, model, crew.counters, (crew.first, crew.last), crew.longest)
    if site.rules.most_open:
        for step in range(len(frame.steps)):
            model.row(0.0, site.rules.most_open, [(row[step], 1.0) for row in frame.open])


def _spans(frame: Frame, model: Model, row: list[int]) -> None:
    """At most so many spans, each long enough, with long enough between them."""
    rules, grid = frame.site.rules, frame.site.rules.grid_minutes * frame.width
    long, rest = -(-rules.shortest_span // grid), max(-(-rules.shortest_break // grid), 1)
    begins: list[tuple[int, float]] = []
    for start, end in frame.sessions:
        starts = [model.column(0.0, 1.0) for _ in range(start, end)]
        begins += [(column, 1.0) for column in starts]
        for step in range(start, end):
            here = [(starts[step - start], 1.0), (row[step], -1.0)]
            before = [(row[step - 1], 1.0)] if step > start else []
            model.row(0.0, highspy.kHighsInf, here + before)
            first = max(start, step - long + 1)
            lately = [(starts[s - start], 1.0) for s in range(first, step + 1)]
            model.row(-highspy.kHighsInf, 0.0, [*lately, (row[step], -1.0)])
            if step + long > end:
                model.row(0.0, 0.0, [(starts[step - start], 1.0)])
            for gone in range(max(start, step - rest), step - 1):
                # Open at `gone`, closed after it: not open again before the break is over.
                between = [(row[gone], 1.0), (row[gone + 1], -1.0), (row[step], 1.0)]
                model.row(-highspy.kHighsInf, 1.0, between)
    model.row(0.0, rules.most_spans, begins)


def _lunch(frame: Frame, model: Model, row: list[int]) -> None:
    """Open before and after lunch: one of the breaks that fit between is taken whole."""
    rules, grid = frame.site.rules, frame.site.rules.grid_minutes
    if not rules.lunch_break:
        return
    before = [k for k, (c, _) in enumerate(frame.steps) if c * grid < rules.lunch_from]
    after = [k for k, (_, c) in enumerate(frame.steps) if c * grid > rules.lunch_to]
    long = -(-rules.lunch_break // grid)
    breaks = []
    for begin in range(-(-rules.lunch_from // grid), rules.lunch_to // grid - long + 1):
        taken = model.column(0.0, 1.0, True)
        breaks.append((taken, 1.0))
        for k, (first, last) in enumerate(frame.steps):
            if first < begin + long and begin < last:
                model.row(-highspy.kHighsInf, 1.0, [(row[k], 1.0), (taken, 1.0)])
    for early in before:
        for late in after:
            terms = [(row[early], 1.0), (row[late], 1.0)] + [(b, -1.0) for b, _ in breaks]
            model.row(-highspy.kHighsInf, 1.0, terms)


def _crew(frame: Frame, model: Model, counters: Sequence[int], paid: int) -> None:
    terms = [(column, 1.0) for k in counters for column in frame.open[k]]
    model.row(0.0, paid, terms)
    if len(counters) > 1:
        for step in range(len(frame.steps)):
            model.row(0.0, 1.0, [(frame.open[k][step], 1.0) for k in counters])


def _presence(
    frame: Frame, model: Model, counters: Sequence[int], hours: Cells, longest: int
) -> None:
    """Nobody works outside her hours, nor early and late on a day that would be too long."""
    for step, (begin, end) in enumerate(frame.steps):
        for k in counters:
            if begin < hours[0] or end > hours[1]:
                model.row(0.0, 0.0, [(frame.open[k][step], 1.0)])
        for late in range(step + 1, len(frame.steps)):
            if frame.steps[late][1] - begin > longest:
                both = [(frame.open[k][s], 1.0) for k in counters for s in (step, late)]
                model.row(0.0, 1.0, both)


def _coverage(frame: Frame, model: Model, missed: dict[int, tuple[str, int]] | None) -> None:
    """Each service, and priority, at every open hour; `missed` gathers columns that tell where it is not."""
    site = frame.site
    wanted = [
        (f"service {s}", site.skills[k], site.rules.least_per_service)
        for k, s in enumerate(site.services)
    ]
    if site.preferring.any():
        wanted.append(("priority", site.preferring.astype(int), least_priority(site)))
    for what, able, least in wanted:
        for step, (begin, _) in enumerate(frame.steps):
            terms = [(frame.open[k][step], 1.0) for k in np.flatnonzero(able)]
            if missed is not None:
                column = model.column(MISSED, float(least))
                missed[column] = (what, begin)
                terms.append((column, 1.0))
            model.row(least, highspy.kHighsInf, terms)


def _flows(frame: Frame, model: Model, work: np.ndarray, pace: np.ndarray) -> None:
    """Work waits by service from step to step until a counter takes it."""
    site, grid = frame.site, frame.site.rules.grid_minutes * frame.width
    used: dict[tuple[int, int], list[tuple[int, float]]] = {}
    for s in range(len(site.services)):
        left: list[int] = []
        rate = float(work[s].sum()) / len(frame.steps)
        for step, (begin, end) in enumerate(frame.steps):
            came = float(work[s, begin - site.first : end - site.first].sum())
            waits = model.column(2.0 if step == len(frame.steps) - 1 else 1.0)
            terms = [(waits, 1.0)]
            if left:
                terms.append((left[-1], -1.0))
            for k in np.flatnonzero(site.skills[s]):
                flow = model.column(0.0)
                terms.append((flow, 1.0))
                used.setdefault((int(k), step), []).append((flow, float(pace[s, k])))
            model.row(came, came, terms)
            beyond = model.column(LONG_COST)
            bound = rate * LONG_WAIT / grid
            model.row(-highspy.kHighsInf, bound, [(waits, 1.0), (beyond, -1.0)])
            left.append(waits)
    for (counter, step), flows in used.items():
        model.row(-highspy.kHighsInf, 0.0, [*flows, (frame.open[counter][step], -USED * grid)])


def _read(frame: Frame, values: list[float]) -> tuple[Shift, ...]:
    """The opened spans; those that meet where two sessions touch stay two."""
    found = []
    for row in frame.open:
        spans: list[Cells] = []
        for start, end in frame.sessions:
            begun = None
            for step in range(start, end + 1):
                on = step < end and values[row[step]] > 0.5
                if on and begun is None:
                    begun = frame.steps[step][0]
                if not on and begun is not None:
                    spans.append((begun, frame.steps[step - 1][1]))
                    begun = None
        found.append(tuple(spans))
    assert all(crew_keeps(crew, found) for crew in frame.site.crews)
    return tuple(found)


def _least_plan(site: Site, minutes: float) -> Plan:
    """The plan with the fewest minutes that keeps the rules. Raises NoPlan: too few minutes, or what else
    is missing."""
    frame, model = _framed(site, 1), Model()
    _shift_rules(frame, model, 1e9)
    for row in frame.open:
        for column in row:
            model.cost[column] = 1.0
    missed: dict[int, tuple[str, int]] = {}
    _coverage(frame, model, missed)
    values = model.solved(LEAST_SECONDS, 0)
    if values is None:
        raise NoPlan("no plan keeps all the rules")
    for column, (what, begin) in missed.items():
        if values[column] > 0.5:
            at = begin * site.rules.grid_minutes
            raise NoPlan(
                f"the rules leave {what} short of counters at {at // 60:02d}:{at % 60:02d}"
            )
    plan = Plan(_read(frame, values), (0,) * len(site.counters))
    least = plan.cells * site.rules.grid_minutes
    if least > minutes:
        raise NoPlan(f"{minutes:g} counter-minutes are too few: the rules need about {least}")
    return plan
