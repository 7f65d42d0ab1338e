"""What a terminal says on a serial line, and when: the bridge polls, and a reply is never late."""

from .frame import Deframer, Signer
from .terminal import TURN_ROUND_MS, Terminal

SPARKS = 8
"""Bytes that a line may make by itself when its drivers change; more are somebody's words."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .board import Board


class Line:
    """`step` every few milliseconds.

    One reply at most is open: a newer frame of the bridge means that it no longer waits for it. Nor does it when
    others have spoken since the poll, while our flash was being written: a reply then would only spoil their words.
    """

    def __init__(self, board: "Board", terminal: Terminal, signer: Signer, baud: int) -> None:
        self._board = board
        self._terminal = terminal
        self._deframer = Deframer(terminal.address, signer)
        self._reply = b""
        self._reply_at = 0
        board.open_line(baud)

    def step(self, now: int) -> None:
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
