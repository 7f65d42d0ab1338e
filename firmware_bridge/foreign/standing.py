"""What is known of one bought device: whether it is there, when it last spoke, its battery."""

from __future__ import annotations

from dataclasses import dataclass

from .dialects import Heard, Presence, Report


@dataclass
class Standing:
    """`online` is None until the device's own will or availability has been heard."""

    online: bool | None = None
    gateway: bool = True
    seen_ms: int = 0
    battery: int | None = None

    def note(self, heard: Heard, now_ms: int, retained: bool) -> bool:
        """Take it in; True when the state's word may have changed. What was retained tells no time."""
        before = self.word(True)
        match heard:
            case Presence(online=online, gateway=True):
                self.gateway = online
            case Presence(online=online):
                self.online = online
            case Report(battery=battery) if battery is not None and not retained:
                self.battery = battery
        if not retained and not isinstance(heard, Presence):
            self.seen_ms, self.online = now_ms, None if self.online is None else True
        return self.word(True) != before

    def word(self, connected: bool) -> str:
        """ok · never_seen · silent (its own word, or its gateway's) · gateway_away · unplugged (the broker is)."""
        if not connected:
            return "unplugged"
        if not self.gateway:
            return "gateway_away"
        if self.online is False:
            return "silent"
        return "ok" if self.seen_ms or self.online else "never_seen"
