"""The pretend twin of a terminal: real frames over a pty, a press log on disk, a bad line.

    python -m firmware_bridge.pretend_terminal --link PATH --address 1 --key-file FILE

makes a pty, links PATH to it and runs until Ctrl-C. Each line "1" … "5" on standard input presses that
button, and so does the real-time signal SIGRTMIN+1 … SIGRTMIN+5.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import select
import signal
import sys
import threading
import time
import tty
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from . import frames, settings
from .bus import BITS_A_BYTE
from .frames import (
    Acknowledgement,
    Colour,
    Display,
    Frame,
    Key,
    KeyPress,
    Kind,
    Lamp,
    Press,
    Status,
)
from .terminals import Role

LOG_HOLDS = 64
"""Presses that wait at most for an acknowledgement; further ones are refused with a red lamp."""
FIRMWARE = (1, 0)


@dataclass
class LoggedPress:
    """A press in the log. `at` is by this run's monotonic clock (s); None when power was lost since."""

    count: int
    button: int
    at: float | None


class PressLog:
    """Presses until they are acknowledged, and the count that never goes back; survives power loss."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.count = 0
        self.presses: list[LoggedPress] = []
        if path.exists():
            kept = json.loads(path.read_text("ascii"))
            self.count = kept["count"]
            self.presses = [LoggedPress(count, button, None) for count, button in kept["presses"]]

    def add(self, button: int, at: float) -> bool:
        """False when the log is full: the press is not taken."""
        if len(self.presses) >= LOG_HOLDS:
            return False
        self.count += 1
        self.presses.append(LoggedPress(self.count, button, at))
        self._save()
        return True

    def acknowledged(self, count: int) -> None:
        """Forget the oldest press if it is the one named; an old or doubled acknowledgement does nothing."""
        if self.presses and self.presses[0].count == count:
            del self.presses[0]
            self._save()

    def _save(self) -> None:
        kept = {"count": self.count, "presses": [(p.count, p.button) for p in self.presses]}
        draft = self._path.with_suffix(".new")
        with draft.open("w", encoding="ascii") as file:
            json.dump(kept, file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)


@dataclass
class PretendTerminal:
    """What the firmware does, without a line: frames go in, at most one reply comes out.

    `press` may be called from any thread.
    """

    address: int
    key: bytes
    log: PressLog
    role: Role = Role.RATING
    on_lamp: Callable[[Colour], None] = lambda _: None
    on_display: Callable[[Display], None] = lambda _: None
    on_acknowledged: Callable[[int], None] = lambda _: None
    miss: Callable[[Frame], bool] = lambda _: False
    """Tests lose chosen frames of the bridge here."""

    _heard: int = 0
    _shown: int = 0
    _lost: int = 0
    _started: float = field(default_factory=time.monotonic)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def press(self, button: int) -> bool:
        """Press a face, 1 … 5, or a key, 1 … 4; False (and a red lamp) when the log is full."""
        if button not in frames.BUTTONS:
            raise ValueError(f"no button {button}")
        with self._lock:
            taken = self.log.add(button, time.monotonic())
            self._lost += not taken
        if not taken:
            self.on_lamp(Colour.RED)
        return taken

    @property
    def waiting(self) -> int:
        return len(self.log.presses)

    def hear(self, frame: Frame) -> bytes:
        """Act on a genuine frame of the bridge; the reply for the line, or b""."""
        fresh = frame.address == self.address and frame.count > self._heard
        if not fresh or frame.kind in frames.FROM_TERMINAL or self.miss(frame):
            return b""
        self._heard = frame.count
        if frame.kind is Kind.POLL:
            return self._reply(frame)
        if frame.kind is Kind.ACKNOWLEDGEMENT:
            self._acknowledged(Acknowledgement.read(frame.payload).press)
        if frame.kind is Kind.LAMP:
            self._shown = frame.sequence
            self.on_lamp(Lamp.read(frame.payload).colour)
        if frame.kind is Kind.DISPLAY:
            self._shown = frame.sequence
            self.on_display(Display.read(frame.payload))
        return b""

    def _acknowledged(self, count: int) -> None:
        with self._lock:
            self.log.acknowledged(count)
        self.on_acknowledged(count)

    def _reply(self, poll: Frame) -> bytes:
        with self._lock:
            oldest = self.log.presses[0] if self.log.presses else None
            status = Status(
                poll.count, self.waiting, shown=self._shown, lost=self._lost, firmware=FIRMWARE
            )
        if oldest is None:
            kind, count, payload = Kind.STATUS, self.log.count, status.payload()
        else:
            told = self._tell(oldest, poll)
            kind = Kind.KEY if isinstance(told, KeyPress) else Kind.PRESS
            count, payload = oldest.count, told.payload()
        return frames.encode(Frame(self.address, poll.sequence, kind, count, payload), self.key)

    def _tell(self, press: LoggedPress, poll: Frame) -> Press | KeyPress:
        since = self._started if press.at is None else press.at
        age_ms = int((time.monotonic() - since) * 1000)
        exact = press.at is not None
        if self.role is Role.KEYPAD:
            return KeyPress(poll.count, Key(press.button), age_ms, exact)
        return Press(poll.count, press.button, age_ms, exact)


@dataclass
class PretendLine:
    """A pty, linked at `link`, with terminals on it; `noise` and `loss` are chances per frame (0–1).

    `unplug()` takes the port away under the bridge, `plug_in()` brings it back.
    """

    link: Path
    terminals: list[PretendTerminal]
    noise: float = 0.0
    loss: float = 0.0
    chance: random.Random = field(default_factory=random.Random)
    recorded: list[bytes] | None = None
    """A list put here gets every reply, as an eavesdropper would."""
    echo: bool = False
    """Give the bridge its own bytes back, as some two-wire adapters do."""
    baud: int = 0
    """Bytes take their time at this speed, one after the other, whoever speaks; 0: they take none."""
    turn_round_s: float = 0.0
    """How long a terminal waits before it answers."""

    _line: int = -1
    _far_end: int = -1
    _free_at: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        self.plug_in()

    def stop(self) -> None:
        self.unplug()

    def plug_in(self) -> None:
        self._line, self._far_end = os.openpty()
        tty.setraw(self._far_end)
        self._stop.clear()
        self._thread = threading.Thread(target=self._run, name="pretend line", daemon=True)
        self._thread.start()
        draft = self.link.with_name(self.link.name + ".new")
        draft.unlink(missing_ok=True)
        draft.symlink_to(os.ttyname(self._far_end))
        draft.replace(self.link)

    def unplug(self) -> None:
        if self._thread is None:
            return
        self._stop.set()
        self._thread.join(2.0)
        self._thread = None
        self.link.unlink(missing_ok=True)
        os.close(self._far_end)
        os.close(self._line)

    def inject(self, data: bytes) -> None:
        """Put any bytes on the line towards the bridge: noise, or another's frames."""
        os.write(self._line, data)

    def _run(self) -> None:
        deframers = {t.address: frames.Deframer(_keys(t)) for t in self.terminals}
        while not self._stop.is_set():
            ready, _, _ = select.select([self._line], [], [], 0.05)
            if not ready:
                continue
            data = os.read(self._line, 4096)
            self._pass(len(data))
            if self.echo:
                os.write(self._line, data)
            for terminal in self.terminals:
                for found in deframers[terminal.address].feed(data):
                    if isinstance(found, Frame):
                        self._send(terminal.hear(found))

    def _send(self, reply: bytes) -> None:
        if not reply or self.chance.random() < self.loss:
            return
        if self.recorded is not None:
            self.recorded.append(reply)
        if self.chance.random() < self.noise:
            reply = self._spoil(reply)
        self._pass(len(reply), self.turn_round_s)
        os.write(self._line, reply)

    def _pass(self, size: int, silence_s: float = 0.0) -> None:
        """Wait until so many bytes have gone over the line, behind what is still on it."""
        if not self.baud:
            return
        now = time.monotonic()
        self._free_at = max(now, self._free_at) + silence_s + size * BITS_A_BYTE / self.baud
        time.sleep(self._free_at - now)

    def _spoil(self, data: bytes) -> bytes:
        """Flip some bits, or lose a byte, or add some: what a bad cable does."""
        spoiled = bytearray(data)
        place = self.chance.randrange(len(spoiled))
        damage = self.chance.randrange(3)
        if damage == 0:
            spoiled[place] ^= self.chance.randrange(1, 256)
        elif damage == 1:
            del spoiled[place]
        else:
            spoiled[place:place] = self.chance.randbytes(3)
        return bytes(spoiled)


