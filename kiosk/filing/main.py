"""`python -m kiosk.filing.main`: the kiosk's child for one visit; `kiosk.filing.parent` starts it."""

from __future__ import annotations

import sys
import threading
from pathlib import Path
from types import TracebackType

import msgspec
import structlog

from kiosk.touch.keys import table
from kiosk.touch.reader import ReadingSettings
from kiosk.touch.window import WindowSettings, prepare_kivy
from queue_server.wire import logs
from queue_server.wire.words import Frozen

from .harden import keep_to_itself
from .pipe import own_pipe

REMOTE = "MOTCUA_FILING_REMOTE"
"""Environment: the unix socket of a test's or technician's remote finger; off unless set."""


class Start(Frozen):
    """The one argument, as JSON."""

    parent: int
    home: str
    width: int
    height: int
    fullscreen: bool
    width_mm: float
    reading: ReadingSettings = ReadingSettings()
    keys: dict[str, int] = {}
    double_strike_ms: int = 500
    key_strike_ms: int = 0
    emblem: str = ""


def run(start: Start) -> None:
    pipe = own_pipe()
    logs.begin()
    sys.excepthook = _tell_place
    threading.excepthook = lambda told: _tell_place(told.exc_type, told.exc_value)
    kept = keep_to_itself(start.parent)
    window = WindowSettings(start.width, start.height, start.fullscreen, start.width_mm)
    prepare_kivy(window, Path(start.home))
    from kivy.config import Config

    Config.set("graphics", "window_state", "hidden")

    from kiosk.touch.remote import remote_from_environment

    from .app import FilingApp

    structlog.get_logger().info("filing_child", **kept)
    app = FilingApp(window, pipe, start.reading)
    app.assist.strikes.double_s = start.double_strike_ms / 1000
    app.assist.strikes.key_s = start.key_strike_ms / 1000
    app.emblem, app.keys = start.emblem, table(start.keys)
    finger = remote_from_environment(app, REMOTE)
    if finger is not None:
        finger.start()
    app.run()


def _tell_place(
    kind: type[BaseException], error: BaseException | None, _trace: TracebackType | None = None
) -> None:
    """The words of an error may hold what a visitor said: only its kind and place are told."""
    structlog.get_logger().error("filing_child_failed", exc_info=error, kind=kind.__name__)


if __name__ == "__main__":
    run(msgspec.json.decode(sys.argv[1].encode(), type=Start))
