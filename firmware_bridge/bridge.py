"""Between terminals and server: each stored press is asked of the server until it answers or refuses.

And the other way: the displays of a counter show what it is serving, and blink at a call.
"""

from __future__ import annotations

import datetime as dt
import queue
import threading
import time
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import PurePath

import msgspec
import structlog

from queue_server.wire import messages as m
from queue_server.wire import topics
from queue_server.wire.link import Incoming, Link, Refused
from queue_server.wire.words import DAY

from . import clock
from .bus import Bus, TerminalHealth
from .foreign.line import ForeignLine
from .frames import LONGEST_TEXT, ON_DISPLAYS, ON_MAINS, Colour, Lamp
from .settings import BridgeSettings
from .store import KeptPress, PressStore, StoreFailed, Tally
from .terminals import SEEN_AS, Terminal
from .updates import Updates

log = structlog.get_logger()

ASK_S = 10.0
"""After so long an ask is put anew, since the age that it tells has become wrong; its id stays."""
ASK_KEY_S = 2.0
"""The same for a key, which is only good for ten seconds."""
IN_FLIGHT = 50
VISITOR_WAITS_MS = 10_000
"""An answer that comes later lights no lamp: whoever stands there now did not press."""
TIDY_EVERY_S = 3600.0
AWAY_AFTER_S = 30.0
"""A server that has been away for so long leaves no number on the displays: better none than an old one."""
NOTHING_KNOWN = "--"


@dataclass(frozen=True)
class _Nudge:
    """Look at the store now."""


@dataclass(frozen=True)
class _Ended:
    press: KeptPress
    outcome: Future[m.Answer]


@dataclass(frozen=True)
class _Connected:
    up: bool


@dataclass(frozen=True)
class _Heard:
    incoming: Incoming


