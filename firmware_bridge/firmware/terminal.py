"""A terminal's side of the protocol, without a line: frames go in, at most one reply comes out."""

from . import frame
from .frame import Frame, Signer
from .press_log import PressLog

VERSION = (1, 0)
"""Of this firmware; each status tells it, and a package of it must be named so."""
WORDS_A_STATUS = 3
"""So many polls at most are answered with a word about new firmware before a status is told again."""
TURN_ROUND_MS = 3
"""By a clock of whole milliseconds at least 2 ms of silence before we drive the line (1.75 are asked for)."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .board import Board
    from .roles import Role
    from .update import Update


class Terminal:
    """Answers polls with the oldest press, else with its status, and hands lamp and display frames to its role."""

    def __init__(
        self,
        address: int,
        signer: Signer,
        log: PressLog,
        role: "Role",
        board: "Board",
        now: int,
        update: "Update | None" = None,
    ) -> None:
        self.address = address
        self._signer = signer
        self._log = log
        self._role = role
        self._board = board
        self._started = now
        self._heard = 0
        self._shown = 0
        self._update = update
        self._words = 0

    def hear(self, heard: Frame, now: int) -> bytes:
        """Act on a genuine frame of the bridge; the reply for the line, or b""."""
        if heard.count <= self._heard or heard.kind in frame.FROM_TERMINAL:
            return b""  # recorded by somebody, or our own words that an adapter gives back
        self._heard = heard.count
        try:
            return self._act(heard, now)
        except ValueError:
            return b""  # a bridge of another make

    def greeting(self) -> bytes:
        """A status that answers no poll: over Wi-Fi a terminal speaks first."""
        kind, count, payload = self._status(0)
        return frame.encode(Frame(self.address, 0, kind, count, payload), self._signer)

    def _act(self, heard: Frame, now: int) -> bytes:
        if heard.kind == frame.POLL:
            self._role.polled(now)
            return self._reply(heard, now)
        if heard.kind == frame.ACKNOWLEDGEMENT:
            self._log.acknowledged(frame.acknowledged(heard.payload))
        elif heard.kind == frame.LAMP:
            self._role.lit(*frame.lamp(heard.payload), now)
            self._show(heard)
        elif heard.kind == frame.DISPLAY:
            self._role.shown(*frame.display(heard.payload), now)
            self._show(heard)
        elif self._update is not None:
            self._update.hear(heard.kind, heard.payload)
        return b""

    def _show(self, what: Frame) -> None:
        """The bridge waits to read that it is shown: a status comes next."""
        self._shown, self._words = what.sequence, WORDS_A_STATUS

    def _reply(self, poll: Frame, now: int) -> bytes:
        kind, count, payload = (
            self._press(poll, now) or self._word(poll) or self._status(poll.count)
        )
        reply = Frame(self.address, poll.sequence, kind, count, payload)
        return frame.encode(reply, self._signer)

    def _press(self, poll: Frame, now: int) -> "tuple[int, int, bytes] | None":
        oldest = self._log.oldest()
        if oldest is None:
            return None
        exact = oldest.at is not None
        since = self._started if oldest.at is None else oldest.at
        payload = frame.press(poll.count, oldest.button, now - since, exact)
        return self._role.tells, oldest.count, payload

    def _word(self, poll: Frame) -> "tuple[int, int, bytes] | None":
        """What there is to say about new firmware, as long as a status is not due."""
        if self._update is None or self._words >= WORDS_A_STATUS:
            return None
        word = self._update.word()
        if word is None:
            return None
        self._words += 1
        return word[0], self._log.count, frame.word(poll.count, word[1])

    def _status(self, poll: int) -> tuple[int, int, bytes]:
        self._words = 0
        payload = frame.status(
            poll,
            len(self._log.waiting),
            self._board.battery(),
            self._shown,
            self._role.lost,
            VERSION,
        )
        return frame.STATUS, self._log.count, payload
