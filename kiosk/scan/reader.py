"""A code scanner on a serial line (USB CDC): lines of UTF-8 as they are in the code, marks and all."""

from __future__ import annotations

import time
from collections.abc import Callable

import serial
import structlog

from .card import LONGEST, Once
from .in_thread import InThread

SHORTEST = 4
END_S = 0.25
"""A scanner without a suffix has said its code when it has been silent for so long."""
AGAIN_S = 3.0
"""How long after the reader has gone it is looked for again."""
FRAMING = "\x02\x03\x04\ufeff"
"""STX, ETX, EOT that some scanners put round a code."""

log = structlog.get_logger()


class Lines:
    """Bytes to texts: ended by CR or LF, or by silence; what is no UTF-8 or too long is dropped."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._too_long = False
        self._last = 0.0

    def feed(self, now: float, data: bytes) -> list[str]:
        """`now` in seconds; `data` may be empty, as when nothing was heard."""
        found: list[bytes] = []
        if not data and self._buffer and now - self._last >= END_S:
            data = b"\r"
        if data:
            self._last = now
        for byte in data:
            if byte in b"\r\n":
                if not self._too_long:
                    found.append(bytes(self._buffer))
                self._buffer.clear()
                self._too_long = False
            elif len(self._buffer) >= 4 * LONGEST:
                self._too_long = True
                self._buffer.clear()
            else:
                self._buffer.append(byte)
        return [text for line in found if (text := _text(line))]


def _text(line: bytes) -> str:
    """ "" for noise: not UTF-8, too short, or with control signs in it."""
    try:
        text = line.decode("utf-8").strip(FRAMING + " \t")
    except UnicodeDecodeError:
        return ""
    inside = text.replace("\x1d", "")  # GS parts the fields of some codes
    return text if SHORTEST <= len(text) <= LONGEST and inside.isprintable() else ""


class Reader(InThread):
    """Reads until it is stopped, looks again for a reader that was pulled out.

    `hear` gets each text, `changed` whether the reader is there; both are called from its thread.
    """

    def __init__(
        self,
        path: str,
        hear: Callable[[str], None],
        changed: Callable[[bool], None] = lambda _: None,
        baud: int = 115_200,
    ) -> None:
        super().__init__("reader")
        self._path, self._hear, self._changed, self._baud = path, hear, changed, baud
        self.there = False

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with serial.Serial(self._path, self._baud, timeout=0.1, exclusive=True) as port:
                    self._tell(True)
                    self._listen(port)
            except (OSError, serial.SerialException) as error:
                if self.there:
                    log.warning("reader_gone", error=type(error).__name__)
            self._tell(False)
            self._stop.wait(AGAIN_S)

    def _tell(self, there: bool) -> None:
        if there is not self.there:
            self.there = there
            self._changed(there)

    def _listen(self, port: serial.Serial) -> None:
        lines, once = Lines(), Once()
        while not self._stop.is_set():
            data = port.read(max(1, port.in_waiting))
            now = time.monotonic()
            for text in lines.feed(now, data):
                for fresh in once.new(now, (text,)):
                    self._hear(fresh)
