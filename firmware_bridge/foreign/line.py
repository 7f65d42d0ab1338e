"""The line to the foreign broker: connects for ever, hands what is said to its parts in a thread of its own."""

from __future__ import annotations

import queue
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.reasoncodes import ReasonCode

from queue_server.wire import messages as m
from queue_server.wire.link import new_client, say_farewell
from queue_server.wire.settings import SettingsError

from ..frames import Lamp
from .part import Part, Said
from .settings import ForeignSettings

log = structlog.get_logger()

TICK_S = 1.0
SYSTEM = "system"


@dataclass(frozen=True)
class _Connection:
    up: bool


Job = Callable[[], None]


@dataclass
class ForeignLine:
    """Its session is clean: what was pressed while the bridge was away is of no known age and stays away.

    `will`: topic and payload that the broker says, retained, when this line breaks.
    """

    settings: ForeignSettings
    password: str
    client_id: str
    context: ssl.SSLContext | None = None
    """None: not encrypted."""
    parts: list[Part] = field(default_factory=list)
    will: tuple[str, bytes] | None = None
    on_change: Callable[[], None] = lambda: None

    up: bool = False
    _inbox: queue.SimpleQueue[Said | _Connection | Job | None] = field(
        default_factory=queue.SimpleQueue
    )
    _client: mqtt.Client | None = None
    _thread: threading.Thread | None = None

    # --- life ---

    def start(self) -> None:
        own = self.settings
        client = new_client(self.client_id, own.user, self.password, self.context)
        if self.will is not None:
            client.will_set(*self.will, 1, True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        self._client = client
        self._thread = threading.Thread(target=self._work, name="foreign", daemon=True)
        self._thread.start()
        client.connect_async(own.host, own.port, keepalive=20)
        client.loop_start()

    def stop(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        if self.will is not None and self.up:
            say_farewell(client, *self.will)
        client.disconnect()
        client.loop_stop()
        self._inbox.put(None)
        if self._thread is not None:
            self._thread.join(2.0)

    def say(self, topic: str, payload: bytes, retained: bool = False) -> None:
        client = self._client
        if client is not None and self.up:
            client.publish(topic, payload, 1, retained)

    # --- what the bridge tells; any thread ---

    def counter(self, state: m.CounterState) -> None:
        self._inbox.put(lambda: self._each(lambda part: part.counter(state)))

    def presence(self, presence: m.Presence) -> None:
        self._inbox.put(lambda: self._each(lambda part: part.presence(presence)))

    def show(self, terminal: str, lamp: Lamp) -> None:
        self._inbox.put(lambda: self._each(lambda part: part.show(terminal, lamp)))

    def display(self, counter: int, text: str, blink_s: float = 0.0) -> None:
        self._inbox.put(lambda: self._each(lambda part: part.display(counter, text, blink_s)))

    def terminals(self) -> tuple[m.TerminalSeen, ...]:
        return tuple(one for part in self.parts for one in part.terminals())

    # --- paho's thread ---

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _p: object
    ) -> None:
        if reason.is_failure:
            log.warning("foreign_broker_refused", reason=str(reason))
            return
        wanted = dict.fromkeys(topic for part in self.parts for topic in part.filters())
        if wanted:
            client.subscribe([(topic, 1) for topic in wanted])
        self._inbox.put(_Connection(True))

    def _on_disconnect(self, *_: object) -> None:
        self._inbox.put(_Connection(False))

    def _on_message(self, _c: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self._inbox.put(Said(message.topic, bytes(message.payload), bool(message.retain)))

    # --- the line's own thread ---

    def _work(self) -> None:
        next_tick = time.monotonic() + TICK_S
        while True:
            try:
                item = self._inbox.get(timeout=max(0.0, next_tick - time.monotonic()))
            except queue.Empty:
                item = self._nothing
            if item is None:
                return
            if isinstance(item, Said):
                said = item
                self._each(lambda part, said=said: part.hear(said))  # type: ignore[misc]
            elif isinstance(item, _Connection):
                self._connection(item.up)
            else:
                item()
            if time.monotonic() >= next_tick:
                next_tick = time.monotonic() + TICK_S
                self._each(lambda part: part.tick())

    def _nothing(self) -> None: ...

    def _connection(self, up: bool) -> None:
        if up == self.up and not up:
            return
        self.up = up
        log.info("foreign_broker_connected" if up else "foreign_broker_away")
        self._each(lambda part: part.connected(up))
        self.on_change()

    def _each(self, do: Callable[[Part], None]) -> None:
        """What goes wrong with one message never ends the line; its content is nobody's business."""
        for part in self.parts:
            try:
                do(part)
            except Exception as error:
                log.error(
                    "foreign_part_failed", part=type(part).__name__, kind=type(error).__name__
                )


def trusting(ca_file: str) -> ssl.SSLContext | None:
    """Raises SettingsError for an authority that cannot be read."""
    if not ca_file:
        return None
    if ca_file == SYSTEM:
        return ssl.create_default_context()
    try:
        return ssl.create_default_context(cadata=Path(ca_file).read_text("ascii"))
    except (OSError, ValueError) as error:
        raise SettingsError(f"{ca_file}: {error}") from error
