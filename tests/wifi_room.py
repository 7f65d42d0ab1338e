"""Terminals' own firmware on Wi-Fi: real MicroPython, its MQTT messages carried to a real broker by paho."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firmware_bridge import settings
from queue_server.line import orders as o
from queue_server.wire import messages as m
from tests.brokers import Client, wait_for
from tests.firmware_room import Firmware
from tests.foreign_room import COUNTER, ForeignRoom, foreign_room

PREFIX = "motcua-terminals"
NETWORK, NETWORK_PASSWORD, BROKER_PASSWORD = "mot-cua", "mat khau wifi", "mật khẩu"
ROLES = ("rating", "keypad", "display")


@dataclass
class Carried:
    """One terminal, and the client that stands for its network."""

    terminal: Firmware
    client: Client
    said: list[tuple[str, bytes]] = field(default_factory=list)
    """What the terminal has published: topic and payload."""
    qos: set[int] = field(default_factory=set)
    connects: list[dict[str, Any]] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)

    def lose(self, _payload: bytes) -> bool:
        """Tests lose here what the bridge says."""
        return False

    def __post_init__(self) -> None:
        paho = self.client.paho
        paho.on_connect = lambda *_: self._reachable(True)
        paho.on_disconnect = lambda *_: self._reachable(False)
        paho.on_message = lambda _c, _d, said: self._down(said.topic, said.payload)
        self.terminal.mqtt = self._up
        self.terminal.broker = True
        self.terminal.start()

    def end(self) -> None:
        self.terminal.mqtt = lambda _: None
        self.terminal.cut_power()

    def _reachable(self, is_it: bool) -> None:
        self.terminal.broker = is_it
        self.terminal.tell(broker=is_it)

    def _down(self, topic: str, payload: bytes) -> None:
        self.heard.append(payload)
        if not self.lose(payload):
            self.terminal.tell(message=[topic, payload.hex()])

    def _up(self, told: dict[str, Any]) -> None:
        paho = self.client.paho
        match told["mqtt"]:
            case "connect":
                self.connects.append(told)
            case "subscribe":
                paho.subscribe(told["topic"], told["qos"])
            case "publish":
                payload = bytes.fromhex(told["hex"])
                self.said.append((told["topic"], payload))
                self.qos.add(told["qos"])
                paho.publish(told["topic"], payload, told["qos"])


class WifiRoom:
    """A whole centre with an open counter, its bridge, a broker of devices, and a terminal of each role."""

    def __init__(self, centre: ForeignRoom, build: Path, roles: Sequence[str]) -> None:
        self.centre, self.build = centre, build
        centre.order(o.OpenCounter(counter=COUNTER))
        self.bridge = centre.open()
        self.air = {role: self._terminal(role) for role in roles}
        self._before = 0

    def _terminal(self, role: str) -> Carried:
        centre, told = self.centre, {"role": role, "address": 1, "key": self.key(role).hex()}
        wifi = {"network": NETWORK, "password": NETWORK_PASSWORD}
        broker = {"host": "mqtt.local", "user": role, "password": BROKER_PASSWORD}
        file = centre.root / f"{role}.json"
        file.write_text(json.dumps(told | {"wifi": wifi, "broker": broker | {"name": name(role)}}))
        firmware = Firmware(self.build, file, centre.root / f"{role}.presses")
        if role == "rating":
            firmware.flash = centre.root / "flash"
            shutil.copytree(self.build, firmware.flash / "a" / "firmware")
        return Carried(firmware, centre.device())

    def key(self, role: str) -> bytes:
        return settings.read_key(self.centre.data / "terminals" / f"{name(role)}.key")

    def seen(self, role: str) -> m.TerminalSeen:
        return next(one for one in self.bridge.terminals() if one.name == name(role))

    def ready(self) -> bool:
        """The bridge has heard of all, and they have nothing left to tell."""
        return wait_for(
            lambda: all(one.seen and not one.waiting for one in self.bridge.terminals()), 20
        )

    def begin(self) -> None:
        """What has been counted until now is another test's."""
        self._before = len(self.centre.ratings())

    def ratings(self) -> list[int]:
        """The scores that have been counted since `begin`."""
        return [score for score, _ in self.centre.ratings()[self._before :]]

    def counted(self, *scores: int) -> bool:
        return wait_for(lambda: self.ratings() == list(scores), 20)

    def close(self) -> None:
        for one in self.air.values():
            one.end()


def name(role: str) -> str:
    return f"{role}-3"


@contextmanager
def wifi_room(
    root: Path, build: Path, which: str, signer: str = "", roles: Sequence[str] = ROLES
) -> Iterator[WifiRoom]:
    own = "".join(
        f'[[bridge.wifi]]\nname = "{name(role)}"\ncounter = {COUNTER}\nrole = "{role}"\n'
        for role in roles
    )
    with foreign_room(root, own, which) as centre:
        keys = json.dumps([signer] if signer else [])
        bridge = f"[bridge]\nblink_s = 1.5\nfirmware_keys = {keys}\n"
        centre.file.write_text(bridge + centre.file.read_text())
        room = WifiRoom(centre, build, roles)
        try:
            yield room
        finally:
            room.close()
