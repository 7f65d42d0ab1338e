"""The child's two pipes to the kiosk: lines in by a thread of its own, lines out whole, whoever writes."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO

import msgspec
import structlog

from queue_server.wire.words import Frozen

from . import talk

log = structlog.get_logger()


class Pipe:
    """`on_message` is called in the reading thread; `on_end` when the kiosk has closed its side."""

    def __init__(self, source: BinaryIO, sink: BinaryIO) -> None:
        self._source, self._sink = source, sink
        self._lock = threading.Lock()
        self.on_message: Callable[[talk.FromKiosk], None] = lambda _: None
        self.on_end: Callable[[], None] = lambda: None

    def start(self) -> None:
        threading.Thread(target=self._read, name="pipe", daemon=True).start()

    def send(self, message: Frozen) -> None:
        """A kiosk that is gone hears nothing more; `on_end` follows."""
        with self._lock:
            try:
                self._sink.write(talk.line_of(message))
                self._sink.flush()
            except (OSError, ValueError):
                pass

    def _read(self) -> None:
        while line := self._source.readline(talk.LONGEST_LINE):
            try:
                message = talk.from_kiosk(line)
            except msgspec.DecodeError:
                log.error("unreadable_line")
                continue
            self.on_message(message)
        self.on_end()


def own_pipe() -> Pipe:
    """On what were standard input and output; whatever prints from now on does so to the log."""
    source = os.fdopen(os.dup(0), "rb")
    sink = os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    sys.stdin = open(os.devnull)  # noqa: SIM115 – stays open as long as the process
    return Pipe(source, sink)
