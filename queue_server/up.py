"""`motcua up`: one whole centre on this machine, started, watched and ended together.

This process starts the others and does little else: broker, server, twin, pages, and the windows of
kiosk and tablet where a display is there. Each child dies with it, however it dies.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import json
import os
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from . import settings
from .doors.authority import Authority, ServerCertificate
from .doors.broker import BrokerUser, Nats, Tls, device_users, is_loopback, server_user
from .doors.child import Child, free_port
from .doors.mosquitto import OutsideMosquitto
from .folder import Folder
from .store.devices import Devices, hash_password
from .store.vault import require_key
from .wire.ending import Ending
from .wire.files import write_whole
from .wire.words import DeviceKind

log = structlog.get_logger()
LOOK_EVERY_S = 1.0
CERTIFICATE_EVERY_S = 6 * 3600.0


@dataclass(frozen=True)
class Pace:
    """The clock of a demo: `speed` times real time, from `ahead_ms` later, counted from `origin` (ms)."""

    speed: float = 1.0
    ahead_ms: int = 0
    origin: int = 0

    def options(self) -> list[str]:
        if self.speed == 1.0 and not self.ahead_ms:
            return []
        return [
            "--speed",
            str(self.speed),
            "--ahead-ms",
            str(self.ahead_ms),
            "--origin",
            str(self.origin),
        ]


@dataclass
class Centre:
    """The processes of a centre. `start()` raises what a part of it raises, with nothing left running."""

    folder: Folder
    settings_path: Path | None
    file: settings.CentreFile
    pace: Pace = Pace()
    windows: bool | None = None
    """Kiosk and tablet windows: None, where a display is there."""
    say: Callable[[str], None] = print
    web_port: int = 0
    _foreign: list[BrokerUser] = field(default_factory=list)
    _parts: list[Callable[[], None]] = field(default_factory=list)
    _seen_changes: int = -1

    def start(self) -> None:
        self.folder.open()
        lock = self.folder.lock()
        self._parts.append(lock.close)
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        while self._parts:
            self._parts.pop()()

    def _start(self) -> None:
        require_key(self.folder.database, self.folder.master_key(self.file.vault.key_file))
        now = dt.datetime.now(dt.UTC)
        self.authority = Authority.open(self.folder.authority, self.file.centre.id, now)
        self._certificate()
        self.devices = Devices(self.folder.devices, self.authority.fingerprint)
        secret = self.folder.server_secret(secrets.token_urlsafe(32), secrets.token_hex(16))
        self._server_hashes = hash_password(secret.password)
        self._foreign = [one.user() for one in self.file.foreign]
        self._start_broker()
        self._start_programs()
        self.say(f"  {_label('Trang web')}{self.web}")
        self._write_addresses()
        if self.windows if self.windows is not None else has_display():
            self._start_windows()

    def _certificate(self) -> ServerCertificate:
        listens = (self.file.web.host, self.file.broker.host)
        hosts = [*self.file.web.names, *(h for h in listens if not _everywhere(h))]
        return self.authority.server_certificate(
            [*hosts, socket.gethostname()], dt.datetime.now(dt.UTC)
        )

    # --- the broker ---

    def _users(self, devices: Devices) -> list[BrokerUser]:
        centre = self.file.centre.id
        server = server_user(centre, self._server_hashes)
        return [server, *self._foreign, *device_users(centre, devices.list())]

    def _start_broker(self) -> None:
        outside = self.file.outside_broker
        self.nats: Nats | None = None
        if outside.host:
            self.broker_port = outside.port
            self._renew_users(self.devices)
            return
        tls = None
        if not is_loopback(self.file.broker.host):
            tls = Tls(
                self.folder.authority / "server.pem", self.folder.authority / "server-key.pem"
            )
        self._seen_changes = self.devices.changes()
        self.nats = Nats(self.file.broker, self.folder.broker, tls)
        self.nats.start(self._users(self.devices))
        self._parts.append(self.nats.stop)
        self.broker_port = self.nats.port

    def _renew_users(self, devices: Devices) -> None:
        """Let broker and server know who may come in now. Raises ReloadFailed."""
        from .by_hand import say_devices_changed

        changes = devices.changes()
        users = self._users(devices)
        if self.nats is not None:
            self.nats.reload(users)
        elif self.file.outside_broker.mosquitto.folder:
            OutsideMosquitto(self.file.outside_broker.mosquitto).reload(users)
        self._seen_changes = changes
        say_devices_changed(self.folder)

    def _follow(self, stopped: threading.Event) -> None:
        """Devices that were added or revoked, by whichever process; and the certificate's age."""
        devices = Devices(self.folder.devices, self.authority.fingerprint)
        next_look = time.monotonic() + CERTIFICATE_EVERY_S
        while not stopped.wait(LOOK_EVERY_S):
            try:
                if time.monotonic() >= next_look:
                    next_look = time.monotonic() + CERTIFICATE_EVERY_S
                    if self._certificate().renewed:
                        log.warning("certificate_renewed", hint="pages show it after a restart")
                        self._renew_users(devices)
                if devices.changes() != self._seen_changes:
                    self._renew_users(devices)
            except Exception as error:
                log.error("broker_users_not_renewed", kind=type(error).__name__)

    # --- our programs ---

    def _start_programs(self) -> None:
        common = ["--data", str(self.folder.root), *self.pace.options()]
        if self.settings_path is not None:
            common_settings = ["--settings", str(self.settings_path)]
        else:
            common_settings = []
        self.web_port = self.file.web.port or free_port(self.file.web.host)
        self._run(
            "server",
            [
                "queue_server.server",
                *common,
                *common_settings,
                "--broker-port",
                str(self.broker_port),
                "--web",
                self.web_for_devices,
            ],
        )
        self._run(
            "web",
            [
                "queue_server.doors.web.main",
                *common,
                *common_settings,
                "--port",
                str(self.web_port),
                "--broker-port",
                str(self.broker_port),
            ],
            port=self.web_port,
        )
        self._run("twin", ["queue_server.twin.process", *common])
        if self.file.province.url:
            self._run(
                "province", ["queue_server.doors.province.process", *common, *common_settings]
            )
        stopped = threading.Event()
        follower = threading.Thread(target=self._follow, args=(stopped,), daemon=True)
        follower.start()
        self._parts.append(stopped.set)

    def _run(self, name: str, module_and_options: list[str], port: int = 0) -> None:
        child = Child(
            name,
            [sys.executable, "-m", *module_and_options],
            self.file.web.host if port else "",
            port,
            self.folder.root / f"{name}.log",
            ready_within_s=60.0,
        )
        child.start()
        self._parts.append(child.stop)

    # --- windows ---

    @property
    def web(self) -> str:
        scheme = "http" if is_loopback(self.file.web.host) else "https"
        host = "127.0.0.1" if _everywhere(self.file.web.host) else self.file.web.host
        return f"{scheme}://{host}:{self.web_port}"

    @property
    def web_for_devices(self) -> str:
        """By the first of the set names, where there is one."""
        names = self.file.web.names
        return self.web.replace("127.0.0.1", names[0]) if names else self.web

    def enrolled(self, name: str, kind: DeviceKind, counter: int | None = None) -> Path:
        """The data folder of a device of this machine, enrolled here if it is not yet."""
        place = self.folder.device(name)
        if (place / "device.json").exists():
            return place
        now = int(time.time() * 1000)
        from .store.devices import NameTaken
        from .wire.enrol import split_code

        try:
            code = self.devices.add(kind, name, counter, now)
        except NameTaken:
            code = self.devices.reissue(name, now)
        enrolled = self.devices.redeem(split_code(code)[0], now)
        host = self.file.outside_broker.host or self.file.broker.host
        credentials = enrolled.credentials(
            centre=self.file.centre.id,
            host="127.0.0.1" if _everywhere(host) else host,
            port=self.broker_port,
            web=self.web,
            ca="" if is_loopback(host) else self.authority.pem,
        )
        credentials.write(place / "device.json")
        return place

    def _start_windows(self) -> None:
        for name, kind, counter, program, size in (
            ("kiosk-1", DeviceKind.KIOSK, None, "kiosk", "540x960"),
            ("tablet-1", DeviceKind.TABLET, self.file.counters[0].id, "tablet", "960x600"),
        ):
            place = self.enrolled(name, kind, counter)
            options = ["--data", str(place), "--windowed", "--size", size]
            if self.settings_path is not None:
                options += ["--settings", str(self.settings_path)]
            self._run(name, ["queue_server.command", program, *options])

    def _write_addresses(self) -> None:
        """Where everything is, for programs that were started beside us (mode 600)."""
        told: dict[str, str | int] = {
            "web": self.web,
            "broker_port": self.broker_port,
            "pid": os.getpid(),
            "settings": str(self.settings_path.absolute()) if self.settings_path else "",
        }
        path = self.folder.addresses
        write_whole(path, json.dumps(told).encode())
        self._parts.append(lambda: path.unlink(missing_ok=True))


