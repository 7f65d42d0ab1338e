"""The terminals' firmware in real MicroPython, on the real bridge's line, through all that breaks."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest

from firmware_bridge import frames, main, settings
from firmware_bridge.bridge import Bridge
from firmware_bridge.firmware.press_log import HOLDS, PressLog
from firmware_bridge.frames import Colour, Frame, Key, Kind, Lamp
from firmware_bridge.store import PressStore
from firmware_bridge.terminals import Terminal
from queue_server.wire import messages as m
from queue_server.wire import topics
from queue_server.wire.words import Names
from tests.enrolled import enrol_bridge
from tests.firmware_room import (
    HERE,
    Firmware,
    FirmwareLine,
    check,
    compile_firmware,
    needed,
    until,
)
from tests.test_bridge import CENTRE, DEVICE, Broker, PretendServer, _raw, needs_broker

VECTORS = Path(__file__).parent / "data" / "terminal_vectors.json"
COUNTER = 4
VECTOR_KEY = bytes(range(32))

A012 = """
...##.....####.....##.....####..
..####...##..##....##....##..##.
.##..##..##.###...###........##.
.######..###.##....##.......##..
.##..##..##..##....##.....##....
.##..##..##..##....##....##.....
.##..##...####...######..######.
................................
"""


@pytest.fixture(scope="session", autouse=True)
def micropython() -> None:
    """These tests never pass without having run."""
    if missing := needed():
        pytest.fail(missing)


@pytest.fixture(scope="session")
def build(micropython: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_firmware(tmp_path_factory.mktemp("firmware") / "build")


class Server(PretendServer):
    """Also does what keys ask, and says what a counter serves."""

    def __init__(self, port: int) -> None:
        self.keys: list[m.KeyPressed] = []
        super().__init__(port)

    @property
    def done(self) -> dict[str, m.KeyPressed]:
        return {pressed.id: pressed for pressed in self.keys}

    def _hear(self, client: object, data: object, message: mqtt.MQTTMessage) -> None:
        match topics.split(CENTRE, message.topic):
            case ["ask", device, "press_key"]:
                pressed: m.KeyPressed = m.decode(m.KeyPressed, bytes(message.payload))
                self.keys.append(pressed)
                self._answer(device, self._verdict_on(pressed.id))
            case _:
                super()._hear(client, data, message)

    def _verdict_on(self, ask: str) -> m.Answer:
        if self.refusal:
            refusal = m.Refusal(code=self.refusal)
            return m.Answer(id=ask, verb="press_key", at=0, refusal=refusal)
        return m.Answer(id=ask, verb="press_key", at=0, ok=_raw(m.Done()))

    def serve(self, number: str) -> None:
        word = "serving" if number else "open"
        state = m.CounterState(
            counter=COUNTER, name=Names(vi="", en=""), state=word, at=0, number=number
        )
        topic = topics.COUNTER.at(CENTRE, counter=COUNTER)
        self._client.publish(topic, m.encode(state), 1, retain=True)

    def call(self, number: str, at: int) -> None:
        call = m.Call(id="1-1", at=at, number=number, counter=COUNTER)
        self._client.publish(topics.CALLS.at(CENTRE), m.encode(call), 1)


class Room:
    """One terminal of one role, its cable, a broker, a server, and the real bridge between them."""

    def __init__(self, folder: Path, build: Path, role: str) -> None:
        self.data = folder / "data"
        self.broker = Broker(folder)
        self.broker.start()
        self.server = Server(self.broker.port)
        self.settings = folder / "bridge.toml"
        self.settings.write_text(
            f'[bridge]\nport = "{folder}/tty"\npause_ms = 5\nreply_ms = 1000\nblink_s = 3\n'
            f'[[bridge.terminals]]\nname = "t1"\naddress = 1\ncounter = {COUNTER}\nrole = "{role}"\n'
        )
        self._enrol()
        self.key = settings.read_key(self.data / "terminals" / "t1.key")
        own = folder / "terminal.json"
        own.write_text(json.dumps({"role": role, "address": 1, "key": self.key.hex()}))
        self.terminal = Firmware(build, own, folder / "presses")
        self.line = FirmwareLine(
            folder / "tty", [], chance=random.Random(7), firmware=[self.terminal]
        )
        self.terminal.start()
        self.line.start()
        self.bridge: Bridge | None = None
        self._store: PressStore | None = None

    def _enrol(self) -> None:
        enrol_bridge(self.data, DEVICE, CENTRE, self.broker.port)
        settings.make_key(self.data / "terminals" / "t1.key")

    def open(self) -> Bridge:
        self.bridge, self._store = main.compose(self.data, self.settings, None)
        self.bridge.start()
        return self.bridge

    def state(self) -> str:
        assert self.bridge is not None
        return self.bridge.health()["terminal:t1"]

    def health(self, word: str) -> str | None:
        assert self.bridge is not None
        return self.bridge.health().get(word)

    def connected(self) -> None:
        """Until the bridge's answers and calls would reach it."""
        until(lambda: any(p.state == "online" for p in self.server.presence))

    def settled(self) -> bool:
        """No press waits in the log, as the terminal itself wrote it down, nor in the bridge."""
        return self.state() == "ok" and self.health("waiting") == "0"

    def refusals(self) -> dict[str, int]:
        assert self._store is not None
        return self._store.refusals()

    def say(self, kind: Kind, count: int, payload: bytes, key: bytes | None = None) -> bytes:
        """A frame as the bridge would send it, or as somebody without the key would."""
        return frames.encode(Frame(1, 1, kind, count, payload), key or self.key)

    def end(self) -> None:
        if self.bridge is not None and self._store is not None:
            self.bridge.stop()
            self._store.close()
        self.line.stop()
        self.terminal.cut_power()
        self.server.stop()
        self.broker.stop()


