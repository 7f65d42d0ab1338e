"""A device's line to the broker: presence with a will, asks repeated until the server's answer, an inbox.

paho's callbacks only put into a queue; the link's own thread does the rest, since an exception or a
wait inside a callback would end or block paho's network thread. A PUBACK proves nothing (the broker
may lose the last minutes in a power cut), so an ask is kept and sent again until it is answered.
"""

from __future__ import annotations

import contextlib
import queue
import socket as tcp
import ssl
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from . import messages as m
from . import topics
from .files import write_whole
from .remote import RemoteConfig
from .words import DeviceKind, Frozen

PRESENCE_EVERY_S = 60.0
PRESENCE_LASTS_S = 150.0
FIRST_RETRY_S = 1.0
LAST_RETRY_S = 15.0
MOST_UNDER_WAY = 200
"""So many messages may wait for the broker's PUBACK; with paho's own twenty a week's answers take long."""


class Credentials(Frozen):
    """What enrolment gives a device; kept in its data folder as `device.json`, mode 600."""

    device: str
    kind: DeviceKind
    centre: str
    host: str
    port: int
    username: str
    password: str
    client_id: str
    counter: int | None = None
    web: str = ""
    ca: str = ""
    """The centre's authority certificate (PEM); empty on loopback, where MQTT is plain."""

    @classmethod
    def read(cls, path: Path) -> Credentials:
        """Raises FileNotFoundError, or msgspec.ValidationError when the file is torn."""
        return msgspec.json.decode(path.read_bytes(), type=cls)

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, msgspec.json.format(msgspec.json.encode(self)))


class Refused(Exception):
    """The server answered an ask with a refusal."""

    def __init__(self, refusal: m.Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


@dataclass(frozen=True)
class Incoming:
    topic: str
    payload: bytes
    retained: bool


@dataclass
class _Open:
    """An ask that has no answer yet."""

    topic: str
    payload: bytes
    future: Future[m.Answer]
    until: float
    next_at: float
    wait: float = FIRST_RETRY_S


@dataclass(frozen=True)
class ServerClock:
    """The server's clock as a device knows it: it stood at `at` (ms UTC) when ours (ms) stood at `seen`.

    Ours is the one that runs since the machine's start: the one on the wall may be put right meanwhile.
    """

    at: float
    seen: float
    speed: float = 1.0

    def now(self, own: float) -> float:
        return self.at + (own - self.seen) * self.speed


@dataclass
class _Wake:
    """Put into the inbox to make the link's thread look at its work at once."""

    connected: bool | None = None
    refused: str = ""


def _steady_ms() -> float:
    return time.clock_gettime(time.CLOCK_BOOTTIME) * 1000


def new_id() -> str:
    return uuid.uuid4().hex


def send_at_once(_client: mqtt.Client, _data: object, socket: Any) -> None:
    """No waiting for a fuller packet (TCP_NODELAY): paho leaves that on, at some 40 ms a message."""
    with contextlib.suppress(OSError, AttributeError):
        socket.setsockopt(tcp.IPPROTO_TCP, tcp.TCP_NODELAY, 1)


def new_client(
    client_id: str, username: str = "", password: str = "", tls: ssl.SSLContext | None = None
) -> mqtt.Client:
    """A client of a clean session that goes on trying; who makes it says what it hears."""
    client = mqtt.Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        clean_session=True,
        protocol=mqtt.MQTTv311,
    )
    if username:
        client.username_pw_set(username, password)
    if tls is not None:
        client.tls_set_context(tls)
    client.reconnect_delay_set(1, 5)
    client.on_socket_open = send_at_once
    return client


def say_farewell(client: mqtt.Client, topic: str, payload: bytes) -> None:
    """The last word, retained, before a connection is ended by itself: waited for, for a second."""
    with contextlib.suppress(RuntimeError, ValueError):
        client.publish(topic, payload, 1, True).wait_for_publish(1.0)


def trusting(ca: str) -> ssl.SSLContext | None:
    """TLS that trusts this authority (PEM) alone; None without one."""
    return ssl.create_default_context(cadata=ca) if ca else None


