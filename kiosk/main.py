"""`motcua kiosk`: puts the kiosk together and runs it."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from kiosk.touch.keys import BadKeys, read_keys, table
from kiosk.touch.window import (
    NoDisplay,
    WindowSettings,
    parse_size,
    prepare_kivy,
    require_display,
)
from queue_server.wire import messages as m
from queue_server.wire import topics
from queue_server.wire.enrol import EnrolmentError, enrol
from queue_server.wire.link import Credentials, Link
from queue_server.wire.remote import RemoteConfig
from queue_server.wire.settings import SettingsError
from queue_server.wire.texts import Texts
from queue_server.wire.words import DeviceKind

from . import settings as kiosk_settings
from .catalogue import Catalogue
from .cut_off import CutOff
from .doing import Doing, Paper, condition
from .filing.parent import FilingProcess
from .finding_reports import GuidesCame, SheetDrawn, ShelfCame
from .forms import Forms
from .guides import Guides
from .leases import Leases, open_leases
from .open_asks import OpenAsks
from .outbox import Outbox
from .printer import Printer, PrinterStatus, PrintQueue
from .printer_line import BadAddress
from .reports import CatalogueCame
from .settings import KioskSettings

if TYPE_CHECKING:
    from .app import KioskApp

TEXTS = Path(__file__).with_name("texts")
REMOTE = "MOTCUA_KIOSK_REMOTE"
"""Environment: the unix socket of a test's or technician's remote finger; off unless set."""


class CannotStart(Exception):
    """The text is one line for the technician."""


REFUSED_STARTS = (
    SettingsError,
    BadKeys,
    EnrolmentError,
    NoDisplay,
    BadAddress,
    CannotStart,
    OSError,
    sqlite3.Error,
)


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> argparse.ArgumentParser:
    """The command line of `motcua kiosk`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "kiosk",
        help="the kiosk where visitors take a number",
        description="Shows the kiosk's screens until it is ended by SIGTERM or Ctrl-C.",
    )
    parser.add_argument("--data", type=Path, default=Path("var/kiosk"), help="data folder")
    parser.add_argument("--settings", type=Path, help="settings file; its table [kiosk] counts")
    parser.add_argument("--server", help="address of the queue server, to enrol this device")
    parser.add_argument("--code", help="the one-time code that the server's page shows")
    parser.add_argument("--size", help="window size, such as 1080x1920; implies --windowed")
    parser.add_argument("--windowed", action="store_true", help="not in full screen")
    parser.add_argument(
        "--learn-keys", action="store_true", help="ask for each key of the keypad, and end"
    )
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Run until SIGTERM or Ctrl-C; 0, or 1 after one line on stderr."""
    try:
        require_display(os.environ)
        remote = _remote(kiosk_settings.read(args.settings), args.data)
        own = remote.start()
        window = _window(own, args)
        if args.learn_keys:
            return _learn(window, args.data)
        own = _with_learnt_keys(own, args.data)
        credentials = _credentials(args)
        printer = Printer(own.printer, args.data / "roll")
        open_asks = OpenAsks(args.data / "open-asks")
        leases = open_leases(args.data / "leases.db")
    except REFUSED_STARTS as error:
        print(f"motcua kiosk: {error}", file=sys.stderr)
        return 1
    prepare_kivy(window, args.data / "kivy")
    _serve(own, window, credentials, printer, open_asks, leases, args.data, remote)
    return 0


def _remote(own: KioskSettings, data: Path) -> RemoteConfig[KioskSettings]:
    """Times count from the next start, so that no visitor is hurried in the middle of her visit."""
    return RemoteConfig(data / "config.json", DeviceKind.KIOSK, own, kiosk_settings.check)


def _with_learnt_keys(own: KioskSettings, data: Path) -> KioskSettings:
    """What was learnt on site goes before what stands in the settings. Raises BadKeys."""
    learnt = {name.value: code for code, name in read_keys(data).items()}
    return msgspec.structs.replace(own, keys=learnt) if learnt else own


def _learn(window: WindowSettings, data: Path) -> int:
    """Ask for the keypad's keys in a window of their own."""
    prepare_kivy(window, data / "kivy")
    from .learn_keys import learn

    print(f"motcua kiosk: {learn(window, data, Texts(TEXTS))} keys learnt")
    return 0


