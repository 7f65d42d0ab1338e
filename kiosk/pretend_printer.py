"""A pretend ESC/POS printer on TCP: draws what it is sent, answers like the real thing, and fails on order.

python -m kiosk.pretend_printer --port 9100 --save var/paper
"""

from __future__ import annotations

import argparse
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageChops

from queue_server.wire.ending import Ending

KEEP_PICTURES = 200
BUFFER = 4096
"""Bytes that the receive buffer holds, as in a real printer: small, so that it holds the host back."""
SOCKET_BUFFER = 16_384
"""The kernel's part of it: much smaller, and it loses packets for want of room."""
ESC, GS, DLE, EOT, ENQ = 0x1B, 0x1D, 0x10, 0x04, 0x05
DOTS_A_LINE = 30


@dataclass
class State:
    """What the printer suffers from; set from outside at any time.

    `rows_left`: dots of paper left before it runs out. `reads`: bytes that it takes in at all before
    it hangs for good. `mute`: answers nothing. `deaf_to_changes`: has no automatic status back.
    """

    cover_open: bool = False
    cutter_jammed: bool = False
    near_end: bool = False
    rows_left: int | None = None
    reads: int | None = None
    mute: bool = False
    deaf_to_changes: bool = False

    @property
    def paper_out(self) -> bool:
        return self.rows_left is not None and self.rows_left <= 0

    @property
    def stopped(self) -> bool:
        return self.cover_open or self.cutter_jammed or self.paper_out


class Engine:
    """Reads the stream of one host byte by byte; `say` sends its answers, `out` takes each cut ticket."""

    def __init__(
        self,
        state: State,
        say: Callable[[bytes], None],
        out: Callable[[Image.Image], None],
    ) -> None:
        self._state, self._say, self._out = state, say, out
        self._buffer = bytearray()
        self._strips: list[Image.Image] = []
        self._reports_changes = False

    @property
    def full(self) -> bool:
        return len(self._buffer) > BUFFER and self._state.stopped

    def feed(self, data: bytes) -> None:
        """Takes bytes in: real-time questions are answered at once, all else waits its turn."""
        self._answer_now(data)
        self._buffer += data
        self.run()

    def run(self) -> None:
        """Works off the buffer as far as whole commands and the state allow."""
        while self._buffer and not self._state.stopped:
            used = self._command(bytes(self._buffer[:8]))
            if used == 0:
                return
            del self._buffer[:used]
            if self._state.stopped:
                self._report_change()

    def _answer_now(self, data: bytes) -> None:
        # Like a real printer this also sees a question inside of raster data; one split between
        # two reads is answered when it is worked off.
        for at in range(len(data) - 2):
            if data[at] == DLE and data[at + 1] == EOT and 1 <= data[at + 2] <= 4:
                self._tell(bytes([self._answer(data[at + 2])]))

    def _answer(self, n: int) -> int:
        s = self._state
        bits = {
            1: 0x08 * s.stopped,
            2: 0x04 * s.cover_open | 0x20 * s.paper_out | 0x40 * s.cutter_jammed,
            3: 0x08 * s.cutter_jammed,
            4: 0x0C * (s.near_end or s.paper_out) | 0x60 * s.paper_out,
        }
        return 0x12 | bits[n]

    def _report_change(self) -> None:
        s = self._state
        if not self._reports_changes or s.deaf_to_changes:
            return
        first = 0x10 | 0x08 * s.stopped | 0x20 * s.cover_open
        paper = 0x03 * (s.near_end or s.paper_out) | 0x0C * s.paper_out
        self._tell(bytes([first, 0x08 * s.cutter_jammed, paper, 0x0F]))

    def _tell(self, answer: bytes) -> None:
        if not self._state.mute:
            self._say(answer)

    def _command(self, head: bytes) -> int:
        """Does the first command of the buffer; how many bytes it was, 0 when it is not yet whole."""
        if head[0] == ESC:
            return self._escape(head)
        if head[0] == GS:
            return self._group(head)
        if head[0] == DLE:
            return 3 if len(head) >= 3 else 0
        return 1

    def _escape(self, head: bytes) -> int:
        if len(head) < 2:
            return 0
        if head[1] == ord("@"):
            self._strips.clear()
            return 2
        if len(head) < 3:
            return 0
        if head[1] in (ord("d"), ord("J")):
            dots = head[2] * (DOTS_A_LINE if head[1] == ord("d") else 1)
            self._use_paper(dots)
        return 3

    def _group(self, head: bytes) -> int:
        if len(head) < 3:
            return 0
        verb = chr(head[1])
        if verb == "v":
            return self._raster(head)
        if verb == "V":
            return self._cut(head)
        if verb == "r":
            self._tell(bytes([0x03 * self._state.near_end]))
        if verb == "a":
            self._reports_changes = head[2] != 0
            self._report_change()
        return 3

    def _raster(self, head: bytes) -> int:
        if len(head) < 8:
            return 0
        across, rows = head[4] | head[5] << 8, head[6] | head[7] << 8
        size = 8 + across * rows
        if len(self._buffer) < size:
            return 0
        black = Image.frombytes("1", (across * 8, rows), bytes(self._buffer[8:size]))
        self._strips.append(ImageChops.invert(black))
        self._use_paper(rows)
        return size

    def _cut(self, head: bytes) -> int:
        size = 4 if head[2] in (65, 66) else 3
        if len(head) < size:
            return 0
        if self._strips:
            self._out(_under_each_other(self._strips))
            self._strips.clear()
        return size

    def _use_paper(self, dots: int) -> None:
        if self._state.rows_left is not None:
            self._state.rows_left -= dots


