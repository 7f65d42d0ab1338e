"""Our own terminals on Wi-Fi: the very frames of the serial lines, each a message on the terminal's own topics.

A terminal greets with a status; the bridge answers with a poll, and the terminal's reply repeats the poll's
count under the tag. So a recorded or held-back frame is of no use after `POLL_LASTS_S`, and a press that was
counted is known by its number, as on a line (docs/terminals-wifi.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
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
    Kind,
    Lamp,
    PayloadWrong,
    Press,
    Status,
)
from ..store import CountsUsedUp, Kept, KeptPress, PressStore, StoreFailed
from ..terminals import AGE_UNKNOWN, Terminal, press_age
from .part import Quiet, Said, Say

log = structlog.get_logger()

POLL_LASTS_S = 10.0
OPEN_POLLS = 16
"""So many may be open at once: old greetings, played back, cannot shut out the answer to a poll."""
SILENT_AFTER_S = 900.0
"""A terminal greets every five minutes, so three greetings were missed."""
COUNTS_AT_ONCE = 1_000
AWAKE_S = 30.0
"""A terminal that spoke so lately is told what became of a press."""


@dataclass
class _Watch:
    """What is known of one terminal since the start."""

    terminal: Terminal
    store: PressStore
    polls: dict[int, float] = field(default_factory=dict)
    status: Status = Status(0)
    seen_ms: int = 0
    seen_at: float = 0.0
    empty_at: Moment | None = None
    sequence: int = 0
    trouble: str = ""
    trouble_until: float = 0.0
    _counts: Iterator[int] = field(default_factory=lambda: iter(()))

    def frame(self, kind: Kind, payload: bytes = b"") -> Frame:
        """The next frame to this terminal. Raises StoreFailed, CountsUsedUp."""
        count = next(self._counts, None)
        if count is None:
            own = self.terminal
            counts = self.store.reserve_counts(own.name, own.key_id, COUNTS_AT_ONCE)
            self._counts = iter(counts)
            count = next(self._counts)
        self.sequence = self.sequence % 255 + 1
        return Frame(self.terminal.address, self.sequence, kind, count, payload)

    def answers(self, poll: int, at: float) -> bool:
        """Whether a poll with this count is open still; `at`: monotonic seconds."""
        self.polls = {x: said for x, said in self.polls.items() if at - said < POLL_LASTS_S}
        return poll in self.polls

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
        self._watches = {one.name: _Watch(one, self.store) for one in self.known}

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
            elif found.kind in (Kind.PRESS, Kind.STATUS):
                self._take(watch, found)
        self._tell_changes()

    def tick(self) -> None:
        self._tell_changes()

    def terminals(self) -> tuple[m.TerminalSeen, ...]:
        return tuple(self._seen(watch) for watch in self._watches.values())

    def show(self, terminal: str, lamp: Lamp) -> None:
        watch = self._watches.get(terminal)
        if watch is not None and self.monotonic() - watch.seen_at < AWAKE_S:
            self._guarded(watch, lambda one: self._send(one, Kind.LAMP, lamp.payload()))

    # --- what a terminal told ---

    def _take(self, watch: _Watch, frame: Frame) -> None:
        try:
            told = (Press if frame.kind is Kind.PRESS else Status).read(frame.payload)
        except PayloadWrong:
            self._suspect(watch, "payload_wrong")
            return
        if not watch.answers(told.poll, self.monotonic()):
            self._guarded(watch, self._poll)  # a greeting, or too late: once more, please
            return
        watch.seen_ms, watch.seen_at = self.now().wall_ms, self.monotonic()
        if isinstance(told, Press):
            self._guarded(watch, lambda one: self._keep(one, frame.count, told))
        else:
            watch.status = told
            watch.empty_at = self.now() if told.waiting == 0 else watch.empty_at
            self.on_fresh(watch.terminal.name, _version(told))

    def _keep(self, watch: _Watch, count: int, press: Press) -> None:
        own, now = watch.terminal, self.now()
        age = press_age(press, watch.empty_at, now)
        kept = self.store.keep(
            KeptPress(
                terminal=own.name,
                key_id=own.key_id,
                count=count,
                counter=own.counter,
                score=press.button,
                pressed=now.before(press.age_ms if age is None else age),
            ),
            refusal=AGE_UNKNOWN if age is None else "",
        )
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
        watch.polls[poll.count] = self.monotonic()
        while len(watch.polls) > OPEN_POLLS:
            del watch.polls[next(iter(watch.polls))]

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