@pytest.fixture
def role() -> str:
    return "rating"


@pytest.fixture
def room(build: Path, tmp_path: Path, role: str) -> Iterator[Room]:
    made = Room(tmp_path, build, role)
    yield made
    made.end()


def is_kind(data: bytes, key: bytes, kind: Kind) -> bool:
    found = frames.Deframer(lambda _: key).feed(data)
    return any(isinstance(one, Frame) and one.kind is kind for one in found)


# --- the same words at both ends ---


def test_micropython_makes_and_reads_the_vectors_as_the_bridge_does(build: Path) -> None:
    given = VECTORS.read_text("utf-8")
    vectors = json.loads(given)
    found = check(build, HERE / "check_vectors.py", given)
    assert found["made"] == [row["bytes"] for row in vectors["frames"]]
    fields = ("address", "sequence", "kind", "count", "payload")
    assert found["read"] == [[row[x] for x in fields] for row in vectors["frames"]]
    assert found["refused"] == [row["flaw"] for row in vectors["refused"]]


def test_the_board_file_of_an_esp32_runs_on_pretend_pins_with_real_files(build: Path) -> None:
    own = {"role": "rating", "address": 1, "baud": 19200, "key": VECTOR_KEY.hex()}
    lamp = frames.encode(Frame(1, 2, Kind.LAMP, 3, Lamp(Colour.AMBER).payload()), VECTOR_KEY)
    late = frames.encode(Frame(1, 9, Kind.POLL, 1), VECTOR_KEY) + frames.encode(
        Frame(2, 1, Kind.POLL, 1), VECTOR_KEY
    )
    poll = frames.encode(Frame(1, 1, Kind.POLL, 2), VECTOR_KEY)
    given = {"settings": own, "late poll": late.hex(), "poll": poll.hex(), "lamp": lamp.hex()}
    found = check(build, HERE / "check_board.py", json.dumps(given))
    (said,) = frames.Deframer(lambda _: VECTOR_KEY).feed(bytes.fromhex(found["said"]))
    assert isinstance(said, Frame)
    assert frames.Press.read(said.payload).button == 3
    assert found["said too late"] == ""
    assert found["files"] == [f"presses-{Terminal('t1', 1, 1, VECTOR_KEY).key_id}"]
    assert found["kept"] == [[1, 3]]
    assert (found["baud"], found["amber"], found["watchdog at first"], found["fed"]) == (
        19200,
        1,
        True,
        True,
    )
    assert (found["on mains"], found["battery"]) == (255, 50)
    assert found["driven"] == [1, 0]
    assert (found["stack"], found["turns"]) == (16_384, 3)
    assert found["came back from service"]


