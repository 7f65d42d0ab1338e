"""How long one decision takes: the live line with two hundred waiting, by the rule and by the simple one."""

from __future__ import annotations

import time
from typing import Any

from msgspec.structs import replace

from queue_server.line.events import CounterOpened, DayStarted, SetupChanged, TicketIssued
from queue_server.line.next import call_next
from queue_server.line.setup import Counter, Rules, Service, Setup
from queue_server.line.state import State, apply
from queue_server.wire.words import MINUTE, Names

WAITING, COUNTERS, SERVICES = 200, 12, 8
Row = tuple[str, str, str]


def hall(policy: str) -> tuple[State, int]:
    """Two hundred visitors of eight services, who came one each ten seconds; twelve counters of three skills."""
    name = Names(vi="", en="")
    services = tuple(Service(id=f"s{k}", letter=chr(65 + k), name=name) for k in range(SERVICES))
    counters = tuple(
        Counter(
            id=k + 1,
            name=name,
            serves=tuple(f"s{(k + step) % SERVICES}" for step in range(3)),
        )
        for k in range(COUNTERS)
    )
    state, at = State(), 1_700_000_000_000
    setup = Setup(services=services, counters=counters, rules=Rules(policy=policy))
    apply(state, SetupChanged(setup=setup), at)
    apply(state, DayStarted(day="2023-11-15"), at)
    for counter in counters:
        apply(state, CounterOpened(counter=counter.id, officer="", serves=counter.serves), at)
    issued = TicketIssued(ticket="", number="", ordinal=0, service="", visit="", token="")
    for k in range(WAITING):
        at += 10_000
        service = services[k % SERVICES]
        ticket = replace(
            issued, ticket=f"t{k}", number=f"{service.letter}{k}", ordinal=k, service=service.id,
            token=f"t{k}", priority="elderly" if k % 9 == 0 else None,
        )  # fmt: skip
        apply(state, ticket, at)
    return state, at + 2 * MINUTE


def measure_decisions(count: int = 3_000) -> tuple[dict[str, Any], list[Row]]:
    found: dict[str, Any] = {}
    for policy in ("balanced", "first"):
        state, at = hall(policy)
        took = []
        for k in range(count):
            began = time.perf_counter()
            call_next(state, k % COUNTERS + 1, at + k)
            took.append(1000 * (time.perf_counter() - began))
        took.sort()
        found[policy] = {"p50_ms": took[len(took) // 2], "p99_ms": took[int(len(took) * 0.99)]}
    ours, simple = found["balanced"], found["first"]
    told = (
        f"p50 {ours['p50_ms']:.2f} ms, p99 {ours['p99_ms']:.2f} ms = "
        f"{ours['p50_ms'] / simple['p50_ms']:.1f} × the simple rule"
    )
    return found, [(f"(k) one decision, {WAITING} waiting", told, "p99 ≤ 20 ms")]
