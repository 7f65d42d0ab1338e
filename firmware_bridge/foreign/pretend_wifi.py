"""The pretend twin of a terminal on Wi-Fi: what `pretend_terminal` does, over MQTT instead of a line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .. import frames
from ..frames import Frame, Kind, Status
from ..pretend_terminal import PretendTerminal


@dataclass
class PretendWifi:
    """`say` publishes on the terminal's `up`; give `hear` what comes on its `down`."""

    terminal: PretendTerminal
    say: Callable[[bytes], None]

    def greet(self) -> None:
        """At each connect, after each press, and every five minutes; oftener while a press waits."""
        own = self.terminal
        status = Status(0, own.waiting)
        frame = Frame(own.address, 0, Kind.STATUS, own.log.count, status.payload())
        self.say(frames.encode(frame, own.key))

    def press(self, button: int) -> bool:
        taken = self.terminal.press(button)
        self.greet()
        return taken

    def hear(self, payload: bytes) -> None:
        """Frames of others, and spoiled ones, are nothing."""
        for found in frames.Deframer(self._key_of).feed(payload):
            reply = self.terminal.hear(found) if isinstance(found, Frame) else b""
            if reply:
                self.say(reply)

    def _key_of(self, address: int) -> bytes | None:
        return self.terminal.key if address == self.terminal.address else None
