"""`motcua doctor`: what is wrong is told with its mending; the rest is ok; he changes nothing."""

from __future__ import annotations

import datetime as dt
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from queue_server import command, doctor_command, settings
from queue_server.by_hand import presences
from queue_server.desk.commands import SaveAccount
from queue_server.doctor import centre, devices, machine, ports, probes
from queue_server.doctor.finding import Level, Look
from queue_server.doctor_command import TEXTS, examine, findings, line
from queue_server.doors.authority import Authority
from queue_server.doors.child import free_port
from queue_server.folder import Folder
from queue_server.line import orders as o
from queue_server.store.schema import CannotOpen
from queue_server.wire import messages as m
from queue_server.wire.words import DAY, DeviceKind, Role
from tests.brokers import make_broker, wait_for
from tests.house import house
from tests.keeping_room import KeepingRoom

ROOT = Path(__file__).parent.parent


@pytest.fixture
def room(tmp_path: Path) -> KeepingRoom:
    made = KeepingRoom(tmp_path / "var")
    made.live(1)
    return made


def look(folder: Folder, now: int = 0, **changes: object) -> Look:
    file = settings.CentreFile(**changes)  # type: ignore[arg-type]
    return Look(folder, Path("centre.toml"), file, now or int(time.time() * 1000))


def codes(room: KeepingRoom, **more: object) -> str:
    found = centre.vault(look(room.folder, **more))  # type: ignore[arg-type]
    return found.code


def test_every_finding_has_its_words_in_both_languages() -> None:
    source = "".join(
        path.read_text("utf-8") for path in (ROOT / "queue_server/doctor").glob("*.py")
    )
    source += Path(doctor_command.__file__).read_text("utf-8")
    used = re.findall(r'\b(?:ok|note|bad|_port)\(\s*"?(\w+)"?(?:,\s*"(\w+)")?', source)
    for name, code in used:
        if code:
            assert f"say.{code}" in TEXTS.keys("vi"), code
        if f"name.{name}" not in TEXTS.keys("vi"):
            assert name in ("name", "str", "self"), name
    assert all(f"name.{name}" in TEXTS.keys("vi") for name, _ in doctor_command.CHECKS)


def test_a_finding_is_one_line_vietnamese_first() -> None:
    said = line(machine.python(look(Folder(Path("x")))))
    assert said.startswith("[tốt]   Python: 3.")
    assert said.endswith(")")
    assert "\n" not in said


def test_a_check_that_fails_itself_is_a_finding_and_not_the_end() -> None:
    def broken(_: Look) -> None:
        raise KeyError("x")

    found = examine("disk", broken, look(Folder(Path("x"))))
    assert found is not None
    assert (found.level, found.code) == (Level.BAD, "look_failed")


def test_a_wrong_setting_is_told_with_file_key_and_line_and_the_rest_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "centre.toml"
    path.write_text("[web]\ncolor = 1\n")
    monkeypatch.setattr(doctor_command, "CHECKS", (("python", machine.python),))
    first, *others = findings(Folder(tmp_path / "var"), path)
    assert f"{path}:2: unknown key `web.color`" in line(first)
    assert first.level is Level.BAD
    assert len(others) == 1


def test_the_command_fails_only_where_something_is_bad(
    room: KeepingRoom, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor_command, "CHECKS", (("modes", centre.modes), ("data", centre.data)))
    data = ["--data", str(room.folder.root)]
    assert command.main(["doctor", *data]) == 0
    room.folder.head_key.chmod(0o644)
    assert command.main(["doctor", *data]) == 1
    said = capsys.readouterr().out.splitlines()
    assert [row[:7].strip() for row in said] == ["[tốt]", "[chú ý]", "[HỎNG]", "[chú ý]"]


# --- the machine ---


@pytest.mark.parametrize("place", ["a file in the way", "no disk"])
def test_a_data_folder_that_cannot_be_written_is_told(tmp_path: Path, place: str) -> None:
    (tmp_path / "var").write_text("in the way")
    root = tmp_path / "var" / "below" if place != "no disk" else Path("/proc/motcua")
    assert machine.disk(look(Folder(root))).code == "disk_unwritable"
    with pytest.raises(CannotOpen, match=str(root)):
        Folder(root).open()


def test_the_disk_is_measured(tmp_path: Path) -> None:
    found = machine.disk(look(Folder(tmp_path / "var")))
    assert found.level is not Level.BAD
    assert not (tmp_path / "var").exists()


def test_a_clock_behind_the_log_or_out_of_its_mind_is_told(room: KeepingRoom) -> None:
    an_hour_ago = int(time.time() * 1000) - 3_600_000
    found = machine.clock(look(room.folder, an_hour_ago))
    assert found.code == "clock_behind"
    assert found.values["minutes"] in (59, 60)
    assert machine.clock(look(room.folder, 1)).code == "clock_wrong"


