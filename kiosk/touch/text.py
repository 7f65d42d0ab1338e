"""Text that is never cut: it wraps at blanks and its letters shrink until it is in its box.

Letters that a visitor has made larger shrink no further than to their usual size: a picture must give
them room or go on over the next page (`height_of` tells how much they take).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from kivy.clock import Clock
from kivy.core.text import Label as CoreLabel
from kivy.graphics import Color, Rectangle
from kivy.graphics.texture import Texture
from kivy.uix.widget import Widget

from .style import Colour, Look

LINE_HEIGHT = 1.12
SMALLEST_PART = 0.45
"""Letters shrink to this part of the wished size at most."""
STEPS = 12
WIDEST_SIGN = 1.0
"""No letter is wider than its font size."""
WIDEST_LETTER = 0.75
"""No text is wider than so much of its font size a letter: short ones need not be measured."""
HIGH_LETTERS = frozenset("ẤẦẨẪẮẰẲẴẾỀỂỄỐỒỔỖ")
"""Two marks above a capital reach above the line."""


@lru_cache(4096)
def drawn_size(text: str, font: float, bold: bool, width: float | None) -> tuple[int, int]:
    """Width and height in pixels that `text` takes, wrapped at `width`."""
    measure = CoreLabel(
        text=text,
        font_size=font,
        font_name="Roboto",
        bold=bold,
        text_size=(width, None),
        line_height=LINE_HEIGHT,
    )
    measure.resolve_font_name()
    size: tuple[int, int] = measure.render()
    return size


@lru_cache(256)
def painted(text: str, font: float, bold: bool, halign: str, width: float) -> Texture | None:
    """`text` in white, wrapped at `width`: the next picture shows most of this one's texts again."""
    label = CoreLabel(
        text=text,
        font_name="Roboto",
        font_size=font,
        bold=bold,
        halign=halign,
        text_size=(width, None),
        line_height=LINE_HEIGHT,
    )
    label.resolve_font_name()
    label.refresh()
    return label.texture


@lru_cache(4096)
def height_of(look: Look, text: str, role: str, width: float, bold: bool = False) -> float:
    """Pixels of height that `text` takes at its wished size in `width`."""
    if not text:
        return 0.0
    font = look.text(role)
    if "\n" not in text and len(text) * font * WIDEST_LETTER <= width:
        tallest = "Ễạg" if HIGH_LETTERS.intersection(text) else "Áạg"
        return float(drawn_size(tallest, font, bold, width)[1])
    return float(drawn_size(text, font, bold, width)[1])


def too_long(text: str, font: float, bold: bool, width: float) -> bool:
    """Whether a word of `text` is wider than `width`: a word is never broken, and a no-break space holds
    two together. Words that cannot be so wide are not measured."""
    letters = int(width / (font * WIDEST_SIGN))
    words = [word for word in text.replace("\n", " ").split(" ") if len(word) > letters]
    return any(drawn_size(word, font, bold, None)[0] > width for word in words)


def fits(text: str, font: float, bold: bool, width: float, height: float) -> bool:
    if too_long(text, font, bold, width):
        return False
    return drawn_size(text, font, bold, width)[1] <= height


@lru_cache(8192)
def fitting(
    text: str, wished: float, bold: bool, width: float, height: float, least: float = 0.0
) -> float:
    """The largest font size not over `wished` at which all of `text` is inside the box.

    Never under `least`, which may be too much for the box: then the text overflows.
    """
    if width <= 1 or height <= 1 or not text:
        return wished
    least = max(least, wished * SMALLEST_PART)
    for step in range(STEPS + 1):
        font = wished - (wished - least) * step / STEPS
        if fits(text, font, bold, width, height):
            return font
    return least


