"""Self-filing at work: reports go through the journey, its state onto the screen, its effects out."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import structlog
from kivy.clock import Clock as Frames
from kivy.core.window import Window
from kivy.uix.widget import Widget

import kiosk
from kiosk.read_aloud import ReadingApp
from kiosk.touch.colours import palette_of
from kiosk.touch.reader import ReadingSettings
from kiosk.touch.style import CALM, HIGH_CONTRAST, Palette
from kiosk.touch.window import WindowSettings
from queue_server.wire.texts import Texts
from queue_server.wire.words import local

from . import reports as r
from . import talk
from .doing import Doing
from .eye import Eye
from .journey import decide
from .pipe import Pipe
from .screens import draw
from .screens.scene import Scene, own_look
from .visit import State, Step, idle_left, view
from .words import Words

PATIENT_LOOK_MS = 8_000
TURNED = frozenset({Step.CONSENT, Step.CARD, Step.REVIEW})
"""Where the button of the next page becomes that of the deed."""
KIOSK_TEXTS = Path(kiosk.__file__).parent / "texts"

log = structlog.get_logger()


class FilingApp(ReadingApp):
    """`hear(kind, **values)` may be called from any thread; all else is the screen's."""

    state: State

    def __init__(
        self, window: WindowSettings, pipe: Pipe, reading: ReadingSettings | None = None
    ) -> None:
        super().__init__(window, reading or ReadingSettings(), Texts(KIOSK_TEXTS))
        self._began = time.time() - time.monotonic()
        self._pipe, self._own_words = pipe, Words()
        self.emblem = ""
        self.state = State()
        self._heard: deque[Callable[[], None]] = deque()
        self._drawn: object = None
        self._kept: dict[str, tuple[object, Widget]] = {}
        self.eye = Eye(self.hear)
        self.doing = Doing(pipe.send, self.hear, self.eye)
        pipe.on_message, pipe.on_end = self.doing.heard, _gone

    # --- from other threads ---

    def hear(self, kind: type[r.Report], **values: Any) -> None:
        at = self._now()
        self._heard.append(lambda: self._report(kind, at, values))
        self.call_soon(self._work_off)

    # --- the screen's thread ---

    def on_start(self) -> None:
        self.reader.start()
        self.doing.warm_up()
        self._pipe.start()
        self._pipe.send(talk.Ready())

    def tell(self, kind: type[r.Report], **values: Any) -> None:
        """A touch of the screen."""
        self._report(kind, self._now(), values)

    def draw(self) -> None:
        """Draw anew whatever was drawn: the window has another size."""
        self._drawn = None
        self._refresh()

    def on_touched(self) -> None:
        if idle_left(self.state) is None:
            self.tell(r.Touched)

    def on_tick(self) -> None:
        if self.state.step is not Step.HIDDEN:
            self.tell(r.Tick)

    def on_scan(self, text: str) -> None:
        """A reader that types like a keyboard."""
        self.tell(r.CodeRead, text=text, typed=True)

    def later(self, seconds: float) -> None:
        self._began += seconds
        self.tell(r.Tick)

    def _now(self) -> int:
        """Ms since 1970 that never jump."""
        return int((self._began + time.monotonic()) * 1000)

    def _work_off(self) -> None:
        while self._heard:
            self._heard.popleft()()

    def _report(self, kind: type[r.Report], at: int, values: dict[str, Any]) -> None:
        before = self.state
        self.state, effects = decide(before, kind(at, **values))
        self.tune()
        for effect in effects:
            if isinstance(effect, r.End):
                self._end(effect.reason)
            self.doing.do(effect, self.state)
        if before.step is not self.state.step:
            log.info("step", step=self.state.step.value)
        self._refresh()
        if before.opened is None and self.state.opened is not None:
            self._appear()

    def _appear(self) -> None:
        """The window comes up with its first picture in it."""
        Window.show()
        Window.raise_window()
        shown = talk.Shown()
        Frames.schedule_once(lambda _: Frames.schedule_once(lambda _: self._pipe.send(shown)), 0)

    def _end(self, reason: str) -> None:
        """Whatever this process knew goes with it, at once."""
        self.eye.leave()
        self.doing.leave()
        self.reader.stop()
        access = replace(self.state.access, open=False)
        self._pipe.send(talk.Ended(reason=reason, access=access, headphones=self.state.headphones))
        os._exit(0)

    def _refresh(self) -> None:
        if self.state.opened is None:
            return
        clock = self._wall_clock()
        key = self._visible(clock)
        if key == self._drawn:
            return
        self._drawn = key
        access = self.state.access
        self.palette = HIGH_CONTRAST if access.contrast else self._calm()
        self.letters, self.low = access.letters, access.low
        scene = Scene(
            self.state,
            own_look(self.look),
            self._own_words,
            self.tell,
            clock,
            self._kept,
            self.eye,
            self.emblem,
        )
        self.show(_name(self.state), lambda: draw(scene))

    def _calm(self) -> Palette:
        return palette_of(self.state.opened.setup.colours) if self.state.opened else CALM

    def _visible(self, clock: str) -> object:
        """All of the state that a picture shows; what only counts time is left out."""
        state = self.state
        seen = replace(state, now=0, touched=0, since=0, help_called=0)
        left = idle_left(state)
        waited = state.now - state.since > PATIENT_LOOK_MS
        return seen, view(state), left // 1000 if left is not None else None, waited, clock

    def _wall_clock(self) -> str:
        opened = self.state.opened
        if opened is None:
            return ""
        at = self._now() + opened.offset_ms
        return f"{local(at, opened.setup.utc_offset_minutes):%H:%M}"


def _name(state: State) -> str:
    """The picture's name: another question or page is another picture, so that half a double tap answers nothing."""
    seen = view(state)
    if seen is Step.QUESTION:
        return f"{seen.value}:{state.at}"
    return f"{seen.value}:{state.page}" if seen in TURNED and state.page else seen.value


def _gone() -> None:
    """The kiosk has closed its side: nobody is there to file with."""
    os._exit(0)
