"""`motcua up` as its users run it: one command starts a centre, any end of it ends all."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from queue_server import settings
from queue_server.doors.broker import server_user
from queue_server.doors.child import free_port
from queue_server.doors.mosquitto import Mosquitto, mosquitto_program
from queue_server.folder import Folder
from queue_server.store.devices import Devices, hash_password
from queue_server.wire import topics
from queue_server.wire.enrol import WrongAuthority, enrol, fingerprint
from queue_server.wire.link import Link
from queue_server.wire.words import DeviceKind
from tests.brokers import Client, wait_for
from tests.house import take, taken

COMMAND = [sys.executable, "-m", "queue_server.command"]


@dataclass
class Up:
    process: subprocess.Popen[str]
    data: Path

    @property
    def web(self) -> str:
        return str(json.loads((self.data / "addresses.json").read_text())["web"])

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def child(self, word: str) -> psutil.Process:
        return next(p for p in self.children() if word in " ".join(p.cmdline()))

    def healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.web}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


def settings_file(folder: Path, *changes: tuple[str, str]) -> Path:
    text = settings.example().read_text("utf-8")
    for old, new in (("port = 18830", "port = 0"), ("port = 8080", "port = 0"), *changes):
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "centre.toml"
    path.write_text(text)
    return path


@contextmanager
def up(folder: Path, *changes: tuple[str, str], **environ: str) -> Iterator[Up]:
    data = folder / "var"
    path = settings_file(folder, *changes)
    process = subprocess.Popen(
        [*COMMAND, "up", "--data", str(data), "--settings", str(path), "--no-windows"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environ},
    )
    running = Up(process, data)
    try:
        assert wait_for(lambda: (data / "addresses.json").exists(), 40), process.stdout
        yield running
    finally:
        if process.poll() is None:
            process.terminate()
        process.wait(20)


def gone(processes: list[psutil.Process]) -> bool:
    return wait_for(
        lambda: not any(p.is_running() and p.status() != "zombie" for p in processes), 15
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_kill_and_a_closed_terminal_end_every_child(
    tmp_path: Path, number: signal.Signals
) -> None:
    with up(tmp_path) as running:
        assert wait_for(running.healthy, 20)
        children = running.children()
        assert len(children) >= 4
        running.process.send_signal(number)
        assert running.process.wait(20) == 0
        assert gone(children)
        assert not (running.data / "addresses.json").exists()


def test_even_kill_9_of_the_first_process_leaves_no_child(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        children = running.children()
        running.process.kill()
        running.process.wait(10)
        assert gone(children)


def test_a_second_start_on_the_same_folder_says_that_the_first_is_running(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        second = subprocess.run(
            [*COMMAND, "up", "--data", str(running.data), "--no-windows"],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert second.returncode == 1
        assert "running" in second.stderr
        assert str(running.process.pid) in second.stderr
        assert second.stderr.count("\n") == 1
        assert wait_for(running.healthy, 10)


def test_a_killed_server_comes_back_and_the_pages_with_it(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        assert wait_for(running.healthy, 20)
        server = running.child("queue_server.server")
        server.kill()
        assert wait_for(lambda: not running.healthy(), 10)
        assert wait_for(running.healthy, 30)
        assert running.child("queue_server.server").pid != server.pid


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda folder: (folder / "var").write_text("in the way"), "var"),
        (lambda folder: (folder / "centre.toml").write_text("[web]\ncolor = 1\n"), "centre.toml:2"),
    ],
)
def test_what_cannot_start_says_why_in_one_line(tmp_path: Path, make: object, word: str) -> None:
    settings_file(tmp_path)
    make(tmp_path)  # type: ignore[operator]
    run = subprocess.run(
        [
            *COMMAND,
            "up",
            "--data",
            str(tmp_path / "var"),
            "--settings",
            str(tmp_path / "centre.toml"),
            "--no-windows",
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 1
    assert word in run.stderr
    assert run.stderr.count("\n") == 1


def test_what_cannot_be_read_is_counted_where_a_technician_looks(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        ca = (running.data / "authority" / "ca.pem").read_text()
        code = Devices(Folder(running.data).devices, fingerprint(ca)).add(
            DeviceKind.KIOSK, "kiosk-1", None, int(time.time() * 1000)
        )
        assert wait_for(running.healthy, 20)
        link = Link(enrol(running.web, code), "test")
        link.start()
        try:
            assert link.wait_connected(20)
            own = link.credentials
            client = link._client
            assert client is not None
            client.publish(topics.ASKS["take_ticket"].at(own.centre, device=own.device), b"{", 1)

            def counted() -> bool:
                with urllib.request.urlopen(f"{running.web}/metrics", timeout=5) as answer:
                    return b"motcua_mqtt_unreadable 1" in answer.read()

            assert wait_for(counted, 20)
        finally:
            link.stop()


def test_a_foreign_user_of_the_settings_comes_in_and_keeps_to_its_own_topics(
    tmp_path: Path,
) -> None:
    secret = tmp_path / "zigbee.password"
    secret.touch(mode=0o600)
    secret.write_text("mat khau zigbee\n")
    more = f'[[foreign]]\nname = "zigbee"\npassword_file = "{secret}"\nprefixes = ["zigbee2mqtt"]\n'
    with up(tmp_path, ("[web]\n", f"{more}[web]\n")) as running:
        port = json.loads((running.data / "addresses.json").read_text())["broker_port"]
        filters = ["zigbee2mqtt/#", "motcua/#"]
        client = Client(port, "foreign.zigbee", "mat khau zigbee", filters=filters).start()
        try:
            assert client.came.wait(10)
            client.say("motcua/phuong-mau/ask/kiosk-1/hello")
            client.say("zigbee2mqtt/nut")
            assert client.hears("zigbee2mqtt/nut", b"x")
            assert {topic for topic, _ in client.heard} == {"zigbee2mqtt/nut"}
        finally:
            client.stop()


def test_first_start_writes_the_first_passwords_for_the_owner_alone(tmp_path: Path) -> None:
    with up(tmp_path) as running:
        path = running.data / "first-login.json"
        told = json.loads(path.read_text())
        assert path.stat().st_mode & 0o777 == 0o600
        assert {x["role"] for x in told.values()} == {
            "officer",
            "guide",
            "manager",
            "technician",
            "auditor",
            "administrator",
        }
        key = Folder(running.data).master_key()
        assert key.exists()
        assert running.data not in key.parents


def test_on_any_other_address_than_loopback_all_is_encrypted_and_a_device_enrols_by_its_code(
    tmp_path: Path,
) -> None:
    everywhere = ('host = "127.0.0.1"', 'host = "0.0.0.0"')
    with up(tmp_path, everywhere, everywhere) as running:
        assert running.web.startswith("https://")
        port = running.web.rsplit(":", 1)[1]
        folder = Folder(running.data)

        devices = Devices(folder.devices, fingerprint((folder.authority / "ca.pem").read_text()))
        code = devices.add(DeviceKind.KIOSK, "kiosk-9", None, int(time.time() * 1000))
        own = enrol(f"https://127.0.0.1:{port}", code)
        assert own.ca
        link = Link(own, "test")
        link.start()
        try:
            assert link.wait_connected(20)
            assert taken(link.ask("take_ticket", take()).result(20)).number == "A001"
        finally:
            link.stop()
        wrong = Devices(folder.devices, "0" * 64)
        code = wrong.add(DeviceKind.KIOSK, "kiosk-8", None, int(time.time() * 1000))
        with pytest.raises(WrongAuthority):
            enrol(f"https://127.0.0.1:{port}", code)


@pytest.mark.skipif(mosquitto_program() is None, reason="mosquitto is not installed")
def test_an_outside_mosquitto_serves_as_well_and_learns_of_new_devices(tmp_path: Path) -> None:
    port, folder = free_port(), tmp_path / "mosquitto"
    data = Folder(tmp_path / "var")
    data.open()
    secret = data.server_secret("the server's password", "client")
    outside = Mosquitto("127.0.0.1", port, folder)
    outside.start([server_user("phuong-mau", hash_password(secret.password))])
    pid_file = tmp_path / "mosquitto.pid"
    pid_file.write_text(str(outside.pid))
    table = (
        f'[outside_broker]\nhost = "127.0.0.1"\nport = {port}\n'
        f'mosquitto = {{ folder = "{folder}", pid_file = "{pid_file}" }}\n\n[broker]'
    )
    try:
        with up(tmp_path, ("[broker]", table)) as running:
            assert wait_for(running.healthy, 20)
            assert not any("nats" in p.name() for p in running.children())

            ca = (data.authority / "ca.pem").read_text()
            code = Devices(data.devices, fingerprint(ca)).add(
                DeviceKind.KIOSK, "kiosk-1", None, int(time.time() * 1000)
            )
            link = Link(enrol(running.web, code), "test")
            link.start()
            try:
                assert link.wait_connected(20)
                assert taken(link.ask("take_ticket", take()).result(20)).number == "A001"
            finally:
                link.stop()
    finally:
        outside.stop()