def test_roboto_has_every_letter_and_what_a_font_lacks_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = look(Folder(tmp_path))
    assert machine.fonts(here).level is Level.OK
    assert len(set(machine.LETTERS)) == 2 * (12 * 6 + 1)  # vowels by tones, and đ
    monkeypatch.setattr(machine, "LETTERS", "aỀ\ue124")
    assert machine.fonts(here).values["letters"] == "\ue124"


def test_a_probe_that_hangs_is_ended_at_its_deadline_and_told() -> None:
    def hangs(_: Look) -> None:
        probes.probe("import time; time.sleep(60)", seconds=0.5)

    began = time.monotonic()
    found = examine("camera", hangs, look(Folder(Path("x"))))
    assert found is not None and found.code == "probe_late"
    assert time.monotonic() - began < 10


def test_a_probe_that_crashes_says_its_last_word() -> None:
    with pytest.raises(probes.ProbeFailed, match="no_such_module"):
        probes.probe("import no_such_module")


def test_a_window_is_really_drawn() -> None:
    found = probes.window(look(Folder(Path("x"))))
    assert found.level is not Level.BAD, found
    assert "OpenGL" in str(found.values["detail"])


def test_a_printer_that_is_not_there_is_told(tmp_path: Path) -> None:
    kiosk = {"printer": {"address": f"tcp://127.0.0.1:{free_port()}"}}
    found = probes.printer(look(Folder(tmp_path), kiosk=kiosk))
    assert (found.level, found.code) == (Level.BAD, "printer_failed")
    assert probes.printer(look(Folder(tmp_path))).level is Level.OK


# --- the centre ---


def test_a_folder_without_a_centre_is_no_fault(tmp_path: Path) -> None:
    here = look(Folder(tmp_path / "var"))
    for check in (centre.data, centre.vault, centre.purge, centre.backup, centre.setup):
        found = check(here)
        assert found is None or found.level is not Level.BAD


def test_the_setups_differences_are_named_by_their_keys(room: KeepingRoom) -> None:
    mine = room.desk.state.setup
    other = settings.CentreFile(
        services=mine.services[:1],
        counters=mine.counters,
        officers=mine.officers,
        priorities=mine.priorities,
        rules=settings.Rules(target_minutes=20),
    )
    found = centre.setup(Look(room.folder, Path("c"), other, 1))
    assert found is not None and found.code == "setup_differs"
    assert found.values["names"] == "centre, services.b, hours.sessions, rules.target_minutes"


def test_the_vaults_key_missing_wrong_or_lying_with_the_data_is_told(
    room: KeepingRoom, tmp_path: Path
) -> None:
    assert codes(room) == "vault"
    right = room.key.read_bytes()
    room.key.write_bytes(bytes(32))
    assert codes(room) == "vault_wrong"
    room.key.write_bytes(b"")
    assert codes(room) == "vault_size"
    room.key.unlink()
    assert codes(room) == "vault_missing"
    inside = room.folder.root / "master.key"
    inside.write_bytes(right)
    assert codes(room, vault=settings.VaultSettings(key_file=str(inside))) == "vault_inside"


def test_secrets_that_others_can_read_are_named(room: KeepingRoom) -> None:
    assert centre.modes(look(room.folder)).level is Level.OK
    room.folder.head_key.chmod(0o644)
    found = centre.modes(look(room.folder))
    assert found.values["names"] == str(room.folder.head_key)


def test_data_that_should_have_been_forgotten_is_counted(room: KeepingRoom) -> None:
    much_later = int(time.time() * 1000) + 10_000 * DAY
    found = centre.purge(look(room.folder, much_later))
    assert found is not None and found.code == "purge_overdue"
    assert centre.purge(look(room.folder)).code == "purge"  # type: ignore[union-attr]


def test_an_old_backup_is_told(room: KeepingRoom, tmp_path: Path) -> None:
    to = tmp_path / "var-backups"
    assert centre.backup(look(room.folder)).code == "backup_none"  # type: ignore[union-attr]
    to.mkdir()
    made = to / "motcua-test-20261101-000000Z-seq1.tar"
    made.write_text("")
    assert centre.backup(look(room.folder)).code == "backup"  # type: ignore[union-attr]
    week = time.time() - 7 * 86_400
    os.utime(made, (week, week))
    found = centre.backup(look(room.folder))
    assert found is not None and (found.code, found.values["days"]) == ("backup_old", 7)