@dataclass
class Bridge:
    """Owns nothing that it is given: `start()` and `stop()` run link, buses and its own thread together."""

    link: Link
    store: PressStore
    buses: list[Bus]
    lamp_s: float = 2.0
    keep_days: int = 90
    blink_s: float = 10.0
    foreign: ForeignLine | None = None
    updates: Updates | None = None

    _inbox: queue.SimpleQueue[_Nudge | _Ended | _Connected | _Heard | None] = field(
        default_factory=queue.SimpleQueue
    )
    _asked: set[str] = field(default_factory=set)
    _tally: Tally | None = None
    _store_ok: bool = True
    _next_tidy: float = 0.0
    _away_since: float | None = field(default_factory=time.monotonic)
    _shown: dict[int, str] = field(default_factory=dict)
    _thread: threading.Thread | None = None

    # --- life ---

    def start(self) -> None:
        self.link.health, self.link.terminals = self.health, self.terminals
        self.link.on_connection = lambda up: self._inbox.put(_Connected(up))
        self.link.on_message = lambda incoming: self._inbox.put(_Heard(incoming))
        for bus in self.buses:
            bus.on_press, bus.on_change = self.nudge, self.link.announce
        self._thread = threading.Thread(target=self._work, name="bridge", daemon=True)
        self._thread.start()
        self.link.start()
        for bus in self.buses:
            bus.start()
        if self.foreign is not None:
            self.foreign.on_change = self.link.announce
            self.foreign.start()

    def stop(self) -> None:
        for bus in self.buses:
            bus.stop()
        if self.foreign is not None:
            self.foreign.stop()
        self.link.stop()
        self._inbox.put(None)
        if self._thread is not None:
            self._thread.join(5.0)

    def health(self) -> dict[str, str]:
        """For presence: ports, terminals and when they were last seen (UTC), presses waiting and refused."""
        words = {"store": "ok" if self._store_ok else "failed"}
        if self._tally is not None:
            words |= {"waiting": str(self._tally.waiting), "refused": str(self._tally.refused)}
        for bus in self.buses:
            words[f"port:{PurePath(bus.path).name}"] = "ok" if bus.plugged else "absent"
            for terminal in bus.health():
                words[f"terminal:{terminal.name}"] = terminal.state if bus.plugged else "unplugged"
                words[f"seen:{terminal.name}"] = _utc(terminal.seen_ms)
                words |= _worth_telling(terminal)
        if self.foreign is not None:
            words["foreign"] = "ok" if self.foreign.up else "absent"
            for seen in self.foreign.terminals():
                words |= _words_of(seen)
        return words

    def terminals(self) -> tuple[m.TerminalSeen, ...]:
        """For presence: every terminal, lamp and bought device as it is now."""
        serial = [
            _seen(terminal, health, bus.plugged)
            for bus in self.buses
            for terminal, health in zip(bus.terminals, bus.health(), strict=False)
        ]
        seen = (*serial, *(self.foreign.terminals() if self.foreign is not None else ()))
        if self.updates is None:
            return seen
        return tuple(
            msgspec.structs.replace(one, update=self.updates.word(one.name)) for one in seen
        )

    def want_firmware(self, wanted: dict[str, str]) -> None:
        if self.updates is not None:
            self.updates.want(wanted)

    def apply(self, settings: BridgeSettings) -> None:
        """What may change while it runs."""
        self.lamp_s, self.keep_days = settings.lamp_s, settings.keep_days

    # --- other threads ---

    def nudge(self) -> None:
        """There is something new in the store."""
        self._inbox.put(_Nudge())

    # --- the bridge's thread ---

    def _work(self) -> None:
        while (item := self._next()) is not None:
            try:
                self._attend(item)
                self._forward()
                self._tidy()
                self._no_old_numbers()
                self._store_ok = True
            except StoreFailed as error:
                log.error("press_store_failed", error=str(error))
                self._store_ok = False
                time.sleep(0.5)

    def _attend(self, item: _Nudge | _Ended | _Connected | _Heard) -> None:
        if isinstance(item, _Ended):
            self._end(item)
        elif isinstance(item, _Heard):
            self._hear(item.incoming)
        elif isinstance(item, _Connected):
            log.info("server_connected" if item.up else "server_away")
            self._away_since = None if item.up else time.monotonic()

    def _next(self) -> _Nudge | _Ended | _Connected | _Heard | None:
        try:
            return self._inbox.get(timeout=1.0)
        except queue.Empty:
            return _Nudge()

    def _forward(self) -> None:
        if self.link.connected:
            for press in self.store.waiting(IN_FLIGHT):
                if press.ask not in self._asked:
                    self._ask(press)
        self._tally = self.store.tally()

    def _ask(self, press: KeptPress) -> None:
        self._asked.add(press.ask)
        age_ms = clock.age_ms(press.pressed, clock.now())
        if press.key:
            outcome = self.link.ask("press_key", self._key(press, age_ms), ASK_KEY_S)
        else:
            outcome = self.link.ask("rate_pressed", _rating(press, age_ms), ASK_S)
        outcome.add_done_callback(lambda done: self._inbox.put(_Ended(press, done)))

    def _key(self, press: KeptPress, age_ms: int) -> m.KeyPressed:
        return m.KeyPressed(
            id=press.ask,
            counter=press.counter,
            key=m.Key(press.key),
            terminal=press.terminal,
            age_ms=age_ms,
            at=self.link.now(),
        )

    def _end(self, ended: _Ended) -> None:
        """Write the answer down and light the lamp; without an answer the press just goes on waiting."""
        press, error = ended.press, ended.outcome.exception()
        self._asked.discard(press.ask)
        if error is not None and not isinstance(error, Refused):
            return
        refusal = error.refusal.code if isinstance(error, Refused) else ""
        now = clock.now()
        self.store.end(press.ask, now.wall_ms, refusal)
        log.info(
            "press_refused" if refusal else "press_counted",
            terminal=press.terminal,
            count=press.count,
            refusal=refusal,
        )
        if clock.age_ms(press.pressed, now) <= VISITOR_WAITS_MS:
            self._light(press.terminal, Colour.AMBER if refusal else Colour.GREEN)

    def _light(self, terminal: str, colour: Colour) -> None:
        lamp = Lamp(colour, round(self.lamp_s * 10))
        for bus in self.buses:
            bus.show(terminal, lamp)
        if self.foreign is not None:
            self.foreign.show(terminal, lamp)

    # --- what the displays show ---

    def _hear(self, incoming: Incoming) -> None:
        """A counter's state, or a call. What cannot be read is left alone."""
        try:
            match topics.split(self.link.credentials.centre, incoming.topic):
                case ["counter", _]:
                    self._counter(m.decode(m.CounterState, incoming.payload))
                case ["calls"]:
                    self._call(m.decode(m.Call, incoming.payload))
                case ["presence", _] if self.foreign is not None and incoming.payload:
                    self.foreign.presence(m.decode(m.Presence, incoming.payload))
        except msgspec.DecodeError:
            log.warning("message_unreadable", topic=incoming.topic)

    def _counter(self, state: m.CounterState) -> None:
        if self.foreign is not None:
            self.foreign.counter(state)
        if self._shown.get(state.counter) != state.number:
            self._show(state.counter, state.number)

    def _call(self, call: m.Call) -> None:
        """First calls and recalls blink; one that the server's outbox brings late is no call any more."""
        if self.link.now() - call.at <= self.blink_s * 1000:
            self._show(call.counter, call.number, self.blink_s)

    def _show(self, counter: int, number: str, blink_s: float = 0.0) -> None:
        self._shown[counter] = number
        text = number.upper()[:LONGEST_TEXT]
        text = text if ON_DISPLAYS.issuperset(text) else NOTHING_KNOWN
        for bus in self.buses:
            bus.display(counter, text, blink_s)
        if self.foreign is not None:
            self.foreign.display(counter, text, blink_s)

    def _no_old_numbers(self) -> None:
        since = self._away_since
        if since is None or time.monotonic() - since < AWAY_AFTER_S:
            return
        for counter, number in self._shown.items():
            if number != NOTHING_KNOWN:
                self._show(counter, NOTHING_KNOWN)

    def _tidy(self) -> None:
        if time.monotonic() < self._next_tidy:
            return
        self._next_tidy = time.monotonic() + TIDY_EVERY_S
        self.store.forget_ended(clock.now().wall_ms - self.keep_days * DAY)


