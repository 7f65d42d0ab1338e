"""Parts of the firmware's Wi-Fi by themselves: when it greets, how it comes back, and what its settings may say."""

from __future__ import annotations

import importlib
import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from firmware_bridge import frames, ota
from firmware_bridge.firmware import settings
from firmware_bridge.firmware.frame import Signer
from firmware_bridge.firmware.press_log import PressLog
from firmware_bridge.firmware.roles import Role
from firmware_bridge.firmware.sets import Sets
from firmware_bridge.firmware.terminal import Terminal
from firmware_bridge.firmware.update import Update
from firmware_bridge.firmware.wifi import STUCK_MS, Topics, Wifi
from firmware_bridge.frames import Acknowledgement, Frame, Kind, Press, Status

KEY = bytes(range(32))
OWN = {
    "role": "rating",
    "address": 1,
    "key": KEY.hex(),
    "wifi": {"network": "mot-cua", "password": "mật khẩu wifi"},
    "broker": {"host": "mqtt.local", "user": "hop-3", "password": "mật khẩu", "name": "hop-3"},
}
UP, DOWN = b"motcua-terminals/hop-3/up", b"motcua-terminals/hop-3/down"
FIRMWARE_UP = b"motcua-terminals/hop-3/firmware/up"
FIRMWARE_DOWN = b"motcua-terminals/hop-3/firmware/down"


class Ether:
    """In place of the network, with a terminal; `pass_time` gives what it says, with its milliseconds."""

    def __init__(self, folder: Path, **more: str) -> None:
        own = settings.read(json.dumps(OWN | more))
        assert own.wireless is not None
        self.now, self.turned, self.up, self.connections = 0, 0, True, 1
        self.heard: list[tuple[bytes, bytes]] = []
        self.said: list[tuple[bytes, bytes]] = []
        self.at, self.count = 0, 0
        self.restarts = 0
        self.log = PressLog(io.BytesIO())
        signer = Signer(KEY)
        update = Update(signer, Sets(f"{folder}/"), "test", (1, 0), lambda: None)
        role: Any = Role(self, self.log)  # type: ignore[arg-type]
        terminal = Terminal(1, signer, self.log, role, self, 0)  # type: ignore[arg-type]
        topics = Topics(own.wireless)
        self.wifi = Wifi(own, topics, self, signer, self.log, terminal, update, self)  # type: ignore[arg-type]

    # what it asks of board and network

    def beside(self, job: object) -> None: ...

    def step(self) -> None: ...

    def battery(self) -> int:
        return 255

    def restart(self) -> None:
        self.restarts += 1

    def say(self, topic: bytes, payload: bytes) -> None:
        self.said.append((topic, payload))

    # what the test does

    def pass_time(self, ms: int, stuck: bool = False) -> list[tuple[int, Kind]]:
        told, end = [], self.at + ms
        while self.at < end:
            self.turned = self.turned if stuck else self.at
            self.wifi.step(self.at)
            told += [(self.at, read(payload).kind) for topic, payload in self.said if topic == UP]
            self.said.clear()
            self.at += 100
        return told

    def bridge_says(self, kind: Kind, payload: bytes = b"", key: bytes = KEY) -> None:
        self.count += 1
        frame = Frame(1, 1, kind, self.count, payload)
        self.heard.append((DOWN, frames.encode(frame, key)))

    def answer(self) -> Frame:
        self.said.clear()
        self.wifi.step(self.at)
        ((_, payload),) = self.said
        self.said.clear()
        return read(payload)


def read(payload: bytes) -> Frame:
    (found,) = frames.Deframer(lambda _: KEY).feed(payload)
    assert isinstance(found, Frame)
    return found


@pytest.fixture
def ether(tmp_path: Path) -> Ether:
    return Ether(tmp_path)


# --- when it greets ---


def test_it_greets_after_each_connect_and_every_five_minutes(ether: Ether) -> None:
    assert ether.pass_time(600_000) == [(0, Kind.STATUS), (300_000, Kind.STATUS)]
    ether.connections += 1
    assert len(ether.pass_time(1_000)) == 1


def test_a_greeting_answers_no_poll(ether: Ether) -> None:
    ether.wifi.step(0)
    ((topic, payload),) = ether.said
    assert (topic, Status.read(read(payload).payload).poll) == (UP, 0)


