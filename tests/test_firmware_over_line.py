"""New firmware over a line: real MicroPython pulls it from the real bridge, tries it, and comes back if need be."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from firmware_bridge import frames, ota
from firmware_bridge.frames import Frame, Kind
from queue_server.wire import firmware
from tests.firmware_room import (
    HERE,
    SOURCES,
    check,
    compile_firmware,
    mpy_cross,
    needed,
    until,
)
from tests.test_bridge import needs_broker
from tests.test_firmware import Room, is_kind

SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
NEW = "test-1.1"
SMALL = "firmware/lamp.mpy"
LATE = 90.0
"""Seconds that a whole update may take on a machine that has much else to do."""


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if missing := needed():
        pytest.fail(missing)
    return compile_firmware(tmp_path_factory.mktemp("firmware") / "build")


@pytest.fixture(scope="module")
def next_version(build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same firmware, but for the version that it tells."""
    made = shutil.copytree(build, tmp_path_factory.mktemp("next") / "firmware")
    (made / "esp32_board.mpy").unlink()
    changed(made, "terminal", "VERSION = (1, 0)", "VERSION = (1, 1)")
    return made


def changed(built: Path, module: str, old: str, new: str) -> None:
    source = (SOURCES / f"{module}.py").read_text()
    assert old in source
    edited = built.parent / f"{module}.py"
    edited.write_text(source.replace(old, new))
    mpy_cross(edited, built / f"{module}.mpy")
    edited.unlink()


def packed(built: Path, name: str = "test", key: Ed25519PrivateKey = SIGNER) -> bytes:
    files = {f"firmware/{one.name}": one.read_bytes() for one in built.iterdir()}
    return firmware.make(name, "1.1", files, key)[1]


def mostly_there(flash: Path, content: bytes) -> None:
    """All files of the package lie in the second set, but for a small one."""
    found = firmware.read(content, [firmware.public_hex(SIGNER)])
    fresh = {"running": "a", "trial": {}, "highest": 0, "good": 0, "gone": 0, "failed": []}
    kept = fresh | {"loading": ota.digest(found.signed)}
    (flash / "sets.json").write_text(json.dumps(kept))
    for entry, data in zip(found.manifest.files, found.files, strict=True):
        if entry.path == SMALL:
            continue
        path = flash / "b" / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


class UpdateRoom(Room):
    """A room whose terminal has a flash with two sets, and whose bridge trusts one key."""

    def __init__(self, folder: Path, build: Path, role: str) -> None:
        super().__init__(folder, build, role)
        self.terminal.cut_power()
        self.terminal.flash = folder / "flash"
        shutil.copytree(build, self.terminal.flash / "a" / "firmware")
        self.terminal.start()
        own = self.settings.read_text()
        keys = json.dumps([firmware.public_hex(SIGNER)])
        self.settings.write_text(own.replace("[bridge]\n", f"[bridge]\nfirmware_keys = {keys}\n"))

    @property
    def flash(self) -> Path:
        assert self.terminal.flash is not None
        return self.terminal.flash

    def want(self, content: bytes, package: str = NEW) -> None:
        shelf = self.data / "firmware"
        shelf.mkdir(exist_ok=True)
        (shelf / f"{package}.zip").write_bytes(content)
        assert self.bridge is not None
        self.bridge.want_firmware({"t1": package})

    def mostly_there(self, content: bytes) -> None:
        """As if an earlier try had brought all files but a small one: the rest is quick."""
        self.terminal.cut_power()
        mostly_there(self.flash, content)
        self.terminal.start()

    @property
    def word(self) -> str:
        assert self.bridge is not None
        (seen,) = self.bridge.terminals()
        return seen.update

    @property
    def version(self) -> str:
        assert self.bridge is not None
        (seen,) = self.bridge.terminals()
        return seen.version

    def record(self) -> dict[str, object]:
        kept: dict[str, object] = json.loads((self.flash / "sets.json").read_text())
        return kept

    def pulled(self) -> int:
        """Bytes of files that lie in the second set."""
        return sum(one.stat().st_size for one in (self.flash / "b").rglob("*.mpy"))