def _serve(
    own: KioskSettings,
    window: WindowSettings,
    credentials: Credentials,
    printer: Printer,
    open_asks: OpenAsks,
    leases: Leases,
    data: Path,
    remote_config: RemoteConfig[KioskSettings],
) -> None:
    from kiosk.touch.remote import remote_from_environment

    from .app import KioskApp
    from .errands import Errands

    app = KioskApp(window, own, Texts(TEXTS), credentials.centre)
    link = Link(credentials, version=_version(), subscriptions=_subscriptions(credentials))
    printing = PrintQueue(printer, lambda status: _printer_status(app, own, status))
    forms = Forms(credentials, data)
    outbox = Outbox(data / "outbox", credentials)
    filing = FilingProcess(window, data, outbox, own)
    errands = Errands(app, link, printing, forms, filing, own)
    app.on_errand = errands.open
    catalogue = Catalogue(
        credentials,
        data,
        lambda found: app.hear(CatalogueCame, procedures=found),
        lambda shelf: app.hear(ShelfCame, shelf=shelf),
        errands.can_file,
    )
    guides = Guides(
        credentials,
        data / "guides",
        (window.width, window.height),
        lambda code, sheets: app.hear(GuidesCame, code=code, sheets=sheets),
        lambda code, file, drawn: app.hear(SheetDrawn, code=code, file=file, drawn=drawn),
    )
    link.on_message, link.on_connection = app.on_incoming, app.on_connection
    link.health, link.remote = lambda: _health(printing.status()), remote_config
    app.link = link
    app.doing = Doing(link, printing, Paper(own.printer), open_asks, app.hear)
    app.doing.guides = guides
    cut_off = CutOff(link, leases, app.hear)
    app.cut_off = app.doing.cut_off = cut_off

    def welcomed(welcome: m.Welcome) -> None:
        cut_off.heard(welcome)
        outbox.hurry()

    link.on_welcome = welcomed

    def setup_came(catalogue_version: str) -> None:
        catalogue.want(catalogue_version)
        app.hear(None, then=errands.setup_came)

    app.on_catalogue_version = setup_came
    cut_off.begin()
    app.keys = table(own.keys)
    remote = remote_from_environment(app, REMOTE)
    parts = (leases, remote, app.reader, printing, forms, outbox, filing, catalogue, guides, link)
    _run_together(app, [part for part in parts if part is not None])


def _run_together(app: KioskApp, parts: list[Any]) -> None:
    """Start the parts in order, run the screen in this thread, stop them in the other order."""
    try:
        for part in parts:
            part.start()
        if app.doing is not None:
            app.doing.withdraw_left_over()
        app.run()
    finally:
        for part in reversed(parts):
            part.stop()


def _printer_status(app: KioskApp, own: KioskSettings, status: PrinterStatus) -> None:
    app.on_printer(condition(status, own.printer.address))


def _health(status: PrinterStatus | None) -> dict[str, str]:
    return {"printer": status.word if status is not None else "unknown"}


def _window(own: KioskSettings, args: argparse.Namespace) -> WindowSettings:
    try:
        width, height = parse_size(args.size or own.size)
    except ValueError as error:
        raise CannotStart(str(error)) from error
    windowed = args.windowed or args.size is not None
    return WindowSettings(width, height, own.fullscreen and not windowed, own.width_mm)


def _credentials(args: argparse.Namespace) -> Credentials:
    """The device's own, after enrolling it if that is asked for."""
    path: Path = args.data / "device.json"
    if args.server and args.code:
        enrol(args.server, args.code).write(path)
    elif args.server or args.code:
        raise CannotStart("to enrol this device give both --server and --code")
    try:
        own = Credentials.read(path)
    except FileNotFoundError:
        raise CannotStart(f"{path} is missing: enrol with --server and --code") from None
    except msgspec.DecodeError:
        raise CannotStart(f"{path} is damaged: enrol again with --server and --code") from None
    if own.kind is not DeviceKind.KIOSK:
        raise CannotStart(f"{path} is for a {own.kind.value}: enrol this device as a kiosk")
    return own


def _subscriptions(own: Credentials) -> list[str]:
    return [
        topics.SETUP.at(own.centre),
        topics.LINE.at(own.centre),
        topics.ANSWER.at(own.centre, device=own.device),
        topics.TICKET_UPDATE.at(own.centre, device=own.device),
    ]


def _version() -> str:
    try:
        return metadata.version("motcua")
    except metadata.PackageNotFoundError:
        return ""