# --- five faces ---


@needs_broker
def test_a_press_clicks_reaches_the_server_once_and_lights_green(room: Room) -> None:
    room.open()
    assert room.terminal.press(5)
    room.terminal.wait("lamp", Colour.GREEN)
    (press,) = room.server.heard
    assert (press.counter, press.score, press.terminal) == (COUNTER, 5, "t1")
    assert press.age_ms < 5_000
    room.terminal.wait("lamp", Colour.OFF)


@needs_broker
def test_a_press_that_the_server_refuses_lights_amber(room: Room) -> None:
    room.server.refusal = "no_offer"
    room.open()
    room.terminal.press(2)
    room.terminal.wait("lamp", Colour.AMBER)
    assert room.refusals() == {"no_offer": 1}


@needs_broker
def test_a_button_held_is_one_press_and_battery_and_version_are_told(room: Room) -> None:
    room.terminal.tell(battery=41)
    bridge = room.open()
    room.terminal.down(3)
    room.terminal.wait("lamp", Colour.OFF)  # green came and went, and the finger is still there
    room.terminal.up()
    until(lambda: room.health("battery:t1") == "41")
    assert bridge.buses[0].health()[0].firmware == (1, 0)
    assert [press.score for press in room.server.counted.values()] == [3]


# --- what breaks ---


@needs_broker
def test_all_presses_arrive_once_and_in_order_over_a_line_that_spoils_both_ways(
    room: Room,
) -> None:
    room.line.noise, room.line.loss, room.line.noise_outward = 0.3, 0.1, 0.2
    room.settings.write_text(room.settings.read_text().replace("reply_ms = 1000", "reply_ms = 100"))
    room.open()
    for button in (1, 2, 3, 4, 5):
        assert room.terminal.press(button)
    until(lambda: len(room.server.counted) == 5)
    assert [press.score for press in room.server.counted.values()] == [1, 2, 3, 4, 5]


@needs_broker
def test_a_press_on_a_cut_line_comes_when_the_line_is_back(room: Room) -> None:
    room.open()
    until(lambda: room.state() == "ok")
    room.line.unplug()
    assert room.terminal.press(2)
    room.line.plug_in()
    until(lambda: room.server.heard)
    assert room.server.heard[0].score == 2


@needs_broker
def test_power_lost_before_the_bridge_heard_of_the_press_does_not_lose_it(room: Room) -> None:
    room.open()
    until(lambda: room.state() == "ok")
    room.line.unplug()
    assert room.terminal.press(4)
    room.terminal.cut_power()
    room.terminal.start()
    room.line.plug_in()
    until(lambda: room.server.heard)
    assert [press.score for press in room.server.counted.values()] == [4]


@needs_broker
def test_power_lost_between_press_and_acknowledgement_counts_it_once(room: Room) -> None:
    room.line.lose = lambda data: is_kind(data, room.key, Kind.ACKNOWLEDGEMENT)
    room.open()
    assert room.terminal.press(5)
    until(lambda: room.server.heard)
    room.terminal.cut_power()
    room.line.lose = lambda _: False
    room.terminal.start()
    assert room.terminal.press(1)
    until(lambda: len(room.server.counted) == 2)
    assert [press.score for press in room.server.counted.values()] == [5, 1]
    assert room.state() == "ok"


@needs_broker
@pytest.mark.parametrize("written", [0, 1, 9, 19])
def test_power_lost_in_the_middle_of_a_write_leaves_a_log_that_goes_on(
    room: Room, written: int
) -> None:
    room.open()
    assert room.terminal.press(5)
    until(lambda: room.server.heard)
    room.terminal.tell(cut_after=written)
    room.terminal.down(2)
    room.terminal.wait_dead()
    room.terminal.start()
    room.terminal.press(3)
    until(lambda: len(room.server.counted) == 2)
    assert [press.score for press in room.server.counted.values()] == [5, 3]
    assert room.state() == "ok"


