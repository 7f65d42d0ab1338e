"""The centre's devices in Home Assistant: what it is told, by whom it is believed, and when no longer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_bridge.foreign.home_assistant import HomeAssistant
from firmware_bridge.foreign.part import Said
from queue_server.wire import messages as m
from queue_server.wire.words import DeviceKind
from tests.brokers import BOTH, wait_for
from tests.foreign_room import ForeignRoom, foreign_room

SETTINGS = """
[bridge.home_assistant]
prefix = "homeassistant"

[[bridge.buttons]]
name = "nut-3"
speaks = "zigbee2mqtt"
device = "nut_3"
counter = 3
scores = { "single" = 5 }
"""


@pytest.fixture(params=BOTH)
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ForeignRoom]:
    with foreign_room(tmp_path, SETTINGS, request.param) as made:
        made.open()
        yield made


def told(heard: list[tuple[str, bytes]], topic: str) -> dict[str, object]:
    """The last thing said there, as JSON; {} for nothing."""
    said = [payload for where, payload in heard if where == topic]
    return json.loads(said[-1]) if said else {}


def test_a_tool_that_comes_later_finds_kiosk_bridge_and_button(room: ForeignRoom) -> None:
    kiosk = room.home.enrol(DeviceKind.KIOSK, "kiosk-1")
    room.home.link(kiosk)
    room.device().say("zigbee2mqtt/nut_3", b'{"battery":71}')
    assert wait_for(lambda: room.health.get("battery:nut-3") == "71")
    tool = room.device("homeassistant/#", "motcua-devices/#")
    centre = kiosk.centre
    node = f"{centre}_bridge-1_nut-3"
    battery = f"homeassistant/sensor/{node}/battery/config"
    assert wait_for(lambda: told(tool.heard, battery))
    config = told(tool.heard, battery)
    assert config["device"]["via_device"] == f"{centre}_bridge-1"
    assert wait_for(lambda: told(tool.heard, str(config["state_topic"])).get("battery") == 71)
    online = f"homeassistant/binary_sensor/{centre}_kiosk-1/online/config"
    assert wait_for(lambda: told(tool.heard, online))
    assert tool.hears(str(told(tool.heard, online)["state_topic"]), b"online")
    assert tool.hears(f"motcua-devices/{centre}/bridge-1/bridge", b"online")


def test_all_is_said_again_when_home_assistant_was_started_anew(room: ForeignRoom) -> None:
    centre = room.bridge.link.credentials.centre
    topic = f"homeassistant/sensor/{centre}_bridge-1/last_seen/config"
    tool = room.device("homeassistant/#")
    assert wait_for(lambda: told(tool.heard, topic))
    tool.heard.clear()
    tool.say("homeassistant/status", b"online")
    assert wait_for(lambda: told(tool.heard, topic))


def test_a_bridge_that_goes_takes_all_that_it_told_with_it(room: ForeignRoom) -> None:
    centre = room.bridge.link.credentials.centre
    tool = room.device("motcua-devices/#")
    topic = f"motcua-devices/{centre}/bridge-1/bridge"
    assert tool.hears(topic, b"online")
    room.shut()
    assert tool.hears(topic, b"offline")


# --- by hand ---


class Told:
    """What would be said, with a clock that is turned by hand."""

    def __init__(self) -> None:
        self.at, self.count = 1_000, 0
        self.retained: dict[str, bytes] = {}
        self.home = HomeAssistant("ha", "mc", "tam", "b", self.say, lambda: self.at)
        self.home.connected(True)

    def say(self, topic: str, payload: bytes, retained: bool) -> None:
        assert retained
        self.retained[topic] = payload
        self.count += 1

    def kiosk(self, **more: object) -> None:
        given = {"state": "online", "at": self.at, "until": self.at + 150_000, **more}
        self.home.presence(m.Presence(device="k", kind="kiosk", **given))


def test_a_retained_online_ends_with_its_time() -> None:
    told = Told()
    told.kiosk()
    assert told.retained["mc/tam/k/online"] == b"online"
    told.at += 150_001
    told.home.tick()
    assert told.retained["mc/tam/k/online"] == b"offline"


def test_what_is_wrong_is_the_state_and_the_same_is_not_said_twice() -> None:
    told = Told()
    told.kiosk(health={"disk": "ok", "printer": "paper_out", "waiting": "3"})
    state = json.loads(told.retained["mc/tam/k/state"])
    assert state["state"] == "printer: paper_out"
    before = told.count
    told.home.tick()
    assert told.count == before
    told.home.hear(Said("ha/status", b"offline"))
    assert told.count == before


def test_nothing_is_said_of_a_broker_that_is_away() -> None:
    told = Told()
    told.home.connected(False)
    told.retained.clear()
    told.kiosk()
    assert told.retained == {}
    told.home.connected(True)
    assert "mc/tam/k/state" in told.retained
