"""A picture of pixels on the screen, without any file."""

from __future__ import annotations

from typing import Any

import numpy as np
from kivy.graphics import Color, Rectangle
from kivy.graphics.texture import Texture
from kivy.uix.widget import Widget

from .style import Look


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
