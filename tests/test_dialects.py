"""What bought devices say, by their makers' real topics and payloads, and what we make of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmware_bridge.foreign.dialects import (
    Dialect,
    EspHome,
    Presence,
    Pressed,
    Report,
    Tasmota,
    Unreadable,
    Zigbee2Mqtt,
)

ZIGBEE, TASMOTA = Zigbee2Mqtt("Nút quầy 4"), Tasmota("nut_4")
ESPHOME = EspHome("esp-nut", battery="pin")
EVERY = (ZIGBEE, TASMOTA, ESPHOME, Zigbee2Mqtt("tang1/nut"))


@pytest.mark.parametrize(
    ("dialect", "topic", "payload", "heard"),
    [
        (
            ZIGBEE,
            "zigbee2mqtt/Nút quầy 4",
            '{"action":"2_single","battery":100,"linkquality":128,"voltage":3000}',
            (Report(100), Pressed("2_single")),
        ),
        (ZIGBEE, "zigbee2mqtt/Nút quầy 4", '{"battery":87.5,"linkquality":9}', (Report(88),)),
        (ZIGBEE, "zigbee2mqtt/Nút quầy 4", '{"action":"","battery":1}', (Report(1),)),
        (ZIGBEE, "zigbee2mqtt/Nút quầy 4", '{"action":null}', (Report(),)),
        (ZIGBEE, "zigbee2mqtt/Nút quầy 4", '{"battery":true}', (Report(),)),
        (ZIGBEE, "zigbee2mqtt/Nút quầy 4", '{"battery":255}', (Report(),)),
        (ZIGBEE, "zigbee2mqtt/Nút quầy 4/action", "2_single", (Pressed("2_single"),)),
        (ZIGBEE, "zigbee2mqtt/Nút quầy 4/action", "", ()),
        (ZIGBEE, "zigbee2mqtt/Nút quầy 4/availability", "online", (Presence(True),)),
        (
            ZIGBEE,
            "zigbee2mqtt/Nút quầy 4/availability",
            '{"state":"offline"}',
            (Presence(False),),
        ),
        (
            ZIGBEE,
            "zigbee2mqtt/bridge/state",
            '{"state":"offline"}',
            (Presence(False, gateway=True),),
        ),
        (ZIGBEE, "zigbee2mqtt/bridge/state", "online", (Presence(True, gateway=True),)),
        (ZIGBEE, "zigbee2mqtt/Nút quầy 5", '{"action":"1_single"}', ()),
        (Zigbee2Mqtt("a/b", "z"), "z/a/b", '{"action":"on"}', (Report(), Pressed("on"))),
        (TASMOTA, "stat/nut_4/BUTTON1", '{"ACTION":"SINGLE"}', (Pressed("button1_single"),)),
        (
            TASMOTA,
            "stat/nut_4/RESULT",
            '{"Button1":{"Action":"SINGLE"}}',
            (Report(), Pressed("button1_single")),
        ),
        (
            TASMOTA,
            "tele/nut_4/SENSOR",
            '{"Time":"2026-11-27T08:00:00","Switch1":"ON"}',
            (Report(), Pressed("switch1_on")),
        ),
        (TASMOTA, "stat/nut_4/RESULT", '{"POWER":"ON"}', (Report(),)),
        (TASMOTA, "tele/nut_4/STATE", '{"Uptime":"0T00:01:40"}', (Report(),)),
        (TASMOTA, "tele/nut_4/LWT", "Online", (Presence(True),)),
        (TASMOTA, "tele/nut_4/LWT", "Offline", (Presence(False),)),
        (TASMOTA, "stat/nut_5/BUTTON1", '{"ACTION":"SINGLE"}', ()),
        (ESPHOME, "esp-nut/binary_sensor/nut_5/state", "ON", (Report(), Pressed("nut_5"))),
        (ESPHOME, "esp-nut/binary_sensor/nut_5/state", "OFF", (Report(),)),
        (
            ESPHOME,
            "esp-nut/event/nut/state",
            '{"event_type":"double"}',
            (Report(), Pressed("nut_double")),
        ),
        (ESPHOME, "esp-nut/status", "online", (Presence(True),)),
        (ESPHOME, "esp-nut/sensor/pin/state", "64.2", (Report(64),)),
        (ESPHOME, "esp-nut/sensor/pin/state", "nan", (Report(),)),
        (ESPHOME, "esp-nut/sensor/other/state", "64.2", ()),
        (ESPHOME, "esp-nut/debug", "[I] hello", ()),
    ],
)
def test_what_a_device_says_is_read(
    dialect: Dialect, topic: str, payload: str, heard: tuple[object, ...]
) -> None:
    assert dialect.read(topic, payload.encode()) == heard


@pytest.mark.parametrize(
    ("dialect", "topic", "payload"),
    [
        (ZIGBEE, "zigbee2mqtt/Nút quầy 4", b"{"),
        (ZIGBEE, "zigbee2mqtt/Nút quầy 4", b"[1]"),
        (ZIGBEE, "zigbee2mqtt/Nút quầy 4", b"[" * 60_000),
        (ZIGBEE, "zigbee2mqtt/Nút quầy 4", b" " * 70_000),
        (ZIGBEE, "zigbee2mqtt/Nút quầy 4/action", b"\xff\xfe"),
        (ZIGBEE, "zigbee2mqtt/Nút quầy 4/availability", b'{"state":1}'),
        (TASMOTA, "tele/nut_4/LWT", b"perhaps"),
        (TASMOTA, "stat/nut_4/BUTTON1", b"SINGLE"),
        (ESPHOME, "esp-nut/event/nut/state", b"double"),
        (ESPHOME, "esp-nut/status", b"x" * 300),
    ],
)
def test_what_is_in_no_known_form_is_refused_without_its_content(
    dialect: Dialect, topic: str, payload: bytes
) -> None:
    with pytest.raises(Unreadable) as flaw:
        dialect.read(topic, payload)
    assert len(str(flaw.value)) < 40


@given(st.sampled_from(EVERY), st.integers(0, 3), st.binary(max_size=80))
def test_no_payload_breaks_the_reading(dialect: Dialect, which: int, payload: bytes) -> None:
    filters = dialect.filters()
    topic = filters[which % len(filters)].replace("+", "BUTTON1")
    try:
        dialect.read(topic, payload)
    except Unreadable:
        pass


@pytest.mark.parametrize(
    ("dialect", "output", "topic", "on"),
    [
        (TASMOTA, "", "cmnd/nut_4/POWER", b"ON"),
        (TASMOTA, "POWER2", "cmnd/nut_4/POWER2", b"ON"),
        (ZIGBEE, "", "zigbee2mqtt/Nút quầy 4/set", b'{"state":"ON"}'),
        (ZIGBEE, "state_l1", "zigbee2mqtt/Nút quầy 4/set", b'{"state_l1":"ON"}'),
        (ESPHOME, "switch/den", "esp-nut/switch/den/command", b"ON"),
        (ESPHOME, "light/den", "esp-nut/light/den/command", b'{"state":"ON"}'),
    ],
)
def test_a_lamp_is_lit_as_its_maker_wants_it(
    dialect: Dialect, output: str, topic: str, on: bytes
) -> None:
    assert dialect.light(output, True) == (topic, on)
    assert dialect.light(output, False) == (topic, on.replace(b"ON", b"OFF"))
