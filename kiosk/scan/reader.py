"""A code reader on a serial line (USB CDC): bytes as they stand in the code, so that marks survive.

A reader that types like a keyboard sends no more than plain letters and digits: names lose their marks for
good, and only numbers and dates are taken from it (`queue_server.dossiers.identity.numbers_only`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import serial
import structlog

LONGEST = 4_000
AGAIN_S = 2.0
QUIET_S = 0.15
"""A reader without a suffix is done when it says nothing for so long."""
STRIPPED = "\x02\x03\x04\r\n\x00 "

log = structlog.get_logger()


class SerialReader:
    """`on_text` gets each code, in the reader's own thread; `on_there` whether the reader is there."""

    def __init__(
        self,
        port: str,
        on_text: Callable[[str], None],
        on_there: Callable[[bool], None] = lambda _: None,
        baud: int = 115_200,
    ) -> None:
        self._port, self._baud = port, baud
        self._on_text, self._on_there = on_text, on_there
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        self._thread = threading.Thread(target=self._work, name="reader", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(3)

    def _work(self) -> None:
        """Open the line and read it; whatever breaks, try again."""
        while not self._stopped.is_set():
            try:
                with serial.Serial(self._port, self._baud, timeout=QUIET_S) as line:
                    self._on_there(True)
                    self._read(line)
            except (OSError, serial.SerialException) as error:
                log.warning("reader_away", cause=type(error).__name__)
                self._on_there(False)
                self._stopped.wait(AGAIN_S)

    def _read(self, line: serial.Serial) -> None:
        heard = b""
        while not self._stopped.is_set():
            more = line.read(max(1, line.in_waiting))
            heard += more
            *whole, heard = heard.replace(b"\r", b"\n").split(b"\n")
            if not more and heard:
                whole, heard = [heard], b""
            for each in whole:
                self._tell(each)
            if len(heard) > LONGEST:
                heard = b""  # noise of a loose plug, or no reader at all

    def _tell(self, raw: bytes) -> None:
        try:
            text = raw[: LONGEST + 1].decode().strip(STRIPPED)
        except UnicodeDecodeError:
            log.warning("reader_unreadable", size=len(raw))
            return
        if text and len(text) <= LONGEST:
            self._on_text(text)