def _everywhere(host: str) -> bool:
    return host in ("0.0.0.0", "::", "")


def _label(text: str) -> str:
    return f"{text}:".ljust(22)


def has_display() -> bool:
    """A screen to draw on, and Kivy to draw with."""
    there = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return there and importlib.util.find_spec("kivy") is not None


def print_addresses(centre: Centre) -> None:
    say, web = centre.say, centre.web
    say("")
    say(f"  {_label('Bảng gọi số')}{web}/board")
    say(f"  {_label('Quầy (cán bộ)')}{web}/counter/1")
    say(f"  {_label('Quản lý')}{web}/manager")
    say(f"  {_label('Lấy số')}{web}/take")
    say(f"  {_label('Số liệu mở')}{web}/open")
    say(f"  {_label('MQTT')}{centre.file.broker.host}:{centre.broker_port}")
    if centre.folder.first_login.exists():
        say(f"  {_label('Mật khẩu lần đầu')}{centre.folder.first_login}")
    say("")
    say("  Ctrl-C để dừng (to stop).")


def run(data: Path, settings_path: Path | None, windows: bool | None) -> int:
    """Start, print the addresses, wait, stop. Exit code 0, or 1 with one line why not.

    An end that comes while it starts is waited for too: it would leave programs behind.
    """
    from .doors.broker import BrokerMissing
    from .doors.child import ChildFailed, PortTaken
    from .folder import AlreadyRunning
    from .store.schema import CannotOpen
    from .wire.settings import SettingsError

    ending = Ending()
    try:
        path = settings_path or settings.example()
        centre = Centre(Folder(data), path, settings.read(path), windows=windows)
        centre.start()
    except (
        SettingsError,
        AlreadyRunning,
        CannotOpen,
        ChildFailed,
        PortTaken,
        BrokerMissing,
        ValueError,
        OSError,
    ) as error:
        print(f"motcua: {error}", file=sys.stderr)
        return 1
    print_addresses(centre)
    ending.wait()
    centre.stop()
    return 0
