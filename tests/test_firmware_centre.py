"""Keypad and display of a counter in a whole centre: real firmware, bridge, broker, server, and an officer."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from firmware_bridge import main, settings
from queue_server.folder import Folder
from queue_server.store.devices import Devices
from queue_server.wire.enrol import enrol, fingerprint
from queue_server.wire.words import DeviceKind
from tests.centre import Centre, running_centre
from tests.firmware_room import Firmware, FirmwareLine, compile_firmware, needed, until
from tests.test_firmware import DARK

COUNTER, OFFICER, SERVICE = 3, "canbo03", "chung_thuc"
NEXT, FINISH = 1, 4


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    if missing := needed():
        pytest.fail(missing)
    with running_centre(tmp_path_factory.mktemp("centre")) as running:
        yield running


def terminals(folder: Path, data: Path) -> list[Firmware]:
    """A keypad and a display on one cable, with the bridge's keys."""
    build = compile_firmware(folder / "build")
    made = []
    for address, role in ((1, "keypad"), (2, "display")):
        key = settings.read_key(data / "terminals" / f"{role}-3.key")
        own = folder / f"{role}.json"
        own.write_text(json.dumps({"role": role, "address": address, "key": key.hex()}))
        made.append(Firmware(build, own, folder / f"{role}.presses"))
        made[-1].start()
    return made


def test_an_officer_serves_by_keypad_and_the_display_follows(
    centre: Centre, tmp_path: Path
) -> None:
    own = tmp_path / "bridge.toml"
    own.write_text(
        f'[bridge]\nport = "{tmp_path}/tty"\nblink_s = 0\nreply_ms = 500\n'
        '[[bridge.terminals]]\nname = "keypad-3"\naddress = 1\ncounter = 3\nrole = "keypad"\n'
        '[[bridge.terminals]]\nname = "display-3"\naddress = 2\ncounter = 3\nrole = "display"\n'
    )
    data = tmp_path / "bridge"
    ca = (Folder(centre.data).authority / "ca.pem").read_text()
    devices = Devices(Folder(centre.data).devices, fingerprint(ca))
    code = devices.add(DeviceKind.BRIDGE, "bridge-3", None, int(time.time() * 1000))
    enrol(centre.web, code).write(data / "device.json")
    devices.close()
    bridge, store = main.compose(data, own, None)
    keypad, display = terminals(tmp_path, data)
    line = FirmwareLine(tmp_path / "tty", [], firmware=[keypad, display])
    line.start()
    bridge.start()
    try:
        display.wait_for(lambda: display.pictures[-1] == DARK)
        keypad.press(NEXT)  # nobody is signed in
        until(lambda: store.refusals() == {"counter_closed": 1})
        centre.order(OFFICER, "open-counter", counter=COUNTER)
        number = centre.take(SERVICE)["number"]
        keypad.press(NEXT)
        until(lambda: centre.tickets()[number]["status"] == "called")
        display.wait_for(lambda: display.pictures[-1] != DARK)
        keypad.press(FINISH)
        until(lambda: centre.tickets()[number]["status"] == "finished")
        display.wait_for(lambda: display.pictures[-1] == DARK)
        assert store.refusals() == {"counter_closed": 1}
    finally:
        bridge.stop()
        line.stop()
        store.close()
        for terminal in (keypad, display):
            terminal.cut_power()
