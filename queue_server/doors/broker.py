"""The centre's broker: who may say and hear what, as NATS configuration, and NATS run as a child.

What makes it tight, and is easily lost: native connections find no user at all
(`allowed_connection_types`); NATS's own `$MQTT.…`, where all QoS 1 and retained messages lie, is
never granted; a forbidden publish is acknowledged and dropped, so only delivery proves anything.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from ..store.devices import Device, PasswordHashes
from ..wire import topics
from ..wire.files import write_whole
from ..wire.words import Frozen
from .child import Child, free_port

SERVER = "server"
FOREIGN = "foreign"
RELOADED, RELOAD_REFUSED = b"Reloaded server configuration", b"Failed to reload"
RELOAD_WITHIN_S = 10.0


class BrokerMissing(Exception):
    """No `nats-server` program is to be found."""


class ReloadFailed(Exception):
    """The broker goes on with its former users."""


class BrokerSettings(Frozen, forbid_unknown_fields=True):
    """Table `[broker]`."""

    host: str = "127.0.0.1"
    """Where it listens; anything but loopback is encrypted."""
    port: int = 8883
    """0: any free one."""
    nats_server: str = ""
    """Path of another `nats-server` than the one that came with this program."""
    sync_interval: str = "1s"
    """How often JetStream is forced to disk; what a power cut takes, devices ask again."""
    max_connections: int = 1_000
    max_store_bytes: int = 2_000_000_000
    max_in_flight: int = 4_096
    """QoS 1 messages on the way per subscription. NATS allows 65,535 over all of one session's."""
    log_files: int = 5
    log_file_bytes: int = 10_000_000


@dataclass(frozen=True)
class Tls:
    """Certificate chain and key files (PEM)."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class BrokerUser:
    """A user of the broker; `publish` and `subscribe` are MQTT topic filters."""

    name: str
    passwords: PasswordHashes
    kind: str
    publish: list[str] = field(default_factory=list)
    subscribe: list[str] = field(default_factory=list)


# --- users ---


def device_users(centre: str, devices: Iterable[Device]) -> list[BrokerUser]:
    """The users of all devices that have enrolled and were not revoked."""
    return [
        BrokerUser(
            device.name,
            device.passwords,
            str(device.kind),
            topics.may_publish(centre, device.name, device.kind),
            topics.may_subscribe(centre, device.name, device.kind, device.counter),
        )
        for device in devices
        if device.passwords is not None and device.revoked_at is None
    ]


def server_user(centre: str, passwords: PasswordHashes) -> BrokerUser:
    """The queue server's own user: everything of its centre, and nothing else."""
    everything = [f"motcua/{centre}/#"]
    return BrokerUser(f"{SERVER}.{centre}", passwords, SERVER, everything, everything)


def foreign_user(name: str, passwords: PasswordHashes, prefixes: Sequence[str]) -> BrokerUser:
    """A user for devices with topics of their own (Zigbee2MQTT, Tasmota …), below `prefixes` only.

    Raises ValueError for a prefix that would reach into the centre's topics or the broker's own.
    """
    for prefix in prefixes:
        if not topics.SAFE.fullmatch(prefix) or prefix == "motcua":
            raise ValueError(f"foreign prefix {prefix!r} cannot be used")
    below = [f"{prefix}/#" for prefix in prefixes]
    return BrokerUser(name, passwords, FOREIGN, below, below)


# --- NATS configuration ---

DENIED = [f"$MQTT.{part}.>" for part in ("msgs", "rmsgs", "sess", "qos2", "JSA")]
"""Not granted anyhow; denied by name as well, since newer NATS (pull request 7637) lets MQTT
clients reach `$MQTT.` for their own deliveries without a grant."""


def subjects(topic: str) -> list[str]:
    """NATS's name for an MQTT topic filter; `x/#` means `x` as well, which NATS writes apart.

    Raises ValueError for a topic that the two do not write alike (dots, blanks, empty levels).
    """
    levels = topic.split("/")
    if levels[-1] == "#":
        parent = subjects("/".join(levels[:-1]))[0]
        return [parent, f"{parent}.>"]
    if not all(level == "+" or topics.SAFE.fullmatch(level) for level in levels):
        raise ValueError(f"topic {topic!r} cannot be granted")
    return [".".join("*" if level == "+" else level for level in levels)]


