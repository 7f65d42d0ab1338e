"""Things that may hang or crash are tried in a child process of their own, with a deadline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

from .finding import Finding, Look, bad, note, ok

DEADLINE_S = 20.0

WINDOW = """
import json, os
from kivy.config import Config
Config.set("graphics", "width", "64"); Config.set("graphics", "height", "64")
from kivy.core.window import Window
from kivy.graphics import Color, Rectangle
from kivy.graphics.opengl import glReadPixels, GL_RGBA, GL_UNSIGNED_BYTE
from kivy.graphics.opengl_utils import gl_get_version
assert Window is not None, "no window provider"
with Window.canvas:
    Color(1, 0, 0, 1); Rectangle(pos=(0, 0), size=(64, 64))
Window.dispatch("on_draw")
red = bytes(glReadPixels(8, 8, 1, 1, GL_RGBA, GL_UNSIGNED_BYTE))
good = red[0] > 200 and red[1] < 50
print(json.dumps([good, "OpenGL " + ".".join(map(str, gl_get_version() or "?"))]), flush=True)
os._exit(0)
"""
CAMERA = """
import json, cv2
camera = cv2.VideoCapture(0)
took, frame = camera.read()
camera.release()
size = "x".join(map(str, frame.shape[1::-1])) if took else ""
print(json.dumps([bool(took), size or "/dev/video0"]))
"""
KIOSK_CAMERA = """
import json, sys
import msgspec
from kiosk.scan.camera import doctor_line
from kiosk.settings import FilingSettings
own = msgspec.convert(json.loads(sys.argv[1]), FilingSettings, strict=False)
print(json.dumps(doctor_line(own.camera_settings())))
"""
PRINTER = """
import json, sys
from kiosk.printer import doctor_line
good, line = doctor_line(sys.argv[1])
print(json.dumps([good, line.removeprefix("printer: ")]))
"""
READING = """
import json, sys
import msgspec
from kiosk.touch.reader import ReadingSettings, doctor_line
own = msgspec.convert(json.loads(sys.argv[1]), ReadingSettings)
good, line = doctor_line(own)
print(json.dumps([good, line.removeprefix("reading aloud: ")]))
"""


class ProbeFailed(Exception):
    """The child said nothing that can be understood; the text is its last word."""


def probe(
    script: str,
    *arguments: str,
    environ: dict[str, str] | None = None,
    seconds: float = DEADLINE_S,
) -> tuple[bool, str]:
    """What the script prints: whether it is good, and a word on it. Raises ProbeFailed, TimeoutExpired."""
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [sys.executable, "-c", script, *arguments],
            capture_output=True,
            text=True,
            timeout=seconds,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            env={**os.environ, "KIVY_HOME": home, **(environ or {})},
        )
    lines = done.stdout.strip().splitlines()
    try:
        good, word = json.loads(lines[-1])
    except (IndexError, ValueError) as error:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        raise ProbeFailed(said[-1].strip()[:160] if said else f"code {done.returncode}") from error
    return bool(good), str(word)


def window(_: Look) -> Finding:
    """Kivy draws a red square where nobody sees it, and it is read back."""
    quiet = dict.fromkeys(("KIVY_NO_ARGS", "KIVY_NO_CONSOLELOG", "KIVY_NO_FILELOG"), "1")
    try:
        good, word = probe(WINDOW, environ={"SDL_VIDEODRIVER": "offscreen", **quiet})
    except ProbeFailed as error:
        return bad("window", "window_failed", detail=error)
    if not good:
        return bad("window", "window_failed", detail=word)
    if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        return note("window", "window_no_display", detail=word)
    return ok("window", "window", detail=word)


def camera(look: Look) -> Finding:
    """The kiosk's document camera, by `[kiosk.filing]`: its stills must be fine enough for A4. Without one
    in the settings, whether any is plugged in."""
    quiet = {"OPENCV_LOG_LEVEL": "OFF", "OPENCV_VIDEOIO_PRIORITY_LIST": "V4L2"}
    table = look.file.kiosk.get("filing", {})
    own = table if isinstance(table, dict) else {}
    try:
        if own.get("camera"):
            good, word = probe(KIOSK_CAMERA, json.dumps(own), environ=quiet)
            return (ok if good else bad)("camera", "camera" if good else "camera_bad", detail=word)
        good, word = probe(CAMERA, environ=quiet)
    except ProbeFailed as error:
        return bad("camera", "probe_failed", detail=error)
    return ok("camera", "camera", detail=word) if good else note("camera", "camera_none")


def printer(look: Look) -> Finding:
    """The printer of the kiosk at this machine, by `[kiosk.printer] address`."""
    table = look.file.kiosk.get("printer", {})
    address = str(table.get("address", "none")) if isinstance(table, dict) else "none"
    good, word = probe(PRINTER, address)
    if not good:
        return bad("printer", "printer_failed", detail=word)
    return ok("printer", "printer", detail=word)


def reading(look: Look) -> Finding:
    """Whether the kiosk at this machine can read aloud, by `[kiosk.reading]`; no fault on a server."""
    table = look.file.kiosk.get("reading", {})
    try:
        good, word = probe(READING, json.dumps(table if isinstance(table, dict) else {}))
    except ProbeFailed as error:
        return bad("reading", "reading_failed", detail=error)
    return (
        ok("reading", "reading", detail=word)
        if good
        else note("reading", "reading_none", detail=word)
    )
