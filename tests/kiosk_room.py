"""A room for the kiosk's tests: a real broker, a pretend queue server, the kiosk's own process."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from queue_server.wire import messages as m
from queue_server.wire import topics
from queue_server.wire.link import Credentials
from queue_server.wire.words import DeviceKind, Estimate, Frozen, Names, PriorityGroup, day_of

MOSQUITTO = "/usr/sbin/mosquitto"
CENTRE, DEVICE = "test", "kiosk-1"
PATIENCE_S = 15.0
RUN_KIOSK = (
    "import argparse, sys; from kiosk import main;"
    "p = argparse.ArgumentParser(); main.add_parser(p.add_subparsers());"
    "a = p.parse_args(['kiosk', *sys.argv[1:]]); sys.exit(a.run(a))"
)
CATALOGUE = [
    {"code": "1.001193", "name": "Đăng ký khai sinh", "service": "civil", "field": "Hộ tịch"},
    {"code": "1.000894", "name": "Đăng ký kết hôn", "service": "civil", "field": "Hộ tịch"},
]
PAGES = {"/api/catalogue": json.dumps(CATALOGUE).encode()}
"""What the pretend server's web answers, by path."""


def until(true: Callable[[], Any], what: str, seconds: float = PATIENCE_S) -> Any:
    """Wait for something to be true; its value, or an AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.02)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _listens_at(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Broker:
    """Mosquitto on a port of its own, which may go and come back."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._conf = folder / "mosquitto.conf"
        self._conf.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [MOSQUITTO, "-c", str(self._conf)], stderr=subprocess.DEVNULL
        )
        until(lambda: _listens_at(self.port), "the broker")

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()


def setup(**states: str) -> m.CentreSetup:
    """A small centre; `setup(civil="suspended")` sets a service's state."""
    services = (("civil", "A", "Hộ tịch"), ("certify", "B", "Chứng thực"))
    elderly = Names(vi="Người từ đủ 60 tuổi", en="60 years and older")
    return m.CentreSetup(
        centre=CENTRE,
        name=Names(vi="Trung tâm Phục vụ hành chính công", en="Public Administration Centre"),
        authority=Names(vi="UBND phường Hồng Hà", en="Hồng Hà Ward"),
        at=int(time.time() * 1000),
        services=tuple(
            m.ServiceInfo(
                id=i,
                letter=x,
                name=Names(vi=n, en=n),
                state=states.get(i, "open"),
                reason="Mất điện" if i in states else "",
                counters=(1,),
            )
            for i, x, n in services
        ),
        priorities=(
            PriorityGroup(
                id="elderly", name=elderly, proof=Names(vi="Thẻ căn cước", en="identity card")
            ),
        ),
        catalogue_version="1",
    )


