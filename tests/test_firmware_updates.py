"""Firmware over the air: signed, pulled piece by piece, tried, confirmed; and the way back."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from firmware_bridge import ota, pretend_terminal, settings
from firmware_bridge.foreign.pretend_wifi import PretendWifi
from firmware_bridge.ota import Confirm, Offer, Piece
from firmware_bridge.packages import NotFetched, PackageShelf
from firmware_bridge.pretend_terminal import PressLog, PretendTerminal
from firmware_bridge.pretend_update import MOST_STARTS, PretendUpdate
from firmware_bridge.store import PressStore
from firmware_bridge.terminals import Terminal
from firmware_bridge.updates import FETCH_AGAIN_S, OFFER_AGAIN_S, Updates
from queue_server import command
from queue_server.store.devices import Devices
from queue_server.store.packages import NoPackage, Packages
from queue_server.wire import firmware
from queue_server.wire.enrol import split_code
from queue_server.wire.firmware import BadPackage, Package
from queue_server.wire.words import DeviceKind
from tests.brokers import wait_for
from tests.centre import Refused, running_centre, until
from tests.foreign_room import ForeignRoom, foreign_room

SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
TRUSTED = [firmware.public_hex(SIGNER)]
KEY = bytes(range(1, 33))
FILES = {"main.mpy": b"\0main" * 40, "lib/cobs.mpy": b"cobs" * 30, "board.json": b""}


def packed(version: str = "1.1", files: dict[str, bytes] = FILES) -> bytes:
    return firmware.make("rating5", version, files, SIGNER)[1]


def package(version: str = "1.1", files: dict[str, bytes] = FILES) -> Package:
    return firmware.read(packed(version, files), TRUSTED)


# --- the package ---


def test_the_same_files_make_the_same_package_and_it_reads_back() -> None:
    assert packed() == packed()
    found = package()
    assert found.manifest.package == "rating5-1.1"
    assert dict(zip([f.path for f in found.manifest.files], found.files, strict=True)) == FILES


def with_file(content: bytes, name: str, data: bytes) -> bytes:
    """The package with one thing inside replaced."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for info in old.infolist():
            new.writestr(info, data if info.filename == name else old.read(info))
    return out.getvalue()


def other_version(content: bytes) -> bytes:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        manifest = archive.read("manifest.json")
    return with_file(content, "manifest.json", manifest.replace(b'"1.1"', b'"9.9"'))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda whole: b"", "unreadable"),
        (lambda whole: whole[:-40], "unreadable"),
        (lambda whole: with_file(whole, "files/main.mpy", b"\0evil" * 40), "file"),
        (lambda whole: with_file(whole, "files/main.mpy", b"short"), "file"),
        (lambda whole: with_file(whole, "files/main.mpy", b"x" * 500), "too_large"),
        (other_version, "signature"),
        (lambda whole: with_file(whole, "signature", bytes(64)), "signature"),
        (lambda whole: whole + bytes(firmware.LARGEST_PACKAGE), "too_large"),
    ],
)
def test_a_spoiled_or_changed_package_is_refused(
    spoil: Callable[[bytes], bytes], reason: str
) -> None:
    with pytest.raises(BadPackage) as bad:
        firmware.read(spoil(packed()), TRUSTED)
    assert bad.value.reason == reason


def test_nobodys_signature_and_a_strangers_are_refused() -> None:
    stranger = firmware.public_hex(Ed25519PrivateKey.generate())
    for trusted in ([], [stranger], ["no key"]):
        with pytest.raises(BadPackage, match="signature"):
            firmware.read(packed(), trusted)
    assert firmware.read(packed(), [stranger, *TRUSTED]).manifest.version == "1.1"


@pytest.mark.parametrize(
    ("version", "files"),
    [
        ("1", FILES),
        ("1.256", FILES),
        ("01.2", FILES),
        ("1.1", {"../main.py": b"x"}),
        ("1.1", {"/etc/x.py": b"x"}),
        ("1.1", {"Main.py": b"x"}),
        ("1.1", {"main.exe": b"x"}),
        ("1.1", {}),
    ],
)
def test_what_a_terminal_could_not_take_is_not_packed(
    version: str, files: dict[str, bytes]
) -> None:
    with pytest.raises(BadPackage, match="manifest"):
        packed(version, files)


def test_a_kept_package_is_never_replaced_by_another_of_its_name(tmp_path: Path) -> None:
    kept = Packages(tmp_path / "firmware")
    kept.add(packed(), TRUSTED)
    kept.add(packed(), TRUSTED)
    with pytest.raises(BadPackage, match="count up"):
        kept.add(packed("1.1", {"main.py": b"other"}), TRUSTED)
    assert kept.names() == ["rating5-1.1"]
    for wrong in ("rating5-9.9", "../devices", "rating5-1.1/../x"):
        with pytest.raises(NoPackage):
            kept.content(wrong)


