"""Puts together all that speaks on the foreign broker."""

from __future__ import annotations

from typing import TYPE_CHECKING

from queue_server.wire.link import Credentials

from ..store import PressStore
from ..terminals import Terminal
from .buttons import Button, Buttons
from .home_assistant import OFFLINE, HomeAssistant
from .lamps import CallLamp, Lamps
from .line import ForeignLine, trusting
from .settings import (
    ButtonSettings,
    ForeignSettings,
    HomeAssistantSettings,
    LampSettings,
    dialect,
    password,
)
from .wifi import WifiTerminals
from .wifi_updates import WifiUpdates

if TYPE_CHECKING:
    from ..bridge import Bridge
    from ..settings import BridgeSettings


def compose(
    settings: BridgeSettings,
    own: Credentials,
    store: PressStore,
    bridge: Bridge,
    wifi: tuple[Terminal, ...] = (),
) -> ForeignLine | None:
    """The line to the foreign broker, not yet started; None without one. Raises SettingsError."""
    foreign = settings.foreign
    if not foreign.host:
        return None
    client_id = f"motcua-{own.centre}-{own.device}"
    line = ForeignLine(foreign, password(foreign), client_id, trusting(foreign.ca_file))
    change = bridge.link.announce
    if settings.buttons:
        made = [_button(one, foreign) for one in settings.buttons]
        line.parts.append(Buttons(made, store, bridge.nudge, change))
    if settings.lamps:
        line.parts.append(Lamps([_lamp(one, foreign) for one in settings.lamps], line.say, change))
    if wifi:
        prefix = foreign.terminals
        terminals = WifiTerminals(prefix, wifi, store, line.say, bridge.nudge, change)
        line.parts.append(terminals)
        if bridge.updates is not None:
            line.parts.append(WifiUpdates(prefix, terminals, bridge.updates, line.say))
    if settings.home_assistant.prefix:
        home = _home_assistant(settings.home_assistant, own, line, bridge)
        line.parts.append(home)
        line.will = (home.availability, OFFLINE)
    return line


def _home_assistant(
    told: HomeAssistantSettings, own: Credentials, line: ForeignLine, bridge: Bridge
) -> HomeAssistant:
    return HomeAssistant(
        told.prefix, told.topics, own.centre, own.device, line.say, bridge.link.now
    )


def _button(one: ButtonSettings, foreign: ForeignSettings) -> Button:
    speech = dialect(one.speaks, one.device, foreign, one.battery)
    return Button(one.name, one.counter, one.speaks, speech, one.scores)


def _lamp(one: LampSettings, foreign: ForeignSettings) -> CallLamp:
    speech = dialect(one.speaks, one.device, foreign)
    return CallLamp(one.name, one.counter, one.speaks, speech, one.output, one.longest_s)
