"""The display of a counter: the number that it is serving; a call blinks."""

from .matrix import Matrix
from .press_log import PressLog
from .roles import Role

OUT_OF_TOUCH_MS = 30_000
"""A display that nobody has polled for so long shows no number: better none than an old one."""
BLINK_MS = 300
"""Half a blink: 1.7 a second, well under three (photosensitive people)."""
NOTHING_KNOWN = "--"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .board import Board


class Display(Role):
    """Nothing is known until the bridge has told it."""

    def __init__(self, board: "Board", log: PressLog) -> None:
        super().__init__(board, log)
        self._matrix = Matrix(board)
        self._text = NOTHING_KNOWN
        self._blink_from = 0
        self._blink_until = 0
        self._polled = 0
        self._drawn = ""

    def polled(self, now: int) -> None:
        self._polled = now

    def shown(self, text: str, blink_ms: int, now: int) -> None:
        self._text = text
        self._blink_from, self._blink_until = now, now + blink_ms

    def tick(self, now: int) -> None:
        text = self._text if now - self._polled < OUT_OF_TOUCH_MS else NOTHING_KNOWN
        dark = now < self._blink_until and (now - self._blink_from) // BLINK_MS % 2 == 1
        text = "" if dark else text
        if text != self._drawn:
            self._matrix.draw(text)
            self._drawn = text
