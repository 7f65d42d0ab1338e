"""A kiosk's program that reads aloud: what a visitor wishes of it becomes a report of its journey."""

from __future__ import annotations

from typing import Any

from kiosk.touch import read_aloud

from . import access as a
from .reports import Report


class ReadingApp(read_aloud.ReadingApp):
    """A program hears of its visitor's wishes, and of her headphones, by `tell`."""

    def tell(self, kind: type[Report], **values: Any) -> None:
        """The visitor does something: she touches the screen, a key or the corner."""
        raise NotImplementedError

    def wish_reading(self) -> None:
        self.tell(a.ReadingTurned, on=True)

    def wish_volume(self) -> None:
        self.tell(a.VolumeTurned)

    def on_jack(self, inside: bool) -> None:
        self.tell(a.JackMoved, inside=inside)