def nats_config(
    settings: BrokerSettings, users: Sequence[BrokerUser], folder: Path, tls: Tls | None = None
) -> str:
    """The whole configuration, in JSON, which NATS reads as it does its own format.

    `folder` keeps log, process id and JetStream. Raises ValueError for an address other than
    loopback without `tls`.
    """
    if tls is None and not is_loopback(settings.host):
        raise ValueError(f"broker on {settings.host}: only loopback may go without TLS")
    mqtt: dict[str, Any] = {
        "host": settings.host,
        "port": settings.port,
        "ack_wait": "10s",
        "max_ack_pending": settings.max_in_flight,
        # A device that vanished in a crash leaves its consumers behind, which would keep messages.
        "consumer_inactive_threshold": "24h",
    }
    if tls is not None:
        mqtt["tls"] = {"cert_file": str(tls.certificate), "key_file": str(tls.key), "timeout": 5}
    config = {
        "server_name": "motcua",
        # The native port, which no user may use: on loopback, wherever there is room.
        "host": "127.0.0.1",
        "port": -1,
        "max_payload": 1_048_576,
        "max_connections": settings.max_connections,
        "max_subscriptions": 256,
        "log_file": str(folder / "nats.log"),
        "logfile_size_limit": settings.log_file_bytes,
        "logfile_max_num": settings.log_files,
        "jetstream": {
            "store_dir": str(folder / "jetstream"),
            "max_memory_store": 64_000_000,
            "max_file_store": settings.max_store_bytes,
            "sync_interval": settings.sync_interval,
        },
        "mqtt": mqtt,
        "authorization": {"timeout": 5, "users": [_nats_user(user) for user in users]},
    }
    return msgspec.json.format(msgspec.json.encode(config)).decode()


def _nats_user(user: BrokerUser) -> dict[str, Any]:
    return {
        "user": user.name,
        "password": user.passwords.bcrypt,
        "allowed_connection_types": ["MQTT"],
        "permissions": {
            "publish": {"allow": _all_subjects(user.publish), "deny": DENIED},
            "subscribe": {"allow": _all_subjects(user.subscribe), "deny": DENIED},
        },
    }


def _all_subjects(allowed: Iterable[str]) -> list[str]:
    return [subject for topic in allowed for subject in subjects(topic)]


def is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def nats_program(setting: str = "") -> str:
    """The setting's, else the one installed beside this Python, else the first on PATH.

    Raises BrokerMissing.
    """
    if setting and not os.access(setting, os.X_OK):
        raise BrokerMissing(f"{setting} is no program")
    own = Path(sys.executable).parent / "nats-server"
    found = setting or (str(own) if os.access(own, os.X_OK) else shutil.which("nats-server"))
    if not found:
        raise BrokerMissing("nats-server is not installed")
    return found


# --- NATS as a child ---


class Nats:
    """NATS with our configuration, log and store in `folder`."""

    def __init__(
        self,
        settings: BrokerSettings,
        folder: Path,
        tls: Tls | None = None,
        on_restart: Callable[[], None] = lambda: None,
    ) -> None:
        """`on_restart` is called in the watching thread after each start that followed a crash:
        retained state is then to be published again."""
        self._settings = settings
        self._folder = folder
        self._tls = tls
        self._on_restart = on_restart
        self._child: Child | None = None
        self._reloading = threading.Lock()

    @property
    def port(self) -> int:
        """Where MQTT is served; 0 before the first start when the setting is 0."""
        return self._settings.port

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None else None

    def start(self, users: Sequence[BrokerUser]) -> None:
        """Raises BrokerMissing, PortTaken, ChildFailed."""
        program = nats_program(self._settings.nats_server)
        if self._settings.port == 0:
            self._settings = msgspec.structs.replace(
                self._settings, port=free_port(self._settings.host)
            )
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._write(users)
        host = self._settings.host
        errors = self._folder / "nats.err"
        command = [program, "--config", str(self._config)]
        self._child = Child("nats", command, host, self._settings.port, errors, self._on_restart)
        self._child.start()

    def reload(self, users: Sequence[BrokerUser]) -> None:
        """Take in these users (and a renewed certificate) without dropping any who stay.

        Returns when it is done. Raises ReloadFailed; if the broker is down, its restart will do it.
        """
        with self._reloading:
            self._write(users)
            seen = self._log_end()
            if self._child is not None and self._child.tell(signal.SIGHUP):
                self._await_reload(seen)

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()

    @property
    def _config(self) -> Path:
        return self._folder / "nats.conf"

    @property
    def _log(self) -> Path:
        return self._folder / "nats.log"

    def _write(self, users: Sequence[BrokerUser]) -> None:
        config = nats_config(self._settings, users, self._folder, self._tls)
        write_whole(self._config, config.encode())

    def _log_end(self) -> int:
        return self._log.stat().st_size if self._log.exists() else 0

    def _await_reload(self, seen: int) -> None:
        deadline = time.monotonic() + RELOAD_WITHIN_S
        while time.monotonic() < deadline:
            if self._log_end() < seen:  # turned over to a new file
                seen = 0
            with contextlib.suppress(OSError), self._log.open("rb") as file:
                file.seek(seen)
                said = file.read()
                if RELOAD_REFUSED in said:
                    raise ReloadFailed(said.decode("utf-8", "replace").strip().splitlines()[-1])
                if RELOADED in said:
                    return
            if self.pid is None:
                return
            time.sleep(0.01)
        raise ReloadFailed("the broker did not take in its new users in time")