class Text(Widget):
    """A text in a box: wraps, shrinks, is never cut. With `grows` its height follows its text.

    Drawn by itself and not as Kivy's Label, whose forty properties cost a screen of eighty texts fifty
    milliseconds. It is drawn once a frame, whatever was changed of it before.

    `spoken`: what is read aloud instead of it; `private`: read to headphones only; `silent`: not at all,
    since its neighbour says the same.
    """

    def __init__(
        self,
        look: Look,
        text: str,
        role: str = "body",
        *,
        colour: Colour | None = None,
        bold: bool = False,
        halign: str = "left",
        valign: str = "middle",
        grows: bool = False,
        spoken: str | None = None,
        private: bool = False,
        silent: bool = False,
        **kwargs: Any,
    ) -> None:
        self.spoken, self.private, self.silent = spoken, private, silent
        super().__init__(**kwargs)
        self.bold, self.grows = bold, grows
        self.role, self.wished, self.least = role, look.text(role), look.least_text(role)
        self._text, self._font = text, self.wished
        self._halign, self._valign = halign, valign
        self._drawn: object = None
        with self.canvas:
            self._ink = Color(rgba=colour or look.palette.ink)
            self._box = Rectangle(size=(0, 0))
        self._redraw = Clock.create_trigger(self._draw, -1)
        if grows:
            self.size_hint_y: float | None = None
            self.bind(width=self._grow, pos=self._redraw)
        else:
            self.bind(size=self.fit, pos=self._redraw)
        self._redraw()

    @property
    def text(self) -> str:
        return self._text

    @text.setter
    def text(self, text: str) -> None:
        if text != self._text:
            self._text = text
            self._grow() if self.grows else self.fit()

    @property
    def color(self) -> Colour:
        return tuple(self._ink.rgba)

    @color.setter
    def color(self, colour: Colour) -> None:
        self._ink.rgba = colour

    @property
    def font_size(self) -> float:
        return self._font

    @font_size.setter
    def font_size(self, size: float) -> None:
        self._font = size
        self._redraw()

    @property
    def halign(self) -> str:
        return self._halign

    @halign.setter
    def halign(self, side: str) -> None:
        self._halign = side
        self._redraw()

    @property
    def valign(self) -> str:
        return self._valign

    @valign.setter
    def valign(self, side: str) -> None:
        self._valign = side
        self._redraw()

    def _grow(self, *_: object) -> None:
        self.font_size = fitting(
            self.text, self.wished, self.bold, self.width, 1e6, min(self.least, self.wished)
        )
        self.height = drawn_size(self.text, self.font_size, self.bold, self.width)[1]

    def fit(self, *_: object) -> None:
        """Choose the font size for the box as it is now."""
        self.font_size = self.fitting_size()

    def _draw(self, *_: object) -> None:
        key = (self._text, self._font, self.bold, self._halign, self.width)
        if key != self._drawn:
            self._drawn = key
            self._paint()
        high = self._box.size[1]
        below = {"top": self.height - high, "bottom": 0}.get(self._valign, (self.height - high) / 2)
        self._box.pos = (int(self.x), int(self.y + below))

    def _paint(self) -> None:
        if not self._text or self.width <= 1:
            self._box.size = (0, 0)
            return
        texture = painted(self._text, self._font, self.bold, self._halign, self.width)
        self._box.texture = texture
        self._box.size = texture.size if texture else (0, 0)

    def fitting_size(self) -> float:
        return fitting(self.text, self.wished, self.bold, self.width, self.height, self.least)

    def natural_width(self) -> float:
        """Pixels that the text takes on one line at its wished size."""
        return drawn_size(self.text, self.wished, self.bold, None)[0] + 4.0

    @property
    def overflows(self) -> bool:
        """Whether some of the text lies outside the box (asked by the tests of every screen)."""
        if self.width <= 1 or not self.text:
            return bool(self.text)
        wide, high = drawn_size(self.text, self.font_size, self.bold, self.width)
        too_wide = too_long(self.text, self.font_size, self.bold, self.width + 1)
        return too_wide or wide > self.width + 1 or high > self.height + 1


def fit_alike(texts: Sequence[Text]) -> None:
    """Give texts that stand together the size of the one that must be smallest."""
    if not texts:
        return
    size = min(text.fitting_size() for text in texts)
    for text in texts:
        text.font_size = size
