"""`motcua bridge`: puts the real parts together and runs them until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import structlog

from queue_server.wire import topics
from queue_server.wire.ending import Ending
from queue_server.wire.enrol import EnrolmentError, enrol
from queue_server.wire.link import Credentials, Link
from queue_server.wire.remote import RemoteConfig
from queue_server.wire.settings import SettingsError
from queue_server.wire.words import DeviceKind

from . import settings as own_settings
from .bridge import Bridge
from .bus import Bus, Timing
from .foreign import compose as foreign
from .packages import PackageShelf
from .settings import BridgeSettings
from .store import PressStore, StoreFailed
from .terminals import Role, Terminal
from .updates import Updates

log = structlog.get_logger()


class CannotStart(Exception):
    """Why the bridge cannot run, in one line for the technician."""


def add_parser(subparsers: Any) -> None:
    """Add `bridge` to the commands of `motcua`."""
    parser = subparsers.add_parser(
        "bridge",
        help="forward presses of button terminals on serial lines to the queue server",
        description="Polls button terminals over RS-485 or USB serial and forwards each press until the "
        "server has answered it. With --server and --code it is enrolled first.",
    )
    parser.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="the bridge's data folder"
    )
    parser.add_argument(
        "--settings", type=Path, metavar="FILE", help="settings with a [bridge] table"
    )
    parser.add_argument("--port", metavar="PATH", help="serial port in place of the settings'")
    parser.add_argument("--server", help="address of the queue server, to enrol this device")
    parser.add_argument("--code", help="the one-time code that `motcua accounts device add` shows")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run until told to end; 0, or 1 after a one-line reason on standard error."""
    try:
        enrol_if_asked(args.data, args.server, args.code)
        bridge, store = compose(args.data, args.settings, args.port)
    except (CannotStart, EnrolmentError, SettingsError, StoreFailed) as error:
        print(f"bridge: {error}", file=sys.stderr)
        return 1
    ending = Ending()
    bridge.start()
    log.info("bridge_started", ports=[bus.path for bus in bridge.buses])
    ending.wait()
    bridge.stop()
    store.close()
    log.info("bridge_ended")
    return 0


def enrol_if_asked(data: Path, server: str | None, code: str | None) -> None:
    """Exchange a one-time code for this device's credentials. Raises CannotStart; EnrolmentError."""
    if not server and not code:
        return
    if not server or not code:
        raise CannotStart("to enrol this device give both --server and --code")
    try:
        enrol(server, code).write(data / "device.json")
    except OSError as error:
        raise CannotStart(f"{data}: {error.strerror}") from error


def compose(data: Path, settings_file: Path | None, port: str | None) -> tuple[Bridge, PressStore]:
    """The bridge of this data folder, not yet started."""
    credentials = _credentials(data / "device.json")
    remote = RemoteConfig(
        data / "config.json",
        DeviceKind.BRIDGE,
        own_settings.read(settings_file),
        live=frozenset({"lamp_s", "keep_days"}),
    )
    settings = remote.start()
    if port:
        settings = msgspec.structs.replace(settings, port=port)
    lines = own_settings.enrolled(settings, data)
    if not settings.names:
        raise CannotStart("no terminals in the settings; name them under [[bridge.terminals]]")
    store = PressStore(data / "presses.db")
    timing = _timing(settings)
    buses = [Bus(path, terminals, store, timing) for path, terminals in lines.items()]
    wifi = own_settings.enrolled_wifi(settings, data)
    serial = tuple(terminal for line in lines.values() for terminal in line)
    topics_heard = _subscriptions(credentials, (*serial, *wifi), settings)
    link = Link(credentials, _version(), topics_heard)
    bridge = Bridge(link, store, buses, settings.lamp_s, settings.keep_days, settings.blink_s)
    link.remote, remote.on_apply = remote, bridge.apply
    shelf = PackageShelf(credentials, data / "firmware", settings.firmware_keys)
    bridge.updates = Updates((*serial, *wifi), store, shelf.get, link.announce)
    for bus in buses:
        bus.on_fresh, bus.on_update = bridge.updates.due, bridge.updates.hear
    link.on_config = lambda wanted: bridge.want_firmware(wanted.firmware)
    bridge.foreign = foreign.compose(settings, credentials, store, bridge, wifi)
    return bridge, store


def _subscriptions(
    credentials: Credentials, terminals: tuple[Terminal, ...], settings: BridgeSettings
) -> list[str]:
    """Answers; for displays and lamps what their counters do, for displays the calls too. Raises CannotStart."""
    centre, own = credentials.centre, credentials.counter
    displays = [one for one in terminals if one.role is Role.DISPLAY]
    placed = [("display", t.name, t.counter) for t in displays]
    placed += [("lamp", lamp.name, lamp.counter) for lamp in settings.lamps]
    for what, name, counter in placed:
        if own is not None and counter != own:
            raise CannotStart(
                f"{what} {name} stands at counter {counter}, "
                f"and this bridge is enrolled for counter {own}"
            )
    counters = sorted({counter for _, _, counter in placed})
    return [
        topics.ANSWER.at(centre, device=credentials.device),
        *([topics.CALLS.at(centre)] if displays else []),
        *(topics.COUNTER.at(centre, counter=counter) for counter in counters),
        *([topics.PRESENCE.at(centre, device="+")] if settings.home_assistant.prefix else []),
    ]


def _credentials(path: Path) -> Credentials:
    try:
        credentials = Credentials.read(path)
    except OSError as error:
        raise CannotStart(f"{path}: {error.strerror}; enrol this device first") from error
    except msgspec.DecodeError as error:
        raise CannotStart(f"{path}: {error}; enrol this device again") from error
    if credentials.kind is not DeviceKind.BRIDGE:
        raise CannotStart(
            f"{path}: these are the credentials of a {credentials.kind}, not of a bridge"
        )
    return credentials


def _timing(settings: BridgeSettings) -> Timing:
    return Timing(settings.baud, settings.pause_ms / 1000, settings.reply_ms / 1000)


def _version() -> str:
    try:
        return metadata.version("motcua")
    except metadata.PackageNotFoundError:
        return ""
