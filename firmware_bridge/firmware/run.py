"""Puts the parts together and runs them; nothing here waits, so that tests can take it step by step."""

from . import settings
from .board import Board
from .buttons import Buttons
from .display import Display
from .frame import Deframer, Signer
from .press_log import PressLog
from .roles import Keypad, Rating
from .sets import Sets
from .terminal import TURN_ROUND_MS, VERSION, Terminal
from .update import Update

FOR_SERVICE = 0b1001
"""Buttons 1 and 4."""
SPARKS = 8
"""Bytes that a line may make by itself when its drivers change; more are somebody's words."""
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
        self._terminal = Terminal(own.address, signer, log, self._role, board, now, self._update)
        self._deframer = Deframer(own.address, signer)
        self._reply = b""
        self._reply_at = 0
        board.open_line(own.baud)

    def step(self) -> None:
        board, now = self._board, self._board.now()
        for what, button in self._buttons.sample(board.buttons(), now):
            self._role.happened(what, button, now)
        self._listen(now)
        self._role.tick(now)
        self._update.tick(now - self._started)
        board.feed()

    def _listen(self, now: int) -> None:
        """One reply at most is open: a newer frame of the bridge means that it no longer waits for it.

        Nor does it when others have spoken since the poll, while our flash was being written: a reply then
        would only spoil their words.
        """
        data = self._board.read()
        if data:
            for heard in self._deframer.feed(data):
                self._reply = self._terminal.hear(heard, now)
                self._reply_at = now + TURN_ROUND_MS
            if self._deframer.after > SPARKS:
                self._reply = b""
        if self._reply and now >= self._reply_at:
            self._board.write(self._reply)
            self._reply = b""


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
