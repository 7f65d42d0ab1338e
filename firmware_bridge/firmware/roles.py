"""What a terminal is for: five faces or an officer's keypad here, the display of a counter in display.py."""

from . import frame
from .buttons import HELD, PRESSED
from .lamp import RED, Buzzer, Lamp
from .press_log import PressLog

CLICK_MS = 60
REFUSED_MS = 400
RED_MS = 2000

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