class PretendServer:
    """Answers each ask as the queue server would, and writes down what was said."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.asks: list[tuple[str, Any]] = []
        self.presence: list[m.Presence] = []
        self.silent: set[str] = set()
        """Verbs that are not answered."""
        self.lease: dict[str, tuple[str, ...]] = {}
        """Numbers that a kiosk gets for when it is cut off, once."""
        self.refusal: m.Refusal | None = None
        self._tickets: dict[str, m.TicketTaken] = {}
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="server")
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message
        self._web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Web)
        self.web = self._web.server_address[1]

    def start(self) -> None:
        threading.Thread(target=self._web.serve_forever, daemon=True).start()
        self._client.connect_async("127.0.0.1", self._port, keepalive=5)
        self._client.loop_start()
        assert self._ready.wait(PATIENCE_S)
        self.say(topics.SETUP, setup())

    def stop(self) -> None:
        self._web.shutdown()
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, topic: topics.Topic, message: Frozen, **names: str) -> None:
        self._client.publish(topic.at(CENTRE, **names), m.encode(message), 1, topic.retained)

    def said(self, verb: str) -> list[Any]:
        """The messages of a verb, each id once."""
        return list({ask.id: ask for name, ask in self.asks if name == verb}.values())

    def _on_connect(self, client: mqtt.Client, *_: object) -> None:
        client.subscribe([(f"motcua/{CENTRE}/ask/#", 1), (f"motcua/{CENTRE}/presence/#", 1)])

    def _on_message(self, _c: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        kind, device, *verb = topics.split(CENTRE, message.topic)
        if kind == "presence":
            self.presence.append(m.decode(m.Presence, message.payload))
            return
        ask = m.decode(topics.ASKS[verb[0]].message, message.payload)
        self.asks.append((verb[0], ask))
        if verb[0] not in self.silent:
            self._answer(device, verb[0], ask)

    def _answer(self, device: str, verb: str, ask: Any) -> None:
        at = int(time.time() * 1000)
        ok: Frozen = m.Welcome(at=at, epoch=1) if verb == "hello" else m.Done()
        refusal = self.refusal if verb == "take_ticket" else None
        if verb == "take_ticket" and refusal is None:
            ok = self._tickets.setdefault(ask.id, self._ticket(ask, at))
        if verb == "lease_numbers":
            numbers, self.lease = self.lease, {}
            ok = m.Leased(day=day_of(at, 420), numbers=numbers)
        if verb == "hand_over":
            ok = m.HandedOver(ticket=ask.number, number=ask.number, arrived=ask.issued_at)
        raw = None if refusal else msgspec.Raw(m.encode(ok))
        answer = m.Answer(id=ask.id, verb=verb, at=at, ok=raw, refusal=refusal)
        self.say(topics.ANSWER, answer, device=device)
        if isinstance(ok, m.TicketTaken):
            estimate = Estimate(minutes=12, low=8, high=17)
            update = m.TicketUpdate(ticket=ok.ticket, at=at, ahead=4, estimate=estimate)
            self.say(topics.TICKET_UPDATE, update, device=device)

    def _ticket(self, ask: m.TakeTicket, at: int) -> m.TicketTaken:
        count = len(self._tickets) + 1
        return m.TicketTaken(
            ticket=f"t{count}",
            number=f"A{count:03}",
            service=ask.service,
            issued_at=at,
            ahead=3,
            token=f"token{count}",
            url=f"http://127.0.0.1/t/token{count}",
            priority=ask.priority,
            counters=(1,),
            booked=ask.booked,
        )


class _Web(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        found = PAGES.get(self.path)
        self.send_response(200 if found else 404)
        self.end_headers()
        self.wfile.write(found or b"")

    def log_message(self, *_: object) -> None:
        """Quiet."""


class KioskProcess:
    """`motcua kiosk` with no display, touched by the remote finger."""

    def __init__(
        self, folder: Path, port: int, web: int, size: str = "1080x1920", settings: str = ""
    ) -> None:
        self.data = folder / "kiosk"
        self._size, self._socket = size, folder / "finger"
        self._settings = folder / "centre.toml"
        self._settings.write_text(settings)
        self.log = folder / "kiosk.log"
        self._process: subprocess.Popen[bytes] | None = None
        Credentials(
            device=DEVICE,
            kind=DeviceKind.KIOSK,
            centre=CENTRE,
            host="127.0.0.1",
            port=port,
            username=DEVICE,
            password="x",
            client_id=DEVICE,
            web=f"http://127.0.0.1:{web}",
        ).write(self.data / "device.json")

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-c", RUN_KIOSK, "--data", str(self.data)),
                    *("--size", self._size, "--settings", str(self._settings)),
                ],
                env=os.environ
                | {"SDL_VIDEODRIVER": "offscreen", "MOTCUA_KIOSK_REMOTE": str(self._socket)},
                stdout=log,
                stderr=log,
                cwd=Path(__file__).parent.parent,
            )
        until(self._listens, "the kiosk's window")

    def _listens(self) -> bool:
        assert self._process is not None and self._process.poll() is None, self.log.read_text()
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._socket)) == 0

    def kill(self) -> None:
        """As a power cut would."""
        self._end("kill")

    def stop(self) -> int:
        return self._end("terminate")

    def _end(self, how: str) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        getattr(process, how)()
        return process.wait(PATIENCE_S)

    # --- the finger ---

    def do(self, **wish: object) -> dict[str, Any]:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(PATIENCE_S)
            line.connect(str(self._socket))
            with line.makefile("rwb") as stream:
                stream.write(json.dumps(wish).encode() + b"\n")
                stream.flush()
                answer: dict[str, Any] = json.loads(stream.readline())
        assert "error" not in answer, answer
        return answer

    def until_shows(self, screen: str) -> dict[str, Any]:
        def shown() -> dict[str, Any] | None:
            state = self.do(state=True)
            return state if state["screen"] == screen and state["ready"] else None

        found: dict[str, Any] = until(shown, f"the screen {screen}")
        return found

    def says(self, words: str) -> bool:
        return any(words in text["text"] for text in self.do(state=True)["texts"])

    def touch(self, name: str, times: int = 1) -> None:
        """Touch the middle of a button, at the place where it is drawn and stays for a moment."""
        seen: list[list[int]] = []

        def still() -> bool:
            found = next(b["rect"] for b in self.do(state=True)["buttons"] if b["name"] == name)
            seen.append(found)
            return len(seen) > 1 and seen[-2] == found

        until(still, f"a {name} that stands still")
        left, top, width, height = seen[-1]
        self.do(touch=[left + width // 2, top + height // 2], times=times)

    def go(self, *names: str) -> None:
        for name in names:
            until(
                lambda: any(b["name"] == name for b in self.do(state=True)["buttons"]),  # noqa: B023
                f"the button {name}",
            )
            self.touch(name)
