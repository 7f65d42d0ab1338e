"""The `[bridge]` table of the settings, and the terminals' keys, which are never in it."""

from __future__ import annotations

import os
import secrets
import stat
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec

from queue_server.wire import settings as wire_settings
from queue_server.wire import topics
from queue_server.wire.settings import SettingsError
from queue_server.wire.words import Frozen

from .foreign import settings as foreign_settings
from .foreign.settings import (
    ButtonSettings,
    ForeignSettings,
    HomeAssistantSettings,
    LampSettings,
    WifiSettings,
)
from .frames import HIGHEST_ADDRESS, KEY_BYTES
from .terminals import Role, Terminal

Positive = Annotated[int, msgspec.Meta(ge=1)]
Milliseconds = Annotated[int, msgspec.Meta(ge=5, le=5_000)]


class TerminalSettings(Frozen, forbid_unknown_fields=True):
    """One `[[bridge.terminals]]`."""

    name: Annotated[str, msgspec.Meta(pattern=topics.SAFE.pattern)]
    """Its name in the log, on the technician's page and in RatePressed; unique."""
    address: Annotated[int, msgspec.Meta(ge=1, le=HIGHEST_ADDRESS)]
    """Its address on the line (1–247), set at the terminal; unique on one port."""
    counter: Positive
    """The counter that it stands at: a press is tied to that counter's open offer."""
    role: Role = Role.RATING
    """`rating` (five faces), `display` (the number being served) or `keypad` (the officer's caller)."""
    port: str = ""
    """Its own serial port, when it is not on the bridge's `port`."""
    key_file: str = ""
    """File with its key (64 hexadecimal digits, mode 600); default: made under the data folder."""
    key_env: str = ""
    """Environment variable that holds its key; goes before `key_file`."""


class BridgeSettings(Frozen, forbid_unknown_fields=True):
    """`[bridge]`: the serial line and what stands on it."""

    port: str = "/dev/ttyUSB0"
    """The line's serial port; better a name under /dev/serial/by-id, which does not change."""
    baud: Annotated[int, msgspec.Meta(ge=1_200, le=1_000_000)] = 115_200
    """Speed of all lines, 8N1. Metres × baud ≤ 10⁸: 115200 up to 870 m, 19200 up to 1200 m."""
    pause_ms: Milliseconds = 50
    """Rest between two rounds of polls."""
    reply_ms: Milliseconds = 60
    """How long a terminal may think; add the adapter's latency (FTDI: 16 ms unless set to 1)."""
    lamp_s: Annotated[float, msgspec.Meta(ge=0.1, le=25)] = 2.0
    """How long the lamp says that a press was counted (green) or not (amber)."""
    blink_s: Annotated[float, msgspec.Meta(ge=0, le=25)] = 10.0
    """How long a counter's display blinks at a call."""
    keep_days: Positive = 90
    """How long answered and refused presses stay in the bridge's own store."""
    terminals: tuple[TerminalSettings, ...] = ()
    firmware_keys: tuple[Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")], ...] = ()
    """Public keys whose firmware the terminals may be given; none: none is."""
    foreign: ForeignSettings = ForeignSettings()
    home_assistant: HomeAssistantSettings = HomeAssistantSettings()
    buttons: tuple[ButtonSettings, ...] = ()
    lamps: tuple[LampSettings, ...] = ()
    wifi: tuple[WifiSettings, ...] = ()

    @property
    def names(self) -> list[str]:
        """Of all that stands at a counter."""
        own = [*(x.name for x in self.terminals), *(x.name for x in self.wifi)]
        return [*own, *(x.name for x in self.buttons), *(x.name for x in self.lamps)]


def read(path: Path | None, environ: Mapping[str, str] | None = None) -> BridgeSettings:
    """The table `[bridge]` of the file; raises SettingsError, one line for the technician."""
    settings = wire_settings.read(BridgeSettings, path, environ, only="bridge")
    _check_unique(settings.names, "name")
    foreign_settings.check(
        settings.foreign, settings.buttons, settings.lamps, settings.home_assistant, settings.wifi
    )
    places = [(t.port or settings.port, t.address) for t in settings.terminals]
    _check_unique(places, "address on one port")
    return settings


def _check_unique(values: list[str] | list[tuple[str, int]], what: str) -> None:
    for value, times in Counter(values).items():
        if times > 1:
            raise SettingsError(f"bridge.terminals: {what} {value!r} is given {times} times")


def enrolled(
    settings: BridgeSettings, data: Path, environ: Mapping[str, str] | None = None
) -> dict[str, tuple[Terminal, ...]]:
    """The terminals of each port with their keys; makes a key for one that is new. Raises SettingsError."""
    environ = os.environ if environ is None else environ
    lines: dict[str, tuple[Terminal, ...]] = {}
    for one in settings.terminals:
        port = one.port or settings.port
        key = _key(one, data, environ)
        terminal = Terminal(one.name, one.address, one.counter, key, one.role)
        lines[port] = (*lines.get(port, ()), terminal)
    return lines


def enrolled_wifi(
    settings: BridgeSettings, data: Path, environ: Mapping[str, str] | None = None
) -> tuple[Terminal, ...]:
    """The Wi-Fi terminals with their keys, made as for those on a line. Raises SettingsError."""
    environ = os.environ if environ is None else environ
    return tuple(
        Terminal(one.name, one.address, one.counter, _key(one, data, environ), one.role)
        for one in settings.wifi
    )


def _key(one: TerminalSettings | WifiSettings, data: Path, environ: Mapping[str, str]) -> bytes:
    if one.key_env:
        if one.key_env not in environ:
            raise SettingsError(f"terminal {one.name}: no {one.key_env} in the environment")
        return _from_hex(environ[one.key_env], f"terminal {one.name}: {one.key_env}")
    if one.key_file:
        return read_key(Path(one.key_file))
    path = data / "terminals" / f"{one.name}.key"
    if not path.exists():
        make_key(path)
    return read_key(path)


def make_key(path: Path) -> None:
    """Write a new random key, mode 600; the technician carries it to the terminal by cable."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(KEY_BYTES) + "\n")


def read_key(path: Path) -> bytes:
    """The key in a file; raises SettingsError when it is missing, torn or readable by others."""
    try:
        mode = path.stat().st_mode
        text = path.read_text("ascii")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise SettingsError(f"{path}: others may read this key; set its mode to 600")
    return _from_hex(text, str(path))


def _from_hex(text: str, where: str) -> bytes:
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise SettingsError(f"{where}: a key has {2 * KEY_BYTES} hexadecimal digits")
    return key