@needs_broker
def test_a_terminal_that_forgot_its_count_is_shown_and_counts_nothing(room: Room) -> None:
    room.open()
    for button in (5, 4):
        room.terminal.press(button)
    until(lambda: len(room.server.counted) == 2)
    room.terminal.cut_power()
    room.terminal.log.unlink()
    room.terminal.start()
    room.terminal.press(1)
    until(lambda: room.state() == "count_went_back")
    assert len(room.server.counted) == 2


@needs_broker
def test_a_flash_that_takes_no_more_refuses_the_press_in_red_and_tells(room: Room) -> None:
    room.open()
    room.terminal.tell(log_fails=True)
    assert not room.terminal.press(5)
    until(lambda: room.health("lost:t1") == "1")
    room.terminal.tell(log_fails=False)
    assert room.terminal.press(4)
    until(lambda: room.server.heard)
    assert [press.score for press in room.server.counted.values()] == [4]


@needs_broker
def test_a_full_log_refuses_in_red_and_all_that_it_held_arrives(room: Room) -> None:
    room.terminal.cut_power()
    with room.terminal.log.open("w+b") as file:
        log = PressLog(file)
        assert all(log.add(number % 5 + 1, 0) for number in range(HOLDS))
    room.terminal.start()
    assert not room.terminal.press(5)
    room.open()
    until(lambda: sum(room.refusals().values()) == HOLDS)  # nobody knows when they were pressed
    assert room.refusals() == {"age_unknown": HOLDS}
    assert room.terminal.press(1)
    until(lambda: room.server.heard)


# --- who must not be believed ---


@needs_broker
def test_recorded_and_forged_words_of_the_bridge_do_nothing(room: Room) -> None:
    room.open()
    room.terminal.press(5)
    room.terminal.wait("lamp", Colour.OFF)
    recorded = [data for data in room.line.heard if is_kind(data, room.key, Kind.LAMP)]
    green = Lamp(Colour.GREEN, 20).payload()
    before = len(room.terminal.lamps)
    for data in (*recorded, room.say(Kind.LAMP, 1 << 30, green, bytes(32))):
        room.terminal.tell(rx=(b"\0" + data).hex())
    room.terminal.tell(rx=room.say(Kind.LAMP, 1 << 30, Lamp(Colour.AMBER, 1).payload()).hex())
    room.terminal.wait("lamp", Colour.AMBER)
    assert room.terminal.lamps[before:] == [Colour.AMBER]


@needs_broker
def test_a_recorded_press_played_back_is_refused(room: Room) -> None:
    room.line.recorded = []
    room.open()
    room.terminal.press(5)
    until(lambda: room.server.heard and room.settled())
    (first, *_) = [x for x in room.line.recorded if is_kind(x, room.key, Kind.PRESS)]

    def refused() -> bool:
        """Played until one arrives whole: it may meet the terminal's own words on the line."""
        room.line.inject(b"\0" + first)
        return room.state() == "stale"

    until(refused)
    assert len(room.server.heard) == 1


# --- the officer's keypad ---


@pytest.mark.parametrize("role", ["keypad"])
@needs_broker
def test_the_keys_ask_for_what_they_say_and_done_is_green(room: Room) -> None:
    room.open()
    for key in (Key.NEXT, Key.RECALL, Key.FINISH):
        assert room.terminal.press(key)
    until(lambda: len(room.server.done) == 3)
    assert [x.key for x in room.server.done.values()] == [m.Key.NEXT, m.Key.RECALL, m.Key.FINISH]
    assert {(x.counter, x.terminal) for x in room.server.keys} == {(COUNTER, "t1")}
    assert room.server.heard == []
    room.terminal.wait("lamp", Colour.GREEN)


@pytest.mark.parametrize("role", ["keypad"])
@needs_broker
def test_no_show_must_be_held_and_a_refusal_is_amber(room: Room) -> None:
    room.server.refusal = "nobody_at_counter"
    room.open()
    room.connected()
    room.terminal.down(Key.NO_SHOW)
    room.terminal.wait("lamp", Colour.AMBER)
    room.terminal.up()
    (pressed,) = room.server.done.values()
    assert pressed.key is m.Key.NO_SHOW
    assert pressed.at > 0


@pytest.mark.parametrize("role", ["keypad"])
@needs_broker
def test_a_keypad_that_the_bridge_knows_as_faces_is_refused(room: Room) -> None:
    room.settings.write_text(room.settings.read_text().replace('role = "keypad"', ""))
    room.open()
    room.terminal.press(Key.NEXT)
    until(lambda: room.state() == "kind")
    assert room.server.keys == []


