"""Bought buttons rate and bought lamps light, from their own broker to the centre's log, through what breaks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_bridge import settings
from firmware_bridge.clock import Moment
from firmware_bridge.foreign.buttons import Button, Buttons
from firmware_bridge.foreign.dialects import EspHome, Zigbee2Mqtt
from firmware_bridge.foreign.lamps import CallLamp, Lamps
from firmware_bridge.foreign.line import ForeignLine, trusting
from firmware_bridge.foreign.part import Said
from firmware_bridge.foreign.settings import ForeignSettings
from firmware_bridge.store import KeptPress, PressStore, StoreFailed
from queue_server.doors.authority import Authority
from queue_server.doors.broker import Tls, foreign_user
from queue_server.line import orders as o
from queue_server.store.devices import hash_password
from queue_server.wire import messages as m
from queue_server.wire.settings import SettingsError
from queue_server.wire.words import Names
from tests.brokers import BOTH, NATS, make_broker, wait_for
from tests.foreign_room import COUNTER, ForeignRoom, foreign_room

SETTINGS = """
[[bridge.buttons]]
name = "nut-zigbee"
speaks = "zigbee2mqtt"
device = "nut_3"
counter = 3
scores = { "1_single" = 1, "2_single" = 2, "3_single" = 3, "4_single" = 4, "5_single" = 5 }

[[bridge.buttons]]
name = "nut-tasmota"
speaks = "tasmota"
device = "nut_tasmota"
counter = 3
scores = { "button1_single" = 1, "button2_single" = 5 }

[[bridge.buttons]]
name = "nut-esp"
speaks = "esphome"
device = "esp-nut"
counter = 3
scores = { "hai_long" = 5 }

[[bridge.lamps]]
name = "den-tasmota"
speaks = "tasmota"
device = "den_3"
counter = 3

