"""Carries what is said about new firmware between the bridge and its Wi-Fi terminals."""

from __future__ import annotations

from dataclasses import dataclass

import structlog

from .. import ota
from ..ota import Malformed, Message
from ..terminals import Terminal
from ..updates import Updates
from .part import Quiet, Said, Say
from .wifi import WifiTerminals

log = structlog.get_logger()


@dataclass
class WifiUpdates(Quiet):
    """`<prefix>/<name>/firmware/up` and `…/down`. A terminal that is awake is told what is due."""

    prefix: str
    wifi: WifiTerminals
    updates: Updates
    say: Say

    def __post_init__(self) -> None:
        self._known = {one.name: one for one in self.wifi.known}
        self.wifi.on_fresh = self._due

    def filters(self) -> tuple[str, ...]:
        return tuple(self._topic(name, "up") for name in self._known)

    def hear(self, said: Said) -> None:
        own = next((t for n, t in self._known.items() if said.topic == self._topic(n, "up")), None)
        if own is None or said.retained:
            return
        try:
            message = ota.decode(said.payload, own.key)
        except Malformed:
            log.warning("firmware_message_unreadable", terminal=own.name)
            return
        if message is None:
            log.warning("frame_refused", terminal=own.name, why="forged")
            return
        self._send(own, self.updates.hear(own.name, message))

    def tick(self) -> None:
        for one in self.wifi.terminals():
            if one.state == "ok":
                self._due(one.name, one.version)

    def _due(self, name: str, version: str) -> None:
        self._send(self._known[name], self.updates.due(name, version))

    def _send(self, terminal: Terminal, messages: list[Message]) -> None:
        for message in messages:
            payload = ota.encode(message, terminal.key)
            self.say(self._topic(terminal.name, "down"), payload, False)

    def _topic(self, name: str, way: str) -> str:
        return f"{self.prefix}/{name}/firmware/{way}"
