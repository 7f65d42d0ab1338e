"""The master of one line: polls its terminals by address, and acknowledges presses once they are stored.

A half-duplex bus has one master, so terminals speak only when polled. Each poll carries a count that was
never used before and the reply repeats it under the tag: a recorded reply is of no use at another time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from . import clock, frames, ota
from .clock import Moment
from .frames import (
    Acknowledgement,
    Broken,
    Flaw,
    Frame,
    KeyPress,
    Kind,
    Lamp,
    OfUpdate,
    PayloadWrong,
    Press,
    Status,
)
from .port import Port, PortGone
from .store import CountsUsedUp, Kept, PressStore, StoreFailed
from .terminals import Counts, NotItsKind, Role, Screen, Terminal, Told, kept_press, read_told

log = structlog.get_logger()

REOPEN_S = 1.0
BITS_A_BYTE = 10
TURN_ROUND_S = 0.00175
"""Silence before the line changes its direction (Modbus' fixed time for more than 19,200 baud)."""
COUNTS_AT_ONCE = 10_000
"""Counts reserved by one write to the disk; a restart skips what is left of them."""
SILENT_AFTER = 5
SLOWEST_POLL_S = 2.0
LAMP_WITHIN_S = 3.0
"""A lamp that could not be shown for so long is forgotten: the visitor has gone."""
TROUBLE_LASTS_S = 60.0
"""A refused frame stays the terminal's state for so long, so that presence does not flicker."""
PIECES_A_ROUND = 2
"""Pieces of new firmware that one round carries, to all terminals together: presses of the others must not wait."""
OFFERS_A_ROUND = 1
WANTS_FOR_S = 5.0
"""A terminal that asked for a piece so lately is in the queue for one."""


@dataclass(frozen=True)
class Timing:
    """`baud` of the line; `pause_s` between rounds; `reply_s` that a terminal may think before it answers."""

    baud: int = 115_200
    pause_s: float = 0.05
    reply_s: float = 0.06

    def on_wire(self, size: int) -> float:
        return size * BITS_A_BYTE / self.baud

    def deadline(self, sent: int) -> float:
        """Seconds from writing `sent` bytes until a reply must be complete."""
        return self.on_wire(sent + frames.MAX_ON_WIRE) + self.reply_s


@dataclass(frozen=True)
class TerminalHealth:
    """`state`: never_seen, ok, silent, or what is wrong (forged, stale, count_went_back …)."""

    name: str
    state: str
    seen_ms: int = 0
    battery: int = frames.ON_MAINS
    waiting: int = 0
    lost: int = 0
    firmware: tuple[int, int] = (0, 0)
    refused_frames: int = 0


class _Watch:
    """What the master knows of one terminal since it started."""

    def __init__(
        self, terminal: Terminal, store: PressStore, monotonic: Callable[[], float]
    ) -> None:
        self.terminal = terminal
        self._monotonic = monotonic
        self.counts = Counts(store, terminal, COUNTS_AT_ONCE)
        self.sequence = 0
        self.next_poll = 0.0
        self.misses = 0
        self.seen_ms = 0
        self.empty_at: Moment | None = None
        self.refused_frames = 0
        self._trouble = ""
        self._trouble_until = 0.0
        self.told = ("never_seen", 0)
        self.status = Status(0)
        self.lamp: Lamp | None = None
        self.lamp_sequence = 0
        self.lamp_until = 0.0
        self.screen = Screen()
        self.wants_until = 0.0
        self.fed_at = 0.0

    def next_sequence(self) -> int:
        self.sequence = self.sequence % 255 + 1
        return self.sequence

    @property
    def state(self) -> str:
        if self._monotonic() < self._trouble_until:
            return self._trouble
        if self.misses >= SILENT_AFTER:
            return "silent" if self.seen_ms else "never_seen"
        return "ok" if self.seen_ms else "never_seen"

    def blame(self, why: str) -> None:
        self._trouble = why
        self._trouble_until = self._monotonic() + TROUBLE_LASTS_S

    def out_of_service(self, why: str) -> None:
        self.blame(why)
        self.next_poll = self._monotonic() + SLOWEST_POLL_S

    def health(self) -> TerminalHealth:
        last = self.status
        return TerminalHealth(
            name=self.terminal.name,
            state=self.state,
            seen_ms=self.seen_ms,
            battery=last.battery,
            waiting=last.waiting,
            lost=last.lost,
            firmware=last.firmware,
            refused_frames=self.refused_frames,
        )


def _nothing() -> None: ...


def _nothing_to_say(_terminal: str, _about: object) -> list[ota.Message]:
    return []


@dataclass
class Bus:
    """One port and its terminals. A port that is not there is tried again each second until `stop()`."""

    path: str
    terminals: tuple[Terminal, ...]
    store: PressStore
    timing: Timing = Timing()
    on_press: Callable[[], None] = _nothing
    """Called in the bus's thread after a new press is in the store; must not block."""
    on_change: Callable[[], None] = _nothing
    """Called in the bus's thread when the port's or a terminal's state, or its lost presses, have changed;
    must not block.
    """
    on_fresh: Callable[[str, str], list[ota.Message]] = _nothing_to_say
    """A terminal told its firmware's version just now: what is to be said to it about new firmware."""
    on_update: Callable[[str, ota.Message], list[ota.Message]] = _nothing_to_say
    """What a terminal told of new firmware, and what is to be answered."""
    now: Callable[[], Moment] = clock.now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    plugged: bool = False
    _told: tuple[bool, str] | None = None
    _pieces_left: int = 0
    _offers_left: int = 0
    _watches: dict[int, _Watch] = field(default_factory=dict)
    _by_name: dict[str, _Watch] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        for terminal in self.terminals:
            watch = _Watch(terminal, self.store, self.monotonic)
            self._watches[terminal.address] = self._by_name[terminal.name] = watch

    # --- life ---

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name=f"bus {self.path}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join(5.0)

    def show(self, terminal: str, lamp: Lamp) -> None:
        """Light a terminal's lamp at the next poll; repeated until it says that it did. A newer lamp wins."""
        watch = self._by_name.get(terminal)
        if watch is None:
            return
        with self._lock:
            watch.lamp, watch.lamp_sequence = lamp, 0
            watch.lamp_until = self.monotonic() + LAMP_WITHIN_S

    def display(self, counter: int, text: str, blink_s: float = 0.0) -> None:
        """Show a text on the displays of a counter from the next poll on, blinking for so long from now.

        Sent until the display says that it shows it, and again after it lost power.
        """
        for watch in self._watches.values():
            own = watch.terminal
            if own.role is Role.DISPLAY and own.counter == counter:
                with self._lock:
                    watch.screen.want(text, self.monotonic() + blink_s)

    def health(self) -> list[TerminalHealth]:
        return [watch.health() for watch in self._watches.values()]

    # --- the bus's thread ---

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with Port(self.path, self.timing.baud) as port:
                    self._set_plugged(True)
                    self._serve(port)
            except PortGone as error:
                self._set_plugged(False, str(error))
                self._stop.wait(REOPEN_S)

    def _serve(self, port: Port) -> None:
        deframer = self.deframer()
        while not self._stop.is_set():
            self.round(port, deframer)
            self._stop.wait(self.timing.pause_s)

    def round(self, port: Port, deframer: frames.Deframer) -> None:
        """Visit each terminal whose turn has come, once. Raises PortGone."""
        self._pieces_left, self._offers_left = PIECES_A_ROUND, OFFERS_A_ROUND
        for watch in self._due():
            if self._stop.is_set():
                return
            self._visit(port, deframer, watch)
        self._tell_states()

    def deframer(self) -> frames.Deframer:
        """For what this line says; it knows the keys of our terminals."""
        return frames.Deframer(self._key_of)

    def _due(self) -> list[_Watch]:
        now = self.monotonic()
        return [watch for watch in self._watches.values() if watch.next_poll <= now]

    def _visit(self, port: Port, deframer: frames.Deframer, watch: _Watch) -> None:
        try:
            self._exchange(port, deframer, watch)
        except CountsUsedUp:
            watch.out_of_service("counts_used_up")
        except StoreFailed as error:
            log.error("press_store_failed", terminal=watch.terminal.name, error=str(error))
            watch.out_of_service("store_failed")

    def _tell_states(self) -> None:
        """A state also changes while another terminal is visited: by a frame that names it, or by time."""
        changed = False
        for watch in self._watches.values():
            is_now = watch.state, watch.status.lost
            if is_now != watch.told:
                watch.told, changed = is_now, True
                state, lost = is_now
                log.info("terminal_state", terminal=watch.terminal.name, state=state, lost=lost)
        if changed:
            self.on_change()

    def _exchange(self, port: Port, deframer: frames.Deframer, watch: _Watch) -> None:
        poll, size = self._say(port, watch, Kind.POLL)
        reply = self._reply(port, deframer, watch, poll, self.timing.deadline(size))
        if reply is None:
            self._missed(watch)
            return
        frame, told = reply
        watch.misses, watch.next_poll = 0, 0.0
        watch.seen_ms = self.now().wall_ms
        self.sleep(TURN_ROUND_S)
        if isinstance(told, Status):
            self._note(watch, told)
        elif not isinstance(told, OfUpdate):
            self._take(port, watch, frame, told)
        self._light(port, watch)
        self._draw(port, watch)
        self._update(port, watch, told)

    def _say(
        self, port: Port, watch: _Watch, kind: Kind, payload: bytes = b""
    ) -> tuple[Frame, int]:
        own = watch.terminal
        frame = Frame(own.address, watch.next_sequence(), kind, watch.counts.next(), payload)
        data = frames.encode(frame, own.key)
        port.write(data)
        return frame, len(data)

    def _reply(
        self, port: Port, deframer: frames.Deframer, watch: _Watch, poll: Frame, seconds: float
    ) -> tuple[Frame, Told] | None:
        """The genuine answer to `poll`, or None when the time is over; all else is counted and dropped."""
        until = self.monotonic() + seconds
        while (left := until - self.monotonic()) > 0:
            for found in deframer.feed(port.read(left)):
                told = self._answer_in(found, poll)
                if told is not None:
                    return told
        return None

    def _answer_in(self, found: Frame | Broken, poll: Frame) -> tuple[Frame, Told] | None:
        if isinstance(found, Broken):
            self._refuse(found)
            return None
        if found.kind not in frames.FROM_TERMINAL:
            return None  # our own words: two-wire adapters give them back
        told = self._read(found)
        if told is None:
            return None
        if found.address != poll.address or told.poll != poll.count:
            self._suspect(found.address, "stale")
            return None
        return found, told

    def _read(self, frame: Frame) -> Told | None:
        try:
            return read_told(self._watches[frame.address].terminal.role, frame)
        except NotItsKind:
            self._suspect(frame.address, "kind")
        except PayloadWrong:
            self._suspect(frame.address, "payload_wrong")
        return None

    # --- what a terminal told ---

    def _take(self, port: Port, watch: _Watch, frame: Frame, press: Press | KeyPress) -> None:
        own = watch.terminal
        kept = self.store.keep(*kept_press(own, frame.count, press, watch.empty_at, self.now()))
        if kept is Kept.REPLAYED:
            self._suspect(own.address, "count_went_back")
            return
        self._say(port, watch, Kind.ACKNOWLEDGEMENT, Acknowledgement(frame.count).payload())
        log.info("press_kept", terminal=own.name, count=frame.count, kept=kept.value)
        if kept is Kept.NEW:
            self.on_press()

    def _note(self, watch: _Watch, status: Status) -> None:
        watch.status = status
        if status.waiting == 0:
            watch.empty_at = self.now()
        with self._lock:
            if watch.lamp_sequence and status.shown == watch.lamp_sequence:
                watch.lamp = None

    def _light(self, port: Port, watch: _Watch) -> None:
        with self._lock:
            lamp = watch.lamp
            if lamp is None:
                return
            if self.monotonic() > watch.lamp_until:
                watch.lamp = None
                return
        sent, _ = self._say(port, watch, Kind.LAMP, lamp.payload())
        with self._lock:
            if watch.lamp is lamp:
                watch.lamp_sequence = sent.sequence

    def _draw(self, port: Port, watch: _Watch) -> None:
        with self._lock:
            wanted = watch.screen.due(watch.status.shown, self.monotonic())
        if wanted is None:
            return
        sent, _ = self._say(port, watch, Kind.DISPLAY, wanted.payload())
        with self._lock:
            watch.screen.sent(sent.sequence)

    def _update(self, port: Port, watch: _Watch, told: Told) -> None:
        """New firmware, behind everything else, and no more of it than a round may carry."""
        match told:
            case OfUpdate(message=ota.Want() as want):
                watch.wants_until = self.monotonic() + WANTS_FOR_S
                if self._its_turn(watch):
                    answers = self.on_update(watch.terminal.name, want)
                    self._pieces_left -= len(answers)
                    watch.fed_at = self.monotonic()
                    self._tell(port, watch, answers)
            case OfUpdate(message=report):
                self.on_update(watch.terminal.name, report)
            case Status(firmware=version) if self._offers_left:
                told_version = ".".join(map(str, version)) if any(version) else ""
                answers = self.on_fresh(watch.terminal.name, told_version)
                self._offers_left -= len(answers)
                self._tell(port, watch, answers)

    def _its_turn(self, watch: _Watch) -> bool:
        """Whether a piece is left for this one when those have theirs that have waited longer."""
        now = self.monotonic()
        before = [
            other
            for other in self._watches.values()
            if other.wants_until > now and other.fed_at < watch.fed_at
        ]
        return len(before) < self._pieces_left

    def _tell(self, port: Port, watch: _Watch, messages: list[ota.Message]) -> None:
        """Long frames: the line is given the time for them, so that it is not taken from the next reply's."""
        for message in messages:
            _, size = self._say(port, watch, frames.UPDATE_KINDS[type(message)], message.body())
            self.sleep(self.timing.on_wire(size) + TURN_ROUND_S)

    def _missed(self, watch: _Watch) -> None:
        """A terminal that is silent is polled ever less often, so that it does not slow the others."""
        watch.misses += 1
        if watch.misses >= SILENT_AFTER:
            slower = 0.1 * 2 ** min(watch.misses - SILENT_AFTER, 8)
            watch.next_poll = self.monotonic() + min(SLOWEST_POLL_S, slower)

    # --- what is refused ---

    def _refuse(self, broken: Broken) -> None:
        if broken.flaw is Flaw.NOISE:
            log.debug("frame_spoiled", port=self.path)
            return
        self._suspect(broken.address, broken.flaw.value)

    def _suspect(self, address: int, why: str) -> None:
        """Count a frame that was sound on the line but not genuine, fresh or understood."""
        watch = self._watches.get(address)
        name = watch.terminal.name if watch is not None else f"address {address}"
        log.warning("frame_refused", terminal=name, why=why, port=self.path)
        if watch is not None:
            watch.refused_frames += 1
            watch.blame(why)

    def _key_of(self, address: int) -> bytes | None:
        watch = self._watches.get(address)
        return None if watch is None else watch.terminal.key

    def _set_plugged(self, plugged: bool, why: str = "") -> None:
        if (plugged, why) == self._told:
            return
        self.plugged, self._told = plugged, (plugged, why)
        log.info("port_opened" if plugged else "port_gone", port=self.path, why=why)
        self.on_change()