def _keys(terminal: PretendTerminal) -> Callable[[int], bytes | None]:
    return lambda address: terminal.key if address == terminal.address else None


def main() -> int:
    args = _arguments()
    log = PressLog(args.log or args.link.with_suffix(".log.json"))
    terminal = PretendTerminal(
        args.address,
        settings.read_key(args.key_file),
        log,
        on_lamp=lambda colour: print(f"lamp {colour.name.lower()}", flush=True),
        on_acknowledged=lambda count: print(f"acknowledged {count}", flush=True),
    )
    line = PretendLine(args.link, [terminal], args.noise, args.loss)
    line.start()
    print(f"ready {args.link}", flush=True)
    try:
        _listen(terminal)
    finally:
        line.stop()
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="pretend_terminal")
    parser.add_argument("--link", type=Path, required=True, help="where the bridge finds the port")
    parser.add_argument("--address", type=int, required=True)
    parser.add_argument("--key-file", type=Path, required=True)
    parser.add_argument("--log", type=Path, help="press log; default beside the link")
    parser.add_argument("--noise", type=float, default=0.0, help="chance that a reply is spoiled")
    parser.add_argument("--loss", type=float, default=0.0, help="chance that a reply is lost")
    return parser.parse_args()


def _listen(terminal: PretendTerminal) -> None:
    """Buttons by signal and by lines on standard input, until SIGTERM, SIGINT or the line "quit"."""
    ended: list[bool] = []  # no Event: a signal's handler may not touch its lock
    wanted: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.append(True))
    for button in frames.BUTTONS:
        signal.signal(signal.SIGRTMIN + button, lambda n, _: wanted.append(n - signal.SIGRTMIN))
    threading.Thread(target=_read_buttons, args=(wanted, ended), daemon=True).start()
    while not ended:
        while wanted:
            terminal.press(wanted.pop(0))
        time.sleep(0.02)


def _read_buttons(wanted: list[int], ended: list[bool]) -> None:
    for text in sys.stdin:
        word = text.strip()
        if word == "quit":
            ended.append(True)
        elif word.isdigit() and int(word) in frames.BUTTONS:
            wanted.append(int(word))


if __name__ == "__main__":
    raise SystemExit(main())