def test_a_press_is_told_of_at_once_and_then_at_doubled_pauses_up_to_a_minute(
    ether: Ether,
) -> None:
    ether.pass_time(1_000)
    start = ether.at
    assert ether.log.add(5, ether.at)
    greeted = [(at - start) // 1000 for at, _ in ether.pass_time(250_000)]
    assert greeted == [0, 2, 6, 14, 30, 62, 122, 182, 242]


def test_a_press_is_told_when_polled_and_forgotten_when_acknowledged(ether: Ether) -> None:
    ether.pass_time(1_000)
    ether.log.add(5, ether.at)
    ether.pass_time(1_000)
    ether.bridge_says(Kind.POLL)
    told = ether.answer()
    press = Press.read(told.payload)
    assert (told.kind, press.button, press.poll) == (Kind.PRESS, 5, 1)
    ether.bridge_says(Kind.ACKNOWLEDGEMENT, Acknowledgement(told.count).payload())
    ether.wifi.step(ether.at)
    assert ether.log.waiting == []


def test_forged_and_recorded_polls_get_no_answer(ether: Ether) -> None:
    ether.pass_time(1_000)
    ether.bridge_says(Kind.POLL, key=bytes(32))
    ether.bridge_says(Kind.POLL)
    recorded = ether.heard[-1]
    assert ether.answer().kind is Kind.STATUS
    ether.heard.append(recorded)
    assert ether.pass_time(1_000) == []


def test_without_a_connection_it_says_nothing(ether: Ether) -> None:
    ether.up = False
    ether.log.add(5, 0)
    assert ether.pass_time(10_000) == []


def test_a_display_that_nobody_polls_asks_before_its_number_goes(tmp_path: Path) -> None:
    ether = Ether(tmp_path, role="display")
    assert [at for at, _ in ether.pass_time(30_000)] == [0, 20_000]
    ether.bridge_says(Kind.POLL)
    ether.answer()
    assert len(ether.pass_time(19_000)) == 0


def test_a_network_that_never_comes_back_starts_the_terminal_anew(ether: Ether) -> None:
    ether.pass_time(STUCK_MS * 2)
    assert ether.restarts == 0
    ether.pass_time(STUCK_MS, stuck=True)
    assert ether.restarts == 0
    ether.pass_time(1_000, stuck=True)
    assert ether.restarts > 0


# --- new firmware ---


def test_an_offer_is_wanted_and_a_forged_one_is_nothing(ether: Ether) -> None:
    ether.pass_time(1_000)
    manifest = b'{"no": "manifest"}'
    offer = ota.Offer(7, len(manifest), ota.manifest_mac(7, manifest, KEY))
    ether.heard.append((FIRMWARE_DOWN, ota.encode(offer, bytes(32))))
    ether.heard.append((FIRMWARE_DOWN, b"\x01"))
    ether.heard.append((FIRMWARE_DOWN, ota.encode(ota.Confirm(7), KEY)))
    ether.wifi.step(ether.at)
    assert ether.said == []
    ether.heard.append((FIRMWARE_DOWN, ota.encode(offer, KEY)))
    ether.wifi.step(ether.at)
    ((topic, payload),) = ether.said
    assert (topic, ota.decode(payload, KEY)) == (FIRMWARE_UP, ota.Want(7, 0, 0))
    ether.heard.append((FIRMWARE_DOWN, ota.encode(ota.Piece(7, 0, 0, manifest), KEY)))
    ether.said.clear()
    ether.wifi.step(ether.at)
    refused = ota.Report(7, ota.State.REFUSED, ota.Reason.MANIFEST)
    assert [ota.decode(payload, KEY) for _, payload in ether.said] == [refused]


def test_a_want_without_an_answer_is_told_again(ether: Ether) -> None:
    offer = ota.Offer(7, 100, bytes(32))
    ether.heard.append((FIRMWARE_DOWN, ota.encode(offer, KEY)))
    wants = 0
    for at in range(0, 20_000, 100):
        ether.turned = at
        ether.wifi.step(at)
        wants += sum(topic == FIRMWARE_UP for topic, _ in ether.said)
        ether.said.clear()
    assert wants == 4


# --- network and broker ---


class Station:
    def __init__(self, _interface: int) -> None:
        self.joined: list[int] = []
        self.is_up = False

    def active(self, _wanted: bool) -> None: ...

    def connect(self, name: str, password: str) -> None:
        self.joined.append(AIR.link.now)
        AIR.network = name, password

    def isconnected(self) -> bool:
        return self.is_up


class Client:
    def __init__(self, *how: Any) -> None:
        self.how, self.sock, self.asked, self.pid = how, Sock(), [], 0
        AIR.clients.append(self)

    def set_callback(self, heard: Any) -> None:
        self.heard = heard

    def connect(self, clean: bool, seconds: int) -> None:
        AIR.tried.append(AIR.link.now)
        if AIR.refuses:
            raise AIR.refuses
        assert clean
        if self.how[6] is not None:
            self.sock = self.how[6].wrap_socket(self.sock, self.how[1])

    def subscribe(self, topic: bytes, qos: int) -> None:
        self.asked.append((topic, qos))

    def publish(self, topic: bytes, payload: bytes, retain: bool, qos: int) -> None:
        if AIR.refuses:
            raise AIR.refuses
        self.pid += 1
        AIR.published.append((topic, payload, retain, qos))

    def ping(self) -> None:
        AIR.pings.append(AIR.link.now)

    def check_msg(self) -> None:
        self.sock.setblocking(False)
        self.sock.setblocking(True)


class Sock:
    def __init__(self) -> None:
        self.waits: list[float] = []
        self.written: list[bytes] = []
        self.closed = False

    def settimeout(self, seconds: float) -> None:
        self.waits.append(seconds)

    def close(self) -> None:
        self.closed = True

    def read(self, _size: int) -> bytes: ...  # type: ignore[empty-body]

    def write(self, data: bytes) -> None:
        self.written.append(data)


AIR = SimpleNamespace()


@pytest.fixture
def link(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[Any]:
    """The firmware's network half, between a pretend station and a pretend client."""
    network, simple = ModuleType("network"), ModuleType("umqtt.simple")
    network.WLAN, network.STA_IF = Station, 0  # type: ignore[attr-defined]
    simple.MQTTClient = Client  # type: ignore[attr-defined]
    for module in (network, simple, ModuleType("umqtt")):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    mqtt = importlib.import_module("firmware_bridge.firmware.mqtt")
    AIR.__dict__.update(clients=[], tried=[], published=[], pings=[], refuses=None)
    broker: dict[str, object] = dict(OWN["broker"]) | getattr(request, "param", {})  # type: ignore[call-overload]
    own = settings.read(json.dumps(OWN | {"broker": broker}))
    AIR.link = mqtt.Mqtt(own.wireless, "/", [DOWN], 0)
    yield AIR.link
    sys.modules.pop("firmware_bridge.firmware.mqtt")


def run(link: Any, ms: int) -> None:
    end = link.now + ms
    while link.now < end:
        link.step()
        link.now += 100


def joined(link: Any) -> Any:
    link._station.is_up = True
    run(link, 100)
    return AIR.clients[-1]


def test_a_network_is_joined_with_doubled_pauses(link: Any) -> None:
    run(link, 240_000)
    assert [at // 1000 for at in link._station.joined] == [0, 15, 45, 105, 165, 225]
    assert AIR.network == ("mot-cua", "mật khẩu wifi")


def test_a_broker_is_tried_with_doubled_pauses_up_to_a_minute_and_sockets_are_closed(
    link: Any,
) -> None:
    link._station.is_up, AIR.refuses = True, OSError(111)
    run(link, 200_000)
    assert [at // 1000 for at in AIR.tried] == [0, 1, 3, 7, 15, 31, 63, 123, 183]
    assert not link.up and all(client.sock.closed for client in AIR.clients)


def test_it_connects_and_listens_and_what_it_hears_is_kept(link: Any) -> None:
    client = joined(link)
    assert client.how[:6] == (
        b"motcua-hop-3",
        "mqtt.local",
        1883,
        b"hop-3",
        "mật khẩu".encode(),
        60,
    )
    assert client.asked == [(DOWN, 1)]
    assert (link.up, link.connections) == (True, 1)
    client.heard(DOWN, bytearray(b"x"))
    assert link.heard == [(DOWN, b"x")]
    for _ in range(100):
        client.heard(DOWN, b"more than a terminal can take")
    assert len(link.heard) == 16


def test_nothing_waits_without_end(link: Any) -> None:
    """umqtt would set its socket to wait for ever after each look."""
    client = joined(link)
    below = client.sock._below
    run(link, 100)
    assert below.waits[-2:] == [0, 5]


def test_the_parts_of_a_message_go_out_as_one_before_its_answer_is_read(link: Any) -> None:
    sock = joined(link).sock
    sock.write(b"12345", 2)
    sock.write(b"67")
    assert sock._sock.written == []
    sock.read(1)
    sock.read(1)
    assert sock._sock.written == [b"1267"]


def test_it_publishes_and_what_is_said_without_a_broker_is_lost(link: Any) -> None:
    link.say(UP, b"early")
    joined(link)
    link.say(UP, b"x")
    run(link, 100)
    assert AIR.published == [(UP, b"x", False, 1)]


def test_numbers_of_messages_begin_anew_before_they_need_more_than_two_bytes(link: Any) -> None:
    client = joined(link)
    client.pid = 0xFFFE
    for pid in (0xFFFF, 1):
        link.say(UP, b"x")
        run(link, 100)
        assert client.pid == pid


def test_it_lets_the_broker_know_that_it_lives(link: Any) -> None:
    joined(link)
    run(link, 100_000)
    assert [at // 1000 for at in AIR.pings] == [30, 60, 90]


@pytest.mark.parametrize("error", [OSError(110), AssertionError(), TypeError("None")])
def test_a_broker_that_goes_is_found_again_at_once(link: Any, error: Exception) -> None:
    """umqtt says in many ways that the line is broken."""
    below = joined(link).sock._below
    run(link, 20_000)
    AIR.refuses = error
    link.say(UP, b"x")
    run(link, 100)
    assert (link.up, below.closed) == (False, True)
    AIR.refuses = None
    run(link, 200)
    assert (link.up, link.connections) == (True, 2)


def test_a_network_that_goes_takes_the_broker_with_it_and_is_joined_at_once(link: Any) -> None:
    joined(link)
    run(link, 20_000)
    link._station.is_up = False
    run(link, 100)
    assert not link.up
    run(link, 100)
    assert len(link._station.joined) == 1
    joined(link)
    assert link.up


SECURE = {"ca": "ca.der", "clock": "ntp.local"}


@pytest.mark.parametrize("link", [SECURE], indirect=True)
def test_tls_checks_the_broker_by_the_authority_once_the_clock_is_right(
    link: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ModuleType("ntptime")
    happened: list[object] = []
    clock.settime = lambda: happened.append(clock.host)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "ntptime", clock)

    class Context:
        def __init__(self, _protocol: int) -> None:
            self.verify_mode = 0

        def load_verify_locations(self, cafile: str) -> None:
            happened.append(cafile)

        def wrap_socket(self, sock: Sock, server_hostname: str) -> Sock:
            happened.append((self.verify_mode, server_hostname))
            self.below = sock
            return Sock()

    monkeypatch.setattr("ssl.SSLContext", Context)
    client = joined(link)
    assert happened == ["ntp.local", "/ca.der", (2, "mqtt.local")]
    assert client.how[2] == 8883
    run(link, 100)
    assert client.how[6].below.waits[-2:] == [0, 5]  # the socket above has no time limit


# --- settings ---


def test_a_terminal_without_wifi_has_a_line() -> None:
    line = {x: y for x, y in OWN.items() if x not in ("wifi", "broker")}
    assert settings.read(json.dumps(line)).wireless is None


@pytest.mark.parametrize(
    ("table", "wrong"),
    [
        ("wifi", {"network": ""}),
        ("wifi", {"network": 7}),
        ("wifi", {"password": None}),
        ("broker", {"host": None}),
        ("broker", {"name": ""}),
        ("broker", {"port": "1883"}),
        ("broker", {"port": 0}),
        ("broker", {"ca": "ca.der"}),
        ("broker", {"prefix": ""}),
    ],
)
def test_wifi_settings_that_cannot_be_are_refused(table: str, wrong: dict[str, object]) -> None:
    told = dict(OWN[table]) | wrong  # type: ignore[call-overload]
    with pytest.raises(settings.SettingsWrong):
        settings.read(json.dumps(OWN | {table: told}))


@pytest.mark.parametrize("missing", ["host", "name"])
def test_a_broker_needs_host_and_name(missing: str) -> None:
    broker = {x: y for x, y in OWN["broker"].items() if x != missing}  # type: ignore[attr-defined]
    with pytest.raises(settings.SettingsWrong, match="host and name"):
        settings.read(json.dumps(OWN | {"broker": broker}))


@pytest.mark.parametrize("broker", [None, [], 1])
def test_wifi_without_a_broker_is_refused(broker: object) -> None:
    with pytest.raises(settings.SettingsWrong):
        settings.read(json.dumps(OWN | {"broker": broker}))
