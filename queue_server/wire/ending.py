"""Waiting for the end that a signal brings: Ctrl-C, `kill -TERM`, a closed terminal."""

from __future__ import annotations

import os
import signal

ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ending:
    """Made in the main thread. A handler may not touch a lock: `threading.Event.set()` in one hangs for
    ever when the signal comes while `wait()` holds the event's own lock. A byte in a pipe needs none."""

    def __init__(self, signals: tuple[signal.Signals, ...] = ALL) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._write, False)
        for number in signals:
            signal.signal(number, self._came)

    def wait(self) -> None:
        """Until the first of the signals has come."""
        os.read(self._read, 1)

    def _came(self, *_: object) -> None:
        try:
            os.write(self._write, b".")
        except BlockingIOError:
            return  # the pipe is full of earlier signals
