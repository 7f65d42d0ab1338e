"""A remote finger for tests and technicians: touches, keys, pictures by JSON lines on a socket.

Off unless the environment names a unix socket (`MOTCUA_KIOSK_REMOTE`, `MOTCUA_TABLET_REMOTE`).
One JSON object a line in, one out; coordinates are the window's pixels from its upper left corner:

    {"touch": [x, y]}        a finger down and up; "times": 2 taps twice, "to": [x, y] slides first
    {"key": "F1"}            a key of the keyboard, by name or as one letter
    {"state": true}          {"screen", "ready", "size", "buttons": [{"name", "text", "rect",
                              "kind", "disabled"}], "texts": [{"text", "rect", "overflows"}],
                              "found": the item that exploring has come to}
    {"screenshot": "x.png"}  saves what the window shows
    {"later": 60}            as if so many seconds had gone by untouched

`rect` is [left, top, width, height]. An error is answered by {"error": "…"}. A touch waits until
the screen listens and is answered when it was drawn: a test needs no pauses of its own.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from kivy.base import EventLoop
from kivy.clock import Clock
from kivy.core.window import Window
from kivy.input.motionevent import MotionEvent
from kivy.input.provider import MotionEventProvider

from .screen_app import ScreenApp
from .text import Text
from .widgets import Touchable

ANSWER_WITHIN_S = 10.0
KEYS = {
    "escape": 27,
    "enter": 13,
    "tab": 9,
    "f1": 282,
    "f4": 285,
    "f10": 291,
    "f11": 292,
}


class _Finger(MotionEvent):
    """A touch at a place given in parts of the window (0…1 from the lower left)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("is_touch", True)
        kwargs.setdefault("type_id", "touch")
        super().__init__(*args, **kwargs)
        self.profile = ["pos"]

    def depack(self, args: tuple[float, float]) -> None:
        self.sx, self.sy = args
        super().depack(args)


