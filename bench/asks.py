"""Kiosk ask → answer over MQTT, beside the floor: bare paho and one synchronous SQLite commit."""

from __future__ import annotations

import sqlite3
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from queue_server.wire import messages as m
from queue_server.wire import topics
from queue_server.wire.link import Credentials, new_id, send_at_once

SERVICES = ("ho_tich", "chung_thuc", "cu_tru", "dat_dai", "tra_ket_qua")


def quantiles(values: list[float]) -> tuple[float, float]:
    """p50 and p99 in ms."""
    ordered = sorted(values)
    return (
        statistics.median(ordered) * 1000,
        ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))] * 1000,
    )


def client(own: Credentials) -> mqtt.Client:
    made = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=own.client_id)
    made.username_pw_set(own.username, own.password)
    made.on_socket_open = send_at_once
    made.max_inflight_messages_set(200)
    return made


class Asker:
    """One device that asks and awaits its answer, in bare paho, so that only the server's path is ours."""

    def __init__(self, own: Credentials) -> None:
        self.own = own
        self.client = client(own)
        self.answered = threading.Event()
        self.ready = threading.Event()
        self.client.on_connect = lambda *_: self.client.subscribe(
            topics.ANSWER.at(own.centre, device=own.device), 1
        )
        self.client.on_subscribe = lambda *_: self.ready.set()
        self.client.on_message = lambda *_: self.answered.set()
        self.client.connect(own.host, own.port)
        self.client.loop_start()
        self.ready.wait(10)
        self.topic = topics.ASKS["take_ticket"].at(own.centre, device=own.device)

    def ask(self, service: str) -> float:
        """Seconds from ask to answer."""
        message = m.TakeTicket(id=new_id(), service=service, asked_at=int(time.time() * 1000))
        self.answered.clear()
        began = time.perf_counter()
        self.client.publish(self.topic, m.encode(message), 1)
        if not self.answered.wait(10):
            raise TimeoutError("no answer")
        return time.perf_counter() - began

    def stop(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def measure_asks(own: Credentials, count: int) -> list[float]:
    asker = Asker(own)
    for n in range(20):
        asker.ask(SERVICES[n % len(SERVICES)])
    times = [asker.ask(SERVICES[n % len(SERVICES)]) for n in range(count)]
    asker.stop()
    return times


# --- the floor: the same broker, a bare subscriber in a process of its own ---


def floor_server(credentials: Path, database: Path) -> None:
    """Publish → here → one synchronous commit → publish back, QoS 1, and nothing else."""
    own = Credentials.read(credentials)
    base = f"motcua/{own.centre}"
    conn = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    conn.execute("PRAGMA journal_mode=WAL")
    conn.execute("PRAGMA synchronous=FULL")
    conn.execute("CREATE TABLE t (body BLOB)")
    served = client(own)

    def on_message(_c: mqtt.Client, _d: object, message: mqtt.MQTTMessage) -> None:
        conn.execute("BEGIN IMMEDIATE")
        conn.execute("INSERT INTO t VALUES (?)", (message.payload,))
        conn.execute("COMMIT")
        served.publish(f"{base}/answer/{own.device}", message.payload, 1)

    served.on_connect = lambda *_: served.subscribe(f"{base}/presence/{own.device}", 1)
    served.on_subscribe = lambda *_: print("ready", flush=True)
    served.on_message = on_message
    served.connect(own.host, own.port)
    served.loop_forever()


def measure_floor(server_place: Path, server: Credentials, folder: Path, count: int) -> list[float]:
    """`server`: the centre's own broker user, since a device may not answer another."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.asks", str(server_place), str(folder / "floor.db")],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        process.stdout.readline()
        return _round_trips(server, count)
    finally:
        process.kill()


def _round_trips(own: Credentials, count: int) -> list[float]:
    answered, ready = threading.Event(), threading.Event()
    asking = client(own)
    base = f"motcua/{own.centre}"
    asking.on_connect = lambda *_: asking.subscribe(f"{base}/answer/{own.device}", 1)
    asking.on_subscribe = lambda *_: ready.set()
    asking.on_message = lambda *_: answered.set()
    asking.connect(own.host, own.port)
    asking.loop_start()
    ready.wait(10)
    payload = b'{"id":"0123456789abcdef","service":"ho_tich","asked_at":1795458909344}' + b" " * 60
    times = []
    for _ in range(count + 20):
        answered.clear()
        began = time.perf_counter()
        asking.publish(f"{base}/presence/{own.device}", payload, 1)
        if not answered.wait(10):
            raise TimeoutError("no answer from the floor")
        times.append(time.perf_counter() - began)
    asking.disconnect()
    asking.loop_stop()
    return times[20:]


if __name__ == "__main__":
    floor_server(Path(sys.argv[1]), Path(sys.argv[2]))
