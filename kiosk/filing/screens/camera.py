"""The camera's live picture, with the outline of what was found in it or a frame to hold a card in; and thumbnails."""

from __future__ import annotations

from typing import Any

import numpy as np
from kivy.clock import Clock
from kivy.graphics import Color, Rectangle, SmoothLine
from kivy.graphics.texture import Texture
from kivy.uix.widget import Widget

from kiosk.filing.eye import Eye
from kiosk.touch.style import Look

FRAMES_A_SECOND = 15
CARD_SHAPE = 85.6 / 54.0
CARD_PART = 0.72


def texture_of(picture: np.ndarray[Any, Any]) -> Texture:
    """A picture (rows from above, blue green red) as Kivy draws it, without any file."""
    height, width = picture.shape[:2]
    texture = Texture.create(size=(width, height), colorfmt="bgr")
    texture.blit_buffer(picture.tobytes(), colorfmt="bgr", bufferfmt="ubyte")
    texture.flip_vertical()
    return texture


class Picture(Widget):
    """One picture as large as it goes, whole."""

    def __init__(self, look: Look, picture: np.ndarray[Any, Any] | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.texture = texture_of(picture) if picture is not None else None
        with self.canvas:
            Color(rgba=look.palette.line)
            self._ground = Rectangle()
            Color(rgba=(1, 1, 1, 1))
            self._box = Rectangle(texture=self.texture)
        self.bind(pos=self.place, size=self.place)

    def box(self) -> tuple[float, float, float, float]:
        """Left, bottom, width and height of the picture in this widget."""
        wide, high = self.texture.size if self.texture is not None else (4, 3)
        scale = min(self.width / wide, self.height / high)
        width, height = wide * scale, high * scale
        return (
            self.x + (self.width - width) / 2,
            self.y + (self.height - height) / 2,
            width,
            height,
        )

    def place(self, *_: object) -> None:
        left, bottom, width, height = self.box()
        self._ground.pos, self._ground.size = (left, bottom), (width, height)
        self._box.pos = (left, bottom)
        self._box.size = (width, height) if self.texture is not None else (0, 0)


class Live(Picture):
    """What the eye sees now. `shape`: `card` shows a frame to hold a card in, `page` the page that was found."""

    def __init__(self, look: Look, eye: Eye, shape: str, **kwargs: Any) -> None:
        super().__init__(look, None, **kwargs)
        self._eye, self._shape, self._seen = eye, shape, 0
        with self.canvas.after:
            self._colour = Color(rgba=look.palette.accent)
            self._line = SmoothLine(width=look.unit(0.35), close=True)
        self._good, self._waiting = look.palette.success, look.palette.accent
        self._ticking: Any = None
        self.bind(parent=self._start_or_stop)

    def _start_or_stop(self, *_: object) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
        self._ticking = (
            Clock.schedule_interval(self._tick, 1 / FRAMES_A_SECOND) if self.parent else None
        )

    def _tick(self, *_: object) -> bool | None:
        if self.get_parent_window() is None:
            return False
        sight = self._eye.sight()
        if sight is None or sight.count == self._seen:
            return None
        self._seen = sight.count
        size = (sight.frame.shape[1], sight.frame.shape[0])
        if self.texture is None or tuple(self.texture.size) != size:
            self.texture = texture_of(sight.frame)
            self._box.texture = self.texture
        else:
            self.texture.blit_buffer(sight.frame.tobytes(), colorfmt="bgr", bufferfmt="ubyte")
            self.canvas.ask_update()
        self.place()
        self._outline(sight.corners, sight.good)
        return None

    def _outline(self, corners: Any, good: bool) -> None:
        """The found page's corners; else, for a card, the frame to hold it in."""
        left, bottom, width, height = self.box()
        self._colour.rgba = self._good if good else self._waiting
        if corners is not None:
            self._line.points = [
                value for x, y in corners for value in (left + x * width, bottom + (1 - y) * height)
            ]
        elif self._shape == "card":
            high = min(height * CARD_PART, width * CARD_PART / CARD_SHAPE)
            wide = high * CARD_SHAPE
            x, y = left + (width - wide) / 2, bottom + (height - high) / 2
            self._line.points = [x, y, x + wide, y, x + wide, y + high, x, y + high]
        else:
            self._line.points = []