@pytest.fixture
def room(build: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[UpdateRoom]:
    monkeypatch.setattr("firmware_bridge.updates.OFFER_AGAIN_S", 0.3)
    made = UpdateRoom(tmp_path, build, "rating")
    yield made
    made.end()


@needs_broker
def test_a_terminal_pulls_a_new_version_tries_it_and_keeps_it(
    room: UpdateRoom, next_version: Path
) -> None:
    room.mostly_there(packed(next_version))
    room.open()
    until(lambda: room.version == "1.0")
    room.want(packed(next_version))
    until(lambda: room.word == "done", LATE)
    assert room.version == "1.1"
    assert (room.record()["running"], room.record()["trial"]) == ("b", {})
    room.terminal.cut_power()
    room.terminal.start()
    assert room.terminal.press(5)
    until(lambda: room.server.counted)
    assert room.version == "1.1"


@needs_broker
def test_presses_during_an_update_go_first_and_are_counted_once(
    room: UpdateRoom, next_version: Path
) -> None:
    room.open()
    room.want(packed(next_version))
    for button in (1, 2, 3, 4, 5):
        until(lambda: room.word.startswith("sending"))
        assert room.terminal.press(button)
    assert room.word.startswith("sending")
    until(lambda: room.word == "done", LATE)
    until(lambda: len(room.server.counted) == 5)
    assert [press.score for press in room.server.counted.values()] == [1, 2, 3, 4, 5]


@needs_broker
def test_pieces_that_the_line_spoils_or_loses_come_again(
    room: UpdateRoom, next_version: Path
) -> None:
    room.line.noise, room.line.loss, room.line.noise_outward = 0.1, 0.05, 0.1
    room.settings.write_text(room.settings.read_text().replace("reply_ms = 1000", "reply_ms = 100"))
    room.mostly_there(packed(next_version))
    room.open()
    room.want(packed(next_version))
    until(lambda: room.word == "done", LATE)
    assert room.version == "1.1"


@needs_broker
def test_a_piece_that_is_not_what_was_signed_is_refused_and_the_old_set_runs_on(
    room: UpdateRoom, next_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "firmware_bridge.updates.ota.piece_of",
        lambda content, offset, whole=ota.piece_of: (
            whole(content, offset).replace(b"\0", b"\1")
            if content[:1] == b"M"  # what mpy-cross makes; the manifest begins otherwise
            else whole(content, offset)
        ),
    )
    room.open()
    room.want(packed(next_version))
    until(lambda: room.word == "refused hash")
    assert room.record()["running"] == "a"
    assert room.terminal.press(4)
    until(lambda: room.server.counted)
    assert room.version == "1.0"


@needs_broker
def test_power_lost_in_the_middle_goes_on_where_it_was(
    room: UpdateRoom, next_version: Path
) -> None:
    room.open()
    room.want(packed(next_version))
    until(lambda: room.word.startswith("sending") and room.word >= "sending 50", LATE)
    room.terminal.cut_power()
    have = room.pulled()
    assert have > 0
    room.line.heard.clear()
    room.terminal.start()
    until(lambda: room.word == "done", LATE)
    whole = sum(one.stat().st_size for one in next_version.iterdir())
    assert sum(data_sizes(room)) <= (whole - have) * 1.2


def data_sizes(room: UpdateRoom) -> list[int]:
    """Bytes of files, and not of the manifest, that the bridge has sent."""
    found = frames.Deframer(lambda _: room.key).feed(b"".join(room.line.heard))
    pieces = [
        ota.Piece.read(f.payload) for f in found if isinstance(f, Frame) and f.kind is Kind.PIECE
    ]
    return [len(piece.data) for piece in pieces if piece.file]


@needs_broker
def test_a_new_set_that_crashes_at_its_start_is_given_up_and_not_taken_again(
    room: UpdateRoom, next_version: Path, tmp_path: Path
) -> None:
    bad = shutil.copytree(next_version, tmp_path / "bad")
    changed(bad, "run", "FOR_SERVICE = 0b1001", "FOR_SERVICE = 1 // 0")
    room.mostly_there(packed(bad))
    room.open()
    room.want(packed(bad))
    until(lambda: room.word == "went_back", LATE)
    assert room.record()["running"] == "a"
    assert room.terminal.told.count({"restart": True}) == 4  # into it, and out of it three times
    assert room.terminal.press(3)
    until(lambda: room.server.counted)
    assert room.version == "1.0"
    room.bridge.want_firmware({})  # type: ignore[union-attr]
    room.line.heard.clear()
    room.want(packed(bad))
    until(lambda: room.word == "went_back", LATE)
    assert data_sizes(room) == []


@needs_broker
def test_a_new_set_that_crashes_while_it_runs_is_given_up(
    room: UpdateRoom, next_version: Path, tmp_path: Path
) -> None:
    bad = shutil.copytree(next_version, tmp_path / "bad")
    changed(bad, "run", "        self._talk.step(now)\n", "        self._talk.step()\n")
    room.mostly_there(packed(bad))
    room.open()
    room.want(packed(bad))
    until(lambda: room.word == "went_back", LATE)
    until(lambda: room.version == "1.0")


@needs_broker
def test_a_set_that_a_stranger_signed_is_offered_to_nobody(
    room: UpdateRoom, next_version: Path
) -> None:
    room.open()
    room.want(packed(next_version, key=STRANGER))
    # What the bridge has cannot be believed, so it asks the centre, which is not there.
    until(lambda: room.word in ("bad signature", "not_fetched"))
    until(lambda: room.version == "1.0")
    assert not any(is_kind(data, room.key, Kind.OFFER) for data in room.line.heard)


@needs_broker
def test_a_manifest_that_the_bridge_did_not_vouch_for_is_refused_unread(
    room: UpdateRoom, next_version: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("firmware_bridge.updates.ota.manifest_mac", lambda *_: bytes(32))
    room.open()
    room.want(packed(next_version))
    until(lambda: room.word == "refused mac")
    assert not (room.flash / "b").exists()


@needs_broker
def test_firmware_for_another_board_is_refused(room: UpdateRoom, next_version: Path) -> None:
    room.open()
    room.want(packed(next_version, name="esp32"), "esp32-1.1")
    until(lambda: room.word == "refused manifest")
    assert not (room.flash / "b").exists()


@needs_broker
@pytest.mark.parametrize("change", [2, 3, 4, 5, 7, 9, 10])
def test_power_lost_at_any_change_of_the_flash_leaves_a_set_that_starts_and_the_update_ends(
    room: UpdateRoom, next_version: Path, change: int
) -> None:
    """Changes 1–3 note the offer, 4–7 pull a torn file to its end and then anew, 8–10 switch."""
    room.mostly_there(packed(next_version))
    size = (next_version / "lamp.mpy").stat().st_size
    (room.flash / "b" / SMALL).write_bytes(bytes(size - 20))
    room.terminal.tell(cut_at=change)
    room.open()
    room.want(packed(next_version))
    room.terminal.wait_dead()
    assert {"restart": True} not in room.terminal.told
    room.terminal.start()
    until(lambda: room.word == "done", LATE)
    assert room.version == "1.1"
    assert (room.flash / "b" / SMALL).read_bytes() == (next_version / "lamp.mpy").read_bytes()


# --- what starts the sets ---


@pytest.mark.parametrize(
    ("trial", "source", "happens"),
    [
        ({}, "def main(): print('ran')", ["a"]),
        ({"number": 7, "digest": "d", "starts": 0}, "def main(): pass", ["a", "watchdog"]),
        ({"number": 7, "digest": "d", "starts": 2}, "1 // 0", ["a", "watchdog", "reset"]),
        ({"number": 7, "digest": "d", "starts": 2}, "no python", ["a", "watchdog", "reset"]),
        ({"number": 7, "digest": "d", "starts": 3}, "1 // 0", ["b"]),
    ],
)
def test_main_counts_a_trial_and_starts_anew_when_its_set_stops(
    build: Path, trial: dict[str, object], source: str, happens: list[str]
) -> None:
    given = {"main": (SOURCES / "main.py").read_text(), "trial": trial, "source": source}
    found = check(build, HERE / "check_main.py", json.dumps(given))
    assert found["happened"] == happens
    assert found["starts"] == (trial["starts"] + 1 if trial and happens[0] == "a" else None)  # type: ignore[operator]
