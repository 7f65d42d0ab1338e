"""What a terminal says over Wi-Fi, and when, as docs/terminals-wifi.md has it; the network itself is in mqtt.py."""

from . import frame
from .frame import Deframer, Signer
from .pauses import Pauses
from .press_log import PressLog
from .terminal import Terminal
from .update import LABEL, Update

GREET_MS = 300_000
GREET_DISPLAY_MS = 20_000
"""A display that nobody has polled for so long asks whether the bridge still hears it: soon its number will go."""
TELL_AGAIN_MS = 2_000
"""So long, then twice as long each time, a press waits until it is told of again."""
WORD_MS = 5_000
"""So often what there is to say of new firmware is said again."""
STUCK_MS = 120_000
"""A network that has not come back for so long never will: the terminal starts anew. Presses are on the flash."""
_TO_OTA = 1 - frame.OFFER
"""Kinds 8–12 of frames are kinds 1–5 of messages that have topics of their own."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .board import Board
    from .mqtt import Mqtt
    from .settings import Settings, Wireless


class Wifi:
    """`step` every few milliseconds."""

    def __init__(
        self,
        own: "Settings",
        topics: "Topics",
        board: "Board",
        signer: Signer,
        log: PressLog,
        terminal: Terminal,
        update: Update,
        link: "Mqtt",
    ) -> None:
        self._topics = topics
        self._board = board
        self._signer = signer
        self._log = log
        self._terminal = terminal
        self._update = update
        self._link = link
        self._every = GREET_DISPLAY_MS if own.role == "display" else GREET_MS
        self._pauses = Pauses(TELL_AGAIN_MS)
        self._greeted_for = (0, 0)
        self._quiet_until = 0
        self._again_at = 0
        self._word_at = 0
        board.beside(link.step)

    def step(self, now: int) -> None:
        link = self._link
        link.now = now
        if now - link.turned > STUCK_MS:
            self._board.restart()
        while link.heard:
            topic, payload = link.heard.pop(0)
            if topic == self._topics.firmware_down:
                self._hear_of_update(payload)
                self._word_at = now
            else:
                self._hear(payload, now)
        if link.up:
            self._speak(now)

    def _hear(self, payload: bytes, now: int) -> None:
        for heard in Deframer(self._terminal.address, self._signer).feed(payload):
            reply = self._terminal.hear(heard, now)
            if reply:
                self._link.say(self._topics.up, reply)
                self._quiet_until = now + self._every

    def _speak(self, now: int) -> None:
        if self._must_greet(now):
            self._link.say(self._topics.up, self._terminal.greeting())
            self._again_at = now + self._pauses.next()
            self._quiet_until = now + self._every
        if now >= self._word_at:
            self._word_at = now + WORD_MS
            self._tell_of_update()

    def _must_greet(self, now: int) -> bool:
        """After each connect and press at once."""
        happened = self._link.connections, self._log.count
        if happened != self._greeted_for:
            self._greeted_for = happened
            self._pauses.again()
            return True
        return now >= (self._again_at if self._log.waiting else self._quiet_until)

    # --- new firmware ---

    def _hear_of_update(self, payload: bytes) -> None:
        said, tag = payload[: -frame.TAG_BYTES], payload[-frame.TAG_BYTES :]
        if not said or not self._signer.made(tag, LABEL + said):
            return
        try:
            self._update.hear(said[0] - _TO_OTA, said[1:])
        except ValueError:
            pass  # a bridge of another make

    def _tell_of_update(self) -> None:
        word = self._update.word()
        if word is not None:
            said = bytes((word[0] + _TO_OTA,)) + word[1]
            self._link.say(self._topics.firmware_up, said + self._signer.tag(LABEL + said))


class Topics:
    """Of one terminal, by its own name."""

    def __init__(self, own: "Wireless") -> None:
        top = own.prefix + "/" + own.name
        self.up = (top + "/up").encode()
        self.down = (top + "/down").encode()
        self.firmware_up = (top + "/firmware/up").encode()
        self.firmware_down = (top + "/firmware/down").encode()