@dataclass
class Link:
    """`start()` never blocks and never fails for a broker that is away; it goes on trying until `stop()`."""

    credentials: Credentials
    version: str = ""
    subscriptions: list[str] | None = None
    on_message: Callable[[Incoming], None] = lambda _: None
    """Called in the link's thread for all but answers; must not block."""
    on_connection: Callable[[bool], None] = lambda _: None
    on_refused: Callable[[str], None] = lambda _: None
    """The broker does not let this device in, and why; it is tried again all the same."""
    on_welcome: Callable[[m.Welcome], None] = lambda _: None
    """The server's answer to the first word after each connect."""
    health: Callable[[], dict[str, str]] = dict
    terminals: Callable[[], tuple[m.TerminalSeen, ...]] = tuple
    remote: RemoteConfig[Any] | None = None
    """What the centre may set from afar; its answer goes into presence."""
    on_config: Callable[[m.DeviceConfig], None] = lambda _: None
    """Called in the link's thread after `remote` has taken it; must not block."""

    _inbox: queue.SimpleQueue[Incoming | _Wake | None] = field(default_factory=queue.SimpleQueue)
    _open: dict[str, _Open] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _connected: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _client: mqtt.Client | None = None
    _clock: ServerClock | None = None

    # --- life ---

    def start(self) -> None:
        own = self.credentials
        client = new_client(own.client_id, own.username, own.password, trusting(own.ca))
        client.will_set(self._presence_topic(), m.encode(self._presence("offline")), 1, True)
        client.max_inflight_messages_set(MOST_UNDER_WAY)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        self._client = client
        self._thread = threading.Thread(target=self._work, name="link", daemon=True)
        self._thread.start()
        client.connect_async(own.host, own.port, keepalive=20)
        client.loop_start()

    def stop(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        if self._connected.is_set():
            say_farewell(client, self._presence_topic(), m.encode(self._presence("offline")))
        client.disconnect()
        client.loop_stop()
        self._inbox.put(None)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(2.0)

    @property
    def connected(self) -> bool:
        return self._connected.is_set()

    def wait_connected(self, seconds: float) -> bool:
        return self._connected.wait(seconds)

    def now(self) -> int:
        """The server's clock as well as this device knows it (ms UTC)."""
        if self._clock is None:
            return int(time.time() * 1000)
        return int(self._clock.now(_steady_ms()))

    # --- speaking ---

    def ask(self, verb: str, message: Frozen, for_seconds: float = 30.0) -> Future[m.Answer]:
        """Ask the server; the message's `id` names it. The future fails with Refused or TimeoutError."""
        ask_id: str = message.id  # type: ignore[attr-defined]
        topic = topics.ASKS[verb].at(self.credentials.centre, device=self.credentials.device)
        now = time.monotonic()
        entry = _Open(topic, m.encode(message), Future(), now + for_seconds, now + FIRST_RETRY_S)
        with self._lock:
            self._open[ask_id] = entry
        self._send(entry)
        return entry.future

    def forget(self, ask_id: str) -> None:
        """Stop repeating an ask whose answer no longer matters."""
        with self._lock:
            self._open.pop(ask_id, None)

    def announce(self) -> None:
        """Publish presence now, for instance when health has changed."""
        client = self._client
        if client is not None and self._connected.is_set():
            client.publish(self._presence_topic(), m.encode(self._presence("online")), 1, True)

    # --- paho's thread ---

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _p: object
    ) -> None:
        if reason.is_failure:
            self._inbox.put(_Wake(refused=str(reason)))
            return
        own = self.credentials
        wanted = self.subscriptions
        if wanted is None:
            wanted = topics.may_subscribe(own.centre, own.device, own.kind, own.counter)
        if self.remote is not None:
            wanted = list({*wanted, topics.CONFIG.at(own.centre, device=own.device)})
        client.subscribe([(topic, 1) for topic in wanted])
        self._inbox.put(_Wake(connected=True))

    def _on_disconnect(self, *_: object) -> None:
        self._inbox.put(_Wake(connected=False))

    def _on_message(self, _c: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self._inbox.put(Incoming(message.topic, bytes(message.payload), bool(message.retain)))

    # --- the link's own thread ---

    def _work(self) -> None:
        next_presence = 0.0
        while True:
            now = time.monotonic()
            try:
                item = self._inbox.get(timeout=max(0.0, min(self._next_retry(now), 1.0)))
            except queue.Empty:
                item = _Wake()
            if item is None:
                return
            if isinstance(item, _Wake):
                if item.refused:
                    self.on_refused(item.refused)
                if item.connected is not None:
                    self._connection(item.connected)
                    next_presence = 0.0
            else:
                self._receive(item)
            now = time.monotonic()
            if self._connected.is_set() and now >= next_presence:
                self.announce()
                next_presence = now + PRESENCE_EVERY_S
            self._repeat(now)

    def _connection(self, up: bool) -> None:
        if up:
            self._connected.set()
            self._say_hello()
            with self._lock:
                for entry in self._open.values():
                    entry.next_at = 0.0
        else:
            self._connected.clear()
        self.on_connection(up)

    def _say_hello(self) -> None:
        hello = m.Hello(id=new_id(), version=self.version, clock=int(time.time() * 1000))
        self.ask("hello", hello, LAST_RETRY_S).add_done_callback(self._welcomed)

    def _welcomed(self, future: Future[m.Answer]) -> None:
        if future.cancelled() or future.exception() is not None:
            return
        answer = future.result()
        if bytes(answer.ok):
            welcome: m.Welcome = m.decode(m.Welcome, bytes(answer.ok))
            self._clock = ServerClock(welcome.at, _steady_ms(), welcome.speed)
            self.on_welcome(welcome)
            self.announce()  # what was said at the connect was dated by a clock that may be wrong

    def _receive(self, item: Incoming) -> None:
        own = self.credentials
        if self.remote and item.topic == topics.CONFIG.at(own.centre, device=own.device):
            self._configure(self.remote, item.payload)
            return
        if item.topic != topics.ANSWER.at(own.centre, device=own.device):
            self.on_message(item)
            return
        try:
            answer: m.Answer = m.decode(m.Answer, item.payload)
        except msgspec.DecodeError:
            return
        with self._lock:
            entry = self._open.pop(answer.id, None)
        if entry is None or not entry.future.set_running_or_notify_cancel():
            return
        if answer.refusal is not None:
            entry.future.set_exception(Refused(answer.refusal))
        else:
            entry.future.set_result(answer)

    def _configure(self, remote: RemoteConfig[Any], payload: bytes) -> None:
        with contextlib.suppress(msgspec.DecodeError):
            if payload:
                wanted: m.DeviceConfig = m.decode(m.DeviceConfig, payload)
                remote.take(wanted)
                self.on_config(wanted)
                self.announce()

    def _next_retry(self, now: float) -> float:
        with self._lock:
            due = [min(e.next_at, e.until) for e in self._open.values()]
        return min(due, default=now + 1.0) - now

    def _repeat(self, now: float) -> None:
        with self._lock:
            late = [key for key, e in self._open.items() if now >= e.until]
            ended = [self._open.pop(key) for key in late]
            due = [e for e in self._open.values() if now >= e.next_at]
        for entry in ended:
            if entry.future.set_running_or_notify_cancel():
                entry.future.set_exception(TimeoutError("no answer from the server"))
        for entry in due:
            entry.wait = min(entry.wait * 2, LAST_RETRY_S)
            entry.next_at = now + entry.wait
            self._send(entry)

    def _send(self, entry: _Open) -> None:
        client = self._client
        if client is not None and self._connected.is_set():
            client.publish(entry.topic, entry.payload, 1)

    def _presence_topic(self) -> str:
        own = self.credentials
        return topics.PRESENCE.at(own.centre, device=own.device)

    def _presence(self, state: str) -> m.Presence:
        own, now = self.credentials, self.now()
        online, speed = state == "online", self._clock.speed if self._clock else 1.0
        return m.Presence(
            device=own.device,
            kind=own.kind,
            state=state,
            at=now if online else 0,
            until=now + int(PRESENCE_LASTS_S * 1000 * speed) if online else 0,
            version=self.version,
            health=self.health() if online else {},
            terminals=self.terminals() if online else (),
            config=self.remote.run() if online and self.remote is not None else None,
        )
