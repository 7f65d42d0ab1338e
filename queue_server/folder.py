"""The data folder of a centre: which file lies where, and that only one centre runs on it."""

from __future__ import annotations

import fcntl
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from .store.schema import CannotOpen
from .wire.words import Frozen


class AlreadyRunning(Exception):
    """Another `motcua up` holds this data folder; the text names its process."""


class ServerSecret(Frozen):
    """How the server itself logs in at the broker; made at first start, mode 600."""

    password: str
    client_id: str


@dataclass(frozen=True)
class Folder:
    """Every path below `--data`, in one place."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "centre.db"

    @property
    def surveys(self) -> Path:
        """Surveys of the centre's own, beside the shipped ones."""
        return self.root / "surveys"

    @property
    def devices(self) -> Path:
        return self.root / "devices.db"

    @property
    def door(self) -> Path:
        """The local door. A socket's path may have 107 bytes only, so a deep folder gets a short stand-in."""
        path = self.root / "server.sock"
        if len(os.fsencode(path.absolute())) < 100:
            return path
        run = Path(os.environ.get("XDG_RUNTIME_DIR") or "/tmp")
        return run / f"motcua-{hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:16]}.sock"

    @property
    def broker(self) -> Path:
        return self.root / "broker"

    @property
    def authority(self) -> Path:
        return self.root / "authority"

    @property
    def secret(self) -> Path:
        return self.root / "server-secret.json"

    @property
    def head_key(self) -> Path:
        return self.root / "head-key.pem"

    @property
    def heads(self) -> Path:
        """Signed heads of the log, a file a day, to be carried away."""
        return self.root / "heads"

    @property
    def first_login(self) -> Path:
        return self.root / "first-login.json"

    @property
    def addresses(self) -> Path:
        return self.root / "addresses.json"

    @property
    def firmware(self) -> Path:
        """Signed packages for terminals."""
        return self.root / "firmware"

    def device(self, name: str) -> Path:
        return self.root / "devices" / name

    def open(self) -> None:
        """Make the folder; raises CannotOpen when it cannot be written."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            os.chmod(self.root, 0o700)
            probe = self.root / ".writable"
            probe.write_text("")
            probe.unlink()
        except OSError as error:
            raise CannotOpen(f"{self.root}: {error.strerror}") from error

    def lock(self) -> IO[str]:
        """Hold the folder for this process; raises AlreadyRunning."""
        path = self.root / "centre.lock"
        handle = path.open("a+")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            handle.seek(0)
            raise AlreadyRunning(
                f"a centre is running on {self.root} already (process {handle.read().strip()})"
            ) from error
        handle.seek(0)
        handle.truncate()
        handle.write(str(os.getpid()))
        handle.flush()
        return handle

    def master_key(self, setting: str = "") -> Path:
        """Beside the data folder, never in it: a backup of the folder opens nothing by itself."""
        if setting:
            return Path(setting)
        return self.root.absolute().parent / f"{self.root.absolute().name}-key" / "master.key"

    def server_secret(self, password: str, client_id: str) -> ServerSecret:
        """The kept secret, or these new ones."""
        if self.secret.exists():
            return msgspec.json.decode(self.secret.read_bytes(), type=ServerSecret)
        made = ServerSecret(password=password, client_id=client_id)
        handle = os.open(self.secret, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(msgspec.json.encode(made))
        return made
