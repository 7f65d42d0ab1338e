"""Our own terminals on Wi-Fi: the very frames of the serial lines, each a message on the terminal's own topics.

A terminal greets with a status; the bridge answers with a poll, and the terminal's reply repeats the poll's
count under the tag. So a recorded or held-back frame is of no use after `POLL_LASTS_S`, and a press that was
counted is known by its number, as on a line (docs/terminals-wifi.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from queue_server.wire import messages as m

from .. import clock, frames
from ..bus import TROUBLE_LASTS_S
from ..clock import Moment
from ..frames import (
    Acknowledgement,
    Broken,
    Flaw,
    Frame,
    KeyPress,
    Kind,
    Lamp,
    PayloadWrong,
    Press,
    Status,
)
from ..store import CountsUsedUp, Kept, PressStore, StoreFailed
from ..terminals import (
    SEEN_AS,
    Counts,
    NotItsKind,
    Role,
    Screen,
    Terminal,
    Told,
    kept_press,
    read_told,
)
from .part import Quiet, Said, Say

log = structlog.get_logger()

POLL_LASTS_S = 10.0
KEY_POLL_LASTS_S = 2.0
"""A key acts at once or not at all: nobody may hold one back for long."""
OPEN_POLLS = 16
"""So many may be open at once: old greetings, played back, cannot shut out the answer to a poll."""
SILENT_AFTER_S = 900.0
"""A terminal greets every five minutes, so three greetings were missed."""
COUNTS_AT_ONCE = 1_000
AWAKE_S = 30.0
"""A terminal that spoke so lately is told what became of a press."""
ASK_DISPLAY_S = 10.0
"""A display is polled so often: one that has not been for half a minute takes its number away."""
SHOW_AGAIN_S = 2.0
"""A text that a display has not shown is said again at its next status, but not sooner."""
TOLD_ON_WIFI = frozenset({Kind.PRESS, Kind.KEY, Kind.STATUS})
"""New firmware has topics of its own (wifi_updates.py)."""


@dataclass
class _Watch:
    """What is known of one terminal since the start."""

    terminal: Terminal
    counts: Counts
    screen: Screen = field(default_factory=Screen)
    drawn_at: float = 0.0
    ask_at: float = 0.0
    """When a display is to be polled again."""
    polls: dict[int, float] = field(default_factory=dict)
    status: Status = Status(0)
    seen_ms: int = 0
    seen_at: float = 0.0
    empty_at: Moment | None = None
    sequence: int = 0
    trouble: str = ""
    trouble_until: float = 0.0

    def frame(self, kind: Kind, payload: bytes = b"") -> Frame:
        """The next frame to this terminal. Raises StoreFailed, CountsUsedUp."""
        count = self.counts.next()
        self.sequence = self.sequence % 255 + 1
        return Frame(self.terminal.address, self.sequence, kind, count, payload)

    def answers(self, told: Told, at: float) -> bool:
        """Whether the poll that it repeats is open still; `at`: monotonic seconds."""
        self.polls = {x: said for x, said in self.polls.items() if at - said < POLL_LASTS_S}
        lasts = KEY_POLL_LASTS_S if isinstance(told, KeyPress) else POLL_LASTS_S
        return told.poll in self.polls and at - self.polls[told.poll] < lasts

    def word(self, up: bool, at: float) -> str:
        if not up:
            return "unplugged"
        if at < self.trouble_until:
            return self.trouble
        if not self.seen_ms:
            return "never_seen"
        return "ok" if at - self.seen_at < SILENT_AFTER_S else "silent"


@dataclass
class WifiTerminals(Quiet):
    """All terminals below `prefix`. `on_press` and `on_change` must not block."""

    prefix: str
    known: tuple[Terminal, ...]
    store: PressStore
    say: Say
    on_press: Callable[[], None] = lambda: None
    on_change: Callable[[], None] = lambda: None
    on_fresh: Callable[[str, str], None] = lambda _name, _version: None
    """A terminal is awake, and has told its firmware's version just now."""
    now: Callable[[], Moment] = clock.now
    monotonic: Callable[[], float] = time.monotonic
    _up: bool = False
    _watches: dict[str, _Watch] = field(default_factory=dict)
    _words: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._watches = {
            one.name: _Watch(one, Counts(self.store, one, COUNTS_AT_ONCE)) for one in self.known
        }

    def filters(self) -> tuple[str, ...]:
        return tuple(self._topic(one.name, "up") for one in self.known)

    def connected(self, up: bool) -> None:
        """Whoever is awake tells now what it has."""
        self._up = up
        for watch in self._watches.values() if up else ():
            self._guarded(watch, self._poll)

    def hear(self, said: Said) -> None:
        watch = self._of(said.topic)
        if watch is None or said.retained:
            return
        own = watch.terminal
        deframer = frames.Deframer(lambda address: own.key if address == own.address else None)
        for found in deframer.feed(said.payload):
            if isinstance(found, Broken):
                self._suspect(watch, found.flaw.value, quietly=found.flaw is Flaw.NOISE)
            elif found.kind in TOLD_ON_WIFI:
                self._take(watch, found)
        self._tell_changes()

    def tick(self) -> None:
        at = self.monotonic()
        for watch in self._watches.values() if self._up else ():
            if watch.terminal.role is Role.DISPLAY and at >= watch.ask_at:
                self._guarded(watch, self._poll)
        self._tell_changes()

    def terminals(self) -> tuple[m.TerminalSeen, ...]:
        return tuple(self._seen(watch) for watch in self._watches.values())

    def show(self, terminal: str, lamp: Lamp) -> None:
        watch = self._watches.get(terminal)
        if watch is not None and self.monotonic() - watch.seen_at < AWAKE_S:
            self._guarded(watch, lambda one: self._send(one, Kind.LAMP, lamp.payload()))

    def display(self, counter: int, text: str, blink_s: float) -> None:
        at = self.monotonic()
        for watch in self._watches.values():
            own = watch.terminal
            if own.role is Role.DISPLAY and own.counter == counter:
                watch.screen.want(text, at + blink_s)
                self._guarded(watch, self._draw)

    # --- what a terminal told ---

    def _take(self, watch: _Watch, frame: Frame) -> None:
        told = self._read(watch, frame)
        if told is None:
            return
        if not watch.answers(told, self.monotonic()):
            self._guarded(watch, self._poll)  # a greeting, or too late: once more, please
            return
        watch.seen_ms, watch.seen_at = self.now().wall_ms, self.monotonic()
        if isinstance(told, Press | KeyPress):
            self._guarded(watch, lambda one: self._keep(one, frame.count, told))
        elif isinstance(told, Status):
            self._note(watch, told)

    def _read(self, watch: _Watch, frame: Frame) -> Told | None:
        try:
            return read_told(watch.terminal.role, frame)
        except NotItsKind:
            self._suspect(watch, "kind")
        except PayloadWrong:
            self._suspect(watch, "payload_wrong")
        return None

    def _note(self, watch: _Watch, status: Status) -> None:
        watch.status = status
        watch.empty_at = self.now() if status.waiting == 0 else watch.empty_at
        if self.monotonic() - watch.drawn_at >= SHOW_AGAIN_S:
            self._guarded(watch, self._draw)
        self.on_fresh(watch.terminal.name, _version(status))

    def _keep(self, watch: _Watch, count: int, press: Press | KeyPress) -> None:
        own = watch.terminal
        kept = self.store.keep(*kept_press(own, count, press, watch.empty_at, self.now()))
        if kept is Kept.REPLAYED:
            self._suspect(watch, "count_went_back")
            return
        self._send(watch, Kind.ACKNOWLEDGEMENT, Acknowledgement(count).payload())
        log.info("press_kept", terminal=own.name, count=count, kept=kept.value)
        self._poll(watch)
        if kept is Kept.NEW:
            self.on_press()

    # --- what a terminal is told ---

    def _poll(self, watch: _Watch) -> None:
        poll = self._send(watch, Kind.POLL)
        watch.polls[poll.count] = at = self.monotonic()
        watch.ask_at = at + (SHOW_AGAIN_S if at - watch.drawn_at < SHOW_AGAIN_S else ASK_DISPLAY_S)
        while len(watch.polls) > OPEN_POLLS:
            del watch.polls[next(iter(watch.polls))]

    def _draw(self, watch: _Watch) -> None:
        """Say to a display what it does not show yet, and ask whether it does."""
        at = self.monotonic()
        wanted = watch.screen.due(watch.status.shown, at)
        if wanted is None:
            return
        sent = self._send(watch, Kind.DISPLAY, wanted.payload())
        watch.screen.sent(sent.sequence)
        watch.drawn_at = at
        self._poll(watch)

    def _send(self, watch: _Watch, kind: Kind, payload: bytes = b"") -> Frame:
        frame = watch.frame(kind, payload)
        self.say(
            self._topic(watch.terminal.name, "down"),
            frames.encode(frame, watch.terminal.key),
            False,
        )
        return frame

    def _guarded(self, watch: _Watch, do: Callable[[_Watch], object]) -> None:
        """What the disk does not take is not acknowledged: the terminal tells it again."""
        try:
            do(watch)
        except CountsUsedUp:
            self._suspect(watch, "counts_used_up")
        except StoreFailed as error:
            log.error("press_store_failed", terminal=watch.terminal.name, error=str(error))
            self._suspect(watch, "store_failed")

    # --- how they are ---

    def _suspect(self, watch: _Watch, why: str, quietly: bool = False) -> None:
        if quietly:
            log.debug("frame_spoiled", terminal=watch.terminal.name)
            return
        log.warning("frame_refused", terminal=watch.terminal.name, why=why)
        watch.trouble, watch.trouble_until = why, self.monotonic() + TROUBLE_LASTS_S

    def _tell_changes(self) -> None:
        words = {name: x.word(self._up, self.monotonic()) for name, x in self._watches.items()}
        if words != self._words:
            self._words = words
            self.on_change()

    def _seen(self, watch: _Watch) -> m.TerminalSeen:
        own, status = watch.terminal, watch.status
        return m.TerminalSeen(
            name=own.name,
            kind=SEEN_AS[own.role],
            counter=own.counter,
            make="wifi",
            state=watch.word(self._up, self.monotonic()),
            seen=watch.seen_ms,
            battery=None if status.battery == frames.ON_MAINS else status.battery,
            version=_version(status),
            key=own.key_id,
            waiting=status.waiting,
            lost=status.lost,
        )

    def _topic(self, name: str, way: str) -> str:
        return f"{self.prefix}/{name}/{way}"

    def _of(self, topic: str) -> _Watch | None:
        name = topic.removeprefix(f"{self.prefix}/").removesuffix("/up")
        return self._watches.get(name) if topic == self._topic(name, "up") else None


def _version(status: Status) -> str:
    return ".".join(map(str, status.firmware)) if any(status.firmware) else ""
