"""The kiosk at work: reports go through the journey, its state onto the screen, its effects out."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import structlog
from kivy.clock import Clock as Frames
from kivy.uix.widget import Widget

from kiosk.touch.colours import palette_of
from kiosk.touch.style import CALM, HIGH_CONTRAST, Palette
from kiosk.touch.window import WindowSettings
from queue_server.wire import messages as m
from queue_server.wire import topics
from queue_server.wire.link import Incoming, Link, new_id
from queue_server.wire.texts import Texts
from queue_server.wire.words import local

from . import booking_reports as b
from . import finding_reports as f
from . import reports as r
from .cut_off import CutOff
from .doing import Clock, Doing
from .journey import decide
from .read_aloud import ReadingApp
from .reports import PrinterCondition
from .screens import draw
from .screens.scene import Scene, own_look
from .settings import KioskSettings
from .visit import (
    BOOKING,
    FINDING,
    State,
    Step,
    View,
    can_reprint,
    idle_left,
    is_away,
    ticket_left,
    view,
)

PULSE_S = 10.0
PULSE_WITHIN_S = 8.0
"""A broker may live on while the server behind it is gone: so the server is asked as well."""

log = structlog.get_logger()


class KioskApp(ReadingApp):
    """`hear(kind, **values)` may be called from any thread; all else is the screen's."""

    state: State

    def __init__(
        self, window: WindowSettings, settings: KioskSettings, texts: Texts, centre: str
    ) -> None:
        super().__init__(window, settings.reading, texts)
        self._clock = Clock()
        self.state = State(
            rules=settings.rules(),
            connection_changed=self._clock.now(),
            language=settings.languages[0],
            home_language=settings.languages[0],
        )
        self._settings, self._texts, self._centre = settings, texts, centre
        self._heard: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()
        self._drawn: object = None
        self._kept: dict[str, tuple[object, Widget]] = {}
        self._emblem = settings.emblem if Path(settings.emblem).is_file() else ""
        self._pulse_at = 0
        self.assist.strikes.double_s = settings.double_strike_ms / 1000
        self.assist.strikes.key_s = settings.key_strike_ms / 1000
        self.link: Link | None = None
        self.doing: Doing | None = None
        self.on_catalogue_version: Callable[[str], None] = lambda _: None
        self.on_errand: Callable[[f.OpenErrand], None] = lambda _: None
        """Opens what runs in a process of its own."""
        self.cut_off: CutOff | None = None

    # --- from other threads ---

    def hear(
        self,
        kind: type[r.Report] | None,
        then: Callable[[], None] = lambda: None,
        **values: Any,
    ) -> None:
        """Report `kind`, or do `then`, in the screen's thread and in the order of the calls."""
        at = self._clock.now()
        self._heard.append(lambda: self._report(kind, at, values) if kind else then())
        self.call_soon(self._work_off)

    def on_incoming(self, incoming: Incoming) -> None:
        """What the centre says on its topics; what cannot be read is left and logged."""
        place = topics.split(self._centre, incoming.topic)
        try:
            if place == ["setup"]:
                self._setup_came(m.decode(m.CentreSetup, incoming.payload))
            elif place == ["line"]:
                self.hear(r.LineCame, line=m.decode(m.LineState, incoming.payload))
            elif place[:1] == ["update"]:
                self.hear(r.UpdateCame, update=m.decode(m.TicketUpdate, incoming.payload))
        except msgspec.DecodeError as error:
            log.warning("unreadable", topic=place, error=str(error))

    def on_connection(self, up: bool) -> None:
        log.info("connection", up=up)
        if self.cut_off is not None and not up:
            self.cut_off.lost()
        self.hear(r.ConnectionChanged, up=up)

    def on_printer(self, condition: PrinterCondition) -> None:
        self.hear(r.PrinterChanged, condition=condition)
        if self.link is not None:
            self.link.announce()

    def _setup_came(self, setup: m.CentreSetup) -> None:
        if self.cut_off is not None:
            self.cut_off.setup_came(setup)
        self.hear(r.SetupCame, setup=setup)
        self.on_catalogue_version(setup.catalogue_version)

    # --- the screen's thread ---

    def tell(self, kind: type[r.Report], **values: Any) -> None:
        """A touch of the screen."""
        if kind in (r.Confirmed, b.TimePicked, b.CodeGiven):
            values["ask"] = new_id()
        self._report(kind, self._clock.now(), values)

    def draw(self) -> None:
        """Draw anew whatever was drawn: the window has another size."""
        self._drawn = None
        self._refresh()

    def on_touched(self) -> None:
        if view(self.state) is not View.IDLE:
            self.tell(r.Touched)

    def on_tick(self) -> None:
        self.tell(r.Tick)
        self._feel_pulse()
        if self.cut_off is not None:
            self.cut_off.beat()

    def later(self, seconds: float) -> None:
        self._clock.skip(seconds)
        self.tell(r.Tick)

    def on_scan(self, text: str) -> None:
        """The code of an appointment gives its number; any other only shows that somebody is there."""
        self.tell(r.Touched)
        self.tell(b.CodeGiven, code=text)

    def _work_off(self) -> None:
        while self._heard:
            self._heard.popleft()()

    def _report(self, kind: type[r.Report], at: int, values: dict[str, Any]) -> None:
        before = self.state
        self.state, effects = decide(before, kind(at, **values))
        self.tune()
        if self.doing is not None:
            self.doing.setup, self.doing.shelf = self.state.setup, self.state.shelf
        if kind in (r.TicketCame, r.TicketRefused) and values["ask"] == before.ask:
            self._seen(values["ask"])
        for effect in effects:
            self._do(effect)
        if before.step is not self.state.step:
            log.info("step", step=self.state.step.value)
        self._refresh()

    def _seen(self, ask: str) -> None:
        """An ask is over once its ticket or refusal stands on the screen."""
        if self.doing is not None:
            self.doing.seen(ask)

    def _do(self, effect: r.Effect | f.Effect | b.Effect) -> None:
        if isinstance(effect, f.ReadAdvice):
            self.read_page()
        elif isinstance(effect, f.OpenErrand):
            self.on_errand(effect)
        elif isinstance(effect, r.Tell):
            if self.doing is None or not self.doing.tell(effect):
                self.tell(r.Untold, ticket=effect.ticket)
        elif isinstance(effect, r.WakeAt):
            delay = max(0, effect.at - self._clock.now()) / 1000
            Frames.schedule_once(lambda _: self.tell(r.Tick), delay)
        elif self.doing is not None:
            self.doing.do(effect)

    def _refresh(self) -> None:
        clock = self._wall_clock()
        key = self._visible(clock)
        if key == self._drawn:
            return
        self._drawn = key
        access = self.state.access
        self.palette = HIGH_CONTRAST if access.contrast else self._calm()
        self.letters, self.low = access.letters, access.low
        languages = tuple(self._settings.languages)
        scene = Scene(
            self.state,
            own_look(self.look),
            self._texts,
            self.tell,
            clock,
            languages,
            self._emblem,
            self._kept,
        )
        self.show(view(self.state).value, lambda: draw(scene)[1])

    def _calm(self) -> Palette:
        """The usual colours, in the centre's own as soon as they are known."""
        return palette_of(self.state.setup.colours) if self.state.setup else CALM

    def _visible(self, clock: str) -> object:
        """All of the state that a picture shows; what only counts time is left out."""
        state = self.state
        seen = replace(state, now=0, touched=0, connection_changed=0, help_called=0)
        if state.step in FINDING or state.step in BOOKING:
            seen = replace(seen, line=None)
        left = idle_left(state)
        countdown = left // 1000 if left is not None else None
        if state.step is Step.TICKET:
            countdown = ticket_left(state) // 1000
        return seen, view(state), is_away(state), countdown, can_reprint(state), clock

    def _wall_clock(self) -> str:
        if self.link is None:
            return ""
        offset = self.state.setup.utc_offset_minutes if self.state.setup else 420
        return f"{local(self.link.now(), offset):%H:%M}"

    # --- is the server there? ---

    def _feel_pulse(self) -> None:
        link, now = self.link, self._clock.now()
        if link is None or not link.connected or now < self._pulse_at:
            return
        self._pulse_at = now + int(PULSE_S * 1000)
        hello = m.Hello(id=new_id(), version=link.version, clock=now)
        future = link.ask("hello", hello, PULSE_WITHIN_S)
        future.add_done_callback(self._felt)

    def _felt(self, done: Future[m.Answer]) -> None:
        lives = not done.cancelled() and done.exception() is None
        if self.cut_off is not None:
            if lives:
                self.cut_off.heard(m.decode(m.Welcome, bytes(done.result().ok)))
            else:
                self.cut_off.lost()
        self.hear(r.ConnectionChanged, up=lives)
