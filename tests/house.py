"""Broker and server as real processes in a folder, without pages: for tests of what survives."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from queue_server import settings
from queue_server.doors.broker import Nats, device_users, server_user
from queue_server.doors.local import LocalLine
from queue_server.doors.mosquitto import Mosquitto
from queue_server.folder import Folder
from queue_server.line import events as e
from queue_server.store.devices import Devices, hash_password
from queue_server.store.log import rows
from queue_server.store.schema import connect
from queue_server.wire import messages as m
from queue_server.wire import topics
from queue_server.wire.enrol import split_code
from queue_server.wire.link import Credentials, Link, new_id
from queue_server.wire.words import DeviceKind, Frozen, Role
from tests.brokers import make_broker, wait_for


@dataclass
class House:
    """A centre's broker and server in `root`; devices are enrolled before `start`."""

    root: Path
    which: str = "nats"
    file: settings.CentreFile = field(init=False)
    ahead_ms: int = 0
    """How far the server's clock is ahead of the machine's."""
    server: subprocess.Popen[bytes] | None = None
    _links: list[Link] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.file = settings.read(settings.example())
        self.folder = Folder(self.root / "var")
        self.folder.open()
        self.devices = Devices(self.folder.devices, "0" * 64)
        secret = self.folder.server_secret("server-password", "server-client")
        self._server = server_user(self.file.centre.id, hash_password(secret.password))
        self.broker: Nats | Mosquitto = make_broker(self.which, self.root / "broker")

    def enrol(self, kind: DeviceKind, name: str, counter: int | None = None) -> Credentials:
        now = int(time.time() * 1000)
        secret, _ = split_code(self.devices.add(kind, name, counter, now))
        enrolled = self.devices.redeem(secret, now)
        if self.broker.pid:
            self.broker.reload(self.users())
        return enrolled.credentials(
            centre=self.file.centre.id, host="127.0.0.1", port=self.broker.port or 0
        )

    def users(self) -> list:  # type: ignore[type-arg]
        return [self._server, *device_users(self.file.centre.id, self.devices.list())]

    def start(self) -> None:
        if not self.broker.pid:
            self.broker.start(self.users())
        self.start_server()

    def start_server(self) -> None:
        environment = os.environ.copy()
        if self.which == "mosquitto":
            environment["MOTCUA_OUTSIDE_BROKER__HOST"] = "127.0.0.1"
        with (self.root / "server.log").open("ab") as said:
            self.server = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "queue_server.server",
                    "--data",
                    str(self.folder.root),
                    "--settings",
                    str(settings.example()),
                    "--broker-port",
                    str(self.broker.port),
                    "--ahead-ms",
                    str(self.ahead_ms),
                ],
                stdout=said,
                stderr=said,
                env=environment,
            )
        assert wait_for(self.folder.door.exists, 20), self.said()

    def kill_server(self) -> None:
        assert self.server is not None
        self.server.send_signal(signal.SIGKILL)
        self.server.wait()
        self.folder.door.unlink(missing_ok=True)

    def kill_broker(self) -> None:
        """As a power cut would; it is started again by its watcher."""
        pid = self.broker.pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    def stop(self) -> None:
        for link in self._links:
            link.stop()
        if self.server is not None and self.server.poll() is None:
            self.server.terminate()
            self.server.wait(10)
        self.broker.stop()
        self.devices.close()

    def said(self) -> str:
        path = self.root / "server.log"
        return path.read_text() if path.exists() else ""

    def link(self, own: Credentials, heard: list[tuple[str, bytes]] | None = None) -> Link:
        """A device's own link, connected."""
        own = msgspec.structs.replace(own, port=self.broker.port)
        link = Link(own, "test")
        if heard is not None:
            link.on_message = lambda x: heard.append((x.topic, x.payload))
        link.start()
        self._links.append(link)
        assert link.wait_connected(10)
        return link

    def order(self, body: Frozen, account: str) -> m.Answer:
        """An officer's order through the local door."""
        return asyncio.run(self._order(body, account))

    async def _order(self, body: Frozen, account: str) -> m.Answer:
        line = LocalLine(self.folder.door, follow=False)
        line.start()
        try:
            async with asyncio.timeout(15):
                await line.up.wait()
            actor = e.Actor(device="web", account=account)
            verb = type(body).__name__
            answer = await line.give(secrets.token_hex(8), verb, body, actor, Role.OFFICER)
        finally:
            await line.stop()
        assert answer.refusal is None, answer.refusal
        return answer

    def log(self) -> list[e.Entry]:
        conn = connect(self.folder.database, read_only=True)
        try:
            return [row.entry() for row in rows(conn)]
        finally:
            conn.close()

    def issued(self) -> list[e.TicketIssued]:
        return [x.event for x in self.log() if isinstance(x.event, e.TicketIssued)]


def take(service: str = "ho_tich", **more: object) -> m.TakeTicket:
    return m.TakeTicket(
        id=new_id(),
        service=service,
        asked_at=int(time.time() * 1000),
        ttl_ms=120_000,
        **more,  # type: ignore[arg-type]
    )


def taken(answer: m.Answer) -> m.TicketTaken:
    ticket: m.TicketTaken = m.decode(topics.ASKS["take_ticket"].reply, bytes(answer.ok))
    return ticket


@contextmanager
def house(root: Path, which: str = "nats") -> Iterator[House]:
    made = House(root, which)
    try:
        yield made
    finally:
        made.stop()
