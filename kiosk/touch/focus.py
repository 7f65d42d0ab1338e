"""The cursor of those who do not point: one item of the picture is gone to, framed, heard and acted on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kivy.graphics import Color, InstructionGroup, Line

from .spoken import Item
from .style import Look, rgb

DARK, BRIGHT = rgb("#000000"), rgb("#FFD400")
"""Side by side they differ by more than 14:1, so that one of both stands out on any ground."""
WIDTH_UNITS = 0.45


class Cursor:
    """Goes through the items of the picture as it is now, in reading order, round and round.

    `items` gives them; `on_item` is told each that is gone to. `frame` belongs into a canvas above all.
    """

    def __init__(self, items: Callable[[], list[Item]], on_item: Callable[[Item], None]) -> None:
        self._items, self._on_item = items, on_item
        self._key = ""
        self._place = -1
        self.frame = InstructionGroup()

    def clear(self) -> None:
        """On no item: a new picture begins before its first one."""
        self._key, self._place = "", -1
        self.frame.clear()

    @property
    def current(self) -> Item | None:
        """The item as it stands in the picture now, which may have been drawn anew."""
        if not self._key:
            return None
        found = self._items()
        near = sorted(range(len(found)), key=lambda place: abs(place - self._place))
        return next((found[place] for place in near if found[place].key == self._key), None)

    def step(self, by: int) -> Item | None:
        """`by` items on; from before the first one forward to it, backward to the last one."""
        found = self._items()
        if not found:
            return None
        here = self.current
        if here is None:
            place = 0 if by > 0 else len(found) - 1
        else:
            place = (found.index(here) + by) % len(found)
        return self._go(found, place)

    def at(self, x: float, y: float) -> Item | None:
        """To the item at a place, if there is another than the current one."""
        found = self._items()
        for place, item in enumerate(found):
            widget = item.widget
            if widget.collide_point(*widget.to_widget(x, y)) and item.key != self._key:
                return self._go(found, place)
        return None

    def act(self) -> Item | None:
        """The current item, if it acts: its button is for the caller to press."""
        item = self.current
        return item if item is not None and item.acts and not item.widget.disabled else None

    def _go(self, found: list[Item], place: int) -> Item:
        item = found[place]
        self._key, self._place = item.key, place
        self._on_item(item)
        return item

    def draw(self, look: Look) -> None:
        """Frame the current item where it stands now."""
        self.frame.clear()
        item = self.current
        if item is None:
            return
        width = look.unit(WIDTH_UNITS)
        x, y = item.widget.to_window(item.widget.x, item.widget.y)
        for colour, out in ((DARK, 1.5 * width), (BRIGHT, 0.5 * width)):
            self.frame.add(Color(rgba=colour))
            self.frame.add(_line(x - out, y - out, item.widget, 2 * out, width))


def _line(x: float, y: float, widget: Any, more: float, width: float) -> Line:
    wide, high = widget.width + more, widget.height + more
    return Line(rounded_rectangle=(x, y, wide, high, width * 2), width=width / 2)
