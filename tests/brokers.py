"""Brokers on free ports and paho clients that remember what is delivered to them, for tests."""

from __future__ import annotations

import contextlib
import ssl
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from queue_server.doors.broker import BrokerSettings, BrokerUser, Nats, Tls
from queue_server.doors.child import free_port
from queue_server.doors.mosquitto import Mosquitto, mosquitto_program

CENTRE = "demo"
NATS, MOSQUITTO = "nats", "mosquitto"
BOTH = (
    NATS,
    pytest.param(
        MOSQUITTO,
        marks=pytest.mark.skipif(mosquitto_program() is None, reason="mosquitto is not installed"),
    ),
)


def make_broker(
    which: str,
    folder: Path,
    tls: Tls | None = None,
    on_restart: Callable[[], None] = lambda: None,
    port: int | None = None,
) -> Nats | Mosquitto:
    port = free_port() if port is None else port
    if which == NATS:
        return Nats(BrokerSettings(port=port), folder, tls, on_restart)
    return Mosquitto("127.0.0.1", port, folder, tls, on_restart)


def wait_for(fact: Callable[[], object], seconds: float = 10.0) -> bool:
    """Until the fact holds; False when it did not in time."""
    deadline = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


@dataclass
class Client:
    """A paho client by user and password; `heard` is every message delivered, with its topic."""

    port: int
    name: str
    password: str
    client_id: str = ""
    clean: bool = True
    will: tuple[str, bytes, int, bool] | None = None
    ca: str = ""
    filters: Sequence[str] = ()
    in_flight: int = 20
    heard: list[tuple[str, bytes]] = field(default_factory=list)
    came: threading.Event = field(default_factory=threading.Event)
    """Set at each connect, after its subscriptions were answered."""
    went: threading.Event = field(default_factory=threading.Event)
    refused: threading.Event = field(default_factory=threading.Event)

    def start(self) -> Client:
        c = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=self.client_id, clean_session=self.clean
        )
        c.username_pw_set(self.name, self.password)
        if self.will is not None:
            c.will_set(*self.will)
        if self.ca:
            c.tls_set_context(ssl.create_default_context(cadata=self.ca))
        c.reconnect_delay_set(0.1, 0.2)
        c.max_inflight_messages_set(self.in_flight)
        c.on_connect = self._connected
        c.on_subscribe = lambda *_: self.came.set()
        c.on_disconnect = lambda *_: self.went.set()
        c.on_message = lambda _c, _d, m: self.heard.append((m.topic, m.payload))
        self.paho = c
        with contextlib.suppress(OSError):
            c.connect("127.0.0.1", self.port, keepalive=30)
        c.loop_start()
        return self

    def _connected(self, client: mqtt.Client, _d, _flags, reason, _p) -> None:
        if reason.is_failure:
            self.refused.set()
        elif self.filters:
            client.subscribe([(topic, 1) for topic in self.filters])
        else:
            self.came.set()

    def say(self, topic: str, payload: bytes = b"x", qos: int = 1, retain: bool = False) -> None:
        """Returns when the broker has acknowledged it, which says nothing about delivery."""
        sent = self.paho.publish(topic, payload, qos, retain)
        with contextlib.suppress(RuntimeError, ValueError):
            sent.wait_for_publish(5)

    def hears(self, topic: str, payload: bytes, seconds: float = 5.0) -> bool:
        return wait_for(lambda: (topic, payload) in self.heard, seconds)

    def vanish(self) -> None:
        """Break the line without a word, so that the will is said."""
        sock = self.paho.socket()
        self.paho.on_connect = None
        if sock is not None:
            sock.shutdown(2)

    def stop(self) -> None:
        self.paho.disconnect()
        self.paho.loop_stop()


@dataclass
class Room:
    """A running broker with its users, and clients that are stopped with it."""

    broker: Nats | Mosquitto
    passwords: dict[str, str]
    users: list[BrokerUser]
    clients: list[Client] = field(default_factory=list)

    @property
    def port(self) -> int:
        return self.broker.port

    def client(self, name: str, *filters: str, **more) -> Client:
        """A client that is connected and subscribed."""
        client = self.guest(name, self.passwords[name], *filters, **more)
        assert client.came.wait(10), f"{name} did not get in"
        return client

    def guest(self, name: str, password: str, *filters: str, **more) -> Client:
        """A client that may or may not get in."""
        client = Client(self.port, name, password, filters=filters, **more).start()
        self.clients.append(client)
        return client

    def empty(self) -> None:
        """All clients leave."""
        for client in self.clients:
            client.paho.disconnect()
        for client in self.clients:
            client.stop()
        self.clients.clear()

    def close(self) -> None:
        self.empty()
        self.broker.stop()
