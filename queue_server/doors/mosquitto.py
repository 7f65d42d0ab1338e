"""Mosquitto as the broker: password and access files in its own formats, and its settings.

An outside Mosquitto is given its files in a folder and reloads them; a room without one uses NATS
(`doors.broker`). Mosquitto grants any subscription and then sends nothing that is forbidden.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..wire.files import write_whole
from ..wire.words import Frozen
from .broker import BrokerMissing, BrokerUser, ReloadFailed, Tls, is_loopback
from .child import Child

PASSWORDS, ACCESS, CONFIG = "motcua.passwd", "motcua.acl", "mosquitto.conf"
GROUP_READS = 0o640
"""Mosquitto reads as a user of its own: give the folder its group and the setgid bit."""
RELOAD_WITHIN_S = 10.0
SBIN = "/usr/sbin:/usr/local/sbin"
"""Where Debian puts it, which is not on an ordinary user's PATH."""


class MosquittoSettings(Frozen, forbid_unknown_fields=True):
    """Table `[mosquitto]`: an outside Mosquitto that `motcua` writes users for."""

    folder: str = ""
    """Where its password and access files go; empty: there is none."""
    pid_file: str = ""
    """Its process is sent SIGHUP …"""
    reload_command: tuple[str, ...] = ()
    """… or this is run, such as `["systemctl", "reload", "mosquitto"]`."""


def mosquitto_files(users: Sequence[BrokerUser]) -> tuple[str, str]:
    """The contents of `password_file` and `acl_file`."""
    passwords = "".join(f"{user.name}:{user.passwords.pbkdf2}\n" for user in users)
    return passwords, "\n".join(_access(user) for user in users)


def _access(user: BrokerUser) -> str:
    both = [topic for topic in user.publish if topic in user.subscribe]
    lines = [f"user {user.name}"]
    lines += [f"topic readwrite {topic}" for topic in both]
    lines += [f"topic write {topic}" for topic in user.publish if topic not in both]
    lines += [f"topic read {topic}" for topic in user.subscribe if topic not in both]
    return "\n".join(lines) + "\n"


def mosquitto_conf(
    host: str, port: int, folder: Path, tls: Tls | None = None, user: str = "mosquitto"
) -> str:
    """Settings for Mosquitto 2.0 with our files in `folder`, as `deploy/` shows them.

    Raises ValueError for an address other than loopback without `tls`.
    """
    if tls is None and not is_loopback(host):
        raise ValueError(f"broker on {host}: only loopback may go without TLS")
    lines = [
        f"user {user}",
        "per_listener_settings false",
        "allow_anonymous false",
        f"password_file {folder / PASSWORDS}",
        f"acl_file {folder / ACCESS}",
        f"listener {port} {host}",
        "# Nobody can throw a device off, or take its session, by naming its client id.",
        "use_username_as_clientid true",
        "# Without it an answer waits up to 40 ms for the next packet.",
        "set_tcp_nodelay true",
        "max_inflight_messages 1000",
        "max_queued_messages 20000",
        "message_size_limit 1048576",
        "max_connections 1000",
        "sys_interval 0",
        "persistence true",
        f"persistence_location {folder}/",
        "# A crash loses what came since; the server publishes all retained state again then.",
        "autosave_interval 30",
        "log_type error",
        "log_type warning",
    ]
    if tls is not None:
        lines += [f"certfile {tls.certificate}", f"keyfile {tls.key}", "tls_version tlsv1.2"]
    return "\n".join(lines) + "\n"


def mosquitto_program() -> str | None:
    return shutil.which("mosquitto") or shutil.which("mosquitto", path=SBIN)


def write_files(folder: Path, users: Sequence[BrokerUser]) -> None:
    """Access before passwords: a user without access lines may do nothing, never everything."""
    passwords, access = mosquitto_files(users)
    write_whole(folder / ACCESS, access.encode(), GROUP_READS)
    write_whole(folder / PASSWORDS, passwords.encode(), GROUP_READS)


class OutsideMosquitto:
    """A Mosquitto that somebody else runs: `reload()` writes its files and has them read."""

    def __init__(self, settings: MosquittoSettings) -> None:
        self._settings = settings

    def reload(self, users: Sequence[BrokerUser]) -> None:
        """Raises ReloadFailed: the files are written, but Mosquitto has not been told."""
        write_files(Path(self._settings.folder), users)
        if self._settings.reload_command:
            self._run()
        elif self._settings.pid_file:
            self._signal()

    def _run(self) -> None:
        try:
            subprocess.run(
                self._settings.reload_command,
                check=True,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=RELOAD_WITHIN_S,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise ReloadFailed(f"{self._settings.reload_command[0]}: {error}") from error

    def _signal(self) -> None:
        try:
            os.kill(int(Path(self._settings.pid_file).read_text()), signal.SIGHUP)
        except (OSError, ValueError) as error:
            raise ReloadFailed(f"{self._settings.pid_file}: {error}") from error


@dataclass
class Mosquitto:
    """A Mosquitto of our own, as a child on `host`:`port` with all its files in `folder`."""

    host: str
    port: int
    folder: Path
    tls: Tls | None = None
    on_restart: Callable[[], None] = lambda: None
    _child: Child | None = field(default=None, init=False)

    @property
    def pid(self) -> int | None:
        return self._child.pid if self._child is not None else None

    def start(self, users: Sequence[BrokerUser]) -> None:
        """Raises BrokerMissing, PortTaken, ChildFailed."""
        program = mosquitto_program()
        if program is None:
            raise BrokerMissing("mosquitto is not installed")
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_files(self.folder, users)
        own_user = pwd.getpwuid(os.geteuid()).pw_name  # another user's child would outlive us
        conf = mosquitto_conf(self.host, self.port, self.folder, self.tls, own_user)
        write_whole(self.folder / CONFIG, conf.encode())
        command = [program, "-c", str(self.folder / CONFIG)]
        errors = self.folder / "mosquitto.err"
        self._child = Child("mosquitto", command, self.host, self.port, errors, self.on_restart)
        self._child.start()

    def reload(self, users: Sequence[BrokerUser]) -> None:
        """Mosquitto reads its files in its next turn, milliseconds later; it says nothing of it."""
        write_files(self.folder, users)
        if self._child is not None:
            self._child.tell(signal.SIGHUP)

    def save(self) -> None:
        """Have retained messages and sessions written to disk before `autosave_interval` ends."""
        if self._child is not None:
            self._child.tell(signal.SIGUSR1)

    def stop(self) -> None:
        if self._child is not None:
            self._child.stop()
