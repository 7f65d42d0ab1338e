"""The window before there is one: Kivy reads its settings at its import, so they are laid here."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WindowSettings:
    """`width_mm`: true width of the glass, so that targets can be measured in millimetres."""

    width: int = 1080
    height: int = 1920
    fullscreen: bool = True
    width_mm: float = 344.0


def parse_size(text: str) -> tuple[int, int]:
    """`1080x1920` as width and height in pixels; ValueError for anything else."""
    found = re.fullmatch(r"(\d{3,5})[x×](\d{3,5})", text.strip().lower())
    if found is None:
        raise ValueError(f"size {text!r} is not like 1080x1920")
    return int(found[1]), int(found[2])


class NoDisplay(Exception):
    """There is nothing to show a window on; SDL would draw where nobody sees it and say nothing."""


def require_display(environ: Mapping[str, str], dri: Path = Path("/dev/dri")) -> None:
    """Raises NoDisplay without X, Wayland, a graphics card, or a driver asked for by name."""
    named = ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER")
    if not any(environ.get(name) for name in named) and not dri.exists():
        raise NoDisplay("no display here: start it in a graphical session")


def prepare_kivy(window: WindowSettings, home: Path) -> None:
    """Lay Kivy's settings for a public screen; call before the first import of a Kivy widget.

    `home` is a folder of our own, so that nobody's ~/.kivy opens the inspector or doubles touches.
    """
    home.mkdir(parents=True, exist_ok=True)
    os.environ.update(
        KIVY_HOME=str(home),
        KIVY_NO_ARGS="1",
        KIVY_NO_FILELOG="1",
        KIVY_LOG_MODE="PYTHON",  # or Kivy takes stderr, and with it every traceback
    )
    from kivy.config import Config

    logging.getLogger("kivy").setLevel(logging.WARNING)
    for section in ("input", "modules"):
        for key, _ in Config.items(section):
            Config.remove_option(section, key)
    # SDL brings the touches by itself; mtdev beside it would bring each of them twice.
    Config.set("input", "mouse", "mouse,disable_multitouch")
    Config.set("kivy", "exit_on_escape", "0")
    Config.set("kivy", "keyboard_mode", "system")
    Config.set("graphics", "width", str(window.width))
    Config.set("graphics", "height", str(window.height))
    Config.set("graphics", "fullscreen", "auto" if window.fullscreen else "0")
    Config.set("graphics", "resizable", "0" if window.fullscreen else "1")
    # Every line that is drawn is smoothed by itself; four samples a pixel cost software half of its time.
    Config.set("graphics", "multisamples", "0")
    Config.set("graphics", "show_cursor", "0" if window.fullscreen else "1")
    Config.set("graphics", "maxfps", "30")
    # A finger that rests or shakes must not become a drag or a double tap.
    Config.set("postproc", "double_tap_time", "0")
    Config.set("postproc", "triple_tap_time", "0")
