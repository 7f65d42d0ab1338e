"""The frame of a public touch screen: one picture at a time, and no key that leaves it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from kivy.app import App
from kivy.clock import Clock
from kivy.core.window import Window
from kivy.graphics.opengl import GL_RGBA, GL_UNSIGNED_BYTE, glReadPixels
from kivy.uix.floatlayout import FloatLayout
from kivy.uix.layout import Layout
from kivy.uix.widget import Widget
from PIL import Image

from .assist import LONGEST_HOLD_S, Assist
from .keys import KeyName, code_of
from .spoken import Item, SpokenWords
from .strikes import Strikes
from .style import CALM, Look, Palette, register_font
from .tidy import Tidy
from .wedge import ENTER, Wedge, shifted
from .window import WindowSettings

DEAF_S = 0.25
"""After a new picture touches count for nothing: half of a double tap must not act on it."""

LAYOUT_PASSES = 4
"""A text that grows gives its box another height, and so another turn."""


class _Stage(FloatLayout):
    """Holds the one picture; hears each touch first."""

    assist: Assist

    def __init__(self, hears: Callable[[], bool], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._hears = hears

    def on_touch_down(self, touch: Any) -> bool:
        if not self._hears():
            return True
        return self.assist.down(touch, time.monotonic(), super().on_touch_down)

    def on_touch_move(self, touch: Any) -> bool:
        self.assist.move(touch, time.monotonic())
        return self.assist.exploring or bool(super().on_touch_move(touch))

    def on_touch_up(self, touch: Any) -> bool:
        self.assist.up(touch, time.monotonic())
        return self.assist.exploring or bool(super().on_touch_up(touch))


def lay_out(widget: Widget) -> None:
    """Give everything below `widget` its place now, from the outside to the inside.

    Left to itself Kivy goes from the inside to the outside, some eight times through every box and text.
    """
    for _ in range(LAYOUT_PASSES):
        if not _laid_out_anew(widget):
            return


def _laid_out_anew(widget: Widget) -> bool:
    anew = False
    if isinstance(widget, Layout) and widget._trigger_layout.is_triggered:
        widget._trigger_layout.cancel()
        widget.do_layout()
        anew = True
    below = [_laid_out_anew(child) for child in widget.children]
    return anew or any(below)


class ScreenApp(App):
    """Call `prepare_kivy` before importing this module; `run()` in the main thread until `stop()`.

    A program overrides `draw` (show its first picture), `on_scan`, `on_touched` and `on_tick`.
    """

    def __init__(self, window: WindowSettings, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.window_settings = window
        self.palette: Palette = CALM
        self.letters = 1.0
        self.low = False
        self.screen_name = ""
        self.touched_at = time.monotonic()
        self._shown_at = 0.0
        self._fingers = 0
        self._ending = False
        self._later: Widget | Callable[[], Widget] | None = None
        self._wedge = Wedge()
        self.tidy = Tidy()
        self._stage = _Stage(self._hears)
        self.assist = self._stage.assist = Assist(self, self._stage, Strikes())
        self.keys: dict[int, KeyName] = {}
        """The keypad's keys by scan code, if there is a keypad."""
        self._keys_down: set[int] = set()

    # --- for the program ---

    def draw(self) -> None:
        """Show the picture of the state; called at the start and when the window's size changes."""

    def on_scan(self, text: str) -> None:
        """A scanner read `text`."""

    def on_touched(self) -> None:
        """A finger came down anywhere."""

    def on_tick(self) -> None:
        """Once a second."""

    def on_put(self, new: bool) -> None:
        """A picture was put: a `new` one, or the same drawn anew."""

    def spoken_words(self) -> SpokenWords:
        """What is said beside what stands there, in the language of the screen."""
        return SpokenWords()

    def say_item(self, item: Item) -> None:
        """Somebody who does not point has gone to `item`."""

    def hush(self) -> None:
        """A finger or a key: what is being said is over."""

    def where_am_i(self) -> None:
        """The help key."""

    def on_corner(self) -> None:
        """The corner marked in relief was held."""

    def on_volume_key(self) -> None:
        """The one key that turns the volume."""

    def on_jack(self, inside: bool) -> None:
        """Headphones were put in or pulled out."""

    def later(self, seconds: float) -> None:
        """Be as if `seconds` had gone by untouched; only for a remote finger."""
        raise ValueError("this program's time cannot be moved")

    @property
    def look(self) -> Look:
        width, height = (int(side) for side in Window.size)
        return Look(
            width,
            height,
            self.window_settings.width_mm,
            self.palette,
            self.letters,
            low=self.low,
        )

    def show(self, name: str, picture: Widget | Callable[[], Widget]) -> None:
        """Put `picture` in place of the last one; a new `name` makes the screen deaf for a moment.

        The same picture drawn anew waits for a finger to be lifted, which would lose its button; given
        as a function it is made only then, so that it may take over parts of the one before.
        """
        held = self._fingers > 0 and self.idle_seconds() < LONGEST_HOLD_S
        if name == self.screen_name and held:
            self._later = picture
            return
        new = name != self.screen_name
        if new:
            self._shown_at = time.monotonic()
        self.screen_name = name
        self._put(picture, new)

    def _put(self, picture: Widget | Callable[[], Widget], new: bool = False) -> None:
        self._later = None
        Window.clearcolor = self.palette.background
        made = picture if isinstance(picture, Widget) else picture()
        self._stage.clear_widgets()
        self._stage.add_widget(made)
        lay_out(self._stage)
        self.assist.renew(new)
        self.on_put(new)

    def listens(self) -> bool:
        """Whether a touch would act now."""
        return time.monotonic() - self._shown_at >= DEAF_S

    def idle_seconds(self) -> float:
        return time.monotonic() - self.touched_at

    def call_soon(self, action: Callable[[], None]) -> None:
        """Run `action` in the screen's thread; may be called from any thread."""
        Clock.schedule_once(lambda _: action(), -1)

    def screenshot(self, path: Path) -> None:
        """Save what the window shows as PNG; in the screen's thread only."""
        Window.dispatch("on_draw")
        width, height = (int(side) for side in Window.system_size)
        # Read as RGB a row may end in padding, which Kivy's own writer takes for pixels.
        read = glReadPixels(0, 0, width, height, GL_RGBA, GL_UNSIGNED_BYTE)
        upside_down = np.frombuffer(read, np.uint8).reshape(height, width, 4)[:, :, :3]
        Image.fromarray(np.flipud(upside_down)).save(path, "PNG", compress_level=1)

    # --- Kivy's side ---

    def build(self) -> Widget:
        register_font()
        Window.bind(
            on_request_close=lambda *_, **__: True,
            on_key_down=self._on_key,
            on_keyboard=lambda *_: True,
            on_key_up=self._on_key_up,
            on_touch_down=self._on_finger_down,
            on_touch_up=self._on_finger_up,
            on_resize=lambda *_: Clock.schedule_once(lambda _: self.draw(), 0),
        )
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self._end_wanted)
        Clock.schedule_interval(lambda _: self.stop() if self._ending else None, 0.1)
        Clock.schedule_interval(lambda _: self.on_tick(), 1.0)
        Clock.schedule_interval(lambda _: self._pause(), 1.0)
        Clock.schedule_once(lambda _: self.draw(), 0)
        return self._stage

    def _pause(self) -> None:
        if self._fingers == 0:
            self.tidy.look(self.touched_at, time.monotonic())

    def _end_wanted(self, *_: object) -> None:
        """A signal's handler may touch no lock, and Kivy's clock has one: the clock looks here."""
        self._ending = True

    def open_settings(self, *_: object) -> bool:
        """Kivy's own settings panel stays shut."""
        return False

    def _install_settings_keys(self, _window: object) -> None:
        """No key opens it either."""

    def _hears(self) -> bool:
        return self.listens()

    def _on_finger_down(self, *_: object) -> bool:
        self._fingers += 1
        self.touched_at = time.monotonic()
        self.on_touched()
        return False

    def _on_finger_up(self, *_: object) -> bool:
        self._fingers = max(0, self._fingers - 1)
        Clock.schedule_once(lambda _: self._put_later(), 0)
        return False

    def _put_later(self) -> None:
        if self._later is not None and self._fingers == 0:
            self._put(self._later)

    def _on_key(
        self,
        _window: object,
        key: int,
        scan: int,
        letter: str | None = None,
        modifiers: Sequence[str] = (),
    ) -> bool:
        """Handled, whatever it is: Kivy passes a key on only if nobody has handled it."""
        code = code_of(key, scan)
        if code in self.keys and not (key in ENTER and self._wedge.begun(time.monotonic())):
            self._on_named_key(code)
            return True
        typed = shifted(letter) if letter and "shift" in modifiers else letter
        text = self._wedge.press(time.monotonic(), key, typed)
        if text is not None:
            self.on_scan(text)
        return True

    def _on_named_key(self, code: int) -> None:
        """A key of the keypad; held down it does not repeat."""
        if code in self._keys_down:
            return
        self._keys_down.add(code)
        self.touched_at = time.monotonic()
        self.on_touched()
        self.assist.key(self.keys[code])

    def _on_key_up(self, _window: object, key: int, scan: int = 0, *_: object) -> bool:
        self._keys_down.discard(code_of(key, scan))
        return True