def _under_each_other(strips: list[Image.Image]) -> Image.Image:
    whole = Image.new("1", (max(s.width for s in strips), sum(s.height for s in strips)), 1)
    top = 0
    for strip in strips:
        whole.paste(strip, (0, top))
        top += strip.height
    return whole


@dataclass
class PretendPrinter:
    """Listens on `port` (0: any free one) of `host`; `tickets` holds every ticket that was cut."""

    host: str = "127.0.0.1"
    port: int = 0
    save: Path | None = None
    state: State = field(default_factory=State)
    tickets: list[Image.Image] = field(default_factory=list)

    _listener: socket.socket | None = None
    _stopping: threading.Event = field(default_factory=threading.Event)
    _saved: int = 0

    @property
    def address(self) -> str:
        return f"tcp://{self.host}:{self.port}"

    def start(self) -> None:
        """Raises OSError when the port is taken."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
        listener.bind((self.host, self.port))
        listener.listen()
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def stop(self) -> None:
        self._stopping.set()
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def cut_ticket(self, ticket: Image.Image) -> None:
        """Takes a finished ticket, as the tray does."""
        self.tickets.append(ticket)
        del self.tickets[:-KEEP_PICTURES]
        if self.save is not None:
            self._keep(ticket, self.save)

    def _accept(self, listener: socket.socket) -> None:
        while not self._stopping.is_set():
            try:
                host, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(host,), daemon=True).start()

    def _serve(self, host: socket.socket) -> None:
        engine = Engine(self.state, host.sendall, self.cut_ticket)
        host.settimeout(0.05)
        taken = 0
        with host:
            while not self._stopping.is_set():
                if engine.full or (self.state.reads is not None and taken >= self.state.reads):
                    self._stopping.wait(0.05)
                    engine.run()
                    continue
                try:
                    data = host.recv(BUFFER)
                    if not data:
                        return
                    taken += len(data)
                    engine.feed(data)
                except TimeoutError:
                    engine.run()
                except OSError:
                    return

    def _keep(self, ticket: Image.Image, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._saved += 1
        name = f"ticket-{time.strftime('%Y%m%d-%H%M%S')}-{self._saved:04}.png"
        ticket.save(folder / name)
        for old in sorted(folder.glob("ticket-*.png"))[:-KEEP_PICTURES]:
            old.unlink(missing_ok=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9100)
    parser.add_argument("--save", type=Path, help="folder for the newest 200 tickets as PNG")
    options = parser.parse_args()
    printer = PretendPrinter(options.host, options.port, options.save)
    printer.start()
    print(f"pretend printer at {printer.address}", flush=True)
    Ending().wait()
    printer.stop()


if __name__ == "__main__":
    main()
