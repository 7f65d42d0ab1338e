"""A day, or a future of the present day, played by the live rule on a virtual clock.

Plain Python plays one day at once; `fast.py` compiles these same functions for the thousands of days that
tuning, forecasts and rosters need. A rule is shown only `Line`, skills and paces as they are believed:
`minutes`, `shows` and true speeds are read here, after the call, and nowhere else.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from ..line import rule
from ..line.rule import HOME, NOBODY, Line, Reals, Truths, Weights, Wholes
from . import baselines


class Hall(NamedTuple):
    """Counters × services, flat (`counter * services + service`), and when counters open and close.

    `takes`: true factor on a visitor's minutes (1 ÷ speed); `pace`: what is believed of it, learned on as the
    day goes. `edge_*`: openings (1) and closings (0) in order of time. `prefers`: calls priority first.
    """

    counters: int
    services: int
    can: Wholes
    takes: Reals
    pace: Reals
    believed: Reals
    prefers: Truths
    skills: Wholes
    edge_at: Reals
    edge_counter: Wholes
    edge_opens: Wholes


class Truth(NamedTuple):
    """What only the world knows, by row: when she stands in the hall, her minutes, whether she shows.

    `mates_from`, `mates`: the rows of her visit's transactions (one, unless she has several errands).
    """

    ready: Reals
    minutes: Reals
    shows: Truths
    mates_from: Wholes
    mates: Wholes
    no_show_minutes: float


class Run(NamedTuple):
    """What changes as the day goes, by row and by counter; `order[:count[0]]` waits, oldest place first."""

    cursor: Wholes
    """How many arrivals and edges have been."""
    called: Reals
    counter: Wholes
    finished: Reals
    why: Wholes
    order: Wholes
    count: Wholes
    in_line: Wholes
    open: Wholes
    holds: Wholes
    free_at: Reals
    idle_from: Reals
    took: Reals
    foretold: Reals
    memory: Reals


def play(
    hall: Hall, line: Line, truth: Truth, arrivals: Wholes, run: Run,
    kind: int, weights: Weights, until: float, tagged: int,
) -> None:  # fmt: skip
    """Play on until nothing happens by `until`, or until the row `tagged` is called."""
    while True:
        at = advance(hall, line, truth, arrivals, run, kind, weights, until)
        if at == math.inf or (tagged != NOBODY and run.called[tagged] >= 0.0):
            return


def advance(
    hall: Hall, line: Line, truth: Truth, arrivals: Wholes, run: Run,
    kind: int, weights: Weights, until: float,
) -> float:  # fmt: skip
    """The next moment at which something happens, all of it done; gives its time, inf if none by `until`."""
    at = happen(hall, line, truth, arrivals, run, kind, until)
    if at != math.inf:
        settle(hall, line, truth, run, kind, weights, at)
    return at


def happen(
    hall: Hall, line: Line, truth: Truth, arrivals: Wholes, run: Run, kind: int, until: float
) -> float:
    """All that happens at the next moment but the calls; gives its time, inf if none by `until`.

    Visits end first, then counters open and close, then visitors join. `arrivals` are rows in order of
    `ready`.
    """
    arrival, edge = run.cursor[0], run.cursor[1]
    at = math.inf
    if arrival < len(arrivals):
        at = truth.ready[arrivals[arrival]]
    if edge < len(hall.edge_at) and hall.edge_at[edge] < at:
        at = hall.edge_at[edge]
    for counter in range(hall.counters):
        if run.free_at[counter] < at:
            at = run.free_at[counter]
    if at == math.inf or at > until:
        return math.inf
    for counter in range(hall.counters):
        if run.free_at[counter] <= at:
            finish(hall, line, truth, run, kind, counter)
    while edge < len(hall.edge_at) and hall.edge_at[edge] <= at:
        turn(hall, run, hall.edge_counter[edge], hall.edge_opens[edge], at)
        edge += 1
    while arrival < len(arrivals) and truth.ready[arrivals[arrival]] <= at:
        join(hall, line, truth, run, kind, arrivals[arrival])
        arrival += 1
    run.cursor[0], run.cursor[1] = arrival, edge
    return at


def settle(
    hall: Hall, line: Line, truth: Truth, run: Run, kind: int, weights: Weights, at: float
) -> None:
    """Idle counters call until none can."""
    while run.count[0] > 0:
        if call(hall, line, truth, run, kind, weights, at) == NOBODY:
            return


def turn(hall: Hall, run: Run, counter: int, opens: int, at: float) -> None:
    run.open[counter] = opens
    if opens and run.holds[counter] == NOBODY:
        run.idle_from[counter] = at


def join(hall: Hall, line: Line, truth: Truth, run: Run, kind: int, row: int) -> None:
    """Into the line, by place. Of a visit's several errands the one with the lightest line goes first."""
    if truth.mates[row] > 1:
        row = lightest(hall, line, truth, run, row)
    baselines.bind(
        kind, row, line.service[row], hall.counters, hall.services, hall.can, run.open, run.memory,
        run.order, run.count[0],
    )  # fmt: skip
    position = run.count[0]
    place = line.place[row]
    while position > 0 and line.place[run.order[position - 1]] > place:
        run.order[position] = run.order[position - 1]
        position -= 1
    run.order[position] = row
    run.count[0] += 1
    run.in_line[line.service[row]] += 1


