"""Bought switches and lights that are on while their counter calls somebody."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from queue_server.wire import messages as m

from .. import clock
from .dialects import Dialect, Unreadable
from .part import Quiet, Said, Say
from .standing import Standing

log = structlog.get_logger()

CALLING = "calling"


@dataclass
class CallLamp:
    """One lamp at one counter. `output` "" is the device's usual one."""

    name: str
    counter: int
    speaks: str
    dialect: Dialect
    output: str = ""
    longest_s: float = 120.0
    standing: Standing = field(default_factory=Standing)
    called: str = ""
    """The number that is being called; "" for none."""
    until: float = 0.0

    def take(self, state: m.CounterState, at: float) -> None:
        """`at`: monotonic seconds. The same call once more does not light it for longer."""
        number = (state.number or "?") if state.state == CALLING else ""
        if number and number != self.called:
            self.until = at + self.longest_s
        self.called = number

    def lit(self, at: float) -> bool:
        return bool(self.called) and at < self.until


@dataclass
class Lamps(Quiet):
    """A lamp is told when it has to change, and all of it again when its broker or itself comes back."""

    lamps: list[CallLamp]
    say: Say
    on_change: Callable[[], None] = lambda: None
    monotonic: Callable[[], float] = time.monotonic
    _up: bool = False
    _told: dict[str, bool] = field(default_factory=dict)

    def filters(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(f for lamp in self.lamps for f in lamp.dialect.filters()))

    def connected(self, up: bool) -> None:
        self._up = up
        self._told.clear()
        self._tell()

    def counter(self, state: m.CounterState) -> None:
        for lamp in self.lamps:
            if lamp.counter == state.counter:
                lamp.take(state, self.monotonic())
        self._tell()

    def hear(self, said: Said) -> None:
        for lamp in self.lamps:
            try:
                heard = lamp.dialect.read(said.topic, said.payload)
            except Unreadable as flaw:
                log.warning("foreign_unreadable", terminal=lamp.name, why=str(flaw))
                continue
            was_there = lamp.standing.online and lamp.standing.gateway
            now_ms = clock.now().wall_ms
            changes = [lamp.standing.note(one, now_ms, said.retained) for one in heard]
            if any(changes):
                self.on_change()
            if lamp.standing.online and lamp.standing.gateway and not was_there:
                self._told.pop(lamp.name, None)
                self._tell()

    def tick(self) -> None:
        self._tell()

    def terminals(self) -> tuple[m.TerminalSeen, ...]:
        return tuple(
            m.TerminalSeen(
                name=lamp.name,
                kind="lamp",
                counter=lamp.counter,
                make=lamp.speaks,
                state=lamp.standing.word(self._up),
                seen=lamp.standing.seen_ms,
            )
            for lamp in self.lamps
        )

    def _tell(self) -> None:
        if not self._up:
            return
        for lamp in self.lamps:
            lit = lamp.lit(self.monotonic())
            if self._told.get(lamp.name) is not lit:
                topic, payload = lamp.dialect.light(lamp.output, lit)
                self.say(topic, payload, False)
                self._told[lamp.name] = lit
