"""Many kiosks at once: tickets a second through MQTT, every one durable before it is answered."""

from __future__ import annotations

import threading
import time

import msgspec
import paho.mqtt.client as mqtt

from queue_server.wire import messages as m
from queue_server.wire import topics
from queue_server.wire.link import Credentials, new_id

from .asks import SERVICES, client

IN_FLIGHT = 40


class Crowd:
    """`kiosks` that each keep IN_FLIGHT asks open until all are answered."""

    def __init__(self, kiosks: list[Credentials], each: int) -> None:
        self.each = each
        self.numbers: list[str] = []
        self.refused = 0
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._wanted = each * len(kiosks)
        self._left = {own.device: each for own in kiosks}
        self._clients = [self._join(own) for own in kiosks]

    def _join(self, own: Credentials) -> tuple[Credentials, mqtt.Client]:
        joined, ready = client(own), threading.Event()
        topic = topics.ANSWER.at(own.centre, device=own.device)
        joined.on_connect = lambda *_: joined.subscribe(topic, 1)
        joined.on_subscribe = lambda *_: ready.set()
        joined.on_message = lambda _c, _d, message: self._answered(own, joined, message.payload)
        joined.connect(own.host, own.port)
        joined.loop_start()
        ready.wait(20)
        return own, joined

    def run(self) -> float:
        """Seconds until the last answer."""
        began = time.perf_counter()
        for own, joined in self._clients:
            for _ in range(min(IN_FLIGHT, self.each)):
                self._ask(own, joined)
        self._done.wait(120)
        return time.perf_counter() - began

    def stop(self) -> None:
        for _, joined in self._clients:
            joined.disconnect()
            joined.loop_stop()

    def _ask(self, own: Credentials, joined: mqtt.Client) -> None:
        if self._left[own.device] <= 0:
            return
        self._left[own.device] -= 1
        service = SERVICES[self._left[own.device] % len(SERVICES)]
        message = m.TakeTicket(id=new_id(), service=service, asked_at=int(time.time() * 1000))
        topic = topics.ASKS["take_ticket"].at(own.centre, device=own.device)
        joined.publish(topic, m.encode(message), 1)

    def _answered(self, own: Credentials, joined: mqtt.Client, payload: bytes) -> None:
        answer: m.Answer = m.decode(m.Answer, payload)
        with self._lock:
            if answer.refusal is None:
                taken = msgspec.json.decode(answer.ok, type=m.TicketTaken)
                self.numbers.append(taken.number)
            else:
                self.refused += 1
            if len(self.numbers) + self.refused >= self._wanted:
                self._done.set()
        self._ask(own, joined)