def leave(run: Run, line: Line, row: int) -> None:
    """Out of the line: called."""
    position = 0
    while run.order[position] != row:
        position += 1
    run.count[0] -= 1
    for after in range(position, run.count[0]):
        run.order[after] = run.order[after + 1]
    run.in_line[line.service[row]] -= 1


def lightest(hall: Hall, line: Line, truth: Truth, run: Run, row: int) -> int:
    """The errand of this visit, of those still to do, whose line holds least work for each open counter."""
    best, least = NOBODY, math.inf
    for mate in range(truth.mates_from[row], truth.mates_from[row] + truth.mates[row]):
        if run.called[mate] >= 0.0:
            continue
        service = line.service[mate]
        able = 0.0
        for counter in range(hall.counters):
            if run.open[counter] and hall.can[counter * hall.services + service]:
                able += 1.0
        work = rule.weight_of_line(line.expected[mate], run.in_line[service], able)
        if work < least:
            best, least = mate, work
    return best


def finish(
    hall: Hall,
    line: Line,
    truth: Truth,
    run: Run,
    kind: int,
    counter: int,
) -> None:
    """The visit at this counter ends; what it took is learned, and a further errand begins."""
    row = run.holds[counter]
    ended = run.free_at[counter]
    run.holds[counter] = NOBODY
    run.free_at[counter] = math.inf
    run.idle_from[counter] = ended
    run.finished[row] = ended
    if not truth.shows[row]:
        return
    cell = counter * hall.services + line.service[row]
    expected = line.expected[row]
    run.took[cell] += rule.taught(ended - run.called[row], expected)
    run.foretold[cell] += expected
    hall.pace[cell] = rule.pace_now(
        hall.believed[cell], expected, run.took[cell], run.foretold[cell]
    )
    if truth.mates[row] > 1:
        further = lightest(hall, line, truth, run, row)
        if further != NOBODY:
            line.since[further] = ended
            line.place[further] = ended
            line.credit[further] = 0.0
            join(hall, line, truth, run, kind, further)


def call(
    hall: Hall, line: Line, truth: Truth, run: Run, kind: int, weights: Weights, at: float
) -> int:
    """One idle counter calls one visitor; gives the counter, or NOBODY when none can.

    When several idle counters could call, the one that is quickest at what it would call goes first, then
    the one at home in it, then the one with the fewest skills, then the one idle longest.
    """
    chosen, chosen_row, chosen_why = NOBODY, NOBODY, 0
    best_pace, best_home, best_skills, best_idle = math.inf, 9, 0, math.inf
    for counter in range(hall.counters):
        if not run.open[counter] or run.holds[counter] != NOBODY:
            continue
        base = counter * hall.services
        waits = False
        for service in range(hall.services):
            if run.in_line[service] and hall.can[base + service]:
                waits = True
                break
        if not waits:
            continue
        if kind == 0:
            row, why = rule.pick(
                line, run.order, run.count[0], at, hall.can, hall.pace, base,
                hall.prefers[counter], weights,
            )  # fmt: skip
        else:
            row, why = baselines.pick(
                kind, line, run.order, run.count[0], at, hall.can, base, hall.services,
                hall.prefers[counter], counter, run.in_line, run.memory,
            )  # fmt: skip
        if row == NOBODY:
            continue
        pace, home = 0.0, 0
        if kind == 0:
            pace = hall.pace[base + line.service[row]]
            home = hall.can[base + line.service[row]]
        skills, idle = hall.skills[counter], run.idle_from[counter]
        if chosen == NOBODY or (pace, home, skills, idle) < (
            best_pace,
            best_home,
            best_skills,
            best_idle,
        ):
            chosen, chosen_row, chosen_why = counter, row, why
            best_pace, best_home, best_skills, best_idle = pace, home, skills, idle
    if chosen == NOBODY:
        return NOBODY
    base = chosen * hall.services
    rule.count_passed(line, run.order, run.count[0], chosen_row, hall.can, base)
    baselines.note(kind, line, run.memory, chosen, chosen_row, hall.services)
    leave(run, line, chosen_row)
    run.called[chosen_row] = at
    run.counter[chosen_row] = chosen
    run.why[chosen_row] = chosen_why
    run.holds[chosen] = chosen_row
    cell = base + line.service[chosen_row]
    spent = truth.no_show_minutes
    if truth.shows[chosen_row]:
        spent = truth.minutes[chosen_row] * hall.takes[cell]
    run.free_at[chosen] = at + spent
    return chosen


assert HOME < rule.HELPS  # `call` compares them: at home comes before handsing
