"""A room for the tablet's tests: a real broker, a pretend server, the tablet's own process."""

from __future__ import annotations

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
from queue_server.wire import surveys, topics
from queue_server.wire.link import Credentials
from queue_server.wire.words import DeviceKind, Frozen, Language, Names

MOSQUITTO = "/usr/sbin/mosquitto"
CENTRE, DEVICE, COUNTER = "test", "tablet-3", 3
PATIENCE_S = 15.0
RUN_TABLET = (
    "import argparse, sys; from tablet_survey import main;"
    "p = argparse.ArgumentParser(); main.add_parser(p.add_subparsers());"
    "a = p.parse_args(['tablet', *sys.argv[1:]]); sys.exit(a.run(a))"
)


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


def _answers_at(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Broker:
    """Mosquitto on a port of its own, which may go and come back."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._conf = folder / "mosquitto.conf"
        self._conf.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [MOSQUITTO, "-c", str(self._conf)], stderr=subprocess.DEVNULL
        )
        until(lambda: _answers_at(self.port), "the broker")

    def stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()


class PretendServer:
    """Answers each ask as the queue server would, and writes down what was said."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.asks: list[tuple[str, Any]] = []
        self.refuse: dict[str, str] = {}
        self.silent = False
        self.presence: list[m.Presence] = []
        self._ready = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="server")
        self._client.reconnect_delay_set(1, 1)
        self._client.on_connect = self._on_connect
        self._client.on_subscribe = lambda *_: self._ready.set()
        self._client.on_message = self._on_message

    def start(self) -> None:
        self._client.connect_async("127.0.0.1", self._port, keepalive=5)
        self._client.loop_start()
        assert self._ready.wait(PATIENCE_S)

    def stop(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def say(self, topic: topics.Topic, message: Frozen | None, **names: int) -> None:
        """Publish; None takes a retained message away."""
        payload = b"" if message is None else m.encode(message)
        self._client.publish(topic.at(CENTRE, **names), payload, 1, topic.retained)

    def setup(self) -> None:
        """The centre, with all the shipped surveys."""
        self.say(
            topics.SETUP,
            m.CentreSetup(
                centre=CENTRE,
                name=Names(vi="Trung tâm", en="Centre"),
                authority=Names(vi="Phường", en="Ward"),
                at=int(time.time() * 1000),
                services=(),
                priorities=(),
                surveys=tuple(surveys.offered().values()),
            ),
        )

    def offer(
        self,
        name: str,
        language: Language = Language.VI,
        lasts_s: float = 120,
        survey: str = "",
    ) -> None:
        now = int(time.time() * 1000)
        self.say(
            topics.OFFER,
            m.Offer(
                offer=name,
                counter=COUNTER,
                at=now,
                expires=now + int(lasts_s * 1000),
                number="B047",
                language=language,
                survey=survey,
            ),
            counter=COUNTER,
        )

    def withdraw(self) -> None:
        self.say(topics.OFFER, None, counter=COUNTER)

    def counter(self, state: str = "serving", number: str = "B047") -> None:
        self.say(
            topics.COUNTER,
            m.CounterState(
                counter=COUNTER,
                name=Names(vi="Đất đai – Xây dựng", en="Land and construction"),
                state=state,
                at=int(time.time() * 1000),
                number=number,
                officer="Nguyễn Thị Thu Hường",
            ),
            counter=COUNTER,
        )

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
        if not self.silent:
            self._answer(device, verb[0], ask)

    def _answer(self, device: str, verb: str, ask: Any) -> None:
        at = int(time.time() * 1000)
        refusal = self.refuse.get(getattr(ask, "offer", ""))
        ok = m.Welcome(at=at, epoch=1) if verb == "hello" else m.Done()
        answer = m.Answer(
            id=ask.id,
            verb=verb,
            at=at,
            ok=None if refusal else msgspec.Raw(m.encode(ok)),
            refusal=m.Refusal(code=refusal) if refusal else None,
        )
        self._client.publish(topics.ANSWER.at(CENTRE, device=device), m.encode(answer), 1)


def _toml(name: str, table: Any) -> list[str]:
    return [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]


class TabletProcess:
    """`motcua tablet` with no display, touched by the remote finger."""

    def __init__(self, folder: Path, port: int, size: str = "1280x800", **settings: object) -> None:
        self.data = folder / "tablet"
        self._size, self._socket = size, folder / "finger"
        self._settings = folder / "centre.toml"
        reading = settings.pop("reading", {})
        tables = {"tablet": settings, "tablet.reading": reading}
        lines = [line for name, table in tables.items() for line in _toml(name, table)]
        self._settings.write_text("\n".join(lines))
        self._log = (folder / "tablet.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None
        Credentials(
            device=DEVICE,
            kind=DeviceKind.TABLET,
            centre=CENTRE,
            host="127.0.0.1",
            port=port,
            username=DEVICE,
            password="x",
            client_id=DEVICE,
            counter=COUNTER,
        ).write(self.data / "device.json")

    def start(self) -> None:
        environment = os.environ | {
            "SDL_VIDEODRIVER": "offscreen",
            "MOTCUA_TABLET_REMOTE": str(self._socket),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-c", RUN_TABLET, *self._arguments()],
            env=environment,
            stdout=self._log,
            stderr=self._log,
            cwd=Path(__file__).parent.parent,
        )
        until(self._listens, "the tablet's window")

    def _arguments(self) -> list[str]:
        return [
            *("--data", str(self.data)),
            *("--settings", str(self._settings)),
            *("--size", self._size),
        ]

    def _listens(self) -> bool:
        assert self._process is not None and self._process.poll() is None, "the tablet has ended"
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

    def shows(self) -> str:
        screen: str = self.do(state=True)["screen"]
        return screen

    def until_shows(self, screen: str) -> None:
        until(lambda: self.shows() == screen, f"the screen {screen}")
        until(lambda: self.do(state=True)["ready"], f"{screen} listening")

    def texts(self) -> list[str]:
        return [text["text"] for text in self.do(state=True)["texts"]]

    def touch(self, name: str, times: int = 1) -> None:
        """Touch the middle of a button, at the place where it is drawn."""
        buttons = {b["name"]: b for b in self.do(state=True)["buttons"]}
        left, top, width, height = buttons[name]["rect"]
        self.do(touch=[left + width // 2, top + height // 2], times=times)
