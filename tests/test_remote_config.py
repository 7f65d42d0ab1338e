"""Settings from afar: wanted by a technician, taken or refused by the device, and what the page says of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from firmware_bridge.settings import BridgeSettings
from kiosk import settings as kiosk_settings
from kiosk.settings import KioskSettings
from queue_server import accounts_command, command
from queue_server.store.devices import Devices, UnknownDevice
from queue_server.wire import messages as m
from queue_server.wire.enrol import enrol, split_code
from queue_server.wire.link import Link
from queue_server.wire.remote import KEYS, NotUnderstood, RemoteConfig, parse, written
from queue_server.wire.words import DeviceKind
from tablet_survey.settings import TabletSettings
from tests.centre import Centre, Refused, centre, until  # noqa: F401

OWN = {
    DeviceKind.KIOSK: KioskSettings,
    DeviceKind.TABLET: TabletSettings,
    DeviceKind.BRIDGE: BridgeSettings,
}


def wanted(version: int, **values: object) -> m.DeviceConfig:
    return m.DeviceConfig(version=version, values=values)


class Bridge:
    """A bridge's settings from afar, in a folder that outlives it."""

    def __init__(self, folder: Path, base: BridgeSettings = BridgeSettings()) -> None:
        self.applied: list[BridgeSettings] = []
        self.config = RemoteConfig(
            folder / "config.json",
            DeviceKind.BRIDGE,
            base,
            live=frozenset({"lamp_s"}),
            on_apply=self.applied.append,
        )
        self.own = self.config.start()


@pytest.fixture
def bridge(tmp_path: Path) -> Bridge:
    return Bridge(tmp_path)


# --- on the device ---


@pytest.mark.parametrize("kind", OWN)
def test_what_may_be_set_from_afar_is_a_setting_of_its_program(kind: DeviceKind) -> None:
    assert set(KEYS[kind]) <= set(OWN[kind].__struct_fields__)


def test_what_is_live_counts_at_once_and_the_rest_from_the_next_start(
    bridge: Bridge, tmp_path: Path
) -> None:
    assert bridge.config.take(wanted(1, lamp_s=4)).state == "applied"
    assert [own.lamp_s for own in bridge.applied] == [4]
    assert bridge.config.take(wanted(2, lamp_s=4, pause_ms=80)).state == "restart"
    again = Bridge(tmp_path)
    assert (again.own.lamp_s, again.own.pause_ms) == (4, 80)
    assert again.config.run() == m.ConfigRun(version=2, state="applied")


@pytest.mark.parametrize(
    ("values", "reason", "key"),
    [
        ({"port": "/dev/null"}, "not_remote", "port"),
        ({"nonsense": 1}, "not_remote", "nonsense"),
        ({"lamp_s": "long"}, "wrong_value", "lamp_s"),
        ({"lamp_s": 3, "pause_ms": 0}, "wrong_value", "pause_ms"),
    ],
)
def test_it_is_taken_whole_or_refused_whole_with_the_key(
    bridge: Bridge, tmp_path: Path, values: dict[str, object], reason: str, key: str
) -> None:
    bridge.config.take(wanted(1, lamp_s=5))
    said = bridge.config.take(wanted(2, **values))
    assert said == m.ConfigRun(version=2, state="refused", reason=reason, key=key)
    again = Bridge(tmp_path)
    assert again.own.lamp_s == 5
    assert again.config.run() == said


def test_a_kiosk_refuses_what_would_hurry_its_visitors(tmp_path: Path) -> None:
    config = RemoteConfig(
        tmp_path / "config.json", DeviceKind.KIOSK, KioskSettings(), kiosk_settings.check
    )
    config.start()
    said = config.take(wanted(1, idle_seconds=5))
    assert (said.state, said.key) == ("refused", "idle_seconds")


def test_the_same_again_changes_nothing_and_another_of_the_same_version_does(
    bridge: Bridge,
) -> None:
    bridge.config.take(wanted(1, lamp_s=4))
    bridge.config.take(wanted(1, lamp_s=4))
    assert len(bridge.applied) == 1
    bridge.config.take(wanted(1, lamp_s=6))  # the centre was restored from a copy
    assert bridge.applied[-1].lamp_s == 6


def test_without_wishes_the_own_file_counts_again(bridge: Bridge) -> None:
    bridge.config.take(wanted(1, lamp_s=4))
    bridge.config.take(wanted(2))
    assert bridge.applied[-1].lamp_s == BridgeSettings().lamp_s


def test_a_torn_file_and_one_that_no_longer_fits_leave_the_own_settings(
    bridge: Bridge, tmp_path: Path
) -> None:
    bridge.config.take(wanted(1, lamp_s=4))
    path = tmp_path / "config.json"
    path.write_bytes(path.read_bytes().replace(b"lamp_s", b"gone_s"))
    assert Bridge(tmp_path).own == BridgeSettings()
    path.write_bytes(b"{")
    assert Bridge(tmp_path).own == BridgeSettings()


def test_a_disk_that_takes_nothing_is_a_refusal(bridge: Bridge, tmp_path: Path) -> None:
    (tmp_path / "config.json.new").mkdir()
    said = bridge.config.take(wanted(1, lamp_s=4))
    assert (said.state, said.reason) == ("refused", "disk")
    assert bridge.applied == []


