"""The MQTT door: asks in, answers and the public state out. What cannot be read never stops the others."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.reasoncodes import ReasonCode
from prometheus_client import Counter

from .. import said
from ..desk.desk import Request
from ..line import events as e
from ..wire import messages as m
from ..wire import topics
from ..wire.link import new_client, trusting
from ..wire.words import Frozen

log = structlog.get_logger()
UNREADABLE = Counter("motcua_mqtt_unreadable", "Messages that could not be read", ["verb"])
RECEIVED = Counter("motcua_mqtt_received", "Asks received", ["verb"])


class _Named(Frozen):
    """As much of a broken ask as is needed to answer it."""

    id: str = ""


@dataclass(frozen=True)
class BrokerAccess:
    """How the server itself reaches the broker."""

    host: str
    port: int
    username: str
    password: str
    client_id: str
    ca: str = ""


@dataclass
class MqttDoor:
    """Connects for ever; `publish` may be called from any thread and drops what the broker cannot take now.

    Retained state is said again at every connect, since a broker may have lost its last minutes.
    """

    access: BrokerAccess
    centre: str
    submit: Callable[[Request], None]
    counter_of: Callable[[str], int | None]
    on_connected: Callable[[], None]
    on_presence: Callable[[m.Presence], None] = lambda _: None
    shut_out: Callable[[str], bool] = lambda _: False
    """Whether a device was revoked: the broker may let it speak for a moment longer, and is not the only guard."""
    _client: mqtt.Client | None = None
    _up: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        own = self.access
        client = new_client(own.client_id, own.username, own.password, trusting(own.ca))
        client.max_inflight_messages_set(2_000)
        client.max_queued_messages_set(20_000)
        client.reconnect_delay_set(1, 3)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        client.on_message = self._message
        self._client = client
        client.connect_async(self.access.host, self.access.port, keepalive=20)
        client.loop_start()

    def stop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()

    @property
    def connected(self) -> bool:
        return self._up.is_set()

    def publish(
        self, topic: str, payload: bytes, retained: bool = False, qos: int = 1
    ) -> mqtt.MQTTMessageInfo | None:
        """None when the broker is away; `is_published()` of the rest tells of the PUBACK.

        No lock of ours may be held around paho's publish: its callbacks run under locks of its own.
        """
        client = self._client
        if client is None or not self._up.is_set():
            return None
        return client.publish(topic, payload, qos, retained)

    # --- paho's thread ---

    def _connected(
        self, client: mqtt.Client, _data: object, _flags: object, reason: ReasonCode, _p: object
    ) -> None:
        if reason.is_failure:
            log.warning("broker_refused", reason=str(reason))
            return
        base = f"motcua/{self.centre}"
        client.subscribe([(f"{base}/ask/+/+", 1), (f"{base}/presence/+", 1)])
        self._up.set()
        log.info("broker_connected")
        self.on_connected()

    def _disconnected(self, *_: Any) -> None:
        if self._up.is_set():
            log.warning("broker_lost")
        self._up.clear()

    def _message(self, _c: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        try:
            self._hear(message.topic, bytes(message.payload), bool(message.retain))
        except Exception as error:
            log.error("message_failed", kind=type(error).__name__)

    def _hear(self, topic: str, payload: bytes, retained: bool) -> None:
        levels = topics.split(self.centre, topic)
        if len(levels) == 3 and levels[0] == "ask" and not retained:
            self._ask(levels[1], levels[2], payload)
        elif len(levels) == 2 and levels[0] == "presence" and payload:
            self._presence(levels[1], payload)

    def _ask(self, device: str, verb: str, payload: bytes) -> None:
        known = topics.ASKS.get(verb)
        try:
            if known is None:
                raise msgspec.DecodeError
            body = m.decode(known.message, payload)
        except msgspec.DecodeError:
            self._unreadable(device, verb if known else "unknown", payload)
            return
        RECEIVED.labels(verb).inc()
        if self.shut_out(device):
            self._refuse(device, verb, body.id, "device_unknown")
            return
        self.submit(
            Request(
                id=body.id,
                verb=verb,
                actor=e.Actor(device=device),
                body=body,
                reply=lambda answer: self.answer(device, answer),
                counter=self.counter_of(device),
            )
        )

    def _unreadable(self, device: str, verb: str, payload: bytes) -> None:
        UNREADABLE.labels(verb).inc()
        log.warning("ask_unreadable", device=device, verb=verb, size=len(payload))
        try:
            named: _Named = m.decode(_Named, payload)
        except msgspec.DecodeError:
            return
        if named.id:
            self._refuse(device, verb, named.id, "unreadable")

    def _refuse(self, device: str, verb: str, ask: str, code: str) -> None:
        refusal = m.Refusal(
            code=code, vi=said.refusal(code, "vi", {}), en=said.refusal(code, "en", {})
        )
        self.answer(device, m.Answer(id=ask, verb=verb, at=0, refusal=refusal))

    def answer(self, device: str, answer: m.Answer) -> None:
        topic = topics.ANSWER.at(self.centre, device=device)
        self.publish(topic, m.encode(answer))

    def _presence(self, device: str, payload: bytes) -> None:
        try:
            presence: m.Presence = m.decode(m.Presence, payload)
        except msgspec.DecodeError:
            UNREADABLE.labels("presence").inc()
            return
        if presence.device == device:
            self.on_presence(presence)
