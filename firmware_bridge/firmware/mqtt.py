"""Wi-Fi and the broker: joined and connected for ever, begun anew whenever one of them is lost.

All that waits for the network waits here, in `step`, which the board runs beside the terminal's loop: buttons, lamp
and watchdog go on meanwhile. The two meet in two lists and in single numbers, each written by one of them only.
"""

import network
from umqtt.simple import MQTTClient

from .pauses import Pauses

KEEPALIVE_S = 60
ANSWER_S = 5
"""A broker that leaves us without an answer for so long is lost."""
JOIN_MS = 15_000
"""Joining a network takes some seconds; after so many it is begun anew."""
CONNECT_MS = 1_000
HIGHEST_ID = 0xFFFF
"""umqtt numbers its messages past this, and then knows their answers no more."""
HOLDS = 16
"""Messages that may wait on either side; the bridge and we ask again for what is lost."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from typing import Any

    from .settings import Wireless


class Mqtt:
    """`folder`: where the authority's certificate lies. `topics` are listened to."""

    def __init__(self, own: "Wireless", folder: str, topics: "list[bytes]", now: int) -> None:
        self.now = now
        """Written by the terminal's loop; all else is written here."""
        self.turned = now
        """When `step` began last: one that is stuck is known by it."""
        self.up = False
        self.connections = 0
        self.heard: list[tuple[bytes, bytes]] = []
        self._to_say: list[tuple[bytes, bytes]] = []
        self._own = own
        self._folder = folder
        self._topics = topics
        self._station = network.WLAN(network.STA_IF)
        self._client: Any = None
        self._joins, self._join_at = Pauses(JOIN_MS), now
        self._connects, self._connect_at = Pauses(CONNECT_MS), now
        self._pinged = now

    def say(self, topic: bytes, payload: bytes) -> None:
        if self.up and len(self._to_say) < HOLDS:
            self._to_say.append((topic, payload))

    def step(self) -> None:
        """Never raises: umqtt tells a broken line by OSError, and as often by what it makes of half an answer."""
        self.turned = self.now
        try:
            if not self._station.isconnected():
                self._join()
            elif self._client is None:
                self._connect()
            else:
                self._exchange(self._client)
        except Exception as error:
            print("broker:", repr(error))
            self._lose()

    # --- below ---

    def _join(self) -> None:
        if self._client is not None:
            self._lose()
        if self.now < self._join_at:
            return
        self._join_at = self.now + self._joins.next()
        self._station.active(False)
        self._station.active(True)
        self._station.connect(self._own.network, self._own.network_password)

    def _connect(self) -> None:
        if self.now < self._connect_at:
            return
        self._connect_at = self.now + self._connects.next()
        own, tls = self._own, self._tls()
        self._client = client = MQTTClient(
            b"motcua-" + own.name.encode(),
            own.host,
            own.port,
            own.user.encode() or None,
            own.password.encode(),
            KEEPALIVE_S,
            tls,
        )
        client.set_callback(self._hear)
        client.connect(True, ANSWER_S)
        client.sock = _Patient(client.sock, tls.below if tls else client.sock)
        for topic in self._topics:
            client.subscribe(topic, 1)
        self._joins.again()
        self._join_at = self._pinged = self.now
        self.connections += 1
        self.up = True

    def _exchange(self, client: "Any") -> None:
        client.check_msg()
        while self._to_say:
            topic, payload = self._to_say.pop(0)
            if client.pid >= HIGHEST_ID:
                client.pid = 0
            client.publish(topic, payload, False, 1)
        if self.now - self._pinged >= KEEPALIVE_S * 500:
            self._pinged = self.now
            client.ping()

    def _hear(self, topic: bytes, payload: bytes) -> None:
        self._connects.again()
        if len(self.heard) < HOLDS:
            self.heard.append((bytes(topic), bytes(payload)))

    def _lose(self) -> None:
        client, self._client, self.up = self._client, None, False
        self._to_say.clear()
        try:
            client.sock.close()
        except (OSError, AttributeError):
            pass  # there was none yet, or it is closed already

    def _tls(self) -> "_Tls | None":
        if not self._own.ca:
            return None
        import ntptime

        ntptime.host = self._own.clock
        ntptime.settime()
        return _Tls(self._folder + self._own.ca)


class _Tls:
    """What umqtt asks of `ssl`. It keeps the socket below, since the one above has no time limit."""

    def __init__(self, ca: str) -> None:
        import ssl

        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.verify_mode = ssl.CERT_REQUIRED
        self._context.load_verify_locations(cafile=ca)
        self.below: Any = None

    def wrap_socket(self, sock: "Any", server_hostname: str) -> "ssl.SSLSocket":
        self.below = sock
        return self._context.wrap_socket(sock, server_hostname=server_hostname)


class _Patient:
    """A socket that waits for ANSWER_S at most, where umqtt would have it wait for ever.

    umqtt writes a message in five small parts; sent one by one, they wait for each other on the way (Nagle).
    """

    def __init__(self, sock: "Any", below: "Any") -> None:
        self.close = sock.close
        self._sock = sock
        self._below = below
        self._parts = b""

    def write(self, data: bytes, size: "int | None" = None) -> None:
        self._parts += data if size is None else data[:size]

    def read(self, size: int) -> "bytes | None":
        self._send()
        return self._sock.read(size)  # type: ignore[no-any-return]

    def setblocking(self, wait: bool) -> None:
        self._send()
        self._below.settimeout(ANSWER_S if wait else 0)

    def _send(self) -> None:
        parts, self._parts = self._parts, b""
        if parts:
            self._sock.write(parts)
