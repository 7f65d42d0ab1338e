"""The bridge from a button on a pty to the server's answer on a real broker, through all that breaks."""

from __future__ import annotations

import argparse
import random
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from firmware_bridge import frames, main, settings
from firmware_bridge.bridge import Bridge
from firmware_bridge.bus import Bus
from firmware_bridge.frames import Colour, Frame, Kind
from firmware_bridge.pretend_terminal import PressLog, PretendLine, PretendTerminal
from firmware_bridge.store import PressStore
from firmware_bridge.terminals import Terminal
from queue_server.wire import messages as m
from queue_server.wire import topics
from queue_server.wire.settings import SettingsError
from tests.enrolled import enrol_bridge

MOSQUITTO = shutil.which("mosquitto", path="/usr/sbin:/usr/bin")
needs_broker = pytest.mark.skipif(MOSQUITTO is None, reason="Debian's mosquitto is not installed")
CENTRE, DEVICE = "trial", "bridge-1"
SOON = 20.0


def until(what: Callable[[], object], seconds: float = SOON) -> None:
    """Wait for a condition that another thread or process brings about."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.005)


class Broker:
    """Mosquitto on a free port, kept when it is started again."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [str(MOSQUITTO), "-c", str(self._config)]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        until(self._listens)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(5)
            self._process = None

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class PretendServer:
    """Answers asks as the queue server does: by id, the same answer to the same ask."""

    def __init__(self, port: int) -> None:
        self.heard: list[m.RatePressed] = []
        self.presence: list[m.Presence] = []
        self.refusal = ""
        self.mute = False
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.on_connect = lambda client, *_: client.subscribe(f"motcua/{CENTRE}/#", 1)
        self._client.on_message = self._hear
        self._client.reconnect_delay_set(1, 1)
        self._client.connect_async("127.0.0.1", port)
        self._client.loop_start()

    @property
    def counted(self) -> dict[str, m.RatePressed]:
        return {press.id: press for press in self.heard}

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def _hear(self, _client: object, _data: object, message: mqtt.MQTTMessage) -> None:
        match topics.split(CENTRE, message.topic):
            case ["presence", _]:
                self.presence.append(m.decode(m.Presence, bytes(message.payload)))
            case ["ask", device, "hello"]:
                hello: m.Hello = m.decode(m.Hello, bytes(message.payload))
                welcome = m.Welcome(at=int(time.time() * 1000), epoch=1)
                self._answer(device, m.Answer(id=hello.id, verb="hello", at=0, ok=_raw(welcome)))
            case ["ask", device, "rate_pressed"]:
                press: m.RatePressed = m.decode(m.RatePressed, bytes(message.payload))
                self.heard.append(press)
                if not self.mute:
                    self._answer(device, self._verdict(press))

    def _verdict(self, press: m.RatePressed) -> m.Answer:
        if self.refusal:
            refusal = m.Refusal(code=self.refusal)
            return m.Answer(id=press.id, verb="rate_pressed", at=0, refusal=refusal)
        return m.Answer(id=press.id, verb="rate_pressed", at=0, ok=_raw(m.Done()))

    def _answer(self, device: str, answer: m.Answer) -> None:
        self._client.publish(topics.ANSWER.at(CENTRE, device=device), m.encode(answer), 1)


def _raw(message: object) -> msgspec.Raw:
    return msgspec.Raw(m.encode(message))


