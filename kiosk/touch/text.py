"""Text that is never cut: it wraps at blanks and its letters shrink until it is in its box."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from kivy.core.text import Label as Measure
from kivy.uix.label import Label

from .style import Colour, Look

SMALLEST_PART = 0.45
"""Letters shrink to this part of the wished size at most."""
STEPS = 12


@lru_cache(4096)
def drawn_size(text: str, font: float, bold: bool, width: float | None) -> tuple[int, int]:
    """Width and height in pixels that `text` takes, wrapped at `width`."""
    measure = Measure(
        text=text,
        font_size=font,
        font_name="Roboto",
        bold=bold,
        text_size=(width, None),
        line_height=1.12,
    )
    measure.resolve_font_name()
    size: tuple[int, int] = measure.render()
    return size


def longest_word(text: str, font: float, bold: bool) -> int:
    """Width of the widest word: a word is never broken. A no-break space holds two together."""
    words = set(text.replace("\n", " ").split(" "))
    return max((drawn_size(word, font, bold, None)[0] for word in words), default=0)


def fits(text: str, font: float, bold: bool, width: float, height: float) -> bool:
    if longest_word(text, font, bold) > width:
        return False
    return drawn_size(text, font, bold, width)[1] <= height


def fitting(text: str, wished: float, bold: bool, width: float, height: float) -> float:
    """The largest font size not over `wished` at which all of `text` is inside the box."""
    if width <= 1 or height <= 1 or not text:
        return wished
    least = wished * SMALLEST_PART
    for step in range(STEPS + 1):
        font = wished - (wished - least) * step / STEPS
        if fits(text, font, bold, width, height):
            return font
    return least


class Text(Label):
    """A text in a box: wraps, shrinks, is never cut. With `grows` its height follows its text."""

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
        **kwargs: Any,
    ) -> None:
        super().__init__(
            text=text,
            font_name="Roboto",
            font_size=look.text(role),
            bold=bold,
            color=colour or look.palette.ink,
            disabled_color=colour or look.palette.ink,
            halign=halign,
            valign=valign,
            line_height=1.12,
            **kwargs,
        )
        self.wished = look.text(role)
        self.grows = grows
        if grows:
            self.size_hint_y: float | None = None
            self.bind(width=self._grow, text=self._grow)
        else:
            self.bind(size=self.fit, text=self.fit)

    def _grow(self, *_: object) -> None:
        self.font_size = fitting(self.text, self.wished, self.bold, self.width, 1e6)
        self.text_size = (self.width, None)
        self.height = drawn_size(self.text, self.font_size, self.bold, self.width)[1]

    def fit(self, *_: object) -> None:
        """Choose the font size for the box as it is now."""
        self.font_size = self.fitting_size()
        self.text_size = (self.width, None)
        if self.valign != "middle":
            self.text_size = self.size

    def fitting_size(self) -> float:
        return fitting(self.text, self.wished, self.bold, self.width, self.height)

    def natural_width(self) -> float:
        """Pixels that the text takes on one line at its wished size."""
        return drawn_size(self.text, self.wished, self.bold, None)[0] + 4.0

    @property
    def overflows(self) -> bool:
        """Whether some of the text lies outside the box (asked by the tests of every screen)."""
        if self.width <= 1 or not self.text:
            return bool(self.text)
        wide, high = drawn_size(self.text, self.font_size, self.bold, self.width)
        too_wide = longest_word(self.text, self.font_size, self.bold) > self.width + 1
        return too_wide or wide > self.width + 1 or high > self.height + 1


def fit_alike(texts: Sequence[Text]) -> None:
    """Give texts that stand together the size of the one that must be smallest."""
    if not texts:
        return
    size = min(text.fitting_size() for text in texts)
    for text in texts:
        text.font_size = size
