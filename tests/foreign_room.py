"""A centre, a bridge, and the broker of bought devices beside it; bought devices are plain MQTT clients."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from firmware_bridge import main
from firmware_bridge.bridge import Bridge
from firmware_bridge.store import PressStore
from queue_server.by_hand import give
from queue_server.desk import commands as c
from queue_server.doors.broker import foreign_user
from queue_server.line import events as e
from queue_server.line import orders as o
from queue_server.store.devices import hash_password
from queue_server.wire import messages as m
from queue_server.wire.link import Link
from queue_server.wire.words import DeviceKind, Frozen
from tests import brokers
from tests.brokers import Client, make_broker, wait_for
from tests.house import House, take

COUNTER, OFFICER = 3, "canbo03"
USER, PASSWORD = "bridge", "mat khau cua thiet bi"
BOUGHT = [f"bought-{n}" for n in range(30)]
"""Mosquitto, as we set it, lets each user in once."""
PREFIXES = [
    "zigbee2mqtt",
    "stat",
    "tele",
    "cmnd",
    "esp-nut",
    "esp-den",
    "homeassistant",
    "motcua-devices",
    "motcua-terminals",
]


class ForeignRoom:
    """`settings` is what stands below `[bridge]`, without the broker of bought devices."""

    def __init__(self, root: Path, settings: str, which: str = brokers.NATS) -> None:
        self.root = root
        self.home = House(root / "centre")
        self.foreign = make_broker(which, root / "foreign")
        self._password = hash_password(PASSWORD)
        self.start_foreign()
        self.data = root / "bridge"
        self.home.start()
        own = self.home.enrol(DeviceKind.BRIDGE, "bridge-1")
        msgspec.structs.replace(own, port=self.home.broker.port).write(self.data / "device.json")
        secret = root / "foreign.password"
        secret.touch(mode=0o600)
        secret.write_text(PASSWORD + "\n")
        self.file = root / "bridge.toml"
        self.file.write_text(
            f'[bridge.foreign]\nhost = "127.0.0.1"\nport = {self.foreign.port}\n'
            f'user = "{USER}"\npassword_file = "{secret}"\n{settings}'
        )
        self.clients: list[Client] = []
        self.bridge: Bridge | None = None
        self.store: PressStore | None = None
        self._kiosk: Link | None = None

    def start_foreign(self) -> None:
        users = [foreign_user(x, self._password, PREFIXES) for x in (USER, *BOUGHT)]
        self.foreign.start(users)

    # --- the bridge ---

    def open(self) -> Bridge:
        self.bridge, self.store = main.compose(self.data, self.file, None)
        self.bridge.start()
        assert self.bridge.link.wait_connected(10)
        assert self.bridge.foreign is not None
        assert wait_for(lambda: self.bridge.foreign.up)
        return self.bridge

    def shut(self) -> None:
        if self.bridge is not None and self.store is not None:
            self.bridge.stop()
            self.store.close()
            self.bridge = self.store = None

    @property
    def health(self) -> dict[str, str]:
        assert self.bridge is not None
        return self.bridge.health()

    def settled(self) -> bool:
        return self.health.get("waiting") == "0"

    # --- bought devices ---

    def device(self, *filters: str, **more: object) -> Client:
        """A bought device, or a tool that listens."""
        user = BOUGHT[len(self.clients)]
        client = Client(self.foreign.port, user, PASSWORD, filters=filters, **more).start()
        assert client.came.wait(10)
        self.clients.append(client)
        return client

    # --- the centre ---

    def order(self, body: Frozen, account: str = OFFICER) -> m.Answer:
        """An officer's order through the local door."""
        return self.home.order(body, account)

    def devices_changed(self) -> None:
        """The server is to read the table of devices anew."""
        give(self.home.folder, "Note", o.Note(what="devices", subject="test"), devices_changed=True)

    def take_number(self) -> None:
        if self._kiosk is None:
            self._kiosk = self.home.link(self.home.enrol(DeviceKind.KIOSK, "kiosk-1"))
        self._kiosk.ask("take_ticket", take("chung_thuc")).result(20)

    def call(self) -> str:
        """Counter 3 calls the next visitor; her ticket."""
        answer = self.order(o.CallNext(counter=COUNTER))
        return str(msgspec.json.decode(bytes(answer.ok))["ticket"])

    def serve(self) -> None:
        """A visitor comes, is called and has been served: she may rate now."""
        self.take_number()
        self.order(c.FinishService(counter=COUNTER, ticket=self.call()))

    def ratings(self) -> list[tuple[int, str]]:
        """Score and source of all that was counted."""
        given = [x.event for x in self.home.log() if isinstance(x.event, e.RatingGiven)]
        return [(x.score, x.source) for x in given]

    def close(self) -> None:
        self.shut()
        for client in self.clients:
            client.stop()
        self.home.stop()
        self.foreign.stop()


@contextmanager
def foreign_room(root: Path, settings: str, which: str = brokers.NATS) -> Iterator[ForeignRoom]:
    room = ForeignRoom(root, settings, which)
    try:
        yield room
    finally:
        room.close()