class Room:
    """A terminal on its cable, a broker, a server, and the bridge between them."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.link = folder / "tty"
        self.broker = Broker(folder)
        self.broker.start()
        self.server = PretendServer(self.broker.port)
        self.settings = folder / "bridge.toml"
        self.settings.write_text(
            f'[bridge]\nport = "{self.link}"\npause_ms = 5\nreply_ms = 100\n'
            '[[bridge.terminals]]\nname = "b1"\naddress = 1\ncounter = 4\n'
        )
        self._enrol()
        self.lamps: list[Colour] = []
        self.terminal = self.new_terminal(folder / "press_log.json")
        self.line = PretendLine(self.link, [self.terminal], chance=random.Random(7))
        self.line.start()
        self.bridge: Bridge | None = None
        self._store: PressStore | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def _enrol(self) -> None:
        enrol_bridge(self.data, DEVICE, CENTRE, self.broker.port)
        settings.make_key(self.data / "terminals" / "b1.key")

    @property
    def key(self) -> bytes:
        return settings.read_key(self.data / "terminals" / "b1.key")

    def new_terminal(self, log: Path) -> PretendTerminal:
        return PretendTerminal(1, self.key, PressLog(log), on_lamp=self.lamps.append)

    def open(self) -> Bridge:
        self.bridge, self._store = main.compose(self.data, self.settings, None)
        self.bridge.start()
        return self.bridge

    def open_as_process(self) -> subprocess.Popen[bytes]:
        own = ["--data", str(self.data), "--settings", str(self.settings)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "firmware_bridge", "bridge", *own], stdout=subprocess.DEVNULL
        )
        return self._process

    def health(self) -> dict[str, str]:
        assert self.bridge is not None
        return self.bridge.health()

    def refusals(self) -> dict[str, int]:
        assert self._store is not None
        return self._store.refusals()

    def shut(self) -> None:
        if self.bridge is not None and self._store is not None:
            self.bridge.stop()
            self._store.close()
            self.bridge = None

    def end(self) -> None:
        self.shut()
        if self._process is not None:
            self._process.kill()
            self._process.wait(5)
        self.line.stop()
        self.server.stop()
        self.broker.stop()


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    made = Room(tmp_path)
    yield made
    made.end()


def settled(room: Room) -> bool:
    return room.terminal.waiting == 0 and room.health().get("waiting") == "0"


def _kind(data: bytes, key: bytes) -> Kind | None:
    (found,) = frames.Deframer(lambda _: key).feed(data)
    return found.kind if isinstance(found, Frame) else None


# --- a day without trouble ---


@needs_broker
def test_a_press_reaches_the_server_once_and_lights_green(room: Room) -> None:
    room.open()
    room.terminal.press(5)
    until(lambda: Colour.GREEN in room.lamps)
    (press,) = room.server.heard
    assert (press.counter, press.score, press.terminal) == (4, 5, "b1")
    assert 0 <= press.age_ms < 5_000
    assert settled(room)


@needs_broker
def test_a_refused_press_lights_amber_and_stays_on_record(room: Room) -> None:
    room.server.refusal = "no_open_offer"
    room.open()
    room.terminal.press(2)
    until(lambda: Colour.AMBER in room.lamps)
    assert room.refusals() == {"no_open_offer": 1}
    until(lambda: room.health()["refused"] == "1")
    assert len(room.server.counted) == 1


@needs_broker
def test_presence_tells_each_terminals_state_and_when_it_was_seen(room: Room) -> None:
    room.open()
    until(lambda: any(p.health.get("terminal:b1") == "ok" for p in room.server.presence))
    told = room.server.presence[-1].health
    assert told["seen:b1"].endswith("Z")
    assert told["port:tty"] == "ok"


@needs_broker
def test_an_adapter_that_echoes_does_no_harm(room: Room) -> None:
    room.line.echo = True
    bridge = room.open()
    room.terminal.press(5)
    until(lambda: room.server.heard and settled(room))
    assert bridge.buses[0].health()[0].refused_frames == 0


@needs_broker
def test_presses_that_a_full_log_refused_are_told(room: Room) -> None:
    while room.terminal.press(4):
        pass
    assert room.lamps == [Colour.RED]
    room.open()
    until(lambda: room.health().get("lost:b1") == "1")
    assert len(room.server.counted) <= 64


@needs_broker
def test_presses_keep_their_order(room: Room) -> None:
    for button in (1, 2, 3, 4, 5):
        room.terminal.press(button)
    room.open()
    until(lambda: len(room.server.counted) == 5)
    assert [p.score for p in room.server.counted.values()] == [1, 2, 3, 4, 5]


# --- what breaks ---


@needs_broker
def test_a_lost_acknowledgement_does_not_count_the_press_twice(room: Room) -> None:
    lost: list[Frame] = []

    def miss(frame: Frame) -> bool:
        if frame.kind is Kind.ACKNOWLEDGEMENT and len(lost) < 3:
            lost.append(frame)
            return True
        return False

    room.terminal.miss = miss
    room.open()
    room.terminal.press(3)
    until(lambda: len(lost) == 3 and settled(room))
    assert len(room.server.heard) == 1


@needs_broker
def test_all_presses_arrive_once_over_a_line_that_spoils_every_third_reply(room: Room) -> None:
    room.line.noise, room.line.loss = 0.3, 0.1
    room.open()
    for number in range(20):
        assert room.terminal.press(number % 5 + 1)
    until(lambda: len(room.server.counted) == 20 and settled(room), 20)
    assert [p.score for p in room.server.counted.values()] == [1, 2, 3, 4, 5] * 4


@needs_broker
def test_a_bridge_killed_before_the_server_knew_brings_the_press_later_once(room: Room) -> None:
    room.broker.stop()
    process = room.open_as_process()
    room.terminal.press(4)
    until(lambda: room.terminal.waiting == 0)  # acknowledged: only the bridge's store has it now
    process.kill()
    process.wait(5)
    room.broker.start()
    room.open()
    until(lambda: settled(room) and room.server.heard)
    (press,) = room.server.counted.values()
    assert press.score == 4


@needs_broker
def test_a_press_asked_before_the_bridge_was_killed_is_asked_again_under_its_id(room: Room) -> None:
    room.server.mute = True
    process = room.open_as_process()
    room.terminal.press(5)
    until(lambda: room.server.heard)
    process.kill()
    process.wait(5)
    room.server.mute = False
    room.open()
    until(lambda: len(room.server.heard) > 1 and settled(room))
    assert len(room.server.counted) == 1


@needs_broker
def test_presses_wait_out_a_broker_that_is_away_and_tell_their_age(room: Room) -> None:
    bridge = room.open()
    assert bridge.link.wait_connected(SOON)
    room.broker.stop()
    until(lambda: not bridge.link.connected)
    room.terminal.press(1)
    room.terminal.press(5)
    until(lambda: room.health()["waiting"] == "2")
    room.broker.start()
    until(lambda: settled(room) and len(room.server.counted) == 2, 15)
    assert all(press.age_ms > 0 for press in room.server.heard)


@needs_broker
def test_a_cable_pulled_out_and_put_back_goes_on_where_it_was(room: Room) -> None:
    room.open()
    until(lambda: room.health()["terminal:b1"] == "ok")
    room.line.unplug()
    until(lambda: room.health()["port:tty"] == "absent")
    assert room.health()["terminal:b1"] == "unplugged"
    room.terminal.press(2)
    room.line.plug_in()
    until(lambda: room.server.heard and settled(room))
    assert room.server.heard[0].score == 2


@needs_broker
def test_a_terminal_that_lost_power_after_the_press_still_tells_it(
    room: Room, tmp_path: Path
) -> None:
    room.open()
    until(lambda: room.health()["terminal:b1"] == "ok")
    room.line.unplug()
    room.terminal.press(1)
    room.line.terminals = [room.new_terminal(tmp_path / "press_log.json")]
    room.line.plug_in()
    until(lambda: room.server.heard)
    assert room.server.heard[0].score == 1
    until(lambda: room.line.terminals[0].waiting == 0)


@needs_broker
def test_a_press_whose_time_nobody_knows_is_recorded_but_tied_to_no_visitor(
    room: Room, tmp_path: Path
) -> None:
    room.terminal.press(1)
    room.line.unplug()
    room.line.terminals = [room.new_terminal(tmp_path / "press_log.json")]
    room.line.plug_in()
    room.open()
    until(lambda: room.line.terminals[0].waiting == 0)
    assert room.refusals() == {"age_unknown": 1}
    assert room.server.heard == []


# --- who must not be believed ---


@needs_broker
def test_a_recorded_press_played_back_is_refused(room: Room) -> None:
    room.line.recorded = []
    bridge = room.open()
    room.terminal.press(5)
    until(lambda: settled(room) and room.server.heard)
    recorded = [r for r in room.line.recorded if _kind(r, room.key) is Kind.PRESS]

    def refused() -> bool:
        """Played until one arrives whole: it may meet the terminal's own words on the line."""
        room.line.inject(b"\0" + recorded[0])
        return bridge.buses[0].health()[0].refused_frames > 0

    until(refused)
    assert room.health()["terminal:b1"] == "stale"
    assert len(room.server.heard) == 1