def _rating(press: KeptPress, age_ms: int) -> m.RatePressed:
    return m.RatePressed(
        id=press.ask,
        counter=press.counter,
        score=press.score,
        terminal=press.terminal,
        age_ms=age_ms,
    )


def _worth_telling(terminal: TerminalHealth) -> dict[str, str]:
    """The battery of a terminal that has one, and presses that a full log refused, if any."""
    words = {}
    if terminal.battery != ON_MAINS:
        words[f"battery:{terminal.name}"] = str(terminal.battery)
    if terminal.lost:
        words[f"lost:{terminal.name}"] = str(terminal.lost)
    return words


def _words_of(seen: m.TerminalSeen) -> dict[str, str]:
    words = {f"terminal:{seen.name}": seen.state, f"seen:{seen.name}": _utc(seen.seen)}
    if seen.battery is not None:
        words[f"battery:{seen.name}"] = str(seen.battery)
    if seen.lost:
        words[f"lost:{seen.name}"] = str(seen.lost)
    return words


def _seen(terminal: Terminal, health: TerminalHealth, plugged: bool) -> m.TerminalSeen:
    return m.TerminalSeen(
        name=terminal.name,
        kind=SEEN_AS[terminal.role],
        counter=terminal.counter,
        state=health.state if plugged else "unplugged",
        seen=health.seen_ms,
        battery=None if health.battery == ON_MAINS else health.battery,
        version=".".join(map(str, health.firmware)) if any(health.firmware) else "",
        key=terminal.key_id,
        waiting=health.waiting,
        lost=health.lost,
    )


def _utc(ms: int) -> str:
    if not ms:
        return "never"
    return dt.datetime.fromtimestamp(ms // 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
