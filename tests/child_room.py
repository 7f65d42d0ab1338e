"""A room for the tests of self-filing: the real child, with a finger of its own, and a pretend centre over HTTP."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from kiosk.filing import talk
from kiosk.filing.main import REMOTE
from kiosk.filing.parent import FilingProcess
from kiosk.outbox import Outbox
from kiosk.settings import KioskSettings
from kiosk.touch.window import WindowSettings
from queue_server.dossiers.forms.offered import FormsOffered, offered
from queue_server.dossiers.forms.read import read_form
from queue_server.wire.filing import (
    FeedbackFiled,
    Filed,
    Package,
    decode_feedback,
    decode_package,
)
from queue_server.wire.link import Credentials
from queue_server.wire.phone import PATH, Begun
from queue_server.wire.sealed import private_key, public_text, unseal
from queue_server.wire.words import DeviceKind

from .kiosk_room import until

LONG_S = 40.0
"""A new Kivy on a busy machine."""
KEY = private_key(b"k" * 32)
PUBLIC = public_text(KEY)
FORM = Path(__file__).parent / "data" / "filing_form.toml"


def small_form() -> FormsOffered:
    return offered([read_form(FORM.read_text(), FORM.name)], [], {}, True)


def credentials(port: int) -> Credentials:
    return Credentials(
        device="kiosk-1",
        kind=DeviceKind.KIOSK,
        centre="test",
        host="127.0.0.1",
        port=1,
        username="kiosk-1",
        password="secret",
        client_id="x",
        web=f"http://127.0.0.1:{port}",
    )


class PretendCentre:
    """Takes filings and words; `status` other than 200 is answered instead, with `refusal` if there is one."""

    def __init__(self, keeps: bool = True) -> None:
        """`keeps`: what came is looked into; else only answered."""
        self._keeps = keeps
        self.packages: list[Package] = []
        self.feedback: list[Any] = []
        self.posts: list[str] = []
        self.gone: list[str] = []
        self.logins: list[str] = []
        self.status = 200
        self.body = b""
        room = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, said = room._answer(self.path, body, self.headers["Authorization"])
                self.send_response(status)
                self.end_headers()
                self.wfile.write(said)

            def do_GET(self) -> None:
                asks_files = self.path.startswith("/api/visits/")
                self.send_response(200)
                self.end_headers()
                looked_up = b'{"code":"G22-1","state":"ready","completion":90}'
                self.wfile.write(b"[]" if asks_files else looked_up)

            def do_DELETE(self) -> None:
                room.gone.append(self.path)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port: int = self._web.server_address[1]

    def start(self) -> None:
        threading.Thread(target=self._web.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._web.shutdown()
        self._web.server_close()

    def _answer(self, path: str, body: bytes, login: str) -> tuple[int, bytes]:
        self.posts.append(path)
        self.logins.append(login)
        if self.status != 200:
            return self.status, self.body
        if path == PATH:
            begun = Begun(visit="v1", token="t", url="https://mc.example/up/t")
            return 200, msgspec.json.encode(begun)
        _, _, kind, name = path.split("/")
        if not self._keeps:
            filed = Filed(dossier="d1", received_at=1, code="G22.99.08-261127-0012")
            return 200, msgspec.json.encode(filed)
        plain = unseal(body, KEY, name)
        now = int(time.time() * 1000)
        if kind == "feedback":
            self.feedback.append(decode_feedback(plain))
            number = FeedbackFiled(number="PA-1", received_at=now)
            return 200, msgspec.json.encode(number)
        self.packages.append(decode_package(plain))
        filed = Filed(dossier="d1", received_at=now, code="G22.99.08-261127-0012")
        return 200, msgspec.json.encode(filed)


class Finger:
    """A finger on the child's glass."""

    def __init__(self, path: Path) -> None:
        self._socket = path

    def do(self, **wish: object) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(15)
            line.connect(str(self._socket))
            with line.makefile("rwb") as stream:
                stream.write(json.dumps(wish).encode() + b"\n")
                stream.flush()
                said = stream.readline()
        return json.loads(said) if said else {}

    def buttons(self) -> dict[str, Any]:
        return {b["name"]: b for b in self.do(state=True)["buttons"]}

    @property
    def screen(self) -> str:
        return str(self.do(state=True)["screen"])

    def says(self, words: str) -> bool:
        return any(words in text["text"] for text in self.do(state=True)["texts"])

    def touch(self, *names: str) -> None:
        for name in names:
            found = until(lambda: self.buttons().get(name), f"the button {name}", LONG_S)  # noqa: B023
            left, top, width, height = found["rect"]
            self._tap(left + width // 2, top + height // 2)

    def _tap(self, x: int, y: int) -> None:
        """A touch that ends the visit ends the line as well."""
        with contextlib.suppress(ConnectionResetError):
            self.do(touch=[x, y])

    def type(self, text: str) -> None:
        """Keys keep their places from letter to letter."""
        until(lambda: "key-delete" in self.buttons(), "the keys", LONG_S)
        keys = self.buttons()
        for letter in text:
            left, top, width, height = keys[f"key-{'space' if letter == ' ' else letter}"]["rect"]
            self.do(touch=[left + width // 2, top + height // 2])

    def until_shows(self, screen: str) -> None:
        until(lambda: self.screen == screen, f"the screen {screen}", LONG_S)

    def until_true(self, true: Callable[[], Any], what: str) -> None:
        until(true, what)


class Child(Finger):
    """The child as the kiosk has it, and a finger on its glass."""

    def __init__(self, folder: Path, centre: PretendCentre, settings: KioskSettings) -> None:
        super().__init__(folder / "child")
        self.folder = folder
        self.said: list[Any] = []
        self.shown, self.over = threading.Event(), threading.Event()
        os.environ[REMOTE] = str(self._socket)
        self.outbox = Outbox(folder / "outbox", credentials(centre.port), least_free=0)
        window = WindowSettings(1080, 1920, False)
        self.process = FilingProcess(window, folder, self.outbox, settings)
        events = self.process.events
        events.shown = self.shown.set
        events.ended = self._ended
        events.ticket = self.said.append
        events.help = self.said.append
        events.print = self.said.append
        self.reason = ""

    def _ended(self, over: talk.Ended) -> None:
        self.reason = over.reason
        self.over.set()

    def start(self) -> None:
        self.outbox.start()
        self.process.warm()

    def stop(self) -> None:
        self.process.stop()
        self.outbox.stop()
        os.environ.pop(REMOTE, None)

    def open(self, visit: talk.Open) -> None:
        """Until the first picture stands there."""
        if self.process.open_now:  # a test before this one broke off
            self.process.tell(talk.Close())
        until(lambda: self.process.ready, "a warm child", LONG_S)
        self.said.clear()
        self.shown.clear()
        self.over.clear()
        self.process.open(visit)
        assert self.shown.wait(LONG_S)
