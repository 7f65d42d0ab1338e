"""What a terminal is for: five faces, an officer's keypad, or the display of a counter."""

from . import frame
from .buttons import HELD, PRESSED
from .lamp import RED, Buzzer, Lamp
from .matrix import Matrix
from .press_log import PressLog

CLICK_MS = 60
REFUSED_MS = 400
RED_MS = 2000
OUT_OF_TOUCH_MS = 30_000
"""A display that nobody has polled for so long shows no number: better none than an old one."""
BLINK_MS = 300
"""Half a blink: 1.7 a second, well under three (photosensitive people)."""
NOTHING_KNOWN = "--"

NEXT, RECALL, NO_SHOW, FINISH = 1, 2, 3, 4

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .board import Board


class Role:
    """A terminal that has nothing to press and nothing to show; the others say what differs."""

    tells = frame.PRESS
    """The kind of frame that tells a press."""
    buttons = 0

    def __init__(self, board: "Board", log: PressLog) -> None:
        self.lost = 0
        """Presses refused since the start because the log was full."""

    def polled(self, now: int) -> None:
        """The bridge has asked."""

    def lit(self, colour: int, ms: int, now: int) -> None:
        """The bridge wants the lamp lit."""

    def shown(self, text: str, blink_ms: int, now: int) -> None:
        """The bridge wants a text shown."""

    def happened(self, what: int, button: int, now: int) -> None:
        """A button was pressed or held."""

    def tick(self, now: int) -> None:
        """Time passes."""


class Pressed(Role):
    """What a terminal with buttons does: a press goes into the log, with a click; a full log says red."""

    def __init__(self, board: "Board", log: PressLog) -> None:
        super().__init__(board, log)
        self._log = log
        self._lamp = Lamp(board)
        self._buzzer = Buzzer(board)

    def lit(self, colour: int, ms: int, now: int) -> None:
        self._lamp.light(colour, ms, now)

    def tick(self, now: int) -> None:
        self._lamp.tick(now)
        self._buzzer.tick(now)

    def take(self, button: int, now: int) -> None:
        if self._log.add(button, now):
            self._buzzer.buzz(CLICK_MS, now)
            return
        self.lost += 1
        self._lamp.light(RED, RED_MS, now)
        self._buzzer.buzz(REFUSED_MS, now)


class Rating(Pressed):
    """Five faces, 1 very dissatisfied … 5 very satisfied. However long one is held, it is one answer."""

    buttons = 5

    def happened(self, what: int, button: int, now: int) -> None:
        if what == PRESSED:
            self.take(button, now)


class Keypad(Pressed):
    """Next, recall, no-show, finish. No-show sends a visitor away, so it is held for a second."""

    tells = frame.KEY
    buttons = 4

    def happened(self, what: int, button: int, now: int) -> None:
        if what == (HELD if button == NO_SHOW else PRESSED):
            self.take(button, now)


class Display(Role):
    """The number that its counter is serving; a call blinks."""

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


ROLES = {"rating": Rating, "keypad": Keypad, "display": Display}
