"""`[bridge.foreign]`, `[[bridge.buttons]]` and `[[bridge.lamps]]`: devices of other makers, and their broker."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from queue_server.wire import topics
from queue_server.wire.settings import SettingsError
from queue_server.wire.words import Frozen

from ..frames import HIGHEST_ADDRESS
from ..terminals import Role
from .dialects import Dialect, EspHome, Tasmota, Zigbee2Mqtt

Name = Annotated[str, msgspec.Meta(pattern=topics.SAFE.pattern)]
TopicPart = Annotated[str, msgspec.Meta(pattern=r"^[^+#\0/][^+#\0]*$", max_length=120)]
"""A name, or levels of a topic, without wildcards."""
Prefix = Annotated[str, msgspec.Meta(pattern=r"^([^+#\0/][^+#\0]*)?$", max_length=120)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Score = Annotated[int, msgspec.Meta(ge=1, le=5)]
Speech = Literal["zigbee2mqtt", "tasmota", "esphome"]


class ForeignSettings(Frozen, forbid_unknown_fields=True):
    """`[bridge.foreign]`: the broker of bought devices, which may be another one than the centre's."""

    host: str = ""
    """Where it is; empty: nothing foreign is spoken."""
    port: Annotated[int, msgspec.Meta(ge=1, le=65_535)] = 1883
    user: str = ""
    password_file: str = ""
    """File with the password (mode 600)."""
    password_env: str = ""
    """Environment variable that holds it; goes before `password_file`."""
    ca_file: str = ""
    """The authority of its certificate (PEM); with it the line is encrypted. "system": any that everybody knows."""
    zigbee2mqtt: TopicPart = "zigbee2mqtt"
    """Zigbee2MQTT's base topic."""
    terminals: TopicPart = "motcua-terminals"
    """Below which our own Wi-Fi terminals speak."""


class HomeAssistantSettings(Frozen, forbid_unknown_fields=True):
    """`[bridge.home_assistant]`: the centre's devices told to a Home Assistant on the foreign broker."""

    prefix: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_/-]*$")] = ""
    """Its discovery prefix, usually `homeassistant`; empty: nothing is told."""
    topics: TopicPart = "motcua-devices"
    """Below which the states are said."""


class ButtonSettings(Frozen, forbid_unknown_fields=True):
    """One `[[bridge.buttons]]`: a bought device that rates."""

    name: Name
    """Its name in the log, on the technician's page and in RatePressed; unique among all terminals."""
    speaks: Speech
    device: TopicPart
    """Zigbee2MQTT: friendly name. Tasmota: topic. ESPHome: topic prefix."""
    counter: Positive
    scores: dict[str, Score]
    """Which action is which score (1 very dissatisfied … 5): `{ "1_single" = 1, … }`; others do nothing."""
    battery: Prefix = ""
    """ESPHome: the id of the sensor that tells the battery in percent."""


class LampSettings(Frozen, forbid_unknown_fields=True):
    """One `[[bridge.lamps]]`: a bought switch or light that is on while its counter calls."""

    name: Name
    speaks: Speech
    device: TopicPart
    counter: Positive
    output: Prefix = ""
    """Tasmota: POWER (usual), POWER2 … Zigbee2MQTT: state (usual), state_l1 … ESPHome: switch/ID or light/ID."""
    longest_s: Annotated[float, msgspec.Meta(ge=1)] = 120
    """After so long it goes out, called or not."""


class WifiSettings(Frozen, forbid_unknown_fields=True):
    """One `[[bridge.wifi]]`: a terminal of our own make that has Wi-Fi."""

    name: Name
    counter: Positive
    address: Annotated[int, msgspec.Meta(ge=1, le=HIGHEST_ADDRESS)] = 1
    """As set at the terminal (1–247); topics tell terminals apart, so that it may be the same for all."""
    role: Role = Role.RATING
    """`rating`, `display` or `keypad`, as for `[[bridge.terminals]]`."""
    key_file: str = ""
    """File with its key, as for `[[bridge.terminals]]`."""
    key_env: str = ""


def dialect(speaks: Speech, device: str, foreign: ForeignSettings, battery: str = "") -> Dialect:
    """The convention by which this device speaks."""
    if speaks == "zigbee2mqtt":
        return Zigbee2Mqtt(device, foreign.zigbee2mqtt)
    return Tasmota(device) if speaks == "tasmota" else EspHome(device, battery)


def check(
    foreign: ForeignSettings,
    buttons: tuple[ButtonSettings, ...],
    lamps: tuple[LampSettings, ...],
    home: HomeAssistantSettings,
    wifi: tuple[WifiSettings, ...],
) -> None:
    """Raises SettingsError for what cannot work."""
    if wifi and not foreign.host:
        raise SettingsError("bridge.foreign: host: Wi-Fi terminals need a broker")
    if home.prefix and not foreign.host:
        raise SettingsError("bridge.foreign: host: Home Assistant needs its broker")
    if (buttons or lamps) and not foreign.host:
        raise SettingsError("bridge.foreign: host: bought devices need their broker")
    for button in buttons:
        if not button.scores:
            raise SettingsError(f"bridge.buttons: {button.name}: scores: name an action at least")
    for lamp in lamps:
        if lamp.speaks == "esphome" and not lamp.output.startswith(("switch/", "light/")):
            raise SettingsError(f"bridge.lamps: {lamp.name}: output: switch/ID or light/ID")


def password(foreign: ForeignSettings, environ: Mapping[str, str] | None = None) -> str:
    """The foreign broker's password, "" for none. Raises SettingsError."""
    environ = os.environ if environ is None else environ
    if foreign.password_env:
        if foreign.password_env not in environ:
            raise SettingsError(f"bridge.foreign: no {foreign.password_env} in the environment")
        return environ[foreign.password_env]
    return _secret(Path(foreign.password_file)) if foreign.password_file else ""


def _secret(path: Path) -> str:
    try:
        mode, text = path.stat().st_mode, path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(f"{path}: others may read this password; set its mode to 600")
    return text.strip()
