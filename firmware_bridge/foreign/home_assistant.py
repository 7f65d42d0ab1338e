"""The centre's devices as Home Assistant finds them: retained discovery, and their states beside it.

What is told comes from presence alone, which holds no personal data. Our retained "online" outlives a crash,
so it is told on only until its time is over; and when this bridge dies, its own will makes all unavailable.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from queue_server.wire import messages as m
from queue_server.wire.health import OF_TERMINALS, troubles

from .part import Quiet, Said, Say

ONLINE, OFFLINE = b"online", b"offline"
MAKER = "Một Cửa"


@dataclass(frozen=True)
class Place:
    """Where one thing stands: `node` in discovery, `base` of its states; `parent` is its bridge's node."""

    node: str
    name: str
    model: str
    base: str
    parent: str = ""


@dataclass(frozen=True)
class Entity:
    """One line of a thing in Home Assistant, without what all have in common."""

    component: str
    name: str
    config: dict[str, Any]


@dataclass
class HomeAssistant(Quiet):
    """`prefix` of discovery (usually `homeassistant`), `topics` below which the states are said."""

    prefix: str
    topics: str
    centre: str
    bridge: str
    say: Say
    now: Callable[[], int]
    """The server's clock, ms UTC, by which presence ends."""
    _known: dict[str, m.Presence] = field(default_factory=dict)
    _said: dict[str, bytes] = field(default_factory=dict)
    _up: bool = False

    @property
    def availability(self) -> str:
        """This bridge's own word and will, on which all that it tells depends."""
        return f"{self.topics}/{self.centre}/{self.bridge}/bridge"

    # --- what comes in ---

    def filters(self) -> tuple[str, ...]:
        return (f"{self.prefix}/status",)

    def connected(self, up: bool) -> None:
        self._up = up
        if up:
            self._all_anew()

    def hear(self, said: Said) -> None:
        """Home Assistant was started anew, and has forgotten what is not retained."""
        if said.topic == f"{self.prefix}/status" and said.payload == ONLINE:
            self._all_anew()

    def presence(self, presence: m.Presence) -> None:
        self._known[presence.device] = presence
        self._tell(presence)

    def tick(self) -> None:
        for presence in self._known.values():
            self._tell(presence)

    # --- what goes out ---

    def _all_anew(self) -> None:
        self._said.clear()
        self._put(self.availability, ONLINE)
        for presence in self._known.values():
            self._tell(presence)

    def _tell(self, presence: m.Presence) -> None:
        alive = presence.state == "online" and presence.until >= self.now()
        place = self._device(presence)
        self._announce(place, presence.version, device_entities(place))
        self._put(f"{place.base}/online", ONLINE if alive else OFFLINE)
        self._put(f"{place.base}/state", _encode(device_state(presence)))
        for one in presence.terminals:
            inside = self._terminal(presence, one)
            self._announce(inside, one.version, terminal_entities(inside, one))
            there = alive and one.state == "ok"
            self._put(f"{inside.base}/online", ONLINE if there else OFFLINE)
            self._put(f"{inside.base}/state", _encode(terminal_state(one)))

    def _announce(self, place: Place, version: str, entities: Iterator[Entity]) -> None:
        about = {
            "identifiers": [place.node],
            "name": place.name,
            "manufacturer": MAKER,
            "model": place.model,
        }
        about |= {"sw_version": version} if version else {}
        about |= {"via_device": place.parent} if place.parent else {}
        for one in entities:
            config = {
                **one.config,
                "unique_id": f"{place.node}_{one.name}",
                "entity_category": "diagnostic",
                "availability": [{"topic": self.availability}],
                "device": about,
                "origin": {"name": "motcua"},
            }
            topic = f"{self.prefix}/{one.component}/{place.node}/{one.name}/config"
            self._put(topic, _encode(config))

    def _put(self, topic: str, payload: bytes) -> None:
        """Retained, and only when it is another than before."""
        if self._up and self._said.get(topic) != payload:
            self._said[topic] = payload
            self.say(topic, payload, True)

    def _device(self, presence: m.Presence) -> Place:
        name = presence.device
        base = f"{self.topics}/{self.centre}/{name}"
        return Place(f"{self.centre}_{name}", name, presence.kind, base)

    def _terminal(self, presence: m.Presence, one: m.TerminalSeen) -> Place:
        parent = self._device(presence)
        node, base = f"{parent.node}_{one.name}", f"{parent.base}/{one.name}"
        return Place(node, one.name, f"{one.kind} ({one.make})", base, parent.node)


# --- lines and states ---


def device_entities(place: Place) -> Iterator[Entity]:
    state = f"{place.base}/state"
    online = {
        "state_topic": f"{place.base}/online",
        "payload_on": "online",
        "payload_off": "offline",
    }
    yield Entity(
        "binary_sensor", "online", {"name": "Online", "device_class": "connectivity", **online}
    )
    yield Entity(
        "sensor",
        "state",
        {
            "name": "State",
            "state_topic": state,
            "value_template": "{{ value_json.state }}",
            "json_attributes_topic": state,
            "json_attributes_template": "{{ value_json.health | tojson }}",
        },
    )
    yield Entity(
        "sensor",
        "last_seen",
        {
            "name": "Last seen",
            "device_class": "timestamp",
            "state_topic": state,
            "value_template": "{{ value_json.last_seen }}",
        },
    )


def terminal_entities(place: Place, terminal: m.TerminalSeen) -> Iterator[Entity]:
    yield from device_entities(place)
    if terminal.battery is not None:
        yield Entity(
            "sensor",
            "battery",
            {
                "name": "Battery",
                "device_class": "battery",
                "state_class": "measurement",
                "unit_of_measurement": "%",
                "state_topic": f"{place.base}/state",
                "value_template": "{{ value_json.battery }}",
            },
        )


def device_state(presence: m.Presence) -> dict[str, Any]:
    """`state` is ok, or the first thing that is wrong."""
    health = {k: v for k, v in presence.health.items() if not k.startswith(OF_TERMINALS)}
    wrong = troubles(health)
    return {
        "state": wrong[0] if wrong else "ok",
        "last_seen": _iso(presence.at),
        "version": presence.version,
        "health": health,
    }


def terminal_state(one: m.TerminalSeen) -> dict[str, Any]:
    health = {"waiting": str(one.waiting), "lost": str(one.lost), "counter": str(one.counter)}
    state = {"state": one.state, "last_seen": _iso(one.seen), "version": one.version}
    return {**state, "battery": one.battery, "health": health}


def _iso(ms: int) -> str | None:
    return dt.datetime.fromtimestamp(ms // 1000, dt.UTC).isoformat() if ms else None


_encode = msgspec.json.Encoder(order="sorted").encode
