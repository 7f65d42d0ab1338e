"""A terminal's side of the protocol, without a line: frames go in, at most one reply comes out."""

from . import frame
from .frame import Frame, Signer
from .press_log import PressLog

VERSION = (1, 0)
"""Of this firmware; each status tells it."""
TURN_ROUND_MS = 3
"""By a clock of whole milliseconds at least 2 ms of silence before we drive the line (1.75 are asked for)."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .board import Board
    from .roles import Role


class Terminal:
    """Answers polls with the oldest press, else with its status, and hands lamp and display frames to its role."""

    def __init__(
        self, address: int, signer: Signer, log: PressLog, role: "Role", board: "Board", now: int
    ) -> None:
        self.address = address
        self._signer = signer
        self._log = log
        self._role = role
        self._board = board
        self._started = now
        self._heard = 0
        self._shown = 0

    def hear(self, heard: Frame, now: int) -> bytes:
        """Act on a genuine frame of the bridge; the reply for the line, or b""."""
        if heard.count <= self._heard or heard.kind in (frame.PRESS, frame.STATUS, frame.KEY):
            return b""  # recorded by somebody, or our own words that an adapter gives back
        self._heard = heard.count
        try:
            return self._act(heard, now)
        except ValueError:
            return b""  # a bridge of another make

    def _act(self, heard: Frame, now: int) -> bytes:
        if heard.kind == frame.POLL:
            self._role.polled(now)
            return self._reply(heard, now)
        if heard.kind == frame.ACKNOWLEDGEMENT:
            self._log.acknowledged(frame.acknowledged(heard.payload))
        elif heard.kind == frame.LAMP:
            self._role.lit(*frame.lamp(heard.payload), now)
            self._shown = heard.sequence
        elif heard.kind == frame.DISPLAY:
            self._role.shown(*frame.display(heard.payload), now)
            self._shown = heard.sequence
        return b""

    def _reply(self, poll: Frame, now: int) -> bytes:
        log, oldest = self._log, self._log.oldest()
        if oldest is not None:
            kind, count, exact = self._role.tells, oldest.count, oldest.at is not None
            since = self._started if oldest.at is None else oldest.at
            payload = frame.press(poll.count, oldest.button, now - since, exact)
        else:
            kind, count = frame.STATUS, log.count
            payload = frame.status(
                poll.count,
                len(log.waiting),
                self._board.battery(),
                self._shown,
                self._role.lost,
                VERSION,
            )
        reply = Frame(self.address, poll.sequence, kind, count, payload)
        return frame.encode(reply, self._signer)
