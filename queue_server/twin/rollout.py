"""Futures of the line: the live rules, run on with a virtual clock from the present state.

Each future draws the service times that are still unknown (lognormal, mean and spread by service)
and lets the very rule that runs live call one visitor after another. Nobody new arrives in it: what
comes after you does not, for the most part, make you wait.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterator
from random import Random

from ..desk.estimates import Newcomer, Table
from ..line import events as e
from ..line.decide import ahead_of
from ..line.next import able, call_next
from ..line.setup import Service
from ..line.state import CounterNow, State, apply
from ..wire.words import MINUTE, Estimate

FUTURES = 24
SHRINK = 12.0
"""A service's mean of today counts like this many tickets of its set mean."""
BOUND_CODES = frozenset({"waited_long", "passed_often", "passed_by_priority"})


def table(state: State, at: int, chance: Random, futures: int = FUTURES) -> Table:
    """Estimates for all who wait and for a newcomer in each line."""
    means = service_means(state)
    waits: dict[str, list[float]] = {}
    fresh: dict[tuple[str, bool], list[float]] = {}
    for _ in range(futures):
        future = Future(copied(state), at, means, chance)
        future.run()
        for ticket, called in future.called.items():
            waits.setdefault(ticket, []).append((called - at) / MINUTE)
        for key, called in future.newcomer.items():
            fresh.setdefault(key, []).append((called - at) / MINUTE)
    return Table(
        at=at,
        newcomers=tuple(_newcomers(state, means, fresh)),
        tickets={t: summed_up(w) for t, w in waits.items() if len(w) > futures // 2},
    )


def _newcomers(
    state: State, means: dict[str, float], fresh: dict[tuple[str, bool], list[float]]
) -> Iterator[Newcomer]:
    for (service, priority), waits in fresh.items():
        counters = len(state.serving_counters(service)) or 1
        yield Newcomer(
            service=service,
            priority=priority,
            ahead=ahead_of(state, service, "any" if priority else None),
            estimate=summed_up(waits),
            each=means[service] / counters,
        )


def summed_up(waits: list[float]) -> Estimate:
    """Median and 80 % interval, in minutes."""
    ordered = sorted(waits)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)

    return Estimate(minutes=at(0.5), low=at(0.1), high=at(0.9))


def service_means(state: State) -> dict[str, float]:
    """Mean minutes by service: today's, shrunk towards the set mean where few were served."""
    sums: dict[str, list[float]] = {}
    for ticket in state.tickets.values():
        for served, _, called, finished in ticket.served:
            sums.setdefault(served, []).append((finished - called) / MINUTE)
    means = {}
    for service in state.setup.services:
        seen = sums.get(service.id, [])
        total = sum(min(x, 6 * service.mean_minutes) for x in seen)
        means[service.id] = (total + SHRINK * service.mean_minutes) / (len(seen) + SHRINK)
    return means


def copied(state: State) -> State:
    """A state of its own over the same frozen values."""
    return State(
        setup=state.setup,
        epoch=state.epoch,
        day=state.day,
        day_open=state.day_open,
        at=state.at,
        tickets=dict(state.tickets),
        waiting={k: dict(v) for k, v in state.waiting.items()},
        counters=dict(state.counters),
        suspended=state.suspended,
    )


class Future:
    """One future. `called`: ticket → when (ms); `newcomer`: (service, priority) → when one would be called."""

    def __init__(self, state: State, at: int, means: dict[str, float], chance: Random) -> None:
        self.state, self.at, self.means, self.chance = state, at, means, chance
        self.services = {s.id: s for s in state.setup.services}
        self.called: dict[str, int] = {}
        self.newcomer: dict[tuple[str, bool], int] = {}
        self._free: list[tuple[int, int]] = []

    def run(self) -> None:
        for counter in self.state.counters.values():
            if counter.open and counter.paused is None:
                heapq.heappush(self._free, (self._first_free(counter), counter.id))
        while self._free:
            at, freed = heapq.heappop(self._free)
            self._next(freed, at)

    def _first_free(self, counter: CounterNow) -> int:
        if counter.ticket is None:
            return self.at
        ticket = self.state.tickets[counter.ticket]
        elapsed = max(0.0, (self.at - ticket.called_at) / MINUTE)
        return self.at + int(self._residual(ticket.service, elapsed) * MINUTE)

    def _next(self, counter_id: int, at: int) -> None:
        counter = self.state.counters[counter_id]
        if counter.ticket is not None:
            self._finish(counter, at)
        choice = call_next(self.state, counter_id, at)
        ordinary_next = choice is None
        waiting = able(self.state, counter, at) if choice is not None else []
        priority_next = choice is None or (
            choice.reason.code not in BOUND_CODES and all(t.priority is None for t in waiting)
        )
        for service in counter.serves:
            if priority_next:
                self.newcomer.setdefault((service, True), at)
            if ordinary_next:
                self.newcomer.setdefault((service, False), at)
        if choice is None:
            return
        self.called[choice.ticket] = at
        service = self.state.tickets[choice.ticket].service
        apply(
            self.state,
            e.TicketCalled(
                ticket=choice.ticket,
                counter=counter_id,
                reason=choice.reason,
                passed=choice.passed,
            ),
            at,
        )
        heapq.heappush(self._free, (at + int(self._draw(service) * MINUTE), counter_id))

    def _finish(self, counter: CounterNow, at: int) -> None:
        assert counter.ticket is not None
        ticket = self.state.tickets[counter.ticket]
        then = ticket.then[0] if ticket.then else ""
        apply(self.state, e.ServiceFinished(ticket=ticket.id, counter=counter.id, then=then), at)

    def _draw(self, service: str) -> float:
        return lognormal(self.chance, self.means[service], self._spread(service))

    def _residual(self, service: str, elapsed: float) -> float:
        """What is left of a service that has taken `elapsed` minutes: drawn again until it is longer."""
        for _ in range(12):
            drawn = self._draw(service)
            if drawn > elapsed:
                return drawn - elapsed
        return self.chance.expovariate(1 / self.means[service])

    def _spread(self, service: str) -> float:
        known: Service | None = self.services.get(service)
        return known.cv if known else 0.7


def lognormal(chance: Random, mean: float, cv: float) -> float:
    """A lognormal number of this mean and coefficient of variation."""
    variance = math.log(1 + cv * cv)
    return chance.lognormvariate(math.log(mean) - variance / 2, math.sqrt(variance))