# --- as people write it ---


def test_lines_are_read_and_written_back() -> None:
    values = {"idle_seconds": 90, "words": True, "languages": ["vi", "en"], "language": "vi"}
    assert parse(written(values)) == values


@pytest.mark.parametrize("text", ["idle_seconds", "a = ", "[a]\nb = 1"])
def test_what_is_no_line_is_refused(text: str) -> None:
    with pytest.raises(NotUnderstood):
        parse(text)


# --- in the table of devices ---


def test_versions_go_on_counting_when_a_device_is_revoked_and_added_anew(tmp_path: Path) -> None:
    devices = Devices(tmp_path / "devices.db", "ab" * 32)
    devices.add(DeviceKind.BRIDGE, "b", None, now=0)
    assert devices.configure("b", {"lamp_s": 4}, 1, "kythuat01").version == 1
    devices.revoke("b", now=2)
    assert devices.wanted() == {}
    with pytest.raises(UnknownDevice):
        devices.configure("b", {}, 3, "kythuat01")
    devices.add(DeviceKind.BRIDGE, "b", None, now=4)
    assert devices.wanted()["b"].config == m.DeviceConfig(version=2)
    devices.close()


# --- through a whole centre ---


@pytest.fixture
def device(centre: Centre, tmp_path: Path) -> Iterator[Link]:  # noqa: F811
    """A bridge of the running centre, with nothing behind it but its settings from afar."""
    name = f"bridge-{tmp_path.name.removeprefix('test_').replace('_', '-')[:20]}"
    options = ["--kind", "bridge", "--data", str(centre.data)]
    assert command.main(["accounts", "device", "add", name, *options]) == 0
    devices = accounts_command.devices_of(accounts_command.Folder(centre.data))
    code = devices.reissue(name, accounts_command._now())
    devices.close()
    assert split_code(code)
    link = Link(enrol(centre.web, code), "9.9")
    link.remote = Bridge(tmp_path).config
    link.start()
    assert link.wait_connected(20)
    yield link
    link.stop()


def row(centre: Centre, name: str) -> dict[str, object]:  # noqa: F811
    rows = centre.call("GET", "/api/devices", token=centre.as_("kythuat01"))
    return next(x for x in rows if x["name"] == name)


def test_a_wish_goes_to_the_device_and_its_answer_comes_back(
    centre: Centre,  # noqa: F811
    device: Link,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name, token = device.credentials.device, centre.as_("kythuat01")
    path = f"/api/devices/{name}/config"
    assert row(centre, name)["config"]["state"] == "none"
    centre.call("PUT", path, {"values": {"lamp_s": 4}}, token)
    until(lambda: row(centre, name)["config"]["state"] == "applied", "the answer")
    centre.call("PUT", path, {"values": {"lamp_s": 400}}, token)
    until(lambda: row(centre, name)["config"]["state"] == "refused", "the refusal")
    config = row(centre, name)["config"]
    assert (config["reason"], config["key"], config["by"]) == ("wrong_value", "lamp_s", "kythuat01")
    capsys.readouterr()
    assert command.main(["accounts", "device", "show", name, "--data", str(centre.data)]) == 0
    said = capsys.readouterr().out
    assert "version 9.9" in said
    assert "version 2: refused (wrong_value lamp_s)" in said
    setting, data = ["accounts", "device", "set", name], ["--data", str(centre.data)]
    assert command.main([*setting, "lamp_s=7", *data]) == 0
    until(lambda: row(centre, name)["config"]["state"] == "applied", "the third answer")
    assert command.main([*setting, "port='/dev/null'", *data]) == 1
    assert "cannot be set from afar" in capsys.readouterr().err


def test_only_who_may_change_devices_wishes_and_only_what_may_be_set(
    centre: Centre,  # noqa: F811
    device: Link,
) -> None:
    path = f"/api/devices/{device.credentials.device}/config"
    for token, values, status in (
        (centre.as_("quanly01"), {"lamp_s": 4}, 403),
        (centre.as_("kythuat01"), {"port": "/dev/null"}, 422),
    ):
        with pytest.raises(Refused) as refused:
            centre.call("PUT", path, {"values": values}, token)
        assert refused.value.status == status
    with pytest.raises(Refused) as refused:
        centre.call("PUT", "/api/devices/no-such/config", {"values": {}}, centre.as_("kythuat01"))
    assert refused.value.status == 404


def test_a_device_that_was_away_hears_it_when_it_comes(
    centre: Centre,  # noqa: F811
    device: Link,
    tmp_path: Path,
) -> None:
    device.stop()
    name = device.credentials.device
    values = {"values": {"lamp_s": 3.5}}
    centre.call("PUT", f"/api/devices/{name}/config", values, centre.as_("kythuat01"))
    later = Link(device.credentials, "9.9")
    later.remote = Bridge(tmp_path).config
    later.start()
    try:
        until(lambda: row(centre, name)["config"]["state"] == "applied", "the answer")
        kept = json.loads((tmp_path / "config.json").read_bytes())
        assert kept["good"] == msgspec.to_builtins(wanted(1, lamp_s=3.5))
    finally:
        later.stop()