class _Fingers(MotionEventProvider):
    """Gives Kivy the queued touches, one phase a frame, the way a touch panel does."""

    def __init__(self) -> None:
        super().__init__("remote", "")
        self._phases: deque[tuple[str, _Finger, tuple[float, float]]] = deque()
        self._count = 0

    def start(self) -> None:
        """Nothing to open."""

    def stop(self) -> None:
        self._phases.clear()

    def tap(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self._count += 1
        finger = _Finger("remote", self._count, start)
        self._phases.append(("begin", finger, start))
        if end != start:
            self._phases.append(("update", finger, end))
        self._phases.append(("end", finger, end))

    @property
    def resting(self) -> bool:
        return not self._phases

    def update(self, dispatch_fn: Callable[[str, MotionEvent], None]) -> None:
        if not self._phases:
            return
        phase, finger, place = self._phases.popleft()
        if phase != "begin":
            finger.move(place)
        if phase == "end":
            finger.update_time_end()
        dispatch_fn(phase, finger)


def _rect(widget: Any) -> list[int]:
    left, bottom = widget.to_window(widget.x, widget.y)
    top = Window.height - bottom - widget.height
    return [round(left), round(top), round(widget.width), round(widget.height)]


def describe(app: ScreenApp) -> dict[str, Any]:
    """What is on the screen now: its buttons and texts with their places."""
    buttons, texts = [], []
    for widget in app.root.walk():
        if isinstance(widget, Touchable):
            buttons.append(
                {
                    "name": getattr(widget, "name", ""),
                    "text": getattr(widget, "said", ""),
                    "rect": _rect(widget),
                    "kind": getattr(widget, "kind", ""),
                    "disabled": bool(widget.disabled),
                }
            )
        elif isinstance(widget, Text) and widget.text:
            texts.append(
                {
                    "text": widget.text,
                    "rect": _rect(widget),
                    "overflows": widget.overflows,
                }
            )
    found = app.assist.cursor.current
    return {
        "screen": app.screen_name,
        "found": found.key if found is not None else "",
        "ready": app.listens(),
        "size": [int(side) for side in Window.size],
        "buttons": buttons,
        "texts": texts,
    }


class RemoteFinger:
    """Listens at `path` from `start()` until `stop()`; only this user's processes may connect."""

    def __init__(self, app: ScreenApp, path: Path) -> None:
        self._app, self._path = app, path
        self._fingers = _Fingers()
        self._server: socket.socket | None = None

    def start(self) -> None:
        EventLoop.add_input_provider(self._fingers)
        self._path.unlink(missing_ok=True)
        server = socket.socket(socket.AF_UNIX)
        server.bind(str(self._path))
        os.chmod(self._path, 0o600)
        server.listen()
        self._server = server
        threading.Thread(target=self._accept, args=(server,), name="remote", daemon=True).start()

    def stop(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
            self._path.unlink(missing_ok=True)

    def _accept(self, server: socket.socket) -> None:
        while True:
            try:
                line, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(line,), name="remote", daemon=True).start()

    def _talk(self, line: socket.socket) -> None:
        with line, line.makefile("rwb") as stream:
            for raw in stream:
                stream.write(json.dumps(self._answer(raw), ensure_ascii=False).encode() + b"\n")
                stream.flush()

    def _answer(self, raw: bytes) -> dict[str, Any]:
        try:
            wish = json.loads(raw)
            if "touch" in wish:
                return self._touch(wish)
            return self._on_screen(lambda: self._do(wish))
        except (ValueError, TypeError, KeyError, TimeoutError) as error:
            return {"error": f"{type(error).__name__}: {error}"}

    def _on_screen(self, action: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Run in the screen's thread after its next frame is laid out."""
        done: Future[dict[str, Any]] = Future()

        def act(_: float) -> None:
            try:
                done.set_result(action())
            except Exception as error:  # whatever it is, the asker is told
                done.set_exception(error)

        Clock.schedule_once(lambda _: Clock.schedule_once(act, 0), 0)
        return done.result(ANSWER_WITHIN_S)

    def _do(self, wish: dict[str, Any]) -> dict[str, Any]:
        if "state" in wish:
            return describe(self._app)
        if "screenshot" in wish:
            self._app.screenshot(Path(wish["screenshot"]))
            return {"saved": wish["screenshot"]}
        if "later" in wish:
            self._app.later(float(wish["later"]))
            return {"later": wish["later"]}
        if "key" in wish:
            return self._key(str(wish["key"]))
        raise ValueError("a wish is one of touch, key, state, screenshot")

    def _key(self, key: str) -> dict[str, Any]:
        code = KEYS.get(key.lower()) or ord(key)
        letter = key if len(key) == 1 else None
        if not Window.dispatch("on_key_down", code, 0, letter, []):
            Window.dispatch("on_keyboard", code, 0, letter, [])
        Window.dispatch("on_key_up", code, 0)
        return {"key": key}

    def _touch(self, wish: dict[str, Any]) -> dict[str, Any]:
        start = self._place(wish["touch"])
        end = self._place(wish.get("to", wish["touch"]))
        self._until(self._app.listens)
        for _ in range(int(wish.get("times", 1))):
            self._fingers.tap(start, end)
        self._until(lambda: self._fingers.resting)
        return self._on_screen(lambda: {"touched": wish["touch"], "screen": self._app.screen_name})

    def _place(self, point: list[float]) -> tuple[float, float]:
        x, y = point
        width, height = Window.size
        if not (0 <= x < width and 0 <= y < height):
            raise ValueError(f"{point} is outside the window of {width}x{height}")
        return x / width, 1 - (y + 1) / height

    def _until(self, true: Callable[[], bool]) -> None:
        deadline = time.monotonic() + ANSWER_WITHIN_S
        while not true():
            if time.monotonic() > deadline:
                raise TimeoutError("the screen did not take the touch")
            time.sleep(0.01)


def remote_from_environment(app: ScreenApp, variable: str) -> RemoteFinger | None:
    """The remote finger that the environment asks for, or None, which is the rule."""
    path = os.environ.get(variable)
    return RemoteFinger(app, Path(path)) if path else None