def test_a_certificate_that_ends_soon_or_is_torn_is_told(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert centre.certificate(look(folder)).code == "certificate_none"
    now = dt.datetime.now(dt.UTC)
    made = Authority.open(folder.authority, "test", now).server_certificate([], now)
    assert centre.certificate(look(folder)).code == "certificate"
    almost = int((made.expires - dt.timedelta(days=3)).timestamp() * 1000)
    assert centre.certificate(look(folder, almost)).code == "certificate_ends"
    made.certificate.write_text("torn")
    assert centre.certificate(look(folder)).code == "certificate_torn"


def test_a_taken_port_names_who_took_it(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert ports.owner(port).endswith(f"({os.getpid()})")
        found = centre.web(look(Folder(tmp_path), web=settings.WebSettings(port=port)))
        assert found is not None and found.code == "port_taken"
    assert ports.owner(port) == ""


@pytest.mark.parametrize("which", ["nats", "mosquitto"])
def test_a_broker_is_asked_in_mqtt(tmp_path: Path, which: str) -> None:
    from queue_server.doors.mosquitto import mosquitto_program

    if which == "mosquitto" and mosquitto_program() is None:
        pytest.skip("mosquitto is not installed")
    broker = make_broker(which, tmp_path / "broker")
    broker.start([])
    try:
        assert ports.speaks_mqtt("127.0.0.1", broker.port or 0, None)
    finally:
        broker.stop()
    assert not ports.speaks_mqtt("127.0.0.1", broker.port or 0, None)


def test_no_address_for_phones_means_no_qr_and_is_told(tmp_path: Path) -> None:
    def code(url: str) -> str:
        web = settings.WebSettings(public_url=url)
        return centre.public_url(look(Folder(tmp_path), web=web)).code

    assert code("") == "public_url_none"
    assert code("http://127.0.0.1:8080") == "public_url_loopback"
    assert code("https://mc.example") == "public_url"


def test_a_centre_that_runs_is_found_by_its_lock(room: KeepingRoom) -> None:
    assert centre.data(look(room.folder)).code == "data_stopped"
    lock = room.folder.lock()
    code = (
        "import sys, time; from pathlib import Path; from tests.test_doctor import *\n"
        "print(centre.data(look(Folder(Path(sys.argv[1])))).code)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(room.folder.root)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=30,
    )
    lock.close()
    assert said.stdout.strip() == "data_mute", said.stderr


def test_he_changes_nothing(room: KeepingRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    account = SaveAccount(account="abc", name="A", role=Role.GUIDE, password="x")
    room.give(account, role=None)
    room.give(o.ChangeSetup(setup=settings.read(settings.example()).setup()), role=None)
    slow = {"window", "camera", "printer", "reading", "voice"}
    kept = tuple(x for x in doctor_command.CHECKS if x[0] not in slow)
    monkeypatch.setattr(doctor_command, "CHECKS", kept)
    before = {path: path.read_bytes() for path in room.folder.root.rglob("*") if path.is_file()}
    names = [found.name for found in findings(room.folder, settings.example())]
    after = {path: path.read_bytes() for path in room.folder.root.rglob("*") if path.is_file()}
    assert {p: b for p, b in after.items() if not p.name.endswith("-shm")} == {
        p: b for p, b in before.items() if not p.name.endswith("-shm")
    }
    assert len(names) >= 15


def test_devices_that_need_somebody_are_named_and_the_others_are_not() -> None:
    well = m.TerminalSeen(name="b1", counter=1, state="ok", battery=80)
    low = m.TerminalSeen(name="b2", counter=2, state="ok", battery=9, update="went_back")
    mute = m.TerminalSeen(name="b3", counter=3, state="silent")
    refused = m.ConfigRun(version=2, state="refused", reason="wrong_value", key="lamp_s")
    known = [
        m.Presence(device="kiosk-1", kind="kiosk", state="online", until=100),
        m.Presence(device="kiosk-2", kind="kiosk", state="online", until=99),
        m.Presence(device="tablet-1", kind="tablet", state="offline"),
        m.Presence(
            device="bridge-1",
            kind="bridge",
            state="online",
            until=100,
            terminals=(well, low, mute),
            config=refused,
        ),
    ]
    assert list(devices.troubles_of(known, now=100)) == [
        "kiosk-2 (offline)",
        "tablet-1 (offline)",
        "bridge-1 (config wrong_value lamp_s)",
        "b2 (battery 9 %)",
        "b2 (firmware went_back)",
        "b3 (silent)",
    ]


def test_a_running_centres_devices_are_looked_at_and_revoked_ones_are_not(tmp_path: Path) -> None:
    with house(tmp_path) as home:
        kiosk = home.enrol(DeviceKind.KIOSK, "kiosk-1")
        gone = home.enrol(DeviceKind.KIOSK, "kiosk-2")
        assert devices.devices(look(home.folder)) is None
        home.start()
        home.link(kiosk)
        home.link(gone).stop()
        assert wait_for(lambda: set(presences(home.folder)) == {"kiosk-1", "kiosk-2"})

        def told() -> dict[str, object]:
            found = devices.devices(look(home.folder))
            return dict(found.values) if found is not None else {}

        assert wait_for(lambda: told() == {"names": "kiosk-2 (offline)"}), told()
        home.devices.revoke("kiosk-2", 1)
        found = devices.devices(look(home.folder))
        assert found is not None
        assert (found.level, found.values) == (Level.OK, {"count": 1, "terminals": 0})