# --- bridge and terminal, by hand ---


class Bench:
    """A terminal and the bridge's side, every message of theirs in the test's hands."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.at = folder, 100.0
        self.store = PressStore(folder / "presses.db")
        self.shelf = {f"rating5-{v}": package(v) for v in ("1.1", "1.2")}
        self.restart_bridge()
        self.restarts = 0
        self.power_on()

    def restart_bridge(self, wanted: str = "") -> None:
        self.updates = Updates(
            (Terminal("hop-3", 1, 3, KEY),),
            self.store,
            self.shelf.__getitem__,
            monotonic=lambda: self.at,
            in_background=lambda job: job(),
        )
        if wanted:
            self.want(wanted)

    def want(self, name: str) -> None:
        self.updates.want({"hop-3": name})
        self.updates.due("hop-3", self.version)  # fetches

    def power_on(self) -> list[bytes]:
        """A start of the terminal, with nothing but what lies on its flash."""
        self.terminal = PretendUpdate(self.folder / "flash", KEY, self._restarted)
        return self.terminal.start()

    def _restarted(self) -> None:
        self.restarts += 1

    version = property(lambda self: self.terminal.version)

    @property
    def word(self) -> str:
        return self.updates.word("hop-3")

    def tell(self, said: list[bytes]) -> list[bytes]:
        """The terminal's words to the bridge; the bridge's answers."""
        answers = []
        for payload in said:
            message = ota.decode(payload, KEY)
            assert message is not None
            answers += self.updates.hear("hop-3", message)
        return [ota.encode(one, KEY) for one in answers]

    def due(self) -> list[bytes]:
        return [ota.encode(one, KEY) for one in self.updates.due("hop-3", self.version)]

    def carry(self, down: list[bytes], pieces: int = 10_000) -> None:
        """Until nobody has anything to say, or so many messages went down."""
        while down and pieces:
            pieces -= 1
            down = [*down[1:], *self.tell(self.terminal.hear(down[0]))]

    def load(self) -> None:
        """Offer and pull to the end; the terminal is then about to start anew."""
        self.at += OFFER_AGAIN_S
        self.carry(self.due())

    def files(self) -> dict[str, bytes]:
        active = self.terminal.active
        return {
            p.relative_to(active).as_posix(): p.read_bytes()
            for p in active.rglob("*")
            if p.is_file()
        }


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.store.close()


def test_a_terminal_pulls_tries_and_is_confirmed(bench: Bench) -> None:
    bench.want("rating5-1.1")
    bench.load()
    assert bench.restarts == 1
    bench.tell(bench.power_on())
    assert bench.word == "trying"
    bench.carry(bench.due())
    assert (bench.word, bench.version, bench.files()) == ("done", "1.1", FILES)
    assert bench.due() == []
    assert [p.name for p in (bench.folder / "flash").iterdir() if p.is_dir()] == ["b"]


def test_a_power_cut_in_the_middle_goes_on_where_it_was(bench: Bench) -> None:
    bench.want("rating5-1.1")
    bench.carry(bench.due(), pieces=14)
    have = sum(p.stat().st_size for p in (bench.folder / "flash" / "b").rglob("*.mpy"))
    assert have > 0
    bench.power_on()
    told: list[int] = []
    hear = bench.terminal.hear
    bench.terminal.hear = lambda payload: told.append(len(payload)) or hear(payload)
    bench.load()
    whole = sum(map(len, FILES.values()))
    pieces = sum(size - 18 for size in told[1:]) - len(bench.shelf["rating5-1.1"].signed)
    assert pieces == whole - have
    assert bench.restarts == 1


def test_a_set_that_never_gets_a_word_out_gives_itself_up(bench: Bench) -> None:
    bench.want("rating5-1.1")
    bench.load()
    for _ in range(MOST_STARTS):
        bench.power_on()
    said = bench.power_on()
    assert bench.version == "1.0"
    bench.tell(said)
    assert bench.word == "went_back"
    bench.at += 3_600
    assert bench.due() == []


def test_a_set_that_went_back_is_not_taken_again_and_the_next_one_is(bench: Bench) -> None:
    bench.want("rating5-1.1")
    bench.load()
    bench.power_on()
    bench.tell(bench.terminal.go_back())
    bench.restart_bridge("rating5-1.1")  # it has forgotten
    bench.load()
    assert (bench.word, bench.version, bench.restarts) == ("went_back", "1.0", 1)
    bench.want("rating5-1.2")
    bench.load()
    bench.tell(bench.power_on())
    bench.carry(bench.due())
    assert (bench.word, bench.version) == ("done", "1.2")


def test_a_bridge_that_starts_anew_during_the_trial_confirms_it(bench: Bench) -> None:
    bench.want("rating5-1.1")
    bench.load()
    bench.restart_bridge("rating5-1.1")
    bench.tell(bench.power_on())
    bench.carry(bench.due())
    assert bench.word == "done"
    assert [bench.power_on() for _ in range(MOST_STARTS + 1)] == [[]] * (MOST_STARTS + 1)
    assert bench.version == "1.1"


def test_a_trial_is_confirmed_by_a_fresh_version_and_not_by_a_report_alone(bench: Bench) -> None:
    bench.want("rating5-1.1")
    bench.load()
    bench.tell(bench.power_on())
    said = bench.updates.due("hop-3", "1.0")
    assert not any(isinstance(one, Confirm) for one in said)


def test_an_old_offer_played_back_is_refused(bench: Bench) -> None:
    bench.want("rating5-1.1")
    (old,) = bench.due()
    bench.carry([old])
    bench.tell(bench.power_on())
    bench.carry(bench.due())
    bench.want("rating5-1.2")
    bench.load()
    bench.tell(bench.power_on())
    bench.carry(bench.due())
    (said,) = bench.terminal.hear(old)
    assert ota.decode(said, KEY) == ota.Report(1, ota.State.REFUSED, ota.Reason.OLD)
    assert bench.version == "1.2"


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (lambda m: Offer(m.number, m.size, bytes(32)) if isinstance(m, Offer) else m, "mac"),
        (
            lambda m: (
                Piece(m.number, m.file, m.offset, b"\xff" * len(m.data))
                if isinstance(m, Piece) and m.file == 3
                else m
            ),
            "hash",
        ),
        (
            lambda m: (
                Piece(m.number, 0, m.offset, m.data.upper())
                if isinstance(m, Piece) and m.file == 0
                else m
            ),
            "mac",
        ),
    ],
)
def test_what_is_not_what_was_signed_is_refused_and_the_old_set_runs_on(
    bench: Bench, spoil: Callable[[ota.Message], ota.Message], word: str
) -> None:
    bench.want("rating5-1.1")
    hear = bench.terminal.hear

    def spoiled(payload: bytes) -> list[bytes]:
        message = ota.decode(payload, KEY)
        assert message is not None
        return hear(ota.encode(spoil(message), KEY))

    bench.terminal.hear = spoiled
    bench.load()
    assert bench.word == f"refused {word}"
    assert (bench.restarts, bench.version) == (0, "1.0")


def test_firmware_of_another_kind_of_terminal_is_refused(bench: Bench) -> None:
    content = firmware.make("keypad", "1.1", FILES, SIGNER)[1]
    bench.shelf["keypad-1.1"] = firmware.read(content, TRUSTED)
    bench.want("keypad-1.1")
    bench.load()
    assert (bench.word, bench.restarts) == ("refused manifest", 0)


def test_the_vectors_of_the_description_hold() -> None:
    vectors = json.loads((Path(__file__).parent / "data" / "firmware_vectors.json").read_text())
    key = bytes.fromhex(vectors["key"])
    for one in vectors["messages"]:
        message = ota.decode(bytes.fromhex(one["bytes"]), key)
        assert message is not None
        assert (type(message).__name__.lower(), message.body().hex()) == (one["kind"], one["body"])
        assert ota.encode(message, key).hex() == one["bytes"]
    mac = vectors["mac"]
    made = ota.manifest_mac(mac["number"], mac["manifest"].encode(), key)
    assert made.hex() == mac["mac"]


def test_a_message_under_another_key_is_nothing(bench: Bench) -> None:
    bench.want("rating5-1.1")
    (offer,) = bench.updates.due("hop-3", "1.0")
    assert bench.terminal.hear(ota.encode(offer, bytes(32))) == []
    assert bench.terminal.hear(b"") == []


def test_a_package_that_cannot_be_had_now_is_asked_for_again_and_a_bad_one_is_not(
    bench: Bench,
) -> None:
    asked: list[str] = []

    def get(name: str) -> Package:
        asked.append(name)
        if len(asked) == 1:
            raise NotFetched("away")
        raise BadPackage("signature")

    bench.updates.get = get
    bench.want("rating5-1.1")
    assert bench.word == "not_fetched"
    bench.due()
    assert len(asked) == 1
    bench.at += FETCH_AGAIN_S
    bench.due()
    assert bench.word == "bad signature"
    bench.at += 3_600
    bench.due()
    assert len(asked) == 2


def test_a_wish_taken_back_ends_it(bench: Bench) -> None:
    bench.want("rating5-1.1")
    bench.carry(bench.due(), pieces=5)
    bench.updates.want({})
    assert (bench.word, bench.due()) == ("", [])


# --- with real brokers and a real centre ---

WIFI = """
[[bridge.wifi]]
name = "hop-3"
counter = 3
"""


@pytest.fixture
def room(tmp_path: Path) -> Iterator[ForeignRoom]:
    keys = f"[bridge]\nfirmware_keys = {json.dumps(TRUSTED)}\n"
    with foreign_room(tmp_path, WIFI) as made:
        made.file.write_text(keys + made.file.read_text())
        shelf = made.data / "firmware"
        shelf.mkdir()
        (shelf / "rating5-1.1.zip").write_bytes(packed())
        yield made


def test_a_wish_at_the_centre_becomes_new_firmware_on_a_terminal(
    room: ForeignRoom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pretend_terminal, "FIRMWARE", (1, 0))
    bridge = room.open()
    key = settings.read_key(room.data / "terminals" / "hop-3.key")
    top = "motcua-terminals/hop-3"
    client = room.device(f"{top}/down", f"{top}/firmware/down")
    own = PretendTerminal(1, key, PressLog(tmp_path / "log.json"))
    wifi = PretendWifi(own, lambda payload: client.paho.publish(f"{top}/up", payload, 1))
    update = PretendUpdate(tmp_path / "flash", key)

    def say(said: list[bytes]) -> None:
        for payload in said:
            client.paho.publish(f"{top}/firmware/up", payload, 1)

    def restarted() -> None:
        major, minor = map(int, update.version.split("."))
        monkeypatch.setattr(pretend_terminal, "FIRMWARE", (major, minor))
        say(update.start())
        wifi.greet()

    update.restarted = restarted
    client.paho.on_message = lambda _c, _d, said: (
        say(update.hear(said.payload))
        if said.topic.endswith("/firmware/down")
        else wifi.hear(said.payload)
    )
    wifi.greet()
    room.home.devices.want_firmware("bridge-1", "hop-3", "rating5-1.1", 1, "kythuat01")
    room.devices_changed()
    assert wait_for(lambda: [t.update for t in bridge.terminals()] == ["done"], 20)
    (seen,) = bridge.terminals()
    assert (seen.version, update.version) == ("1.1", "1.1")


def test_a_package_goes_from_a_folder_to_the_bridge_by_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "source"
    (source / "lib").mkdir(parents=True)
    (source / "main.py").write_bytes(b"print(1)\n")
    (source / "lib" / "x.py").write_bytes(b"x = 1\n")
    key, made = tmp_path / "sign.pem", tmp_path / "rating5-2.0.zip"

    def motcua(*words: object) -> int:
        return command.main(["firmware", *map(str, words)])

    assert motcua("key", key) == 0
    public = capsys.readouterr().out.split()[-1]
    assert key.stat().st_mode & 0o777 == 0o600
    make = ["make", source, "--name", "rating5", "--key", key, "--out", tmp_path]
    assert motcua(*make, "--version", "2.0") == 0
    assert motcua("check", made, "--public", public) == 0
    assert motcua("check", made, "--public", TRUSTED[0]) == 1
    assert "signature" in capsys.readouterr().err
    with running_centre(tmp_path, f'\n[firmware]\nkeys = ["{public}"]\n') as centre:
        at = ["--data", centre.data]
        assert motcua("add", made, *at) == 0
        assert motcua("list", *at) == 0
        assert "rating5-2.0" in capsys.readouterr().out
        devices = Devices(centre.data / "devices.db", "0" * 64)
        secret, _ = split_code(devices.add(DeviceKind.BRIDGE, "bridge-1", None, 0))
        own = devices.redeem(secret, 1).credentials(centre="c", host="", port=0, web=centre.web)
        shelf = PackageShelf(own, tmp_path / "shelf", (public,))
        assert shelf.get("rating5-2.0").files == (b"x = 1\n", b"print(1)\n")
        with pytest.raises(NotFetched):
            shelf.get("rating5-9.9")
        nobody = msgspec.structs.replace(own, password="guessed")
        with pytest.raises(NotFetched, match="401"):
            PackageShelf(nobody, tmp_path / "other", (public,)).get("rating5-2.0")
        with pytest.raises(BadPackage, match="signature"):
            PackageShelf(own, tmp_path / "other", tuple(TRUSTED)).get("rating5-2.0")
        assert motcua("want", "bridge-1", "hop-3", "rating5-2.0", *at) == 0
        assert devices.wanted()["bridge-1"].config.firmware == {"hop-3": "rating5-2.0"}
        technician = centre.as_("kythuat01")
        path = "/api/devices/bridge-1/terminals/hop-3/firmware"
        with pytest.raises(Refused, match="404"):
            centre.call("PUT", path, {"package": "rating5-9.9"}, technician)
        centre.call("PUT", path, {"package": ""}, technician)
        until(lambda: devices.wanted()["bridge-1"].config.firmware == {}, "nothing wanted")
        devices.close()
    assert PackageShelf(own, tmp_path / "shelf", (public,)).get("rating5-2.0")
