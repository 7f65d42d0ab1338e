"""Puts the parts together and runs them; nothing here waits, so that tests can take it step by step."""

from . import settings
from .board import Board
from .buttons import Buttons
from .display import Display
from .frame import Signer
from .line import Line
from .press_log import PressLog
from .roles import Keypad, Rating
from .sets import Sets
from .settings import Settings, Wireless
from .terminal import VERSION, Terminal
from .update import Update

FOR_SERVICE = 0b1001
"""Buttons 1 and 4."""
ROLES = {"rating": Rating, "keypad": Keypad, "display": Display}

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .wifi import Wifi


class Machine:
    """One terminal; `step` every few milliseconds."""

    def __init__(self, board: Board) -> None:
        own = settings.read(board.settings())
        now = board.now()
        signer = Signer(own.key)
        log = PressLog(board.press_log(own.key_id))
        self._board = board
        self._role = ROLES[own.role](board, log)
        self._buttons = Buttons(self._role.buttons)
        self._started = now
        self._update = Update(signer, Sets(board.flash()), board.KIND, VERSION, board.restart)
        if own.wireless is None:
            self._talk: Line | Wifi = self._on_line(own, signer, log)
        else:
            self._talk = self._on_air(own, own.wireless, signer, log)

    def step(self) -> None:
        board, now = self._board, self._board.now()
        for what, button in self._buttons.sample(board.buttons(), now):
            self._role.happened(what, button, now)
        self._talk.step(now)
        self._role.tick(now)
        self._update.tick(now - self._started)
        board.feed()

    def _on_line(self, own: Settings, signer: Signer, log: PressLog) -> Line:
        role, board, update = self._role, self._board, self._update
        terminal = Terminal(own.address, signer, log, role, board, self._started, update)
        return Line(board, terminal, signer, own.baud)

    def _on_air(self, own: Settings, wireless: Wireless, signer: Signer, log: PressLog) -> "Wifi":
        """Imported when needed: not every build of MicroPython has a network."""
        from .mqtt import Mqtt
        from .wifi import Topics, Wifi

        board, now = self._board, self._started
        terminal = Terminal(own.address, signer, log, self._role, board, now)
        topics = Topics(wireless)
        link = Mqtt(wireless, board.flash(), [topics.down, topics.firmware_down], now)
        return Wifi(own, topics, board, signer, log, terminal, self._update, link)


def main() -> None:
    """For ever. What goes wrong stops the loop; the watchdog starts the terminal again.

    With buttons 1 and 4 held at the start it does nothing, so that a technician can copy files in peace.
    """
    board = Board()
    if board.buttons() & FOR_SERVICE == FOR_SERVICE:
        print("service: the terminal has not been started")
        return
    machine = Machine(board)
    while True:
        machine.step()
        board.rest()
