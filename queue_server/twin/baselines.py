"""The rules of others, under their names, to measure ours against on the same days.

Textbook rules, and the rule of each peer system as its source or its vendor's pages state it; where a peer
needs a setting, the one it ships with. Each gives a *level* and a *claim* to who waits; the greatest pair is
called, of equals the oldest place. Plain numbers and columns, as in `line/rule.py`.
"""

from __future__ import annotations

from ..line.rule import CANNOT, HOME, NOBODY, ORDINARY, SIMPLE, Line, Reals, Wholes

BALANCED = 0
FIFO, STRICT, ROUND_ROBIN, LONGEST_QUEUE, ACCUMULATING_2, ACCUMULATING_3 = 1, 2, 3, 4, 5, 6
DEADLINE, CMU, GENERAL_CMU, MAX_WEIGHT = 7, 8, 9, 10
NOVOSGA_2, NOVOSGA_DESC, NOVOSGA_SWAP, ZMS, HOME_FIRST, CHOSEN_LINE = 11, 12, 13, 14, 15, 16
QMATIC, BOUND_COUNTER, SHORTEST = 17, 18, 19

KINDS: dict[str, int] = {
    "balanced": BALANCED,
    "fifo": FIFO,
    "static": STRICT,
    "groups": STRICT,
    "strict": STRICT,
    "round-robin": ROUND_ROBIN,
    "longest-queue": LONGEST_QUEUE,
    "accumulating-2": ACCUMULATING_2,
    "accumulating-3": ACCUMULATING_3,
    "deadline": DEADLINE,
    "cmu": CMU,
    "general-cmu": GENERAL_CMU,
    "max-weight": MAX_WEIGHT,
    "shortest": SHORTEST,
    "novosga-1.5": ACCUMULATING_2,
    "novosga-2": NOVOSGA_2,
    "novosga-2.2dev": NOVOSGA_DESC,
    "novosga-2.3-swap": NOVOSGA_SWAP,
    "zms": ZMS,
    "theq": HOME_FIRST,
    "fqm": FIFO,
    "qsystem": HOME_FIRST,
    "openmrs": STRICT,
    "mado": FIFO,
    "queuesg": FIFO,
    "qms-t": CHOSEN_LINE,
    "qms-v": FIFO,
    "qmatic": QMATIC,
    "vn-counter": BOUND_COUNTER,
}
ONLY_HOME = frozenset({"static", "fqm"})
"""Here a counter serves its home service alone."""
ZMS_AHEAD = 2.0
"""ZMS merges appointments by a clock that starts two minutes ahead of now."""
PRIORITY_COST = 4.0
"""In cµ rules a priority visitor's minute costs so many ordinary ones."""
DEADLINES = (15.0, 45.0)
"""Earliest deadline: minutes within which a priority and an ordinary visitor should be called."""
RATIO = 2.0
"""Qmatic's ratio condition: so many priority calls, then an ordinary one."""


def pick(
    kind: int,
    line: Line,
    order: Wholes,
    count: int,
    at: float,
    can: Wholes,
    base: int,
    services: int,
    prefers: bool,
    counter: int,
    in_line: Wholes,
    memory: Reals,
) -> tuple[int, int]:
    """(row, why) by the rule `kind`; (NOBODY, 0) when this counter may serve none of those who wait."""
    best, best_level, best_claim = NOBODY, 0.0, 0.0
    for position in range(count):
        row = order[position]
        service = line.service[row]
        if can[base + service] == CANNOT:
            continue
        if kind == BOUND_COUNTER and memory[bound_cell(row, services)] != counter:
            continue
        first = prefers and line.rank[row] < ORDINARY
        home = can[base + service] == HOME
        waited = at - line.since[row]
        level = level_of(kind, first, home, line.place[row], line.credit[row], at, memory, counter)
        claim = claim_of(
            kind, first, waited, line.rank[row], line.expected[row], line.place[row],
            in_line[service], service, memory, base,
        )  # fmt: skip
        if best == NOBODY or level > best_level or (level == best_level and claim > best_claim):
            best, best_level, best_claim = row, level, claim
    return best, SIMPLE if best != NOBODY else 0