# --- the display of a counter ---


def test_a_display_that_nobody_polls_any_more_shows_no_number(build: Path) -> None:
    happens = [
        ["polled", 0],
        ["shown", "A012", 1000, 2000],
        ["nothing", 31_000],
        ["polled", 40_000],
    ]
    drawn = check(build, HERE / "check_display.py", json.dumps(happens))
    blinks = [[2000, "A012"], [2300, ""], [2600, "A012"], [2900, ""], [3000, "A012"]]
    assert drawn == [[0, "--"], *blinks, [31_000, "--"], [40_000, "A012"]]


NUMBER = A012.split()
DARK = ["." * 32] * 8


@pytest.mark.parametrize("role", ["display"])
@needs_broker
def test_the_display_shows_whom_its_counter_serves_and_goes_dark_after_her(room: Room) -> None:
    pictures = room.terminal.pictures
    room.server.serve("A012")
    room.open()
    room.terminal.wait_for(lambda: pictures[-1] == NUMBER)
    room.server.serve("")
    room.terminal.wait_for(lambda: pictures[-1] == DARK)


@pytest.mark.parametrize("role", ["display"])
@needs_broker
def test_a_call_blinks_and_then_stands(room: Room) -> None:
    pictures = room.terminal.pictures
    bridge = room.open()
    room.connected()
    before = len(pictures)
    room.server.call("A012", bridge.link.now())
    room.server.serve("A012")
    room.terminal.wait_for(lambda: pictures[before:].count(DARK) >= 3)
    assert pictures[before:].count(NUMBER) >= 3
    bridge.buses[0].display(COUNTER, "A012")
    room.terminal.wait_for(lambda: pictures[-1] == NUMBER)


@pytest.mark.parametrize("role", ["display"])
@needs_broker
def test_a_call_that_comes_late_does_not_blink(room: Room) -> None:
    pictures = room.terminal.pictures
    bridge = room.open()
    room.connected()
    room.server.call("A012", bridge.link.now() - 60_000)
    room.server.serve("A012")
    room.terminal.wait_for(lambda: pictures[-1] == NUMBER)
    room.server.serve("")
    room.terminal.wait_for(lambda: pictures[-1] == DARK)
    assert pictures.count(NUMBER) == 1


@pytest.mark.parametrize("role", ["display"])
@needs_broker
def test_a_server_that_stays_away_leaves_no_number_on_the_display(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware_bridge.bridge.AWAY_AFTER_S", 0.1)
    room.terminal.wait_for(lambda: room.terminal.pictures[-1] != DARK)
    unknown = room.terminal.pictures[-1]
    room.server.serve("A012")
    room.open()
    room.terminal.wait_for(lambda: room.terminal.pictures[-1] == NUMBER)
    room.broker.stop()
    room.terminal.wait_for(lambda: room.terminal.pictures[-1] == unknown)
    room.broker.start()
    room.server.serve("A012")
    room.terminal.wait_for(lambda: room.terminal.pictures[-1] == NUMBER)


@pytest.mark.parametrize("role", ["display"])
@needs_broker
def test_a_display_that_lost_power_shows_the_number_again(room: Room) -> None:
    room.server.serve("A012")
    room.open()
    room.terminal.wait_for(lambda: room.terminal.pictures[-1] == NUMBER)
    room.terminal.cut_power()
    room.terminal.pictures.clear()
    room.terminal.start()
    room.terminal.wait_for(lambda: NUMBER in room.terminal.pictures)


def test_a_bridge_enrolled_for_another_counter_does_not_start_with_a_foreign_display(
    tmp_path: Path,
) -> None:
    enrol_bridge(tmp_path, DEVICE, CENTRE, 1, counter=7)
    own = tmp_path / "bridge.toml"
    own.write_text(
        '[[bridge.terminals]]\nname = "d1"\naddress = 1\ncounter = 4\nrole = "display"\n'
    )
    with pytest.raises(main.CannotStart, match="display d1 stands at counter 4"):
        main.compose(tmp_path, own, None)
