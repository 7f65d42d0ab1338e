"""The camera's live picture, with the outline of what was found in it or a frame to hold a card in."""

from __future__ import annotations

from typing import Any

from kivy.clock import Clock
from kivy.graphics import Color, SmoothLine

from kiosk.filing.eye import Eye
from kiosk.touch.picture import Picture, texture_of
from kiosk.touch.style import Look

FRAMES_A_SECOND = 15
CARD_SHAPE = 85.6 / 54.0
CARD_PART = 0.72


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