[[bridge.lamps]]
name = "den-esp"
speaks = "esphome"
device = "esp-den"
counter = 3
output = "light/den"
"""
TOPIC = "zigbee2mqtt/nut_3"
FIVE = b'{"action":"5_single","battery":100,"linkquality":128,"voltage":3000}'


@pytest.fixture(scope="module", params=BOTH)
def room(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ForeignRoom]:
    root = tmp_path_factory.mktemp("bought")
    with foreign_room(root, SETTINGS, request.param) as made:
        made.order(o.OpenCounter(counter=COUNTER))
        made.open()
        yield made


def new_rating(room: ForeignRoom, before: int) -> tuple[int, str]:
    assert wait_for(lambda: len(room.ratings()) > before and room.settled())
    return room.ratings()[-1]


# --- with real brokers and a real centre ---


@pytest.mark.parametrize(
    ("topic", "payload", "rating"),
    [
        (TOPIC, FIVE, (5, "terminal:nut-zigbee")),
        (
            "stat/nut_tasmota/RESULT",
            b'{"Button1":{"Action":"SINGLE"}}',
            (1, "terminal:nut-tasmota"),
        ),
        ("esp-nut/binary_sensor/hai_long/state", b"ON", (5, "terminal:nut-esp")),
    ],
    ids=["zigbee2mqtt", "tasmota", "esphome"],
)
def test_a_bought_button_rates_the_visit_at_its_counter(
    room: ForeignRoom, topic: str, payload: bytes, rating: tuple[int, str]
) -> None:
    before = len(room.ratings())
    room.serve()
    room.device().say(topic, payload)
    assert new_rating(room, before) == rating


def test_lamps_are_on_while_their_counter_calls(room: ForeignRoom) -> None:
    lamp = room.device("cmnd/den_3/#", "esp-den/light/den/command")
    room.take_number()
    ticket = room.call()
    assert lamp.hears("cmnd/den_3/POWER", b"ON")
    assert lamp.hears("esp-den/light/den/command", b'{"state":"ON"}')
    lamp.heard.clear()
    room.order(o.Finish(counter=COUNTER, ticket=ticket))
    assert lamp.hears("cmnd/den_3/POWER", b"OFF")


def test_battery_and_presence_stand_in_the_bridges_health(room: ForeignRoom) -> None:
    device = room.device()
    device.say(TOPIC, b'{"battery":42,"linkquality":100}')
    device.say(f"{TOPIC}/availability", b'{"state":"online"}', retain=True)
    device.say("tele/nut_tasmota/LWT", b"Offline", retain=True)
    assert wait_for(lambda: room.health.get("battery:nut-zigbee") == "42")
    assert wait_for(lambda: room.health.get("terminal:nut-tasmota") == "silent")
    assert room.health["terminal:nut-zigbee"] == "ok"
    assert room.health["seen:nut-zigbee"].endswith("Z")
    device.say("zigbee2mqtt/bridge/state", b'{"state":"offline"}', retain=True)
    assert wait_for(lambda: room.health["terminal:nut-zigbee"] == "gateway_away")
    device.say("zigbee2mqtt/bridge/state", b'{"state":"online"}', retain=True)
    assert wait_for(lambda: room.health["terminal:nut-zigbee"] == "ok")


def test_nonsense_is_logged_without_its_content_and_the_next_press_counts(
    room: ForeignRoom, capsys: pytest.CaptureFixture[str]
) -> None:
    before = len(room.ratings())
    room.serve()
    device = room.device()
    for nonsense in (b"{secret", b"\xff\x00", b"[" * 5_000, b""):
        device.say(TOPIC, nonsense)
    device.say(TOPIC, b'{"action":"4_single"}')
    assert new_rating(room, before)[0] == 4
    assert "secret" not in capsys.readouterr().out


def test_a_press_while_the_server_is_away_is_counted_when_it_is_back(room: ForeignRoom) -> None:
    before = len(room.ratings())
    room.serve()
    room.home.kill_server()
    room.device().say("stat/nut_tasmota/BUTTON2", b'{"ACTION":"SINGLE"}')
    assert wait_for(lambda: room.health.get("waiting") == "1")
    room.shut()
    room.home.start_server()
    room.open()
    assert new_rating(room, before) == (5, "terminal:nut-tasmota")


def test_the_line_to_their_broker_is_encrypted_and_its_authority_checked(tmp_path: Path) -> None:
    now = dt.datetime.now(dt.UTC)
    authority = Authority.open(tmp_path / "own", "demo", now)
    made = authority.server_certificate(["127.0.0.1"], now)
    broker = make_broker(NATS, tmp_path / "broker", Tls(made.certificate, made.key))
    broker.start([foreign_user("bridge", hash_password("mat khau"), ["zigbee2mqtt"])])
    stranger = Authority.open(tmp_path / "stranger", "demo", now)
    (tmp_path / "ca.pem").write_text(authority.pem)
    (tmp_path / "other.pem").write_text(stranger.pem)
    own = ForeignSettings(host="127.0.0.1", port=broker.port, user="bridge")
    lines = [
        ForeignLine(own, "mat khau", name, trusting(str(tmp_path / f"{name}.pem")))
        for name in ("other", "ca")
    ]
    try:
        for line in lines:
            line.start()
        assert wait_for(lambda: lines[1].up)
        assert not lines[0].up
    finally:
        for line in lines:
            line.stop()
        broker.stop()
    with pytest.raises(SettingsError):
        trusting(str(tmp_path / "none.pem"))


# --- the rules, by hand ---


class Hand:
    """Buttons whose clock is turned by hand, on a real store."""

    def __init__(self, folder: Path) -> None:
        self.at = 1_000.0
        self.store = PressStore(folder / "presses.db")
        scores = {"1_single": 1, "2_single": 2}
        self.button = Button("b1", 4, "zigbee2mqtt", Zigbee2Mqtt("nut"), scores)
        self.buttons = Buttons(
            [self.button],
            self.store,
            now=lambda: Moment(int(self.at * 1000), int(self.at * 1000), "boot"),
            monotonic=lambda: self.at,
        )

    def hear(self, payload: bytes, retained: bool = False, topic: str = "zigbee2mqtt/nut") -> None:
        self.buttons.hear(Said(topic, payload, retained))

    def scores(self) -> list[int]:
        return [press.score for press in self.store.waiting(100)]


@pytest.fixture
def hand(tmp_path: Path) -> Iterator[Hand]:
    made = Hand(tmp_path)
    yield made
    made.store.close()


def test_the_same_action_within_a_second_is_one_press_and_another_is_another(hand: Hand) -> None:
    hand.hear(b'{"action":"1_single"}')
    hand.hear(b"1_single", topic="zigbee2mqtt/nut/action")
    hand.hear(b'{"action":"2_single"}')
    hand.at += 0.9
    hand.hear(b'{"action":"1_single"}')
    hand.at += 1.0
    hand.hear(b'{"action":"1_single"}')
    assert hand.scores() == [1, 2, 1]


def test_what_was_retained_is_no_press_and_no_sign_of_life(hand: Hand) -> None:
    hand.hear(b'{"action":"1_single","battery":50}', retained=True)
    assert hand.scores() == []
    (seen,) = hand.buttons.terminals()
    assert (seen.seen, seen.battery) == (0, None)


def test_an_empty_or_unknown_action_is_only_a_report(hand: Hand) -> None:
    for said in (b'{"action":""}', b'{"action":"3_single"}', b'{"linkquality":1}'):
        hand.hear(said)
    assert hand.scores() == []
    assert hand.button.standing.seen_ms > 0


def test_a_press_is_numbered_on_after_a_restart(hand: Hand, tmp_path: Path) -> None:
    hand.hear(b'{"action":"1_single"}')
    hand.store.close()
    again = Hand(tmp_path)
    again.at += 60
    again.hear(b'{"action":"2_single"}')
    assert again.scores() == [1, 2]
    again.store.close()


def test_a_press_waits_in_memory_while_the_disk_is_full(
    hand: Hand, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = hand.store.keep

    def full(press: KeptPress, refusal: str = "") -> None:
        raise StoreFailed("database or disk is full")

    monkeypatch.setattr(hand.store, "keep", full)
    hand.hear(b'{"action":"1_single"}')
    hand.at += 2
    hand.hear(b'{"action":"2_single"}')
    monkeypatch.setattr(hand.store, "keep", keep)
    hand.buttons.tick()
    assert hand.scores() == [1, 2]


class Lit:
    """A lamp whose clock is turned by hand."""

    def __init__(self) -> None:
        self.at = 0.0
        self.said: list[bytes] = []
        lamp = CallLamp("den", 4, "esphome", EspHome("den"), "switch/den", longest_s=120)
        self.lamps = Lamps(
            [lamp], lambda _, payload, __: self.said.append(payload), monotonic=lambda: self.at
        )
        self.lamps.connected(True)

    def counter(self, state: str, number: str = "", counter: int = 4) -> None:
        name = Names(vi="", en="")
        self.lamps.counter(
            m.CounterState(counter=counter, name=name, state=state, at=0, number=number)
        )


def test_a_lamp_goes_out_by_itself_and_a_new_call_lights_it_again() -> None:
    lit = Lit()
    lit.counter("calling", "A001")
    lit.at += 119
    lit.counter("calling", "A001")
    lit.lamps.tick()
    lit.at += 1
    lit.lamps.tick()
    lit.counter("calling", "A002")
    assert lit.said == [b"OFF", b"ON", b"OFF", b"ON"]


def test_a_lamp_takes_no_notice_of_other_counters() -> None:
    lit = Lit()
    lit.counter("calling", "A001", counter=5)
    assert lit.said == [b"OFF"]


def test_a_lamp_that_comes_back_is_told_again() -> None:
    lit = Lit()
    lit.counter("calling", "A001")
    lit.lamps.hear(Said("den/status", b"offline"))
    lit.lamps.hear(Said("den/status", b"online"))
    assert lit.said == [b"OFF", b"ON", b"ON"]


# --- settings ---


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (SETTINGS, "host"),
        ('[bridge.foreign]\nhost = "h"\nhots = 1\n', "unknown key `bridge.foreign.hots`"),
        (
            '[bridge.foreign]\nhost = "h"\n[[bridge.buttons]]\nname = "b"\nspeaks = "zigbee2mqtt"\n'
            'device = "#"\ncounter = 1\nscores = { a = 1 }\n',
            "device",
        ),
        (
            '[bridge.foreign]\nhost = "h"\n[[bridge.buttons]]\nname = "b"\nspeaks = "zigbee2mqtt"\n'
            'device = "n"\ncounter = 1\nscores = { a = 6 }\n',
            "scores",
        ),
        (
            '[bridge.foreign]\nhost = "h"\n[[bridge.lamps]]\nname = "b"\nspeaks = "esphome"\n'
            'device = "n"\ncounter = 1\n',
            "switch/ID",
        ),
        (
            '[bridge.foreign]\nhost = "h"\n[[bridge.terminals]]\nname = "b"\naddress = 1\ncounter = 1\n'
            '[[bridge.lamps]]\nname = "b"\nspeaks = "tasmota"\ndevice = "n"\ncounter = 1\n',
            "given 2 times",
        ),
    ],
)
def test_settings_that_cannot_work_are_refused_with_their_key(
    tmp_path: Path, text: str, why: str
) -> None:
    file = tmp_path / "bridge.toml"
    file.write_text(text)
    with pytest.raises(SettingsError, match=why):
        settings.read(file)
