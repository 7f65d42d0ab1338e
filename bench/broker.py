"""How fast the brokers are here: QoS 1 round trips, messages per second, and what a login costs."""

from __future__ import annotations

import json
import statistics
import tempfile
import threading
import time
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from queue_server.doors.broker import BrokerSettings, BrokerUser, Nats, device_users, server_user
from queue_server.doors.child import free_port
from queue_server.doors.mosquitto import Mosquitto
from queue_server.store.devices import Device, hash_password
from queue_server.wire.link import send_at_once
from queue_server.wire.words import DeviceKind

CENTRE, KIOSK, SERVER = "demo", "kiosk-1", "server.demo"
ASK, ANSWER = f"motcua/{CENTRE}/ask/{KIOSK}/hello", f"motcua/{CENTRE}/answer/{KIOSK}"
ROUND_TRIPS, BURST, LOGINS = 500, 10_000, 40


def users() -> list[BrokerUser]:
    kiosk = Device(
        name=KIOSK, kind=DeviceKind.KIOSK, added_at=0, passwords=hash_password(f"pw {KIOSK}")
    )
    return [*device_users(CENTRE, [kiosk]), server_user(CENTRE, hash_password(f"pw {SERVER}"))]


def client(port: int, name: str, topic: str = "") -> mqtt.Client:
    ready = threading.Event()
    made = mqtt.Client(CallbackAPIVersion.VERSION2)
    made.username_pw_set(name, f"pw {name}")
    made.on_socket_open = send_at_once
    made.max_inflight_messages_set(1_000)
    made.on_connect = lambda c, *_: c.subscribe(topic, 1) if topic else ready.set()
    made.on_subscribe = lambda *_: ready.set()
    made.connect("127.0.0.1", port)
    made.loop_start()
    if not ready.wait(10):
        raise TimeoutError(f"{name} did not get in")
    return made


def round_trips(kiosk: mqtt.Client, server: mqtt.Client) -> dict[str, float]:
    """Milliseconds from a kiosk's ask to its answer, both QoS 1: two deliveries."""
    came = threading.Event()

    def answer(*_: object) -> None:
        server.publish(ANSWER, b"answer", 1)

    server.on_message = answer
    kiosk.on_message = lambda *_: came.set()
    took = []
    for _ in range(ROUND_TRIPS):
        came.clear()
        began = time.perf_counter()
        kiosk.publish(ASK, b"ask", 1)
        if not came.wait(5):
            raise TimeoutError("no answer")
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    return {"p50_ms": statistics.median(took), "p99_ms": took[int(len(took) * 0.99)]}


def burst(kiosk: mqtt.Client, server: mqtt.Client) -> float:
    """QoS 1 messages per second, from the first publish to the last delivery."""
    left, done = [BURST], threading.Event()

    def count(*_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            done.set()

    server.on_message = count
    began = time.perf_counter()
    for _ in range(BURST):
        kiosk.publish(ASK, b"x" * 200, 1)
    if not done.wait(60):
        raise TimeoutError(f"{left[0]} of {BURST} did not come")
    return BURST / (time.perf_counter() - began)


def logins(port: int) -> float:
    """Milliseconds from connecting to being let in, its password checked."""
    began = time.perf_counter()
    for _ in range(LOGINS):
        one = client(port, KIOSK)
        one.disconnect()
        one.loop_stop()
    return (time.perf_counter() - began) / LOGINS * 1000


def measure(broker: Nats | Mosquitto) -> dict[str, float]:
    broker.start(users())
    try:
        login_ms = logins(broker.port)
        kiosk = client(broker.port, KIOSK, ANSWER)
        server = client(broker.port, SERVER, f"motcua/{CENTRE}/ask/+/+")
        found = round_trips(kiosk, server) | {"per_second": burst(kiosk, server)}
        for one in (kiosk, server):
            one.disconnect()
            one.loop_stop()
    finally:
        broker.stop()
    return found | {"login_ms": login_ms}


def measure_all() -> dict[str, dict[str, float]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return {
            "nats": measure(Nats(BrokerSettings(port=0), folder / "nats")),
            "mosquitto": measure(Mosquitto("127.0.0.1", free_port(), folder / "mosquitto")),
        }


if __name__ == "__main__":
    print(json.dumps(measure_all(), indent=2))
