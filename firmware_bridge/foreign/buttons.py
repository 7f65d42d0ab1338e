"""Bought buttons that rate: what they said becomes presses in the bridge's store, as of serial terminals."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from queue_server.wire import messages as m

from .. import clock
from ..clock import Moment
from ..store import Kept, KeptPress, PressStore, StoreFailed
from .dialects import Dialect, Pressed, Unreadable
from .part import Quiet, Said
from .standing import Standing

log = structlog.get_logger()

REPEAT_S = 1.0
"""The same action of the same device so soon after is the same press: some firmware says it twice."""
BOUGHT = "bought"
"""In place of a key's name: nothing that these devices say is signed."""
MOST_HELD = 500
"""Presses held in memory while the disk takes none; bought devices cannot be told to keep them."""


@dataclass
class Button:
    """One bought device at one counter."""

    name: str
    counter: int
    speaks: str
    dialect: Dialect
    scores: dict[str, int]
    standing: Standing = field(default_factory=Standing)
    _last: dict[str, float] = field(default_factory=dict)

    def score_of(self, action: str, at: float) -> int | None:
        """The score of a press, or None when it has none or repeats the last one. `at`: monotonic seconds."""
        score = self.scores.get(action)
        if score is None:
            return None
        before = self._last.get(action)
        self._last[action] = at
        return None if before is not None and at - before < REPEAT_S else score


@dataclass
class Buttons(Quiet):
    """All bought buttons. `on_press` and `on_change` must not block."""

    buttons: list[Button]
    store: PressStore
    on_press: Callable[[], None] = lambda: None
    on_change: Callable[[], None] = lambda: None
    now: Callable[[], Moment] = clock.now
    monotonic: Callable[[], float] = time.monotonic
    _up: bool = False
    _held: deque[KeptPress] = field(default_factory=deque)

    def filters(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(f for b in self.buttons for f in b.dialect.filters()))

    def connected(self, up: bool) -> None:
        self._up = up

    def hear(self, said: Said) -> None:
        for button in self.buttons:
            try:
                heard = button.dialect.read(said.topic, said.payload)
            except Unreadable as flaw:
                log.warning("foreign_unreadable", terminal=button.name, why=str(flaw))
                continue
            changed = False
            for one in heard:
                if isinstance(one, Pressed):
                    self._press(button, one.action, said.retained)
                changed |= button.standing.note(one, self.now().wall_ms, said.retained)
            if changed:
                self.on_change()

    def tick(self) -> None:
        self._keep()

    def terminals(self) -> tuple[m.TerminalSeen, ...]:
        return tuple(self._seen(button) for button in self.buttons)

    def _seen(self, button: Button) -> m.TerminalSeen:
        own = button.standing
        return m.TerminalSeen(
            name=button.name,
            counter=button.counter,
            make=button.speaks,
            state=own.word(self._up),
            seen=own.seen_ms,
            battery=own.battery,
        )

    def _press(self, button: Button, action: str, retained: bool) -> None:
        """A retained action is of no known age, and so of no known visitor."""
        score = None if retained else button.score_of(action, self.monotonic())
        if score is None:
            return
        if len(self._held) >= MOST_HELD:
            log.error("press_lost", terminal=button.name)
            return
        self._held.append(
            KeptPress(button.name, BOUGHT, 0, button.counter, score, pressed=self.now())
        )
        self._keep()

    def _keep(self) -> None:
        """Into the store, numbered on from the last one; what the disk does not take now is tried again."""
        while self._held:
            press = self._held[0]
            try:
                count = self.store.highest(press.terminal, BOUGHT) + 1
                kept = self.store.keep(_numbered(press, count))
            except StoreFailed as error:
                log.error("press_store_failed", terminal=press.terminal, error=str(error))
                return
            self._held.popleft()
            log.info("press_kept", terminal=press.terminal, count=count, kept=kept.value)
            if kept is Kept.NEW:
                self.on_press()


def _numbered(press: KeptPress, count: int) -> KeptPress:
    return KeptPress(press.terminal, press.key_id, count, press.counter, press.score, press.pressed)
