"""A real centre for tests: `motcua up` on free ports in a folder of its own, and people who are logged in.

from tests.centre import Centre, centre  # noqa: F401 (a fixture of the whole session)
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from queue_server.settings import example

PASSWORD = "mat-khau-thu-2026"
PATIENCE_S = 30.0


def until(true: Callable[[], Any], what: str, seconds: float = PATIENCE_S) -> Any:
    """Wait for something to be true; its value, or an AssertionError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, f"never came: {what}"
        time.sleep(0.02)
    return found


class Refused(AssertionError):
    """An answer other than 200."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"{status}: {body[:300]}")
        self.status, self.body = status, body


@dataclass
class Centre:
    """A running centre. `as_` gives a person's token, her first password changed on the way."""

    root: Path
    process: subprocess.Popen[bytes]
    web: str = ""
    broker_port: int = 0
    _tokens: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.root / "var"

    @property
    def settings(self) -> Path:
        return self.root / "centre.toml"

    def as_(self, account: str) -> str:
        """The bearer token of an account, whose password is PASSWORD from now on."""
        if account not in self._tokens:
            self.ready(account)
            told = self.call("POST", "/api/session", {"account": account, "password": PASSWORD})
            self._tokens[account] = told["token"]
        return self._tokens[account]

    def ready(self, account: str) -> None:
        """Change an account's first password, if it still has it."""
        file = self.data / "first-login.json"
        first = json.loads(file.read_text()) if file.exists() else {}
        if account not in first:
            return
        password = first[account]["password"]
        told = self.call("POST", "/api/session", {"account": account, "password": password})
        change = {"old": password, "new": PASSWORD}
        self.call("POST", "/api/me/password", change, told["token"])

    def order(self, account: str, verb: str, **body: Any) -> Any:
        """Give an order through the API, as `call-next`; its reply. Raises Refused."""
        return self.call("POST", f"/api/orders/{verb}", body, self.as_(account))

    def take(self, service: str, account: str = "huongdan01", **more: Any) -> dict[str, Any]:
        """A ticket from the guide at the door."""
        taken: dict[str, Any] = self.order(account, "take-ticket", service=service, **more)
        return taken

    def tickets(self) -> dict[str, dict[str, Any]]:
        """Today's tickets by number, as staff see them."""
        rows = self.call("GET", "/api/tickets", token=self.as_("huongdan01"))
        return {row["number"]: row for row in rows}

    def call(self, method: str, path: str, body: Any = None, token: str = "") -> Any:
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.web + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            raise Refused(error.code, error.read().decode(errors="replace")) from error

    def server_pid(self) -> int:
        """The process of the queue server itself, for tests that stop or kill it."""
        return self.pid_of("queue_server.server")

    def pid_of(self, module: str) -> int:
        """The centre's own process that runs this module."""
        own = str(self.data).encode()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if module.encode() in words and own in words:
                    return int(entry.name)
        raise AssertionError(f"{module} is not running")


@contextmanager
def running_centre(root: Path, settings: str = "") -> Iterator[Centre]:
    """A centre in `root`; `settings` is added to the sample's text, whose ports are free ones."""
    text = re.sub(r"(?m)^port = \d+$", "port = 0", example().read_text())
    (root / "centre.toml").write_text(text + settings)
    log = (root / "up.log").open("wb")
    command = [sys.executable, "-m", "queue_server.command", "up", "--no-windows"]
    options = ["--data", str(root / "var"), "--settings", str(root / "centre.toml")]
    process = subprocess.Popen([*command, *options], stdout=log, stderr=log)
    centre = Centre(root, process)
    try:
        _wait(centre)
        yield centre
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
        log.close()


def _wait(centre: Centre) -> None:
    addresses = centre.data / "addresses.json"

    def there() -> bool:
        assert centre.process.poll() is None, (centre.root / "up.log").read_text()
        return addresses.exists() and bool(addresses.read_text())

    until(there, "the centre's addresses")
    told = json.loads(addresses.read_text())
    centre.web, centre.broker_port = told["web"], told["broker_port"]
    until(lambda: _healthy(centre.web), "the pages")


def _healthy(web: str) -> bool:
    try:
        with urllib.request.urlopen(f"{web}/healthz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.fixture(scope="session")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    """One centre for all tests that ask for it; each test works at counters and services of its own."""
    with running_centre(tmp_path_factory.mktemp("centre")) as running:
        yield running