@needs_broker
def test_a_press_under_a_wrong_key_is_refused_and_shown(room: Room, tmp_path: Path) -> None:
    room.line.unplug()
    forger = PretendTerminal(1, bytes(32), PressLog(tmp_path / "forged.json"))
    room.line.terminals = [forger]
    room.line.plug_in()
    bridge = room.open()
    until(lambda: bridge.buses[0].plugged)
    forged = Frame(1, 1, Kind.PRESS, 1, frames.Press(1, 5, 0).payload())
    room.line.inject(frames.encode(forged, bytes(32)))
    until(lambda: room.health()["terminal:b1"] == "forged")
    assert room.server.heard == []


@needs_broker
def test_a_terminal_whose_count_went_back_is_shown_and_not_acknowledged(
    room: Room, tmp_path: Path
) -> None:
    room.open()
    room.terminal.press(5)
    room.terminal.press(5)
    until(lambda: len(room.server.counted) == 2 and settled(room))
    room.line.unplug()
    room.line.terminals = [room.new_terminal(tmp_path / "forgotten.json")]
    room.line.plug_in()
    room.line.terminals[0].press(1)
    until(lambda: room.health()["terminal:b1"] == "count_went_back")
    assert room.line.terminals[0].waiting == 1
    assert len(room.server.counted) == 2


