"""`motcua tablet`: puts the satisfaction tablet together and runs it."""

from __future__ import annotations

import argparse
import os
import sqlite3
import sys
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from kiosk.touch.window import (
    NoDisplay,
    WindowSettings,
    parse_size,
    prepare_kivy,
    require_display,
)
from queue_server.wire import topics
from queue_server.wire.centre_time import CentreTime, Machine
from queue_server.wire.enrol import EnrolmentError, enrol
from queue_server.wire.link import Credentials, Link
from queue_server.wire.messages import Welcome
from queue_server.wire.remote import RemoteConfig
from queue_server.wire.settings import SettingsError
from queue_server.wire.texts import Texts
from queue_server.wire.words import DeviceKind

from . import settings as tablet_settings
from .post import Post
from .settings import TabletSettings
from .store import AnswerStore, open_store
from .survey import Survey

if TYPE_CHECKING:
    from .app import TabletApp

log = structlog.get_logger()

MOST_SKEW_MS = 60_000
"""A clock that is further off is told of; ratings are dated by the server's all the same."""
TEXTS = Path(__file__).with_name("texts")
REMOTE = "MOTCUA_TABLET_REMOTE"


class CannotStart(Exception):
    """The text is one line for the technician."""


REFUSED_STARTS = (SettingsError, EnrolmentError, NoDisplay, CannotStart)


def add_parser(subparsers: argparse._SubParsersAction[Any]) -> argparse.ArgumentParser:
    """The command line of `motcua tablet`."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "tablet",
        help="the satisfaction tablet of one counter",
        description="Shows the satisfaction survey of one counter until it is ended.",
    )
    parser.add_argument("--data", type=Path, default=Path("var/tablet"), help="data folder")
    parser.add_argument("--settings", type=Path, help="settings file; its table [tablet] counts")
    parser.add_argument("--server", help="address of the queue server, to enrol this device")
    parser.add_argument("--code", help="the one-time code that the server's page shows")
    parser.add_argument("--size", help="window size, such as 1280x800; implies --windowed")
    parser.add_argument("--windowed", action="store_true", help="not in full screen")
    parser.set_defaults(run=run)
    return parser


def run(args: argparse.Namespace) -> int:
    """Run until the window is closed or SIGTERM; 0, or 1 after one line on stderr."""
    try:
        require_display(os.environ)
        remote = _remote(tablet_settings.read(args.settings), args.data)
        own = remote.start()
        window = _window(own, args)
        credentials = _credentials(args)
        store = open_store(args.data / "answers.db", own.keep_days, own.keep_answers)
    except (*REFUSED_STARTS, sqlite3.Error, OSError) as error:
        print(f"motcua tablet: {error}", file=sys.stderr)
        return 1
    prepare_kivy(window, args.data / "kivy")
    try:
        _serve(own, window, credentials, store, remote)
    finally:
        store.stop()
    return 0


def _serve(
    own: TabletSettings,
    window: WindowSettings,
    credentials: Credentials,
    store: AnswerStore,
    remote_config: RemoteConfig[TabletSettings],
) -> None:
    from kiosk.touch.remote import remote_from_environment

    from .app import TabletApp

    link = Link(credentials, version=_version(), subscriptions=_subscriptions(credentials))
    time = CentreTime(Machine(), store.anchor())
    post = Post(store, link, time)
    link.health, link.remote = lambda: _health(store, post, time), remote_config
    link.on_welcome = lambda welcome: _clock_heard(welcome, store, post, time)
    survey = Survey(own, store, post, time)
    app = TabletApp(
        window,
        own.reading,
        survey,
        Texts(TEXTS),
        credentials.centre,
        credentials.counter or 0,
    )
    link.on_message, link.on_connection = app.hear, app.connection
    link.on_refused = app.refused
    remote = remote_from_environment(app, REMOTE)
    _run_together(app, link, post, remote)


def _run_together(app: TabletApp, link: Link, post: Post, remote: Any) -> None:
    try:
        if remote is not None:
            remote.start()
        app.reader.start()
        link.start()
        post.send()
        app.run()
    finally:
        app.reader.stop()
        post.stop()
        link.stop()
        if remote is not None:
            remote.stop()


def _remote(own: TabletSettings, data: Path) -> RemoteConfig[TabletSettings]:
    """Times and words on a screen count from the next start, so that no visitor sees them change."""
    return RemoteConfig(data / "config.json", DeviceKind.TABLET, own, tablet_settings.check)


def _window(own: TabletSettings, args: argparse.Namespace) -> WindowSettings:
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
    if own.counter is None:
        raise CannotStart(f"{path} names no counter: enrol this tablet for one")
    return own


def _subscriptions(own: Credentials) -> list[str]:
    counter = own.counter or 0
    return [
        topics.ANSWER.at(own.centre, device=own.device),
        topics.SETUP.at(own.centre),
        topics.COUNTER.at(own.centre, counter=counter),
        topics.OFFER.at(own.centre, counter=counter),
    ]


def _clock_heard(welcome: Welcome, store: AnswerStore, post: Post, time: CentreTime) -> None:
    """In the link's thread: only now can what is stored be dated, and sent."""
    anchor = time.heard(welcome.at, welcome.speed)
    try:
        store.keep_anchor(anchor)
    except sqlite3.Error as error:
        log.error("clock_not_kept", error=str(error))
    if abs(time.skew()) > MOST_SKEW_MS:
        log.warning("clock_wrong", ahead_ms=time.skew())
    post.send()


def _health(store: AnswerStore, post: Post, time: CentreTime) -> dict[str, str]:
    try:
        waiting, dropped, altered = store.waiting(), store.dropped(), store.altered()
    except sqlite3.Error:
        return {"disk": "failed"}
    health = {"disk": "failed" if post.failed else "ok", "answers_waiting": str(waiting)}
    if abs(time.skew()) > MOST_SKEW_MS:
        health["clock"] = "skew"
    if dropped:
        health["answers_dropped"] = str(dropped)
    if altered:
        health["answers_altered"] = str(altered)
    return health


def _version() -> str:
    try:
        return metadata.version("motcua")
    except metadata.PackageNotFoundError:
        return ""