def level_of(
    kind: int,
    first: bool,
    home: bool,
    place: float,
    booked: float,
    at: float,
    memory: Reals,
    counter: int,
) -> float:
    """What is compared before all else."""
    if kind in (FIFO, ACCUMULATING_2, ACCUMULATING_3, DEADLINE, CMU, GENERAL_CMU, CHOSEN_LINE):
        return 0.0
    if kind == NOVOSGA_2:  # booked visitors come after all walk-ins (NULL sorts first)
        return (2.0 if first else 1.0) - (10.0 if booked > 0.0 else 0.0)
    if kind == NOVOSGA_SWAP:  # after a priority call the next one forgets priority
        return 1.0 if first and memory[counter] == 0.0 else 0.0
    if kind == ZMS:
        if first:
            return 3.0
        return 2.0 if booked > 0.0 and place <= at + ZMS_AHEAD else 1.0
    if kind == HOME_FIRST:
        return (2.0 if home else 0.0) + (1.0 if first else 0.0)
    if kind == QMATIC:
        return 1.0 if first == (memory[counter] < RATIO) else 0.0
    return 1.0 if first else 0.0


def claim_of(
    kind: int,
    first: bool,
    waited: float,
    rank: int,
    expected: float,
    place: float,
    in_line: int,
    service: int,
    memory: Reals,
    base: int,
) -> float:
    """What is compared among those of one level."""
    minutes = max(expected, 0.5)
    claim = 0.0
    if kind == ACCUMULATING_2:
        claim = waited * (2.0 if first else 1.0)
    elif kind == ACCUMULATING_3:
        claim = waited * (3.0 if first else 1.0)
    elif kind == DEADLINE:
        claim = -(place + (DEADLINES[0] if first else DEADLINES[1]))
    elif kind == CMU:
        claim = (PRIORITY_COST if first else 1.0) / minutes
    elif kind == GENERAL_CMU:
        claim = waited * (PRIORITY_COST if first else 1.0) / minutes
    elif kind == SHORTEST:
        claim = 1.0 / minutes
    elif kind == MAX_WEIGHT:
        claim = in_line / minutes
    elif kind in (LONGEST_QUEUE, CHOSEN_LINE):
        claim = float(in_line)
    elif kind == ROUND_ROBIN:
        claim = -memory[base + service]
    elif kind == NOVOSGA_DESC:
        claim = place
    elif kind in (STRICT, NOVOSGA_2, ZMS, HOME_FIRST) and first:
        claim = -float(rank)
    return claim


def note(
    kind: int,
    line: Line,
    memory: Reals,
    counter: int,
    row: int,
    services: int,
) -> None:
    """What a rule remembers of its calls."""
    if kind == ROUND_ROBIN:
        memory[counter * services + line.service[row]] += max(line.expected[row], 0.5)
    elif kind in (NOVOSGA_SWAP, QMATIC):
        memory[counter] = memory[counter] + 1.0 if line.rank[row] < ORDINARY else 0.0


def bound_cell(row: int, services: int) -> int:
    """Where a rule that binds a visitor to one counter remembers it: behind the round robin's cells."""
    return BOUND_FROM + row


BOUND_FROM = 4096
"""Rules remember by counter and service below this cell, by visitor from it on."""


def bind(
    kind: int,
    row: int,
    service: int,
    counters: int,
    services: int,
    can: Wholes,
    is_open: Wholes,
    memory: Reals,
    order: Wholes,
    count: int,
) -> None:
    """A kiosk that binds its visitor to one counter takes the open one with the fewest bound to it."""
    if kind != BOUND_COUNTER:
        return
    best, fewest = NOBODY, 0
    for counter in range(counters):
        if can[counter * services + service] == CANNOT:
            continue
        bound = 0 if is_open[counter] else 1000
        for position in range(count):
            if memory[bound_cell(order[position], services)] == counter:
                bound += 1
        if best == NOBODY or bound < fewest:
            best, fewest = counter, bound
    memory[bound_cell(row, services)] = float(best)
