"""Fingers and keys on their way to the picture: one press one act, explored and gone through without sight."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from kivy.clock import Clock
from kivy.uix.widget import Widget

from .explore import Gesture, Gestures, Meaning
from .focus import Cursor
from .keys import KeyName
from .spoken import Item, SpokenWords, items
from .strikes import Strikes
from .style import Look
from .widgets import Touchable

LONGEST_HOLD_S = 5.0
"""A finger that stays longer is a bag or a dead panel, and holds nothing up."""
TICK_S = 0.05
CORNER_MM = 25.0
CORNER_S = 3.0
WAYS_BACK = ("back", "access-done", "close", "cancel", "home", "done")


class Listener(Protocol):
    """The program: what it is asked, and what it is told."""

    @property
    def look(self) -> Look: ...

    def spoken_words(self) -> SpokenWords: ...

    def say_item(self, item: Item) -> None: ...

    def hush(self) -> None: ...

    def where_am_i(self) -> None: ...

    def on_corner(self) -> None: ...

    def on_volume_key(self) -> None: ...

    def on_jack(self, inside: bool) -> None: ...


@dataclass
class _Held:
    finger: int
    target: Touchable
    since: float


class Assist:
    """Stands before the picture `stage`; `exploring`: fingers explore and press nothing by themselves."""

    def __init__(self, listener: Listener, stage: Widget, strikes: Strikes) -> None:
        self._listener, self._stage, self.strikes = listener, stage, strikes
        self.exploring = False
        self.corner = ""
        self.cursor = Cursor(self.items, self._gone_to)
        stage.canvas.after.add(self.cursor.frame)
        self._gestures: Gestures | None = None
        self._held: _Held | None = None
        self._corner: tuple[int, Any] | None = None

    def items(self) -> list[Item]:
        return items(self._stage, self._listener.spoken_words())

    def renew(self, new: bool) -> None:
        """Another picture stands there, `new` or the same drawn anew; its places are known a frame later."""
        if new:
            self.cursor.clear()
            self._held = None
            if self._gestures is not None:
                self._gestures.forget()
        if self.cursor.current is not None:
            Clock.schedule_once(lambda _: Clock.schedule_once(self._draw, 0), 0)

    def _draw(self, *_: object) -> None:
        self.cursor.draw(self._listener.look)

    # --- fingers ---

    def down(self, touch: Any, now: float, picture: Callable[[Any], bool]) -> bool:
        """`picture`: the picture's own way with the touch."""
        self._listener.hush()
        if self.exploring:
            self._mean(self._explorer().down(touch.uid, touch.x, touch.y, now))
            return True
        self._begin_corner(touch)
        if self._held is not None and now - self._held.since < LONGEST_HOLD_S:
            return True
        handled = picture(touch)
        target = _target(touch)
        if target is None:
            return handled
        if not self.strikes.allow(target.name, target.repeats, now):
            target.let_go(touch)
            return True
        self._held = _Held(touch.uid, target, now)
        return handled

    def move(self, touch: Any, now: float) -> None:
        if self._corner is not None and not self._in_corner(touch.x, touch.y):
            self._end_corner(touch.uid)
        if self.exploring and self._gestures is not None:
            self._mean(self._gestures.move(touch.uid, touch.x, touch.y, now))

    def up(self, touch: Any, now: float) -> None:
        self._end_corner(touch.uid)
        held = self._held
        if held is not None and held.finger == touch.uid:
            self._held = None
            if held.target.collide_point(*touch.pos):
                self.strikes.note(held.target.name, now)
        if self._gestures is not None:
            self._mean(self._gestures.up(touch.uid, touch.x, touch.y, now))

    def _explorer(self) -> Gestures:
        if self._gestures is None:
            self._gestures = Gestures(self._listener.look.mm(1.0))
            Clock.schedule_interval(self._tick, TICK_S)
        return self._gestures

    def _tick(self, _: float) -> bool:
        if self._gestures is None:
            return False
        self._mean(self._gestures.tick(time.monotonic()))
        if not self.exploring and not self._gestures.waits:
            self._gestures = None
        return self._gestures is not None

    def _mean(self, gestures: list[Gesture]) -> None:
        for gesture in gestures:
            if gesture.meaning is Meaning.EXPLORE:
                self.cursor.at(gesture.x, gesture.y)
            elif gesture.meaning is Meaning.ACT:
                self.act()
            elif gesture.meaning is Meaning.HUSH:
                self._listener.hush()
            else:
                self.cursor.step(1 if gesture.meaning is Meaning.NEXT else -1)

    # --- the corner marked in relief ---

    def _begin_corner(self, touch: Any) -> None:
        if self._corner is None and self._in_corner(touch.x, touch.y):
            event = Clock.schedule_once(lambda _: self._corner_held(touch), CORNER_S)
            self._corner = (touch.uid, event)

    def _end_corner(self, finger: int) -> None:
        if self._corner is not None and self._corner[0] == finger:
            self._corner[1].cancel()
            self._corner = None

    def _corner_held(self, touch: Any) -> None:
        """The button beneath is not pressed when the finger is lifted."""
        self._corner = None
        target = _target(touch)
        if target is not None:
            target.let_go(touch)
        self._held = None
        self._listener.on_corner()

    def _in_corner(self, x: float, y: float) -> bool:
        if not self.corner:
            return False
        look = self._listener.look
        reach = look.mm(CORNER_MM)
        high, side = self.corner.split("-")
        across = x if side == "left" else look.width - x
        return across <= reach and (y if high == "lower" else look.height - y) <= reach

    # --- keys ---

    def key(self, name: KeyName) -> None:
        self._listener.hush()
        if name is KeyName.UP:
            self.cursor.step(-1)
        elif name is KeyName.DOWN:
            self.cursor.step(1)
        elif name is KeyName.SELECT:
            self.act()
        elif name is KeyName.BACK:
            self._back()
        elif name is KeyName.HELP:
            self._listener.where_am_i()
        elif name is KeyName.VOLUME:
            self._listener.on_volume_key()
        else:
            self._listener.on_jack(name is KeyName.JACK_IN)

    def _back(self) -> None:
        found = {item.widget.name: item for item in self.items() if item.acts}
        way = next((found[name] for name in WAYS_BACK if name in found), None)
        if way is not None:
            self._press(way)

    def act(self) -> None:
        """Press the item that was gone to last; one that does nothing is said again."""
        item = self.cursor.act()
        if item is not None:
            self._press(item)
        elif self.cursor.current is not None:
            self._listener.say_item(self.cursor.current)

    def _press(self, item: Item) -> None:
        now = time.monotonic()
        if self.strikes.allow(item.widget.name, item.widget.repeats, now):
            self.strikes.note(item.widget.name, now)
            item.widget.act()

    def _gone_to(self, item: Item) -> None:
        self._draw()
        self._listener.say_item(item)


def _target(touch: Any) -> Touchable | None:
    """The button that has taken the finger."""
    held = (reference() for reference in touch.grab_list)
    return next((widget for widget in held if isinstance(widget, Touchable)), None)
