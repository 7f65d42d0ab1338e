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
from .terminal import VERSION, Terminal
from .update import Update

FOR_SERVICE = 0b1001
"""Buttons 1 and 4."""
ROLES = {"rating": Rating, "keypad": Keypad, "display": Display}


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
        terminal = Terminal(own.address, signer, log, self._role, board, now, self._update)
        self._talk = Line(board, terminal, signer, own.baud)

    def step(self) -> None:
        board, now = self._board, self._board.now()
        for what, button in self._buttons.sample(board.buttons(), now):
            self._role.happened(what, button, now)
        self._talk.step(now)
        self._role.tick(now)
        self._update.tick(now - self._started)
        board.feed()


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
