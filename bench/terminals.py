"""(t) Thirty terminals on one line, in made time: a round, a press in it, and all thirty at once."""

from __future__ import annotations

from typing import Any

from firmware_bridge.bus import BITS_A_BYTE

from .asks import quantiles
from .bus_line import Room

TERMINALS = 30
BAUDS = (115_200, 19_200)
POLL_BYTES, PRESS_BYTES = 21, 31


def terminal_rows(small: bool) -> tuple[dict[str, Any], list[tuple[str, str, str]]]:
    found, rows = {}, []
    for baud in BAUDS:
        found[str(baud)] = here = measure_line(baud, 20 if small else 200)
        name = f"(t) {TERMINALS} terminals, {baud:,} baud"
        rows += [
            (f"{name}: idle round", f"{here['round_s']:.2f} s", "–"),
            (
                f"{name}: press → stored",
                f"p50 {here['p50_ms']:.0f} ms, p99 {here['p99_ms']:.0f} ms; poll and press alone take "
                f"{here['alone_ms']:.1f} ms on the wire",
                "–",
            ),
            (
                f"{name}: all pressed at once",
                f"{here['all_at_once_s']:.2f} s, {here['lost']} lost, {here['doubled']} doubled",
                "0 lost, 0 doubled",
            ),
        ]
    return found, rows


def measure_line(baud: int, presses: int) -> dict[str, float]:
    """Seconds and milliseconds of made time; the master's rest of 50 ms between rounds is in the presses'."""
    idle = Room(TERMINALS, baud).rounds(20)
    p50, p99 = quantiles(single_presses(baud, presses))
    crowd = Room(TERMINALS, baud)
    crowd.rounds(2)
    began = crowd.line.time
    for station in crowd.line.stations:
        station.press(5)
    crowd.rounds(3)
    kept = crowd.kept()
    return {
        "round_s": sum(idle) / len(idle),
        "p50_ms": p50,
        "p99_ms": p99,
        "alone_ms": 1000 * (POLL_BYTES + PRESS_BYTES) * BITS_A_BYTE / baud,
        "all_at_once_s": max(crowd.stored) - began,
        "lost": TERMINALS - len(set(kept)),
        "doubled": len(kept) - len(set(kept)),
    }


def single_presses(baud: int, how_many: int) -> list[float]:
    """Seconds from a press, at any moment and any terminal, until it is in the bridge's store."""
    room = Room(TERMINALS, baud)
    line, waited = room.line, []
    room.rounds(2)
    for _ in range(how_many):
        station = room.station(line.chance.randint(1, TERMINALS))
        line.at(line.time + line.chance.random() * 2, lambda own=station: own.press(3))
        before = len(room.stored)
        while len(room.stored) == before:
            room.rounds(1)
        waited.append(room.stored[-1] - station.pressed[-1])
    return waited
