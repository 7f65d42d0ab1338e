"""How bought devices speak on MQTT: topics and payloads of Zigbee2MQTT, Tasmota and ESPHome; pure.

Each dialect is bound to one device. It names the topics to hear, reads what is said there, and says how a
lamp is lit. What it cannot read it raises as `Unreadable`, which holds no content.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

LARGEST = 65_536
_JSON = msgspec.json.Decoder(dict[str, Any])
_BUTTON = re.compile(r"(button|switch)\d{1,2}")


class Unreadable(ValueError):
    """Said on a topic that we know, but in no form that we know; without its content."""


@dataclass(frozen=True, slots=True)
class Pressed:
    """An action by the name that the settings give a score."""

    action: str


@dataclass(frozen=True, slots=True)
class Report:
    """The device lives. `battery` in percent when it told that."""

    battery: int | None = None


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether the device is there; with `gateway`, whether that is which speaks for it."""

    online: bool
    gateway: bool = False


Heard = Pressed | Report | Presence


class Dialect(Protocol):
    """What a button and a lamp need of a maker's convention."""

    def filters(self) -> tuple[str, ...]:
        """The topics on which this device speaks, or is spoken for."""

    def read(self, topic: str, payload: bytes) -> tuple[Heard, ...]:
        """What was said; nothing for topics of others. Raises Unreadable."""

    def light(self, output: str, on: bool) -> tuple[str, bytes]:
        """Topic and payload that switch `output`; "" is the usual one."""


@dataclass(frozen=True)
class Zigbee2Mqtt:
    """`<base>/<friendly name>`: JSON with `action`, `battery`; a name may hold slashes.

    An availability that the gateway wrote outlives the gateway, so both are read.
    """

    device: str
    base: str = "zigbee2mqtt"

    def filters(self) -> tuple[str, ...]:
        own = f"{self.base}/{self.device}"
        return own, f"{own}/action", f"{own}/availability", f"{self.base}/bridge/state"

    def read(self, topic: str, payload: bytes) -> tuple[Heard, ...]:
        report, action, availability, gateway = self.filters()
        if topic == availability:
            return (Presence(_state(payload)),)
        if topic == gateway:
            return (Presence(_state(payload), gateway=True),)
        if topic == action:
            return _pressed(_word(payload))
        return self._report(_json(payload)) if topic == report else ()

    def _report(self, said: dict[str, Any]) -> tuple[Heard, ...]:
        action = said.get("action")
        pressed = _pressed(action) if isinstance(action, str) else ()
        return Report(_percent(said.get("battery"))), *pressed

    def light(self, output: str, on: bool) -> tuple[str, bytes]:
        said = {output or "state": "ON" if on else "OFF"}
        return f"{self.base}/{self.device}/set", msgspec.json.encode(said)


@dataclass(frozen=True)
class Tasmota:
    """`stat/<topic>/…`, `tele/<topic>/…` (the usual FullTopic). Actions: `button1_single`, `switch1_on`.

    Old firmware says `BUTTON1 {"ACTION":"SINGLE"}`, newer `RESULT {"Button1":{"Action":"SINGLE"}}`; switch
    inputs say `SENSOR {"Switch1":"ON"}`. Its last will is a bare word.
    """

    device: str

    def filters(self) -> tuple[str, ...]:
        return f"stat/{self.device}/+", f"tele/{self.device}/+"

    def read(self, topic: str, payload: bytes) -> tuple[Heard, ...]:
        prefix, _, rest = topic.partition("/")
        device, _, last = rest.rpartition("/")
        if device != self.device or prefix not in ("stat", "tele"):
            return ()
        if (prefix, last) == ("tele", "LWT"):
            return (Presence(_online(_word(payload))),)
        if prefix == "stat" and _BUTTON.fullmatch(last.lower()):
            return self._of(last, _json(payload))
        if last in ("RESULT", "SENSOR"):
            return self._result(_json(payload))
        return (Report(),)

    def _result(self, said: dict[str, Any]) -> tuple[Heard, ...]:
        heard: list[Heard] = [Report()]
        for name, value in said.items():
            if not _BUTTON.fullmatch(name.lower()):
                continue
            if isinstance(value, dict):
                heard += self._of(name, value)
            elif isinstance(value, str):
                heard += _pressed(f"{name}_{value}".lower())
        return tuple(heard)

    def _of(self, name: str, said: dict[str, Any]) -> tuple[Heard, ...]:
        action = next((v for k, v in said.items() if k.lower() == "action"), None)
        return _pressed(f"{name}_{action}".lower()) if action and isinstance(action, str) else ()

    def light(self, output: str, on: bool) -> tuple[str, bytes]:
        return f"cmnd/{self.device}/{output or 'POWER'}", b"ON" if on else b"OFF"


@dataclass(frozen=True)
class EspHome:
    """`<prefix>/<component>/<id>/state`. Actions: the id of a binary_sensor (ON), `<id>_<event_type>` of an event.

    `battery` is the id of the sensor that tells it in percent, if there is one.
    """

    device: str
    battery: str = ""

    def filters(self) -> tuple[str, ...]:
        own = self.device
        heard = (f"{own}/status", f"{own}/binary_sensor/+/state", f"{own}/event/+/state")
        return (*heard, f"{own}/sensor/{self.battery}/state") if self.battery else heard

    def read(self, topic: str, payload: bytes) -> tuple[Heard, ...]:
        if topic == f"{self.device}/status":
            return (Presence(_online(_word(payload))),)
        if not topic.startswith(f"{self.device}/"):
            return ()
        match topic.removeprefix(f"{self.device}/").split("/"):
            case ["binary_sensor", name, "state"]:
                on = _word(payload) == "ON"
                return Report(), *(_pressed(name) if on else ())
            case ["event", name, "state"]:
                kind = _json(payload).get("event_type")
                return Report(), *(_pressed(f"{name}_{kind}") if isinstance(kind, str) else ())
            case ["sensor", self.battery, "state"]:
                return (Report(_percent(_number(_word(payload)))),)
        return ()

    def light(self, output: str, on: bool) -> tuple[str, bytes]:
        """`output` as `switch/ID` or `light/ID`; a light wants JSON."""
        word = "ON" if on else "OFF"
        said = (
            msgspec.json.encode({"state": word}) if output.startswith("light/") else word.encode()
        )
        return f"{self.device}/{output}/command", said


# --- payloads ---


def _pressed(action: str) -> tuple[Pressed, ...]:
    """ "" follows each action of some firmware and is none."""
    return (Pressed(action),) if action else ()


def _json(payload: bytes) -> dict[str, Any]:
    if len(payload) > LARGEST:
        raise Unreadable("too large")
    try:
        return _JSON.decode(payload)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreadable("no JSON object") from error


def _word(payload: bytes) -> str:
    if len(payload) > 256:
        raise Unreadable("too large for a word")
    try:
        return payload.decode("utf-8").strip()
    except UnicodeDecodeError as error:
        raise Unreadable("no text") from error


def _state(payload: bytes) -> bool:
    """Bare `online`, or `{"state":"online"}`."""
    if not payload.lstrip().startswith(b"{"):
        return _online(_word(payload))
    state = _json(payload).get("state")
    if not isinstance(state, str):
        raise Unreadable("no state")
    return _online(state)


def _online(word: str) -> bool:
    if word.lower() not in ("online", "offline"):
        raise Unreadable("neither online nor offline")
    return word.lower() == "online"


def _percent(value: object) -> int | None:
    """0–100, or None for what is no percentage (bool is an int in Python, and none here)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return round(value) if 0 <= value <= 100 else None


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None