@needs_broker
def test_a_press_is_not_acknowledged_while_the_store_cannot_write(room: Room) -> None:
    room.open()
    until(lambda: room.health()["terminal:b1"] == "ok")
    other = sqlite3.connect(room.data / "presses.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    room.terminal.press(5)
    until(lambda: room.health()["terminal:b1"] == "store_failed")
    assert room.terminal.waiting == 1
    other.execute("ROLLBACK")
    until(lambda: room.server.heard and room.terminal.waiting == 0)


# --- many on one bus, and the command ---


def test_thirty_terminals_on_one_bus_are_all_heard_and_a_dead_one_does_not_stop_them(
    tmp_path: Path,
) -> None:
    names = [f"b{number}" for number in range(1, 31)]
    dead = 30
    lines = [
        f'[[bridge.terminals]]\nname = "{name}"\naddress = {n}\ncounter = {n}'
        for n, name in enumerate(names, 1)
    ]
    file = tmp_path / "bridge.toml"
    file.write_text(f'[bridge]\nport = "{tmp_path}/tty"\npause_ms = 5\n' + "\n".join(lines))
    (terminals,) = settings.enrolled(settings.read(file, {}), tmp_path, {}).values()
    made = [
        PretendTerminal(t.address, t.key, PressLog(tmp_path / f"{t.name}.json"))
        for t in terminals
        if t.address != dead
    ]
    line = PretendLine(tmp_path / "tty", made)
    line.start()
    store, pressed = PressStore(tmp_path / "presses.db"), threading.Semaphore(0)
    bus = Bus(str(line.link), terminals, store, on_press=pressed.release)
    bus.start()
    for terminal in made:
        terminal.press(terminal.address % 5 + 1)
    assert all(pressed.acquire(timeout=SOON) for _ in made)
    until(lambda: bus.health()[dead - 1].state == "never_seen" and not any(t.waiting for t in made))
    assert {p.terminal: p.score for p in store.waiting(50)} == {
        f"b{n}": n % 5 + 1 for n in range(1, 31) if n != dead
    }
    bus.stop()
    line.stop()
    store.close()


@needs_broker
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_ends_cleanly_when_told_to(room: Room, number: int) -> None:
    process = room.open_as_process()
    until(lambda: any(p.state == "online" for p in room.server.presence))
    process.send_signal(number)
    assert process.wait(SOON) == 0
    until(lambda: room.server.presence[-1].state == "offline")


def test_the_command_without_enrolment_says_why_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = argparse.Namespace(data=tmp_path, settings=None, port=None, server=None, code=None)
    assert main.run(args) == 1
    reason = capsys.readouterr().err
    assert reason.count("\n") == 1
    assert "enrol this device first" in reason


def test_the_pretend_terminal_runs_as_a_program_and_takes_buttons_from_standard_input(
    tmp_path: Path,
) -> None:
    key, link = tmp_path / "b1.key", tmp_path / "tty"
    settings.make_key(key)
    own = ["--link", str(link), "--address", "1", "--key-file", str(key)]
    program = subprocess.Popen(
        [sys.executable, "-m", "firmware_bridge.pretend_terminal", *own],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None and program.stdin is not None
    assert program.stdout.readline().startswith("ready")
    store, pressed = PressStore(tmp_path / "presses.db"), threading.Semaphore(0)
    terminal = Terminal("b1", 1, 4, settings.read_key(key))
    bus = Bus(str(link), (terminal,), store, on_press=pressed.release)
    bus.start()
    program.stdin.write("3\n")
    program.stdin.flush()
    program.send_signal(signal.SIGRTMIN + 5)
    assert pressed.acquire(timeout=SOON) and pressed.acquire(timeout=SOON)
    assert sorted(p.score for p in store.waiting(5)) == [3, 5]
    bus.stop()
    program.stdin.write("quit\n")
    program.stdin.flush()
    assert program.wait(SOON) == 0
    store.close()


# --- settings and keys ---


def test_a_key_is_made_once_for_the_owner_alone(tmp_path: Path) -> None:
    table = settings.BridgeSettings(
        terminals=(settings.TerminalSettings(name="b1", address=1, counter=4),)
    )
    (first,) = settings.enrolled(table, tmp_path, {})["/dev/ttyUSB0"]
    (again,) = settings.enrolled(table, tmp_path, {})["/dev/ttyUSB0"]
    assert first.key == again.key
    assert (tmp_path / "terminals" / "b1.key").stat().st_mode & 0o777 == 0o600
    assert first.key.hex() not in repr(first)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "b1.key"
    settings.make_key(path)
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="mode to 600"):
        settings.read_key(path)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[bridge]\nspeed = 9600", r"2: unknown key `bridge.speed`"),
        ('[[bridge.terminals]]\nname = "b1"\naddress = 248\ncounter = 1', r"3: .*address"),
        (
            '[[bridge.terminals]]\nname = "b1"\naddress = 1\ncounter = 1\n' * 2,
            "name 'b1' is given 2 times",
        ),
    ],
)
def test_wrong_settings_are_refused_with_their_place(
    tmp_path: Path, text: str, reason: str
) -> None:
    file = tmp_path / "centre.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=reason):
        settings.read(file, {})
