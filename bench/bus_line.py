"""A half-duplex line in made time: the real master and the firmware's own terminals, byte times and collisions.

What is modelled: 10 bits a byte; a driver lets go of the line `RELEASE_S` after its last bit; a terminal
answers `think` after the poll's last byte; the adapter brings bytes to the master `latency_s` after they
ended; two that drive the line at once spoil both frames for everybody; nobody hears while it speaks.
"""

from __future__ import annotations

import heapq
import io
import itertools
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from firmware_bridge.bus import BITS_A_BYTE, Bus, Timing
from firmware_bridge.clock import Moment
from firmware_bridge.firmware import frame as own
from firmware_bridge.firmware.press_log import PressLog
from firmware_bridge.firmware.roles import Role
from firmware_bridge.firmware.terminal import TURN_ROUND_MS
from firmware_bridge.firmware.terminal import Terminal as Firmware
from firmware_bridge.store import PressStore
from firmware_bridge.terminals import Terminal

RELEASE_S = 0.0005
"""Adapters without a DE pin hold the line for about a byte longer."""
NOON_MS = 1_763_000_000_000


@dataclass(frozen=True)
class Sent:
    """Bytes that somebody drives onto the line."""

    sender: int
    start: float
    end: float
    data: bytes

    def meets(self, other: Sent) -> bool:
        apart = self.start >= other.end + RELEASE_S or other.start >= self.end + RELEASE_S
        return self.sender != other.sender and not apart


@dataclass
class Line:
    """Time, the wire and what is going to happen; `MASTER` is the sender 0."""

    baud: int
    latency_s: float
    chance: random.Random
    time: float = 0.0
    spoiled: int = 0
    stations: list[Station] = field(default_factory=list)
    for_master: list[bytes] = field(default_factory=list)
    _sent: list[Sent] = field(default_factory=list)
    _coming: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _turn: Iterator[int] = field(default_factory=itertools.count)
    _master_free: float = 0.0

    def at(self, when: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._coming, (when, next(self._turn), what))

    def drive(self, sender: int, start: float, data: bytes) -> float:
        """Put bytes on the wire from `start` on; returns when the last one ends."""
        sent = Sent(sender, start, start + len(data) * BITS_A_BYTE / self.baud, data)
        self._sent = [x for x in self._sent if x.end > self.time - 1.0] + [sent]
        self.at(sent.end, lambda: self._end(sent))
        return sent.end

    def _end(self, sent: Sent) -> None:
        data = sent.data
        if any(sent.meets(other) for other in self._sent):
            self.spoiled += 1
            data = self.chance.randbytes(len(data))
        for station in self.stations:
            if station.number != sent.sender:
                station.hear(data)
        if sent.sender != MASTER:
            self.at(sent.end + self.latency_s, lambda: self.for_master.append(data))

    # --- what the master sees of it ---

    def write(self, data: bytes) -> None:
        """As a driver's queue: behind what it has not sent yet."""
        self._master_free = self.drive(MASTER, max(self.time, self._master_free), data)

    def read(self, seconds: float) -> bytes:
        self._go_on(self.time + seconds, until_heard=True)
        return self.for_master.pop(0) if self.for_master else b""

    def sleep(self, seconds: float) -> None:
        self._go_on(self.time + seconds, until_heard=False)

    def _go_on(self, until: float, until_heard: bool) -> None:
        while not (until_heard and self.for_master):
            if not self._coming or self._coming[0][0] > until:
                self.time = until
                return
            self.time, _, what = heapq.heappop(self._coming)
            what()

    def moment(self) -> Moment:
        ms = round(self.time * 1000)
        return Moment(NOON_MS + ms, ms, "made")


MASTER = 0


class _Board:
    """On mains, and nothing to see."""

    def battery(self) -> int:
        return own.ON_MAINS


@dataclass
class Station:
    """The firmware's protocol on the line. `think`: seconds from the poll's end to its answer."""

    line: Line
    number: int
    address: int
    key: bytes
    think: Callable[[], float]
    alive: bool = True
    log: PressLog = field(default_factory=lambda: PressLog(io.BytesIO()))
    pressed: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        signer, board = own.Signer(self.key), _Board()
        role = Role(board, self.log)  # type: ignore[arg-type]
        self._firmware = Firmware(self.address, signer, self.log, role, board, 0)  # type: ignore[arg-type]
        self._deframer = own.Deframer(self.address, signer)

    def press(self, button: int) -> bool:
        self.pressed.append(self.line.time)
        return self.log.add(button, self._ms())

    def wants(self, update: object) -> None:
        """From now on it has this to say about new firmware, and hears of it."""
        self._firmware._update = update  # type: ignore[assignment]

    def hear(self, data: bytes) -> None:
        if not self.alive:
            return
        for heard in self._deframer.feed(data):
            reply = self._firmware.hear(heard, self._ms())
            if reply:
                self._speak_at(self.line.time + self.think(), reply)

    def _speak_at(self, when: float, reply: bytes) -> None:
        self.line.at(when, lambda: self.line.drive(self.number, when, reply))

    def _ms(self) -> int:
        return round(self.line.time * 1000)


class Room:
    """A master, its terminals and their line."""

    def __init__(
        self, how_many: int, baud: int, latency_s: float = 0.001, seed: int = 1, reply_ms: int = 60
    ) -> None:
        self.line = Line(baud, latency_s, random.Random(seed))
        self.terminals = tuple(
            Terminal(f"t{n}", n, n, bytes([n]) * own.KEY_BYTES) for n in range(1, how_many + 1)
        )
        self.line.stations = [
            Station(self.line, t.address, t.address, t.key, self.prompt) for t in self.terminals
        ]
        self.store = PressStore(Path(":memory:"))
        self.stored: list[float] = []
        self.timing = Timing(baud, 0.05, reply_ms / 1000)
        self.bus = Bus(
            "made",
            self.terminals,
            self.store,
            self.timing,
            on_press=lambda: self.stored.append(self.line.time),
            now=self.line.moment,
            monotonic=lambda: self.line.time,
            sleep=self.line.sleep,
        )
        self._deframer = self.bus.deframer()

    def prompt(self) -> float:
        """The firmware waits TURN_ROUND_MS of its own clock, whose step it has come into by chance."""
        return (TURN_ROUND_MS - self.line.chance.random()) / 1000

    def station(self, address: int) -> Station:
        return self.line.stations[address - 1]

    def round(self) -> float:
        """One round of the real master, without the rest after it; how long it took (s)."""
        before = self.line.time
        self.bus.round(self.line, self._deframer)  # type: ignore[arg-type]
        return self.line.time - before

    def rounds(self, how_many: int) -> list[float]:
        """Rounds with their rests between; the length of each without its rest."""
        took = []
        for _ in range(how_many):
            took.append(self.round())
            self.line.sleep(self.timing.pause_s)
        return took

    def kept(self) -> list[tuple[str, int]]:
        """Terminal and button of each press in the master's store, in its order."""
        return [(press.terminal, press.score) for press in self.store.waiting(10_000)]

    def states(self) -> set[str]:
        return {health.state for health in self.bus.health()}
